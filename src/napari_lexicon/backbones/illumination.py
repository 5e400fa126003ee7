"""Illumination correction: the smooth flat field of a channel, estimated from the plate's own images.

Light falls off towards the corners of a field, so that one stain looks dimmer there. A grey value at a place is
``dark + flat * scene``, where ``scene`` has the same distribution at every place once enough fields are seen. Within a
small block of the field, pixels are ranked by brightness and split into groups, from ground to the brightest
structures. Each group's mean over the fields is a measurement of the one flat field, at a level of its own above the
one dark level. Ground is smooth but lies close to the dark level; cells lie far above it but are few. How the groups
vary from field to field says how far each is to be trusted, and a prior that prefers weak, low-order fall-off and a
dark level not far below the darkest pixels decides what the images leave open: where they say little, little is
corrected.

No white reference is needed, as in BaSiC (Peng et al. 2017, doi:10.1038/ncomms14836); here the flat field is a
polynomial and the estimate a posterior mean.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ILLUMINATION = "illumination-2"
"""Name and version of everything in this file that changes numbers; part of the fingerprint of corrected tokens."""

ORDER = 4  # of the polynomial: off-centre and elliptic fall-off, nothing as small as a cell
LEAST_FIELDS = 8  # fewer do not show every place every brightness
LEAST, MOST = 0.2, 3.0  # a corner that gets a fifth of the light is as dark as a correction will believe

_BLOCKS = 8  # along each side of a field
_COARSE = 128  # pixels along the shorter side, at least, after averaging: less noise, and ranks that mean structures
_GROUPS = (0.02, 0.3, 0.6, 0.85, 1.0)  # limits of the groups, as ranks within a block
_ORDERS = (0.33, 1.0, 0.1, 0.1)  # prior variance of terms by order: lamps are tilted or round
_STRENGTHS = np.geomspace(0.003, 0.25, 20)  # prior standard deviation of a term
_MISFIT = 0.005  # relative deviation from the model that is always possible
_NEAR = 0.2  # nearest dark level, below the darkest pixels, in units of the ground above them
_ROUNDS = 2  # of ranking and fitting; pixels are ranked in the light found before


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
    images = [_averaged(np.asarray(plane)) for plane in planes]
    if len(images) < LEAST_FIELDS:
        raise ValueError(f"A flat field needs at least {LEAST_FIELDS} fields, not {len(images)}.")
    floor = float(np.median([np.quantile(image, 0.001) for image in images]))
    orthonormal, triangle = _orthonormal()
    found = Illumination(0.0, _even())
    for _ in range(_ROUNDS):
        groups = np.stack([_group_means(image, found) for image in images])  # (fields, groups, places)
        found = _posterior(groups @ orthonormal / len(orthonormal), floor, triangle)
    return found


def _posterior(terms: Floats, floor: float, triangle: Floats) -> Illumination:
    """Mean of the posterior over dark levels and strengths of fall-off.

    Parameters
    ----------
    terms : numpy.ndarray, ``(fields, groups, 15)``
        Coefficients of every field's group means in the orthonormal polynomials; the first is the mean level.
    floor : float
        Grey value of the darkest pixels.
    triangle : numpy.ndarray, ``(15, 15)``
        From orthonormal polynomials to monomials.
    """
    weights, noise, spread = _noise(terms[:, :, 1:])
    mean = np.average(terms, axis=0, weights=weights)
    level, shape = mean[:, 0], mean[:, 1:]
    n = weights.sum() ** 2 / (weights**2).sum()  # fields, fewer where some count less
    precision = np.linalg.inv(noise / n + np.diag((_MISFIT * (level - floor)) ** 2 + 1e-12))
    prior = np.array(_ORDERS)[[sum(powers) - 1 for powers in _powers()[1:]]]
    darks = _darks(floor, level)
    evidence = np.zeros((len(darks), len(_STRENGTHS)))
    flats = np.zeros((*evidence.shape, len(prior)))
    for d, dark in enumerate(darks):
        lit = level - dark
        weight = max(float(lit @ precision @ lit), 1e-300)
        flat, variance = lit @ precision @ shape / weight, spread**2 / weight
        explained = 0.5 * flat**2 / variance
        for s, strength in enumerate(_STRENGTHS):
            expected = strength**2 * prior
            unlikely = 0.5 * np.log1p(expected / variance) + 0.5 * flat**2 / (expected + variance)
            evidence[d, s] = (explained - unlikely).sum()
            flats[d, s] = flat * expected / (expected + variance)
    belief = np.exp(evidence - evidence.max())
    belief /= belief.sum()
    flat = np.concatenate([[1.0], np.einsum("ds,dst->t", belief, flats)])
    return Illumination(float(belief.sum(axis=1) @ darks), tuple(float(c) for c in np.linalg.solve(triangle, flat)))


def _noise(shapes: Floats) -> tuple[Floats, Floats, Floats]:
    """How group means vary from field to field.

    Returns
    -------
    tuple
        Weight of every field, less for one unlike the others (debris, an empty well); covariance between groups,
        ``(groups, groups)``; and standard deviation of the terms relative to it, ``(terms,)``, mean square 1.
    """
    n, groups, terms = shapes.shape
    weights = np.ones(n)
    for _ in range(4):
        off = shapes - np.average(shapes, axis=0, weights=weights)
        spread = np.ones(terms)
        for _ in range(3):
            covariance = np.einsum("n,nkt,nlt->kl", weights, off / spread, off / spread) / (weights.sum() * terms)
            covariance += (1e-6 * np.trace(covariance) / groups + 1e-9) * np.eye(groups)
            size = np.einsum("nkt,kl,nlt->nt", off, np.linalg.inv(covariance), off) / groups
            spread = np.sqrt(np.average(size, axis=0, weights=weights)) + 1e-12
            spread /= np.sqrt(np.mean(spread**2))
        weights = np.minimum(1.0, 2.0 / np.maximum((size / spread**2).mean(axis=1), 1e-12))
    return weights, covariance, spread


def _darks(floor: float, level: Floats) -> Floats:
    """Dark levels thought possible: half of the belief is in any below the darkest pixels, half in those near them."""
    if floor <= 0:
        return np.zeros(1)
    nearest = float(np.clip(_NEAR * (level[min(1, len(level) - 1)] - floor), 1e-3 * floor, 0.5 * floor))
    return np.concatenate([floor - np.geomspace(nearest, floor, 16), np.linspace(0.0, floor - nearest, 16)])


def _averaged(plane: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """A field averaged to the size that is worked with."""
    if plane.ndim != 2 or min(plane.shape) < 2 * _BLOCKS:
        least = 2 * _BLOCKS
        raise ValueError(f"A flat field needs images of at least {least} x {least} pixels, not {plane.shape}.")
    clean = np.nan_to_num(np.asarray(plane, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    factor = max(1, min(plane.shape) // _COARSE)
    height, width = (n // factor for n in plane.shape)
    cut = clean[: height * factor, : width * factor].reshape(height, factor, width, factor)
    return np.asarray(cut.mean(axis=(1, 3)), np.float32)


def _group_means(image: npt.NDArray[np.float32], light: Illumination) -> Floats:
    """``(groups, places)`` mean grey value of the groups, pixels of a block ranked as if ``light`` were even."""
    values, even = _blocks(image), _blocks((image - light.dark) / light.field(image.shape))
    ranked = np.take_along_axis(values, np.argsort(even, axis=1), axis=1)
    limits = np.unique(np.round(np.array(_GROUPS) * ranked.shape[1]).astype(int))
    return np.stack([ranked[:, low:high].mean(axis=1) for low, high in pairwise(limits)])


def _blocks(image: npt.NDArray[Any]) -> Floats:
    """``(places, pixels)`` grey values, block by block."""
    height, width = (n // _BLOCKS for n in image.shape)
    cut = image[: height * _BLOCKS, : width * _BLOCKS].reshape(_BLOCKS, height, _BLOCKS, width)
    return cut.swapaxes(1, 2).reshape(_BLOCKS**2, -1).astype(np.float64)


def _orthonormal() -> tuple[Floats, Floats]:
    """Polynomials of mean square 1 over the places, ``(places, 15)``, the first one 1, and their triangle."""
    orthogonal, triangle = np.linalg.qr(basis())
    signs = np.sign(np.diag(triangle)) * _BLOCKS
    return orthogonal * signs, triangle * (signs / _BLOCKS**2)[:, None]


def basis(n: int = _BLOCKS) -> Floats:
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
