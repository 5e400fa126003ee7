"""Hand-made measures of every patch, from the picture itself: what the tokens have to know in a linear way.

Means, spreads and extremes at two window sizes, energies of difference-of-Gaussian bands with bright and dark detail
apart, structure tensors, local binary patterns (Ojala et al. 2002) and granularity by openings and closings.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, grey_closing, grey_opening, maximum_filter, minimum_filter, uniform_filter

Array = npt.NDArray[np.float32]

BANDS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)
GRAINS = (1, 2, 4, 8)
WINDOWS = (1, 3)  # patches
_FLOOR = 1e-3  # of a window's range: below this is camera noise of a good camera

TURNING = {"structure1_cos": -1.0, "structure1_sin": -1.0, "structure3_cos": -1.0, "structure3_sin": -1.0}
"""Measures that change sign when the picture is turned by 90 degrees."""
MIRRORING = {"structure1_sin": -1.0, "structure3_sin": -1.0}
"""Measures that change sign when the picture is mirrored."""


def measures(picture: Array, patch: int) -> dict[str, Array]:
    """All measures of one picture.

    Parameters
    ----------
    picture : (Y, X) float32
        Compressed intensities; sides are multiples of ``patch``.
    patch : int
        Side of a patch, pixels.

    Returns
    -------
    dict of (Y / patch, X / patch) float32
    """
    result: dict[str, Array] = {}
    smooth = gaussian_filter(picture, 1.0)
    top, bottom = blocks(smooth, patch).max((1, 3)), blocks(smooth, patch).min((1, 3))
    for window in WINDOWS:
        result[f"mean{window}"] = mean = _pooled(picture, window, patch)
        square = _pooled(picture * picture, window, patch)
        result[f"spread{window}"] = _log(np.sqrt(np.maximum(square - mean * mean, 0)))
        result[f"top{window}"] = maximum_filter(top, window)
        result[f"bottom{window}"] = minimum_filter(bottom, window)
    result.update(_bands(picture, patch))
    for sigma in (1, 3):
        result.update(structure(picture, float(sigma), patch))
    for radius in (1, 3):
        result.update(_binary_patterns(picture, radius, patch))
    half = _halved(smooth)
    for size in GRAINS:
        # Wide openings and closings are nearly the same on half the resolution, at a fraction of the time.
        base, side, block = (smooth, 2 * size + 1, patch) if size < 4 else (half, size + 1, patch // 2)
        opened, closed = (f(base, size=(side, side)) for f in (grey_opening, grey_closing))
        result[f"bright_grain{size}"] = _log(_pooled(base - opened, 1, block))
        result[f"dark_grain{size}"] = _log(_pooled(closed - base, 1, block))
    return result


def _bands(picture: Array, patch: int) -> dict[str, Array]:
    result = {}
    fine, shrink = picture, 1
    for index, (before, sigma) in enumerate(pairwise(BANDS)):
        coarse = gaussian_filter(fine, float(np.sqrt(sigma**2 - before**2)) / shrink, truncate=3.0)
        detail = fine - coarse
        if sigma / shrink >= 2:  # nothing finer is left: half the resolution holds it
            fine, shrink, patch_now = _halved(coarse), shrink * 2, patch // shrink
        else:
            fine, patch_now = coarse, patch // shrink
        for name, part in (("bright", np.maximum(detail, 0)), ("dark", np.minimum(detail, 0))):
            energy = part * part
            for window in WINDOWS:
                result[f"{name}_band{index}_{window}"] = _log(np.sqrt(_pooled(energy, window, patch_now)))
    return result


def structure(picture: Array, sigma: float, patch: int) -> dict[str, Array]:
    """Strength, coherence and direction of the gradients of each patch, by name."""
    gy = gaussian_filter(picture, sigma, order=(1, 0))
    gx = gaussian_filter(picture, sigma, order=(0, 1))
    yy, xx, xy = (_pooled(product, 1, patch) for product in (gy * gy, gx * gx, gx * gy))
    trace = yy + xx + _FLOOR**2
    name = f"structure{int(sigma)}"
    cosine, sine = (xx - yy) / trace, 2 * xy / trace
    return {
        f"{name}_energy": _log(np.sqrt(trace)),
        f"{name}_coherence": np.hypot(cosine, sine),
        f"{name}_cos": cosine,
        f"{name}_sin": sine,
    }


def _binary_patterns(picture: Array, radius: int, patch: int) -> dict[str, Array]:
    """Shares of the ten rotation-invariant uniform patterns of eight neighbours."""
    angles = np.arange(8) * np.pi / 4
    steps = np.round(radius * np.stack([np.sin(angles), np.cos(angles)], 1)).astype(int)
    padded = np.pad(picture, radius, mode="reflect")
    y, x = picture.shape
    # A small threshold keeps flat background from being all chance.
    brighter = np.stack(
        [padded[radius + dy : radius + dy + y, radius + dx : radius + dx + x] > picture + 0.01 for dy, dx in steps]
    )
    changes = (brighter != np.roll(brighter, 1, axis=0)).sum(0)
    pattern = np.where(changes <= 2, brighter.sum(0), 9)
    return {
        f"pattern{radius}_{kind}": np.sqrt(_pooled((pattern == kind).astype(np.float32), 1, patch))
        for kind in range(10)
    }


def _pooled(values: Array, window: int, patch: int) -> Array:
    """Mean over each patch, or over a square of ``window`` patches around it."""
    means = blocks(values, patch).mean((1, 3), dtype=np.float32)
    if window > 1:
        # The running sum behind uniform_filter leaves tiny negative numbers where all is zero.
        means = np.maximum(uniform_filter(means, window), means.min())
    return np.asarray(means, np.float32)


def _halved(values: Array) -> Array:
    return np.asarray(blocks(values, 2).mean((1, 3)), np.float32)


def blocks(values: npt.NDArray[Any], patch: int) -> npt.NDArray[Any]:
    """A picture cut into patches, ``(rows, patch, columns, patch)``."""
    y, x = values.shape
    return values.reshape(y // patch, patch, x // patch, patch)


def _log(values: npt.NDArray[Any]) -> Array:
    return np.log(values + _FLOOR).astype(np.float32)
