"""Question 6: do features come back, in a second dictionary, and do their effects, on a second plate?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import sparse

from napari_lexicon.analysis.channels import sparse_codes
from napari_lexicon.analysis.conditions import CONTROLS
from napari_lexicon.analysis.effects import treatment_effects
from napari_lexicon.analysis.notes import noted, without_controls
from napari_lexicon.analysis.reading import Told, finished_fields, untold
from napari_lexicon.analysis.selectivity import plain_selectivity
from napari_lexicon.analysis.well_table import WellTable, in_order
from napari_lexicon.errors import LexiconFolderError, PlateMapError
from napari_lexicon.lexicons import FieldCodes, Lexicon, LexiconPlate

_LEAST_PATCHES = 20


class MatchedMaps:
    """Correlation over patches of the features of two dictionaries, gathered field by field.

    Parameters
    ----------
    n_first, n_second : int
        Their numbers of features.
    """

    def __init__(self, n_first: int, n_second: int):
        self._cross = np.zeros((n_first, n_second), np.float32)
        self._sums = [np.zeros(n_first), np.zeros(n_second)]
        self._squares = [np.zeros(n_first), np.zeros(n_second)]
        self._fires = np.zeros(n_first, np.int64)
        self._patches = self._fields = 0
        self._wells: set[str] = set()

    def add(
        self,
        well: str,
        first: FieldCodes,
        second: FieldCodes,
        groups: Sequence[tuple[int, int]] | None = None,
        onto: sparse.csr_matrix | None = None,
    ) -> None:
        """Add a field: its codes by either dictionary.

        Parameters
        ----------
        well : str
            Where it lies: a name that is unique over all plates.
        first, second : FieldCodes
            Of one field.
        groups : sequence of tuple, optional
            Which channel group of the first goes with which of the second; each with its like where None.
        onto : scipy.sparse.csr_matrix, optional
            ``(tokens of first, tokens of second)`` parts of the second's patches in each patch of the first; see
            :func:`patches_onto`. The same patches where None.

        Raises
        ------
        LexiconFolderError
            If the grids differ and nothing says how.
        """
        if onto is None and first.indices.shape[1:3] != second.indices.shape[1:3]:
            raise LexiconFolderError("The two lexicons have other patches for the same field.")
        for g, h in groups if groups is not None else [(g, g) for g in range(len(first.channels))]:
            both = [sparse_codes(first, g, self._cross.shape[0]), sparse_codes(second, h, self._cross.shape[1])]
            if onto is not None:
                both[1] = sparse.csr_matrix(onto @ both[1])
            self._cross += np.asarray((both[0].T @ both[1]).todense(), dtype=np.float32)
            for side, one in enumerate(both):
                self._sums[side] += np.asarray(one.sum(axis=0)).ravel()
                self._squares[side] += np.asarray(one.multiply(one).sum(axis=0)).ravel()
            self._fires += np.bincount(both[0].indices[both[0].data > 0], minlength=len(self._fires))
            self._patches += both[0].shape[0]
        self._fields += 1
        self._wells.add(well)

    def table(self) -> pd.DataFrame:
        """The best match of every feature of the first dictionary.

        Returns
        -------
        pandas.DataFrame
            ``feature``, ``match`` (feature of the second), ``r`` (Pearson over patches, -1 to 1), ``mutual`` (the match
            has this feature for its best), ``r_next`` (of the second best), ``n_patches`` where it fires,
            ``n_fields`` and ``n_wells`` behind the correlation. Features that fire in fewer than 20 patches are left
            out.
        """
        n = max(self._patches, 1)
        spread = [
            np.sqrt((squares - sums**2 / n).clip(min=0))
            for sums, squares in zip(self._sums, self._squares, strict=True)
        ]
        scale = np.outer(*spread)
        covered = self._cross - np.outer(*self._sums) / n
        r = np.divide(covered, scale, out=np.zeros_like(covered), where=scale > 1e-9)
        use = np.flatnonzero(self._fires >= _LEAST_PATCHES)
        best = r.argmax(axis=1)
        back = r.argmax(axis=0)
        next_best = np.partition(r, -2, axis=1)[:, -2] if r.shape[1] > 1 else np.full(len(r), np.nan)
        return pd.DataFrame(
            {
                "feature": use,
                "match": best[use],
                "r": r[use, best[use]],
                "mutual": back[best[use]] == use,
                "r_next": next_best[use],
                "n_patches": self._fires[use],
                "n_fields": self._fields,
                "n_wells": len(self._wells),
            }
        )


def patches_onto(first: tuple[tuple[int, int], int], second: tuple[tuple[int, int], int]) -> sparse.csr_matrix | None:
    """Which part of every patch of one grid is covered by each patch of another over the same field.

    Parameters
    ----------
    first, second : tuple
        Shape of the field ``(Y, X)`` in the pixels it was read at, and side of a patch.

    Returns
    -------
    scipy.sparse.csr_matrix, optional
        ``(tokens of first, tokens of second)``, rows add up to 1; None where both have the same patches.
    """
    if first == second:
        return None
    axes = []
    for axis in (0, 1):
        edges = [
            np.append(np.arange(0, shape[axis], patch), shape[axis]) / shape[axis] for shape, patch in (first, second)
        ]
        low = np.maximum(edges[0][:-1, None], edges[1][None, :-1])
        high = np.minimum(edges[0][1:, None], edges[1][None, 1:])
        share = (high - low).clip(min=0)
        axes.append(sparse.csr_matrix(share / share.sum(axis=1, keepdims=True)))
    return sparse.csr_matrix(sparse.kron(axes[0], axes[1]))


def _paired_groups(
    first: LexiconPlate, mine: FieldCodes, second: LexiconPlate, theirs: FieldCodes
) -> list[tuple[int, int]]:
    """Channel groups that go together: of one channel, or any with the one group of joined channels."""
    if first.joint or second.joint:
        return [(g, h) for g in range(len(mine.channels)) for h in range(len(theirs.channels))]
    names = [second.header.channels[c].name for c in theirs.channels]
    own = [first.header.channels[c].name for c in mine.channels]
    return [(g, names.index(name)) for g, name in enumerate(own) if name in names]


def matched_features(first: Lexicon, second: Lexicon, told: Told = untold) -> pd.DataFrame:
    """Match the features of two lexicons over the fields that both have; see :meth:`MatchedMaps.table`.

    Dictionaries may be of other seeds, sizes or backbones: maps of other patches are averaged over those of the first.

    Raises
    ------
    LexiconFolderError
        If they share no field.
    """
    others = {(plate.header.name, field.well, field.name): (plate, n) for plate in second.plates.values()
              for n, field in enumerate(plate.fields) if plate.mark("codes", n) is not None}  # fmt: skip
    sizes = [one.header.dictionary.n_features for one in (first, second) if one.header.dictionary is not None]
    if len(sizes) < 2:
        raise LexiconFolderError("Both lexicons need codes: run apply with a dictionary first.")
    maps, n_both = MatchedMaps(sizes[0], sizes[1]), 0
    for one in finished_fields(first.plates.values(), told=told):
        key = (one.plate.header.name, one.header.well, one.header.name)
        if key in others:
            plate, number = others[key]
            codes = plate.codes(number)
            assert codes is not None  # it has a mark
            groups = _paired_groups(one.plate, one.codes, plate, codes)
            theirs = plate.fields[number]
            onto = patches_onto((one.header.shape, first.backbone.patch), (theirs.shape, second.backbone.patch))
            maps.add(f"{one.plate.id}/{one.header.well}", one.codes, codes, groups, onto)
            n_both += bool(groups)
    if not n_both:
        raise LexiconFolderError(
            f"{first.path} and {second.path} share no finished field and channel: apply both dictionaries to the same "
            "plate."
        )
    return maps.table()


def kept_effects(first: pd.DataFrame, second: pd.DataFrame, fdr: float = 0.05) -> pd.DataFrame:
    """Do the effects of treatments on features come back on another plate, batch or data set?

    Parameters
    ----------
    first, second : pandas.DataFrame
        As of :func:`napari_lexicon.analysis.effects.treatment_effects`, of one dictionary.
    fdr : float
        Rate up to which a feature is called in ``first``.

    Returns
    -------
    pandas.DataFrame
        One row per treatment of both: ``treatment``, ``n_called`` (in the first), ``same_sign`` (part of these that go
        the same way in the second), ``called_again`` (part that is called there too, with the same sign), ``r``
        (correlation of effects over all features), ``n_features``, ``n_wells``, ``n_wells_second``.
    """
    keys = ["treatment", "feature", "channel"]
    both = first.merge(second, on=keys, suffixes=("", "_second"))
    rows = []
    for treatment, own in both.groupby("treatment"):
        called = own[own["q"] <= fdr]
        same = np.sign(called["effect"]) == np.sign(called["effect_second"])
        a, b = own["effect"].to_numpy(), own["effect_second"].to_numpy()
        rows.append(
            {
                "treatment": treatment,
                "n_called": len(called),
                "same_sign": float(same.mean()) if len(called) else np.nan,
                "called_again": float((same & (called["q_second"] <= fdr)).mean()) if len(called) else np.nan,
                "r": float(np.corrcoef(a, b)[0, 1]) if np.std(a) > 0 and np.std(b) > 0 else np.nan,
                "n_features": len(own),
                "n_wells": int(own["n_wells"].iloc[0]),
                "n_wells_second": int(own["n_wells_second"].iloc[0]),
            }
        )
    columns = ["treatment", "n_called", "same_sign", "called_again", "r", "n_features", "n_wells", "n_wells_second"]
    return pd.DataFrame(rows, columns=columns)


def transferred(
    first: WellTable, second: WellTable, by: str, *, controls: str = CONTROLS, seed: int = 0
) -> pd.DataFrame:
    """Do effects and selectivity of features come back in other wells, read with the same dictionary?

    Parameters
    ----------
    first, second : WellTable
        The same features over other wells.
    by, controls : str
        As in :func:`napari_lexicon.analysis.effects.treatment_effects`.
    seed : int
        Of the shuffles.

    Returns
    -------
    pandas.DataFrame
        As of :func:`kept_effects`, with ``r_selectivity``: correlation over features of the selectivity for the
        treatment, NaN where either side has too few values to be selective among.
    """
    effects = [treatment_effects(one, by, controls=controls, seed=seed) for one in (first, second)]
    kept = kept_effects(effects[0], effects[1])
    try:
        a, b = (plain_selectivity(one, by) for one in (first, second))
    except PlateMapError:
        return kept.assign(r_selectivity=np.nan)
    a, b = a.align(b, join="inner", axis=0)
    shared = [name for name in a.columns if name in b.columns and a[name].std() > 0 and b[name].std() > 0]
    r = {name: float(np.corrcoef(a[name], b[name])[0, 1]) for name in shared}
    return kept.assign(r_selectivity=kept["treatment"].map(r).astype(float))


def transferred_between(
    table: WellTable, by: str, column: str = "plate", *, controls: str = CONTROLS, seed: int = 0
) -> pd.DataFrame:
    """:func:`transferred` from every value of a column (plate, batch) to every other: ``first``, ``second``.

    Values without treatments and controls are left out, and named in the notes.

    Raises
    ------
    PlateMapError
        If fewer than two values are left.
    """
    labels = table.names(column)
    parts, left_out = {}, []
    for value in in_order(labels):
        own = table.take(wells=(labels == value).to_numpy())
        try:
            treatment_effects(own, by, controls=controls, permutations=1, seed=seed)
        except PlateMapError:
            left_out.append(value)
        else:
            parts[value] = own
    if len(parts) < 2:
        raise PlateMapError(
            f"Effects come back from one value of {column} to another, and {len(parts)} has treated and control wells: "
            "give --other."
        )
    rows = [
        transferred(parts[a], parts[b], by, controls=controls, seed=seed).assign(first=a, second=b)
        for a in parts
        for b in parts
        if a != b
    ]
    return noted(pd.concat(rows, ignore_index=True), without_controls(left_out))
