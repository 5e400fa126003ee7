"""The Questions dock's parts: the figure of every question, the table, the view."""

from __future__ import annotations

import numpy as np
import pandas as pd
from qtpy.QtCore import Qt

from napari_lexicon.analysis.question_words import OF_TWO, WORDS
from napari_lexicon.analysis.questions import QUESTIONS
from napari_lexicon.widgets.questions.figures import Bars, Lines, Points, figure_of
from napari_lexicon.widgets.questions.table_model import AnswerModel, short
from napari_lexicon.widgets.questions.view import QuestionsView

EFFECTS = pd.DataFrame(
    {"treatment": ["a", "a", "b"], "feature": [4, 2, 7], "effect": [2.0, -1.0, 0.1], "q": [1e-4, 0.2, 0.9]}
)


def test_the_window_offers_every_question_that_needs_one_lexicon(qtbot) -> None:
    view = QuestionsView({name: words for name, words in WORDS.items() if name not in OF_TWO})
    qtbot.addWidget(view)
    offered = {view.question.itemData(n) for n in range(view.question.count())}
    assert offered == set(QUESTIONS) - set(OF_TWO)


def test_points_lie_where_the_table_says() -> None:
    figure = figure_of("effects", EFFECTS)
    assert isinstance(figure, Points)
    np.testing.assert_allclose(figure.x, EFFECTS["effect"])
    np.testing.assert_allclose(figure.y, -np.log10(EFFECTS["q"]))
    assert figure.marked.tolist() == [True, False, False]


def test_layers_are_lines_of_the_model_and_treatments_are_bars() -> None:
    table = pd.DataFrame(
        {"network": ["model"] * 2 + ["random network"] * 2, "asked": "Metadata_x", "layer": [0, 1] * 2, "score": 0.5}
    )
    figure = figure_of("depth", table)
    assert isinstance(figure, Lines) and list(figure.lines) == ["x"]
    assert figure.lines["x"][0].tolist() == [1, 2]
    bars = figure_of("activity", pd.DataFrame({"treatment": ["a", "b"], "map": [0.9, 0.3], "chance": 0.25}))
    assert isinstance(bars, Bars) and bars.names == ("a", "b") and bars.chance == 0.25
    assert figure_of("cells", EFFECTS) is None


def test_rows_keep_their_place_in_the_table_when_they_are_sorted() -> None:
    model = AnswerModel()
    model.setTable(EFFECTS)
    model.sort(2, Qt.SortOrder.AscendingOrder)
    assert [model.row_at(row) for row in range(3)] == [1, 2, 0]
    assert model.place_of(0) == 2
    assert model.data(model.index(0, 2)) == "-1"
    assert (short(True), short(np.nan), short(0.00012345), short("x")) == ("yes", "–", "0.000123", "x")


def test_round_trip_and_chosen_row(qtbot) -> None:
    view = QuestionsView(WORDS)
    qtbot.addWidget(view)
    view.setColumns(["Metadata_perturbation", "Metadata_batch"], "Metadata_perturbation")
    view.setValue(("doses", "Metadata_batch"))
    assert view.value() == ("doses", "Metadata_batch")
    view.setAnswer("effects", EFFECTS)
    assert view.figure.value() is not None
    with qtbot.waitSignal(view.rowChosen) as caught:
        view.figure.rowClicked.emit(2)
    assert caught.args == [2]
    view.setReason("There are no features yet.")
    assert not view.ask.isEnabled() and view.ask.toolTip() == "There are no features yet."


def test_columns_that_only_repeat_are_left_out_and_every_question_is_asked_in_words(qtbot) -> None:
    view = QuestionsView({name: words for name, words in WORDS.items() if name not in OF_TWO})
    qtbot.addWidget(view)
    table = EFFECTS.assign(channel="all", name=["#4", "ring of dots round the nucleus, in many words", "#7"])
    view.setAnswer("effects", table)
    columns = list(view.model.table().columns)
    assert columns == ["treatment", "feature", "name", "channel", "effect", "q"]  # what and how much come first
    hidden = {name: view.table.isColumnHidden(n) for n, name in enumerate(columns)}
    assert hidden == dict.fromkeys(columns, False) | {"feature": True, "channel": True}
    assert view.table.columnWidth(columns.index("name")) <= 130
    view.setAnswer("effects", EFFECTS.assign(channel=["DNA", "ER", "DNA"]))
    assert not any(view.table.isColumnHidden(n) for n in range(5))
    assert all(view.question.itemText(n).endswith("?") for n in range(view.question.count()))
