"""Star-shaped outlines (cells, nuclei, chromosomes, nucleoli) as tables of radius by angle, and their fragments.

A fragment is one pixel of one shape, as in a graphics card's rasteriser: every organelle is painted as a function of
fragments, so that the cost is that of the covered pixels and not of the number of cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d

if TYPE_CHECKING:
    from .textures import Array, IntArray

BINS = 256
"""Angles per outline."""
ANGLES = (np.arange(BINS, dtype=np.float32) * np.float32(2 * np.pi / BINS))[None, :]
_CHUNK = 1_500_000


@dataclass(frozen=True)
class Fragments:
    """Pixels of shapes. ``u`` is 0 at a shape's centre and 1 on its outline; ``y, x`` are pixels from the centre."""

    pixel: IntArray  # (P,) flat index into the field
    owner: IntArray  # (P,) shape
    u: Array  # (P,)
    y: Array  # (P,)
    x: Array  # (P,)

    def keep(self, mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Fragments:
        """The fragments where ``mask`` is true."""
        return Fragments(self.pixel[mask], self.owner[mask], self.u[mask], self.y[mask], self.x[mask])


def ellipse(aspect: Array, angle: Array) -> Array:
    """Radius tables ``(n, BINS)`` of ellipses of unit area radius; ``aspect`` is long over short axis."""
    a, b = np.sqrt(aspect)[:, None], 1.0 / np.sqrt(aspect)[:, None]
    turned = ANGLES - angle[:, None]
    return np.asarray(a * b / np.sqrt((b * np.cos(turned)) ** 2 + (a * np.sin(turned)) ** 2), np.float32)


def wobble(n: int, modes: tuple[int, ...], amplitude: Array, rng: np.random.Generator) -> Array:
    """Relative ripples ``(n, BINS)`` of an outline: a sum of waves of ``modes`` periods per turn, falling as 1/mode."""
    waves = np.zeros((n, BINS), np.float32)
    for mode in modes:
        phase = rng.uniform(0, 2 * np.pi, (n, 1)).astype(np.float32)
        height = (rng.standard_normal((n, 1)) * amplitude[:, None] * modes[0] / mode).astype(np.float32)
        waves += height * np.cos(mode * ANGLES + phase)
    return waves


def polygons(corners: Array, radii: Array, sag: Array) -> Array:
    """Radius tables of polygons with bent sides.

    Parameters
    ----------
    corners : (n, K) float32
        Angles of the corners, rising, 0 to 2π.
    radii : (n, K) float32
        Distance of the corners from the centre.
    sag : (n, K) float32
        How far the side after each corner bends inwards (positive: an arc pulled between two adhesions) or outwards
        (negative: a lamellipodium), relative to its distance from the centre.

    Returns
    -------
    (n, BINS) float32
    """
    n, k = corners.shape
    side = (corners[:, None, :] <= ANGLES[:, :, None]).sum(2) - 1  # (n, BINS), -1 wraps to the last corner
    row = np.arange(n)[:, None]
    following = (side + 1) % k
    start = corners[row, side] - np.where(side < 0, 2 * np.pi, 0.0)
    gap = (corners[row, following] - start) % (2 * np.pi)
    gap = np.where(gap <= 0, 2 * np.pi, gap)
    past = ANGLES - start
    r1, r2 = radii[row, side], radii[row, following]
    # The chord in polar form; where a side spans more than about 140 degrees it would run through the centre.
    chord = np.sin(gap) * r1 * r2 / np.maximum(r1 * np.sin(past) + r2 * np.sin(gap - past), 1e-3)
    t = past / gap
    plain = r1 * (1 - t) + r2 * t
    radius = np.where(gap < 2.3, np.maximum(chord, 0.35 * plain), plain)
    radius = radius * (1.0 - sag[row, side] * 4 * t * (1 - t))
    return np.asarray(radius, np.float32)


def smooth_outline(table: Array, degrees: float) -> Array:
    """Round off corners over an angle."""
    smoothed: Array = gaussian_filter1d(table, degrees / 360 * BINS, axis=1, mode="wrap")
    return smoothed


def rasterise(
    y: Array, x: Array, table: Array, shape: tuple[int, int], *, reach: float = 1.0, warp: Array | None = None
) -> Fragments:
    """Fragments of star-shaped outlines with ``u < reach``, sorted by shape size and then by shape.

    Parameters
    ----------
    y, x : (n,) float32
        Centres in pixels; may lie outside the field.
    table : (n, BINS) float32
        Radii in pixels.
    shape : tuple of int
        ``(Y, X)`` of the field.
    reach : float
        How far past the outline fragments are wanted.
    warp : (2, Y, X) float32, optional
        Displacement in pixels that bends every outline of the field.
    """
    margin = 0.0 if warp is None else float(np.abs(warp).max())
    half = np.ceil(table.max(1) * reach + margin + 1).astype(np.int64)
    size = 2.0 ** (np.ceil(np.log2(np.maximum(half, 2)) * 3) / 3)  # patches of a few sizes, each done at once
    parts: list[Fragments] = []
    for patch in np.unique(size):
        members = np.flatnonzero(size == patch)
        span = int(patch)
        per = max(1, _CHUNK // (2 * span + 1) ** 2)
        for first in range(0, len(members), per):
            parts.append(_rasterise_patch(members[first : first + per], span, y, x, table, shape, reach, warp))
    if not parts:
        empty = np.zeros(0, np.float32)
        return Fragments(np.zeros(0, np.int64), np.zeros(0, np.int64), empty, empty, empty)
    return Fragments(
        np.concatenate([part.pixel for part in parts]),
        np.concatenate([part.owner for part in parts]),
        np.concatenate([part.u for part in parts]),
        np.concatenate([part.y for part in parts]),
        np.concatenate([part.x for part in parts]),
    )


def _rasterise_patch(
    members: IntArray,
    span: int,
    y: Array,
    x: Array,
    table: Array,
    shape: tuple[int, int],
    reach: float,
    warp: Array | None,
) -> Fragments:
    offsets = np.arange(-span, span + 1)
    rows = np.floor(y[members]).astype(np.int64)[:, None] + offsets  # (m, p)
    columns = np.floor(x[members]).astype(np.int64)[:, None] + offsets
    inside = ((rows >= 0) & (rows < shape[0]))[:, :, None] & ((columns >= 0) & (columns < shape[1]))[:, None, :]
    which, i, j = np.nonzero(inside)
    owner = members[which]
    row, column = rows[which, i], columns[which, j]
    pixel = row * shape[1] + column
    dy = (row - y[owner]).astype(np.float32)
    dx = (column - x[owner]).astype(np.float32)
    if warp is not None:
        dy += warp[0].ravel()[pixel]
        dx += warp[1].ravel()[pixel]
    distance = np.hypot(dy, dx)
    near = distance < (table.max(1) * reach)[owner]
    pixel, owner, dy, dx, distance = pixel[near], owner[near], dy[near], dx[near], distance[near]
    angle = np.arctan2(dy, dx) * np.float32(BINS / (2 * np.pi)) + np.float32(BINS)
    low = angle.astype(np.int64)
    part = angle - low
    flat, first = table.ravel(), owner * BINS
    u = distance / (flat[first + (low & (BINS - 1))] * (1 - part) + flat[first + ((low + 1) & (BINS - 1))] * part)
    near = u < reach
    return Fragments(pixel[near], owner[near], u[near].astype(np.float32), dy[near], dx[near])
