"""The scatter plot, used by mouse and keys."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtGui import QFontMetricsF, QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from skimage.measure import points_in_poly

from napari_lexicon.widgets.basic.ink import small_font
from napari_lexicon.widgets.basic.polygon import inside_polygon, round_ticks
from napari_lexicon.widgets.basic.scatter import ScatterPlot

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def lasso(plot: ScatterPlot, corners: list[tuple[float, float]], modifiers=NONE) -> None:
    """Draw a line with the button held; corners in parts of the widget."""
    places = [QPointF(x * plot.width(), y * plot.height()) for x, y in corners]
    QTest.mousePress(plot, LEFT, modifiers, places[0].toPoint())
    for place in [*places, places[0] + QPointF(1, 1)]:
        QApplication.sendEvent(
            plot, QMouseEvent(QEvent.Type.MouseMove, place, plot.mapToGlobal(place), LEFT, LEFT, modifiers)
        )
    QTest.mouseRelease(plot, LEFT, modifiers, places[0].toPoint())


@pytest.fixture
def plot(qtbot):
    plot = ScatterPlot()
    qtbot.addWidget(plot)
    plot.resize(400, 300)
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal((0, 0), 0.1, (20, 2)), rng.normal((5, 5), 0.1, (10, 2)), [[np.nan, 1.0]]])
    plot.setPoints(points, np.full((31, 3), 128))
    plot.show()
    qtbot.waitExposed(plot)
    return plot


def test_inside_is_what_scikit_image_says():
    rng = np.random.default_rng(0)
    points, corners = rng.random((500, 2)), rng.random((9, 2))
    np.testing.assert_array_equal(inside_polygon(points, corners), points_in_poly(points, corners))
    assert not inside_polygon(points, corners[:2]).any()


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-0.47, 0.3), (3e-5, 9e-5), (-1e6, 12)])
def test_ticks_are_round_and_within(low, high):
    ticks = round_ticks(low, high)
    assert 1 <= len(ticks) <= 6
    assert all(low <= tick <= high for tick in ticks)
    assert all(
        len(f"{tick:.10g}".replace("-", "").replace("0", "").replace(".", "").split("e")[0]) <= 2 for tick in ticks
    )


def test_a_line_round_points_selects_them_and_modifiers_add_and_take_away(plot, qtbot):
    right = [(0.5, 0.02), (0.99, 0.02), (0.99, 0.5), (0.5, 0.5)]
    left = [(0.12, 0.5), (0.5, 0.5), (0.5, 0.88), (0.12, 0.88)]
    with qtbot.waitSignal(plot.valueChanged) as told:
        lasso(plot, right)
    assert np.flatnonzero(told.args[0]).tolist() == list(range(20, 30))
    lasso(plot, left, Qt.KeyboardModifier.ShiftModifier)
    assert plot.value().sum() == 30
    lasso(plot, right, Qt.KeyboardModifier.AltModifier)
    assert np.flatnonzero(plot.value()).tolist() == list(range(20))
    plot.setFocus()
    QTest.keyClick(plot, Qt.Key.Key_Escape)
    assert not plot.value().any()


def test_a_click_chooses_the_nearest_point_and_beside_all_of_them_selects_nothing(plot, qtbot):
    plot.setValue(np.arange(31) < 3)
    with qtbot.waitSignal(plot.pointClicked) as told:
        QTest.mouseClick(plot, LEFT, NONE, plot.pointPlace(25).toPoint())
    assert np.linalg.norm(plot.points()[told.args[0]] - plot.points()[25]) < 0.2
    assert plot.value().sum() == 3
    QTest.mouseClick(plot, LEFT, NONE, QPointF(200, 20).toPoint())
    assert not plot.value().any()


def test_the_same_points_again_keep_the_selection_and_the_view(plot):
    plot.setValue(np.arange(31) < 3)
    plot.setPoints(plot.points().copy(), np.zeros((31, 3)))
    assert plot.value().sum() == 3


def test_on_a_screen_of_another_scale_the_points_are_painted_anew(plot, monkeypatch):
    plot.grab()
    monkeypatch.setattr(plot, "devicePixelRatioF", lambda: 2.0)
    seen = []
    monkeypatch.setattr(plot, "_paint_points", lambda painter: seen.append(painter.device().devicePixelRatio()))
    plot.grab()
    plot.grab()
    assert seen == [2.0]


def test_numbers_left_of_the_points_leave_room_for_the_title(plot):
    metrics = QFontMetricsF(small_font(plot, -1.5))
    numbers_begin = plot._room().left() - 4 - metrics.horizontalAdvance("-0.05")
    assert numbers_begin >= 2 + metrics.height()
