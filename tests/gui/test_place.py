"""A clicked place: what fires there, what on the plate looks like it, from the image, the gallery and by keys."""

from __future__ import annotations

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
    *_, last = alike_over_plate(part, figures.statistics, query, (number, row, column), n=23)
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
