"""Names for features whose meaning the simulator's truth establishes: what tells patches high along them from low ones?

Pictures of plates that neither the backbone nor the dictionary has seen. A name is given where a feature's direction
alone tells patches that have a property from those that have not with an AUROC of 0.95, in each of two halves of the
pictures; some properties are asked in pictures of one stain only, and the name says so. The rest stays unnamed. Dark
patches do not count, here as in every lexicon.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import rankdata

from napari_lexicon.backbones import Backbone, field_tokens
from napari_lexicon.backbones.background import lit_patches
from napari_lexicon.dictionaries.dictionary import Dictionary

from .pictures import simulated_pictures
from .truths import MARKERS, truths

Array = npt.NDArray[np.float32]
Truth = dict[str, Array]

UNSEEN = 900_000
"""First seed of the pictures; pretraining uses shard numbers, the dictionary's sample 1000."""
NUCLEAR = frozenset({"DNA"})
MITOCHONDRIAL = frozenset({"Mito"})
SPOTS = frozenset({"Foci", "Lysosome"})
SMEAR = frozenset({"smear"})
ANY: frozenset[str] = frozenset()
PROPERTIES: dict[str, tuple[frozenset[str], Callable[[Truth], npt.NDArray[np.bool_]]]] = {
    "background": (ANY, lambda t: t["cell"] < 0.02),
    "dividing or dead cell": (
        ANY,
        lambda t: np.maximum(np.maximum(t["dead"], t["apoptosis"]), t["dividing"]) > 0.2,
    ),
    "nucleus, in a nuclear stain": (NUCLEAR, lambda t: t["nucleus"] > 0.5),
    "nucleus edge, in a nuclear stain": (NUCLEAR, lambda t: (t["nucleus"] > 0.1) & (t["nucleus"] < 0.9)),
    "nucleus or its edge, in a nuclear stain": (NUCLEAR, lambda t: t["nucleus"] >= 0.05),
    "beside nuclei, in a nuclear stain": (NUCLEAR, lambda t: t["nucleus"] < 0.05),
    "dividing or dead cell, in a nuclear stain": (
        NUCLEAR,
        lambda t: np.maximum(np.maximum(t["dead"], t["apoptosis"]), t["dividing"]) > 0.2,
    ),
    "cytoplasm, in a mitochondrial stain": (MITOCHONDRIAL, lambda t: (t["cell"] > 0.8) & (t["nucleus"] < 0.02)),
    "cell, in a stain of spots": (SPOTS, lambda t: t["cell"] > 0.8),
    "white blood cell, in a smear": (SMEAR, lambda t: t["white_cell"] > 0.2),
    "red blood cell, in a smear": (SMEAR, lambda t: t["red_cell"] > 0.5),
}
"""Of a patch: the markers or contrasts in whose pictures it is asked, all where empty, and the truth."""


@dataclass(frozen=True)
class Evidence:
    """Why a feature has its name.

    Parameters
    ----------
    feature : int
    name : str
    auroc : float
        By the direction alone, the lower of the two halves.
    usual : float
        Part of the patches asked about that have the property.
    patches : int
        Patches with the property, the fewer of the two halves.
    """

    feature: int
    name: str
    auroc: float
    usual: float
    patches: int

    @property
    def sentence(self) -> str:
        """What is told beside the name."""
        return (
            "Suggested by simulated plates: the direction of this feature tells such patches from others with an "
            f"AUROC of {self.auroc:.2f}; {self.usual:.0%} of the patches are such."
        )


def named(
    backbone: Backbone, dictionary: Dictionary, count: int = 600, least: float = 0.95, fewest: int = 200
) -> list[Evidence]:
    """Features with a name, by their number; of several names the one of the highest AUROC."""
    halves = [_looked_at(backbone, dictionary, UNSEEN + half, count // 2) for half in range(2)]
    auroc = np.min([half[0] for half in halves], axis=0)  # (properties, features)
    patches, usual = np.min([half[1] for half in halves], axis=0), np.mean([half[2] for half in halves], axis=0)
    auroc[patches < fewest] = 0
    result = []
    for feature, number in enumerate(auroc.argmax(axis=0)):
        if (found := float(auroc[number, feature])) >= least:
            name = list(PROPERTIES)[number]
            figures = round(found, 3), round(float(usual[number]), 3), int(patches[number])
            result.append(Evidence(feature, name, *figures))
    return result


def _looked_at(
    backbone: Backbone, dictionary: Dictionary, seed: int, count: int
) -> tuple[Array, npt.NDArray[np.int64], Array]:
    """Of some pictures: ``(properties, features)`` AUROC, and per property how many patches have it, and which part."""
    along, having, asked = [], [], []
    for picture in islice(simulated_pictures(seed), count):
        assert picture.truth is not None
        lit = lit_patches(picture.pixels[None], backbone.spec.patch)[0].ravel()
        if not lit.any():
            continue
        truth = truths(picture.truth, backbone.spec.patch)
        tokens = field_tokens(backbone, picture.pixels[None], batch=16)[0].flatten(0, 1)[torch.from_numpy(lit)]
        along.append((dictionary.whitening.whiten(tokens) @ dictionary.atoms.T).numpy())
        having.append(np.stack([has(truth).ravel()[lit] for _, has in PROPERTIES.values()]))
        kind = [not markers or MARKERS[picture.marker] in markers for markers, _ in PROPERTIES.values()]
        asked.append(np.repeat(np.array(kind)[:, None], int(lit.sum()), axis=1))
    directions, has_it, use = np.concatenate(along), np.concatenate(having, axis=1), np.concatenate(asked, axis=1)
    auroc = np.stack([_auroc(directions[u], h[u]) for u, h in zip(use, has_it, strict=True)])
    patches = (has_it & use).sum(axis=1)
    return auroc, patches, patches / np.maximum(use.sum(axis=1), 1)


def _auroc(values: Array, truth: npt.NDArray[np.bool_]) -> Array:
    """AUROC of every column; 0 where nothing or everything is true."""
    positive = int(truth.sum())
    if positive in (0, len(truth)):
        return np.zeros(values.shape[1], np.float32)
    ranks = rankdata(values, axis=0)
    above = ranks[truth].sum(axis=0) - positive * (positive + 1) / 2
    return np.asarray(above / (positive * (len(truth) - positive)), np.float32)
