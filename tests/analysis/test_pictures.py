"""Pictures show values where they belong."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lexicon.analysis.pictures import (
    Panel,
    composite,
    figure,
    heated,
    inferno,
    on_pixels,
    stretched,
    tiles_sheet,
)


def test_a_patch_fills_its_pixels_and_the_last_ones_are_cut() -> None:
    pixels = on_pixels(np.array([[1.0, 2.0], [3.0, 4.0]]), 16, (20, 30))
    assert pixels.shape == (20, 30)
    assert (pixels[:16, :16] == 1).all()
    assert (pixels[:16, 16:] == 2).all()
    assert (pixels[16:, :16] == 3).all()
    assert (pixels[16:, 16:] == 4).all()


def test_channels_shine_in_their_colours() -> None:
    image = np.array([[[100, 0]], [[0, 100]]])
    mixed = composite(image, [(0, 100), (0, 100)], ["#FF0000", "#00FF80"])
    np.testing.assert_allclose(mixed[0], [[1, 0, 0], [0, 1, 128 / 255]])


def test_nothing_is_painted_where_nothing_fires() -> None:
    grey = np.full((4, 4), 0.5, np.float32)
    heat = np.zeros((4, 4))
    heat[0, 0] = 2
    painted = heated(grey, heat, top=2)
    np.testing.assert_allclose(painted[1:], 0.5)
    assert not np.allclose(painted[0, 0], 0.5)


def test_the_colour_scale_rises_in_brightness() -> None:
    luminance = inferno(np.linspace(0, 1, 64)) @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(luminance) > 0).all()


def test_a_flat_window_does_not_divide_by_zero() -> None:
    assert np.isfinite(stretched(np.ones((2, 2)), 1, 1)).all()


@pytest.mark.parametrize("shape", [(40, 60), (2000, 500)])
def test_figures_keep_the_shape_of_their_panels(shape: tuple[int, int]) -> None:
    sheet = figure([Panel("a", np.zeros((*shape, 3)))] * 2, "caption", pixel_size_um=0.65, top=1.0, side=400)
    assert sheet.height > 400 * shape[0] / max(shape)
    assert sheet.width > 2 * 400 * shape[1] / max(shape)


def test_sheets_hold_all_tiles() -> None:
    tiles = [np.full((8, 8, 3), 1.0)] * 10
    sheet = np.asarray(tiles_sheet(tiles, [""] * 10, columns=4, size=(32, 32)))
    assert (sheet == 255).all(axis=2).sum() == 10 * 32 * 32
