"""Curved lines and dots in cells (tubules, stacks, vesicles, filopodia), all cells at once, splatted between pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from .textures import Array, IntArray


@dataclass(frozen=True)
class Dots:
    """Points with a weight and the cell that they belong to."""

    y: Array
    x: Array
    owner: IntArray
    weight: Array


def walk(
    y: Array,
    x: Array,
    heading: Array,
    owner: IntArray,
    weight: Array,
    steps: IntArray,
    step_px: float,
    bend: float,
    rng: np.random.Generator,
) -> Dots:
    """Lines of dots that keep their heading but for a random bend (radians per step), ``steps`` dots each."""
    n, longest = len(y), int(steps.max(initial=1))
    turns = rng.standard_normal((n, longest), dtype=np.float32) * bend
    # Bends persist over a few steps: tubules are curved rather than frayed.
    for step in range(1, longest):
        turns[:, step] = 0.8 * turns[:, step - 1] + 0.6 * turns[:, step]
    direction = heading[:, None] + np.cumsum(turns, axis=1)
    py = y[:, None] + np.cumsum(np.sin(direction), axis=1) * step_px
    px = x[:, None] + np.cumsum(np.cos(direction), axis=1) * step_px
    alive = np.arange(longest)[None, :] < steps[:, None]
    repeated = np.broadcast_to(owner[:, None], alive.shape)[alive]
    weights = np.broadcast_to(weight[:, None], alive.shape)[alive]
    return Dots(py[alive].astype(np.float32), px[alive].astype(np.float32), repeated, weights.astype(np.float32))


def splat(dots: Dots, shape: tuple[int, int]) -> tuple[IntArray, Array, IntArray]:
    """``(pixel, value, owner)`` of dots shared out between the four pixels around each."""
    y0, x0 = np.floor(dots.y).astype(np.int64), np.floor(dots.x).astype(np.int64)
    fy, fx = dots.y - y0, dots.x - x0
    pixels, values, owners = [], [], []
    for dy, wy in ((0, 1 - fy), (1, fy)):
        for dx, wx in ((0, 1 - fx), (1, fx)):
            y, x = y0 + dy, x0 + dx
            inside = (y >= 0) & (y < shape[0]) & (x >= 0) & (x < shape[1])
            pixels.append((y * shape[1] + x)[inside])
            values.append((dots.weight * wy * wx)[inside])
            owners.append(dots.owner[inside])
    return np.concatenate(pixels), np.concatenate(values).astype(np.float32), np.concatenate(owners)


def looked_up(image: npt.NDArray[Any], dots: Dots, outside: float) -> npt.NDArray[Any]:
    """Pixel values of ``image (Y, X)`` under dots."""
    y, x = np.round(dots.y).astype(np.int64), np.round(dots.x).astype(np.int64)
    inside = (y >= 0) & (y < image.shape[0]) & (x >= 0) & (x < image.shape[1])
    values = np.full(len(y), outside, image.dtype)
    values[inside] = image[y[inside], x[inside]]
    return values


def kept_inside(dots: Dots, owner_of: IntArray, nucleus: Array, through: float) -> Dots:
    """Only dots on their own cell's ground; over its nucleus they count ``through``."""
    mine = looked_up(owner_of, dots, -1) == dots.owner
    over = looked_up(nucleus, dots, 0.0)
    weight = dots.weight * (1 - (1 - through) * over)
    return Dots(dots.y[mine], dots.x[mine], dots.owner[mine], weight[mine].astype(np.float32))
