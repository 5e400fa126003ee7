"""What the map of a feature is made of: the code or the direction, and how fine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtGui import QStandardItemModel
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.workspace.links import Controller
from napari_lexicon.widgets.workspace.state import MapLook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_lexicon.widgets.workspace.workspace import Workspace

_KINDS = (("auto", "auto"), ("code", "code"), ("direction", "direction"))
_FINER = (("16 px", 1), ("8 px", 2), ("4 px", 4))


class LookControls(QWidget):
    """What the map is made of: its value is a :class:`MapLook`.

    Signals
    -------
    valueChanged(MapLook)
        Another look.
    """

    valueChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value = MapLook()
        self.caption = Caption("Map", fit=True)
        self.caption.setFixedWidth(self.caption.fontMetrics().horizontalAdvance("reading… "))
        self.kind = self._box("map_kind", _KINDS)
        self.kind.setToolTip(
            "code: the features that the patch is made of; most are 0.\n"
            "direction: how far every patch lies along the feature, in standard deviations of control patches.\n"
            "auto: as the table reads features. By code: the code, and the direction of a named feature whose code is "
            "in no patch of the plate."
        )
        self.kind.setMinimumContentsLength(4)  # "direction" fits beside "16 px" in the narrowest dock
        self.finer = self._box("map_finer", _FINER)
        self.finer.setMinimumContentsLength(2)
        self.finer.setToolTip(
            "Read the field again, shifted by a half or a quarter of a patch, and average. Takes 4 or 16 times as long "
            "as reading it once: some seconds for a field, once."
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.caption)
        row.addWidget(self.kind, 1)
        row.addWidget(self.finer)

    def value(self) -> MapLook:
        """The look."""
        return self._value

    def setValue(self, look: MapLook) -> None:
        """Show another look."""
        self.kind.setCurrentIndex(self.kind.findData(look.kind))
        self.finer.setCurrentIndex(self.finer.findData(look.finer))
        if look != self._value:
            self._value = look
            self.valueChanged.emit(look)

    def setPatch(self, patch: int) -> None:
        """Offer the parts that a patch of so many pixels can be divided into."""
        model = self.finer.model()
        for row in range(self.finer.count()):
            finer = self.finer.itemData(row)
            self.finer.setItemText(row, f"{patch // finer} px")
            item = model.item(row) if isinstance(model, QStandardItemModel) else None
            if item is not None:
                item.setEnabled(patch % finer == 0)

    def setReading(self, reading: bool) -> None:
        """Say that the field is being read closer."""
        self.caption.setText("reading…" if reading else "Map")

    def _box(self, name: str, items: Sequence[tuple[str, object]]) -> QComboBox:
        box = QComboBox()
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(3)
        box.setObjectName(name)
        for text, value in items:
            box.addItem(text, value)
        box.activated.connect(self._told)
        return box

    def _told(self) -> None:
        look = MapLook(self.kind.currentData(), self.finer.currentData())
        if look != self._value:
            self._value = look
            self.valueChanged.emit(look)


class LookController(Controller):
    """The look to the controls, and back."""

    def __init__(self, workspace: Workspace, controls: LookControls) -> None:
        super().__init__(workspace, controls)
        self._controls = controls
        state, fine = workspace.state, workspace.fine
        self.link(state.lookChanged, controls.setValue)
        self.link(state.lexiconChanged, self._show_patch)
        self.link(fine.changed, lambda: controls.setReading(fine.reading))
        self.link(controls.valueChanged, state.set_look)
        controls.setValue(state.look)
        self._show_patch()

    def _show_patch(self, _: object = None) -> None:
        lexicon = self.workspace.state.lexicon
        if lexicon is not None:
            self._controls.setPatch(lexicon.backbone.patch)
