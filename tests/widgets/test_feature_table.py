"""The feature table sorts, searches and keeps its choice, with thousands of rows."""

from __future__ import annotations

import gc
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QContextMenuEvent, QFontMetricsF
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMenu

from napari_lexicon.lexicons import FeatureName, FeatureNames, WellStatistics
from napari_lexicon.widgets.features.columns import columns_of, sentence_of, written
from napari_lexicon.widgets.features.table import FeatureTable
from napari_lexicon.widgets.features.table_model import FeatureTableModel
from napari_lexicon.widgets.features.view import READINGS, FeaturesView
from napari_lexicon.widgets.workspace.figures import Figures, Significance, n_shuffles, trend_significance

CHANNELS = ("DNA", "ER", "Mito")


def figures_of(n: int, seed: int = 0, compared: bool = False) -> Figures:
    rng = np.random.default_rng(seed)
    fires = rng.beta(1, 20, n)
    fires[::10] = 0
    table = pd.DataFrame(
        {
            "name": [f"#{i}" for i in range(n)],
            "fires": fires,
            "mean_when_active": np.where(fires > 0, rng.random(n), np.nan),
            "channel": np.array(CHANNELS, dtype=object)[rng.integers(0, 3, n)],
            "channel_share": rng.random(n),
            "well": np.array(["A01", "B07", "H12"], dtype=object)[rng.integers(0, 3, n)],
        },
        index=pd.RangeIndex(n, name="feature"),
    )
    if compared:
        table["selectivity"] = rng.normal(0, 0.1, n)
        table["best_value"] = np.array(["drug", "DMSO"], dtype=object)[rng.integers(0, 2, n)]
    statistics = WellStatistics.empty(("A01",), 3, n)
    return Figures(statistics, statistics, table, frozenset(), "Metadata_pert" if compared else None)


@pytest.fixture
def names(tmp_path: Path) -> FeatureNames:
    names = FeatureNames(tmp_path / "names.json", "hash")
    names.set(7, "fragmented mitochondria", tags=("phenotype",))
    return names


def column_of(model: FeatureTableModel, key: str) -> int:
    return [column.key for column in model.columns()].index(key)


def rows(model: FeatureTableModel) -> list[int]:
    return [model.feature_at(row) for row in range(model.rowCount())]


def test_silent_features_are_left_out_unless_asked_for(names):
    model = FeatureTableModel()
    model.setFigures(figures_of(100), names)
    assert model.rowCount() == 90
    model.setShowSilent(True)
    assert model.rowCount() == 100


@pytest.mark.parametrize("key", ["fires", "mean_when_active", "selectivity", "channel", "well"])
@pytest.mark.parametrize("order", [Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder])
def test_sorting_by_any_column_agrees_with_pandas(names, key, order):
    figures = figures_of(200, compared=True)
    model = FeatureTableModel()
    model.setFigures(figures, names)
    model.sort(column_of(model, key), order)
    values = figures.table[key].to_numpy()[rows(model)]
    expected = figures.table[figures.table["fires"] > 0].sort_values(
        key, ascending=order == Qt.SortOrder.AscendingOrder, kind="stable"
    )[key]
    np.testing.assert_array_equal(values, expected.to_numpy())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mitochondria", {7}),
        ("PHENOTYPE frag", {7}),
        ("#42", {42}),
        ("mito b07", None),
        ("nothing of the kind", set()),
    ],
)
def test_searching_keeps_what_holds_every_word(names, text, found):
    figures = figures_of(60)
    model = FeatureTableModel()
    model.setFigures(figures, names)
    model.setSearch(text)
    if found is None:
        table = figures.table[figures.table["fires"] > 0]
        mito = (table["channel"] == "Mito") & (table["well"] == "B07")
        found = set(table.index[mito])
    assert set(rows(model)) == found


def test_named_features_come_first_by_name(names):
    model = FeatureTableModel()
    model.setFigures(figures_of(60), names)
    model.sort(column_of(model, "name"), Qt.SortOrder.AscendingOrder)
    assert rows(model)[:3] == [7, 1, 2]
    assert model.data(model.index(0, 0)) == "fragmented mitochondria"


