"""From numbers per cell to shapes on the field: territories that touch and overlap, nuclei, thickness.

Cells compete for ground: every cell has a star-shaped outline (a polygon whose sides bend, rounded or blebbing where
its state asks for it), and a pixel belongs to the cell in whose outline it lies deepest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt

from .bodies import Bodies, nuclear_bodies, nucleoli
from .outlines import ANGLES, BINS, Fragments, ellipse, polygons, rasterise, smooth_outline, wobble
from .textures import Array, IntArray, field_texture, read

if TYPE_CHECKING:
    from .cells import Cells, Crowd

_OVERLAP = 0.16


@dataclass(frozen=True)
class Scene:
    """Everything that organelles are painted on. ``P`` fragments of cells, ``Q`` of nuclear bodies."""

    shape: tuple[int, int]
    diameter: float  # of a resting cell, px
    cells: Cells
    outline: Array  # (n, BINS) px
    owner_of: IntArray  # (Y, X) index of the cell, -1 for ground
    fragments: Fragments
    thickness: Array  # (P,) about 1 in a resting cell
    edge: Array  # (P,) px to where the cell ends, at open ground or over a neighbour
    free_edge: Array  # (P,) 1 where it ends at open ground, 0 where over a neighbour
    nuclear: Array  # (P,) 0 outside, 1 inside the cell's interphase nuclei
    packed: Array  # (P,) the same for condensed chromosomes, which push everything else aside
    along: Array  # (P,) px along the cell's long axis
    across: Array  # (P,)
    bodies: Bodies
    body_fragments: Fragments
    body_cover: Array  # (Q,) part of the pixel that the body covers
    nucleolar: Array  # (Q,) part of the pixel that nucleoli cover
    nucleoli: tuple[Fragments, IntArray, Array]  # fragments, body of each nucleolus, cover of each fragment
    nucleus_map: Array  # (Y, X) cover by interphase nuclei
    seat_y: Array  # (n,) middle of the nuclei, px
    seat_x: Array
    ground: Array  # (n,) area of the cell's own ground, 1 for a resting cell that has room
    level: Array  # (n,) thickness level of the cell

    def plane(self, pixel: IntArray, value: npt.NDArray[np.floating[Any]], owner: IntArray) -> Array:
        """Fragment values summed into ``(2, Y, X)``: in focus, and out of focus as far as each cell is."""
        size = self.shape[0] * self.shape[1]
        far = self.cells.defocus[owner] * value
        sharp = np.bincount(pixel, value - far, size)
        blurred = np.bincount(pixel, far, size)
        return np.stack([sharp, blurred]).reshape(2, *self.shape).astype(np.float32)

    def noise(self, kind: str, length_px: float, owner: IntArray, y: Array, x: Array) -> Array:
        """A texture in each cell's own frame, at an offset that belongs to the cell."""
        offset = (owner * 7919 % 1013).astype(np.float32) * np.float32(max(length_px, 0.5))
        return read(kind, y + offset, x + 1.7 * offset, length_px)  # type: ignore[arg-type]


