"""A clicked place: what fires there, what on the plate looks like it, from the image, the gallery and by keys."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from tests.gui.conftest import opened
from tests.gui.driver import LEFT, PLAIN, Person

from napari_lexicon.analysis.alike import alike_over_plate, patch_code


def lit_patch(person: Person, nth: int = 0) -> tuple[int, int]:
    """A patch of the shown field in which something fires."""
    person.wait(lambda: person.workspace.canvas.codes is not None, what="the codes")
    lit = np.argwhere((person.workspace.canvas.codes.values != 0).any(axis=(0, 3)))
    return int(lit[nth][0]), int(lit[nth][1])


def searched(person: Person) -> None:
    """Wait until the search has ended and its pictures are there."""
    search, gallery = person.workspace.alike, person.docks["Features"].view.place.gallery
    person.wait(lambda: search.found is not None and not search.found.searching, what="the search")
    person.wait(lambda: gallery.value() and all(tile is not None for tile in gallery.value()), what="the pictures")


def test_more_like_a_clicked_patch_and_every_picture_goes_there(person: Person, plate: Path, tmp_path: Path):
    opened(person, plate)
    person.open_well("A02")
    person.front("Features")
    row, column = lit_patch(person, 3)
    person.click_image(row * 16 + 8, column * 16 + 8)
    view = person.docks["Features"].view
    view.tabs.setCurrentIndex(1)
    person.breathe(0.1)
    person.click("Features", "more_like_this")
    searched(person)
    part, figures = person.workspace.state.lexicon_plate, person.workspace.reading.figures
    number = person.workspace.state.field_number()
    query = patch_code(part.codes(number), row, column)
    *_, last = alike_over_plate(part, figures.statistics, query, (number, [(row, column)]), n=23)
    tiles = view.place.gallery.value()
    assert tiles[0].caption == "this patch"
    shown = [(tile.example.field_index, tile.example.gy, tile.example.gx) for tile in tiles[1:]]
    assert shown == [(each.field, each.gy, each.gx) for each in last.best]
    assert "all 12 fields" in view.place.alike_line._text
    person.screenshot(tmp_path / "alike.png")
    person.viewer.theme = "light"
    person.screenshot(tmp_path / "alike-light.png")
    gallery = view.place.gallery
    position = next(n for n, tile in enumerate(tiles) if tile.example.well != "A02")
    person.bring_into_view(gallery)
    QTest.mouseClick(gallery, LEFT, PLAIN, gallery.tileCenter(position).toPoint())
    person.wait_for_field(tiles[position].example.well)
    spot = person.workspace.state.spot
    assert (spot.row, spot.column) == (tiles[position].example.gy, tiles[position].example.gx)
    assert view.place.showsAlike()
    person.click("Features", "alike_back")
    assert not view.place.showsAlike()
    assert view.spots.value()


def test_more_like_a_tile_by_its_menu_and_by_keys(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("A01")
    person.choose_feature(1)
    view = person.docks["Features"].view
    person.wait(lambda: view.gallery.value() and all(view.gallery.value()), what="the gallery")
    view.gallery.setFocus()
    QTest.keyClick(view.gallery, Qt.Key.Key_Right)
    QTest.keyClick(view.gallery, Qt.Key.Key_Return)
    tile = view.gallery.value()[1]
    person.wait_for_field(tile.example.well)
    assert (person.workspace.state.spot.row, person.workspace.state.spot.column) == (tile.example.gy, tile.example.gx)
    menu = view.gallery.tileMenu(tile)
    (action,) = [action for action in menu.actions() if action.objectName() == "tile_alike"]
    action.trigger()
    searched(person)
    own = view.place.gallery.value()[0].example
    assert (own.field_index, own.gy, own.gx) == (tile.example.field_index, tile.example.gy, tile.example.gx)
    assert view.tabs.currentIndex() == 1
    row, column = lit_patch(person, 0)
    person.click_image(row * 16 + 3, column * 16 + 3)
    if not person.workspace.alike.found:  # a click beside what was found begins anew
        assert not view.place.showsAlike()
    person.workspace.alike.stop()
    person.press(Qt.Key.Key_M)
    searched(person)
    assert person.workspace.alike.found.of.endswith(f"patch {row}, {column}")


def drag(person: Person, *pixels: tuple[float, float]) -> None:
    """Go over the canvas with the mouse button held."""
    layer = person.viewer.layers[0]
    points = [person.canvas_point(layer.data_to_world(pixel)) for pixel in pixels]
    QTest.mousePress(person.canvas, LEFT, PLAIN, points[0])
    for start, end in pairwise(points):
        for part in np.linspace(0, 1, 6)[1:]:
            QTest.mouseMove(person.canvas, start + (end - start) * float(part))
            person.breathe(0.02)
    QTest.mouseRelease(person.canvas, LEFT, PLAIN, points[-1])
    person.breathe(0.3)


def expected(person: Person, weights: np.ndarray) -> list[tuple[int, float]]:
    """Features of a region by one matrix product."""
    from napari_lexicon.analysis.alike import region_code

    found = region_code(person.workspace.canvas.codes, weights)
    return [(int(f), round(float(m), 6)) for f, m in zip(found["feature"], found["mean"], strict=True)][:40]


def listed(person: Person) -> list[tuple[int, float]]:
    return [(line.feature, round(line.value, 6)) for line in person.docks["Features"].view.spots.value()]


def test_a_region_is_drawn_and_its_features_are_listed(person: Person, plate: Path, tmp_path: Path):
    opened(person, plate)
    person.open_well("B03")
    person.wait(lambda: person.workspace.canvas.codes is not None, what="the codes")
    person.front("Features")
    view = person.docks["Features"].view
    view.showPlace()
    person.click("Features", "scope_region")
    assert "Draw around" in view.spot_line._text
    drag(person, (10, 10), (10, 120), (85, 120), (85, 10), (12, 9))
    background = person.workspace.background
    person.wait(lambda: view.spots.value() and not background.busy("region"), what="the region")
    assert person.viewer.layers["region"].nshapes == 1
    assert "µm² in B03" in view.spot_line._text
    assert len(listed(person)) == 40
    person.screenshot(tmp_path / "region.png")
    person.click("Features", "more_like_this")
    searched(person)
    assert person.workspace.alike.found.of == "the region in B03"
    person.click("Features", "alike_back")
    # any Shapes layer of a person's own, in pixels of its own
    shapes = person.viewer.add_shapes(
        [[[21.0, 31.0], [21.0, 59.0], [49.0, 59.0], [49.0, 31.0]]], shape_type="rectangle", scale=(0.25, 0.25)
    )
    shapes.selected_data = {0}
    person.wait(lambda: "49 µm²" in view.spot_line._text, what="the rectangle")
    person.wait(lambda: not background.busy("region"), what="the region")
    weights = np.zeros(person.workspace.canvas.codes.indices.shape[1:3])
    for y, x in np.ndindex(100, 140):
        if 21 < y * 2 < 49 and 31 < x * 2 < 59:
            weights[y // 16, x // 16] += 1 / 256
    assert listed(person) == expected(person, weights)
    person.viewer.layers.selection.active = person.viewer.layers[0]
    row, column = lit_patch(person, 0)
    person.click_image(row * 16 + 3, column * 16 + 3)
    assert f"patch {row}, {column}" in view.spot_line._text
    assert view.place.scopes.button("patch").isChecked()


def test_a_click_on_a_cell_lists_its_features(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("A03")
    person.wait(lambda: person.workspace.canvas.codes is not None, what="the codes")
    person.front("Features")
    view = person.docks["Features"].view
    view.showPlace()
    assert not view.place.scopes.button("cell").isEnabled()
    assert "Cells dock" in view.place.scopes.button("cell").toolTip()
    labels = np.zeros((50, 70), dtype=np.int32)  # half as fine as the image
    labels[5:21, 9:30] = 7
    person.viewer.add_labels(labels, scale=(1.0, 1.0), translate=(0.25, 0.25))
    person.click("Features", "scope_cell")
    person.click_image(30, 40)
    person.wait(lambda: view.spot_line._text.startswith("Cell 7"), what="the cell")
    weights = np.zeros(person.workspace.canvas.codes.indices.shape[1:3])
    for y, x in np.ndindex(100, 140):
        if labels[y // 2, x // 2] == 7:
            weights[y // 16, x // 16] += 1 / 256
    assert listed(person) == expected(person, weights)
    person.click_image(90, 120)
    person.wait(lambda: view.spot_line._text.startswith("Click a cell"), what="no cell here")
    person.viewer.layers.remove("labels")
    assert view.place.scopes.button("patch").isChecked()
