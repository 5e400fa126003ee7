"""Several fields as one picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_lexicon.errors import PlateError
from napari_lexicon.plates import open_plate
from napari_lexicon.viewer.conversion import cropped_map
from napari_lexicon.viewer.side_by_side import SideBySide


@pytest.fixture(scope="module")
def fields(tiny_plate):
    return tuple(well.fields[0] for well in open_plate(tiny_plate).wells.values())


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("patch", [1, 8, 14, 16])
def test_every_field_lies_where_its_placement_says_and_none_overlap(fields, n, patch):
    side = SideBySide.of(fields[:n], patch)
    planes = [np.full(field.shape, number + 1, np.uint16) for number, field in enumerate(side.fields)]
    whole = side.picture(planes)
    assert whole.shape == side.shape
    first = side.placement()
    for number, plane in enumerate(planes):
        assert (whole == number + 1).sum() == plane.size
        y, x = first.pixel_at(side.placement(number).world_of((3, 5)))
        assert whole[y, x] == number + 1
        assert side.at(side.placement(number).world_of((0, 0))) == number
        assert side.at(side.placement(number).world_of((plane.shape[0] - 1, plane.shape[1] - 1))) == number


def test_a_click_between_two_fields_is_on_none(fields):
    side = SideBySide.of(fields[:2])
    assert side.at(side.placement().world_of((10, fields[0].shape[1] + 1))) is None


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("n", [2, 4])
def test_a_map_beside_another_says_the_same_of_every_pixel_as_alone(fields, n, exact):
    patch, (height, width) = 16, fields[0].shape
    side = SideBySide.of(fields[:n], patch)
    rng = np.random.default_rng(0)
    maps = [rng.random((-(-height // patch), -(-width // patch))).astype(np.float32) for _ in range(n)]
    whole, stride = side.map(maps, patch, exact=exact)
    for number, values in enumerate(maps):
        top, left = side.offset(number)
        for y, x in [(0, 0), (17, 40), (height - 1, width - 1)]:
            assert whole[(top + y) // stride, (left + x) // stride] == values[y // patch, x // patch]
    alone, fine = SideBySide.of(fields[:1], patch).map(maps[:1], patch)
    np.testing.assert_array_equal(alone, cropped_map(maps[0], patch, (height, width))[0])
    assert fine == cropped_map(maps[0], patch, (height, width))[1]


def test_what_is_missing_stays_dark(fields):
    side = SideBySide.of(fields[:2], 16)
    whole = side.picture([None, np.ones(fields[1].shape)])
    assert not whole[:, : fields[0].shape[1]].any()
    values, _ = side.map([np.ones((7, 9), np.float32), None], 16)
    assert values.sum() > 0
    assert not values[:, values.shape[1] // 2 + 2 :].any()


def at_the_stage(tiny_plate, *places: tuple[float, float]):
    """Fields of one well at stage positions, micrometres."""
    wells = open_plate(tiny_plate).wells
    own = [wells[name].fields[0] for name in ("A01", "A02", "A03", "B01")]
    return [
        replace(field, well="A01", name=str(number), index=number, position_um=place)
        for number, (field, place) in enumerate(zip(own, places, strict=False))
    ]


def test_fields_of_a_well_lie_where_the_stage_was_to_the_nearest_patch(tiny_plate):
    height, width = 100, 140
    fields = at_the_stage(tiny_plate, (10.0, 84.0), (10.0, 10.0), (64.0, 50.0))  # 0.5 µm per pixel
    side = SideBySide.by_stage(fields, 16)
    places = [side.offset(number) for number in range(3)]
    assert places == [(0, 144), (0, 0), (112, 80)]  # 148, 0 and 108, 80 pixels from the upper left one
    whole = side.picture([np.full((height, width), number + 1, np.uint16) for number in range(3)])
    assert whole.shape == side.shape == (212, 284)
    for number in range(3):
        y, x = side.whole.pixel_at(side.placement(number).world_of((50, 60)))
        assert whole[y, x] == number + 1
        assert side.at(side.placement(number).world_of((50, 60))) == number
    assert side.at(side.whole.world_of((200, 10))) is None
    values, stride = side.map([np.full((7, 9), number + 1, np.float32) for number in range(3)], 16)
    assert values[60 // stride, 10 // stride] == 2 and values[200 // stride, 100 // stride] == 3


def test_of_two_fields_that_overlap_the_later_is_on_top_and_is_clicked(tiny_plate):
    side = SideBySide.by_stage(at_the_stage(tiny_plate, (0.0, 0.0), (0.0, 48.0)), 16)
    whole = side.picture([np.full((100, 140), number + 1, np.uint16) for number in range(2)])
    assert whole[5, 100] == 2 and side.at(side.whole.world_of((5, 100))) == 1
    assert whole[5, 90] == 1 and side.at(side.whole.world_of((5, 90))) == 0


def test_fields_without_places_are_refused(tiny_plate):
    fields = open_plate(tiny_plate).wells["A01"].fields
    with pytest.raises(PlateError, match="no stage positions"):
        SideBySide.by_stage([replace(field, position_um=None) for field in fields])
