"""The Plate dock's view: knows no viewer and opens nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_lexicon.analysis.image_words import of_images
from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.fold import Fold
from napari_lexicon.widgets.basic.image_words import AS_WRITTEN
from napari_lexicon.widgets.basic.later import later
from napari_lexicon.widgets.basic.scroll import LowContent, TallContent
from napari_lexicon.widgets.plate.color_by import ColorByChooser
from napari_lexicon.widgets.plate.finding import EXAMPLES
from napari_lexicon.widgets.plate.grid import PlateGrid
from napari_lexicon.widgets.plate.pattern_form import PatternForm
from napari_lexicon.widgets.plate.scale_view import ScaleView
from napari_lexicon.widgets.plate.status import BESIDE_TIPS, WALK_TIP
from napari_lexicon.widgets.plate.well_list import WellList

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from napari_lexicon.viewer.colors import RGB
    from napari_lexicon.widgets.plate.layout import PlateLayout

_AROUND = 84  # pixels to be seen above and below the current well: in the last row what the colours mean
_SETTLED_MS = 200
_SEARCH_PAUSE_MS = 250


class PlateView(QWidget):
    """A plate: what it is, its wells in colours, what the colours mean, which field is shown.

    Its value is the selection of wells.

    Signals
    -------
    valueChanged(frozenset of str)
        Another selection.
    wellActivated(str)
        Open this well.
    wellHovered(str or None)
        The mouse is over this well.
    walked(str)
        One of the walking buttons: a name in :data:`napari_lexicon.viewer.pointer.KEYS`.
    besideChosen(str)
        What to show beside the current well: ``""``, ``"well"``, ``"control"`` or ``"selection"``.
    searched(str)
        Select the wells that a text asks for.
    plateChosen(int)
        Another plate of the lexicon, by its place in the list.
    mapClicked()
        Use the plate map that is offered, or choose one.
    themeChanged()
        Colours made from the theme are due again.
    """

    valueChanged = Signal(object)
    wellActivated = Signal(str)
    wellHovered = Signal(object)
    walked = Signal(str)
    besideChosen = Signal(str)
    searched = Signal(str)
    plateChosen = Signal(int)
    mapClicked = Signal()
    themeChanged = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = Caption(bold=True, strength=1.0, step=1.5)
        self.title.setObjectName("plate_title")
        self.open_button = QPushButton("Open")
        self.open_button.setObjectName("plate_open_menu")
        self.open_button.setToolTip("Open another plate, a folder of images, a lexicon, or add a plate map.")
        self.summary = Caption(step=-0.5)
        self.summary.setObjectName("plate_summary")
        self.problems = Caption(step=-0.5, strength=0.9)
        self.problems.setObjectName("plate_problems")
        self.pattern = PatternForm()
        self.note = Fold(self.pattern)
        self.note.line.setObjectName("plate_note")
        self.map_button = QPushButton()
        self.map_button.setObjectName("add_plate_map")
        self.map_button.setProperty(AS_WRITTEN, True)
        self.map_button.clicked.connect(self.mapClicked)
        self.map_line = Caption(wrap=True, step=-0.5)
        self.map_line.setObjectName("why_no_plate_map")
        self.plates = QComboBox()
        self.plates.setObjectName("plates_of_lexicon")
        self.plates.setToolTip("The plates of this lexicon: choose the one to look at.")
        self.plates.setVisible(False)
        self.plates.activated.connect(self.plateChosen)
        self.search = QLineEdit()
        self.search.setObjectName("well_search")
        self.search.setPlaceholderText("Select wells: dose > 1, DMSO, B03…")
        self.search.setClearButtonEnabled(True)
        self.search.setToolTip(f"Selects the wells for which this is so, for example: {EXAMPLES}.")
        self.search_line = Caption(step=-0.5)
        self.search_line.setObjectName("well_search_line")
        self.search_line.setVisible(False)
        self._pause = later(self, _SEARCH_PAUSE_MS, lambda: self.searched.emit(self.search.text()))
        # a plate that opens brings lines that move the grid
        self._settled = later(self, _SETTLED_MS, self._scroll_to_current)
        self.search.textEdited.connect(lambda: self._pause.start())
        self.search.returnPressed.connect(self._search_now)
        self.search.textChanged.connect(lambda text: None if text else self.searched.emit(""))
        self.color_by = ColorByChooser()
        self.grid = PlateGrid()
        self.list = WellList()
        self.scale = ScaleView()
        self.well_line = Caption(strength=0.95)
        self.well_line.setObjectName("well_line")
        self._build()
        for wells in (self.grid, self.list):
            wells.valueChanged.connect(self._told)
            wells.wellActivated.connect(self.wellActivated)
            wells.wellHovered.connect(self.wellHovered)

    def _search_now(self) -> None:
        self._pause.stop()
        self.searched.emit(self.search.text())

    def _build(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(6)
        top.addWidget(self.title, 1)
        top.addWidget(self.plates, 1)
        top.addWidget(self.open_button)
        upper = LowContent()
        box = QVBoxLayout(upper)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addWidget(self.summary)
        box.addWidget(self.problems)
        box.addWidget(self.map_button)
        box.addWidget(self.map_line)
        box.addWidget(self.note)
        box.addSpacing(2)
        box.addWidget(self.search)
        box.addWidget(self.search_line)
        box.addWidget(self.color_by)
        box.addWidget(self.grid)
        box.addWidget(self.list, 1)
        box.addWidget(self.scale)
        box.addStretch(0)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(4)
        self._above = TallContent(upper)
        whole.addLayout(top)
        whole.addWidget(self._above, 1)  # opening and walking are always in reach, however low the dock
        whole.addWidget(self.well_line)
        whole.addLayout(self._walk_buttons())
        whole.addLayout(self._beside_buttons())

    def _walk_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        self.walk_buttons: dict[str, QPushButton] = {}
        for name, text in (
            ("previous_well", "‹ well"),
            ("next_well", "well ›"),
            ("previous_field", "‹ field"),
            ("next_field", "field ›"),
            ("next_hit", "next hit"),
        ):
            button = QPushButton(text)
            button.setObjectName(name)
            button.setToolTip(WALK_TIP)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setMinimumWidth(44)  # five of them decide how narrow the dock can be
            button.clicked.connect(lambda checked=False, name=name: self.walked.emit(name))
            self.walk_buttons[name] = button
            row.addWidget(button, 1)
        return row

    def _beside_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        self.beside_buttons: dict[str, QPushButton] = {}
        for kind, text in (("well", "whole well"), ("control", "beside control"), ("selection", "selected wells")):
            button = QPushButton(text)
            button.setObjectName(f"beside_{kind}")
            button.setCheckable(True)
            button.setToolTip(BESIDE_TIPS[kind])
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda checked, kind=kind: self.besideChosen.emit(kind if checked else ""))
            self.beside_buttons[kind] = button
            row.addWidget(button, 1)
        return row

    # value ----------------------------------------------------------------------------------------------------------

    @property
    def wells(self) -> PlateGrid | WellList:
        """The grid, or the list where wells have no place."""
        return self.list if self._free else self.grid

    _free = False

    def value(self) -> frozenset[str]:
        """Selected wells."""
        return self.wells.value()

    def setValue(self, wells: frozenset[str]) -> None:
        """Select wells."""
        self.wells.setValue(wells)

    def setPlate(self, layout: PlateLayout, title: str, summary: str, problems: str, problems_tip: str) -> None:
        """Show another plate."""
        self._free = layout.free
        self.grid.setVisible(not layout.free)
        self.list.setVisible(layout.free)
        self.wells.setPlate(layout)
        self.title.setText(title)
        self.summary.setText(summary)
        self.problems.setText(problems)
        self.problems.setTip(problems_tip)
        self.problems.setVisible(bool(problems))

    def setMapOffer(self, table: str | None, why_not: str = "") -> None:
        """Offer a table as plate map; any where the name is empty, none where a plate map is there (None).

        ``why_not`` says why one that lies there is not offered.
        """
        self.map_line.setText(why_not)
        self.map_line.setVisible(bool(why_not))
        self.map_button.setVisible(table is not None)
        self.map_button.setText(f"Use {table} as plate map" if table else "Add a plate map…")
        what = "This table describes the wells of the plate." if table else "A table with a column of wells and others."
        self.map_button.setToolTip(self._said(f"Without a plate map nobody knows what was done to a well. {what}"))

    def setNote(self, note: str) -> None:
        """How a folder of images was read, where that can be changed; empty hides the line."""
        self.note.setVisible(bool(note))
        self.note.setValue(False)
        self.note.setText(note)

    def setColors(self, colors: Mapping[str, RGB]) -> None:
        """Colour the wells."""
        self.wells.setColors(colors)

    def setCurrent(self, well: str | None) -> None:
        """Mark the well that is shown, and scroll to it."""
        if well != self.wells.current():
            self._settled.start()
        self.wells.setCurrent(well)

    def _scroll_to_current(self) -> None:
        above, well = self.grid.parentWidget(), self.grid.current()
        if above is not None and well is not None and self.grid.isVisible():
            self._above.ensureVisible(0, self.grid.mapTo(above, self.grid.wellCenter(well)).y(), 0, _AROUND)

    def setTip(self, tip: Callable[[str], str]) -> None:
        """What hovering says about a well."""
        self.grid.setTip(tip)
        self.list.setTip(tip)

    def setWalkReasons(self, reasons: Mapping[str, str | None]) -> None:
        """Enable the walking buttons, or say on them why they are disabled."""
        for name, button in self.walk_buttons.items():
            reason = reasons.get(name)
            button.setEnabled(reason is None)
            button.setToolTip(reason or self._said(WALK_TIP))

    def setSearchLine(self, sentence: str) -> None:
        """What the search found, or why it cannot be understood."""
        self.search_line.setText(sentence)
        self.search_line.setVisible(bool(sentence))

    def setPlates(self, names: Sequence[str], current: int) -> None:
        """Offer the plates of the lexicon; one alone is no choice."""
        self.plates.clear()
        self.plates.addItems(list(names))
        self.plates.setCurrentIndex(current)
        self.plates.setVisible(len(names) > 1)
        self.title.setVisible(len(names) <= 1)

    def setBeside(self, kind: str, reasons: Mapping[str, str | None]) -> None:
        """Show what stands beside the current well, and why something cannot."""
        for name, button in self.beside_buttons.items():
            reason = reasons.get(name)
            button.setChecked(name == kind)
            button.setEnabled(reason is None or name == kind)
            button.setToolTip(self._said(reason or BESIDE_TIPS[name]))

    def _said(self, text: str) -> str:
        """A text about wells as it is said of this plate."""
        return of_images(text) if self._free else text

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange:
            self.themeChanged.emit()

    def _told(self) -> None:
        if self.sender() is self.wells:
            self.valueChanged.emit(self.value())
