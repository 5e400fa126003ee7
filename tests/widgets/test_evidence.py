"""The pages of evidence: dots, bars, curves and neighbours that can be hovered over and clicked."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QTabWidget, QWidget

from napari_lexicon.lexicons import Lexicon, WellStatistics
from napari_lexicon.widgets.features.evidence.condition_points import ConditionPoints, ConditionRow
from napari_lexicon.widgets.features.evidence.dose_plot import DosePlot, DoseSeries
from napari_lexicon.widgets.features.evidence.near import Near
from napari_lexicon.widgets.features.evidence.pages import EvidencePages
from napari_lexicon.widgets.features.evidence.reading import (
    condition_rows,
    dose_series,
    one_feature,
    own_treatment,
    stability_words,
    strongest_rows,
)
from napari_lexicon.widgets.features.evidence.stain_bars import StainBar, StainBars
from napari_lexicon.widgets.features.spot_list import FiringFeature
from napari_lexicon.widgets.workspace.figures import Figures

LEFT, PLAIN = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
ROWS = [
    ConditionRow("DMSO", True, ("A01", "B01", "C01"), (0.02, 0.03, 0.025)),
    ConditionRow("drug", False, ("A02", "B02"), (0.2, 0.31)),
    ConditionRow("another drug with a long name", False, ("A03",), (0.1,)),
]


@pytest.fixture
def statistics() -> WellStatistics:
    rng = np.random.default_rng(0)
    one = WellStatistics.empty(("A01", "B01", "A02", "B02", "A03"), 2, 9)
    one.tokens[:] = 100
    one.active[:] = rng.integers(0, 40, one.active.shape)
    one.total[:] = one.active * 0.5
    return one


def test_dots_say_well_and_value_and_a_click_goes_there(qtbot):
    points = ConditionPoints()
    qtbot.addWidget(points)
    points.resize(340, 100)
    points.setValue(ROWS, "#F72585")
    points.setSelected(frozenset({"B02"}))
    points.show()
    assert points.value() == ROWS
    place = points.dotCenter("B02")
    assert points.words_at(place) == "B02 · drug: fires in 31 % of patches."
    assert points.words_at(QPointF(4, place.y())).startswith("drug: 2 wells, median 26 % of patches. ")
    with qtbot.waitSignal(points.wellClicked) as told:
        QTest.mouseClick(points, LEFT, PLAIN, place.toPoint())
    assert told.args == ["B02"]
    assert points.dotCenter("A02").x() < points.dotCenter("B02").x() <= points.width()


def draw_round(widget: QWidget, places: list[QPointF], modifiers: Qt.KeyboardModifier = PLAIN) -> None:
    """Hold the button and draw a line round places of a widget."""
    left, right = min(p.x() for p in places) - 6, max(p.x() for p in places) + 6
    top, bottom = min(p.y() for p in places) - 6, max(p.y() for p in places) + 6
    corners = [QPointF(x, y) for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))]
    QTest.mousePress(widget, LEFT, modifiers, corners[0].toPoint())
    for corner in [*corners, corners[0] + QPointF(1, 1)]:
        move = QMouseEvent(QEvent.Type.MouseMove, corner, widget.mapToGlobal(corner), LEFT, LEFT, modifiers)
        QApplication.sendEvent(widget, move)
    QTest.mouseRelease(widget, LEFT, modifiers, corners[0].toPoint())


def test_a_line_round_dots_selects_their_wells(qtbot):
    points = ConditionPoints()
    qtbot.addWidget(points)
    points.resize(340, 100)
    points.setValue(ROWS, "#F72585")
    points.wellsSelected.connect(points.setSelected)  # as the window does
    points.show()
    qtbot.waitExposed(points)
    clicked: list[str] = []
    points.wellClicked.connect(clicked.append)
    with qtbot.waitSignal(points.wellsSelected) as told:
        draw_round(points, [points.dotCenter("A02"), points.dotCenter("B02")])
    assert told.args == [frozenset({"A02", "B02"})]
    with qtbot.waitSignal(points.wellsSelected) as told:
        draw_round(points, [points.dotCenter("A03")], Qt.KeyboardModifier.ShiftModifier)
    assert told.args == [frozenset({"A02", "B02", "A03"})]
    with qtbot.waitSignal(points.wellsSelected) as told:
        draw_round(points, [points.dotCenter("A02")], Qt.KeyboardModifier.AltModifier)
    assert told.args == [frozenset({"B02", "A03"})]
    assert not clicked
    QTest.mouseClick(points, LEFT, PLAIN, points.dotCenter("A01").toPoint())
    assert clicked == ["A01"]


def test_controls_come_first_then_the_highest_median(statistics: WellStatistics):
    labels = pd.Series({"A01": "DMSO", "B01": "DMSO", "A02": "x", "B02": "y", "A03": np.nan})
    rows = condition_rows(statistics, 4, 1, labels, frozenset({"A01", "B01"}), by_median=True)
    assert rows[0].label == "DMSO"
    assert rows[0].control
    assert [row.median for row in rows[1:]] == sorted((row.median for row in rows[1:]), reverse=True)
    assert {well for row in rows for well in row.wells} == {"A01", "B01", "A02", "B02"}
    assert rows[0].values == pytest.approx(tuple(statistics.active[:2, 1, 4] / 100))


def test_doses_stand_in_the_order_of_numbers_and_names_in_natural_order(statistics: WellStatistics):
    doses = pd.Series({"A01": 0.0, "B01": 100.0, "A02": 3.0, "B02": 0.03, "A03": 10.0})
    rows = condition_rows(statistics, 4, None, doses, frozenset({"B01"}))
    assert [row.label for row in rows] == ["0", "0.03", "3", "10", "100"]
    names = pd.Series({"A01": "drug 10", "B01": "DMSO", "A02": "drug 9", "B02": "drug 10", "A03": "a"})
    rows = condition_rows(statistics, 4, None, names, frozenset({"B01"}))
    assert [row.label for row in rows] == ["DMSO", "a", "drug 9", "drug 10"]
    assert strongest_rows(rows, 4) == rows
    fewer = strongest_rows(rows, 3)
    assert fewer == [row for row in rows if row in fewer]
    assert fewer[0].control
    assert min(row.median for row in fewer[1:]) >= min(row.median for row in rows[1:])


def test_one_feature_alone_keeps_its_figures(statistics: WellStatistics):
    alone = one_feature(statistics, 4, 1)
    assert alone.n_features == 1
    np.testing.assert_array_equal(alone.fraction_active()[:, 0], statistics.fraction_active(1)[:, 4])
    np.testing.assert_array_equal(one_feature(statistics, 4, None).mean()[:, 0], statistics.mean()[:, 4])


def test_a_treatment_is_chosen_and_its_wells_are_clicked(qtbot):
    plot = DosePlot()
    qtbot.addWidget(plot)
    plot.resize(360, 280)
    wells = ("A01", "B01", "A02", "A03", "A04")
    first = DoseSeries(
        "mitotic arrest",
        "Half at 3 µM.",
        wells,
        (0, 0, 1, 3, 10),
        (0.01, 0.02, 0.05, 0.1, 0.2),
        (0.01, 0.22, 3, 1),
        "µM",
    )
    second = DoseSeries("other", "No curve.", wells[:4], (0, 0, 1, 3), (0.01, 0.02, 0.05, 0.1))
    plot.setValue([first, second], "#4CC9F0")
    plot.show()
    qtbot.waitExposed(plot)
    qtbot.wait(50)
    assert plot.sentence.text() == "Half at 3 µM."
    _, y = plot.curve.getData()
    assert y[-1] > y[0]
    assert y.max() <= 22.0 + 1e-6
    plot.wellsSelected.connect(plot.setSelected)
    with qtbot.waitSignal(plot.wellsSelected) as told:
        draw_round(plot.plot.viewport(), [plot.pointCenter("A03"), plot.pointCenter("A04")])
    assert told.args == [frozenset({"A03", "A04"})]
    place = plot.pointCenter("A04")
    with qtbot.waitSignal(plot.wellClicked) as told:
        QTest.mouseClick(plot.plot.viewport(), LEFT, PLAIN, place.toPoint())
    assert told.args == ["A04"]
    assert plot._words(1.0, 20.0, "A04") == "A04 · mitotic arrest 10 µM: fires in 20 % of patches."
    QTest.keyClick(plot.treatment, Qt.Key.Key_Down)
    assert plot.shown() == second
    assert plot.curve.getData()[0] is None or len(plot.curve.getData()[0]) == 0
    plot.setValue([], why_not="The plate map has no doses.")
    assert plot.sentence.text() == "The plate map has no doses."
    assert not plot.plot.isVisible()


def test_bars_without_an_interval_are_drawn_too(qtbot):
    bars = StainBars()
    qtbot.addWidget(bars)
    bars.resize(300, 80)
    value = [StainBar("Mito", 0.63, 0.5, 0.7), StainBar("ER", -0.2), StainBar("DNA", float("nan"))]
    bars.setValue(value, "#B8F24B")
    bars.show()
    image = bars.grab().toImage()
    assert bars.value() == value
    mito = [image.pixelColor(x, 12).name().upper() for x in range(image.width())]
    assert mito.count("#B8F24B") > 60
    assert all(image.pixelColor(x, 60).name().upper() != "#B8F24B" for x in range(image.width()))


def test_pages_are_known_by_name_and_say_what_is_missing(qtbot):
    tabs = QTabWidget()
    qtbot.addWidget(tabs)
    pages = EvidencePages(tabs)
    assert [tabs.tabText(n) for n in range(tabs.count())] == ["Groups", "Dose", "Spread", "Stains", "Near"]
    tabs.setCurrentIndex(3)
    assert pages.current() == "stains"
    pages.clear("Choose a feature first.")
    assert all(line.text() == "Choose a feature first." for line in pages.lines.values())
    assert pages.dose.sentence.text() == "Choose a feature first."


def test_stability_is_told_in_words():
    assert "every other training run" in stability_words(0.95)
    assert "do not find it" in stability_words(0.2)
    assert stability_words(float("nan")) == stability_words(None) == ""


def test_doses_open_on_the_treatment_of_the_feature_until_a_person_chooses(qtbot):
    plot = DosePlot()
    qtbot.addWidget(plot)
    series = [DoseSeries(name, "", ("A01", "A02"), (0, 1), (0.0, 0.1)) for name in ("taxol", "monastrol", "ALLN")]

    def shown(own: str) -> str:
        plot.setValue(series, own=own)
        return plot.shown().treatment

    assert [shown(own) for own in ("", "ALLN", "monastrol", "DMSO")] == ["taxol", "ALLN", "monastrol", "taxol"]
    QTest.keyClick(plot.treatment, Qt.Key.Key_Down)
    assert [shown(own) for own in ("", "ALLN")] == ["monastrol", "monastrol"]  # to compare features under one treatment


def test_doses_are_written_where_there_is_room(qtbot):
    plot = DosePlot()
    qtbot.addWidget(plot)
    doses = (0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)
    wells = tuple(f"A{n:02d}" for n in range(len(doses)))
    plot.setValue([DoseSeries("taxol", "", wells, doses, (0.1,) * len(doses))])

    def written(width: int) -> list[str]:
        plot.resize(width, 260)
        plot.show()
        qtbot.waitExposed(plot)
        qtbot.wait(20)
        bottom = plot.plot.getAxis("bottom")
        labels, ticks = bottom._tickLevels
        assert len(ticks) == len(doses)
        pixel = plot.plot.getViewBox().viewPixelSize()[0]
        wide = [(at / pixel, plot.plot.fontMetrics().horizontalAdvance(text)) for at, text in labels]
        for (left, one), (right, other) in pairwise(wide):
            assert right - left >= (one + other) / 2
        return [text for _, text in labels]

    narrow, whole = written(340), written(1100)
    assert {"0", "100"} <= set(narrow)
    assert len(narrow) < len(whole) == len(doses)


def test_of_many_numbers_classes_are_shown_in_their_order(statistics: WellStatistics):
    wells = tuple(f"W{n:03d}" for n in range(120))
    many = WellStatistics.empty(wells, 1, 1)
    many.tokens[:] = 1000
    many.active[:, 0, 0] = np.arange(120)
    rows = condition_rows(many, 0, None, pd.Series(np.arange(120) * 3.0, index=wells), frozenset())
    assert len(rows) == 12
    assert [rows[0].label, rows[1].label, rows[-1].label] == ["0 to 27", "30 to 57", "330 to 357"]
    assert {len(row.wells) for row in rows} == {10}
    assert [row.median for row in rows] == sorted(row.median for row in rows)
    few = condition_rows(many, 0, None, pd.Series(np.arange(120) % 40, index=wells), frozenset())
    assert len(few) == 40


def test_bars_of_correlations_are_as_long_as_the_correlations(qtbot):
    near = Near()
    qtbot.addWidget(near)
    near.setValue(
        [FiringFeature(1, "#1", "#FF0000", "", 0.05), FiringFeature(2, "#2", "#FF0000", "", 0.02)],
        [FiringFeature(3, "#3", "#FF0000", "", 0.6)],
        "together",
        "",
    )
    assert [near.together.barLength(line) for line in (0, 1)] == pytest.approx([0.05, 0.02])
    assert near.alike.barLength(0) == pytest.approx(0.6)


def test_a_feature_has_a_treatment_of_its_own_where_features_are_compared_by_treatments(statistics: WellStatistics):
    table = pd.DataFrame({"best_value": ["taxol", "DMSO"], "selectivity": [0.1, 0.0]})
    figures = Figures(statistics, statistics, table, frozenset(), compared_by="Metadata_perturbation")
    assert own_treatment(figures, "Metadata_perturbation", 0) == "taxol"
    assert own_treatment(figures, "Metadata_perturbation", 1) == ""  # not more in any
    assert own_treatment(figures, "Metadata_compound", 0) == ""
    assert own_treatment(figures, None, 0) == ""


def test_doses_of_one_treatment_need_neither_its_name_nor_named_controls(applied: Path, tmp_path: Path):
    copy = tmp_path / "dose.lexicon"
    shutil.copytree(applied, copy)
    wells = next(iter(Lexicon.open(applied).plates.values())).wells
    rows = [f"{well},{dose}" for well, dose in zip(wells, [0.0, 0.0, 1.0, 3.0, 10.0, 30.0], strict=False)]
    (copy / "plates/tiny/plate_map.csv").write_text("\n".join(["Metadata_Well,Metadata_concentration", *rows]) + "\n")
    plate = Lexicon.open(copy).plates["tiny"]
    alone = one_feature(plate.statistics(), 4, None)
    (series,) = dose_series(plate, alone, None, "Metadata_concentration", ("all",))
    assert "2 controls" in series.sentence
    assert sorted(series.doses) == [0.0, 0.0, 1.0, 3.0, 10.0, 30.0][: len(series.doses)]
