"""All markers that a channel can show: the five of Cell Painting and others of different texture, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .organelles import Painter, actin, agp, dna, dots_plane, er, golgi, membrane, mito, rna
from .strokes import Dots, kept_inside, walk

if TYPE_CHECKING:
    from .anatomy import Scene
    from .textures import Array


def reporter(scene: Scene, rng: np.random.Generator) -> Array:
    """A tagged protein, spread through the cytoplasm, in the nucleus of cells where it has moved there."""
    f = scene.fragments
    moved = scene.cells.translocated[f.owner]
    grain = 1 + 0.06 * scene.noise("grain", 0.03 * scene.diameter, f.owner, f.y, f.x)
    cytoplasm = scene.thickness * (1 - 0.45 * scene.nuclear) * (1 - 0.7 * moved)
    nucleus = 2.3 * moved * scene.nuclear * np.sqrt(scene.level[f.owner])
    value = (cytoplasm + nucleus) * grain * scene.cells.stain["Reporter"][f.owner]
    return scene.plane(f.pixel, value, f.owner)


def phalloidin(scene: Scene, rng: np.random.Generator) -> Array:
    """Actin alone: fibres, cortex and filopodia over a faint cell."""
    f, stain = scene.fragments, scene.cells.stain["Actin"]
    fine = scene.noise("grain", 0.012 * scene.diameter + 0.4, f.owner, f.y, f.x)
    folds = scene.noise("cloud", 0.12 * scene.diameter, f.owner, f.y, f.x)
    faint = (0.2 + 0.16 * scene.thickness) * np.clip(1 + 0.14 * fine + 0.14 * folds, 0.2, 2)
    return actin(scene, stain, rng) + scene.plane(f.pixel, faint * stain[f.owner], f.owner)


def golgi_alone(scene: Scene, rng: np.random.Generator) -> Array:
    """Golgi stacks over a faint cell."""
    f, stain = scene.fragments, scene.cells.stain["Golgi"]
    return golgi(scene, stain, rng) + scene.plane(f.pixel, 0.1 * scene.thickness * stain[f.owner], f.owner)


def plasma_membrane(scene: Scene, rng: np.random.Generator) -> Array:
    """Lectin or a membrane dye: bright borders between cells."""
    f, stain = scene.fragments, scene.cells.stain["Membrane"]
    line = 0.8 * np.exp(-scene.edge / (0.014 * scene.diameter + 0.5))
    return 0.6 * membrane(scene, stain, rng) + scene.plane(f.pixel, line * stain[f.owner], f.owner)


def tubulin(scene: Scene, rng: np.random.Generator) -> Array:
    """Microtubules: long, nearly straight filaments from beside the nucleus to the edge."""
    cells, d, n = scene.cells, scene.diameter, len(scene.cells)
    count = rng.poisson(np.clip(1.6 * d, 8, 180) * np.sqrt(scene.ground))
    owner = np.repeat(np.arange(n), count)
    m = len(owner)
    turn = rng.uniform(0, 2 * np.pi, m)
    start = 0.9 * cells.nucleus_radius[owner]
    loose = d * np.where(rng.random(m) < 0.5, 0.06, 0.2)
    y = scene.seat_y[owner] + start * np.sin(turn) + loose * rng.standard_normal(m)
    x = scene.seat_x[owner] + start * np.cos(turn) + loose * rng.standard_normal(m)
    step = float(np.clip(d / 60, 0.7, 1.3))
    steps = np.maximum(0.55 * d / step * rng.gamma(4.0, 0.25, m), 2).astype(np.int64)
    weight = 0.7 * d / np.clip(1.6 * d, 8, 180) * step * cells.stain["Tubulin"][owner] * rng.uniform(0.3, 1.0, m)
    dots = walk(
        y.astype(np.float32),
        x.astype(np.float32),
        (turn + rng.normal(0, 0.5, m)).astype(np.float32),
        owner,
        weight.astype(np.float32),
        steps,
        step,
        0.08 * np.sqrt(step * 60 / d),
        rng,
    )
    dots = kept_inside(dots, scene.owner_of, scene.nucleus_map, 0.6)
    f = scene.fragments
    haze = 0.36 * scene.thickness * (1 - 0.4 * scene.nuclear) * cells.stain["Tubulin"][f.owner]
    return dots_plane(scene, dots) + scene.plane(f.pixel, haze, f.owner)


def _scattered(scene: Scene, marker: str, count: Array, inner: float, outer: float, rng: np.random.Generator) -> Dots:
    """Dots between two distances, in nuclear radii from the nucleus' middle."""
    cells = scene.cells
    owner = np.repeat(np.arange(len(cells)), rng.poisson(count))
    m = len(owner)
    turn = rng.uniform(0, 2 * np.pi, m)
    away = cells.nucleus_radius[owner] * (inner + (outer - inner) * np.sqrt(rng.random(m)))
    weight = rng.gamma(2.0, 0.5, m) * cells.stain[marker][owner]
    y, x = scene.seat_y[owner] + away * np.sin(turn), scene.seat_x[owner] + away * np.cos(turn)
    return Dots(y.astype(np.float32), x.astype(np.float32), owner, weight.astype(np.float32))


def foci(scene: Scene, rng: np.random.Generator) -> Array:
    """Foci inside nuclei, as of DNA damage: none in most cells, many in some."""
    d, n = scene.diameter, len(scene.cells)
    dots = _scattered(scene, "Foci", rng.gamma(0.6, 12.0, n).astype(np.float32), 0.0, 0.85, rng)
    f, b = scene.fragments, scene.body_fragments
    stain = scene.cells.stain["Foci"]
    owner = scene.bodies.owner[b.owner]
    faint = scene.plane(f.pixel, 0.06 * scene.thickness * stain[f.owner], f.owner)
    nucleus = scene.plane(b.pixel, 0.3 * scene.body_cover * stain[owner], owner)
    light = Dots(dots.y, dots.x, dots.owner, 0.004 * d * d * dots.weight)
    return faint + nucleus + dots_plane(scene, light, 0.012 * d)


def lysosomes(scene: Scene, rng: np.random.Generator) -> Array:
    """Bright vesicles around the nucleus."""
    d, n = scene.diameter, len(scene.cells)
    count = np.clip(0.9 * d, 6, 70) * rng.gamma(1.5, 0.6, n)
    dots = _scattered(scene, "Lysosome", count.astype(np.float32), 0.9, 2.6, rng)
    dots = kept_inside(
        Dots(dots.y, dots.x, dots.owner, 0.0032 * d * d * dots.weight), scene.owner_of, scene.nucleus_map, 0.3
    )
    f = scene.fragments
    faint = 0.14 * scene.thickness * scene.cells.stain["Lysosome"][f.owner]
    small = np.arange(len(dots.owner)) % 3 > 0
    fine = Dots(dots.y[small], dots.x[small], dots.owner[small], 0.5 * dots.weight[small])
    large = Dots(dots.y[~small], dots.x[~small], dots.owner[~small], dots.weight[~small])
    spots = dots_plane(scene, fine, 0.006 * d) + dots_plane(scene, large, 0.013 * d)
    return spots + scene.plane(f.pixel, faint, f.owner)


PAINTERS: dict[str, Painter] = {
    "DNA": dna,
    "ER": er,
    "RNA": rna,
    "AGP": agp,
    "Mito": mito,
    "Reporter": reporter,
    "Actin": phalloidin,
    "Golgi": golgi_alone,
    "Membrane": plasma_membrane,
    "Tubulin": tubulin,
    "Foci": foci,
    "Lysosome": lysosomes,
}
"""Markers by the name of their channel."""
