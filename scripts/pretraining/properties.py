"""Properties of patches that the simulator's truth knows: what features are taught, and what others are named by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch

from napari_lexicon.backbones import Backbone, field_tokens
from napari_lexicon.backbones.background import lit_patches
from napari_lexicon.dictionaries.whitening import Whitening

from .pictures import Picture, simulated_pictures
from .truths import MARKERS, truths

Array = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Truth = dict[str, Array]
"""Of the patches of one picture, each ``(N,)``: amounts and states; ``marker`` is the same number for all."""

NUCLEAR = frozenset({"DNA"})
FILAMENTS = frozenset({"Actin", "Tubulin"})
UNSTAINED = frozenset({"brightfield", "phase", "dic"})
SECTIONS = frozenset({"he", "ihc"})
SMEAR = frozenset({"smear"})
ALL = frozenset(MARKERS)
FLUORESCENT = ALL - UNSTAINED - SECTIONS - SMEAR


@dataclass(frozen=True)
class Property:
    """Something that is true of a patch or not.

    Parameters
    ----------
    asked : frozenset of str
        Markers or contrasts in whose pictures it is asked.
    has : callable
        Of the truth of ``(N,)`` patches: which have it.
    among : callable
        Which patches it is asked of: those where the answer is clear, and of interest.
    taught : bool
        Whether the built-in dictionary holds a feature that was taught it.
    confirmed : bool
        Whether a feature with this name was found to hold on images that people labelled
        (``benchmarks/quality/names.py``); without that a name keeps its question mark.
    """

    asked: frozenset[str]
    has: Callable[[Truth], Mask]
    among: Callable[[Truth], Mask] = field(default=lambda truth: np.ones(len(truth["cell"]), bool))
    taught: bool = True
    confirmed: bool = False


def _in_cell(truth: Truth) -> Mask:
    return np.asarray(truth["cell"] > 0.5, bool)


def _marked(markers: frozenset[str]) -> Callable[[Truth], Mask]:
    numbers = [MARKERS.index(name) for name in sorted(markers)]
    return lambda truth: np.asarray(np.isin(truth["marker"], numbers), bool)


def _crowded(truth: Truth) -> Mask:
    return np.asarray(truth["crowd"] > np.log1p(6.0), bool)  # cells in 100 x 100 pixels


PROPERTIES: dict[str, Property] = {
    "nucleus, in a nuclear stain": Property(NUCLEAR, lambda t: t["nucleus"] > 0.5, confirmed=True),
    "nucleus edge, in a nuclear stain": Property(
        NUCLEAR, lambda t: (t["nucleus"] > 0.1) & (t["nucleus"] < 0.9), confirmed=True
    ),
    "nucleus or its edge, in a nuclear stain": Property(NUCLEAR, lambda t: t["nucleus"] >= 0.05, confirmed=True),
    "beside nuclei, in a nuclear stain": Property(NUCLEAR, lambda t: t["nucleus"] < 0.05, taught=False, confirmed=True),
    "crowded nuclei, in a nuclear stain": Property(NUCLEAR, _crowded),
    "background": Property(ALL, lambda t: t["cell"] < 0.02),
    "cell": Property(ALL, lambda t: t["cell"] > 0.5),
    "crowded cells": Property(FLUORESCENT, _crowded),
    "edge of a cell": Property(
        FLUORESCENT, lambda t: np.abs(t["cell_edge"]) < np.log1p(1.0), lambda t: t["cell"] > 0.05
    ),
    "cytoplasm": Property(FLUORESCENT, lambda t: (t["cell"] > 0.8) & (t["nucleus"] < 0.02)),
    "filaments in a cell": Property(FLUORESCENT, _marked(FILAMENTS), _in_cell),
    "mitochondrial network in a cell": Property(FLUORESCENT, _marked(frozenset({"Mito"})), _in_cell),
    "nucleus, in a stained section": Property(SECTIONS, lambda t: t["nucleus"] > 0.4),
    "white blood cell, in a smear": Property(SMEAR, lambda t: t["white_cell"] > 0.2),
    "red blood cell, in a smear": Property(SMEAR, lambda t: t["red_cell"] > 0.5),
}


@dataclass(frozen=True, eq=False)
class Patches:
    """Lit patches of many pictures.

    Parameters
    ----------
    tokens : (N, dim_w) float32
        Whitened.
    truth : dict of (N,) arrays
    """

    tokens: Array
    truth: Truth

    def asked(self, wanted: Property) -> tuple[Mask, Mask]:
        """Which patches are asked about a property, and which have it."""
        use = _marked(wanted.asked)(self.truth) & wanted.among(self.truth)
        return use, wanted.has(self.truth)


def looked_at(seeing: Sequence[tuple[Backbone, Whitening]], seed: int, count: int) -> list[Patches]:
    """The patches of ``count`` simulated pictures as each of some backbones sees them; the pictures are made once."""
    tokens: list[list[Array]] = [[] for _ in seeing]
    truth: dict[str, list[Array]] = {}
    for picture, lit in lit_pictures(seeing[0][0].spec.patch, seed, count):
        for store, (backbone, whitening) in zip(tokens, seeing, strict=True):
            seen = field_tokens(backbone, picture.pixels[None], batch=16)[0].flatten(0, 1)
            store.append(whitening.whiten(seen[torch.from_numpy(lit)]).numpy())
        assert picture.truth is not None
        known = {name: values.ravel()[lit] for name, values in truths(picture.truth, seeing[0][0].spec.patch).items()}
        known["marker"] = np.full(int(lit.sum()), picture.marker, np.float32)
        for name, values in known.items():
            truth.setdefault(name, []).append(values)
    joined = {name: np.concatenate(values) for name, values in truth.items()}
    return [Patches(np.concatenate(store), joined) for store in tokens]


def lit_pictures(patch: int, seed: int, count: int) -> Iterator[tuple[Picture, Mask]]:
    """Pictures that show something, and which patches do."""
    for picture in islice(simulated_pictures(seed), count):
        lit = lit_patches(picture.pixels[None], patch)[0].ravel()
        if lit.any():
            yield picture, lit
