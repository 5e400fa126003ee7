"""Teaching a feature: what it is called, and what has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.primary_button import PrimaryButton
from napari_lexicon.widgets.basic.segments import Segments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QKeyEvent

    from napari_lexicon.widgets.workspace.pointing import Pointed

PLACES, WELLS = "places", "wells"
_WAYS = {
    WELLS: ("Wells", "By wells that have it, beside wells that have not: a treatment beside its controls."),
    PLACES: ("Places in images", "By patches, cells or regions that are pointed at in images."),
}
_HOW = (
    "Click a patch or a cell in the image, or draw around something; then “Teach by this” (Features, page Click). "
    "Tick what has it: a line that is not ticked has it not. Where all are ticked, the rest of the fields has it not. "
    "Subtle things need both kinds: cells that have it, and cells that have not."
)
_TRY = (
    "Lay over the image what these wells or places find, anew with every further one, before anything is taught. "
    "Choosing a feature shows that feature again."
)
_MORE = "The patches of all fields that are most like it by their codes: to be judged, and pointed at as well."
_MOST_ROWS = 8


class _List(QListWidget):
    """Lines that go with the Delete key."""

    deleted = Signal(int)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self.currentRow() >= 0:
            self.deleted.emit(self.currentRow())
            return
        super().keyPressEvent(event)


class TeachForm(QWidget):
    """A name, and wells or places. Its value is the way: ``wells`` or ``places``.

    Signals
    -------
    valueChanged(str)
        The other way, or another name.
    likeChanged(int, bool)
        Whether the place in this line has it.
    removed(int), placeActivated(int)
        Forget the place in this line; show it.
    againstChanged()
        Other wells to compare with.
    channelChanged(str)
        Another channel to learn in, empty for the best one.
    tryChanged(bool)
        Whether what wells or places find is to be seen on the image.
    moreClicked()
        Look for what they find all over the plate.
    teachClicked()
        The button.
    """

    valueChanged = Signal(str)
    likeChanged = Signal(int, bool)
    removed = Signal(int)
    placeActivated = Signal(int)
    againstChanged = Signal()
    channelChanged = Signal(str)
    tryChanged = Signal(bool)
    moreClicked = Signal()
    teachClicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = QLineEdit()
        self.name.setObjectName("taught_name")
        self.name.setPlaceholderText("What it is to find: scattered Golgi")
        self.name.setToolTip("The new feature gets this name.")
        self.ways = Segments(_WAYS, "teach_by")
        self.trial = QCheckBox("Show what they find")
        self.trial.setObjectName("show_trial")
        self.trial.toggled.connect(self.tryChanged)
        self.more = QPushButton("Find more on the plate")
        self.more.setObjectName("trial_more")
        self.more.clicked.connect(self.moreClicked)
        self.trial_note = Caption(wrap=True, step=-0.5)
        self.trial_note.setObjectName("trial_note")
        self.teach = PrimaryButton("Teach and read the plate")
        self.teach.setObjectName("teach")
        self.note = Caption(wrap=True, step=-0.5, strength=0.65, centred=True)
        self.note.setObjectName("teach_note")
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(7)
        box.addWidget(self.name)
        box.addWidget(self.ways)
        box.addWidget(self._wells_page())
        box.addWidget(self._places_page())
        box.addWidget(self._channel_row())
        trying = QHBoxLayout()
        trying.addWidget(self.trial, 1)
        trying.addWidget(self.more)
        box.addLayout(trying)
        box.addWidget(self.trial_note)
        box.addWidget(self.teach)
        box.addWidget(self.note)
        self.name.textChanged.connect(lambda: self.valueChanged.emit(self.value()))
        self.teach.clicked.connect(self.teachClicked)
        self.ways.valueChanged.connect(self._turn)
        self._turn(self.value())

    def _wells_page(self) -> QWidget:
        self._wells = QWidget()
        self.wells_line = Caption(wrap=True)
        self.wells_line.setObjectName("taught_wells")
        self.against = QComboBox()
        self.against.setObjectName("taught_against")
        self.against.setToolTip("Wells that have it not. They are compared within their plate.")
        self.against.currentIndexChanged.connect(self.againstChanged)
        box = QVBoxLayout(self._wells)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        for widget in (self.wells_line, Caption("beside", step=-0.5), self.against):
            box.addWidget(widget)
        return self._wells

    def _places_page(self) -> QWidget:
        self._places = QWidget()
        self.list = _List()
        self.list.setObjectName("taught_places")
        self.list.setToolTip("Ticked: it has it. Delete takes a line away, Return or a double click shows its place.")
        self.list.itemChanged.connect(self._ticked)
        self.list.itemActivated.connect(lambda item: self.placeActivated.emit(self.list.row(item)))
        self.list.deleted.connect(self.removed)
        box = QVBoxLayout(self._places)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addWidget(Caption(_HOW, wrap=True, step=-0.5))
        box.addWidget(self.list)
        return self._places

    def _channel_row(self) -> QWidget:
        self._channels = QWidget()
        self.channel = QComboBox()
        self.channel.setObjectName("taught_channel")
        self.channel.setToolTip(
            "The channel in which it shows, where you know: the best of many may be best by chance."
        )
        self.channel.currentIndexChanged.connect(lambda: self.channelChanged.emit(self.channel.currentData() or ""))
        row = QHBoxLayout(self._channels)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(Caption("Channel", fit=True))
        row.addWidget(self.channel, 1)
        return self._channels

    def value(self) -> str:
        """By wells or by places."""
        return self.ways.value()

    def setValue(self, way: str) -> None:
        """Choose the way."""
        self.ways.setValue(way)

    def _turn(self, way: str) -> None:
        self._wells.setVisible(way == WELLS)
        self._places.setVisible(way == PLACES)
        self.valueChanged.emit(way)

    def setPlaces(self, pointed: Sequence[Pointed]) -> None:
        """List what was pointed at."""
        current = self.list.currentRow()
        self.list.blockSignals(True)
        self.list.clear()
        for each in pointed:
            item = QListWidgetItem(each.line())
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if each.like else Qt.CheckState.Unchecked)
            self.list.addItem(item)
        self.list.setCurrentRow(min(current, len(pointed) - 1))
        self.list.blockSignals(False)
        self.list.setVisible(bool(pointed))
        self.list.setFixedHeight(self.list.sizeHintForRow(0) * min(_MOST_ROWS, len(pointed)) + 8)

    def setChannels(self, names: Sequence[str]) -> None:
        """Channels that can be learnt in; where there is no choice, none is offered."""
        self._channels.setVisible(len(names) > 1)
        if [self.channel.itemData(n) for n in range(self.channel.count())] == ["", *names]:
            return
        before = self.channel.currentData()
        self.channel.blockSignals(True)
        self.channel.clear()
        self.channel.addItem(f"the best of {len(names)}", "")
        for name in names:
            self.channel.addItem(name, name)
        self.channel.setCurrentIndex(max(0, self.channel.findData(before)))
        self.channel.blockSignals(False)
        if before and self.channel.currentData() != before:
            self.channelChanged.emit("")

    def setTrial(self, on: bool, reason: str | None, note: str, *, found: bool) -> None:
        """Whether what they find is on the image, why it cannot be, what is said of it, whether there is any."""
        self.trial.blockSignals(True)
        self.trial.setChecked(on)
        self.trial.blockSignals(False)
        self.trial.setEnabled(reason is None)
        self.trial.setToolTip(reason or _TRY)
        self.more.setEnabled(found)
        self.more.setToolTip(_MORE if found else "Show what they find first.")
        self.trial_note.setText(note)
        self.trial_note.setVisible(bool(note))

    def setWells(self, line: str, against: Sequence[tuple[str, str]]) -> None:
        """Which wells have it, and what they can be compared with: words and question."""
        self.wells_line.setText(line)
        if [self.against.itemData(n) for n in range(self.against.count())] != [question for _, question in against]:
            before = self.against.currentData()
            self.against.blockSignals(True)
            self.against.clear()
            for words, question in against:
                self.against.addItem(words, question)
            self.against.setCurrentIndex(max(0, self.against.findData(before)))
            self.against.blockSignals(False)
        for place, (words, _) in enumerate(against):
            self.against.setItemText(place, words)
        self.against.setEnabled(bool(against))

    def setReason(self, reason: str | None, note: str) -> None:
        """Enable the button, or say why it is disabled."""
        self.teach.setReason(reason, note)
        self.note.setText(reason or note)

    def _ticked(self, item: QListWidgetItem) -> None:
        self.likeChanged.emit(self.list.row(item), item.checkState() == Qt.CheckState.Checked)