def test_names_that_say_something_here_come_first_until_a_column_is_chosen(names):
    figures, model = figures_of(60), FeatureTableModel()
    table = figures.table
    table.loc[[7, 11, 12, 13, 14, 15], "fires"] = [0.002, 0.004, 0.003, 0.2, 0.2, 0.6]
    given = {11: "crowded cells?", 12: "nucleus, in a nuclear stain", 13: "red blood cell, in a smear?"}
    given |= {14: "background?", 15: "bright", 20: "dark spots?"}  # 20 is silent
    names.put({feature: FeatureName(name=name) for feature, name in given.items()})  # by nobody: of the dictionary
    table.loc[12, "channel"] = "DNA"
    model.setFigures(figures, names, CHANNELS)
    rest = table[table["fires"] > 0].drop([7, 11, 12]).sort_values("fires", ascending=False, kind="stable")
    assert rows(model)[:-1] == [7, 11, 12, *rest.index]  # what people said before what came with the dictionary
    names.set(13, "my cell, in a ring")  # what a person says is never left behind
    model.nameChanged()
    assert rows(model)[:4] == [13, 7, 11, 12]
    model.sort(column_of(model, "fires"), Qt.SortOrder.DescendingOrder)
    assert rows(model)[:2] == [15, *table["fires"].drop(15).nlargest(1).index]


def test_sorting_and_searching_8192_features_is_instant(names):
    model = FeatureTableModel()
    model.setFigures(figures_of(8192, compared=True), names)
    times = []
    for turn in range(6):
        start = time.perf_counter()
        model.sort(turn % len(model.columns()), Qt.SortOrder.DescendingOrder)
        model.setSearch("mito" if turn % 2 else "")
        times.append(time.perf_counter() - start)
    assert sorted(times)[3] < 0.1


def test_the_choice_stays_when_rows_move_and_figures_grow(qtbot, names):
    table = FeatureTable()
    qtbot.addWidget(table)
    table.resize(380, 300)
    table.show()
    model = table.table_model()
    model.setFigures(figures_of(500), names)
    table.setValue(123)
    heard = []
    table.valueChanged.connect(heard.append)
    model.sort(1, Qt.SortOrder.AscendingOrder)
    assert table.currentIndex().row() == model.row_of(123)
    model.setFigures(figures_of(500, seed=1), names)
    assert table.value() == 123
    assert model.feature_at(table.currentIndex().row()) == 123
    model.setSearch("no such thing")
    assert table.value() == 123
    model.setSearch("")
    assert model.feature_at(table.currentIndex().row()) == 123
    assert heard == []


