"""Several fields as one picture."""

from __future__ import annotations

import numpy as np
import pytest

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
