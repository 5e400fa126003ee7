"""What can be decided about a question beside its column; only what the question knows is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFileDialog, QGridLayout, QPushButton, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.plate.coloring import column_title


@dataclass(frozen=True)
class _Option:
    """An option: its words, what it takes, and which questions know it."""

    words: str
    takes: str  # column, number, choice, file, folder
    questions: frozenset[str]
    tip: str
    nothing: str = ""
    choices: tuple[tuple[str, str], ...] = ()  # words, and what they stand for; beside ``nothing``


_TABLES = frozenset(
    {"effects", "selectivity", "selective", "activity", "alike", "enrichment", "doses", "confounds", "probes", "counts"}
)
_OPTIONS: dict[str, _Option] = {
    "active": _Option(
        "active above",
        "number",
        _TABLES | {"corrections", "transfer"},
        "A feature is active in a patch where its value is above this.",
    ),
    "across": _Option(
        "split by",
        "column",
        frozenset({"activity", "probes", "counts", "depth", "corrections", "transfer"}),
        "Values of this column stay on one side of every split: plate, batch, column of the layout.",
        "single wells",
    ),
    "kind": _Option(
        "kinds",
        "column",
        frozenset({"activity"}),
        "Target or mechanism: do treatments of one kind find each other?",
        "replicates",
    ),
    "known": _Option(
        "beside",
        "choice",
        frozenset({"alike"}),
        "Compare every treatment with all others, or with the positive controls alone.",
        "all treatments",
        (("positive controls", "Metadata_pert_type == 'poscon'"),),
    ),
    "per": _Option(
        "rows are",
        "choice",
        frozenset({"counts", "meanings"}),
        "Hold features against measurements well by well, or field by field: tiles of a slide are fields.",
        "wells",
        (("fields", "field"),),
    ),
    "measurements": _Option(
        "measured",
        "file",
        frozenset({"counts", "meanings", "confounds", "probes"}),
        "Table of numbers with a column well; measured from the images where none is chosen.",
        "from the images",
    ),
    "labels": _Option(
        "cells",
        "folder",
        frozenset({"cells", "responders", "composition", "counts", "meanings"}),
        "Folder of label images named like the images; nuclei are segmented where none is chosen.",
        "segmented nuclei",
    ),
    "other": _Option(
        "with",
        "folder",
        frozenset({"match", "transfer"}),
        "Second lexicon: another dictionary over this plate (match), or this dictionary over another (transfer).",
        "no other lexicon",
    ),
}
_OWN = ("plate", "well", "row", "column")


class QuestionOptions(QWidget):
    """Options of a question. Its value holds those that differ from what is usual.

    Signals
    -------
    valueChanged()
        Another choice.
    """

    valueChanged = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._question = ""
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(1, 1)
        self.controls: dict[str, QWidget] = {}
        self._captions: dict[str, Caption] = {}
        for row, (name, option) in enumerate(_OPTIONS.items()):
            control = self._control(name, option)
            control.setObjectName(f"question_{name}")
            control.setToolTip(option.tip)
            self._captions[name], self.controls[name] = Caption(option.words, fit=True), control
            self._grid.addWidget(self._captions[name], row, 0)
            self._grid.addWidget(control, row, 1)
        self.setColumns([])
        self.setQuestion("")

    def value(self) -> dict[str, Any]:
        """Options that are shown and differ from what is usual, as jobs take them."""
        return {name: said for name in self.shown() if (said := self._said(name)) is not None}

    def setValue(self, value: dict[str, Any]) -> None:
        """Choose options; those that are not named go back to what is usual."""
        for name, control in self.controls.items():
            said = value.get(name)
            if isinstance(control, QDoubleSpinBox):
                control.setValue(0.0 if said is None else float(said))
            elif isinstance(control, QComboBox):
                control.setCurrentIndex(max(0, control.findData(said)))
            else:
                self._set_path(name, said)

    @property
    def of_wells(self) -> list[QComboBox]:
        """Lists whose entries speak of wells."""
        return [box for name in ("across", "per") if isinstance(box := self.controls[name], QComboBox)]

    def shown(self) -> list[str]:
        """Options that the question knows."""
        return [name for name, option in _OPTIONS.items() if self._question in option.questions]

    def setQuestion(self, question: str) -> None:
        """Show what a question knows."""
        self._question = question
        for name in _OPTIONS:
            for widget in (self._captions[name], self.controls[name]):
                widget.setVisible(name in self.shown())
        self.valueChanged.emit()

    def setColumns(self, columns: Sequence[str]) -> None:
        """Columns of the plate map."""
        for name in ("across", "kind"):
            box, nothing = self.controls[name], _OPTIONS[name].nothing
            assert isinstance(box, QComboBox)
            chosen = box.currentData()
            box.blockSignals(True)
            box.clear()
            box.addItem(nothing, None)
            own = _OWN if name == "across" else ()
            for column in (*own, *(c for c in columns if c not in own)):
                box.addItem(column_title(column), column)
            box.setCurrentIndex(max(0, box.findData(chosen)))
            box.blockSignals(False)
        self.valueChanged.emit()

    def _control(self, name: str, option: _Option) -> QWidget:
        if option.takes == "number":
            number = QDoubleSpinBox()
            number.setRange(0, 10)
            number.setDecimals(2)
            number.setSingleStep(0.05)
            number.valueChanged.connect(self.valueChanged)
            return number
        if option.takes in ("column", "choice"):
            box = QComboBox()
            if option.takes == "choice":
                box.addItem(option.nothing, None)
                for words, chosen in option.choices:
                    box.addItem(words, chosen)
            box.currentIndexChanged.connect(self.valueChanged)
            return box
        button = QPushButton(f"{option.nothing}…")
        button.clicked.connect(lambda: self._ask_for(name))
        return button

    def _said(self, name: str) -> Any:
        control = self.controls[name]
        if isinstance(control, QDoubleSpinBox):
            return f"{control.value():g}" if control.value() > 0 else None
        if isinstance(control, QComboBox):
            return control.currentData()
        return control.property("path")

    def _set_path(self, name: str, path: str | None) -> None:
        button = self.controls[name]
        assert isinstance(button, QPushButton)
        button.setProperty("path", path)
        button.setText(f"{_OPTIONS[name].nothing}…" if path is None else Path(path).name)
        self.valueChanged.emit()

    def _ask_for(self, name: str) -> None:
        """Ask for a file or folder; a dialog that is cancelled goes back to what is usual."""
        dialog = QFileDialog(self, _OPTIONS[name].tip)
        if _OPTIONS[name].takes == "folder":
            dialog.setFileMode(QFileDialog.FileMode.Directory)
        else:
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
            dialog.setNameFilter("Tables (*.csv *.tsv *.txt)")
        dialog.fileSelected.connect(lambda path: self._set_path(name, path))
        dialog.rejected.connect(lambda: self._set_path(name, None))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
