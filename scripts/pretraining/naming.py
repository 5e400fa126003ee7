"""Names for features whose meaning the simulator's truth establishes: where a feature fires, what is there?

Pictures of plates that neither the backbone nor the dictionary has seen. Of every feature the patches are taken that
lie furthest along its direction, one in two hundred, as a person sees them in the gallery. A name is given where at
least 95 % of them have a property, in each of two halves of the pictures, where most patches do not have it anyway,
and where they come from many pictures. The rest stays unnamed. Dark patches do not count, here as in every lexicon.
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
        Part of its strongest patches that have the property, the lower of the two halves.
    usual : float
        Part of all patches that have the property.
    patches, pictures : int
        How many strongest patches there were in a half, and the pictures they come from, the fewer of the two halves.
    """

    feature: int
    name: str
    share: float
    usual: float
    patches: int
    pictures: int

    @property
    def sentence(self) -> str:
        """What is told beside the name."""
        return (
            f"Suggested by simulated plates: {self.share:.0%} of the {self.patches} patches furthest along this "
            f"feature have this property, against {self.usual:.0%} of all patches."
        )


def named(
    backbone: Backbone,
    dictionary: Dictionary,
    count: int = 600,
    strongest: float = 0.005,
    least_share: float = 0.95,
    most_usual: float = 0.5,
    least_pictures: int = 10,
) -> list[Evidence]:
    """Features with a name, by their number."""
    names = [*PROPERTIES, *KINDS]
    halves = [_looked_at(backbone, dictionary, UNSEEN + half, count // 2, strongest) for half in range(2)]
    share, usual, pictures = (np.stack(parts) for parts in zip(*(half[:3] for half in halves), strict=True))
    share, usual, pictures = share.min(0), usual.mean(0), pictures.min(0)
    patches = min(half[3] for half in halves)
    allowed = (share >= least_share) & (usual[:, None] <= most_usual) & (pictures >= least_pictures)
    result = []
    for feature in np.flatnonzero(allowed.any(0)):
        rarest = min(np.flatnonzero(allowed[:, feature]), key=lambda index: usual[index])  # the name that says most
        figures = round(float(share[rarest, feature]), 3), round(float(usual[rarest]), 3)
        result.append(Evidence(int(feature), names[rarest], *figures, patches, int(pictures[feature])))
    return result


def _looked_at(
    backbone: Backbone, dictionary: Dictionary, seed: int, count: int, strongest: float
) -> tuple[Array, Array, npt.NDArray[np.int64], int]:
    """Of some pictures: ``(properties, features)`` share among the strongest patches, ``(properties,)`` share among all
    lit patches, ``(features,)`` pictures that the strongest come from, and the number of strongest patches."""
    along, having, where = [], [], []
    last: tuple[object, npt.NDArray[np.bool_]] = (None, np.zeros((0, 0), bool))
    for number, picture in enumerate(islice(simulated_pictures(seed), count)):
        assert picture.truth is not None
        if picture.truth is not last[0]:
            truth = truths(picture.truth, backbone.spec.patch)
            last = picture.truth, np.stack([has(truth).ravel() for has in PROPERTIES.values()])
        lit = lit_patches(picture.pixels[None], backbone.spec.patch)[0].ravel()
        if not lit.any():
            continue
        kind = [MARKERS[picture.marker] in markers for markers in KINDS.values()]
        tokens = field_tokens(backbone, picture.pixels[None], batch=16)[0].flatten(0, 1)[torch.from_numpy(lit)]
        along.append((dictionary.whitening.whiten(tokens) @ dictionary.atoms.T).numpy())
        having.append(np.concatenate([last[1][:, lit], np.repeat(np.array(kind)[:, None], lit.sum(), axis=1)]))
        where.append(np.full(int(lit.sum()), number))
    directions, properties, numbers = np.concatenate(along), np.concatenate(having, axis=1), np.concatenate(where)
    n_strongest = max(1, round(strongest * len(directions)))
    top = np.argpartition(-directions, n_strongest - 1, axis=0)[:n_strongest]  # (patches, features)
    pictures = np.array([len(np.unique(numbers[chosen])) for chosen in top.T])
    return properties[:, top].mean(axis=1), properties.mean(axis=1), pictures, n_strongest
