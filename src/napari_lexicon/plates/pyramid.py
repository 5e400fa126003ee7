"""Image pyramids: each level halves the one before, by the mean of 2 x 2 pixels, or by picking for labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[Any]

SMALLEST = 128
"""A pyramid stops once the longer side is at most this many pixels, which is the size of a thumbnail."""


def halved(image: Pixels) -> Pixels:
    """Mean of 2 x 2 pixels, over the last two axes.

    Parameters
    ----------
    image : (..., Y, X) array
        Integers are rounded to the nearest; an odd last row or column is averaged with itself.

    Returns
    -------
    (..., ceil(Y / 2), ceil(X / 2)) array of the same type
    """
    height, width = image.shape[-2:]
    if height % 2 or width % 2:
        edges = [(0, 0)] * (image.ndim - 2) + [(0, height % 2), (0, width % 2)]
        image = np.pad(image, edges, mode="edge")
    whole = np.issubdtype(image.dtype, np.integer)
    exact = whole and image.dtype.itemsize <= 2
    wide: Any = image.astype(np.int32 if exact else np.float64, copy=False)
    rows = wide[..., ::2, :] + wide[..., 1::2, :]
    total = rows[..., ::2] + rows[..., 1::2]
    mean: Pixels = (total + 2) >> 2 if exact else total / 4.0
    return (np.rint(mean) if whole and not exact else mean).astype(image.dtype)


def pyramid(image: Pixels) -> list[Pixels]:
    """Levels of an image, full resolution first.

    Parameters
    ----------
    image : (..., Y, X) array
        Full resolution.

    Returns
    -------
    list of (..., Y / 2**level, X / 2**level) arrays
    """
    levels = [image]
    while max(levels[-1].shape[-2:]) > SMALLEST:
        levels.append(halved(levels[-1]))
    return levels


def label_pyramid(labels: Pixels) -> list[Pixels]:
    """Levels of a label map: every second pixel, since labels have no mean."""
    levels = [labels]
    while max(levels[-1].shape[-2:]) > SMALLEST:
        levels.append(levels[-1][..., ::2, ::2])
    return levels
