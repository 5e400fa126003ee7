"""The Cells dock's view."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_lexicon.analysis.cell_table import BRIGHTNESS
from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.primary_button import PrimaryButton
from napari_lexicon.widgets.basic.scatter import ScatterPlot
from napari_lexicon.widgets.cells.cell_set import AREA, FEATURE, CellFilter
from napari_lexicon.widgets.cells.source_form import SourceForm
from napari_lexicon.widgets.plate.scale_view import ScaleView

if TYPE_CHECKING:
    from collections.abc import Sequence

WELL = "well"
_TEACHING = (
    "Cells are found in the wells on the canvas, and every feature is averaged over each of them. Then: colour the "
    "cells by a feature, leave out debris by size, draw a line round cells in the plot and see them in the image, "
    "and save cells × features as AnnData."
)


class CellsView(QWidget):
    """Source, filter, plot of the cells of the shown fields.

    Signals
    -------
    measureClicked()
        Find and measure.
    axesChanged()
        Another measurement on an axis or in the colours.
    filterChanged(CellFilter)
        Other cells count.
    clearClicked()
        No gate.
    saveClicked(str)
        ``"shown"`` or ``"plate"``.
    removeClicked()
        Take the cells away.
    themeChanged()
        Colours made from the theme are due again.
    """

    measureClicked = Signal()
    axesChanged = Signal()
    filterChanged = Signal(object)
    clearClicked = Signal()
    saveClicked = Signal(str)
    removeClicked = Signal()
    themeChanged = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.source = SourceForm()
        self.measure = PrimaryButton("Find and measure cells")
        self.measure.setObjectName("measure_cells")
        self.note = Caption(wrap=True, step=-0.5)
        self.note.setObjectName("cells_note")
        self.teaching = Caption(_TEACHING, wrap=True)
        self.results = QWidget()
        self.across, self.up = self._axis("cells_x", "across"), self._axis("cells_y", "up")
        self.color_by = self._axis("cells_color", "in colours, here and in the image")
        self.plot = ScatterPlot()
        self.plot.setObjectName("cell_scatter")
        self.scale = ScaleView()
        self.gate = Caption(strength=0.95, wrap=True)
        self.gate.setObjectName("gate_line")
        self.clear = QPushButton("no gate")
        self.clear.setObjectName("clear_gate")
        self.clear.setToolTip("Select no cells (Esc).")
        self.whole = QCheckBox("whole cells only")
        self.whole.setObjectName("whole_cells")
        self.whole.setToolTip("Leave out cells that touch the edge of their field.")
        self.smallest = self._limit("smallest_cell", "Leave out cells smaller than this.", "no least")
        self.largest = self._limit("largest_cell", "Leave out cells larger than this.", "no most")
        self.save = QPushButton("Save…")
        self.save.setObjectName("save_cells")
        self.save.setToolTip("Cells × features as AnnData, with treatments, positions and the gate.")
        self.remove = QPushButton("Remove")
        self.remove.setObjectName("remove_cells")
        self.remove.setToolTip("Take the cells off the canvas.")
        self._filter = CellFilter()
        self._stands_in = ""
        self._build()
        self._connect()
        self.setFilter(self._filter)
        self.showResults(False)

    @staticmethod
    def _axis(name: str, where: str) -> QComboBox:
        combo = QComboBox()
        combo.setObjectName(name)
        combo.setToolTip(f"What is shown {where}.")
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(5)
        combo.setMaxVisibleItems(24)
        return combo

    @staticmethod
    def _limit(name: str, tip: str, none: str) -> QDoubleSpinBox:
        spin = QDoubleSpinBox()
        spin.setObjectName(name)
        spin.setToolTip(tip)
        spin.setRange(0, 1e7)
        spin.setDecimals(0)
        spin.setSpecialValueText(none)
        spin.setKeyboardTracking(False)
        spin.setMinimumWidth(60)
        spin.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        return spin

    def _build(self) -> None:
        axes = QGridLayout()
        axes.setHorizontalSpacing(6)
        axes.setVerticalSpacing(4)
        for place, (text, combo) in enumerate((("Across", self.across), ("Up", self.up), ("Colour by", self.color_by))):
            axes.addWidget(Caption(text, fit=True, step=-0.5), 0, place)
            axes.addWidget(combo, 1, place)
            axes.setColumnStretch(place, 1)
        limits = QHBoxLayout()
        limits.setSpacing(5)
        self.area = Caption("Area", fit=True)
        for widget in (self.area, self.smallest, self.largest):
            limits.addWidget(widget)
        bottom = QHBoxLayout()
        bottom.setSpacing(5)
        bottom.addWidget(self.whole, 1)
        for button in (self.clear, self.save, self.remove):
            bottom.addWidget(button)
        inner = QVBoxLayout(self.results)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(5)
        inner.addLayout(limits)
        inner.addLayout(axes)
        inner.addWidget(self.plot, 1)
        inner.addWidget(self.scale)
        inner.addWidget(self.gate)
        inner.addLayout(bottom)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(self.source)
        box.addWidget(self.measure)
        box.addWidget(self.note)
        box.addWidget(self.teaching)
        box.addWidget(self.results, 1)
        box.addStretch(0)

    def _connect(self) -> None:
        menu = QMenu(self)
        menu.setObjectName("save_menu")
        menu.addAction("The cells shown…", lambda: self.saveClicked.emit("shown"))
        menu.addAction("The cells of the whole plate…", lambda: self.saveClicked.emit("plate"))
        self.save.setMenu(menu)
        self.measure.clicked.connect(self.measureClicked)
        for combo in (self.across, self.up, self.color_by):
            combo.activated.connect(lambda: self.axesChanged.emit())
        for spin in (self.smallest, self.largest):
            spin.valueChanged.connect(self._limited)
        self.whole.toggled.connect(self._limited)
        self.clear.clicked.connect(self.clearClicked)
        self.remove.clicked.connect(self.removeClicked)

    # value ----------------------------------------------------------------------------------------------------------

    def filter(self) -> CellFilter:
        """Which cells count."""
        return self._filter

    def setFilter(self, wanted: CellFilter) -> None:
        """Let other cells count; says nothing."""
        self._filter = wanted
        for widget in (self.smallest, self.largest, self.whole):
            widget.blockSignals(True)
        self.smallest.setValue(wanted.smallest)
        self.largest.setValue(wanted.largest)
        self.whole.setChecked(wanted.whole)
        for widget in (self.smallest, self.largest, self.whole):
            widget.blockSignals(False)

    def setMeasure(self, reason: str | None, note: str) -> None:
        """Enable the button, or say why not; and what was found."""
        self.measure.setEnabled(reason is None)
        self.measure.setToolTip(reason or "Find the cells of the fields on the canvas and measure them.")
        self.note.setText(reason or note)
        self.note.setVisible(bool(reason or note))

    def setChoices(self, choices: Sequence[tuple[str, str]], unit: str, well: str = "well") -> None:
        """What can be on the axes; what is chosen stays where it is offered.

        Before features are computed, brightness stands in for the chosen one, and gives way to it.
        """
        self.area.setText(f"Area, {unit}")
        colors = [*choices[:1], (WELL, well), *choices[1:]]
        keys = [key for key, _ in choices]
        instead = FEATURE if FEATURE in keys else next((key for key in keys if key.startswith(BRIGHTNESS)), AREA)
        stood_in, self._stands_in = self._stands_in, "" if instead == FEATURE else instead
        for combo, default, offered in (
            (self.across, instead, choices),
            (self.up, AREA, choices),
            (self.color_by, instead, colors),
        ):
            old = combo.currentData() or default
            combo.clear()
            for key, title in offered:
                combo.addItem(title, key)
            found = combo.findData(old if old != stood_in else default)
            combo.setCurrentIndex(found if found >= 0 else combo.findData(default))

    def axes(self) -> tuple[str, str, str]:
        """Keys across, up, in colours."""
        return str(self.across.currentData()), str(self.up.currentData()), str(self.color_by.currentData())

    def titles(self) -> tuple[str, str, str]:
        """The same in words."""
        return self.across.currentText(), self.up.currentText(), self.color_by.currentText()

    def showResults(self, shown: bool) -> None:
        """There are cells."""
        self.results.setVisible(shown)
        self.teaching.setVisible(not shown)

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange:
            self.themeChanged.emit()

    def _limited(self, _: object = None) -> None:
        wanted = replace(
            self._filter,
            smallest=self.smallest.value(),
            largest=self.largest.value(),
            whole=self.whole.checkState() == Qt.CheckState.Checked,
        )
        if wanted != self._filter:
            self._filter = wanted
            self.filterChanged.emit(wanted)
