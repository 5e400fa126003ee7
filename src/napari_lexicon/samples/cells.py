"""The population of a field: where cells lie, how large and how stained each one is, and in which state.

Everything here is one number per cell; phenotypes change these numbers (``phenotypes.py``), outlines and organelles
are drawn from them (``anatomy.py``, ``organelles.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from .textures import Array, IntArray, field_texture

CYCLE = ("G1", "S", "G2", "M")


@dataclass
class Cells:
    """One array per property, all of shape ``(n,)``; lengths in pixels, the rest relative to a resting cell."""

    y: Array
    x: Array
    radius: Array
    aspect: Array
    angle: Array
    corners: IntArray
    spikiness: Array
    arms: Array
    nucleus_radius: Array
    nucleus_aspect: Array
    nuclei: IntArray
    cycle: IntArray
    dna: Array
    volume: Array
    polarity: Array
    stain: dict[str, Array] = field(default_factory=dict)
    figure: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    condensed: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    dying: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    rounded: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    mito_length: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    mito_spread: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    fibres: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    golgi_scatter: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    translocated: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    vesicles: Array = field(default_factory=lambda: np.zeros(0, np.float32))
    defocus: Array = field(default_factory=lambda: np.zeros(0, np.float32))

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class Crowd:
    """How a field is populated.

    Parameters
    ----------
    cell_diameter_px : float
        Diameter of a resting cell spread on its own, in pixels.
    confluence : float
        Part of the field that cells would cover if none overlapped; above 1 they crowd.
    unevenness : float
        0 for even seeding, 1 for islands and empty ground.
    size_spread : float
        Standard deviation of the logarithm of cell diameter.
    spindles : float
        Part of the cells that are long and thin; also lengthens the others.
    protrusions : float
        How often corners are drawn out into arms; 1 for epithelial cells, 3 for fibroblasts.
    nucleus_fraction : float
        Nuclear over cell diameter.
    fibres : float
        Amount of stress fibres in untreated cells, 1 for epithelial ones.
    mitotic, dead : float
        Part of the cells that divide or die untreated.
    stain_spread : float
        Standard deviation of the logarithm of stain between cells.
    """

    cell_diameter_px: float = 66.0
    confluence: float = 0.75
    unevenness: float = 0.6
    size_spread: float = 0.22
    spindles: float = 0.18
    protrusions: float = 1.0
    nucleus_fraction: float = 0.37
    fibres: float = 1.0
    mitotic: float = 0.03
    dead: float = 0.008
    stain_spread: float = 0.22


def settle(crowd: Crowd, shape: tuple[int, int], rng: np.random.Generator) -> tuple[Array, Array]:
    """Positions of cells on a field and its surroundings: islands and gaps, but no two nuclei in one place."""
    diameter = crowd.cell_diameter_px
    margin = 1.2 * diameter
    height, width = shape[0] + 2 * margin, shape[1] + 2 * margin
    mean = crowd.confluence * height * width / (np.pi / 4 * diameter**2 * 1.1)
    n = int(rng.poisson(mean))
    stride = max(1.0, diameter / 6)
    grid = (max(2, int(height / stride)), max(2, int(width / stride)))
    log_density = field_texture("cloud", grid, 26.0, rng) + 0.5 * field_texture("smooth", grid, 9.0, rng)
    # Islands of about even density with soft shores, and a few cells on the open ground.
    shore = np.quantile(log_density, np.clip(1 - 0.8 * crowd.confluence, 0.02, 0.8))
    island = 1 / (1 + np.exp(-4 * (log_density - shore))) + 0.06
    weight = (island**crowd.unevenness * np.exp(0.25 * crowd.unevenness * log_density)).ravel().astype(np.float64)
    cell = rng.choice(weight.size, size=n, p=weight / weight.sum())
    y = (cell // grid[1] + rng.random(n)) * stride - margin
    x = (cell % grid[1] + rng.random(n)) * stride - margin
    position = np.stack([y, x], 1)
    sister = rng.random(n) < 0.06  # cells that have just divided lie in pairs
    partner = rng.integers(0, max(n, 1), n)
    position[sister] = position[partner[sister]] + rng.normal(0, 0.35 * diameter, (int(sister.sum()), 2))
    tolerance = rng.uniform(0.65, 1.3, n)
    for _ in range(14):
        if n > 1:
            _push_apart(position, tolerance * 0.64 * diameter)
    return position[:, 0].astype(np.float32), position[:, 1].astype(np.float32)


def _push_apart(position: npt.NDArray[np.float64], spacing: npt.NDArray[np.float64]) -> None:
    """One step of soft repulsion, in place."""
    pairs = cKDTree(position).query_pairs(float(spacing.max()), output_type="ndarray")
    if not len(pairs):
        return
    first, second = pairs[:, 0], pairs[:, 1]
    apart = position[second] - position[first]
    distance = np.maximum(np.hypot(apart[:, 0], apart[:, 1]), 1e-3)
    wanted = 0.5 * (spacing[first] + spacing[second])
    push = 0.4 * np.clip(wanted - distance, 0, None)[:, None] * apart / distance[:, None]
    np.add.at(position, second, push)
    np.add.at(position, first, -push)


def populate(crowd: Crowd, shape: tuple[int, int], markers: tuple[str, ...], rng: np.random.Generator) -> Cells:
    """An untreated population: sizes, shapes, cell cycle, stain, and the few cells that divide or die anyway."""
    y, x = settle(crowd, shape, rng)
    n = len(y)
    real = rng.standard_normal
    size = np.exp(real(n) * crowd.size_spread)
    giant = rng.random(n) < 0.025
    size[giant] *= rng.uniform(1.35, 1.9, int(giant.sum()))
    progress = rng.random(n)  # through the cycle; the stationary age distribution favours young cells
    age = -np.log2(1 - 0.5 * progress)
    cycle = np.digitize(age, [0.5, 0.8]).astype(np.int64)
    dna = np.where(cycle == 0, 1.0, np.where(cycle == 2, 2.0, 1.0 + np.clip((age - 0.5) / 0.3, 0, 1)))
    dna = np.where(giant & (rng.random(n) < 0.6), dna * 2, dna)
    grown = (dna / 1.35) ** 0.3
    spindle = rng.random(n) < crowd.spindles
    aspect = np.exp(np.abs(real(n)) * (0.27 + 0.5 * crowd.spindles))
    aspect[spindle] *= rng.uniform(1.5, 2.6, int(spindle.sum()))
    # Neighbours pull each other along: orientation is coherent over a few cells.
    swirl = field_texture("smooth", (64, 64), 24.0, rng)
    span = np.array(shape) + 4 * crowd.cell_diameter_px
    iy = np.clip((y + 2 * crowd.cell_diameter_px) / span[0] * 63, 0, 63).astype(int)
    ix = np.clip((x + 2 * crowd.cell_diameter_px) / span[1] * 63, 0, 63).astype(int)
    angle = 1.3 * swirl[iy, ix] + 0.7 * real(n)
    spread = np.minimum(size * grown * _room(crowd, y, x), 1.6)
    radius = 0.5 * crowd.cell_diameter_px * spread
    nucleus = 0.5 * crowd.cell_diameter_px * crowd.nucleus_fraction * size**0.55 * grown * np.exp(0.07 * real(n))
    common = crowd.stain_spread * real(n)
    stain = {name: np.exp(common + 0.7 * crowd.stain_spread * real(n)).astype(np.float32) for name in markers}
    cells = Cells(
        y=y,
        x=x,
        radius=radius.astype(np.float32),
        aspect=np.clip(aspect, 1, 4.5).astype(np.float32),
        angle=angle.astype(np.float32),
        corners=rng.integers(4, 9, n),
        arms=np.full(n, crowd.protrusions, np.float32),
        spikiness=rng.gamma(2.5, 0.45, n).astype(np.float32),
        nucleus_radius=nucleus.astype(np.float32),
        nucleus_aspect=np.exp(0.1 + 0.16 * np.abs(real(n))).astype(np.float32)
        * np.clip(aspect, 1, 4).astype(np.float32) ** 0.25,
        nuclei=np.where(rng.random(n) < 0.015, 2, 1),
        cycle=cycle,
        dna=dna.astype(np.float32),
        volume=(size**1.7 * grown**2 * np.exp(0.18 * real(n))).astype(np.float32),
        polarity=rng.uniform(0, 2 * np.pi, n).astype(np.float32),
        stain=stain,
    )
    for name in ("condensed", "dying", "rounded", "golgi_scatter", "translocated"):
        setattr(cells, name, np.zeros(n, np.float32))
    cells.figure = rng.choice(3, n, p=[0.4, 0.4, 0.2])  # prometaphase, metaphase, anaphase, should the cell divide
    cells.mito_length = np.exp(0.25 * real(n)).astype(np.float32)
    cells.mito_spread = np.exp(0.35 * real(n)).astype(np.float32)
    cells.fibres = (crowd.fibres * rng.beta(1.2, 4.0, n)).astype(np.float32)
    cells.vesicles = (rng.gamma(0.45, 1.6, n)).astype(np.float32)
    cells.defocus = (0.12 * rng.random(n) ** 2).astype(np.float32)
    _divide_and_die(cells, crowd, rng)
    return cells


def _room(crowd: Crowd, y: Array, x: Array) -> Array:
    """How far cells spread for the room that their neighbours leave, relative to a resting cell."""
    position = np.stack([y, x], 1)
    near = min(5, len(y))
    if near < 2:
        return np.full(len(y), 1.3, np.float32)
    distance = cKDTree(position).query(position, near)[0].reshape(len(y), -1)[:, -1]
    room: Array = np.clip((distance / (1.05 * crowd.cell_diameter_px)) ** 0.6, 0.85, 1.3).astype(np.float32)
    return room


def _divide_and_die(cells: Cells, crowd: Crowd, rng: np.random.Generator) -> None:
    draw = rng.random(len(cells))
    dividing = draw < crowd.mitotic
    cells.cycle[dividing] = 3
    cells.dna[dividing] = 2.0
    cells.nuclei[dividing] = 1
    cells.condensed[dividing] = rng.uniform(0.35, 1.0, int(dividing.sum()))
    cells.rounded[dividing] = np.clip(cells.condensed[dividing] * 1.15, 0, 1)
    dead = draw > 1 - crowd.dead
    cells.dying[dead] = rng.uniform(0.6, 1.0, int(dead.sum()))
