"""Stained sections as a slide scanner shows them: haematoxylin and eosin, or an antibody in brown on blue nuclei.

Stains take light away: red, green and blue are exponentials of the amounts of dye (Beer and Lambert), as in Ruifrok and
Johnston (2001), "Quantification of histochemical staining by color deconvolution".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.ndimage import gaussian_filter

from .cells import Crowd
from .field import FieldSettings, RenderedField, Stage, stage, truth
from .textures import Array, field_texture, read

if TYPE_CHECKING:
    import numpy.typing as npt

    from .anatomy import Scene

Stain = Literal["he", "ihc"]

HAEMATOXYLIN = (0.65, 0.69, 0.31)
PALE_HAEMATOXYLIN = (0.80, 0.52, 0.28)
EOSIN = (0.20, 0.90, 0.38)
BROWN = (0.27, 0.57, 0.78)


@dataclass(frozen=True)
class TissueSettings:
    """A stained section.

    Parameters
    ----------
    shape : tuple of int
        ``(Y, X)`` in pixels.
    pixel_size_um : float
        Micrometres per pixel.
    cell_diameter_px : float
        Diameter of a cell.
    stain : {"he", "ihc"}
        Haematoxylin and eosin, or haematoxylin and a brown antibody.
    cellularity : float
        Part of the section that is cells, the rest is fibres and gaps; above 1 cells crowd.
    amount : tuple of float
        Strength of the nuclear and of the other stain.
    positive : float
        Part of the nuclei that the antibody stains.
    blur_px, noise : float
        Sharpness of the scanner and noise in grey values of 255.
    tint : tuple of float
        Colour of the empty glass, red, green and blue.
    """

    shape: tuple[int, int] = (512, 512)
    pixel_size_um: float = 0.5
    cell_diameter_px: float = 34.0
    stain: Stain = "he"
    cellularity: float = 0.8
    amount: tuple[float, float] = (1.0, 1.0)
    positive: float = 0.2
    blur_px: float = 0.8
    noise: float = 2.0
    tint: tuple[float, float, float] = field(default=(0.95, 0.945, 0.955))


def render_tissue(settings: TissueSettings, rng: np.random.Generator) -> RenderedField:
    """Render one stained field: ``image`` is red, green and blue, 0 to 255 in uint16."""
    crowd = Crowd(
        cell_diameter_px=settings.cell_diameter_px,
        confluence=settings.cellularity,
        unevenness=0.8,
        size_spread=0.2,
        spindles=0.15,
        nucleus_fraction=0.56,
        mitotic=0.01,
        stain_spread=0.35,
    )
    base = FieldSettings(settings.shape, settings.pixel_size_um, channels=(), crowd=crowd)
    staged = stage(base, rng)
    paint = np.random.default_rng([staged.paint, 910])
    staged.scene.cells.defocus[:] = paint.beta(0.5, 1.5, len(staged.scene.cells))  # a section is thicker than the focus
    blue, other = _nuclei(staged.scene, paint), _ground(staged.scene, settings, paint)
    cytoplasm = _cytoplasm(staged.scene)
    if settings.stain == "he":
        amounts = [(0.8 * settings.amount[0], HAEMATOXYLIN, blue + 0.22 * cytoplasm + 0.06 * other)]
        amounts.append((0.36 * settings.amount[1], EOSIN, 0.55 * cytoplasm + other))
    else:
        brown = _antibody(staged.scene, settings.positive, paint)
        amounts = [(0.33 * settings.amount[0], PALE_HAEMATOXYLIN, blue + 0.1 * cytoplasm + 0.08 * other)]
        amounts.append((1.3 * settings.amount[1], BROWN, brown))
    image = _scanned(amounts, settings, staged)
    return RenderedField(image, *truth(staged, replace(base, phenotype=None)))


def _nuclei(scene: Scene, rng: np.random.Generator) -> Array:
    """Haematoxylin: an envelope, clumps and nucleoli; pale vesicular nuclei beside dark ones."""
    f, bodies, d = scene.body_fragments, scene.bodies, scene.diameter
    body = f.owner
    owner = bodies.owner[body]
    pale = rng.beta(1.3, 1.3, len(bodies.y))[body].astype(np.float32)
    rim = np.exp(-np.abs(1 - f.u) * bodies.radius[body] / (0.03 * d + 0.3))
    clump = scene.noise("grain", 0.05 * d, body, f.y, f.x)
    value = (0.75 - 0.45 * pale) + 0.5 * rim + (0.12 + 0.2 * pale) * np.clip(clump, -1, 2.5) + 0.6 * scene.nucleolar
    dense = np.where(bodies.kind[body] == 0, 1.0, 1.6) * scene.cells.stain["DNA"][owner] ** 0.8
    return _topmost(scene, np.clip(value, 0.05, 2.5) * scene.body_cover * dense)


def _topmost(scene: Scene, value: npt.NDArray[np.floating[Any]]) -> Array:
    """Body fragments as an image in which nuclei hide rather than add up; those above the focus are blurred."""
    f = scene.body_fragments
    far = scene.cells.defocus[scene.bodies.owner[f.owner]].astype(np.float32)
    planes = []
    for part in (value * (1 - far), value * far):
        plane = np.zeros(scene.shape[0] * scene.shape[1], np.float32)
        np.maximum.at(plane, f.pixel, part.astype(np.float32))
        planes.append(plane.reshape(scene.shape))
    return np.asarray(planes[0] + gaussian_filter(planes[1], 0.035 * scene.diameter), np.float32)


def _cytoplasm(scene: Scene) -> Array:
    f, d = scene.fragments, scene.diameter
    foam = scene.noise("ridge", 0.1 * d, f.owner, f.y, f.x)
    grain = scene.noise("grain", 0.05 * d, f.owner, f.y, f.x)
    border = np.exp(-scene.edge / (0.03 * d))
    value = (0.4 + 0.25 * foam + 0.1 * grain + 0.3 * border) * (1 - 0.4 * scene.nuclear)
    plane = scene.plane(f.pixel, np.clip(value, 0, 2) * scene.cells.stain["ER"][f.owner], f.owner)
    return np.asarray(plane.sum(0), np.float32)


def _ground(scene: Scene, settings: TissueSettings, rng: np.random.Generator) -> Array:
    """Between the cells: bundles of fibres that flow around them, and empty gaps."""
    d, shape = scene.diameter, scene.shape
    flow = [field_texture("smooth", shape, 2.2 * d, rng) for _ in range(2)]
    flow = [bend + 0.1 * field_texture("cloud", shape, 0.5 * d, rng) for bend in flow]
    y = np.arange(shape[0], dtype=np.float32)[:, None] + 0.7 * d * flow[0] + 500
    x = np.arange(shape[1], dtype=np.float32)[None, :] + 0.7 * d * flow[1] + 500
    turn = rng.uniform(0, np.pi)
    along, across = y * np.sin(turn) + x * np.cos(turn), y * np.cos(turn) - x * np.sin(turn)
    strands = 0.6 * read("fibre", across, along, 0.1 * d) + 0.7 * read("fibre", across + 311, along, 0.035 * d)
    waves = np.clip(1 + 0.4 * field_texture("cloud", shape, 0.1 * d, rng), 0.2, 2)
    present = np.clip(0.95 + 0.55 * field_texture("cloud", shape, 2.2 * d, rng), 0.08, 1.3)
    open_ground = gaussian_filter((scene.owner_of < 0).astype(np.float32), 0.04 * d)
    return np.asarray((0.65 + 0.6 * strands) * waves * present * open_ground, np.float32)


def _antibody(scene: Scene, positive: float, rng: np.random.Generator) -> Array:
    """Brown nuclei of some cells, from faint to black."""
    f, bodies = scene.body_fragments, scene.bodies
    n = len(scene.cells)
    amount = np.where(rng.random(n) < positive, rng.gamma(2.0, 0.45, n) + 0.2, 0.0)
    owner = bodies.owner[f.owner]
    clump = scene.noise("grain", 0.06 * scene.diameter, f.owner, f.y, f.x)
    value = amount[owner] * np.clip(1 + 0.35 * clump, 0.2, 2.5) * scene.body_cover
    return _topmost(scene, value)


def _scanned(
    amounts: list[tuple[float, tuple[float, float, float], Array]], settings: TissueSettings, staged: Stage
) -> npt.NDArray[np.uint16]:
    rng = np.random.default_rng([staged.camera, 911])
    image = np.empty((3, *settings.shape), np.uint16)
    thickness = 1 + 0.1 * field_texture("cloud", settings.shape, 3 * settings.cell_diameter_px, rng)
    for band in range(3):
        dye = sum(strength * vector[band] * plane for strength, vector, plane in amounts)
        light = settings.tint[band] * np.exp(-2.0 * np.maximum(dye, 0) * thickness)
        light = gaussian_filter(light, settings.blur_px)
        # The scanner sharpens: bright seams beside dark nuclei.
        light = light + 0.5 * (light - gaussian_filter(light, 1.6 * settings.blur_px + 0.6))
        grey = 255 * light + settings.noise * rng.standard_normal(settings.shape, dtype=np.float32)
        image[band] = np.clip(np.round(grey), 0, 255).astype(np.uint16)
    return image
