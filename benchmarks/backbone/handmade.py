"""Hand-made features, by scikit-image: what a trained eye would program. The baseline that a model has to beat."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import label
from skimage.feature import graycomatrix, graycoprops, local_binary_pattern
from skimage.filters import gaussian, threshold_otsu
from skimage.morphology import dilation, erosion

Array = npt.NDArray[np.float64]

_PERCENTS = (1, 5, 25, 50, 75, 95, 99, 99.9)
_LEVELS = 32
_GRAINS = (1, 2, 4, 8, 16)


def intensities(plane: npt.NDArray[Any]) -> Array:
    """Mean, spread, skewness and percentiles of windowed intensities ``(Y, X)``."""
    values = plane.astype(np.float64).ravel()
    centred = values - values.mean()
    spread = values.std()
    skewness = (centred**3).mean() / (spread**3 + 1e-9)
    return np.array([values.mean(), spread, skewness, *np.percentile(values, _PERCENTS)])


def handmade(plane: npt.NDArray[Any]) -> Array:
    """Intensities, Otsu area and count, co-occurrence, binary patterns and granularity of ``(Y, X)``."""
    return np.concatenate(
        [intensities(plane), _objects(plane), _cooccurrence(plane), _patterns(plane), _granularity(plane)]
    )


def _objects(plane: npt.NDArray[Any]) -> Array:
    """Area above Otsu's threshold, objects per area, their size, and how far the two classes are apart."""
    smooth = gaussian(plane.astype(np.float64), 1.0)
    if np.ptp(smooth) < 1e-6:
        return np.zeros(5)
    mask = smooth > threshold_otsu(smooth)
    _, count = label(mask)
    small = count * 1e4 / plane.size
    contrast = smooth[mask].mean() - smooth[~mask].mean() if mask.any() and not mask.all() else 0.0
    return np.array([mask.mean(), small, np.log1p(small), np.log1p(mask.sum() / max(1, count)), contrast])


def _cooccurrence(plane: npt.NDArray[Any]) -> Array:
    grey = np.clip(np.sqrt(np.clip(plane, 0, 2) / 2) * _LEVELS, 0, _LEVELS - 1).astype(np.uint8)
    matrix = graycomatrix(grey, [1, 3, 7], [0, np.pi / 2], _LEVELS, symmetric=True, normed=True)
    names = ("contrast", "homogeneity", "energy", "correlation", "ASM")
    return np.concatenate([graycoprops(matrix, name).mean(1) for name in names])


def _patterns(plane: npt.NDArray[Any]) -> Array:
    grey = (np.clip(np.sqrt(np.clip(plane, 0, 4)), 0, 2) * 127).astype(np.uint8)
    parts = []
    for radius in (1, 3):
        codes = local_binary_pattern(grey, 8, radius, method="uniform")
        parts.append(np.bincount(codes.astype(int).ravel(), minlength=10)[:10] / codes.size)
    return np.concatenate(parts)


def _granularity(plane: npt.NDArray[Any]) -> Array:
    """How much openings and closings with growing squares take away, relative to the mean and as it is."""
    image = plane.astype(np.float32)
    parts = []
    for size in _GRAINS:
        square = np.ones((2 * size + 1, 1)), np.ones((1, 2 * size + 1))
        low = erosion(erosion(image, square[0]), square[1])
        high = dilation(dilation(image, square[0]), square[1])
        bright = image - dilation(dilation(low, square[0]), square[1])
        dark = erosion(erosion(high, square[0]), square[1]) - image
        parts += [bright.mean(), dark.mean(), bright.mean() / (abs(image.mean()) + 0.02)]
    return np.array(parts, np.float64)