def test_clicks_choose_and_headers_sort(qtbot, names):
    table = FeatureTable()
    qtbot.addWidget(table)
    table.resize(420, 300)
    table.show()
    model = table.table_model()
    model.setFigures(figures_of(80), names)
    place = table.visualRect(model.index(2, 1)).center()
    with qtbot.waitSignal(table.valueChanged) as told:
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert told.args == [model.feature_at(2)]
    with qtbot.waitSignal(table.valueChanged) as told:
        QTest.keyClick(table, Qt.Key.Key_Down)
    assert told.args == [model.feature_at(3)]
    named_first = rows(model)
    header = table.horizontalHeader()
    from qtpy.QtCore import QPoint

    def click() -> list[int]:
        place = QPoint(header.sectionViewportPosition(1) + 15, header.height() // 2)
        QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
        return rows(model)

    assert (named_first[0], header.sortIndicatorSection()) == (7, -1)
    falling = click()
    assert falling == list(figures_of(80).table.query("fires > 0").sort_values("fires", ascending=False).index)
    assert (click(), header.sortIndicatorSection()) == (falling[::-1], 1)
    assert (click(), header.sortIndicatorSection()) == (named_first, -1)


def test_numbers_are_written_for_people():
    assert written(0.081, "part") == "8.1 %"
    assert written(0.00002, "part") == "< 0.01 %"
    assert written(-0.25, "signed") == "−0.25"
    assert written(float("nan"), "number") == ""


def test_q_is_a_dash_until_it_is_known_and_small_ones_come_first(names):
    figures = figures_of(50, compared=True)
    figures.table["q"] = np.nan
    model = FeatureTableModel()
    model.setFigures(figures, names)
    section = column_of(model, "q")
    assert model.data(model.index(0, section)) == "–"
    assert "being computed" in model.columns()[section].tip
    q = np.random.default_rng(1).random(50)
    q[7] = np.nan
    known = Significance(q, np.full(50, 4), 24, 350)
    model.setFigures(replace(figures, table=figures.table.assign(q=q), significance=known), names)
    model.sort(section, Qt.SortOrder.AscendingOrder)
    assert (np.diff(q[[feature for feature in rows(model) if feature != 7]]) >= 0).all()
    assert rows(model)[-1] == 7
    assert "24 wells" in model.columns()[section].tip
    assert "350 times (fewer than usual" in model.columns()[section].tip
    assert (written(0.0004, "q"), written(0.0123, "q"), written(0.5, "q")) == ("< .001", "0.012", "0.50")


def test_shuffles_are_fewer_on_large_plates():
    assert n_shuffles(64, 2) == 1000
    assert 100 <= n_shuffles(8192, 96) < n_shuffles(8192, 24) < 1000
    assert n_shuffles(8192, 380) == 100


def test_a_feature_says_whether_other_training_runs_find_it():
    row = pd.Series({"fires": 0.08, "channel": "Mito", "channel_share": 0.63, "well": "C04", "stability": 0.934})
    assert sentence_of(1, row).endswith("found again by other training runs with a match of 0.93 of 1.")


def test_a_feature_is_told_in_a_sentence():
    row = pd.Series({"fires": 0.08, "channel": "Mito", "channel_share": 0.63, "well": "C04"})
    assert sentence_of(1, row) == "Fires in 8 % of patches, 63 % of it in Mito, most in C04."
    assert sentence_of(1, pd.Series({"fires": 0.0})) == "Does not fire on this plate."


def test_no_number_is_cut_off(qtbot, names, monkeypatch):
    shown: set[str] = set()

    class Metrics(QFontMetricsF):
        def elidedText(self, *what) -> str:
            shown.add(super().elidedText(*what))
            return super().elidedText(*what)

    monkeypatch.setattr("napari_lexicon.widgets.features.table.QFontMetricsF", Metrics)
    table = FeatureTable()
    qtbot.addWidget(table)
    table.resize(400, 600)
    figures = figures_of(20, compared=True)
    figures.table["fires"] = 0.0087
    table.table_model().setFigures(figures, names)
    table.grab()
    assert "0.87 %" in shown
    assert not [text for text in shown if text.endswith("…") and text[:1] in "+-−.0123456789"]


def test_columns_are_chosen_by_hand_and_stay_chosen(qtbot, names):
    table = FeatureTable()
    qtbot.addWidget(table)
    table.resize(380, 300)
    figures = figures_of(80, compared=True)
    figures.table["strongest"], figures.table["dead"] = 1.5, np.where(figures.table["fires"] > 0, "", "dead")
    table.show()
    model = table.table_model()
    model.setFigures(figures, names)
    assert table.isColumnHidden(column_of(model, "strongest"))
    actions = {action.objectName(): action for action in table.columnsMenu().actions()}
    assert not actions["strongest"].isChecked()
    actions["strongest"].trigger()
    actions["fires"].trigger()
    assert not table.isColumnHidden(column_of(model, "strongest"))
    assert table.isColumnHidden(column_of(model, "fires"))
    table.resize(300, 300)
    model.setFigures(figures, names)
    assert not table.isColumnHidden(column_of(model, "strongest"))
    assert table.isColumnHidden(column_of(model, "fires"))
    actions["silent"].trigger()
    assert model.rowCount() == 80
    model.setSearch("dead")
    assert set(rows(model)) == set(range(0, 80, 10))


def test_the_heading_offers_the_columns_also_after_garbage_was_looked_for(qtbot, names):
    table = FeatureTable()
    qtbot.addWidget(table)
    table.table_model().setFigures(figures_of(20), names)
    table.show()
    gc.collect()  # a function that holds the header and is held by it alone would be gone, and the process with it
    header = table.horizontalHeader()
    at = header.viewport().rect().center()
    QApplication.sendEvent(header.viewport(), QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, at))
    menu = table.findChild(QMenu, "columns_menu")
    qtbot.waitUntil(menu.isVisible)
    assert {action.objectName() for action in menu.actions()} > {"fires", "channel", "silent"}
    menu.close()


def test_a_trend_over_wells_has_a_false_discovery_rate():
    from scipy import stats

    figures = replace(figures_of(50), n_compared=24)
    rho = np.random.default_rng(3).uniform(-0.9, 0.9, 50)
    fires = figures.table["fires"].to_numpy() > 0
    found = trend_significance(rho, fires, figures)
    t = np.abs(rho) * np.sqrt(22 / (1 - rho**2))
    expected = stats.false_discovery_control(2 * stats.t.sf(t[fires], 22))
    np.testing.assert_allclose(found.q[fires], expected)
    assert np.isnan(found.q[~fires]).all()
    assert found.n_wells == 24


