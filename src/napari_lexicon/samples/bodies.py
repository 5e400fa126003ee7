"""Nuclear bodies: interphase nuclei, chromosomes of dividing cells, fragments of dying ones, and nucleoli."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .outlines import ANGLES, ellipse, wobble

if TYPE_CHECKING:
    from .cells import Cells
    from .textures import Array, IntArray

RESTING, CONDENSED, PYKNOTIC = 0, 1, 2


@dataclass(frozen=True)
class Bodies:
    """Star-shaped pieces of chromatin, ``b`` of them; a cell has one or several."""

    owner: IntArray  # (b,) cell
    kind: IntArray  # (b,) RESTING, CONDENSED or PYKNOTIC
    y: Array  # (b,) px
    x: Array
    radius: Array  # (b,) radius of the disc of the same area, px
    table: Array  # (b, BINS) px
    density: Array  # (b,) DNA per area, 1 for a resting G1 nucleus
    clumping: Array  # (b,) contrast of the chromatin


@dataclass
class _Plan:
    """Rows ``(owner, kind, dy, dx, radius, aspect, angle, roughness, dna share, clumping)`` of bodies to come."""

    rows: list[tuple[float, ...]]

    def add(self, *row: float) -> None:
        self.rows.append(row)


def nuclear_bodies(
    cells: Cells, y: Array, x: Array, outline: Array, resting_radius: float, rng: np.random.Generator
) -> Bodies:
    """The bodies of every cell, around the seats ``y, x`` of their nuclei; DNA is dense where nuclei are small."""
    plan = _Plan([])
    reach = outline.min(1)
    draws = rng.random((len(cells), 8))
    for i in range(len(cells)):
        if cells.dying[i] > 0.05:
            _dying(plan, i, cells, float(reach[i]), rng)
        elif cells.condensed[i] >= 0.5:
            _chromosomes(plan, i, cells, draws[i])
        elif cells.nuclei[i] > 1:
            _several(plan, i, cells, float(reach[i]), rng)
        else:
            condensed = float(cells.condensed[i])
            along = cells.angle[i] + 0.5 * (draws[i, 0] - 0.5)
            clumping = 0.8 + 0.5 * draws[i, 1] + 4.0 * condensed
            plan.add(
                i,
                0,
                0,
                0,
                cells.nucleus_radius[i] * (1 - 0.25 * condensed),
                cells.nucleus_aspect[i],
                along,
                0.03,
                1,
                clumping,
            )
    table = np.array(plan.rows, np.float32).reshape(-1, 10)
    owner, kind = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    radius = table[:, 4]
    shape = ellipse(table[:, 5], table[:, 6])
    low, high = (2, 3, 4, 5), (5, 7, 9, 12, 15)
    shape = shape * (1 + wobble(len(table), low, 0.035 + 0.4 * table[:, 7] * (kind == 1), rng))
    shape = shape * (1 + wobble(len(table), high, np.where(kind == 1, table[:, 7], 0.008), rng))
    shape = _dented(shape, kind, rng)
    shape = shape / np.sqrt((shape**2).mean(1, keepdims=True))
    share = cells.dna[owner] * table[:, 8] / (radius / resting_radius) ** 2
    density = np.where(kind == 0, share, share**0.7 * np.where(kind == 2, 1.25, 1.15))
    return Bodies(
        owner,
        kind,
        y[owner] + table[:, 2],
        x[owner] + table[:, 3],
        radius,
        np.maximum(shape * radius[:, None], 0.6).astype(np.float32),
        density.astype(np.float32),
        table[:, 9],
    )


def _dented(shape: Array, kind: IntArray, rng: np.random.Generator) -> Array:
    """A few resting nuclei are kidney-shaped."""
    n = len(shape)
    depth = np.where((rng.random(n) < 0.12) & (kind == 0), rng.uniform(0.08, 0.28, n), 0)[:, None]
    where = rng.uniform(0, 2 * np.pi, (n, 1))
    turn = (ANGLES - where + np.pi) % (2 * np.pi) - np.pi
    dented: Array = (shape * (1 - depth * np.exp(-((turn / 0.5) ** 2)))).astype(np.float32)
    return dented


def _several(plan: _Plan, i: int, cells: Cells, reach: float, rng: np.random.Generator) -> None:
    """Nuclei of a multinucleate cell: they touch, differ in size, and lie in a bunch."""
    k = int(cells.nuclei[i])
    share = rng.dirichlet(np.full(k, 9.0))
    radii = cells.nucleus_radius[i] * (share * k) ** 0.4 * k**-0.18
    places: list[tuple[float, float]] = [(0.0, 0.0)]
    for j in range(1, k):
        best, gap = (0.0, 0.0), -np.inf
        for _ in range(6):  # beside one that is there, where there is most room
            beside = int(rng.integers(j))
            turn, away = rng.uniform(0, 2 * np.pi), rng.uniform(0.88, 1.15) * (radii[beside] + radii[j])
            y, x = places[beside][0] + away * np.sin(turn), places[beside][1] + away * np.cos(turn)
            room = min(np.hypot(y - py, x - px) - radii[n] - radii[j] for n, (py, px) in enumerate(places))
            room = min(room, 0.05 * radii[j]) - 0.6 * max(0.0, np.hypot(y, x) - 0.7 * reach)
            if room > gap:
                best, gap = (y, x), room
        places.append(best)
    middle = np.average(places, axis=0, weights=radii**2)
    for j, (y, x) in enumerate(places):
        aspect = 1.05 + 0.25 * rng.random()
        plan.add(i, 0, y - middle[0], x - middle[1], radii[j], aspect, rng.uniform(0, np.pi), 0.03, share[j], 1.0)


def _chromosomes(plan: _Plan, i: int, cells: Cells, draw: npt.NDArray[np.float64]) -> None:
    """Prometaphase clump, metaphase plate or the two plates of anaphase."""
    r, c = float(cells.nucleus_radius[i]), float(cells.condensed[i])
    angle = 2 * np.pi * draw[0]
    figure = int(cells.figure[i])
    if figure == 0:
        plan.add(i, 1, 0, 0, r * (0.86 - 0.2 * c), 1.05 + 0.45 * draw[1], angle, 0.075, 1, 3.2)
        for step in range(int(3 * draw[2] * c)):  # chromosomes that have not come along
            away, turn = r * (0.85 + 0.3 * draw[3 + step]), 2 * np.pi * draw[5 + step]
            plan.add(i, 1, away * np.sin(turn), away * np.cos(turn), 0.16 * r, 1.6, turn, 0.05, 0.05, 1.0)
    elif figure == 1:
        plan.add(i, 1, 0, 0, r * (0.72 - 0.12 * c), 2.1 + 1.1 * draw[1], angle, 0.07, 1, 1.6)
    else:
        gap = r * (0.45 + 0.5 * draw[1])
        for side in (-1, 1):
            dy, dx = -side * gap * np.cos(angle), side * gap * np.sin(angle)
            plan.add(i, 1, dy, dx, 0.47 * r, 2.0 + draw[2], angle, 0.06, 0.5, 1.2)


def _dying(plan: _Plan, i: int, cells: Cells, reach: float, rng: np.random.Generator) -> None:
    """Dense and smooth at first, then broken into balls."""
    s, r = float(cells.dying[i]), float(cells.nucleus_radius[i])
    pieces = 1 + int(max(0.0, s - 0.4) * 9 * rng.uniform(0.6, 1.2))
    if pieces == 1:
        plan.add(i, 2, 0, 0, r * (1 - 0.5 * s), 1.15, cells.angle[i], 0.02, 1, 0.5)
        return
    share = rng.dirichlet(np.full(pieces, 1.6))
    for j in range(pieces):
        away = min(0.62 * reach, 0.8 * r) * np.sqrt(rng.random())
        turn = 2 * np.pi * rng.random()
        size = r * 0.74 * share[j] ** 0.42
        plan.add(i, 2, away * np.sin(turn), away * np.cos(turn), size, 1.1, turn, 0.02, share[j], 0.3)


def nucleoli(cells: Cells, bodies: Bodies, rng: np.random.Generator) -> tuple[IntArray, Array, Array, Array, Array]:
    """Nucleoli of resting nuclei, ``(body, y, x, radius, table)``: irregular, one to five, small where many."""
    resting = np.flatnonzero((bodies.kind == RESTING) & (cells.condensed[bodies.owner] < 0.2))
    count = np.clip(rng.poisson(1.6, len(resting)) + 1, 1, 5)
    body = np.repeat(resting, count)
    n = len(body)
    crowd = np.repeat(count, count)
    radius = bodies.radius[body] * rng.uniform(0.2, 0.36, n) * crowd**-0.32
    away = bodies.radius[body] * 0.6 * np.sqrt(rng.random(n))
    turn = rng.uniform(0, 2 * np.pi, n)
    shape = ellipse((1 + rng.gamma(1.6, 0.4, n)).astype(np.float32), rng.uniform(0, np.pi, n).astype(np.float32))
    shape = shape * np.clip(1 + wobble(n, (2, 3, 4, 5), np.full(n, 0.15, np.float32), rng), 0.4, 1.8)
    return (
        body,
        (bodies.y[body] + away * np.sin(turn)).astype(np.float32),
        (bodies.x[body] + away * np.cos(turn)).astype(np.float32),
        radius.astype(np.float32),
        np.maximum(shape * radius[:, None], 0.4).astype(np.float32),
    )
