"""Markers: what each stain shows of a scene, as ``(2, Y, X)`` light in and out of focus, about 1 in a resting cell."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter

from .anatomy import Scene
from .strokes import Dots, kept_inside, looked_up, splat, walk
from .textures import Array, IntArray

Painter = Callable[[Scene, np.random.Generator], Array]


def dots_plane(scene: Scene, dots: Dots, width_px: float = 0.0) -> Array:
    plane = scene.plane(*splat(dots, scene.shape))
    if width_px > 0.3:
        plane = gaussian_filter(plane, (0, width_px, width_px), mode="constant", truncate=3.0)
    return plane


def _stain(scene: Scene, name: str) -> Array:
    return scene.cells.stain[name]


def dna(scene: Scene, rng: np.random.Generator) -> Array:
    """Chromatin, clumped, dark where nucleoli lie; a trace in the cytoplasm."""
    fragments, bodies = scene.body_fragments, scene.bodies
    body = fragments.owner
    owner = bodies.owner[body]
    inner = np.clip(1 - fragments.u, 0, 1)
    dome = 0.72 + 0.28 * np.sqrt(np.clip(1 - fragments.u**2, 0, 1))
    rim = 0.10 * np.exp(-((inner * bodies.radius[body]) / (0.018 * scene.diameter + 0.3)))
    coarse = scene.noise("grain", 0.022 * scene.diameter + 1.0, body, fragments.y, fragments.x)
    fine = scene.noise("grain", 0.01 * scene.diameter + 0.6, body, fragments.y, fragments.x)
    broad = scene.noise("smooth", 0.16 * scene.diameter, body, fragments.y, fragments.x)
    texture = 1 + bodies.clumping[body] * (0.1 * coarse + 0.08 * fine) + 0.05 * broad
    texture = np.clip(texture, 0.25, 3.0)
    soft = np.where(bodies.kind[body] == 0, dome + rim, 0.55 + 0.65 * np.sqrt(np.clip(1 - fragments.u**2, 0, 1)))
    value = bodies.density[body] * scene.body_cover * soft * texture * (1 - 0.2 * scene.nucleolar)
    value *= _stain(scene, "DNA")[owner] ** 0.6
    plane = scene.plane(fragments.pixel, value, owner)
    cyto = scene.fragments
    return plane + scene.plane(cyto.pixel, 0.03 * scene.thickness * _stain(scene, "DNA")[cyto.owner], cyto.owner)


def rna(scene: Scene, rng: np.random.Generator) -> Array:
    """Ribosomes through the cytoplasm, nucleoli bright in a dimmer nucleus."""
    f = scene.fragments
    fine = scene.noise("grain", 0.022 * scene.diameter, f.owner, f.y, f.x)
    vacuole = scene.noise("smooth", 0.05 * scene.diameter, f.owner, f.y, f.x)
    texture = np.clip(1 + 0.06 * fine - np.float32(0.3) * (vacuole > 2.0), 0.2, 2)
    value = scene.thickness**1.2 * texture * (1 - 0.33 * scene.nuclear - 0.3 * scene.packed)
    value *= _stain(scene, "RNA")[f.owner]
    return scene.plane(f.pixel, value, f.owner) + _nucleoli(scene, "RNA", 0.85)


def _nucleoli(scene: Scene, marker: str, amount: float) -> Array:
    fragments, body, cover = scene.nucleoli
    owner = scene.bodies.owner[body[fragments.owner]]
    lit = amount * cover * (0.6 + 0.6 * np.sqrt(np.clip(1 - fragments.u**2, 0, 1)))
    return scene.plane(fragments.pixel, lit * scene.level[owner] * _stain(scene, marker)[owner], owner)


def er(scene: Scene, rng: np.random.Generator) -> Array:
    """Reticulum: sheets near the nucleus, a net towards the edge, a bright line around the nucleus."""
    f = scene.fragments
    mesh = 0.01 * scene.diameter + 0.8
    net = scene.noise("ridge", mesh, f.owner, 1.3 * scene.across, 0.75 * scene.along)
    net2 = scene.noise("ridge", 0.6 * mesh, f.owner, f.y, f.x)
    sheet = np.clip(scene.thickness / (0.6 + scene.thickness), 0, 1)
    texture = (0.25 + 0.4 * sheet) + (1.0 - 0.4 * sheet) * (0.65 * net + 0.65 * net2)
    patch = np.clip(1 + 0.1 * scene.noise("cloud", 0.09 * scene.diameter, f.owner, f.y, f.x), 0.3, 2)
    value = scene.thickness**1.5 * texture * patch * (1 - 0.5 * scene.nuclear - 0.45 * scene.packed)
    value *= _stain(scene, "ER")[f.owner]
    plane = scene.plane(f.pixel, value, f.owner)
    envelope, owner = _envelope(scene)
    return (
        plane
        + scene.plane(scene.body_fragments.pixel, 0.35 * envelope * _stain(scene, "ER")[owner], owner)
        + _nucleoli(scene, "ER", 0.12)
    )


def _envelope(scene: Scene) -> tuple[Array, IntArray]:
    """A line on the outline of resting nuclei, per body fragment."""
    f, bodies = scene.body_fragments, scene.bodies
    off = (1 - f.u) * bodies.radius[f.owner] / (0.014 * scene.diameter + 0.5)
    owner = bodies.owner[f.owner]
    line = np.exp(-(off**2)) * (bodies.kind[f.owner] == 0) * scene.level[owner]
    return line.astype(np.float32), owner


def agp(scene: Scene, rng: np.random.Generator) -> Array:
    """Actin, Golgi and plasma membrane in one channel."""
    stain = _stain(scene, "AGP")
    return (
        membrane(scene, stain, rng) + actin(scene, stain, rng) + golgi(scene, stain, rng) + vesicles(scene, stain, rng)
    )


def membrane(scene: Scene, stain: Array, rng: np.random.Generator) -> Array:
    """Lectin on membranes: the surface, folds, and the nuclear envelope that makes nuclei shine through."""
    f = scene.fragments
    fine = scene.noise("grain", 0.022 * scene.diameter, f.owner, f.y, f.x)
    folds = scene.noise("cloud", 0.1 * scene.diameter, f.owner, f.y, f.x)
    value = (0.15 + 0.42 * scene.thickness) * np.clip(1 + 0.16 * fine + 0.1 * folds, 0.3, 2)
    value += 0.28 * scene.nuclear * np.sqrt(scene.thickness)
    envelope, owner = _envelope(scene)
    plane = scene.plane(f.pixel, value * stain[f.owner], f.owner)
    return plane + scene.plane(scene.body_fragments.pixel, 0.16 * envelope * stain[owner], owner)


def actin(scene: Scene, stain: Array, rng: np.random.Generator) -> Array:
    """Cortex, ruffles at the edge, fibres along the cell, filopodia and retraction fibres past it."""
    f, d, cells = scene.fragments, scene.diameter, scene.cells
    patch = scene.noise("smooth", 0.22 * d, f.owner, f.y, f.x)
    cortex = np.exp(-scene.edge / (0.012 * d + 0.5)) * np.clip(0.25 + 0.4 * patch, 0.03, 1.6)
    cortex *= 0.4 * (1 + 4.5 * cells.rounded[f.owner])
    cortex *= 0.3 + 0.7 * scene.free_edge
    ruffle = np.exp(-scene.edge / (0.05 * d)) * np.clip(patch - 0.7, 0, 2) * 0.35 * scene.free_edge
    thin = scene.noise("fibre", 0.006 * d + 0.5, f.owner, scene.across, scene.along)
    thick = scene.noise("fibre", 0.014 * d + 0.7, f.owner + 31, scene.across, scene.along)
    bundles = (0.7 * thin + 0.45 * thick) * np.clip(0.75 + 0.45 * patch, 0.1, 1.6)
    inside = np.clip(scene.edge / (0.04 * d), 0.2, 1) * (1 - 0.35 * scene.nuclear)
    fibres = bundles * inside * cells.fibres[f.owner] * (1 - cells.rounded[f.owner])
    plane = scene.plane(f.pixel, (cortex + ruffle + 0.9 * fibres) * stain[f.owner], f.owner)
    return plane + _filopodia(scene, stain, rng)


def _filopodia(scene: Scene, stain: Array, rng: np.random.Generator) -> Array:
    cells, d = scene.cells, scene.diameter
    spikes = rng.poisson(min(60.0, d / 5) * cells.spikiness * (1 - 0.5 * cells.rounded))
    tethers = rng.poisson(0.5 * cells.spikiness)
    owner = np.concatenate([np.repeat(np.arange(len(cells)), spikes), np.repeat(np.arange(len(cells)), tethers)])
    long = np.arange(len(owner)) >= spikes.sum()
    n = len(owner)
    if n == 0:
        return np.zeros((2, *scene.shape), np.float32)
    bins = rng.integers(0, scene.outline.shape[1], (n, 3))
    # Of three directions the farthest: protrusions leave from corners.
    far = np.take_along_axis(bins, scene.outline[owner[:, None], bins].argmax(1)[:, None], 1)[:, 0]
    turn = far * (2 * np.pi / scene.outline.shape[1])
    r = scene.outline[owner, far] * 0.94
    length = np.where(long, rng.uniform(0.12, 0.6, n), rng.exponential(0.035, n) + 0.04) * d
    steps = np.maximum(length / 0.8, 1).astype(np.int64)
    weight = (
        np.where(long, rng.uniform(0.12, 0.3, n), rng.uniform(0.06, 0.28, n)) * stain[owner] * max(1.0, d / 66) ** 0.5
    )
    y = (cells.y[owner] + r * np.sin(turn)).astype(np.float32)
    x = (cells.x[owner] + r * np.cos(turn)).astype(np.float32)
    # Where a neighbour holds the ground no edge is free to send out a filopodium.
    rooted = looked_up(scene.owner_of, Dots(y, x, owner, y), -1) == owner
    heading = (turn + rng.normal(0, 0.35, n)).astype(np.float32)
    strength = (weight * rooted).astype(np.float32)
    dots = walk(y, x, heading, owner, strength, steps, 0.8, 0.02, rng)
    return dots_plane(scene, dots, 0.002 * d)


def golgi(scene: Scene, stain: Array, rng: np.random.Generator) -> Array:
    """Stacks in a ribbon on one side of the nucleus, or scattered."""
    cells, d, n = scene.cells, scene.diameter, len(scene.cells)
    per = int(np.clip(d * 1.1, 6, 120))
    owner = np.repeat(np.arange(n), per)
    m = len(owner)
    r = cells.nucleus_radius[owner]
    compact = rng.uniform(0.5, 1.5, n)[owner]
    side = cells.polarity[owner] + rng.normal(0, 0.45, m) * compact
    away = r * (0.9 + np.abs(rng.normal(0.15, 0.6, m)) * compact)
    loose = rng.random(m) < np.maximum(cells.golgi_scatter, 0.9 * cells.rounded)[owner]
    free_turn = rng.uniform(0, 2 * np.pi, m)
    bins = (free_turn / (2 * np.pi) * scene.outline.shape[1]).astype(np.int64)
    free_away = r + (np.maximum(scene.outline[owner, bins] * 0.85, r) - r) * rng.random(m) ** 0.8
    turn = np.where(loose, free_turn, side)
    away = np.where(loose, free_away, away)
    length = np.where(loose, 0.016, 0.03) * d * np.exp(0.4 * rng.standard_normal(m))
    heading = turn + np.pi / 2 * rng.choice([-1, 1], m) + rng.normal(0, 0.6, m)
    strength = np.exp(0.55 * rng.standard_normal(n))[owner] * rng.gamma(1.1, 0.9, m)
    steps = np.maximum(length / 0.6, 1).astype(np.int64)
    mass = 0.075 * d * d / per / steps * strength * (1 - 0.7 * cells.dying[owner]) * (1 - 0.6 * cells.rounded[owner])
    dots = walk(
        (scene.seat_y[owner] + away * np.sin(turn)).astype(np.float32),
        (scene.seat_x[owner] + away * np.cos(turn)).astype(np.float32),
        heading.astype(np.float32),
        owner,
        (mass * stain[owner]).astype(np.float32),
        steps,
        0.6,
        0.25,
        rng,
    )
    dots = kept_inside(dots, scene.owner_of, scene.nucleus_map, 0.35)
    plane = scene.plane(*splat(dots, scene.shape))
    fine = gaussian_filter(plane, (0, 0.008 * d, 0.008 * d), mode="constant")
    pool = gaussian_filter(plane, (0, 0.042 * d, 0.042 * d), mode="constant", truncate=3.0)
    light: Array = 0.32 * fine + 0.68 * pool
    return light


def vesicles(scene: Scene, stain: Array, rng: np.random.Generator) -> Array:
    """Endosomes and lysosomes, many in some cells and none in others."""
    cells, d = scene.cells, scene.diameter
    count = rng.poisson(np.clip(1.1 * d, 3, 140) * cells.vesicles)
    owner = np.repeat(np.arange(len(cells)), count)
    n = len(owner)
    turn = np.where(rng.random(n) < 0.45, cells.polarity[owner] + rng.normal(0, 0.8, n), rng.uniform(0, 2 * np.pi, n))
    away = cells.nucleus_radius[owner] * 0.9 + rng.exponential(0.42, n) * cells.radius[owner]
    mass = 0.073 * d * rng.gamma(0.7, 0.45, n) * stain[owner]
    dots = Dots(
        (scene.seat_y[owner] + away * np.sin(turn)).astype(np.float32),
        (scene.seat_x[owner] + away * np.cos(turn)).astype(np.float32),
        owner,
        mass.astype(np.float32),
    )
    dots = kept_inside(dots, scene.owner_of, scene.nucleus_map, 0.6)
    return dots_plane(scene, dots, 0.006 * d)


def mito(scene: Scene, rng: np.random.Generator) -> Array:
    """Tubules that leave the nucleus for the edge, dense around it; broken into dots when fragmented."""
    cells, d, n = scene.cells, scene.diameter, len(scene.cells)
    step = float(np.clip(d / 70, 0.6, 1.2))
    whole = np.clip(cells.mito_length, 0.03, 3)
    broken = np.clip(1 - whole, 0, 1)
    mean_length = 0.22 * d * whole
    crowdedness = float(np.clip(d * 2.2, 16, 250))
    total = 0.2 * d * crowdedness * scene.ground  # px of tubule in a cell
    count = rng.poisson(np.clip(total / np.maximum(mean_length, 0.055 * d), 2, 1500))
    owner = np.repeat(np.arange(n), count)
    m = len(owner)
    r = cells.nucleus_radius[owner]
    turn = np.where(
        rng.random(m) < 0.3, cells.polarity[owner] + rng.normal(0, 0.7, m), rng.uniform(0, 2 * np.pi, m)
    ) % (2 * np.pi)
    reach = np.maximum(scene.outline[owner, (turn / (2 * np.pi) * scene.outline.shape[1]).astype(np.int64)], r)
    depth = rng.exponential((0.3 * cells.mito_spread + 0.2 * broken)[owner], m)
    away = r * 0.85 + (reach - r) * np.minimum(depth, rng.random(m) ** 0.6)
    style = rng.random(m)
    heading = np.where(style < 0.35, turn, 2 * np.pi * rng.random(m)) + rng.normal(0, 0.5, m)
    length = mean_length[owner] * rng.gamma(2.5, 0.4, m)
    steps = np.clip(length / step, 1, 220).astype(np.int64)
    weight = (0.5 + 0.5 * rng.random(m)) * (1 + 2.6 * broken[owner] ** 2 / np.maximum(steps, 1) ** 0.5)
    weight = weight * 0.9 * d / crowdedness * step * _stain(scene, "Mito")[owner] * (1 - 0.8 * cells.dying[owner])
    dots = walk(
        (scene.seat_y[owner] + away * np.sin(turn)).astype(np.float32),
        (scene.seat_x[owner] + away * np.cos(turn)).astype(np.float32),
        heading.astype(np.float32),
        owner,
        weight.astype(np.float32),
        steps,
        step,
        0.16 * np.sqrt(step * 60 / d),
        rng,
    )
    dots = kept_inside(dots, scene.owner_of, scene.nucleus_map, 0.4)
    f = scene.fragments
    haze = (
        0.24 * scene.thickness**1.3 * (1 - 0.45 * scene.nuclear - 0.4 * scene.packed) * _stain(scene, "Mito")[f.owner]
    )
    return dots_plane(scene, dots, 0.008 * d) + scene.plane(f.pixel, haze, f.owner)
