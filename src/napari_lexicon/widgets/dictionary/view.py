"""The Dictionary dock's view: built-in, from a file, trained here, or taught a further feature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.facts import Facts
from napari_lexicon.widgets.basic.primary_button import PrimaryButton
from napari_lexicon.widgets.basic.segments import Segments
from napari_lexicon.widgets.dictionary.controls import ControlsChooser
from napari_lexicon.widgets.dictionary.curves import CurvesView
from napari_lexicon.widgets.dictionary.forming import FormingView
from napari_lexicon.widgets.dictionary.runs import RunsView
from napari_lexicon.widgets.dictionary.teach_form import TeachForm
from napari_lexicon.widgets.dictionary.train_form import TrainForm

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCES = {
    "builtin": (
        "Built-in",
        "The dictionary that comes with the plugin. It reads each channel by itself and serves any assay.",
    ),
    "file": ("From a file", "A dictionary that was trained before, here or by a colleague."),
    "train": ("Train", "Learn features from this plate."),
    "teach": ("Teach", "Add a feature for something that you point at."),
}
"""Where a dictionary comes from: word and tooltip."""


class DictionaryView(QWidget):
    """Where the dictionary comes from, what it is, and what to do with it. Its value is the source.

    Signals
    -------
    valueChanged(str)
        ``builtin``, ``file``, ``train`` or ``teach``.
    fileChosen(str)
        A dictionary file.
    applyClicked(), trainClicked(), saveClicked()
        The buttons.
    """

    valueChanged = Signal(str)
    fileChosen = Signal(str)
    applyClicked = Signal()
    trainClicked = Signal()
    saveClicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sources = Segments(SOURCES, "source")
        self.file = QLineEdit()
        self.file.setObjectName("dictionary_file")
        self.file.setPlaceholderText("NAME.safetensors")
        self.file.setToolTip("A dictionary file.")
        self.browse = QPushButton("Choose…")
        self.browse.setObjectName("browse_dictionary")
        self.browse.setToolTip("Choose a dictionary file on this computer.")
        self.teaching = TeachForm()
        self.facts = Facts()
        self.facts.setObjectName("dictionary_facts")
        self.apply = PrimaryButton("Apply to this plate")
        self.apply.setObjectName("apply_dictionary")
        self.apply_note = Caption(wrap=True, step=-0.5, strength=0.65, centred=True)
        self.apply_note.setObjectName("apply_dictionary_note")
        box = QVBoxLayout(self)
        box.setContentsMargins(2, 2, 2, 2)
        box.setSpacing(8)
        box.addWidget(self.sources)
        box.addWidget(self._file_row())
        box.addWidget(self._train_page())
        box.addWidget(self.teaching)
        box.addWidget(self.facts)
        box.addWidget(self.apply)
        box.addWidget(self.apply_note)
        box.addStretch(1)
        self.sources.valueChanged.connect(self._turn)
        self._turn(self.value())

    def _file_row(self) -> QWidget:
        self._file_page = QWidget()
        line = QHBoxLayout(self._file_page)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.file, 1)
        line.addWidget(self.browse)
        self.file.editingFinished.connect(lambda: self.file.text() and self.fileChosen.emit(self.file.text()))
        self.browse.clicked.connect(self._browse)
        return self._file_page

    def _train_page(self) -> QWidget:
        self.tokens_line = Caption(wrap=True)
        self.tokens_line.setObjectName("tokens_line")
        self.form = TrainForm()
        self.controls = ControlsChooser()
        self.train = PrimaryButton("Train")
        self.train.setObjectName("train")
        self.train_note = Caption(wrap=True, step=-0.5, strength=0.65, centred=True)
        self.train_note.setObjectName("train_note")
        self.curves, self.forming, self.runs = CurvesView(), FormingView(), RunsView()
        self.save = QPushButton("Save a copy…")
        self.save.setObjectName("save_dictionary")
        self.save.setToolTip("Keep a copy of the trained dictionary elsewhere, or send it to a colleague.")
        self._training = QWidget()
        page = QVBoxLayout(self._training)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(7)
        wells = Caption("Control wells", bold=True, strength=0.9)
        self._settings = (self.tokens_line, self.form, wells, self.controls, self.train, self.train_note)
        for widget in (*self._settings, self.curves, self.forming, self.save, self.runs):
            page.addWidget(widget)
        self.train.clicked.connect(self.trainClicked)
        self.apply.clicked.connect(self.applyClicked)
        self.save.clicked.connect(self.saveClicked)
        self.curves.hide()
        self.save.hide()
        return self._training

    def value(self) -> str:
        """Where the dictionary comes from."""
        return self.sources.value()

    def setValue(self, source: str) -> None:
        """Choose where it comes from."""
        self.sources.setValue(source)

    def _turn(self, source: str) -> None:
        self._file_page.setVisible(source == "file")
        self._training.setVisible(source == "train")
        self.teaching.setVisible(source == "teach")
        self.valueChanged.emit(source)

    def setFacts(self, rows: Sequence[tuple[str, str]]) -> None:
        """What the dictionary is."""
        self.facts.setValue(rows)
        self.facts.setVisible(bool(rows))

    def setApply(self, reason: str | None, note: str, shown: bool = True, text: str = "Apply to this plate") -> None:
        """What the one button does, or why it is disabled."""
        self.apply.setText(text)
        for widget in (self.apply, self.apply_note):
            widget.setVisible(shown)
        self.apply.setReason(reason, note)
        self.apply_note.setText(reason or note)

    def setTraining(self, reason: str | None, note: str, tokens: str) -> None:
        """Enable "Train", or say why it is disabled."""
        self.train.setReason(reason, note)
        self.train_note.setText(reason or note)
        self.tokens_line.setText(tokens)

    def setLearning(self, learning: bool) -> None:
        """While it learns there is nothing to set: what is learned stands on top."""
        for widget in self._settings:
            widget.setVisible(not learning)

    def _browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "A dictionary", filter="Dictionaries (*.safetensors)")
        if path:
            self.file.setText(path)
            self.fileChosen.emit(path)
