"""Illumination correction: the smooth flat field of a channel, estimated from the plate's own images.

Light falls off towards the corners of a field, so that one stain looks dimmer there. Over many fields every place
sees the same mixture of cells and background: a grey value at a place is ``dark + flat * scene``, where ``scene`` has
the same distribution everywhere. The mean of the darker half of a place's pixels and that of the brighter half are
then two measurements of one flat field and one dark level. Both are found without a white reference, as by BaSiC (Peng
et al. 2017, doi:10.1038/ncomms14836); here the flat field is a smooth polynomial.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

ILLUMINATION = "illumination-1"
"""Name and version of everything in this file that changes numbers; part of the fingerprint of corrected tokens."""

ORDER = 4  # of the polynomial: off-centre and elliptic fall-off, nothing as small as a cell
LEAST_FIELDS = 8  # fewer do not show every place every brightness
LEAST, MOST = 0.2, 3.0  # a corner that gets a fifth of the light is as dark as a correction will believe

_BLOCKS = 16  # places along each side of a field
_PER_BLOCK = 256  # pixels taken per place and field
_EVIDENCE = 60.0  # squared size of the fall-off in units of its noise; noise alone has 28 in 2 x 14 terms


@dataclass(frozen=True)
class Illumination:
    """How the light of one channel falls on a field.

    Parameters
    ----------
    dark : float
        Grey value without light, which the fall-off does not touch.
    flat : tuple of float
        Coefficients of the flat field's polynomial (see :func:`basis`); its mean over the field is 1.
    """

    dark: float
    flat: tuple[float, ...]

    def field(self, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
        """``(Y, X)`` share of the mean light at every pixel, for a field of any size."""
        y, x = (_unit(n) for n in shape)
        values = np.zeros(shape)
        for (power_y, power_x), weight in zip(_powers(), self.flat, strict=True):
            values += weight * np.outer(y**power_y, x**power_x)
        return np.clip(values, LEAST, MOST).astype(np.float32)

    def apply(self, plane: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """``(Y, X)`` grey values as if the light were even."""
        corrected = np.asarray(plane, np.float32) - np.float32(self.dark)
        corrected /= self.field(plane.shape)
        corrected += np.float32(self.dark)
        return corrected

    @property
    def fall_off(self) -> float:
        """Share of the brightest light that the darkest place of a field lacks."""
        field = self.field((64, 64))
        return float(1.0 - field.min() / field.max())


def estimate_illumination(planes: Iterable[npt.ArrayLike]) -> Illumination:
    """Flat field of one channel.

    Parameters
    ----------
    planes : iterable of array, each ``(Y, X)``
        Fields of one plate spread over its wells, in grey values; taken one at a time, any size.

    Returns
    -------
    Illumination

    Raises
    ------
    ValueError
        If there are fewer than eight fields.
    """
    samples = [_places(np.asarray(plane)) for plane in planes]
    if len(samples) < LEAST_FIELDS:
        raise ValueError(f"A flat field needs at least {LEAST_FIELDS} fields, not {len(samples)}.")
    pooled = np.sort(np.concatenate(samples, axis=1), axis=1)  # (places, pixels)
    middle = pooled.shape[1] // 4
    halves = np.stack([pooled[:, :middle].mean(axis=1), pooled[:, middle:].mean(axis=1)])
    return _fitted(halves, float(np.quantile(pooled, 0.001)))


def _fitted(halves: npt.NDArray[np.float64], floor: float) -> Illumination:
    """Dark level and flat field from the mean of the darker and of the brighter half of every place, ``(2, places)``.

    Both are ``dark + level * flat`` with one dark level and one flat field. Their smooth fits therefore have the same
    shape up to a factor, found by total least squares in units of their noise, and the line through both meets the
    diagonal at the dark level.
    """
    orthonormal, triangle = np.linalg.qr(basis())
    orthonormal, triangle = orthonormal * np.sign(triangle[0, 0]), triangle * np.sign(triangle[0, 0])
    fits = np.stack([_robust_fit(orthonormal, half) for half in halves])  # (2, terms), the first term is constant
    noise = np.sqrt(np.mean((halves - fits @ orthonormal.T) ** 2, axis=1)) + 1e-9 * (1.0 + np.abs(fits[:, 0]))
    levels = fits[:, 0] * orthonormal[0, 0]
    shapes = fits[:, 1:] / noise[:, None]
    directions, sizes, _ = np.linalg.svd(shapes, full_matrices=False)
    if sizes[0] ** 2 < _EVIDENCE:
        return Illumination(0.0, _even())
    rise = directions[:, 0] * noise
    span = float(rise[0] - rise[1])
    meets = levels[0] + rise[0] * (levels[1] - levels[0]) / span if span else 0.0
    # a dark level just below the darkest pixel would blow up what little is known of the flat field
    dark = float(np.clip(meets, min(0.0, floor), floor - 0.05 * (levels[1] - floor)))
    along = directions[:, 0] @ shapes  # the common shape, (terms - 1,), in units of its noise
    along = np.where(np.abs(along) < 2.5, 0.0, along)  # terms that noise explains are left out
    lit = levels - dark
    # the factor of the shape, from both halves by their precision
    factor = float((rise / noise**2) @ lit) / float((lit / noise) @ (lit / noise))
    terms = np.concatenate([[1.0 / orthonormal[0, 0]], factor * along])
    return Illumination(dark, tuple(float(c) for c in np.linalg.solve(triangle, terms)))


def _robust_fit(design: npt.NDArray[np.float64], values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Least squares in which places far from the surface count less (Huber)."""
    weights = np.ones(len(values))
    for _ in range(10):
        root = np.sqrt(weights)[:, None]
        found = np.linalg.lstsq(design * root, values * root[:, 0], rcond=None)[0]
        off = np.abs(values - design @ found)
        scale = 1.4826 * float(np.median(off)) + 1e-12
        weights = np.minimum(1.0, 1.345 * scale / np.maximum(off, 1e-12))
    return np.asarray(found, np.float64)


def basis(n: int = _BLOCKS) -> npt.NDArray[np.float64]:
    """``(n * n, terms)`` monomials ``y**i * x**j`` with ``i + j <= 4`` on [-1, 1], row by row."""
    unit = _unit(n)
    return np.stack([np.outer(unit**i, unit**j).ravel() for i, j in _powers()], axis=1)


def _powers() -> list[tuple[int, int]]:
    return [(i, total - i) for total in range(ORDER + 1) for i in range(total + 1)]


def _even() -> tuple[float, ...]:
    return (1.0, *[0.0] * (len(_powers()) - 1))


def _unit(n: int) -> npt.NDArray[np.float64]:
    """Middles of ``n`` equal parts of [-1, 1]."""
    return (np.arange(n) + 0.5) / n * 2.0 - 1.0


def _places(plane: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """``(places, pixels)`` grey values of a grid of blocks, evenly picked."""
    if plane.ndim != 2 or min(plane.shape) < _BLOCKS:
        raise ValueError(f"A flat field needs images of at least {_BLOCKS} x {_BLOCKS} pixels, not {plane.shape}.")
    height, width = (n // _BLOCKS for n in plane.shape)
    cut = np.asarray(plane[: height * _BLOCKS, : width * _BLOCKS])
    blocks = cut.reshape(_BLOCKS, height, _BLOCKS, width).swapaxes(1, 2).reshape(_BLOCKS**2, -1)
    picked = np.linspace(0, blocks.shape[1] - 1, min(_PER_BLOCK, blocks.shape[1])).round().astype(int)
    return np.nan_to_num(blocks[:, picked].astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
