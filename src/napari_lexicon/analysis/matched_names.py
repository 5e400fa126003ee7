"""Names of one dictionary for the features of another: matched by the directions of their atoms.

A direction travels in the space of tokens. In the whitened space of the other dictionary it is compared with every
atom; a name is taken by the atom nearest to it, if that is near enough and nearest to no other name.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.lexicons import Lexicon
from napari_lexicon.lexicons.names import FeatureName
from napari_lexicon.lexicons.names_file import NamesFile, read_tensor

LEAST_COSINE = 0.8
TAKEN, KEPT, UNMATCHED = "taken", "kept what was there", "no atom is near enough"


@dataclass(frozen=True)
class MatchedNames:
    """What would become of names in another lexicon.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per name: ``name``, ``from`` (its feature), ``to`` (the matched feature, -1 without), ``cosine`` of the
        two directions, ``outcome``.
    taken : dict of int to FeatureName
        Names to give, by feature.
    """

    table: pd.DataFrame
    taken: dict[int, FeatureName]


def match_names(
    lexicon: Lexicon, names: NamesFile, *, least: float = LEAST_COSINE, replace: bool = False
) -> MatchedNames:
    """Find the features of a lexicon that names of a file belong to; nothing is written.

    Parameters
    ----------
    lexicon : Lexicon
        Whose features are to be named.
    names : NamesFile
        Names, from this or another dictionary.
    least : float
        Cosine from which two atoms count as the same; not used for the very dictionary of the file.
    replace : bool
        Names in the file win over names that features have already.

    Raises
    ------
    LexiconFolderError
        If the lexicon has no dictionary, or was made with another model or another treatment of channels.
    """
    known, reference = lexicon.names, lexicon.header.dictionary
    assert reference is not None  # names raises where there is none
    features = np.array([one.feature for one in names.names], dtype=np.int64)
    if reference.hash == names.dictionary:
        to, cosine = features, np.ones(len(features))
    else:
        _check_same_space(lexicon, names)
        to, cosine = _nearest(lexicon, names, least)
    rows, taken = [], {}
    for one, target, near in zip(names.names, to, cosine, strict=True):
        outcome = UNMATCHED if target < 0 else TAKEN
        if target >= 0 and known.get(int(target)) is not None and not replace:
            outcome = KEPT
        if outcome == TAKEN:
            taken[int(target)] = one.said
        name = one.said.name or f"#{one.feature}"
        rows.append({"name": name, "from": one.feature, "to": int(target), "cosine": float(near), "outcome": outcome})
    return MatchedNames(pd.DataFrame(rows), taken)


def _check_same_space(lexicon: Lexicon, names: NamesFile) -> None:
    ours, theirs = dict(lexicon.header.backbone), names.backbone
    for key in ("id", "weights", "weights_hash", "layer", "dim"):
        if ours.get(key) != theirs.get(key):
            raise LexiconFolderError(
                f"The names are of another model ({key} {theirs.get(key)}, in {lexicon.path} {ours.get(key)}): names "
                "can be matched between dictionaries of one model and layer."
            )
    reference = lexicon.header.dictionary
    if reference is not None and reference.channels != names.channels:
        raise LexiconFolderError(
            f"The names are of a dictionary that takes channels {names.channels}, that of {lexicon.path} takes them "
            f"{reference.channels}: their atoms cannot be compared."
        )


def _nearest(lexicon: Lexicon, names: NamesFile, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Nearest atom of every name, -1 where none is near enough or another name is nearer to it; and the cosines."""
    atoms, matrix = read_tensor(lexicon, "atoms"), read_tensor(lexicon, "whitening.matrix")
    directions = np.array([one.direction for one in names.names], dtype=np.float64)
    if directions.shape[1] != matrix.shape[1]:
        raise LexiconFolderError(
            f"The directions of the names have {directions.shape[1]} numbers, the tokens of {lexicon.path} have "
            f"{matrix.shape[1]}: export the names again."
        )
    whitened = directions @ matrix.T.astype(np.float64)
    whitened /= np.maximum(np.linalg.norm(whitened, axis=1, keepdims=True), 1e-12)
    cosines = whitened @ atoms.T.astype(np.float64)
    best, near = cosines.argmax(axis=1), cosines.max(axis=1)
    for n, target in enumerate(best.copy()):
        rivals = np.flatnonzero(best == target)
        if near[n] < least or (len(rivals) > 1 and near[rivals].max() > near[n]):
            best[n] = -1
    return best, near
