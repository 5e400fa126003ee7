"""Where cells come from, in one row or two."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QGridLayout, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.cells.measuring import FILES, LAYER, NUCLEI, CellSource

if TYPE_CHECKING:
    from collections.abc import Sequence

_USUAL = {"µm": 12.0, "px": 20.0}
"""Diameters of nuclei, by their unit."""
_FILE, _FOLDER = "a label image…", "a folder of label images…"


class SourceForm(QWidget):
    """Its value is a :class:`CellSource`.

    Signals
    -------
    valueChanged(CellSource)
        Another one.
    fileWanted(bool)
        A person wants to choose a file, or (True) a folder.
    """

    valueChanged = Signal(object)
    fileWanted = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value = CellSource()
        self._channels: list[str] = []
        self._layers: list[str] = []
        self._path = ""
        self.what = QComboBox()
        self.what.setObjectName("cell_source")
        self.what.setToolTip(
            "Find nuclei by brightness (threshold and watershed), or take cells that another tool has found: a Labels "
            "layer of this viewer, a label image, or a folder of label images named like the images."
        )
        self.diameter = QDoubleSpinBox()
        self.diameter.setObjectName("nucleus_diameter")
        self.diameter.setRange(1, 500)
        self.diameter.setDecimals(1)
        self.diameter.setMinimumWidth(76)
        self.diameter.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self.diameter.setToolTip("Usual diameter of a nucleus: blobs much smaller are left out, larger ones are split.")
        self.what.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.what.setMinimumContentsLength(10)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.addWidget(Caption("Cells:", fit=True), 0, 0)
        grid.addWidget(self.what, 0, 1)
        grid.addWidget(self.diameter, 0, 2)
        grid.setColumnStretch(1, 1)
        self.what.activated.connect(self._chosen)
        self.diameter.valueChanged.connect(self._told)
        self._fill()

    def value(self) -> CellSource:
        """The source."""
        return self._value

    def setValue(self, source: CellSource) -> None:
        """Choose a source."""
        if source.kind == FILES:
            self._path = source.name
        changed, self._value = source != self._value, source
        self._fill()
        if changed:
            self.valueChanged.emit(source)

    def setChannels(self, channels: Sequence[str], nuclear: str, unit: str) -> None:
        """Offer to find nuclei in these channels."""
        self._channels = list(channels)
        suffix = f" {unit}"
        other, usual = suffix != self.diameter.suffix(), _USUAL[unit]
        self.diameter.setSuffix(suffix)
        if self._value.kind == NUCLEI and self._value.name not in self._channels and channels:
            self.setValue(CellSource(NUCLEI, nuclear, usual))
        elif other:  # 60 pixels are not 60 µm
            self.setValue(replace(self._value, diameter=usual))
        self._fill()

    def setLayers(self, layers: Sequence[str]) -> None:
        """Offer these Labels layers."""
        if list(layers) != self._layers:
            self._layers = list(layers)
            if self._value.kind == LAYER and self._value.name not in self._layers and self._channels:
                self.setValue(CellSource(NUCLEI, self._channels[0], self._value.diameter))
            self._fill()

    def _fill(self) -> None:
        self.what.clear()
        for name in self._channels:
            self.what.addItem(f"nuclei in {name}", (NUCLEI, name))
        for name in self._layers:
            self.what.addItem(f"layer {name}", (LAYER, name))
        if self._path:
            self.what.addItem(self._path.replace("\\", "/").rsplit("/", 1)[-1], (FILES, self._path))
        self.what.addItem(_FILE, (_FILE, ""))
        self.what.addItem(_FOLDER, (_FOLDER, ""))
        keys = [self.what.itemData(row) for row in range(self.what.count())]
        mine = (self._value.kind, self._value.name)
        self.what.setCurrentIndex(next((row for row, key in enumerate(keys) if tuple(key) == mine), -1))
        self.diameter.setVisible(self._value.kind == NUCLEI)
        self.diameter.blockSignals(True)
        self.diameter.setValue(self._value.diameter)
        self.diameter.blockSignals(False)

    def _chosen(self) -> None:
        kind, name = self.what.currentData()
        if kind in (_FILE, _FOLDER):
            self._fill()
            self.fileWanted.emit(kind == _FOLDER)
            return
        self.setValue(replace(self._value, kind=kind, name=name))

    def _told(self, diameter: float) -> None:
        self.setValue(replace(self._value, diameter=diameter))