def cell_outlines(cells: Cells, diameter: float, rng: np.random.Generator) -> Array:
    """Radius tables ``(n, BINS)`` in pixels."""
    n = len(cells)
    table = np.ones((n, BINS), np.float32)
    for corners in np.unique(cells.corners):
        who = np.flatnonzero(cells.corners == corners)
        m, k = len(who), int(corners)
        spike = cells.spikiness[who][:, None]
        angle = (np.arange(k) + rng.uniform(-0.34, 0.34, (m, k)) + rng.random((m, 1))) * 2 * np.pi / k
        angle = np.sort(angle % (2 * np.pi), axis=1)
        radii = np.exp(0.13 * spike * rng.standard_normal((m, k)).clip(-1.8, 1.8))
        arm = rng.random((m, k)) < 0.08 * cells.arms[who][:, None]
        radii *= np.where(arm, rng.uniform(1.3, 2.3, (m, k)), 1.0)
        # Beside an arm the outline falls in.
        sag = rng.normal(0.05 * spike, 0.09, (m, k)) + 0.22 * (arm | np.roll(arm, -1, axis=1))
        table[who] = polygons(angle.astype(np.float32), radii.astype(np.float32), sag.astype(np.float32))
    table *= ellipse(cells.aspect, cells.angle)
    table = smooth_outline(table, 3.5)
    table *= 1 + wobble(n, (7, 9, 11, 14, 17, 23, 31, 43), np.full(n, 0.016, np.float32), rng)
    table /= np.sqrt((table**2).mean(1, keepdims=True))
    calm = np.clip(np.maximum(cells.rounded, cells.dying), 0, 1)[:, None]
    ball = ellipse(np.full(n, 1.06, np.float32), cells.angle) * (
        1 + wobble(n, (3, 5, 7), np.full(n, 0.012, np.float32), rng)
    )
    table = table * (1 - calm) + ball * calm
    # A rounded cell is a ball of its volume, however far it had spread.
    globe = (0.275 * diameter * cells.volume ** (1 / 3) * (1 - 0.12 * cells.dying))[:, None]
    radius = cells.radius[:, None] * (1 - calm) + globe * calm
    return np.asarray(np.maximum(table * radius + globe * _blebs(cells.dying, rng), 1.0), np.float32)


def _blebs(dying: Array, rng: np.random.Generator) -> Array:
    """Balls that bulge out of dying cells, of any size and at any place, as relative radius ``(n, BINS)``."""
    n = len(dying)
    bulge = np.zeros((n, BINS), np.float32)
    for _ in range(7):
        where, width = rng.uniform(0, 2 * np.pi, (n, 1)), rng.uniform(0.12, 0.5, (n, 1))
        turn = (ANGLES - where + np.pi) % (2 * np.pi) - np.pi
        ball = np.sqrt(np.clip(1 - (turn / width) ** 2, 0, 1)) * width * rng.uniform(0.3, 1.1, (n, 1))
        bulge = np.maximum(bulge, ball * (rng.random((n, 1)) < 0.75))
    scaled: Array = (bulge * np.clip(1.4 * dying[:, None] - 0.25, 0, 1)).astype(np.float32)
    return scaled


