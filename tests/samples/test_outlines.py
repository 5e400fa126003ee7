"""Star-shaped outlines become the right pixels."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lexicon.samples.outlines import BINS, ellipse, polygons, rasterise


def test_a_disc_covers_its_area_around_its_centre() -> None:
    y, x, radius = np.array([50.3, 20.0], np.float32), np.array([40.7, 90.0], np.float32), (17.0, 6.0)
    table = np.stack([np.full(BINS, r, np.float32) for r in radius])
    fragments = rasterise(y, x, table, (100, 120))
    for shape, r in enumerate(radius):
        pixel = fragments.pixel[fragments.owner == shape]
        assert len(pixel) == pytest.approx(np.pi * r**2, abs=2 * r)  # a ring of about half a pixel
        rows, columns = np.divmod(pixel, 120)
        assert rows.mean() == pytest.approx(y[shape], abs=0.2)
        assert columns.mean() == pytest.approx(x[shape], abs=0.2)


def test_fragments_do_not_depend_on_what_else_is_drawn() -> None:
    table = ellipse(np.array([1.5, 2.5, 1.0], np.float32), np.array([0.2, 1.0, 0.0], np.float32))
    table = table * np.array([[9.0], [14.0], [33.0]], np.float32)
    y, x = np.array([30, 60, 5], np.float32), np.array([30, 40, 70], np.float32)
    together = rasterise(y, x, table, (80, 80))
    alone = rasterise(y[1:2], x[1:2], table[1:2], (80, 80))
    np.testing.assert_array_equal(np.sort(together.pixel[together.owner == 1]), np.sort(alone.pixel))


def test_a_square_has_straight_sides() -> None:
    corners = np.array([[np.pi / 4, 3 * np.pi / 4, 5 * np.pi / 4, 7 * np.pi / 4]], np.float32)
    flat = polygons(corners, np.full((1, 4), 10.0, np.float32), np.zeros((1, 4), np.float32))
    angles = np.arange(BINS) * 2 * np.pi / BINS
    half_side = 10 / np.sqrt(2)
    expected = half_side / np.maximum(np.abs(np.cos(angles)), np.abs(np.sin(angles)))
    np.testing.assert_allclose(flat[0], expected, rtol=1e-3)


def test_shapes_outside_the_field_are_cut_and_not_wrapped() -> None:
    table = np.full((1, BINS), 10.0, np.float32)
    fragments = rasterise(np.array([-4.0], np.float32), np.array([25.0], np.float32), table, (50, 50))
    rows, columns = np.divmod(fragments.pixel, 50)
    assert 0 < len(rows) < np.pi * 100 / 2
    assert rows.max() <= 6
    assert columns.min() >= 15
