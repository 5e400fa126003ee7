"""Tiles of a gallery come in groups, each read once, and one that cannot be read takes no other with it."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from napari_lexicon.errors import PlateError
from napari_lexicon.lexicons import Example
from napari_lexicon.widgets.features.tile_reading import FIRST, TileReading
from napari_lexicon.widgets.features.tiles import Tile
from napari_lexicon.widgets.workspace.background import Background

PLACES = [(position, Example("plate", position, "A01", 0, 0, 0, 1.0)) for position in range(48)]


def tile_at(place: Example) -> Tile:
    return Tile(place, np.zeros((2, 2, 3), np.uint8), (0, 0, 1, 1), place.well)


@pytest.fixture
def background(qtbot):
    background = Background(threads=2)
    yield background
    background.close()


def test_every_tile_is_read_once_and_they_come_in_few_groups_the_first_of_them_small(qtbot, background):
    groups, read = [], []

    def noted(place: Example) -> Tile:
        read.append(place.field_index)
        return tile_at(place)

    TileReading(background, "tiles").read(PLACES, noted, groups.append)
    qtbot.waitUntil(lambda: sum(map(len, groups)) == len(PLACES))
    assert sorted(read) == [place.field_index for _, place in PLACES]
    assert len(groups) <= 5
    assert min(map(len, groups)) <= FIRST
    assert {position: tile.example for group in groups for position, tile in group} == dict(PLACES)


def test_a_field_that_cannot_be_read_leaves_its_own_tile_empty(qtbot, background):
    arrived = {}

    def broken_at_3(place: Example) -> Tile:
        if place.field_index == 3:
            raise PlateError("A01/3 has a chunk that cannot be read.")
        return tile_at(place)

    TileReading(background, "tiles").read(PLACES, broken_at_3, arrived.update)
    qtbot.waitUntil(lambda: not background.busy())
    assert set(arrived) == set(range(48)) - {3}


def test_tiles_of_another_feature_do_not_come_any_more(qtbot, background):
    gate, arrived = threading.Event(), []
    reading = TileReading(background, "tiles")
    reading.read(PLACES, lambda place: tile_at(place) if gate.wait(10) else None, arrived.extend)
    reading.read(PLACES[:2], tile_at, arrived.extend)
    gate.set()
    qtbot.waitUntil(lambda: not background.busy())
    assert [position for position, _ in arrived] == [0, 1]
