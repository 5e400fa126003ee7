"""The Questions dock's parts: the figure of every question, the table, the view."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from qtpy.QtCore import QPointF, Qt

from napari_lexicon.analysis.question_words import ASKED, OF_NO_COLUMN, WORDS
from napari_lexicon.analysis.questions import QUESTIONS
from napari_lexicon.jobs.asking import AskJob
from napari_lexicon.widgets.questions.controller import read_answer
from napari_lexicon.widgets.questions.figure_view import FigureView
from napari_lexicon.widgets.questions.figures import HEAT, Bars, Heat, Lines, Points, figure_of, figures_of
from napari_lexicon.widgets.questions.options import QuestionOptions
from napari_lexicon.widgets.questions.table_model import AnswerModel, short
from napari_lexicon.widgets.questions.view import QuestionsView

EFFECTS = pd.DataFrame(
    {"treatment": ["a", "a", "b"], "feature": [4, 2, 7], "effect": [2.0, -1.0, 0.1], "q": [1e-4, 0.2, 0.9]}
)


def test_the_window_offers_every_question(qtbot) -> None:
    assert set(WORDS) == set(ASKED) == set(QUESTIONS) > set(OF_NO_COLUMN)
    view = QuestionsView(WORDS)
    qtbot.addWidget(view)
    assert {view.question.itemData(n) for n in range(view.question.count())} == set(QUESTIONS)


def test_a_long_answer_is_shown_without_looking_at_all_of_it(qtbot) -> None:
    n, asked = 20_000, []
    view = QuestionsView(WORDS)
    qtbot.addWidget(view)
    data = view.model.data
    view.model.data = lambda index, *role: asked.append(index.row()) or data(index, *role)
    view.show()
    view.setAnswer("selectivity", pd.DataFrame({"feature": np.arange(n), **{f"c{i}": 0.5 for i in range(12)}}))
    qtbot.waitUntil(lambda: len(asked) > 0)
    assert view.count.text() == "20,000 rows" and max(asked) < 200


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
    view = QuestionsView(WORDS)
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


def many(treatments: int = 3, features: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        {
            "treatment": f"t{t}",
            "feature": f,
            "channel": "DNA",
            "name": f"#{f}",
            "effect": rng.normal(),
            "q": rng.random(),
        }
        for t in range(treatments)
        for f in range(features)
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=1, ignore_index=True)


def test_cells_of_a_heat_map_are_rows_of_the_table() -> None:
    table = many()
    assert figures_of("effects", table) == ["volcano", "heat map"] and figures_of("activity", table) == []
    assert figures_of("effects", table[table["treatment"] == "t1"]) == []
    heat = figure_of("effects", table, HEAT)
    assert isinstance(heat, Heat) and heat.values.shape == (3, 5)
    for r, c in np.ndindex(3, 5):
        row = table.iloc[heat.table[r, c]]
        assert row["treatment"] == heat.rows[r] and f"{row['name']} DNA" == heat.columns[c]
        assert row["effect"] == heat.values[r, c]
    first = table.loc[table["q"].idxmin()]
    assert (heat.rows[0], heat.columns[0]) == (first["treatment"], f"{first['name']} DNA")


def test_a_click_on_a_cell_or_bar_tells_its_row(qtbot) -> None:
    view = FigureView()
    qtbot.addWidget(view)
    view.resize(500, 400)
    view.show()
    qtbot.waitExposed(view)
    heat = figure_of("effects", many(), HEAT)
    assert isinstance(heat, Heat)
    bars = figure_of("activity", pd.DataFrame({"treatment": ["a", "b", "c"], "map": [0.9, 0.5, 0.3], "chance": 0.25}))
    for figure, x, y, row in ((heat, 1.0, 1.0, heat.table[1, 1]), (bars, 0.1, 0.0, 2)):
        view.setValue(figure)
        qtbot.wait(50)
        box = view.plot.getPlotItem().vb
        where = view.plot.mapFromScene(box.mapViewToScene(QPointF(x, y)))
        with qtbot.waitSignal(view.rowClicked) as caught:
            qtbot.mouseClick(view.plot.viewport(), Qt.MouseButton.LeftButton, pos=where)
        assert caught.args == [int(row)]


def test_options_are_those_of_the_question_and_of_the_job(qtbot) -> None:
    options = QuestionOptions()
    qtbot.addWidget(options)
    options.setColumns(["Metadata_moa", "plate"])
    options.setQuestion("activity")
    assert options.shown() == ["active", "across", "kind"] and options.value() == {}
    options.setValue({"active": "0.25", "across": "plate", "kind": "Metadata_moa"})
    assert options.value() == {"active": "0.25", "across": "plate", "kind": "Metadata_moa"}
    options.setQuestion("alike")
    assert options.value() == {"active": "0.25"}  # what the question does not know is not asked
    options.setValue({"known": "Metadata_pert_type == 'poscon'"})
    options.setQuestion("counts")
    assert "per" in options.shown() and options.value() == {}
    options.setValue({"per": "field"})
    assert options.value() == {"per": "field"}
    options.setQuestion("match")
    assert options.value() == {}
    options.setValue({"other": "/data/other.lexicon"})
    assert options.value() == {"other": "/data/other.lexicon"}
    assert set(options.controls) <= set(AskJob.__dataclass_fields__)


def test_names_in_an_answer_stay_names(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    pd.DataFrame({"treatment": ["0010", "10", "None"], "well": ["A1"] * 3, "q": [0.1, np.nan, 1]}).to_csv(
        path, index=False
    )
    table = read_answer(path)
    assert table["treatment"].tolist() == ["0010", "10", "None"]
    assert np.isnan(table["q"][1]) and table["q"].dtype == float
