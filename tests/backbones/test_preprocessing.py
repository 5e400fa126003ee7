"""Windows: one scale per plate and channel, whatever the pixel type and however little of the plate is bright."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lexicon.backbones.preprocessing import (
    CLIP,
    IntensityWindow,
    ValueHistogram,
    WindowEstimator,
    apply_windows,
    estimate_windows,
)

RNG = np.random.default_rng(0)


def cells(background: float, signal: float, noise: float, seed: int = 0, size: int = 256) -> np.ndarray:
    """A noisy field with bright discs on a tenth of its area."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    image = np.full((size, size), background)
    for cy, cx in rng.uniform(20, size - 20, (12, 2)):
        image[(y - cy) ** 2 + (x - cx) ** 2 < 150] = background + signal
    return image + rng.normal(0, noise, image.shape)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
def test_percentiles_of_integers_are_exact(dtype: type) -> None:
    planes = [RNG.integers(0, 200, (64, 65)).astype(dtype) for _ in range(3)]
    histogram = ValueHistogram(dtype)
    for plane in planes:
        histogram.add(plane)
    levels, counts = histogram.values()
    expected, expected_counts = np.unique(np.stack(planes), return_counts=True)
    np.testing.assert_array_equal(levels, expected)
    np.testing.assert_array_equal(counts, expected_counts)


@given(st.integers(-8, 8), st.booleans())
@settings(max_examples=20, deadline=None)
def test_float_levels_are_right_to_a_thousandth(exponent: int, negative: bool) -> None:
    values = np.sort(RNG.uniform(1, 10, 500)) * 10.0**exponent * (-1 if negative else 1)
    histogram = ValueHistogram(np.float32)
    histogram.add(values.reshape(20, 25).astype(np.float32))
    levels, counts = histogram.values()
    assert (np.diff(levels) > 0).all()
    np.testing.assert_allclose(np.repeat(levels, counts), np.sort(values), rtol=1e-3)


def test_order_of_the_fields_does_not_matter() -> None:
    fields = [cells(100, 500, 10, seed)[None].astype(np.uint16) for seed in range(4)]
    assert estimate_windows(fields) == estimate_windows(fields[::-1])


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.float64, np.uint32])
def test_window_spans_background_to_signal(dtype: type) -> None:
    (window,) = estimate_windows([cells(500, 3000, 20, seed)[None].astype(dtype) for seed in range(3)])
    assert 400 < window.low < 520
    assert 3300 < window.high < 3700


def test_few_bright_pixels_of_a_sparse_plate_stay_inside_the_window() -> None:
    image = RNG.normal(200, 5, (1, 1024, 1024))
    image[0, 100:110, 100:110] += 4000  # one pixel in ten thousand
    (window,) = estimate_windows([image.astype(np.uint16)])
    assert 3900 < window.high < 4400


def test_an_empty_channel_stays_dark() -> None:
    noise = RNG.normal(200, 5, (1, 512, 512)).astype(np.uint16)
    seen = apply_windows(noise, estimate_windows([noise]))
    assert seen.std() < 0.15


def test_a_doubled_stain_in_one_well_looks_twice_as_bright() -> None:
    weak, strong = (cells(100, signal, 5)[None].astype(np.uint16) for signal in (1000, 2000))
    windows = estimate_windows([weak, strong])
    bright = cells(0, 1, 0) > 0.5
    ratio = apply_windows(strong, windows)[0][bright].mean() / apply_windows(weak, windows)[0][bright].mean()
    assert ratio == pytest.approx(2.0, rel=0.05)


def test_eight_and_sixteen_bit_copies_of_a_plate_give_the_same_intensities() -> None:
    deep = cells(500, 30000, 300)[None].astype(np.uint16)
    shallow = (deep >> 8).astype(np.uint8)
    a, b = (apply_windows(image, estimate_windows([image])) for image in (deep, shallow))
    assert np.abs(a - b).max() < 0.03


def test_padding_with_zeros_does_not_move_the_dark_level() -> None:
    image = cells(1000, 2000, 10)[None].astype(np.uint16)
    padded = image.copy()
    padded[:, :, :30] = 0
    assert estimate_windows([padded])[0].low == pytest.approx(estimate_windows([image])[0].low, abs=10)


def test_colour_keeps_the_range_of_its_pixel_type() -> None:
    dark = RNG.integers(0, 20, (3, 32, 32))
    assert estimate_windows([dark.astype(np.uint8)], rgb=True) == [IntensityWindow(0, 255)] * 3
    assert estimate_windows([dark.astype(np.uint16)], rgb=True) == [IntensityWindow(0, 65535)] * 3
    assert estimate_windows([dark.astype(np.float32)], rgb=True) == [IntensityWindow(0, 1)] * 3


def test_missing_values_are_left_out_and_become_dark() -> None:
    image = cells(100, 500, 5)[None].astype(np.float32)
    holed = image.copy()
    holed[0, 5:9] = np.nan
    holed[0, 20] = np.inf
    (window,) = estimate_windows([holed])
    assert window.high == pytest.approx(estimate_windows([image])[0].high, rel=0.05)
    seen = apply_windows(holed, [window])
    assert np.isfinite(seen).all()
    assert (seen[0, 5:9] == 0).all()
    assert seen.max() <= CLIP[1]


def test_a_flat_image_has_a_window_and_stays_flat() -> None:
    for dtype in (np.uint8, np.uint16, np.float32):
        flat = np.full((1, 16, 16), 7, dtype)
        assert (apply_windows(flat, estimate_windows([flat])) == 0).all()


def test_mixed_pixel_types_and_channel_counts_are_refused() -> None:
    estimator = WindowEstimator()
    estimator.add(np.zeros((8, 8), np.uint8))
    with pytest.raises(ValueError, match="uint8 and uint16"):
        estimator.add(np.zeros((8, 8), np.uint16))
    with pytest.raises(ValueError, match="1 and of 2 channels"):
        estimate_windows([np.zeros((1, 8, 8)), np.zeros((2, 8, 8))])
    with pytest.raises(ValueError, match="at least one image"):
        estimate_windows([])
    with pytest.raises(ValueError, match="2 channels need as many"):
        apply_windows(np.zeros((2, 8, 8)), [IntensityWindow(0, 1)])


def test_window_survives_json() -> None:
    window = IntensityWindow(1.5, 70000.0)
    assert IntensityWindow.from_json(window.to_json()) == window
