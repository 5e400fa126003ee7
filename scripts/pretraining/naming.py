"""Names for features whose meaning the simulator's truth establishes: what tells patches high along them from low ones?

Pictures of plates that neither the backbone nor the dictionary has seen. A name is given where a feature's direction
alone tells patches that have a property from those that have not with an AUROC of 0.95, in each of two halves of the
pictures, and to the best such feature only; to a feature that was taught something from 0.85 on. Features that were
taught a trait of whole cells are asked for cells instead, each among those of its plate, and the one that was taught to
count by its rank correlation; those that were taught what is measured in pixels by the tenth of all patches that has
most of it. Some properties are asked in pictures of some stains only, and the name says so. A name
has a question mark where the figure is lower than 0.95, or where people's labels have not confirmed it. The rest stays
unnamed. Dark patches do not count, here as in every lexicon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata, spearmanr

from napari_lexicon.backbones import Backbone
from napari_lexicon.dictionaries.dictionary import Dictionary

from .pixel_measures import MEASURED, MOST, measured_patches, much
from .properties import PROPERTIES, looked_at
from .whole_cells import COUNTED, TRAITS, TraitCells, counted_fields, trait_cells

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
    score : float
        By the direction alone, the lower of two halves: AUROC, or rank correlation where it is told so.
    taught : bool
        Whether the feature was taught it.
    told : str
        What was asked, and what the score is.
    """

    feature: int
    name: str
    score: float
    taught: bool
    told: str

    @property
    def sentence(self) -> str:
        """What is told beside the name."""
        return f"{'Taught on' if self.taught else 'Suggested by'} simulated cells: {self.told}."


def named(backbone: Backbone, dictionary: Dictionary, count: int = 800, fewest: int = 200) -> list[Evidence]:
    """Features with a name, by their number."""
    found = [
        *_of_patches(backbone, dictionary, count, fewest),
        *named_by_cells(backbone, dictionary, count),
        *_of_counts(backbone, dictionary, count),
        *named_by_measures(backbone, dictionary, count),
    ]
    return sorted(found, key=lambda evidence: evidence.feature)


def _of_patches(backbone: Backbone, dictionary: Dictionary, count: int, fewest: int) -> list[Evidence]:
    """Names by properties of patches, to those taught them and to the best of all others."""
    halves = [_half(backbone, dictionary, UNSEEN + half, count // 2) for half in range(2)]
    auroc = np.min([half[0] for half in halves], axis=0)  # (properties, features)
    patches, usual = np.min([half[1] for half in halves], axis=0), np.mean([half[2] for half in halves], axis=0)
    auroc[patches < fewest] = 0
    return names_by_patches(auroc, usual, dictionary.header.taught)


def names_by_patches(auroc: Array, usual: Array, taught: Mapping[int, str]) -> list[Evidence]:
    """What features are named by how well they tell patches with a property.

    Parameters
    ----------
    auroc : (properties, features) float32
        In the order of :data:`PROPERTIES`, 0 where too few patches had one.
    usual : (properties,) float32
        Which part of the patches asked about has each.
    taught : dict of int to str
        What features were taught.
    """
    names = list(PROPERTIES)
    found: dict[int, int] = {}
    for feature, name in taught.items():
        if name in PROPERTIES and auroc[number := names.index(name), feature] >= _PERHAPS:
            found[feature] = number
    for number, feature in enumerate(auroc.argmax(axis=1)):
        free = int(feature) not in found and int(feature) not in taught
        if free and auroc[number, feature] >= _SURE and names[number] not in taught.values():
            found[int(feature)] = number
    evidence = []
    for feature, number in found.items():
        score = float(auroc[number, feature])
        told = (
            f"on others the direction of this feature tells such patches from the rest with an AUROC of {score:.2f}; "
            f"{usual[number]:.0%} of the patches asked about are such"
        )
        sure = PROPERTIES[names[number]].confirmed and score >= _SURE
        name = names[number] if sure else f"{names[number]}?"
        evidence.append(Evidence(feature, name, round(score, 3), feature in taught, told))
    return evidence


def named_by_cells(backbone: Backbone, dictionary: Dictionary, count: int) -> list[Evidence]:
    """Names of the features that were taught traits of whole cells."""
    evidence = []
    for feature, name in dictionary.header.taught.items():
        if name not in TRAITS:
            continue
        direction = dictionary.atoms[feature].numpy()
        halves = []
        for half in range(2):
            (cells,) = trait_cells([(backbone, dictionary.whitening)], name, UNSEEN + half, max(2, count // 80))
            halves.append(within_plates(cells, cells.tokens @ direction))
        if (score := min(halves)) >= _PERHAPS:
            told = (
                "the mean of its direction over a cell tells such cells from others of their plate with an AUROC of "
                f"{score:.2f}, the mean over plates of many looks; between cells it was taught to be low"
            )
            evidence.append(Evidence(feature, f"{name}?", round(score, 3), True, told))
    return evidence


def within_plates(cells: TraitCells, values: Array) -> float:
    """AUROC of cells with a trait among those of their own plate, the mean over plates with five of either."""
    scores = []
    for plate in np.unique(cells.plate):
        own = cells.plate == plate
        if min(cells.has[own].sum(), (~cells.has[own]).sum()) >= 5:
            scores.append(float(_auroc(values[own, None], cells.has[own])[0]))
    return float(np.mean(scores)) if scores else 0.0


def _of_counts(backbone: Backbone, dictionary: Dictionary, count: int) -> list[Evidence]:
    """The name of the feature that was taught to follow the number of nuclei."""
    evidence = []
    for feature, name in dictionary.header.taught.items():
        if name != COUNTED:
            continue
        halves = []
        for half in range(2):
            (fields,) = counted_fields([(backbone, dictionary.whitening)], UNSEEN + half, max(4, count // 20))
            along = fields.tokens @ dictionary.atoms[feature].numpy()
            halves.append(float(spearmanr(along, fields.density).statistic))
        if (score := min(halves)) >= _PERHAPS:
            told = f"its mean over a field follows the number of nuclei per area with a rank correlation of {score:.2f}"
            evidence.append(Evidence(feature, f"{name}?", round(score, 3), True, told))
    return evidence


def named_by_measures(backbone: Backbone, dictionary: Dictionary, count: int) -> list[Evidence]:
    """Names of the features that were taught what is measured in pixels."""
    taught = {feature: name for feature, name in dictionary.header.taught.items() if name in MEASURED}
    if not taught:
        return []
    directions = dictionary.atoms[list(taught)].numpy().T
    halves = []
    for half in range(2):
        (patches,) = measured_patches([(backbone, dictionary.whitening)], UNSEEN + half, max(4, count // 4))
        along = patches.tokens @ directions
        has = [much(patches.amounts[name]) for name in taught.values()]
        halves.append([float(_auroc(along[:, [n]], having)[0]) for n, having in enumerate(has)])
    evidence = []
    for (feature, name), score in zip(taught.items(), np.min(halves, axis=0), strict=True):
        if score >= _PERHAPS:
            told = (
                f"{MEASURED[name].told}; on others the direction of this feature tells the {MOST:.0%} of all patches "
                f"with most of it from the rest with an AUROC of {score:.2f}"
            )
            sure = MEASURED[name].confirmed and score >= _SURE
            evidence.append(Evidence(feature, name if sure else f"{name}?", round(float(score), 3), True, told))
    return evidence


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
