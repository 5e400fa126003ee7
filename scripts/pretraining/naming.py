"""Names for features whose meaning the simulator's truth establishes: where a feature fires, what is there?

Pictures of plates that neither the backbone nor the dictionary has seen. A name is given where at least nine tenths of
all activation lies on patches that have the property, in each of two halves of the plates, where the property is
not what most patches have anyway, and where the feature fires in many pictures. The rest stays unnamed. Dark patches
do not count, here as in every lexicon.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch

from napari_lexicon.backbones import Backbone, field_tokens
from napari_lexicon.backbones.background import lit_patches
from napari_lexicon.dictionaries.dictionary import Dictionary

from .pictures import simulated_pictures
from .truths import MARKERS, truths

Array = npt.NDArray[np.float32]
Truth = dict[str, Array]

UNSEEN = 900_000
"""First seed of the pictures; pretraining uses shard numbers, the dictionary's sample 1000."""
PROPERTIES: dict[str, Callable[[Truth], npt.NDArray[np.bool_]]] = {
    "background": lambda t: t["cell"] < 0.02,
    "inside a nucleus": lambda t: t["nucleus"] > 0.7,
    "nucleus or its edge": lambda t: t["nucleus"] > 0.1,
    "nucleus edge": lambda t: (t["nucleus"] > 0.1) & (t["nucleus"] < 0.9),
    "cytoplasm": lambda t: (t["cell"] > 0.8) & (t["nucleus"] < 0.02),
    "cell edge": lambda t: (t["cell"] > 0.05) & (t["cell"] < 0.95),
    "dividing cell": lambda t: t["dividing"] > 0.2,
    "dead cell": lambda t: np.maximum(t["dead"], t["apoptosis"]) > 0.2,
    "dividing or dead cell": lambda t: np.maximum(np.maximum(t["dead"], t["apoptosis"]), t["dividing"]) > 0.2,
    "red blood cell": lambda t: t["red_cell"] > 0.2,
    "white blood cell": lambda t: t["white_cell"] > 0.2,
}
"""Of a patch."""
KINDS = {
    "nuclear stain": {"DNA"},
    "mitochondrial stain": {"Mito"},
    "actin or membrane stain": {"AGP", "Actin", "Membrane"},
    "cytoplasmic stain": {"ER", "RNA", "Reporter", "Tubulin"},
    "spots": {"Foci", "Lysosome"},
    "unstained cells": {"brightfield", "phase", "dic"},
    "stained tissue": {"he", "ihc"},
    "blood smear": {"smear"},
}
"""Of a whole picture: the markers or contrasts it may show."""


@dataclass(frozen=True)
class Evidence:
    """Why a feature has its name.

    Parameters
    ----------
    feature : int
    name : str
    share : float
        Part of its activation on patches with the property, the lower of the two halves.
    usual : float
        Part of all patches that have the property.
    patches, pictures : int
        Where it fires.
    """

    feature: int
    name: str
    share: float
    usual: float
    patches: int
    pictures: int


def named(
    backbone: Backbone,
    dictionary: Dictionary,
    count: int = 600,
    least_share: float = 0.9,
    most_usual: float = 0.5,
    least_patches: int = 300,
    least_pictures: int = 20,
) -> list[Evidence]:
    """Features with a name, by their number."""
    names = [*PROPERTIES, *KINDS]
    activation = [np.zeros((len(names), dictionary.n_features)) for _ in range(2)]
    total = [np.zeros(dictionary.n_features) for _ in range(2)]
    having, patches = np.zeros(len(names)), 0
    fired, seen_in = np.zeros(dictionary.n_features, int), np.zeros(dictionary.n_features, int)
    last: tuple[object, npt.NDArray[np.bool_]] = (None, np.zeros((0, 0), bool))
    for half in range(2):
        for picture in islice(simulated_pictures(UNSEEN + half), count // 2):
            assert picture.truth is not None
            if picture.truth is not last[0]:
                truth = truths(picture.truth, backbone.spec.patch)
                last = picture.truth, np.stack([has(truth).ravel() for has in PROPERTIES.values()])
            lit = lit_patches(picture.pixels[None], backbone.spec.patch)[0].ravel()
            if not lit.any():
                continue
            kind = [MARKERS[picture.marker] in markers for markers in KINDS.values()]
            has_it = np.concatenate([last[1][:, lit], np.repeat(np.array(kind)[:, None], lit.sum(), axis=1)])
            tokens = field_tokens(backbone, picture.pixels[None], batch=16)[0].flatten(0, 1)[torch.from_numpy(lit)]
            codes = dictionary.encode(tokens).merged()
            values = torch.zeros((len(tokens), dictionary.n_features))
            dense = values.scatter_add_(1, codes.indices, codes.values.clamp(min=0)).numpy()
            activation[half] += has_it @ dense
            total[half] += dense.sum(0)
            having += has_it.sum(1)
            patches += len(dense)
            fired += (dense > 0).sum(0)
            seen_in += (dense > 0).any(0)
    share = np.min([a / np.maximum(t, 1e-9) for a, t in zip(activation, total, strict=True)], axis=0)
    usual = having / patches
    allowed = (share >= least_share) & (usual[:, None] <= most_usual)
    allowed &= (fired >= least_patches) & (seen_in >= least_pictures)
    result = []
    for feature in np.flatnonzero(allowed.any(0)):
        rarest = min(np.flatnonzero(allowed[:, feature]), key=lambda index: usual[index])  # the name that says most
        result.append(
            Evidence(
                int(feature),
                names[rarest],
                round(float(share[rarest, feature]), 3),
                round(float(usual[rarest]), 3),
                int(fired[feature]),
                int(seen_in[feature]),
            )
        )
    return result
