"""What microscopes, stains and people do to a picture: gain, gamma, background, blur, noise, other contrasts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

Array = npt.NDArray[np.float32]


def disturbed(picture: Array, rng: np.random.Generator) -> Array:
    """A variant of a picture, ``(Y, X)`` windowed intensities in and out; what it shows stays where it is."""
    draw = rng.random(6)
    shown: npt.NDArray[np.floating[Any]] = transmitted(picture, rng) if draw[0] < 0.12 else picture
    if draw[1] < 0.25:
        shown = np.sign(shown) * np.abs(shown) ** rng.uniform(0.7, 1.4)
    if draw[2] < 0.7:
        shown = shown * np.exp(rng.normal(0, 0.4))
    if draw[3] < 0.3:
        shown = shown + rng.uniform(-0.05, 0.15)
    if draw[3] > 0.85:
        shown = shown + _shading(picture.shape, rng)
    if draw[4] < 0.2:
        shown = gaussian_filter(shown, rng.uniform(0.4, 1.8))
    if draw[5] < 0.3:
        shown = shown + rng.normal(0, 10 ** rng.uniform(-2.3, -1), picture.shape)
    return np.asarray(np.clip(shown, -1.0, 10.0), np.float32)


def transmitted(picture: Array, rng: np.random.Generator) -> Array:
    """The same things as they look in transmitted light: stained dark on bright, or as phase and edges."""
    amount = np.clip(picture, 0, 2)
    bright = rng.uniform(0.6, 0.95)
    if rng.random() < 0.6:
        return np.asarray(bright * np.exp(-rng.uniform(0.4, 1.6) * amount), np.float32)
    relief: npt.NDArray[np.floating[Any]] = gaussian_filter(amount, rng.uniform(0.7, 2.0)) - gaussian_filter(
        amount, rng.uniform(3.0, 6.0)
    )
    if rng.random() < 0.5:  # oblique light, as in DIC
        relief = np.gradient(gaussian_filter(amount, 1.2), axis=int(rng.integers(2))) * 3
    return np.asarray(bright * 0.6 + rng.uniform(0.3, 1.2) * relief, np.float32)


def _shading(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """A slow change of brightness across the picture."""
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in shape)
    a, b, c = rng.normal(0, 0.06, 3)
    return np.asarray(a * y[:, None] + b * x[None, :] + c * (y[:, None] ** 2 + x[None, :] ** 2), np.float32)
