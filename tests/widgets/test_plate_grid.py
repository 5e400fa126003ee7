"""The plate grid, used by mouse and keys."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_lexicon.plates.well_names import well_name
from napari_lexicon.widgets.basic.words import stepped
from napari_lexicon.widgets.plate.grid import PlateGrid
from napari_lexicon.widgets.plate.layout import PlateLayout, WellPlace

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)


def layout_of(rows: int, columns: int, missing: tuple[str, ...] = ()) -> PlateLayout:
    names = [(row, column, well_name(row, column)) for row in range(rows) for column in range(columns)]
    return PlateLayout(rows, columns, {n: WellPlace(n, r, c, 1) for r, c, n in names if n not in missing})


@pytest.fixture
def grid(qtbot):
    grid = PlateGrid()
    qtbot.addWidget(grid)
    grid.resize(400, 300)
    grid.setPlate(layout_of(8, 12, missing=("B03", "C05")))
    grid.show()
    qtbot.waitExposed(grid)
    return grid


def drag(grid: PlateGrid, start: QPoint, end: QPoint, modifiers=NONE) -> None:
    QTest.mousePress(grid, LEFT, modifiers, start)
    for part in (0.3, 0.6, 1.0):
        QTest.mouseMove(grid, start + (end - start) * part)
        move(grid, start + (end - start) * part, modifiers)
    QTest.mouseRelease(grid, LEFT, modifiers, end)


def move(grid: PlateGrid, point: QPoint, modifiers=NONE) -> None:
    """A mouse move with the button held, which QTest cannot send."""
    from qtpy.QtCore import QEvent, QPointF
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    where = QPointF(point)
    event = QMouseEvent(QEvent.Type.MouseMove, where, grid.mapToGlobal(where), LEFT, LEFT, modifiers)
    QApplication.sendEvent(grid, event)


@pytest.mark.parametrize(("rows", "columns"), [(2, 3), (3, 4), (4, 6), (6, 8), (8, 12), (16, 24), (32, 48)])
def test_every_well_of_every_plate_can_be_hit(qtbot, rows, columns):
    grid = PlateGrid()
    qtbot.addWidget(grid)
    grid.setPlate(layout_of(rows, columns))
    grid.resize(340, grid.heightForWidth(340))
    for name in (well_name(0, 0), well_name(rows - 1, 0), well_name(0, columns - 1), well_name(rows - 1, columns - 1)):
        QTest.mouseClick(grid, LEFT, NONE, grid.wellCenter(name))
        assert grid.value() == {name}


def test_value_round_trip_drops_what_the_plate_does_not_have(grid):
    grid.setValue(frozenset({"A01", "H12", "B03", "Z99"}))
    assert grid.value() == {"A01", "H12"}


def test_a_click_selects_and_tells_once(grid, qtbot):
    with qtbot.waitSignal(grid.valueChanged) as told:
        QTest.mouseClick(grid, LEFT, NONE, grid.wellCenter("D06"))
    assert told.args == [frozenset({"D06"})]


def test_a_missing_well_cannot_be_selected(grid):
    place = grid.geometry_().cell_rect(1, 2).center().toPoint()
    QTest.mouseClick(grid, LEFT, NONE, place)
    assert grid.value() == frozenset()


def test_ctrl_adds_shift_spans_alt_takes_away(grid):
    QTest.mouseClick(grid, LEFT, NONE, grid.wellCenter("A01"))
    QTest.mouseClick(grid, LEFT, CTRL, grid.wellCenter("H12"))
    assert grid.value() == {"A01", "H12"}
    QTest.mouseClick(grid, LEFT, ALT, grid.wellCenter("A01"))
    assert grid.value() == {"H12"}
    QTest.mouseClick(grid, LEFT, NONE, grid.wellCenter("B02"))
    QTest.mouseClick(grid, LEFT, SHIFT, grid.wellCenter("C04"))
    assert grid.value() == {"B02", "B04", "C02", "C03", "C04"}  # B03 is missing


def test_a_rubber_band_selects_what_it_touches(grid):
    drag(grid, grid.wellCenter("A01"), grid.wellCenter("B04"))
    assert grid.value() == {"A01", "A02", "A03", "A04", "B01", "B02", "B04"}
    drag(grid, grid.wellCenter("A01"), grid.wellCenter("B01"), ALT)
    assert grid.value() == {"A02", "A03", "A04", "B02", "B04"}


def test_headers_select_rows_and_columns(grid):
    geometry = grid.geometry_()
    column = QPoint(round(geometry.cell_rect(0, 4).center().x()), 4)
    QTest.mouseClick(grid, LEFT, NONE, column)
    assert grid.value() == {f"{row}05" for row in "ABDEFGH"}
    row = QPoint(round(geometry.body.left()) - 5, round(geometry.cell_rect(7, 0).center().y()))
    QTest.mouseClick(grid, LEFT, NONE, row)
    assert grid.value() == {f"H{column:02d}" for column in range(1, 13)}


def test_a_double_click_opens(grid, qtbot):
    with qtbot.waitSignal(grid.wellActivated) as told:
        QTest.mouseDClick(grid, LEFT, NONE, grid.wellCenter("E07"))
    assert told.args == ["E07"]


def test_hovering_tells_and_leaving_tells(grid, qtbot):
    heard = []
    grid.wellHovered.connect(heard.append)
    QTest.mouseMove(grid, grid.wellCenter("A01"))
    QTest.mouseMove(grid, grid.wellCenter("A02"))
    qtbot.waitUntil(lambda: heard[-1:] == ["A02"])


def test_arrows_walk_over_missing_wells_and_enter_opens(grid, qtbot):
    grid.setFocus()
    QTest.mouseClick(grid, LEFT, NONE, grid.wellCenter("B02"))
    QTest.keyClick(grid, Qt.Key.Key_Right)
    assert grid.value() == {"B04"}
    QTest.keyClick(grid, Qt.Key.Key_Down, SHIFT)
    assert grid.value() == {"B04", "C04"}
    with qtbot.waitSignal(grid.wellActivated) as told:
        QTest.keyClick(grid, Qt.Key.Key_Return)
    assert told.args == ["C04"]
    QTest.keyClick(grid, Qt.Key.Key_A, CTRL)
    assert len(grid.value()) == 94
    QTest.keyClick(grid, Qt.Key.Key_Escape)
    assert grid.value() == frozenset()


def test_the_pixel_of_a_coloured_well_has_its_colour(grid):
    grid.setColors({"D06": (200, 30, 40)})
    pixel = grid.grab().toImage().pixelColor(grid.wellCenter("D06") * grid.devicePixelRatioF())
    assert (pixel.red(), pixel.green(), pixel.blue()) == (200, 30, 40)


def test_on_a_screen_of_another_scale_the_plate_is_painted_anew(grid, monkeypatch):
    grid.setColors({"D06": (10, 200, 30)})
    grid.grab()
    monkeypatch.setattr(grid, "devicePixelRatioF", lambda: 2.0)
    seen = []
    monkeypatch.setattr(
        "napari_lexicon.widgets.plate.grid.paint_plate",
        lambda painter, *_: seen.append(painter.device().devicePixelRatio()),
    )
    grid.grab()
    grid.grab()
    assert seen == [2.0]


def test_another_plate_forgets_selection_colours_and_marks(grid):
    grid.setValue(frozenset({"A01"}))
    grid.setColors({"A01": (1, 2, 3)})
    grid.setCurrent("A01")
    grid.setPlate(layout_of(2, 3))
    assert grid.value() == frozenset()
    assert not grid.colors()
    assert grid.current() is None


def test_recolouring_1536_wells_takes_less_than_a_frame_or_two(grid, qtbot):
    import time

    layout = layout_of(32, 48)
    grid.setPlate(layout)
    times = []
    for turn in range(5):
        colors = dict.fromkeys(layout.wells, (turn, 10, 20))
        start = time.perf_counter()
        grid.setColors(colors)
        grid.grab()
        times.append(time.perf_counter() - start)
    assert sorted(times)[2] < 0.1


def test_stepping_stops_at_the_ends():
    assert stepped(["a", "b"], "a", 1) == "b"
    assert stepped(["a", "b"], "b", 1) is None
    assert stepped(["a", "b"], None, -1) == "b"
    assert stepped([], None, 1) is None


def test_the_number_of_the_current_column_leaves_no_half_number_beside_it(qtbot):
    """On a narrow plate every other column is written: a number marked in between takes the place of both beside it."""

    def number_five(current: str | None) -> int:
        grid = PlateGrid()
        qtbot.addWidget(grid)
        grid.resize(300, 175)
        grid.setPlate(layout_of(16, 24))
        grid.setCurrent(current)
        picture = grid.grab().toImage()
        five, six, foot = (grid.wellCenter(well) for well in ("A05", "A06", "B01"))
        step = six.x() - five.x()
        shades = [
            picture.pixelColor(x, y).lightness()
            for x in range(five.x() - step // 2, five.x() + step // 4)
            for y in range(2, 2 * five.y() - foot.y() - step)
        ]
        return max(shades) - min(shades)

    assert number_five(None) > 20
    assert number_five("A06") < 20
