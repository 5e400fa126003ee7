"""What the Plate dock shows before a plate map is used: how its columns are read, and which wells are controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.primary_button import PrimaryButton
from napari_lexicon.widgets.basic.words import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_lexicon.plates.map_reading import Controls, MapReading

_LIST_HEIGHT = 110
_WIDEST_COMBO = 170


class ControlList(QWidget):
    """Treatments to tick. Its value is those that are ticked.

    Signals
    -------
    valueChanged(tuple)
    """

    valueChanged = Signal(tuple)

    def __init__(self, title: str, tip: str, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.items = QListWidget()
        self.items.setObjectName(name)
        self.items.setToolTip(tip)
        self.items.itemChanged.connect(lambda _: self.valueChanged.emit(self.value()))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(3)
        box.addWidget(Caption(title, bold=True))
        box.addWidget(self.items)

    def value(self) -> tuple[str, ...]:
        """Ticked treatments."""
        found = (self.items.item(row) for row in range(self.items.count()))
        ticked = (item for item in found if item is not None and item.checkState() == Qt.CheckState.Checked)
        return tuple(str(item.data(Qt.ItemDataRole.UserRole)) for item in ticked)

    def setValue(self, treatments: Sequence[tuple[str, int]], ticked: Sequence[str]) -> None:
        """Show treatments with the number of their rows; those that are ticked first."""
        self.items.blockSignals(True)
        self.items.clear()
        for treatment, count in sorted(treatments, key=lambda one: one[0] not in ticked):
            item = QListWidgetItem(f"{treatment}  ({count})")
            item.setData(Qt.ItemDataRole.UserRole, treatment)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if treatment in ticked else Qt.CheckState.Unchecked)
            self.items.addItem(item)
        self.items.blockSignals(False)
        rows = max(1, self.items.count()) * max(16, self.items.sizeHintForRow(0))
        self.items.setFixedHeight(min(_LIST_HEIGHT, rows + 2 * self.items.frameWidth() + 4))


class MapPage(QWidget):
    """Columns of a plate map, each with what it is taken for. Its value is what a person has chosen.

    Signals
    -------
    meaningsChanged()
        A column means something else.
    controlsChanged()
        Another treatment is a control.
    accepted()
        Use the plate map as it is read now.
    backClicked()
        Leave it.
    """

    meaningsChanged = Signal()
    controlsChanged = Signal()
    accepted = Signal()
    backClicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = Caption(bold=True, strength=1.0, step=1.5)
        self.columns = QWidget()
        self._grid = QGridLayout(self.columns)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(0, 1)
        self.choices: dict[str, QComboBox] = {}
        tip = "Their wells are what others are compared with. Ticked are those that the table or their names tell."
        self.negative = ControlList("Negative controls", tip, "map_negative")
        self.positive = ControlList(
            "Positive controls", "Treatments whose effect is known, for checks.", "map_positive"
        )
        self.sentence = Caption(wrap=True, strength=0.9)
        self.sentence.setObjectName("map_sentence")
        self.use = PrimaryButton()
        self.use.setText("Use this plate map")
        self.use.setObjectName("map_use")
        self.back = QPushButton("Back")
        self.back.setObjectName("map_back")
        self.back.setToolTip("Leave the plate as it is.")
        box = QVBoxLayout(self)
        box.setContentsMargins(4, 4, 4, 4)
        box.setSpacing(7)
        # What decides stands on top: a table may have thirty columns.
        buttons = QHBoxLayout()
        buttons.addWidget(self.use, 1)
        buttons.addWidget(self.back)
        box.addWidget(self.title)
        box.addWidget(self.sentence)
        box.addLayout(buttons)
        heading = Caption("How the columns are read", bold=True)
        for widget in (heading, self.columns, self.negative, self.positive):
            box.addWidget(widget)
        box.addStretch(1)
        self.negative.valueChanged.connect(lambda _: self.controlsChanged.emit())
        self.positive.valueChanged.connect(lambda _: self.controlsChanged.emit())
        self.use.clicked.connect(self.accepted)
        self.back.clicked.connect(self.backClicked)
        self.setReason("The table has not been read yet.")

    def setReading(self, name: str, reading: MapReading, meanings: Mapping[str, str]) -> None:
        """Show a table's columns and controls; ``meanings`` are all that a column can be, with their words."""
        self.title.setText(name)
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        self.choices = {}
        for row, column in enumerate(reading.columns):
            label = Caption(column.name)
            label.setTip(f"{column.name}: {column.examples}" if column.examples else column.name)
            combo = QComboBox()
            combo.setObjectName(f"map_column_{row}")
            combo.setToolTip(f"What the column is: {column.examples}")
            combo.setMaximumWidth(_WIDEST_COMBO)
            for key, words in meanings.items():
                combo.addItem(words, key)
            combo.setCurrentIndex(combo.findData(column.meaning))
            combo.activated.connect(lambda _: self.meaningsChanged.emit())
            self._grid.addWidget(label, row, 0)
            self._grid.addWidget(combo, row, 1)
            self.choices[column.name] = combo
        self.setControls(reading.controls)

    def setControls(self, controls: Controls) -> None:
        """Show treatments, and which of them are controls."""
        self.negative.setValue(controls.treatments, controls.negative)
        self.positive.setValue(controls.treatments, controls.positive)
        for part in (self.negative, self.positive):
            part.setVisible(bool(controls.treatments))

    def meanings(self) -> dict[str, str]:
        """What each column is taken for now."""
        return {name: str(combo.currentData()) for name, combo in self.choices.items()}

    def setSentence(self, sentence: str) -> None:
        """What the table says of the plate, read so."""
        self.sentence.setText(shortened(sentence))
        self.sentence.setTip(sentence)
        self.setReason(None)

    def setTrouble(self, sentence: str) -> None:
        """Read so, the table says nothing of the plate."""
        self.sentence.setText(sentence)
        self.setReason(sentence)

    def setReason(self, reason: str | None) -> None:
        """Enable the button, or say why it is disabled."""
        self.use.setEnabled(reason is None)
        self.use.setToolTip(
            reason or "Open the plate with this map; what was changed here is written beside the table."
        )
