"""Where a person was comes back: after the window was closed, from the start page, and never from a broken file."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QTabBar
from tests.gui.conftest import opened
from tests.gui.driver import Person, fit_to_screen
from tests.gui.main_job import click_header

from napari_lexicon.viewer.overlay import OverlayStyle
from napari_lexicon.widgets.plate.color_by import ColorBy
from napari_lexicon.widgets.workspace.docking import DOCKS, reopen_workspace
from napari_lexicon.widgets.workspace.last_view import LastView, keep_view, read_views
from napari_lexicon.widgets.workspace.state import FieldPlace


@pytest.fixture
def next_person(make_napari_viewer, person: Person):
    """Closes the window and sits down at a new one."""

    def sit_down() -> Person:
        person.workspace.close()
        person.viewer.close()
        viewer = make_napari_viewer(show=True)
        fit_to_screen(viewer)
        later = Person(viewer)
        later.open_workspace("Features")
        return later

    return sit_down


def table_feature(person: Person, row: int) -> int:
    return person.docks["Features"].view.table.table_model().feature_at(row)


def test_the_docks_come_back_where_a_person_put_them(person: Person, make_napari_viewer):
    window = person.window
    person.breathe(0.2)
    docks = {name: widget.parent() for name, widget in person.docks.items()}
    window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, docks["Questions"])
    person.viewer.window.remove_dock_widget(docks["Cells"])
    person.front("Feature map")
    person.breathe(1.0)
    person.workspace.close()
    person.viewer.close()
    viewer = make_napari_viewer(show=True)
    fit_to_screen(viewer)
    later = Person(viewer)
    later.docks = reopen_workspace(viewer)
    later.breathe(0.5)
    assert set(later.docks) == set(DOCKS) - {"Cells"}
    area = later.window.dockWidgetArea(later.docks["Questions"].parent())
    assert area == Qt.DockWidgetArea.BottomDockWidgetArea
    assert not later.docks["Feature map"].visibleRegion().isEmpty()
    assert later.docks["Features"].visibleRegion().isEmpty()
    later.docks = reopen_workspace(viewer)  # asked for again: all of them, in their first places
    later.breathe(0.3)
    assert set(later.docks) == set(DOCKS)
    assert later.window.dockWidgetArea(later.docks["Questions"].parent()) == Qt.DockWidgetArea.RightDockWidgetArea
    for name in ("Features", "Plate"):
        later.docks[name].parent().close()
    later.breathe(0.1)
    later.open_workspace()
    bars = [bar for bar in later.window.findChildren(QTabBar) if bar.isVisible() and bar.parent() is later.window]
    tabs = [bar.tabText(n) for bar in bars for n in range(bar.count())]
    assert len(tabs) == len(set(tabs))  # no bar is left behind the docks
    later.workspace.close()


def test_a_closed_plate_opens_from_the_start_page_as_it_was(person: Person, plate: Path, next_person, tmp_path: Path):
    opened(person, plate)
    person.open_well("B03")
    person.press(Qt.Key.Key_Period)
    person.wait(lambda: person.workspace.state.field.index == 1, what="the second field")
    view = person.docks["Features"].view
    person.front("Features")
    click_header(view.table, 0)
    person.type("Features", "search", "a")
    person.breathe(0.3)
    feature = person.choose_feature(1)
    person.find("Features", "threshold").setValue(40)
    person.find("Features", "opacity").setValue(55)
    look = person.docks["Features"].view.card.look
    look.kind.setCurrentIndex(look.kind.findData("direction"))
    look.kind.activated.emit(look.kind.currentIndex())
    compare = person.find("Features", "compare_by")
    assert compare.currentData() is not None  # the plate map suggests a column
    compare.setCurrentIndex(compare.findData(None))
    compare.activated.emit(compare.currentIndex())
    colors = person.docks["Plate"].view.color_by
    colors.setValue(ColorBy("column", "Metadata_concentration"))
    colors.chosen.emit(colors.value())
    kept = [table_feature(person, row) for row in (2, 0)]
    for one in kept:
        person.workspace.canvas.toggle_kept(one)
    before, order = person.workspace.restoring.value(), view.table.table_model().sorting()
    assert before.style.threshold > 0
    person_colors = person.workspace.state.shown_colors
    assert before.style.opacity < OverlayStyle().opacity

    later = next_person()
    later.click("Plate", "recent_0")
    state = later.workspace.state
    later.wait(lambda: state.plate is not None, what="the plate")
    later.wait(lambda: later.workspace.reading.figures is not None, what="the figures")
    later.wait_for_field("B03")
    later.front("Features")
    later.breathe(0.4)
    assert later.workspace.restoring.value() == before
    assert state.field == FieldPlace("B03", 1)
    assert state.feature == feature
    table = later.docks["Features"].view.table
    assert table.value() == feature
    assert table.table_model().sorting() == order == ("name", False)
    assert later.find("Features", "search").text() == "a"
    assert later.docks["Plate"].view.color_by.value() == ColorBy("column", "Metadata_concentration")
    assert later.docks["Features"].view.card.style_controls.value() == before.style
    assert later.docks["Features"].view.card.look.value() == before.look
    assert later.layer_names()[-1] == f"#{feature}"
    assert later.find("Features", "compare_by").currentData() is None
    assert later.workspace.reading.figures.compared_by is None
    assert state.kept == tuple(kept)
    assert state.shown_colors == person_colors
    later.screenshot(tmp_path / "restored.png")
    later.workspace.close()


def test_another_plate_keeps_its_own_view_and_a_broken_file_is_said_in_the_log(
    person: Person, plate: Path, next_person, caplog: pytest.LogCaptureFixture
):
    opened(person, plate)
    person.open_well("A02")
    person.press(Qt.Key.Key_Period)
    file = person.workspace.opening.memory.views_path()
    person.wait(lambda: any((view.well, view.field) == ("A02", 1) for view in read_views(file)), what="the view kept")
    file.write_text(file.read_text(encoding="utf-8")[:-9], encoding="utf-8")
    later = next_person()
    later.workspace.reading.set_beyond(2.0)  # as of a plate that was open before
    with caplog.at_level(logging.WARNING):
        opened(later, plate)
    assert "cannot be read" in caplog.text
    assert later.workspace.reading.beyond is None  # a plate that was never open is read by code at first
    later.wait(lambda: later.workspace.state.field is not None, 10, "a field")
    assert later.workspace.state.field.index == 0  # where any plate opens
    later.workspace.close()


def test_a_damaged_entry_is_left_out_and_the_others_stay(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    file = tmp_path / "views.json"
    first, second = LastView(plate="/a", well="A01", feature=3), LastView(plate="/b", lexicon="/b.lexicon")
    keep_view(file, first)
    keep_view(file, second)
    keep_view(file, first.model_copy(update={"well": "A02"}))
    assert [view.well for view in read_views(file)] == ["A02", ""]
    found = json.loads(file.read_text(encoding="utf-8"))
    found["views"][0]["style"]["opacity"] = 7
    file.write_text(json.dumps(found), encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        assert read_views(file) == [second]
    assert "damaged" in caplog.text
