"""The Features dock's view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_lexicon.lexicons.statistics import BEYOND
from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.elided_box import ElidedBox
from napari_lexicon.widgets.basic.ink import small_font
from napari_lexicon.widgets.basic.later import later
from napari_lexicon.widgets.basic.scroll import TallContent
from napari_lexicon.widgets.features.card import FeatureCard
from napari_lexicon.widgets.features.evidence.pages import EvidencePages, padded
from napari_lexicon.widgets.features.export_menu import ExportMenu
from napari_lexicon.widgets.features.gallery import Gallery
from napari_lexicon.widgets.features.notes import Notes
from napari_lexicon.widgets.features.place.page import PlacePage
from napari_lexicon.widgets.features.table import FeatureTable
from napari_lexicon.widgets.plate.coloring import column_title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QResizeEvent

_SEARCH_PAUSE_MS = 120
_LOW = 500  # pixels; a laptop at 150 % has some 400 for the dock
READINGS = (("by code", None), *((f"direction over {level:g} SD", level) for level in BEYOND))
"""How features are read: words and level."""


class FeaturesView(QWidget):
    """Search, table, card, gallery and the list of what fires at a place. Its value is the chosen feature.

    Signals
    -------
    valueChanged(int or None)
        Another feature is chosen.
    compareByChanged(str or None)
        Another column of the plate map to compare by.
    beyondChanged(float or None)
        Features are to be read by their direction, from so many standard deviations on, or by their code.
    galleryStyleChanged()
        All channels or one, in the gallery.
    """

    valueChanged = Signal(object)
    compareByChanged = Signal(object)
    beyondChanged = Signal(object)
    galleryStyleChanged = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.search = QLineEdit()
        self.search.setObjectName("search")
        self.search.setPlaceholderText("Search name, number, channel, well…")
        self.search.setClearButtonEnabled(True)
        self.search.setToolTip("Keeps features that hold every word: a name, #412, Mito, B03, a condition.")
        self.compare = ElidedBox()
        self.compare.setObjectName("compare_by")
        self.compare.setToolTip("Find features that tell conditions apart: choose a column of the plate map.")
        self.compare.setSizeAdjustPolicy(ElidedBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.compare.setMinimumContentsLength(11)
        self.menu = ExportMenu()
        self.count = Caption(step=-0.5)
        self.count.setObjectName("feature_count")
        self.read_by = ElidedBox()
        self.read_by.setObjectName("read_by")
        self.read_by.setFont(small_font(self, -0.5))
        for text, level in READINGS:
            self.read_by.addItem(text, level)
        self.read_by.setToolTip(
            "Which patches count as firing, in the table, on the plate, in groups, doses and questions.\n"
            "By code: those that are made of the feature, a few features per patch.\n"
            "By direction: all that lie so far along it, in standard deviations (SD) of control patches. On simulated\n"
            "plates it found more of what treatments do, over 1, 2 and 3 SD; on real images it made no difference."
        )
        self.read_by.showWhole()
        self.table = FeatureTable()
        self.card = FeatureCard()
        self.gallery, self.place = Gallery(), PlacePage()
        self.spots, self.spot_line = self.place.spots, self.place.line
        self.notes = Notes()
        self.all_channels = QCheckBox("all channels")
        self.all_channels.setObjectName("gallery_all_channels")
        self.all_channels.setToolTip("Show the tiles in all stains. Without it, the stain that fires, in grey.")
        self.tabs = QTabWidget()
        self.tabs.setStyleSheet("QTabBar::tab { padding: 3px 4px; margin: 0; min-width: 0; }")  # eight in a narrow dock
        bar = self.tabs.tabBar()
        assert bar is not None
        bar.setUsesScrollButtons(False)
        bar.setElideMode(Qt.TextElideMode.ElideRight)
        bar.setFont(small_font(self, -0.5))
        self.tabs.setObjectName("evidence")
        self._so_far, self._colour = "", False
        self._pause = later(self, _SEARCH_PAUSE_MS, self._search)
        self._build()
        self.search.textChanged.connect(lambda: self._pause.start())
        self.compare.activated.connect(lambda: self.compareByChanged.emit(self.compare.currentData()))
        self.read_by.activated.connect(lambda: self.beyondChanged.emit(self.read_by.currentData()))
        self.table.valueChanged.connect(self.valueChanged)
        self.table.table_model().modelReset.connect(self.count_rows)
        self.table.table_model().layoutChanged.connect(self.count_rows)
        self.all_channels.toggled.connect(lambda: self.galleryStyleChanged.emit())

    def _build(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(6)
        top.addWidget(self.search, 1)
        top.addWidget(self.compare)
        top.addWidget(self.menu)
        upper = QWidget()
        upper_box = QVBoxLayout(upper)
        upper_box.setContentsMargins(0, 0, 0, 4)
        upper_box.setSpacing(4)
        upper_box.addLayout(top)
        upper_box.addWidget(self.table, 1)
        bottom = QHBoxLayout()
        bottom.addWidget(self.count, 1)
        bottom.addWidget(self.read_by)
        upper_box.addLayout(bottom)
        self._lower = QWidget()
        lower_box = QVBoxLayout(self._lower)
        lower_box.setContentsMargins(0, 4, 0, 0)
        lower_box.setSpacing(6)
        lower_box.addWidget(self.card)
        lower_box.addWidget(self.tabs, 1)
        self.gallery_line = Caption("Choose a feature: the places where it fires most appear here.", wrap=True)
        self.tabs.addTab(TallContent(padded(self.all_channels, self.gallery_line, self.gallery)), "Strongest")
        self._place_tab = self.tabs.addTab(TallContent(self.place), "Click")
        self.tabs.setTabToolTip(0, "Where the feature fires most over the whole plate. Click a picture to go there.")
        self.tabs.setTabToolTip(1, "Click in the image: what fires there, and where on the plate is more like it?")
        self.evidence = EvidencePages(self.tabs)
        self.tabs.setTabToolTip(
            self.tabs.addTab(TallContent(self.notes), "Notes"), "Note, tags, colour, and how sure you are."
        )
        bar = self.tabs.tabBar()
        if bar is not None:
            bar.setObjectName("evidence_bar")
            bar.setExpanding(False)
            bar.setDrawBase(False)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(upper)
        splitter.addWidget(self._lower)
        splitter.setStretchFactor(0, 4)
        splitter.setStretchFactor(1, 7)
        splitter.setSizes([260, 400])
        upper.setMinimumHeight(110)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(splitter)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.showCard(False)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self.card.setLow(self.height() < _LOW)

    def value(self) -> int | None:
        """The chosen feature."""
        return self.table.value()

    def setValue(self, feature: int | None) -> None:
        """Choose a feature."""
        self.table.setValue(feature)
        self.spots.setChosen(feature)

    def setColumns(self, columns: Sequence[str], chosen: str | None) -> None:
        """Offer these columns of the plate map to compare by."""
        self.compare.blockSignals(True)
        self.compare.clear()
        self.compare.addItem("compare by…", None)
        for column in columns:
            self.compare.addItem(f"by {column_title(column)}", column)
        self.compare.setCurrentIndex(max(0, self.compare.findData(chosen)))
        self.compare.setEnabled(bool(columns))
        if not columns:
            self.compare.setToolTip("Add a plate map to find features that tell conditions apart.")
        self.compare.blockSignals(False)

    def setBeyond(self, beyond: float | None) -> None:
        """Features are read by their direction from so many standard deviations on; None: by their code."""
        self.read_by.setCurrentIndex(max(0, self.read_by.findData(beyond)))

    def showCard(self, shown: bool) -> None:
        """The card has something to show."""
        self.card.setVisible(shown)
        self.gallery_line.setVisible(not shown)
        self.gallery.setVisible(shown)
        several = self.card.channel.count() > 2 and not self._colour  # of one there is nothing to choose
        self.all_channels.setVisible(shown and several)

    def setColour(self, colour: bool) -> None:
        """Tiles are of colour images, which are shown as they are."""
        self._colour = colour

    def showPlace(self) -> None:
        """Bring the page of the clicked place to the front."""
        self.tabs.setCurrentIndex(self._place_tab)

    def _search(self) -> None:
        self.table.table_model().setSearch(self.search.text())

    def setFields(self, done: int, every: int) -> None:
        """How many fields went into the table; said while some are missing."""
        self._so_far = f" · {done:,} of {every:,} fields so far" if done < every else ""
        self.count_rows()

    def count_rows(self) -> None:
        """Say how many features are shown."""
        model = self.table.table_model()
        shown, every = model.rowCount(), model.n_features()
        if model.only() is not None:
            self.count.setText(f"{shown:,} of {every:,} features: those selected on the feature map")
            return
        if self.table.marked():
            self.count.setText(f"{len(self.table.marked()):,} selected of {shown:,} features shown")
            return
        of = f"{every:,} features" if shown == every else f"{shown:,} of {every:,} features"
        fire = " fire here" if shown != every and not self.search.text() else ""
        self.count.setText(f"{of}{fire}{self._so_far}")
