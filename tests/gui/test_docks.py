"""The docks are connected: to each other, to the layers, to the lexicon on the disk. And cut when they go."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qtpy import PYSIDE6
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit, QScrollBar
from tests.gui.conftest import opened
from tests.gui.driver import LEFT, PLAIN, Person
from tests.gui.main_job import click_header
from tests.widgets.test_evidence import draw_round

from napari_lexicon.viewer.conversion import Placement, patch_at
from napari_lexicon.viewer.napari_compat import camera as camera_of
from napari_lexicon.viewer.napari_compat import text_overlay
from napari_lexicon.widgets.workspace.docking import DOCKS
from napari_lexicon.widgets.workspace.job_status import JobPhase, JobStatus
from napari_lexicon.widgets.workspace.state import WorkspaceState


def test_a_well_opens_as_one_layer_per_channel_with_scale_and_units(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("B02")
    assert person.layer_names()[:2] == ["DNA", "Actin"]  # a feature to begin with may lie over them
    layer = person.viewer.layers["DNA"]
    assert tuple(layer.scale) == (0.5, 0.5)
    assert str(layer.units[0]) == "micrometer"
    assert layer.data.shape == (100, 140)
    text = text_overlay(person.viewer)
    assert text.visible
    assert text.text == "B02 · drug · 1 · field 1 of 2"


def test_keys_walk_wells_and_fields(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("A02")
    state = person.workspace.state
    person.press(Qt.Key.Key_PageDown)
    assert state.field.well == "A03"
    person.press(Qt.Key.Key_PageUp)
    person.press(Qt.Key.Key_PageUp)
    assert state.field.well == "A01"
    person.press(Qt.Key.Key_PageUp)
    assert state.field.well == "A01"
    person.press(Qt.Key.Key_Period)
    assert (state.field.well, state.field.index) == ("A01", 1)
    person.press(Qt.Key.Key_Period)
    assert (state.field.well, state.field.index) == ("A02", 0)
    person.press(Qt.Key.Key_Comma)
    assert (state.field.well, state.field.index) == ("A01", 1)
    person.wait_for_field("A01")


def test_keys_walk_among_the_selected_wells(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("A01")
    person.workspace.state.set_selection(frozenset({"A01", "B03"}))
    person.press(Qt.Key.Key_PageDown)
    assert person.workspace.state.field.well == "B03"
    person.wait_for_field("B03")


def test_choosing_a_feature_lays_its_map_over_the_field_and_colours_the_plate(person: Person, plate: Path):
    from napari_lexicon.analysis.maps import activation_map

    opened(person, plate)
    person.open_well("A01")
    feature = person.choose_feature(0)
    assert person.layer_names()[-1] == f"#{feature}"
    overlay = person.viewer.layers[-1]
    codes = person.workspace.canvas.codes
    expected = np.repeat(np.repeat(activation_map(codes, feature), 4, axis=0), 4, axis=1)[:25, :35]
    np.testing.assert_allclose(overlay.data, expected)  # 100 x 140 pixels, patches of 16: a grid of 4 pixels fits
    np.testing.assert_allclose(overlay.scale, (2, 2))
    colors = person.docks["Plate"].view.grid.colors()
    assert set(colors) == {f"{row}0{column}" for row in "AB" for column in (1, 2, 3)}
    first = np.array(overlay.data)
    person.press(Qt.Key.Key_PageDown)
    person.wait_for_field("A02")
    assert person.workspace.canvas.overlay.layer() is overlay
    assert not np.array_equal(overlay.data, first)
    person.find("Features", "channel").setCurrentIndex(1)
    person.find("Features", "channel").activated.emit(1)
    np.testing.assert_allclose(
        overlay.data[::4, ::4], activation_map(person.workspace.canvas.codes, feature, 0)[:7, :9]
    )


def test_a_click_in_the_image_lists_what_fires_there(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("B03")
    person.front("Features")
    person.wait(lambda: person.workspace.canvas.codes is not None, what="the codes")
    lit = (person.workspace.canvas.codes.values != 0).any(axis=(0, 3))
    (dark_row, dark_column), *_ = np.argwhere(~lit)
    person.click_image(dark_row * 16 + 3, dark_column * 16 + 3)
    assert person.docks["Features"].view.spots.value() == []
    assert "dark in every channel" in person.docks["Features"].view.spot_line.text()
    places = [(row * 16 + 2, column * 16 + 9) for row, column in np.argwhere(lit)[[0, 5, -1]]]
    for y, x in places:
        person.click_image(y, x)
        spot = person.workspace.state.spot
        assert (spot.row, spot.column) == (y // 16, x // 16)
        (square,) = person.workspace.canvas.frame.layer().data
        np.testing.assert_allclose(square.min(axis=0), (y // 16 * 16 - 0.5, x // 16 * 16 - 0.5))
        lines = person.docks["Features"].view.spots.value()
        assert lines
        assert [line.value for line in lines] == sorted((line.value for line in lines), reverse=True)
    person.docks["Features"].view.tabs.setCurrentIndex(1)
    person.breathe(0.1)
    spots = person.docks["Features"].view.spots
    QTest.mouseClick(spots, LEFT, PLAIN, spots.lineRect(0).center().toPoint())
    assert person.workspace.state.feature == lines[0].feature
    person.breathe(0.05)
    overlay = person.workspace.canvas.overlay.layer()
    assert overlay.get_value(person.viewer.layers[0].data_to_world(places[-1]), world=True) > 0


def test_dragging_the_image_is_no_click(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("A01")
    start, end = person.canvas_point((10, 10)), person.canvas_point((30, 30))
    QTest.mousePress(person.canvas, LEFT, PLAIN, start)
    QTest.mouseMove(person.canvas, end)
    QTest.mouseRelease(person.canvas, LEFT, PLAIN, end)
    person.breathe()
    assert person.workspace.state.spot is None


def test_the_gallery_jumps_to_the_place(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("A01")
    feature = person.choose_feature(2)
    gallery = person.docks["Features"].view.gallery
    person.wait(lambda: gallery.value() and all(tile is not None for tile in gallery.value()), what="tiles")
    tile = gallery.value()[-1]
    position = len(gallery.value()) - 1
    person.bring_into_view(gallery)
    QTest.mouseClick(gallery, LEFT, PLAIN, gallery.tileCenter(position).toPoint())
    person.wait_for_field(tile.example.well)
    spot = person.workspace.state.spot
    assert (spot.row, spot.column) == (tile.example.gy, tile.example.gx)
    overlay = person.workspace.canvas.overlay.layer()
    image = person.viewer.layers[0]
    middle = (min(tile.example.gy * 16 + 8, 99), min(tile.example.gx * 16 + 8, 139))
    value = overlay.get_value(image.data_to_world(middle), world=True)
    codes, place = person.workspace.canvas.codes, np.s_[:, tile.example.gy, tile.example.gx]
    of_channels = np.where(codes.indices[place] == feature, codes.values[place], 0).sum(axis=-1)
    assert np.isclose(of_channels, tile.example.value, rtol=1e-2).any()  # a tile is of one channel,
    assert value == pytest.approx(of_channels.max(), rel=1e-2), feature  # the map of the strongest one
    center = camera_of(person.viewer).center[-2:]
    here = patch_at(Placement((0.5, 0.5)), center, 16, (7, 9), (112, 144))
    assert here == (tile.example.gy, tile.example.gx)


def test_a_name_is_kept_in_the_lexicon_and_shown_everywhere(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("A01")
    feature = person.choose_feature(1)
    person.type("Features", "feature_name", "bright rims")
    names = json.loads((plate.with_suffix(".lexicon") / "names.json").read_text(encoding="utf-8"))
    assert names["features"][str(feature)]["name"] == "bright rims"
    assert person.viewer.layers[-1].name == f"#{feature} bright rims"
    table = person.docks["Features"].view.table
    assert table.model().data(table.currentIndex()) == "bright rims"
    person.type("Features", "feature_name", "")
    names = json.loads((plate.with_suffix(".lexicon") / "names.json").read_text(encoding="utf-8"))
    assert names["features"] == {}


def test_a_line_round_dots_of_wells_selects_them_in_every_dock(person: Person, plate: Path):
    opened(person, plate)
    person.front("Features")
    person.choose_feature(0)
    view = person.docks["Features"].view
    view.tabs.setCurrentIndex(2)
    points = view.evidence.conditions
    person.wait(lambda: bool(points.value()), what="the groups")
    person.breathe(0.2)
    row = points.value()[-1]
    draw_round(points, [points.dotCenter(well) for well in row.wells])
    assert row.wells and person.workspace.state.selection == frozenset(row.wells)
    assert person.docks["Plate"].view.value() == frozenset(row.wells)
    view.tabs.setCurrentIndex(3)
    dose = view.evidence.dose
    person.wait(lambda: dose.shown() is not None, what="the doses")
    person.breathe(0.3)
    treated = [well for well, value in zip(dose.shown().wells, dose.shown().doses, strict=True) if value]
    highest = [
        well for well in treated if dose.shown().doses[dose.shown().wells.index(well)] == max(dose.shown().doses)
    ]
    draw_round(dose.plot.viewport(), [dose.pointCenter(well) for well in highest])
    assert person.workspace.state.selection == frozenset(highest)
    assert person.docks["Plate"].view.value() == frozenset(highest)


def test_treatments_are_compared_before_anybody_asks_and_a_choice_stays(person: Person, plate: Path):
    opened(person, plate)
    person.front("Features")
    view = person.docks["Features"].view
    reading, state = person.workspace.reading, person.workspace.state
    suggested = reading.compare_by
    assert suggested in ("Metadata_perturbation", "Metadata_compound") and not reading.by_hand
    assert view.compare.currentData() == suggested
    model = view.table.table_model()
    person.wait(lambda: any(column.key == "selectivity" for column in model.columns()), what="the comparison")
    view.compare.setCurrentIndex(0)
    view.compare.activated.emit(0)
    assert reading.compare_by is None and reading.by_hand
    state.plateChanged.emit(state.plate)
    assert reading.compare_by is None
    view.compare.setCurrentIndex(view.compare.findData("Metadata_pert_type"))
    view.compare.activated.emit(view.compare.currentIndex())
    state.plateChanged.emit(state.plate)
    assert reading.compare_by == "Metadata_pert_type"


def test_features_can_be_compared_by_a_column_of_the_plate_map(person: Person, plate: Path):
    opened(person, plate)
    person.workspace.reading.set_compare_by("Metadata_pert_type")
    table = person.docks["Features"].view.table.table_model()
    person.wait(lambda: any(column.key == "selectivity" for column in table.columns()), what="the comparison")


def test_the_significance_follows_the_comparison_and_is_that_of_the_analysis(person: Person, plate: Path, monkeypatch):
    from napari_lexicon import api

    opened(person, plate)
    person.front("Features")
    compare = person.docks["Features"].view.compare
    compare.setCurrentIndex(compare.findData("Metadata_pert_type"))
    compare.activated.emit(compare.currentIndex())
    model = person.docks["Features"].view.table.table_model()
    person.wait(lambda: any(column.key == "q" for column in model.columns()), what="the comparison")
    reading = person.workspace.reading
    person.wait(lambda: reading.figures.significance is not None, what="the significance")
    known = reading.figures.significance
    section = next(n for n, column in enumerate(model.columns()) if column.key == "q")
    tip = model.headerData(section, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
    assert "6 wells" in tip
    assert f"{known.shuffles:,} times" in tip
    asked = api.ask(plate.with_suffix(".lexicon"), "selectivity", by="Metadata_pert_type")
    best = asked.loc[asked.groupby("feature")["selectivity"].idxmax()].set_index("feature")["q"]
    fires = reading.figures.table.index[reading.figures.table["fires"] > 0]
    np.testing.assert_allclose(known.q[fires], best.loc[fires], atol=0.05)  # another number of shuffles, other ties
    table = person.docks["Features"].view.table
    click_header(table, section)
    shown = reading.figures.table["q"].to_numpy()[[model.feature_at(row) for row in range(model.rowCount())]]
    assert (np.diff(shown) >= 0).all()
    assert model.data(model.index(0, section)) not in ("", "–")
    person.choose_feature(0)
    assert "of 6 wells" in person.find("Features", "feature_facts").text()
    # with the first fields of a job there is nothing to compare yet, which is no mistake of anybody
    told, few = [], replace(reading.figures, numbers=frozenset([0]), why_not="The column has one value.")
    person.workspace.state.noticed.connect(lambda notice: told.append(notice.sentence))
    for phase in (JobPhase.RUNNING, JobPhase.NONE):
        monkeypatch.setattr(person.workspace.jobs, "_status", JobStatus(phase))
        reading.changed.emit(few)
        assert told == ([] if phase is JobPhase.RUNNING else ["The column has one value."])


def test_what_is_computed_and_that_nothing_is_stale(person: Person, plate: Path):
    opened(person, plate)
    facts = person.docks["Embed"].view.facts
    person.wait(lambda: dict(facts.value()).get("Fields", "").startswith("12 of 12"), what="the cache")
    assert "Stale" not in dict(facts.value())
    assert person.docks["Embed"].view.apply.text() == "See the features"


def test_an_image_that_changed_on_the_disk_makes_its_field_stale_and_says_why(person: Person, plate: Path):
    field = next(plate.glob("B/*2/0"))
    chunk = max(field.rglob("*"), key=lambda path: path.is_file() and path.stat().st_size)
    chunk.write_bytes(chunk.read_bytes() + b" ")
    opened(person, plate)
    facts = person.docks["Embed"].view.facts
    person.wait(lambda: "Stale" in dict(facts.value()), what="the stale field")
    assert "B02" in dict(facts.value())["Stale"]
    assert "1 stale field" in person.docks["Embed"].view.apply.text()


def test_every_control_has_a_name_and_says_what_it_is_for(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("A01")
    person.choose_feature(0)
    mute = []
    for name in DOCKS:
        for kind in (QAbstractButton, QComboBox, QAbstractSpinBox, QLineEdit, QAbstractSlider):
            for control in person.docks[name].findChildren(kind):
                inner = control.objectName().startswith("qt_") or isinstance(control, QScrollBar)
                parent = control.parent()
                inner |= isinstance(parent, (QComboBox, QAbstractSpinBox)) or type(parent).__name__ == "QTabBar"
                inner |= type(control).__name__ in ("QTableCornerButton",) or type(parent).__name__ in (
                    "QLineEdit",
                    "FeatureTable",
                )
                if not inner and not (control.objectName() and control.toolTip()):
                    mute.append((name, type(control).__name__, control.objectName(), getattr(control, "text", str)()))
    assert not mute


@pytest.mark.parametrize("state", ["empty", "plate"])
def test_every_disabled_button_has_a_reason(person: Person, plate: Path, state: str):
    if state == "plate":
        opened(person, plate)
    silent = []
    for name in DOCKS:
        person.front(name)
        for button in person.docks[name].findChildren(QAbstractButton):
            if button.isVisible() and not button.isEnabled() and not button.toolTip():
                silent.append((name, button.objectName(), button.text()))
    assert not silent


def listeners(state: WorkspaceState) -> int:
    """How many listen to the chosen feature; the two bindings ask for the signal in different words."""
    if not PYSIDE6:
        return state.receivers(state.featureChanged)
    from qtpy.QtCore import SIGNAL

    return state.receivers(SIGNAL("featureChanged(PyObject)"))


def test_docks_closed_and_opened_again_leave_no_doubled_callbacks(person: Person, plate: Path):
    """Each turn cuts as many connections as it made, and one choice is told once to each dock."""
    opened(person, plate)
    person.open_well("A01")
    before = {name: person.docks[name].controller.n_links() for name in DOCKS}
    state = person.workspace.state
    receivers = listeners(state)
    for _ in range(3):
        old = [person.docks[name].controller for name in DOCKS]
        for name in DOCKS:
            person.viewer.window.remove_dock_widget(person.docks[name].parent())
        person.breathe()
        assert all(controller.n_links() == 0 for controller in old)
        person.open_workspace()
    assert {name: person.docks[name].controller.n_links() for name in DOCKS} == before
    assert listeners(state) == receivers > 0
    person.wait(lambda: person.workspace.reading.figures is not None)
    person.choose_feature(3)
    assert sum(name.startswith("#") for name in person.layer_names()) == 1
    assert person.docks["Plate"].view.grid.current() == "A01"


def test_the_workspace_entry_docks_all_and_takes_itself_away(make_napari_viewer):
    from qtpy.QtWidgets import QDockWidget

    from napari_lexicon.widgets.workspace.workspace import workspace_of

    viewer = make_napari_viewer(show=True)
    viewer.window.add_plugin_dock_widget("napari-lexicon", "Lexicon workspace")
    person = Person(viewer)

    def titles() -> set[str]:
        return {dock.objectName() for dock in person.window.findChildren(QDockWidget) if dock.isVisible()}

    person.wait(lambda: {f"{name} (napari-lexicon)" for name in DOCKS} <= titles(), 10)
    person.wait(lambda: "Lexicon workspace (napari-lexicon)" not in titles(), 10)
    workspace_of(viewer).close()


def test_two_viewers_have_a_workspace_each(make_napari_viewer, plate: Path):
    people = []
    for _ in range(2):
        viewer = make_napari_viewer(show=True)
        people.append(Person(viewer))
        people[-1].open_workspace()
    opened(people[0], plate)
    people[0].open_well("A01")
    assert people[1].workspace.state.plate is None
    assert people[1].layer_names() == []
    for person in people:
        person.workspace.close()


def test_a_viewer_is_free_to_go(make_napari_viewer, plate: Path):
    """Nothing of ours keeps a closed viewer alive: make_napari_viewer fails the test if it does."""
    viewer = make_napari_viewer(show=True)
    person = Person(viewer)
    person.open_workspace()
    opened(person, plate)
    person.open_well("A01")
    person.choose_feature(0)
    person.workspace.close()


def test_a_laptop_screen_is_enough(person: Person, plate: Path):
    """The workspace makes the window no larger, and every button can be scrolled into view and reached."""
    from qtpy.QtWidgets import QPushButton

    size = person.window.size()
    assert (size.width(), size.height()) == (1366, 768)
    opened(person, plate)
    person.open_well("A01")
    person.choose_feature(0)
    person.docks["Dictionary"].view.setValue("train")
    person.docks["Embed"].view.settings_fold.setValue(True)
    person.docks["Embed"].view.model_fold.setValue(True)
    assert person.window.size() == size
    for name in DOCKS:
        person.front(name)
        assert person.docks[name].width() <= 432
        for button in person.docks[name].findChildren(QPushButton):
            if not button.isVisible():
                continue
            person.bring_into_view(button)
            assert not button.visibleRegion().isEmpty(), f"{name}: {button.objectName()} is out of reach"
            middle = button.mapTo(person.window, button.rect().center())
            assert person.window.rect().contains(middle), f"{name}: {button.objectName()} is outside the window"


def test_the_key_for_the_next_hit_goes_to_the_strongest_well_and_then_down_the_ranks(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("B01")
    feature = person.choose_feature(0)
    means = person.workspace.reading.figures.statistics.mean()[:, feature]
    wells = person.workspace.reading.figures.statistics.wells
    ranked = [wells[w] for w in np.argsort(-means, kind="stable") if means[w] > 0]
    for expected in (ranked[0], ranked[1]):
        person.press(Qt.Key.Key_N)
        person.wait_for_field(expected)