def build_scene(cells: Cells, crowd: Crowd, shape: tuple[int, int], rng: np.random.Generator) -> Scene:
    """Let cells take their ground, give them nuclei, nucleoli and thickness."""
    diameter = crowd.cell_diameter_px
    outline = cell_outlines(cells, diameter, rng)
    warp = np.stack([field_texture("cloud", shape, 0.45 * diameter, rng) for _ in range(2)]) * (0.022 * diameter)
    claims = rasterise(cells.y, cells.x, outline, shape, warp=warp.astype(np.float32))
    # Cells that have rounded up sit on top of their neighbours.
    depth = (claims.u * (1 - 0.5 * np.maximum(cells.rounded, cells.dying))[claims.owner]).astype(np.float32)
    lowest = _lowest(depth, claims.pixel, shape)
    first = depth <= lowest[claims.pixel]
    owner_of = _owner_map(claims, first, shape)
    rival = np.where(first, _lowest(depth[~first], claims.pixel[~first], shape)[claims.pixel], lowest[claims.pixel])
    seat_y, seat_x = _nucleus_seats(cells, owner_of, shape, rng)
    bodies = nuclear_bodies(cells, seat_y, seat_x, outline, 0.48 * diameter * crowd.nucleus_fraction, rng)
    inner, cover = _covered(rasterise(bodies.y, bodies.x, bodies.table, shape, reach=1.3), bodies.radius)
    # A nucleus is always inside its own cell.
    core = cover > 0.4
    owner_of.ravel()[inner.pixel[core]] = bodies.owner[inner.owner[core]]
    mine = owner_of.ravel()[claims.pixel] == claims.owner
    # A cell reaches a little over its neighbours, some farther than others.
    margin = rival + (_OVERLAP * rng.random(len(cells)).astype(np.float32))[claims.owner] - depth
    held = mine | (margin > 0)
    fragments, mine = claims.keep(held), mine[held]
    contact = 0.55 * np.maximum(margin[held], 0) * np.hypot(fragments.y, fragments.x) / np.maximum(depth[held], 0.02)
    open_edge = distance_transform_edt(owner_of >= 0).ravel()[fragments.pixel].astype(np.float32)
    edge = np.minimum(open_edge, contact).astype(np.float32)
    free_edge = np.clip(1.5 - open_edge / np.maximum(contact, 0.1), 0, 1).astype(np.float32)
    angle = cells.angle[fragments.owner]
    along = (fragments.x * np.cos(angle) + fragments.y * np.sin(angle)).astype(np.float32)
    across = (fragments.y * np.cos(angle) - fragments.x * np.sin(angle)).astype(np.float32)
    nucleus_map, nuclear = _cover_map(bodies.kind == 0, bodies, inner, cover, fragments, shape)
    _, packed = _cover_map(bodies.kind == 1, bodies, inner, cover, fragments, shape)
    ground = _ground(diameter, outline, np.bincount(fragments.owner[mine], minlength=len(cells)))
    # A crowded or rounded cell is taller and so brighter, a spread one thin.
    level = (cells.volume / np.maximum(ground, 0.4) ** 0.65).astype(np.float32)
    level = np.float32(2.4) * np.tanh(level / np.float32(2.4))  # squeezed cells also give way downwards and sideways
    lean = 0.3 * cells.nucleus_radius  # the cell is highest on the side of the Golgi
    top_y = seat_y - cells.y + lean * np.sin(cells.polarity)
    top_x = seat_x - cells.x + lean * np.cos(cells.polarity)
    seat = (top_y[fragments.owner], top_x[fragments.owner])
    spots, nucleolar = _nucleoli(cells, bodies, inner, shape, rng)
    return Scene(
        shape=shape,
        diameter=diameter,
        cells=cells,
        outline=outline,
        owner_of=owner_of,
        fragments=fragments,
        thickness=level[fragments.owner] * _profile(cells, diameter, outline, fragments, edge, seat),
        edge=edge,
        free_edge=free_edge,
        nuclear=nuclear,
        packed=packed,
        along=along,
        across=across,
        bodies=bodies,
        body_fragments=inner,
        body_cover=cover,
        nucleolar=nucleolar,
        nucleoli=spots,
        nucleus_map=nucleus_map,
        seat_y=seat_y,
        seat_x=seat_x,
        ground=ground,
        level=level,
    )


def _covered(fragments: Fragments, radius: Array) -> tuple[Fragments, Array]:
    """Fragments with the part of the pixel that the shape covers, so that small shapes have smooth outlines."""
    cover = np.clip((1 - fragments.u) * radius[fragments.owner] + 0.5, 0, 1).astype(np.float32)
    return fragments.keep(cover > 0), cover[cover > 0]


