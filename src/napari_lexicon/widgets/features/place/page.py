"""The page of a clicked place: what fires there, strongest first, or the patches that look like it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.segments import Segments
from napari_lexicon.widgets.features.gallery import Gallery
from napari_lexicon.widgets.features.spot_list import SpotList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_lexicon.widgets.features.spot_list import FiringFeature

PATCH, CELL, REGION = "patch", "cell", "region"
_SCOPES = {
    PATCH: ("Patch", "A click shows what fires in the patch under it."),
    CELL: (
        "Cell",
        "A click shows what fires in the cell under it, over its area. Takes any Labels layer.",
    ),
    REGION: (
        "Region…",
        "Draw around something to see what fires inside, over its area. Shapes of any Shapes layer are read as well.",
    ),
}
_TEACH_TIP = "Point at this, to teach the dictionary a feature that finds the like (Dictionary dock, Teach)."
_ALIKE_TIP = "Find the patches of the whole plate whose features are most like these. Key: M"


class PlacePage(QWidget):
    """A list of features, or a gallery.

    Signals
    -------
    alikeRequested(), furtherRequested(), backRequested()
        Find patches like this one; look through more fields; show the list of features again.
    teachRequested()
        Point at this, to teach a feature by it.
    scopeChosen(str)
        Read the patch, the cell or a region.
    """

    scopeChosen = Signal(str)

    alikeRequested = Signal()
    teachRequested = Signal()
    furtherRequested = Signal()
    backRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = Caption(wrap=True)
        self.line.setObjectName("spot_line")
        self.alike_line = Caption(wrap=True)
        self.alike_line.setObjectName("alike_line")
        self.spots, self.gallery = SpotList(), Gallery()
        self.gallery.setObjectName("alike_gallery")
        self.alike = self._button("more_like_this", "More like this", _ALIKE_TIP)
        self.teach = self._button("teach_by_this", "Teach by this", _TEACH_TIP)
        self.further = self._button("alike_further", "Look further", "Look through more fields of the plate.")
        self.back = self._button("alike_back", "Back to the features", "What fires at the place that was clicked.")
        self.alike.clicked.connect(self.alikeRequested)
        self.teach.clicked.connect(self.teachRequested)
        self.further.clicked.connect(self.furtherRequested)
        self.back.clicked.connect(self.backRequested)
        self.scopes = Segments(_SCOPES, "scope", wide=False)
        self.scopes.chosen.connect(self.scopeChosen)
        self.row = QHBoxLayout()
        self.row.setSpacing(4)
        self.row.addWidget(self.scopes)
        for button in (self.back, self.further):
            self.row.addWidget(button)
        self.row.addStretch(1)
        self.acts = QHBoxLayout()
        self.acts.setSpacing(4)
        self.acts.addWidget(self.alike, 1)
        self.acts.addWidget(self.teach, 1)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(6, 6, 6, 6)
        self._box.setSpacing(6)
        self._box.addLayout(self.row)
        self._box.addWidget(self.line)
        self._box.addLayout(self.acts)
        for widget in (self.spots, self.alike_line, self.gallery):
            self._box.addWidget(widget)
        self._box.addStretch(1)
        self.showAlike(False)

    def setSpots(self, line: str, features: Sequence[FiringFeature]) -> None:
        """What fires at the place."""
        self.line.setText(line)
        self.spots.setValue(features)
        self.setAlikeReason(None if features else "Click a patch in which something fires first.")

    def setScope(self, scope: str) -> None:
        """Show what is read: a patch, a cell or a region."""
        self.scopes.setValue(scope)

    def setCellReason(self, reason: str | None) -> None:
        """Why no cell can be read, None where one can."""
        self.scopes.setReason(CELL, reason)

    def setAlikeReason(self, reason: str | None) -> None:
        """Why nothing can be looked for now, None where it can."""
        self.alike.setEnabled(reason is None)
        self.alike.setToolTip(reason or _ALIKE_TIP)
        self.teach.setEnabled(reason is None)
        self.teach.setToolTip(reason or _TEACH_TIP)

    def showAlike(self, shown: bool, *, further: bool = False) -> None:
        """Show the gallery instead of the list."""
        found: tuple[QWidget, ...] = (self.back, self.alike_line, self.gallery)
        listed: tuple[QWidget, ...] = (self.line, self.spots, self.alike, self.teach, self.scopes)
        for widget in found:
            widget.setVisible(shown)
        for widget in listed:
            widget.setVisible(not shown)
        self.further.setVisible(shown and further)

    def showsAlike(self) -> bool:
        """Whether the gallery is shown."""
        return not self.gallery.isHidden()

    def _button(self, name: str, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        button.setToolTip(tip)
        return button
