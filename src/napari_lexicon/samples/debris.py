"""Dirt that no real field is free of: bright specks, threads, dead remains and blobs that float out of focus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

from .outlines import ellipse, rasterise, wobble
from .strokes import Dots, splat, walk
from .textures import Array, read

if TYPE_CHECKING:
    from .cells import Crowd


def litter(
    shape: tuple[int, int], crowd: Crowd, amount: float, channels: tuple[str, ...], rng: np.random.Generator
) -> dict[str, Array]:
    """Light of dirt per channel, ``(2, Y, X)``, on the scale of the markers."""
    d = crowd.cell_diameter_px
    planes = {name: np.zeros((2, *shape), np.float32) for name in channels}
    if amount <= 0:
        return planes
    fields = shape[0] * shape[1] / (9.0 * d) ** 2  # in units of a usual field
    _specks(planes, shape, d, rng.poisson(14 * amount * fields), rng)
    for _ in range(rng.poisson(0.5 * amount * fields)):
        _thread(planes, shape, d, rng)
    _blobs(planes, shape, d, rng.poisson(1.1 * amount * fields), rng)
    return planes


def _affinity(channels: dict[str, Array], n: int, rng: np.random.Generator) -> dict[str, Array]:
    """How strongly each piece shows in each channel: most show in one or two."""
    return {name: (rng.gamma(0.35, 1.0, n) * rng.uniform(0.2, 1.0)).astype(np.float32) for name in channels}


def _specks(planes: dict[str, Array], shape: tuple[int, int], d: float, n: int, rng: np.random.Generator) -> None:
    y, x = rng.uniform(0, shape[0], n), rng.uniform(0, shape[1], n)
    size = 0.0018 * d * d * rng.gamma(0.7, 1.0, n)
    none = np.zeros(n, np.int64)
    for name, much in _affinity(planes, n, rng).items():
        dots = Dots(y.astype(np.float32), x.astype(np.float32), none, (size * much).astype(np.float32))
        pixel, value, _ = splat(dots, shape)
        light = np.bincount(pixel, value, shape[0] * shape[1]).reshape(shape).astype(np.float32)
        planes[name][0] += gaussian_filter(light, 0.008 * d, mode="constant") if n else light


def _thread(planes: dict[str, Array], shape: tuple[int, int], d: float, rng: np.random.Generator) -> None:
    start = np.array([rng.uniform(0, shape[0])], np.float32), np.array([rng.uniform(0, shape[1])], np.float32)
    steps = np.array([int(d * rng.uniform(0.3, 2.0))])
    heading = np.array([rng.uniform(0, 2 * np.pi)], np.float32)
    dots = walk(*start, heading, np.zeros(1, np.int64), np.ones(1, np.float32), steps, 0.8, 0.05, rng)
    pixel, value, _ = splat(dots, shape)
    light = np.bincount(pixel, value, shape[0] * shape[1]).reshape(shape).astype(np.float32)
    light = gaussian_filter(light, rng.uniform(0.5, 0.02 * d + 1), mode="constant")
    far = rng.random() < 0.4
    for name, much in _affinity(planes, 1, rng).items():
        planes[name][int(far)] += light * much * 0.5


def _blobs(planes: dict[str, Array], shape: tuple[int, int], d: float, n: int, rng: np.random.Generator) -> None:
    """Remains of dead cells: some sharp and ragged, most floating and blurred."""
    if n == 0:
        return
    y = rng.uniform(-0.3 * d, shape[0] + 0.3 * d, n).astype(np.float32)
    x = rng.uniform(-0.3 * d, shape[1] + 0.3 * d, n).astype(np.float32)
    radius = d * rng.uniform(0.05, 0.3, n)
    form = ellipse(1 + rng.gamma(1.5, 0.4, n).astype(np.float32), rng.uniform(0, np.pi, n).astype(np.float32))
    form = np.clip(form * (1 + wobble(n, (2, 3, 5, 8), np.full(n, 0.16, np.float32), rng)), 0.2, 3)
    f = rasterise(y, x, (form * radius[:, None]).astype(np.float32), shape)
    rough = np.clip(1 + 0.5 * read("cloud", f.y + 97.0 * f.owner, f.x, 0.06 * d), 0.1, 3)
    body = np.sqrt(np.clip(1 - f.u**2, 0, 1)) * rough
    far = (rng.random(n) < 0.65) * rng.uniform(0.5, 1.0, n)
    blur = float(rng.uniform(0.05, 0.16) * d)
    for name, much in _affinity(planes, n, rng).items():
        value = body * 0.9 * much[f.owner]
        size = shape[0] * shape[1]
        near_light = np.bincount(f.pixel, value * (1 - far[f.owner]), size)
        far_light = np.bincount(f.pixel, value * far[f.owner], size)
        planes[name][0] += near_light.reshape(shape).astype(np.float32)
        planes[name][1] += gaussian_filter(far_light.reshape(shape), blur, mode="constant").astype(np.float32)
