"""Outlines of where a map is above 0."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

LINE = 0.6
"""Where on its ramp a feature's outline lies: its full colour, before the ramp turns pale."""


def outline_map(
    values: npt.NDArray[np.float32], patch: int, shape: tuple[int, int], inside: float, most: int = 16_000_000
) -> tuple[npt.NDArray[np.float32], int]:
    """Outlines of the patches where a map is above 0, drawn inside them and about a quarter of a patch wide.

    Parameters
    ----------
    values : numpy.ndarray
        ``(gh, gw)``, one value per patch.
    patch : int
        Pixels.
    shape : (int, int)
        ``(Y, X)`` of the image, where the outlines end.
    inside : float
        Value of the line.
    most : int
        Values that the grid of the outlines may have at most; the line gets thicker before it gets larger.

    Returns
    -------
    (numpy.ndarray, int)
        The map, and the pixels per value.
    """
    strides = [s for s in range(1, patch + 1) if patch % s == 0 and s >= patch / 6]
    stride = next((s for s in strides if values.size * (patch // s) ** 2 <= most), patch)
    fine = np.repeat(np.repeat(values > 0, patch // stride, axis=0), patch // stride, axis=1)
    fine = np.pad(fine[: math.ceil(shape[0] / stride), : math.ceil(shape[1] / stride)], 1)
    within = fine[:-2, 1:-1] & fine[2:, 1:-1] & fine[1:-1, :-2] & fine[1:-1, 2:]
    return np.where(fine[1:-1, 1:-1] & ~within, np.float32(inside), np.float32(0)), stride