def _nucleoli(
    cells: Cells, bodies: Bodies, inner: Fragments, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[tuple[Fragments, IntArray, Array], Array]:
    body, y, x, radius, table = nucleoli(cells, bodies, rng)
    fragments, cover = _covered(rasterise(y, x, table, shape, reach=1.6), radius)
    size = shape[0] * shape[1]
    spot = np.zeros(size, np.float32)
    np.maximum.at(spot, fragments.pixel, cover)
    resting = (bodies.kind == 0)[inner.owner]
    return (fragments, body, cover), (spot[inner.pixel] * resting).astype(np.float32)


def _lowest(depth: Array, pixel: IntArray, shape: tuple[int, int]) -> Array:
    lowest = np.full(shape[0] * shape[1], np.inf, np.float32)
    np.minimum.at(lowest, pixel, depth)
    return lowest


def _owner_map(claims: Fragments, first: npt.NDArray[np.bool_], shape: tuple[int, int]) -> IntArray:
    owner_of = np.full(shape[0] * shape[1], -1, np.int64)
    owner_of[claims.pixel[first]] = claims.owner[first]
    return owner_of.reshape(shape)


def _nucleus_seats(
    cells: Cells, owner_of: IntArray, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[Array, Array]:
    """Where nuclei lie: near the middle of the ground that the cell really has, a little off."""
    n = len(cells)
    flat = owner_of.ravel()
    held = np.flatnonzero(flat >= 0)
    owner = flat[held]
    count = np.bincount(owner, minlength=n)
    row, column = np.divmod(held, shape[1])
    safe = np.maximum(count, 1)
    middle_y = np.bincount(owner, row, n) / safe
    middle_x = np.bincount(owner, column, n) / safe
    cut = np.zeros(n, bool)
    for side in (owner_of[0], owner_of[-1], owner_of[:, 0], owner_of[:, -1]):
        cut[side[side >= 0]] = True
    pull = np.where(cut | (count == 0), 0.0, 0.6)
    jitter = 0.11 * cells.radius * (1 - 0.8 * cells.rounded)
    long_way = 0.1 * cells.radius * (cells.aspect - 1) * rng.uniform(-1, 1, n)
    y = cells.y + pull * (middle_y - cells.y) + jitter * rng.standard_normal(n) + long_way * np.sin(cells.angle)
    x = cells.x + pull * (middle_x - cells.x) + jitter * rng.standard_normal(n) + long_way * np.cos(cells.angle)
    return y.astype(np.float32), x.astype(np.float32)


def _cover_map(
    which: npt.NDArray[np.bool_],
    bodies: Bodies,
    inner: Fragments,
    cover: Array,
    fragments: Fragments,
    shape: tuple[int, int],
) -> tuple[Array, Array]:
    """Cover by some of the bodies, ``(Y, X)``, and at the fragments of the cells that they belong to, ``(P,)``."""
    mine = which[inner.owner]
    size = shape[0] * shape[1]
    cover_map = np.zeros(size, np.float32)
    np.maximum.at(cover_map, inner.pixel[mine], cover[mine])
    whose = np.full(size, -1, np.int64)
    whose[inner.pixel[mine]] = bodies.owner[inner.owner[mine]]
    at = np.where(whose[fragments.pixel] == fragments.owner, cover_map[fragments.pixel], 0).astype(np.float32)
    return cover_map.reshape(shape), at


def _ground(diameter: float, outline: Array, held: IntArray) -> Array:
    """Area that each cell holds; a cell beyond the field's border is taken to hold about half of its outline."""
    full = np.pi * (outline**2).mean(1)
    area: Array = (np.clip(held, 0.45 * full, full) / (np.pi * (0.5 * diameter) ** 2)).astype(np.float32)
    return area


def _profile(
    cells: Cells, diameter: float, outline: Array, fragments: Fragments, edge: Array, seat: tuple[Array, Array]
) -> Array:
    """Height over the cell's ground: a dome over the nucleus that runs out into lamellae; a ball where it is round."""
    owner = fragments.owner
    y, x = fragments.y - seat[0], fragments.x - seat[1]
    cos, sin = np.cos(cells.angle[owner]), np.sin(cells.angle[owner])
    stretch = np.sqrt(cells.aspect[owner])
    away = np.hypot((x * cos + y * sin) / stretch, (y * cos - x * sin) * stretch)
    away = np.maximum(away - 0.8 * cells.nucleus_radius[owner], 0)
    spread = 0.4 * np.sqrt((outline**2).mean(1))[owner]
    dome = (1.0 / (1.0 + (away / spread) ** 2)) ** 1.25
    taper = 1 - np.exp(-(edge + 0.4) / (0.07 * diameter))
    flat = (0.28 + 0.72 * taper) * (0.16 + 1.3 * dome) * (0.65 + 0.35 * np.sqrt(np.clip(1 - fragments.u, 0, 1)))
    offset = (owner * 7919 % 1013).astype(np.float32) * np.float32(0.3 * diameter)
    flat *= np.clip(1 + 0.12 * read("cloud", fragments.y + offset, fragments.x + offset, 0.16 * diameter), 0.3, 2)
    ball = 1.45 * np.sqrt(np.clip(1 - fragments.u**2, 0, 1))
    calm = np.maximum(cells.rounded, cells.dying)[owner]
    profile: Array = (flat * (1 - calm) + ball * calm).astype(np.float32)
    return profile
