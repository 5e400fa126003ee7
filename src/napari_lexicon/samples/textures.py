"""Noise textures that organelles are painted with: made once per process from a fixed seed, then read at any scale.

A texture is a periodic square of band-limited noise. Painters read it at random offsets, in the frame of a cell and at
the length that an organelle has, so one texture serves every cell of every field without repeating visibly.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

SIZE = 1024
"""Side of a texture in texels; a power of two, so that wrapping is a bit mask."""
GRAIN = 16.0
"""Correlation length of a texture in texels: reading with step ``GRAIN / length_px`` gives that length in pixels."""

Kind = Literal["smooth", "cloud", "ridge", "fibre", "grain"]


@cache
def texture(kind: Kind) -> Array:
    """One texture, shape ``(SIZE, SIZE)``, zero mean and unit variance (``ridge`` and ``fibre``: 0 to 1).

    ``smooth`` has one length, ``cloud`` falls off like 1/f, ``ridge`` is a net of bright threads, ``fibre`` is bundles
    along x, ``grain`` is clumps of two sizes as in chromatin.
    """
    rng = np.random.default_rng([ord(letter) for letter in kind])
    noise = np.fft.rfft2(rng.standard_normal((SIZE, SIZE)))
    fy = np.fft.fftfreq(SIZE)[:, None]
    fx = np.fft.rfftfreq(SIZE)[None, :]
    radius = np.hypot(fy, fx) * GRAIN
    if kind == "smooth":
        return _unit(noise * np.exp(-((2.2 * radius) ** 2)))
    if kind == "cloud":
        return _unit(noise * (0.15 + radius) ** -1.6 * np.exp(-((0.5 * radius) ** 2)))
    if kind == "grain":
        return _unit(noise * (np.exp(-((2.2 * radius) ** 2)) + 0.45 * np.exp(-((0.9 * radius) ** 2))))
    if kind == "ridge":
        fold = _unit(noise * np.exp(-((radius - 0.45) ** 2) / 0.03))
        return np.asarray(np.exp(-((fold / 0.55) ** 2)), np.float32)
    bundle = _unit(noise * np.exp(-((1.6 * fy * GRAIN) ** 2) - (26.0 * fx * GRAIN) ** 2))
    return np.asarray(np.clip(bundle - 0.3, 0.0, 2.5) ** 1.3 / 2.5, np.float32)


def _unit(spectrum: npt.NDArray[np.complex128]) -> Array:
    spectrum[0, 0] = 0.0
    image = np.fft.irfft2(spectrum, s=(SIZE, SIZE))
    return np.asarray(image / image.std(), np.float32)


def read(kind: Kind, y: Array, x: Array, length_px: float | Array) -> Array:
    """Texture values at positions in pixels, where the texture's length is ``length_px`` pixels."""
    step = GRAIN / np.maximum(length_px, 0.3)
    iy = (y * step).astype(np.int32) & (SIZE - 1)
    ix = (x * step).astype(np.int32) & (SIZE - 1)
    values: Array = texture(kind).ravel()[iy * SIZE + ix]
    return values


def field_texture(kind: Kind, shape: tuple[int, int], length_px: float, rng: np.random.Generator) -> Array:
    """A texture over a whole field, ``(Y, X)``, at a random offset and turn.

    Long textures are read coarsely and enlarged: neighbouring texels of a nearest-neighbour read would show as steps.
    """
    oy, ox = rng.uniform(0.0, SIZE * length_px / GRAIN, 2)
    turn = rng.uniform(0.0, 2 * np.pi)
    stride = max(1, int(length_px / 6))
    y = np.arange(0, shape[0] + 2 * stride, stride, dtype=np.float32)[:, None]
    x = np.arange(0, shape[1] + 2 * stride, stride, dtype=np.float32)[None, :]
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    coarse = read(kind, oy + y * cos - x * sin, ox + y * sin + x * cos, length_px)
    fine = coarse if stride == 1 else enlarge(coarse, stride)
    return fine[: shape[0], : shape[1]]


def enlarge(coarse: Array, stride: int) -> Array:
    """Linear enlargement by a whole factor; ``coarse`` must reach one sample past the end of the field."""
    rows = _between(coarse, stride)
    return np.ascontiguousarray(_between(rows.T, stride).T)


def _between(coarse: Array, stride: int) -> Array:
    t = (np.arange(stride, dtype=np.float32) / stride)[None, :, None]
    fine = coarse[:-1, None] * (1 - t) + coarse[1:, None] * t
    return np.asarray(fine.reshape(-1, coarse.shape[1]), np.float32)
