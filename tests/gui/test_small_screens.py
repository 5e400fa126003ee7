"""What fits: a laptop, the same laptop at 150 %, and a window that moves from one screen to another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from qtpy.QtWidgets import QTabBar
from tests.gui.conftest import opened
from tests.gui.driver import Person

from napari_lexicon.widgets.workspace.docking import DOCKS, reopen_workspace


@pytest.fixture
def sit_down(make_napari_viewer):
    """Sits down at a window of a size, and opens the workspace from the menu."""
    people = []

    def at(width: int, height: int) -> Person:
        viewer = make_napari_viewer(show=True)
        viewer.window._qt_window.setGeometry(0, 0, width, height)
        person = Person(viewer)
        person.breathe(0.2)
        person.docks = reopen_workspace(viewer)
        person.breathe(0.6)
        people.append(person)
        return person

    yield at
    for person in people:
        person.workspace.close()


@pytest.mark.parametrize("size", [(1366, 768), (911, 512)])
def test_the_window_stays_as_large_as_it_was_and_shows_the_whole_plate(sit_down, plate: Path, size: tuple[int, int]):
    person = sit_down(*size)
    opened(person, plate)
    person.breathe(0.5)
    for name in DOCKS:
        person.front(name)
        assert (person.window.width(), person.window.height()) == size, name
    person.front("Plate")
    person.breathe(0.2)
    view = person.docks["Plate"].view
    for widget in (view.grid, view.scale, view.walk_buttons["next_hit"]):
        assert widget.visibleRegion().boundingRect() == widget.rect(), widget.objectName()
    assert person.canvas.width() > size[0] / 3


def test_the_name_of_the_plate_and_open_stay_in_sight_where_the_wells_are_far_down(sit_down, tmp_path: Path):
    for well in ("O01", "O24", "P24"):
        tifffile.imwrite(tmp_path / f"{well}.tif", np.ones((40, 40), np.uint16))
    person = sit_down(1366, 640)
    person.workspace.opening.plate(tmp_path)
    person.wait(lambda: person.workspace.state.field is not None, what="a field")
    person.open_well("P24")
    person.breathe(0.6)
    view = person.docks["Plate"].view
    for widget in (view.title, view.open_button):
        assert widget.visibleRegion().boundingRect() == widget.rect(), widget.objectName()
    assert view.search.visibleRegion().isEmpty()  # it has been scrolled: where all has room, nothing is tested


def test_in_a_low_window_the_pages_of_a_feature_have_room_and_the_window_stays(sit_down, plate: Path):
    person = sit_down(911, 512)
    opened(person, plate)
    person.front("Features")
    person.choose_feature(0)
    view = person.docks["Features"].view
    for number in range(view.tabs.count()):
        view.tabs.setCurrentIndex(number)
        person.breathe(0.2)
        assert view.tabs.currentWidget().height() >= 130, view.tabs.tabText(number)
        assert (person.window.width(), person.window.height()) == (911, 512), view.tabs.tabText(number)
    assert not view.card.style_controls.isVisible()
    person.click("Features", "unfold_map")
    assert view.card.style_controls.isVisible()
    person.window.resize(1366, 768)
    person.breathe(0.3)
    assert view.card.style_controls.isVisible() and not view.card.unfold.isVisible()


def test_in_a_narrow_window_no_tab_is_cut_to_letters(sit_down):
    person = sit_down(911, 512)
    (bar,) = [bar for bar in person.window.findChildren(QTabBar) if bar.isVisible() and bar.tabText(0) == "Plate"]
    assert [bar.tabText(n) for n in range(len(DOCKS))] == list(DOCKS)
    assert all(bar.tabRect(n).width() > bar.fontMetrics().horizontalAdvance(bar.tabText(n)) for n in range(bar.count()))
    assert bar.tabRect(bar.currentIndex()).width() <= bar.width()
    assert bar.tabText(bar.currentIndex()) == "Plate"  # the way in


def test_places_of_docks_from_a_small_screen_do_not_come_back_on_a_large_one(sit_down):
    small = sit_down(911, 512)
    small.front("Cells")
    small.breathe(1.0)  # written down
    small.workspace.close()
    small.viewer.close()
    later = sit_down(1366, 768)
    assert not later.docks["Plate"].visibleRegion().isEmpty()
    assert not later.docks["Embed"].visibleRegion().isEmpty()
