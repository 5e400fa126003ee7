"""Dark patches are told from those that show something."""

from __future__ import annotations

import numpy as np

from napari_lexicon.backbones.background import DARK_LEVEL, lit_patches


def noisy(rng: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
    return rng.normal(0.0, 0.01, shape).astype(np.float32)


def test_noise_is_dark_and_a_small_spot_is_not() -> None:
    image = noisy(np.random.default_rng(0), (2, 64, 80))
    assert not lit_patches(image, 16).any()
    image[1, 34:38, 52:56] += 0.1
    lit = lit_patches(image, 16)
    assert not lit[0].any()
    assert list(zip(*np.nonzero(lit[1]), strict=True)) == [(2, 3)]


def test_a_single_hot_pixel_below_half_the_window_is_dark() -> None:
    image = np.zeros((1, 32, 32), np.float32)
    image[0, 8, 8] = 16 * DARK_LEVEL * 0.9
    assert not lit_patches(image, 16).any()


def test_bright_field_has_no_dark_patch_whatever_the_size() -> None:
    image = 0.5 + noisy(np.random.default_rng(1), (1, 45, 71))
    lit = lit_patches(image, 14)
    assert lit.shape == (1, 4, 6)
    assert lit.all()
