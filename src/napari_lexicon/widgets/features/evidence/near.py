"""Features near one: by the direction of their atoms, and by firing together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.features.spot_list import SpotList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_lexicon.widgets.features.spot_list import FiringFeature


class Near(QWidget):
    """Stability in words, and two lists. Its value is the pair of lists.

    Signals
    -------
    featureClicked(int)
        Choose this feature.
    """

    featureClicked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stability = Caption(wrap=True, step=-0.5, strength=0.8)
        self.stability.setObjectName("stability")
        self.together, self.alike = SpotList(), SpotList()
        self.together.setObjectName("fire_together")
        self.alike.setObjectName("alike_atoms")
        self.together_line = Caption(step=-0.5, strength=0.8)
        self.alike_line = Caption("Atoms that point the same way (cosine)", step=-0.5, strength=0.8)
        self.together_line.setTip(
            "Correlation of firing over the patches of a sample of fields. 1: always together, 0: as by chance."
        )
        self.alike_line.setTip("Cosine of the directions in the whitened space of the model. 1: the same direction.")
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(3)
        for widget in (self.stability, self.together_line, self.together, self.alike_line, self.alike):
            box.addWidget(widget)
        for spots in (self.together, self.alike):
            spots.featureClicked.connect(self.featureClicked)

    def value(self) -> tuple[list[FiringFeature], list[FiringFeature]]:
        """Features that fire together, and features alike."""
        return self.together.value(), self.alike.value()

    def setValue(
        self, together: Sequence[FiringFeature], alike: Sequence[FiringFeature], line: str, stability: str
    ) -> None:
        """Show other features."""
        self.together.setValue(together, most=1.0)  # a correlation of 0.05 is no long bar
        self.alike.setValue(alike, most=1.0)
        self.together_line.setText(line)
        self.stability.setText(stability)
        self.stability.setVisible(bool(stability))
        self.alike_line.setVisible(bool(alike))
        self.updateGeometry()
