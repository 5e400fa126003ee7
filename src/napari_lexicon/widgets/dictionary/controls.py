"""Choosing the control wells from the plate map, with a count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QVBoxLayout, QWidget

from napari_lexicon.analysis.image_words import of_images
from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.scroll import TallContent
from napari_lexicon.widgets.basic.words import counted
from napari_lexicon.widgets.plate.coloring import column_title, spoken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ALL = "all"
CONTROL_COLUMN, CONTROL_VALUE = "Metadata_pert_type", "negcon"
_MOST_VALUES = 60


def question(column: str, values: Sequence[object]) -> str:
    """The question put to the plate map: ``"Metadata_pert_type == 'negcon'"``, ``"Metadata_dose in [0, 1]"``."""
    written = [repr(value.item() if hasattr(value, "item") else value) for value in values]
    return f"{column} == {written[0]}" if len(written) == 1 else f"{column} in [{', '.join(written)}]"


class ControlsChooser(QWidget):
    """Which wells are controls. Its value is a question to the plate map, or ``"all"``; empty where none is chosen.

    Signals
    -------
    valueChanged(str)
        Other controls.
    """

    valueChanged = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._map = pd.DataFrame()
        self._said: Callable[[str], str] = str
        self._value = ALL
        self.column = QComboBox()
        self.column.setObjectName("control_column")
        self.column.setToolTip("The column of the plate map that says which wells are untreated.")
        self._boxes: list[tuple[QCheckBox, object]] = []
        ticks = QWidget()
        self._ticks = QVBoxLayout(ticks)
        self._ticks.setContentsMargins(2, 2, 2, 2)
        self._ticks.setSpacing(3)
        self.values = TallContent(ticks)
        self.values.setObjectName("control_values")
        self.values.setToolTip("Tick what counts as control. Features are measured against the spread of these wells.")
        self.count = Caption(step=-0.5)
        self.count.setObjectName("control_count")
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        for widget in (self.column, self.values, self.count):
            box.addWidget(widget)
        self.column.currentIndexChanged.connect(self._fill)
        self.setMap(self._map)

    def setMap(self, plate_map: pd.DataFrame, *, images: bool = False) -> None:
        """Choose from another plate map, of wells or of loose images; its negative controls are ticked."""
        self._map, self._said = plate_map, of_images if images else str
        self.column.blockSignals(True)
        self.column.clear()
        self.column.addItem(self._said("all wells"), ALL)
        for name in plate_map.columns:
            if 1 < plate_map[name].nunique() <= _MOST_VALUES or name == CONTROL_COLUMN:
                self.column.addItem(column_title(str(name)), str(name))
        usual = self.column.findData(CONTROL_COLUMN)
        has = usual >= 0 and (plate_map[CONTROL_COLUMN] == CONTROL_VALUE).any()
        self.column.setCurrentIndex(usual if has else 0)
        self.column.blockSignals(False)
        self._fill()

    def value(self) -> str:
        """The question."""
        return self._value

    def setValue(self, column: str, values: Sequence[object]) -> None:
        """Tick these values of a column."""
        self.column.setCurrentIndex(max(0, self.column.findData(column)))
        for box, value in self._boxes:
            box.setChecked(value in values)

    def reason(self) -> str | None:
        """Why nothing can be trained with this choice, None where it can."""
        return None if self._value else "Tick at least one value of the plate map that marks the control wells."

    def _fill(self) -> None:
        column = str(self.column.currentData())
        for box, _ in self._boxes:
            box.hide()
            box.deleteLater()
        self._boxes = []
        if column != ALL and column in self._map.columns:
            for value, n in self._map[column].value_counts(sort=False).sort_index().items():
                box = QCheckBox(f"{spoken(value)}  ·  {self._said(counted(int(n), 'well'))}")
                box.setObjectName(f"control {spoken(value)}")
                box.setToolTip(self._said("Ticked: these wells are controls."))
                box.setChecked(column == CONTROL_COLUMN and value == CONTROL_VALUE)
                box.toggled.connect(self._told)
                self._ticks.addWidget(box)
                self._boxes.append((box, value))
        before: QWidget = self.values
        for box, _ in self._boxes:  # they are newer than what stands beneath them, and Tab would come to them last
            QWidget.setTabOrder(before, box)
            before = box
        self.values.setFixedHeight(min(24 * len(self._boxes) + 8, 104))
        self.values.setVisible(column != ALL)
        self._told()

    def _told(self) -> None:
        column = str(self.column.currentData())
        if column == ALL:
            value, n = ALL, len(self._map)
        else:
            chosen = [value for box, value in self._boxes if box.isChecked()]
            value = question(column, chosen) if chosen else ""
            n = int(self._map[column].isin(chosen).sum())
        if value == ALL:
            self.count.setText(self._said("No controls: features are measured against all wells."))
        else:
            self.count.setText(self._said(f"{counted(n, 'control well')} of {len(self._map):,}"))
        if value != self._value:
            self._value = value
            self.valueChanged.emit(value)
