"""What can be measured in the pixels of a patch, and what features are taught by it: spots, lines, brightness.

Such a measure has the same meaning in every picture, whoever took it and whatever is stained. That sets it apart from
what the simulator knows of its cells: the direction of a measure holds on images of other instruments as well
(``benchmarks/backbone/measured.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from scipy.ndimage import gaussian_filter, grey_closing, grey_opening, maximum_filter

from napari_lexicon.backbones import Backbone, field_tokens
from napari_lexicon.dictionaries.whitening import Whitening

from .measures import blocks, structure
from .properties import lit_pictures

Array = npt.NDArray[np.float32]

_WIDTH = 7
"""Side in pixels of the square that spots are narrower than."""
_SMOOTH = 1.5
"""Standard deviation in pixels that pictures are smoothed by, so that the grain of a camera is no spot."""
_DARK = 0.15
"""Added to the brightness around a spot, so that the noise of dark ground is no contrast."""
_CLEAR = 0.2
"""Contrast from which on a spot counts in full."""
MOST = 0.1
"""Part of the patches that counts as having much of what is measured, where a name is asked for."""


@dataclass(frozen=True)
class Measure:
    """An amount in every patch of a picture.

    Parameters
    ----------
    of : callable
        Of a ``(Y, X)`` picture of windowed intensities and the side of a patch: ``(Y / patch, X / patch)``.
    told : str
        What it is, in words.
    confirmed : bool
        Whether its direction was found to hold on images of people that no part of the model has seen.
    """

    of: Callable[[Array, int], Array]
    told: str
    confirmed: bool


def spots(picture: Array, patch: int, dark: bool = False) -> Array:
    """How many spots stand out, the root of their number.

    A spot is a peak of what an opening (of dark ones: a closing) takes out of the smoothed picture, and counts by its
    contrast with what is around it.

    Parameters
    ----------
    picture : (Y, X) float32
        Windowed intensities; sides are multiples of ``patch``.
    patch : int
        Side of a patch, pixels.
    dark : bool
        Seek dark spots.
    """
    smooth, around = gaussian_filter(picture, _SMOOTH), gaussian_filter(picture, 4 * _SMOOTH)
    side = (_WIDTH, _WIDTH)
    height = grey_closing(smooth, side) - smooth if dark else smooth - grey_opening(smooth, side)
    peak = (height == maximum_filter(height, 5)) & (height > 0)
    contrast = np.where(peak, height / (around + _DARK), 0)
    return np.asarray(np.sqrt(blocks(np.clip(contrast / _CLEAR, 0, 1) ** 2, patch).sum((1, 3))), np.float32)


def _brightness(picture: Array, patch: int) -> Array:
    return np.asarray(blocks(picture, patch).mean((1, 3)), np.float32)


def _one_direction(picture: Array, patch: int) -> Array:
    return structure(picture, 1.0, patch)["structure1_coherence"]


MEASURED: dict[str, Measure] = {
    "bright spots": Measure(spots, "bright spots up to 7 px wide that stand out from what is around them", True),
    "dark spots": Measure(
        partial(spots, dark=True), "dark spots or gaps up to 7 px wide that stand out from what is around them", False
    ),
    "lines or edges in one direction": Measure(
        _one_direction, "gradients that point one way (coherence of the structure tensor)", True
    ),
    "bright": Measure(_brightness, "brightness, the mean intensity", True),
}
"""By the name of the feature that is taught it."""


@dataclass(frozen=True, eq=False)
class MeasuredPatches:
    """Lit patches of many pictures.

    Parameters
    ----------
    tokens : (N, dim_w) float32
        Whitened.
    amounts : dict of (N,) float32
        By what was measured.
    picture : (N,) int64
        Number of the picture that each comes from.
    """

    tokens: Array
    amounts: dict[str, Array]
    picture: npt.NDArray[np.int64]


def measured_patches(seeing: Sequence[tuple[Backbone, Whitening]], seed: int, count: int) -> list[MeasuredPatches]:
    """The patches of ``count`` simulated pictures as each of some backbones sees them, and what is in them."""
    patch = seeing[0][0].spec.patch
    tokens: list[list[Array]] = [[] for _ in seeing]
    amounts: dict[str, list[Array]] = {name: [] for name in MEASURED}
    picture: list[npt.NDArray[np.int64]] = []
    for number, (seen, lit) in enumerate(lit_pictures(patch, seed, count)):
        for store, (backbone, whitening) in zip(tokens, seeing, strict=True):
            patches = field_tokens(backbone, seen.pixels[None], batch=16)[0].flatten(0, 1)
            store.append(whitening.whiten(patches[torch.from_numpy(lit)]).numpy())
        for name, measure in MEASURED.items():
            amounts[name].append(measure.of(seen.pixels, patch).ravel()[lit])
        picture.append(np.full(int(lit.sum()), number))
    joined = {name: np.concatenate(values) for name, values in amounts.items()}
    return [MeasuredPatches(np.concatenate(store), joined, np.concatenate(picture)) for store in tokens]


def much(amount: Array) -> npt.NDArray[np.bool_]:
    """Which of the patches ``(N,)`` are those with most."""
    return np.asarray(amount > np.quantile(amount, 1 - MOST), bool)
