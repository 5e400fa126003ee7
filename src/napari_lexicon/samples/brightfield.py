"""The same cells without stain: brightfield a little out of focus, phase contrast, differential interference contrast.

Cells are height; what the eye sees is how height bends light. Brightfield shows its curvature, phase contrast height
less its surroundings (with the halo that this makes), interference contrast its slope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.ndimage import gaussian_filter, laplace

from .field import FieldSettings, RenderedField, Stage, stage, truth
from .optics import Optics, digitise, illumination
from .strokes import Dots, kept_inside, splat
from .textures import Array, field_texture

if TYPE_CHECKING:
    import numpy.typing as npt

    from .anatomy import Scene

Look = Literal["brightfield", "phase", "dic"]

LEVEL = 12000.0
"""Grey value of the empty ground."""


def render_brightfield(
    settings: FieldSettings, rng: np.random.Generator, look: Look = "brightfield", contrast: float = 1.0
) -> RenderedField:
    """Render one field of unstained cells.

    Parameters
    ----------
    settings : FieldSettings
        ``channels``, ``gain`` and ``optics.background`` do not count.
    rng : numpy.random.Generator
        The same state gives the same cells as ``render_field`` does.
    look : {"brightfield", "phase", "dic"}
        How the light is used.
    contrast : float
        Of the cells, 1 for usual.

    Returns
    -------
    RenderedField
        ``image`` has one channel.
    """
    staged = stage(settings, rng)
    paint = np.random.default_rng([staged.paint, 900])
    height, dark = _height(staged.scene, paint), _granules(staged.scene, paint)
    dirt_height, dirt_dark = _dirt(settings, np.random.default_rng([staged.dirt, 901]))
    focus = float(np.hypot(settings.optics.blur_px, settings.optics.defocus_px))
    light = _transmitted(height + 0.5 * dark + dirt_height, look, focus, staged.scene.diameter)
    light = 1 + contrast * (light - 1 - gaussian_filter(0.5 * dark + dirt_dark, 0.7 * focus))
    image = _camera(light, settings.optics, staged)
    return RenderedField(image[None], *truth(staged, settings))


def _height(scene: Scene, rng: np.random.Generator) -> Array:
    """Optical height: the cells, their nuclei, nucleoli, and the folded edges of lamellae."""
    f, d = scene.fragments, scene.diameter
    patch = scene.noise("smooth", 0.15 * d, f.owner, f.y, f.x)
    fold = np.exp(-scene.edge / (0.012 * d + 0.4)) * np.clip(0.35 + 0.5 * patch, 0.05, 1.6) * scene.free_edge
    grain = scene.noise("grain", 0.03 * d, f.owner, f.y, f.x)
    value = 0.55 * scene.thickness * (1 + 0.05 * grain) + 0.22 * fold + 0.12 * (1 - np.exp(-scene.edge / (0.02 * d)))
    height = scene.plane(f.pixel, value, f.owner).sum(0)
    height += 0.22 * scene.nucleus_map
    spots, body, cover = scene.nucleoli
    owner = scene.bodies.owner[body[spots.owner]]
    height += scene.plane(spots.pixel, 0.3 * cover, owner).sum(0)
    resting = scene.bodies.kind[scene.body_fragments.owner] == 0
    packed = np.where(resting, 0.0, 0.5 * scene.body_cover)
    height += scene.plane(scene.body_fragments.pixel, packed, scene.bodies.owner[scene.body_fragments.owner]).sum(0)
    return np.asarray(gaussian_filter(height, 0.006 * d + 0.3), np.float32)


def _granules(scene: Scene, rng: np.random.Generator) -> Array:
    """Dark granules around the nucleus, many in some cells."""
    cells, d, n = scene.cells, scene.diameter, len(scene.cells)
    owner = np.repeat(np.arange(n), rng.poisson(np.clip(0.6 * d, 4, 70) * rng.gamma(0.9, 1.0, n)))
    m = len(owner)
    turn = rng.uniform(0, 2 * np.pi, m)
    away = cells.nucleus_radius[owner] * 0.8 + rng.exponential(0.16, m) * cells.radius[owner]
    mass = 0.00045 * d * d * rng.gamma(0.9, 0.8, m)
    y, x = scene.seat_y[owner] + away * np.sin(turn), scene.seat_x[owner] + away * np.cos(turn)
    dots = Dots(y.astype(np.float32), x.astype(np.float32), owner, mass.astype(np.float32))
    dots = kept_inside(dots, scene.owner_of, scene.nucleus_map, 0.6)
    light = scene.plane(*splat(dots, scene.shape)).sum(0)
    return np.asarray(gaussian_filter(light, 0.007 * d), np.float32)


def _dirt(settings: FieldSettings, rng: np.random.Generator) -> tuple[Array, Array]:
    """Specks that bend light, and dark blurs that float above: ``(height, dark)``."""
    d, shape = settings.crowd.cell_diameter_px, settings.shape
    fields = settings.optics.dust * shape[0] * shape[1] / (9.0 * d) ** 2
    height, dark = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for plane, count, blur, mass in (
        (height, 12, 0.02, 0.0016),
        (dark, 7, 0.03, 0.0016),
        (dark, 3, 0.13, 0.008),
    ):
        n = rng.poisson(count * fields)
        dots = Dots(
            rng.uniform(0, shape[0], n).astype(np.float32),
            rng.uniform(0, shape[1], n).astype(np.float32),
            np.zeros(n, np.int64),
            (mass * d * d * rng.gamma(0.8, 1.0, n)).astype(np.float32),
        )
        pixel, value, _ = splat(dots, shape)
        spots = np.bincount(pixel, value, shape[0] * shape[1]).reshape(shape)
        plane += gaussian_filter(spots, blur * d, mode="constant").astype(np.float32)
    return height, dark


def _transmitted(height: Array, look: Look, focus: float, d: float) -> Array:
    """Light relative to the empty ground."""
    smooth = gaussian_filter(height, focus)
    if look == "brightfield":
        # Defocus turns curvature into brightness: once sharply at edges, once broadly over the cell.
        near, far = 0.9 * focus + 0.006 * d, 0.035 * d
        edges = gaussian_filter(height, near)
        relief = 1.1 * near**2 * laplace(edges) + 0.09 * far**2 * laplace(gaussian_filter(height, far))
        ripple = gaussian_filter(height, 2.2 * near)
        return np.asarray(1 - np.clip(relief, -0.6, 0.6) + 1.3 * near**2 * laplace(ripple), np.float32)
    if look == "phase":
        lifted = smooth - gaussian_filter(height, 0.16 * d)
        thick = np.clip(gaussian_filter(height, 0.03 * d) - 1.1, 0, 3)
        return np.asarray(1 - 0.34 * np.tanh(1.4 * lifted) + 0.35 * thick, np.float32)
    slope_y, slope_x = np.gradient(smooth)
    return np.asarray(1 + 0.045 * d**0.5 * np.tanh(3.0 * (slope_y + slope_x)), np.float32)


def _camera(light: Array, optics: Optics, staged: Stage) -> npt.NDArray[np.uint16]:
    rng = np.random.default_rng([staged.camera, 902])
    shape = light.shape
    mottle = 0.008 * field_texture("cloud", shape, 0.1 * max(shape), rng) + 0.004 * field_texture(
        "grain", shape, 4, rng
    )
    rows = 0.0012 * rng.standard_normal((shape[0], 1))
    ground = LEVEL * illumination(shape, optics, 99)
    signal = np.maximum(light * (1 + mottle + rows), 0.02) * ground
    noise = rng.standard_normal(shape, dtype=np.float32)
    grey = optics.offset + signal + noise * np.sqrt(signal / optics.photons_per_grey + optics.read_noise**2)
    return digitise(np.asarray(grey, np.float32), optics.bit_depth)
