"""From light to grey values: point spread, haze, illumination, dirt, background, photon and camera noise.

Noise follows what the fields of real instruments show (variance rises with the signal above the offset, 0.13 grey
values per grey value on a 16-bit sCMOS camera at full range), see ``docs/explanation/simulated-plate.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, zoom

from .textures import Array, field_texture


@dataclass(frozen=True)
class Optics:
    """Microscope and camera of a field.

    Parameters
    ----------
    blur_px : float
        Standard deviation of the point spread in focus.
    defocus_px : float
        Further blur of the whole field, added in quadrature: a plate that lies a little off.
    haze : float
        Part of the light that arrives from out of focus, spread over about a cell.
    photons_per_grey : float
        Photo-electrons per grey value; fewer are noisier.
    read_noise : float
        Standard deviation of the camera in grey values.
    offset : float
        Grey value of no light.
    background : float
        Light of medium and glass, in grey values.
    vignette : float
        Loss of light at the corners, 0 to 1.
    illumination_seed : int
        The uneven illumination, which a plate shares.
    dust : float
        How much dirt there is: specks, threads, floating blobs.
    bit_depth : int
        8 to 16; the range is scaled so that 65535 becomes ``2**bit_depth - 1``.
    """

    blur_px: float = 0.85
    defocus_px: float = 0.0
    haze: float = 0.22
    photons_per_grey: float = 7.5
    read_noise: float = 5.0
    offset: float = 140.0
    background: float = 220.0
    vignette: float = 0.12
    illumination_seed: int = 0
    dust: float = 1.0
    bit_depth: int = 16


def spread(plane: Array, optics: Optics, cell_px: float) -> Array:
    """Light ``(2, Y, X)`` in and out of focus to one image ``(Y, X)``."""
    focus = float(np.hypot(optics.blur_px, optics.defocus_px))
    image = gaussian_filter(plane[0], focus, mode="nearest", truncate=3.5) if focus > 0.2 else plane[0]
    if plane[1].any():
        image = image + _wide(plane[1], float(np.hypot(focus, 0.05 * cell_px)))
    halo = 0.55 * _wide(image, 0.09 * cell_px + 1.5) + 0.45 * _wide(image, 0.5 * cell_px + 4)
    hazy: Array = ((1 - optics.haze) * image + optics.haze * halo).astype(np.float32)
    return hazy


def _wide(image: Array, sigma: float) -> Array:
    """A Gaussian blur, done on a coarser image where it is wide."""
    factor = int(sigma // 3)
    if factor < 2:
        blurred: Array = gaussian_filter(image, sigma, mode="nearest", truncate=3.0)
        return blurred
    y, x = image.shape
    padded = np.pad(image, ((0, -y % factor), (0, -x % factor)), mode="edge")
    small = padded.reshape(padded.shape[0] // factor, factor, -1, factor).mean((1, 3))
    small = gaussian_filter(small, sigma / factor, mode="nearest", truncate=3.0)
    grown: Array = zoom(small, factor, order=1, mode="nearest", grid_mode=True)[:y, :x]
    return grown


def illumination(shape: tuple[int, int], optics: Optics, channel: int) -> Array:
    """Light that reaches each pixel, ``(Y, X)``, about 1 in the middle; the same for every field of a plate."""
    rng = np.random.default_rng([optics.illumination_seed, channel, 77])
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None, :]
    cy, cx = rng.normal(0, 0.22, 2)
    falloff = optics.vignette * rng.uniform(0.7, 1.3) * ((y - cy) ** 2 + (x - cx) ** 2) / 2
    tilt = 0.35 * optics.vignette * (rng.normal() * y + rng.normal() * x)
    light = np.clip(1 - falloff + tilt, 0.3, 1.3)
    for _ in range(rng.poisson(2.0 * optics.dust * (optics.vignette > 0))):  # dust in the light path: faint rings
        ry, rx, size, depth = rng.uniform(-1, 1), rng.uniform(-1, 1), rng.uniform(0.01, 0.03), rng.uniform(0.01, 0.04)
        away = np.hypot(y - ry, x - rx)
        light = light * (1 - depth * np.exp(-(((away - size) / (0.35 * size)) ** 2)))
    return np.asarray(light, np.float32)


def expose(light: Array, optics: Optics, channel: int, rng: np.random.Generator) -> Array:
    """Signal in grey values ``(Y, X)`` to what the camera writes, as float32 before rounding."""
    shape = light.shape
    glass = optics.background * (1 + 0.06 * field_texture("cloud", shape, 0.4 * max(shape), rng))
    signal = np.maximum(light + glass, 0) * illumination(shape, optics, channel)
    # Above some tens of photons a Poisson count is normal to the eye, and much faster drawn so.
    noise = rng.standard_normal(shape, dtype=np.float32)
    grey = optics.offset + signal + noise * np.sqrt(signal / optics.photons_per_grey + optics.read_noise**2)
    return np.asarray(grey, np.float32)


def digitise(grey: Array, bit_depth: int) -> npt.NDArray[np.uint16]:
    """Grey values on a 16-bit scale to whole numbers of ``bit_depth`` bits, uint16."""
    top = 2**bit_depth - 1
    return np.asarray(np.clip(np.round(grey * (top / 65535)), 0, top), np.uint16)
