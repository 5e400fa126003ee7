"""Blood smears: red cells with pale middles that overlap and deform, a few white cells with lobed nuclei, platelets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter

from .cells import Crowd, settle
from .field import RenderedField
from .outlines import Fragments, ellipse, rasterise, smooth_outline, wobble
from .textures import Array, field_texture, read
from .truth import places

if TYPE_CHECKING:
    import numpy.typing as npt

KINDS = ("red", "white", "platelet")

# Light taken away in red, green and blue by haemoglobin with eosin, chromatin, and granular cytoplasm.
_RED_DYE = (0.13, 0.4, 0.39)
_CHROMATIN = (0.62, 0.72, 0.05)
_CYTOPLASM = (0.1, 0.26, 0.06)


@dataclass(frozen=True)
class SmearSettings:
    """A blood smear.

    Parameters
    ----------
    shape : tuple of int
        ``(Y, X)`` in pixels.
    pixel_size_um : float
        Micrometres per pixel.
    red_diameter_px : float
        Diameter of a red cell, about 7.5 micrometres.
    density : float
        Part of the field that red cells would cover.
    white : float
        White cells per red cell (crowded together near the feathered edge, so more than in blood).
    amount : float
        Strength of stain.
    blur_px, noise : float
        Sharpness, and noise in grey values of 255.
    tint : tuple of float
        Colour of the empty glass, red, green and blue.
    """

    shape: tuple[int, int] = (480, 640)
    pixel_size_um: float = 0.075
    red_diameter_px: float = 100.0
    density: float = 0.6
    white: float = 0.04
    amount: float = 1.0
    blur_px: float = 1.6
    noise: float = 2.5
    tint: tuple[float, float, float] = (0.76, 0.8, 0.76)


def render_smear(settings: SmearSettings, rng: np.random.Generator) -> RenderedField:
    """Render one field of a smear.

    Returns
    -------
    RenderedField
        ``image`` is red, green and blue, 0 to 255 in uint16; ``nuclei`` are those of white cells; ``table`` has a
        column ``kind`` (``"red"``, ``"white"``, ``"platelet"``).
    """
    seeds = [np.random.default_rng(int(seed)) for seed in rng.integers(0, 2**63, 3)]
    kind, y, x, radius, table = _cells(settings, seeds[0])
    warp = [field_texture("cloud", settings.shape, 0.5 * settings.red_diameter_px, seeds[0]) for _ in range(2)]
    warp_px = (np.stack(warp) * 0.03 * settings.red_diameter_px).astype(np.float32)
    bodies = rasterise(y, x, table, settings.shape, warp=warp_px)
    lobes, whose = _lobes(settings, kind, y, x, radius, seeds[1])
    dyes = [(_RED_DYE, _haemoglobin(settings, bodies, kind, radius, seeds[1]))]
    dyes.append((_CHROMATIN, _chromatin(settings, lobes, bodies, kind)))
    dyes.append((_CYTOPLASM, _cytoplasm(settings, bodies, kind)))
    image = _photographed(settings, dyes, seeds[2])
    labels = _top_labels(settings.shape, bodies, kind)
    nuclei = np.zeros(settings.shape, np.int64)
    nuclei.ravel()[lobes.pixel] = whose[lobes.owner] + 1
    nuclei = np.where(nuclei == labels, nuclei, 0)
    seen, number = np.unique(labels, return_inverse=True)
    seen = seen[seen > 0]
    cells = number.reshape(settings.shape).astype(np.int32) + (0 if (labels == 0).any() else 1)
    nucleus_labels = np.where(nuclei > 0, cells, 0).astype(np.int32)
    return RenderedField(image, cells, nucleus_labels, _table(settings, cells, kind[seen - 1]))


def _cells(
    settings: SmearSettings, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], Array, Array, Array, Array]:
    """Kind, centre, radius and outline of every cell."""
    d = settings.red_diameter_px
    crowd = Crowd(cell_diameter_px=d, confluence=settings.density, unevenness=0.7)
    y, x = settle(crowd, settings.shape, rng)
    whites = rng.random(len(y)) < settings.white
    platelets = rng.poisson(0.12 * len(y) + 0.3)
    y = np.concatenate([y, rng.uniform(0, settings.shape[0], platelets)]).astype(np.float32)
    x = np.concatenate([x, rng.uniform(0, settings.shape[1], platelets)]).astype(np.float32)
    kind = np.concatenate([whites.astype(np.int64), np.full(platelets, 2)])
    n = len(y)
    size = np.array([0.5, 0.7, 0.12])[kind] * np.exp(np.array([0.07, 0.1, 0.25])[kind] * rng.standard_normal(n))
    radius = (size * d).astype(np.float32)
    aspect = np.exp(np.array([0.1, 0.06, 0.2])[kind] * np.abs(rng.standard_normal(n))).astype(np.float32)
    shape = ellipse(aspect, rng.uniform(0, np.pi, n).astype(np.float32))
    shape = shape * np.clip(
        1 + wobble(n, (2, 3, 4, 5), (0.02 + 0.03 * rng.random(n)).astype(np.float32), rng), 0.5, 1.6
    )
    return kind, y, x, radius, smooth_outline((shape * radius[:, None]).astype(np.float32), 4.0)


def _lobes(
    settings: SmearSettings, kind: npt.NDArray[np.int64], y: Array, x: Array, radius: Array, rng: np.random.Generator
) -> tuple[Fragments, npt.NDArray[np.int64]]:
    """Nuclei of white cells: round and large, bent, or of two to five lobes in a row."""
    rows: list[tuple[float, float, float, float, float, int]] = []
    for cell in np.flatnonzero(kind == 1):
        r = float(radius[cell])
        lobes = int(rng.choice([1, 1, 2, 3, 3, 4, 5]))
        size = r * (0.78 if lobes == 1 else 0.92 / (lobes + 0.6) ** 0.5 * 0.62)
        turn, bend = rng.uniform(0, 2 * np.pi), rng.choice([-1, 1]) * rng.uniform(0.7, 1.5)
        py, px = float(y[cell]), float(x[cell])
        if lobes > 1:
            py, px = py - 0.45 * r * np.sin(turn + bend), px - 0.45 * r * np.cos(turn + bend)
        for _ in range(lobes):
            rows.append((py, px, size * rng.uniform(0.85, 1.15), 1.1 + 0.5 * rng.random(), turn, int(cell)))
            py, px = py + 1.15 * size * np.sin(turn), px + 1.15 * size * np.cos(turn)
            turn += bend
    plan = np.array(rows, np.float32).reshape(-1, 6)
    n = len(plan)
    form = ellipse(plan[:, 3], plan[:, 4]) * np.clip(
        1 + wobble(n, (2, 3, 4, 6), np.full(n, 0.07, np.float32), rng), 0.5, 1.6
    )
    fragments = rasterise(plan[:, 0], plan[:, 1], (form * plan[:, 2:3]).astype(np.float32), settings.shape)
    return fragments, plan[:, 5].astype(np.int64)


def _haemoglobin(
    settings: SmearSettings, bodies: Fragments, kind: npt.NDArray[np.int64], radius: Array, rng: np.random.Generator
) -> Array:
    """Discs with a pale middle, paler in some; where two overlap they add up."""
    n = len(kind)
    pallor = np.clip(rng.normal(0.25, 0.28, n), 0.0, 0.8)
    width = rng.uniform(0.25, 0.5, n)
    amount = np.exp(0.12 * rng.standard_normal(n))
    red = kind[bodies.owner] == 0
    f = bodies.keep(red)
    owner = f.owner
    middle = np.exp(-((f.u / width[owner]) ** 3))
    edge = np.clip((1 - f.u) * radius[owner] / (0.05 * settings.red_diameter_px), 0, 1)
    value = amount[owner] * (1 - pallor[owner] * middle) * (0.55 + 0.45 * edge) * (1 + 0.12 * (f.u > 0.6) * f.u)
    # Where cells lie over each other the smear is thicker, but not twice as thick.
    under = _plane(settings, bodies, np.float32(1.0) * (kind[bodies.owner] == 1))
    much = _plane(settings, f, value) * (1 - 0.85 * np.clip(under, 0, 1))
    return np.asarray(np.where(much > 1, 1 + 0.35 * (much - 1), much), np.float32)


def _chromatin(settings: SmearSettings, lobes: Fragments, bodies: Fragments, kind: npt.NDArray[np.int64]) -> Array:
    d = settings.red_diameter_px
    clump = read("grain", lobes.y + 41.0 * lobes.owner, lobes.x + 900, 0.05 * d)
    depth = np.exp(0.3 * np.cos(7.0 * np.arange(lobes.owner.max(initial=0) + 1) // 5)).astype(np.float32)
    cover = np.zeros(settings.shape[0] * settings.shape[1], np.float32)
    np.maximum.at(cover, lobes.pixel, ((1 + 0.16 * clump) * depth[lobes.owner]).astype(np.float32))
    small = bodies.keep(kind[bodies.owner] == 2)
    speckle = read("grain", small.y, small.x + 31.0 * small.owner, 0.04 * d)
    platelet = _plane(settings, small, 0.35 * (1 - small.u**2) * (1 + 0.4 * speckle))
    return np.asarray(cover.reshape(settings.shape) + platelet, np.float32)


def _cytoplasm(settings: SmearSettings, bodies: Fragments, kind: npt.NDArray[np.int64]) -> Array:
    f = bodies.keep(kind[bodies.owner] == 1)
    grains = read("grain", f.y + 19.0 * f.owner, f.x + 500, 0.025 * settings.red_diameter_px)
    return _plane(settings, f, (0.75 + 0.25 * np.clip(grains, -1, 3)) * np.clip(6 * (1 - f.u), 0, 1))


def _plane(settings: SmearSettings, f: Fragments, value: npt.NDArray[np.floating[Any]]) -> Array:
    size = settings.shape[0] * settings.shape[1]
    return np.bincount(f.pixel, value, size).reshape(settings.shape).astype(np.float32)


def _photographed(
    settings: SmearSettings, dyes: list[tuple[tuple[float, float, float], Array]], rng: np.random.Generator
) -> npt.NDArray[np.uint16]:
    shape, d = settings.shape, settings.red_diameter_px
    image = np.empty((3, *shape), np.uint16)
    uneven = 1 + 0.03 * field_texture("cloud", shape, 0.4 * max(shape), rng)
    glint = np.clip(field_texture("smooth", shape, 0.07 * d, rng) - 3.0, 0, 1) * (dyes[0][1] > 0.5)
    for band in range(3):
        dye = sum(vector[band] * plane for vector, plane in dyes) * settings.amount
        light = settings.tint[band] * np.exp(-np.asarray(dye, np.float32)) * uneven + 0.5 * glint
        # Cells refract: a bright seam outside, a dark line inside.
        light = gaussian_filter(light, settings.blur_px)
        light = light + 0.35 * (light - gaussian_filter(light, 0.03 * d + 0.5))
        grain = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 0.6) * 2.0
        image[band] = np.clip(np.round(255 * light + settings.noise * grain), 0, 255).astype(np.uint16)
    return image


def _top_labels(shape: tuple[int, int], bodies: Fragments, kind: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Labels from 1; where cells overlap white cells and platelets win, then the cell in which a pixel lies deeper."""
    depth = bodies.u - 2.0 * (kind[bodies.owner] > 0)
    order = np.argsort(-depth, kind="stable")
    labels = np.zeros(shape[0] * shape[1], np.int64)
    labels[bodies.pixel[order]] = bodies.owner[order] + 1
    return labels.reshape(shape)


def _table(settings: SmearSettings, cells: npt.NDArray[np.int32], kind: npt.NDArray[np.int64]) -> pd.DataFrame:
    n = len(kind)
    y, x, area, box = places(cells, n)
    height, width = settings.shape
    return pd.DataFrame(
        {
            "y_px": y,
            "x_px": x,
            "y_um": y * settings.pixel_size_um,
            "x_um": x * settings.pixel_size_um,
            "top": box[0],
            "left": box[1],
            "bottom": box[2],
            "right": box[3],
            "area_px": area,
            "cut_by_border": (box[0] == 0) | (box[1] == 0) | (box[2] == height) | (box[3] == width),
            "kind": [KINDS[one] for one in kind],
        },
        index=pd.RangeIndex(1, n + 1, name="cell"),
    )
