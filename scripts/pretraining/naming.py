"""Names for features whose meaning the simulator's truth establishes: what tells patches high along them from low ones?

Pictures of plates that neither the backbone nor the dictionary has seen. A name is given where a feature's direction
alone tells patches that have a property from those that have not with an AUROC of 0.95, in each of two halves of the
pictures, and to the best such feature only; to a feature that was taught something from 0.85 on. Some properties are
asked in pictures of some stains only, and the name says so. A name has a question mark where the AUROC is lower than
0.95, or where people's labels have not confirmed it. The rest stays unnamed. Dark patches do not count, here as in
every lexicon.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from napari_lexicon.backbones import Backbone
from napari_lexicon.dictionaries.dictionary import Dictionary

from .properties import PROPERTIES, looked_at

Array = npt.NDArray[np.float32]

UNSEEN = 900_000
"""First seed of the pictures; pretraining uses shard numbers, the dictionary's sample 1000, what is taught 800,000."""

_SURE, _PERHAPS = 0.95, 0.85


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
    taught : bool
        Whether the feature was taught it.
    """

    feature: int
    name: str
    auroc: float
    usual: float
    patches: int

    taught: bool

    @property
    def sentence(self) -> str:
        """What is told beside the name."""
        origin = "Taught on simulated cells" if self.taught else "Suggested by simulated cells"
        return (
            f"{origin}: on others the direction of this feature tells such patches from the rest with an AUROC of "
            f"{self.auroc:.2f}; {self.usual:.0%} of the patches asked about are such."
        )


def named(backbone: Backbone, dictionary: Dictionary, count: int = 600, fewest: int = 200) -> list[Evidence]:
    """Features with a name, by their number."""
    halves = [_half(backbone, dictionary, UNSEEN + half, count // 2) for half in range(2)]
    auroc = np.min([half[0] for half in halves], axis=0)  # (properties, features)
    patches, usual = np.min([half[1] for half in halves], axis=0), np.mean([half[2] for half in halves], axis=0)
    auroc[patches < fewest] = 0
    names, taught = list(PROPERTIES), dictionary.header.taught
    found: dict[int, tuple[int, str]] = {}
    for feature, name in taught.items():
        if auroc[number := names.index(name), feature] >= _PERHAPS:
            found[feature] = number, name
    for number, feature in enumerate(auroc.argmax(axis=1)):
        if int(feature) not in found and auroc[number, feature] >= _SURE and names[number] not in taught.values():
            found[int(feature)] = number, names[number]
    return [
        Evidence(
            feature,
            name if PROPERTIES[name].confirmed and auroc[number, feature] >= _SURE else f"{name}?",
            round(float(auroc[number, feature]), 3),
            round(float(usual[number]), 3),
            int(patches[number]),
            feature in taught,
        )
        for feature, (number, name) in sorted(found.items())
    ]


def _half(backbone: Backbone, dictionary: Dictionary, seed: int, count: int) -> tuple[Array, Array, Array]:
    """Of some pictures: ``(properties, features)`` AUROC, and per property how many patches have it, and which part."""
    (patches,) = looked_at([(backbone, dictionary.whitening)], seed, count)
    directions = patches.tokens @ dictionary.atoms.numpy().T
    questions = [patches.asked(wanted) for wanted in PROPERTIES.values()]
    auroc = np.stack([_auroc(directions[use], has[use]) for use, has in questions])
    having = np.array([float((use & has).sum()) for use, has in questions], np.float32)
    asked = np.array([float(max(use.sum(), 1)) for use, _ in questions], np.float32)
    return auroc, having, np.asarray(having / asked, np.float32)


def _auroc(values: Array, truth: npt.NDArray[np.bool_]) -> Array:
    """AUROC of every column; 0 where nothing or everything is true."""
    positive = int(truth.sum())
    if positive in (0, len(truth)):
        return np.zeros(values.shape[1], np.float32)
    ranks = rankdata(values, axis=0)
    above = ranks[truth].sum(axis=0) - positive * (positive + 1) / 2
    return np.asarray(above / (positive * (len(truth) - positive)), np.float32)
