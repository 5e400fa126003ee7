"""Question 1: when a feature counts as active. The paper does not say; the usual reading is a value above 0.

Statistics of a lexicon count values above 0. Any other definition counts the codes again, field by field.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from napari_lexicon.analysis.features import PlateStatistics
from napari_lexicon.analysis.lexicon_tables import plate_statistics
from napari_lexicon.analysis.reading import Told, finished_fields, untold
from napari_lexicon.errors import LexiconError
from napari_lexicon.lexicons import FieldCodes, Lexicon

POSITIVE, NONZERO = "positive", "nonzero"


def threshold_of(active: str) -> float | None:
    """The value that must be exceeded; None for every value but 0.

    Raises
    ------
    LexiconError
        If it is neither a word that is known nor a number from 0 on.
    """
    if active == NONZERO:
        return None
    try:
        level = 0.0 if active == POSITIVE else float(active)
    except ValueError:
        level = -1.0
    if not level >= 0:
        raise LexiconError(
            f"A feature is active where it is {POSITIVE}, {NONZERO} or above a number, not {active!r}: "
            "correct --active."
        )
    return level


def active_counts(codes: FieldCodes, n_features: int, level: float | None) -> np.ndarray:
    """Tokens in which each feature is active.

    Parameters
    ----------
    codes : FieldCodes
        Of one field; values of a feature that stands twice in a token add up.
    n_features : int
        M.
    level : float, optional
        Value that must be exceeded; every value but 0 where None.

    Returns
    -------
    numpy.ndarray
        ``(G, M)`` uint32.
    """
    groups, k = len(codes.channels), codes.indices.shape[-1]
    counts = np.zeros((groups, n_features), np.uint32)
    for g in range(groups):
        column = codes.indices[g].reshape(-1).astype(np.int64)
        keys = np.repeat(np.arange(len(column) // k), k) * n_features + column
        where, inverse = np.unique(keys, return_inverse=True)
        merged = np.bincount(inverse, codes.values[g].reshape(-1).astype(np.float64))
        fires = merged != 0 if level is None else merged > level
        counts[g] = np.bincount(where[fires] % n_features, minlength=n_features)
    return counts


def active_statistics(lexicon: Lexicon, active: str, told: Told = untold) -> list[PlateStatistics]:
    """Statistics of every plate in which ``active`` is counted by another definition.

    Parameters
    ----------
    lexicon : Lexicon
        With codes.
    active : str
        ``positive``, ``nonzero`` or a number, in the unit of codes (coefficients of whitened tokens of unit norm).
    told : callable
        Told of every field that is read.

    Raises
    ------
    LexiconError
        If there are no codes, or the definition cannot be understood.
    """
    level = threshold_of(active)
    plates = plate_statistics(lexicon)
    counts = {plate.id: np.zeros_like(plate.statistics().active) for plate in lexicon.plates.values() if plate.n_done()}
    done = [plate for plate in lexicon.plates.values() if plate.n_done()]
    position = {plate.id: {well: w for w, well in enumerate(plate.wells)} for plate in done}
    for one in finished_fields(done, told=told):
        own = counts[one.plate.id]
        rows = np.asarray(one.codes.channels, dtype=np.int64)
        own[position[one.plate.id][one.header.well], rows] += active_counts(one.codes, own.shape[2], level)
    return [
        replace(plate, statistics=replace(plate.statistics, active=own))
        for plate, own in zip(plates, counts.values(), strict=True)
    ]