def test_a_feature_that_follows_the_plate_says_so(names):
    figures = figures_of(20)
    figures.table["flag"] = ""
    assert [column.wanted for column in columns_of(figures) if column.key == "flag"] == [False]  # nothing to beware of
    figures.table.loc[3, "flag"] = "edge, row"
    assert [column.wanted for column in columns_of(figures) if column.key == "flag"] == [True]
    model = FeatureTableModel()
    model.setFigures(figures, names)
    assert model.data(model.index(model.row_of(3), column_of(model, "flag"))) == "edge, row"
    assert "follows edge, row more than the treatment" in sentence_of(3, figures.table.iloc[3])
    model.setSearch("edge")
    assert rows(model) == [3]


def test_of_one_channel_nothing_is_said_and_long_names_fit_the_card():
    figures = figures_of(40)
    one = WellStatistics.empty(("A01",), 1, 40)
    keys = [column.key for column in columns_of(figures)]
    assert {"channel", "channel_share"} <= set(keys)
    alone = [column.key for column in columns_of(replace(figures, statistics=one, read=one))]
    assert alone == [key for key in keys if not key.startswith("channel")]
    row = figures.table.iloc[1].copy()
    row["well"] = "0a7d30b252359a10fd298b638b90cb9ada3acced4e0c0e5a3692013f432ee4e9"
    assert "in ER" in sentence_of(1, row.where(row.index != "channel", "ER"), channels=3)
    said = sentence_of(1, row, channels=1)
    assert "of it in" not in said
    assert max(len(word) for word in said.split()) < 40
    assert "0a7d30" in said


def test_how_many_fields_went_into_the_table_is_said_while_some_are_missing(qtbot):
    view = FeaturesView()
    qtbot.addWidget(view)
    view.table.table_model().setFigures(figures_of(40), None)
    view.setFields(217, 541)
    assert view.count.text() == "36 of 40 features fire here · 217 of 541 fields so far"
    view.setFields(541, 541)
    assert view.count.text() == "36 of 40 features fire here"


def test_ways_to_read_features_are_not_cut_off(qtbot):
    view = FeaturesView()
    qtbot.addWidget(view)
    view.resize(410, 700)
    view.show()
    qtbot.waitExposed(view)
    for _, level in READINGS:
        view.setBeyond(level)
        assert view.read_by.shownText() == view.read_by.currentText()


def test_the_tooltip_of_a_row_reads_features_as_the_table_does(qtbot):
    model = FeatureTableModel()
    model.setFigures(replace(figures_of(40), beyond=2.0), None)
    tip = model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert "lie over 2 SD of controls along it" in tip


def test_names_are_read_whole_before_how_stable_features_are(qtbot, names: FeatureNames):
    figures = figures_of(40)
    figures = replace(figures, table=figures.table.assign(stability=0.5))
    table = FeatureTable()
    qtbot.addWidget(table)
    table.resize(415, 260)
    model = table.table_model()
    model.setFigures(figures, None)
    table.show()
    qtbot.waitExposed(table)
    assert not table.isColumnHidden(column_of(model, "stability"))
    model.setFigures(figures, names)
    assert table.isColumnHidden(column_of(model, "stability"))
    assert not table.isColumnHidden(column_of(model, "channel"))
    assert table.columnWidth(0) >= table._names_width()
    names.set(8, "small dense nucleus, in a nuclear stain")
    table.resize(480, 260)
    model.setFigures(figures, names)
    assert table.isColumnHidden(column_of(model, "stability"))


def test_sorted_by_a_column_of_another_plate_the_most_frequent_come_first_and_the_title_says_so(qtbot):
    table = FeatureTable()
    qtbot.addWidget(table)
    model, header = table.table_model(), table.horizontalHeader()
    model.setFigures(figures_of(40, compared=True), None)
    model.setSorting("selectivity", False)
    plain = figures_of(40)
    model.setFigures(plain, None)
    fires = plain.table["fires"].to_numpy()[rows(model)]
    assert (np.diff(fires) <= 0).all()
    assert header.sortIndicatorSection() == column_of(model, "fires")
    assert header.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder
    model.setFigures(figures_of(40, compared=True), None)
    assert header.sortIndicatorSection() == column_of(model, "selectivity")
    assert header.sortIndicatorOrder() == Qt.SortOrder.AscendingOrder


def test_pictures_of_colour_images_offer_no_choice_of_channels(qtbot):
    view = FeaturesView()
    qtbot.addWidget(view)
    view.card.setChannels(["Red", "Green", "Blue"])
    seen = []
    for colour in (False, True):
        view.setColour(colour)
        view.showCard(True)
        seen.append(view.all_channels.isHidden())
    assert seen == [False, True]
