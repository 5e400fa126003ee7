"""Several features on the image at once, each in a colour of its own, chosen by clicks on their dots."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from tests.gui.conftest import opened, opened_without_image
from tests.gui.driver import LEFT, PLAIN, Person

from napari_lexicon.analysis.maps import activation_map
from napari_lexicon.viewer.conversion import OWNER
from napari_lexicon.viewer.distinct import LEAST_DISTANCE, MOST_KEPT, distance
from napari_lexicon.viewer.overlay import see_through
from napari_lexicon.widgets.features.table_model import COLOR_ROLE, KEPT_ROLE


def click_dot(person: Person, row: int) -> int:
    """Click the dot of a row; returns its feature."""
    table = person.docks["Features"].view.table
    table.scrollTo(table.model().index(row, 0))
    QTest.mouseClick(table.viewport(), LEFT, PLAIN, table.dotCenter(row))
    person.breathe(0.05)
    return table.table_model().feature_at(row)


def legend(person: Person) -> dict[str, str]:
    """What is written on the canvas, and in which colour."""
    return {
        layer.name: "#{:02X}{:02X}{:02X}".format(*(round(255 * float(c)) for c in layer.name_overlay.color[:3]))
        for layer in person.viewer.layers
        if layer.name_overlay.visible
    }


def test_dots_keep_maps_in_colors_apart_that_are_the_same_everywhere(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("A01")
    current = person.choose_feature(0)
    assert legend(person) == {}
    kept = [click_dot(person, row) for row in (1, 2, 3, 4)]
    assert person.workspace.state.feature == current  # a click on a dot leaves the choice alone
    assert person.workspace.state.kept == tuple(kept)
    colors = legend(person)
    assert set(colors) == {f"#{feature}" for feature in (current, *kept)}
    assert all(distance(a, b) >= LEAST_DISTANCE for a, b in combinations(colors.values(), 2))
    model = person.docks["Features"].view.table.table_model()
    for row, feature in enumerate((current, *kept)):
        assert model.data(model.index(row, 0), COLOR_ROLE) == colors[f"#{feature}"]
        assert model.data(model.index(row, 0), KEPT_ROLE) is (feature != current)
    second = person.choose_feature(2)
    assert person.workspace.state.color_of(second) == colors[f"#{second}"]
    ramp = see_through(colors[f"#{second}"])
    chosen = next(layer for layer in person.viewer.layers if "overlay" in layer.metadata.get(OWNER, {}))
    np.testing.assert_allclose(chosen.colormap.colors, ramp, atol=0.01)
    last = person.docks["Plate"].view.scale.value().colors[-1]
    assert np.argmax(last) == np.argmax(np.array([int(colors[f"#{second}"][i : i + 2], 16) for i in (1, 3, 5)]))
    assert click_dot(person, 2) == second
    assert second not in person.workspace.state.kept
    person.viewer.layers.remove(f"#{kept[-1]}")  # by hand
    person.breathe(0.05)
    assert person.workspace.state.kept == (kept[0], kept[2])


def test_the_dot_of_the_card_and_the_space_bar_keep_the_chosen_one(
    person: Person, plate: Path, monkeypatch: pytest.MonkeyPatch
):
    opened_without_image(person, plate, monkeypatch)
    feature = person.choose_feature(0)
    person.click("Features", "keep_map")
    assert person.workspace.state.kept == ()  # no image is open: a sentence says so
    person.open_well("A01")
    person.click("Features", "keep_map")
    assert person.workspace.state.kept == (feature,)
    table = person.docks["Features"].view.table
    person.press(Qt.Key.Key_Space, table)
    assert person.workspace.state.kept == ()
    for row in range(MOST_KEPT + 2):
        click_dot(person, row)
    assert len(person.workspace.state.kept) == MOST_KEPT


def test_outlines_and_what_is_above_control(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("A03")
    feature = person.choose_feature(0)
    look = person.find("Features", "look")
    codes = person.workspace.canvas.codes
    values = activation_map(codes, feature)
    person.press(Qt.Key.Key_Down, look)
    person.press(Qt.Key.Key_Down, look)
    assert look.currentText() == "outlines"
    lines = person.workspace.canvas.overlay.layer().data
    assert 0 < np.count_nonzero(lines) < np.count_nonzero(values) * 16
    person.press(Qt.Key.Key_Down, look)
    statistics = person.workspace.reading.figures.statistics
    controls = [statistics.wells.index(well) for well in ("A01", "B01")]
    usual = statistics.total[controls][:, :, feature].sum() / statistics.active[controls][:, :, feature].sum()
    shown = person.workspace.canvas.overlay.layer().data[::4, ::4]
    np.testing.assert_allclose(shown[:7, :9], (values - usual).clip(min=0)[:7, :9], atol=1e-3)
