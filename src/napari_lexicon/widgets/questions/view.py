"""The Questions dock's view: which question, of which column; its table and its figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_lexicon.analysis.question_words import ASKED
from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.primary_button import PrimaryButton
from napari_lexicon.widgets.plate.coloring import column_title
from napari_lexicon.widgets.questions.figure_view import FigureView
from napari_lexicon.widgets.questions.figures import PICTURES, figure_of, figures_of
from napari_lexicon.widgets.questions.options import QuestionOptions
from napari_lexicon.widgets.questions.picture_view import PictureView, edit_parts
from napari_lexicon.widgets.questions.table_model import AnswerModel

_FIRST = ("treatment", "other", "value", "well", "feature", "name", "channel", "effect", "selectivity", "rho", "q")
"""Columns that say what and how much; the others, by which it was found, follow."""
_WIDEST = 130  # pixels of a column: a long name must not push the numbers out of a narrow dock
_MEASURED = 60  # rows that say how wide a column is; all of a long table took seconds


class QuestionsView(QWidget):
    """Question, column, button, figure and table. Its value is the question and the column.

    Signals
    -------
    valueChanged()
        Another question or column.
    askClicked(), saveClicked()
        The buttons.
    rowChosen(int)
        Row of the answer's table.
    """

    valueChanged = Signal()
    askClicked = Signal()
    saveClicked = Signal()
    rowChosen = Signal(int)

    def __init__(self, questions: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = dict(questions)
        self._asked = ""
        self._picture: Path | None = None
        self.question = QComboBox()
        self.question.setObjectName("question")
        self.question.setToolTip("What to ask of the features of this plate.")
        for name, words in questions.items():
            self.question.addItem(ASKED[name], name)
            self.question.setItemData(self.question.count() - 1, words, Qt.ItemDataRole.ToolTipRole)
        self.column = QComboBox()
        self.column.setObjectName("question_column")
        self.column.setToolTip("Column of the plate map that is asked about.")
        self.question.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.question.setMinimumContentsLength(18)
        self.options = QuestionOptions()
        self.words = Caption(wrap=True, strength=0.75)
        self.words.setObjectName("question_words")
        self.ask = PrimaryButton("Ask")
        self.ask.setObjectName("ask")
        self.reason = Caption(wrap=True, step=-0.5, strength=0.65, centred=True)
        self.reason.setObjectName("ask_reason")
        self.count = Caption(step=-0.5)
        self.count.setObjectName("answer_count")
        self.save = QPushButton("Save…")
        self.save.setObjectName("save_answer")
        self.save.setToolTip("Save the whole table as CSV.")
        self.kind = QComboBox()
        self.kind.setObjectName("answer_figure_kind")
        self.kind.setToolTip("Which figure of the table is drawn.")
        self.figure = FigureView()
        self.pictures = PictureView()
        self.model = AnswerModel(self)
        self.table = QTableView()
        self._set_table()
        self._lay_out()
        self.question.currentIndexChanged.connect(self._changed)
        self.column.currentIndexChanged.connect(self.valueChanged)
        self.options.valueChanged.connect(self.valueChanged)
        self.kind.currentIndexChanged.connect(self._draw)
        self.ask.clicked.connect(self.askClicked)
        self.save.clicked.connect(self.saveClicked)
        self.figure.rowClicked.connect(self._show_row)
        self.pictures.rowClicked.connect(self._show_row)
        self.setAnswer("", None)
        self._changed()

    def value(self) -> tuple[str, str]:
        """Name of the question, and of the column."""
        return str(self.question.currentData()), str(self.column.currentData() or "")

    def setValue(self, value: tuple[str, str]) -> None:
        """Choose a question and a column; what is not there is left as it is."""
        for box, wanted in zip((self.question, self.column), value, strict=True):
            if box.findData(wanted) >= 0:
                box.setCurrentIndex(box.findData(wanted))

    def setColumns(self, columns: Sequence[str], chosen: str | None) -> None:
        """Columns of the plate map."""
        self.column.blockSignals(True)
        self.column.clear()
        for name in columns:
            self.column.addItem(column_title(name), name)
        if chosen is not None and self.column.findData(chosen) >= 0:
            self.column.setCurrentIndex(self.column.findData(chosen))
        self.column.blockSignals(False)
        self.options.setColumns(columns)
        self.valueChanged.emit()

    def setReason(self, reason: str | None) -> None:
        """Why nothing can be asked now, None where it can."""
        self.ask.setReason(reason, "Computed in a process of its own; it can be cancelled.")
        self.reason.setText(reason or "")
        self.reason.setVisible(bool(reason))

    def setAnswer(
        self,
        question: str,
        table: pd.DataFrame | None,
        picture: Path | None = None,
        units: Mapping[str, str] | None = None,
    ) -> None:
        """Show an answer, with its picture where it has one; without an answer the room stays empty."""
        self.model.setTable(pd.DataFrame() if table is None else _in_reading_order(table), units)
        for column in range(self.model.columnCount()):
            self.table.setColumnHidden(column, self.model.says_nothing(column))
        self._asked, self._picture = question, picture
        self.kind.blockSignals(True)
        self.kind.clear()
        for name in [] if table is None else figures_of(question, table, drawn=picture is not None):
            self.kind.addItem(name, name)
        self.kind.blockSignals(False)
        self.kind.setVisible(self.kind.count() > 1)
        self._draw()
        self.count.setText("" if table is None else f"{len(table):,} rows")
        for widget in (self.table, self.save):
            widget.setVisible(table is not None)
        self.table.resizeColumnsToContents()
        for column in range(self.model.columnCount()):
            if self.table.columnWidth(column) > _WIDEST:
                self.table.setColumnWidth(column, _WIDEST)

    def _draw(self, _: object = None) -> None:
        table, kind = self.model.table(), self.kind.currentData()
        drawn = kind == PICTURES and not table.empty
        self.pictures.setPicture(self._picture if drawn else None, edit_parts(table) if drawn else [])
        self.figure.setValue(None if drawn or table.empty else figure_of(self._asked, table, kind))

    def _set_table(self) -> None:
        self.table.setObjectName("answer_table")
        self.table.setModel(self.model)
        header = self.table.horizontalHeader()
        assert header is not None
        header.setResizeContentsPrecision(_MEASURED)
        self.table.setSortingEnabled(True)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setWordWrap(False)
        self.table.setTabKeyNavigation(False)  # Tab leaves a table; the arrows walk in it
        self.table.setToolTip("A click shows the row's feature over the image, or selects its wells on the plate.")
        header, side = self.table.horizontalHeader(), self.table.verticalHeader()
        if header is not None and side is not None:
            header.setSortIndicator(-1, Qt.SortOrder.DescendingOrder)
            side.hide()
            side.setDefaultSectionSize(22)
        self.table.clicked.connect(self._clicked)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.question, 0, 0, 1, 2)
        grid.addWidget(Caption("Compare by", fit=True), 1, 0)
        grid.addWidget(self.column, 1, 1)
        grid.setColumnStretch(1, 1)
        line = QHBoxLayout()
        line.addWidget(self.count, 1)
        line.addWidget(self.kind)
        line.addWidget(self.save)
        answer = QSplitter(Qt.Orientation.Vertical)
        for place, (widget, share) in enumerate(((self.figure, 3), (self.pictures, 3), (self.table, 2))):
            answer.addWidget(widget)
            answer.setStretchFactor(place, share)
        box = QVBoxLayout(self)
        box.setContentsMargins(2, 2, 2, 2)
        box.setSpacing(6)
        box.addLayout(grid)
        for widget in (self.options, self.words, self.ask, self.reason):
            box.addWidget(widget)
        box.addLayout(line)
        box.addWidget(answer, 1)
        box.addStretch(0)

    def _changed(self, _: object = None) -> None:
        words = self._words.get(self.value()[0], "")
        self.words.setText(f"{words[:1].upper()}{words[1:]}.")
        self.options.setQuestion(self.value()[0])
        self.valueChanged.emit()

    def _clicked(self, index: QModelIndex) -> None:
        self.rowChosen.emit(self.model.row_at(index.row()))

    def _show_row(self, row: int) -> None:
        place = self.model.place_of(row)
        self.table.selectRow(place)
        self.table.scrollTo(self.model.index(place, 0))
        self.rowChosen.emit(row)


def _in_reading_order(table: pd.DataFrame) -> pd.DataFrame:
    first = [name for name in _FIRST if name in table]
    return table[[*first, *(name for name in table if name not in first)]]
