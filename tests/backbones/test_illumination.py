"""Planted fall-off of the light is found without a white reference, and taken out."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lexicon.backbones.illumination import Illumination, estimate_illumination

SIDE = 160


def scene(rng: np.random.Generator, cells: int = 60, background: float = 60.0) -> np.ndarray:
    """(Y, X) light that a field would give under even illumination."""
    y, x = np.mgrid[:SIDE, :SIDE]
    image = np.full((SIDE, SIDE), background)
    for cy, cx in rng.uniform(0, SIDE, (cells, 2)):
        image[(y - cy) ** 2 + (x - cx) ** 2 < rng.uniform(10, 40)] = rng.uniform(300, 900)
    return image


def vignette(strength: float, shape: tuple[int, int] = (SIDE, SIDE)) -> np.ndarray:
    """(Y, X) share of the mean light, brightest off the centre."""
    y, x = ((np.arange(n) + 0.5) / n * 2 - 1 for n in shape)
    fall = 1 - strength * ((y[:, None] - 0.1) ** 2 + (x[None] + 0.15) ** 2) / 2
    return np.asarray(fall / fall.mean())


def planes(strength: float, dark: float, n: int = 48, seed: int = 0, cells: int = 60) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    light = vignette(strength)
    return [rng.poisson(dark + light * scene(rng, cells)).astype(np.uint16) for _ in range(n)]


def unevenness(light: np.ndarray) -> float:
    return float(np.std(light / light.mean()))


@pytest.mark.parametrize(("strength", "dark"), [(0.3, 100.0), (0.6, 0.0), (0.6, 100.0), (0.6, 500.0)])
def test_planted_vignetting_is_taken_out(strength: float, dark: float) -> None:
    found = estimate_illumination(planes(strength, dark))
    before, after = vignette(strength), vignette(strength) / found.field((SIDE, SIDE))
    assert unevenness(after) < 0.4 * unevenness(before)
    assert abs(found.field((SIDE, SIDE)).mean() - 1) < 0.02


@pytest.mark.parametrize("cells", [6, 20])
def test_few_fields_with_few_cells_are_corrected_carefully_not_made_worse(cells: int) -> None:
    left = []
    for seed in range(6):
        strength = (0.15, 0.4)[seed % 2]
        found = estimate_illumination(planes(strength, 100.0, n=16, seed=seed, cells=cells))
        light = vignette(strength)
        left.append(unevenness(light / found.field((SIDE, SIDE))) / unevenness(light))
    assert max(left) < 1.1
    assert np.median(left) < 0.75


def test_debris_in_one_field_does_not_bend_the_flat_field() -> None:
    images = planes(0.4, 100.0)
    images[7][:60, :60] = 40_000
    light = vignette(0.4)
    assert unevenness(light / estimate_illumination(images).field((SIDE, SIDE))) < 0.4 * unevenness(light)


def test_corrected_images_are_closer_to_the_scene_without_fall_off() -> None:
    found = estimate_illumination(planes(0.6, 500.0))
    rng = np.random.default_rng(99)
    even = scene(rng)
    seen = 500 + vignette(0.6) * even
    before, after = np.abs(seen - 500 - even), np.abs(found.apply(seen) - 500 - even)
    assert after.mean() < 0.35 * before.mean()


def test_even_light_is_left_alone() -> None:
    found = [estimate_illumination(planes(0.0, 100.0, seed=seed)) for seed in range(4)]
    assert max(unevenness(one.field((SIDE, SIDE))) for one in found) < 0.03


def test_constant_images_stay_as_they_are() -> None:
    plane = np.full((40, 50), 7, np.uint16)
    np.testing.assert_array_equal(estimate_illumination([plane] * 8).apply(plane), plane)


def test_a_field_of_another_size_gets_the_same_light() -> None:
    found = estimate_illumination(planes(0.6, 0.0))
    large = found.field((2 * SIDE, 2 * SIDE)).reshape(SIDE, 2, SIDE, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(large, found.field((SIDE, SIDE)), atol=2e-3)


def test_too_few_or_too_small_fields_are_refused_with_a_sentence() -> None:
    with pytest.raises(ValueError, match="at least 8 fields, not 3"):
        estimate_illumination(planes(0.3, 0.0, n=3))
    with pytest.raises(ValueError, match="at least 16 x 16 pixels"):
        estimate_illumination([np.zeros((8, 100))] * 8)


def test_hostile_pixels_do_not_break_it() -> None:
    rng = np.random.default_rng(0)
    wild = [np.where(rng.random((64, 64)) < 0.1, np.nan, rng.normal(100, 5, (64, 64))) for _ in range(8)]
    found = estimate_illumination(wild)
    assert isinstance(found, Illumination)
    assert np.isfinite(found.field((64, 64))).all()
