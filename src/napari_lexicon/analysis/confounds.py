"""Question 4: does a feature follow the biology, or the plate, the batch, the place on the plate, focus and brightness?

How much of a feature's variation between wells goes with a factor is given as a share, 0 to 1, on ranks (so that a few
extreme wells do not decide), corrected for what as many random groups would explain. A factor that goes hand in hand
with the treatment cannot be told from it by any statistic, and is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from napari_lexicon.analysis.corrections import CORRECTIONS, control_problems
from napari_lexicon.analysis.false_discovery import benjamini_hochberg
from napari_lexicon.analysis.well_table import WellTable
from napari_lexicon.errors import PlateMapError

USUAL_NUISANCES = ("plate", "Metadata_Batch", "Metadata_batch", "Metadata_scanner", "row", "column", "edge")
LEAST_SHARE = 0.1  # of the variation between wells, for a feature to be flagged
ALPHA = 0.05
_SPLINE_KNOTS = 3
_SUMMARY = [
    "nuisance",
    "groups",
    "n_wells",
    "told_by_biology",
    "tells_biology",
    "tested",
    "flagged",
    "median_explained",
]
HAND_IN_HAND = 0.5  # part of one that is known from the other, from which two cannot be told apart


@dataclass(frozen=True)
class Factor:
    """Something that wells differ in.

    Parameters
    ----------
    name : str
        For a person.
    columns : numpy.ndarray
        ``(W, p)`` regressors without an intercept: one per group but the first, or a bent line through a number.
    groups : int
        Number of groups, 0 for numbers.
    measured : bool
        True for what was measured in a well, False for where the well is.
    """

    name: str
    columns: np.ndarray
    groups: int
    measured: bool = False


def factor(name: str, values: pd.Series, measured: bool = False) -> Factor:
    """A factor from a column: groups of text, or a number whose effect may bend."""
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > 6:
        ranks = stats.rankdata(values.to_numpy(dtype=float)) / len(values)
        knots = np.linspace(0, 1, _SPLINE_KNOTS + 1)[1:-1]
        bends = [np.maximum(ranks - knot, 0) for knot in knots]
        return Factor(name, np.stack([ranks, *bends], axis=1), 0, measured)
    codes, groups = pd.factorize(values.astype(str), sort=True)
    return Factor(name, np.eye(len(groups))[codes][:, 1:], len(groups), measured)


@dataclass(frozen=True)
class Confounds:
    """Answer to question 4.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per feature and nuisance: ``feature``, ``channel``, ``name``, ``nuisance``; ``explained`` (share of the
        feature's variation that goes with the nuisance), ``biology`` (with the biology), ``biology_beyond`` (what the
        biology adds once the nuisance is known), ``explained_beyond`` (the reverse); ``p`` (F-test, see ``tested``),
        ``q`` (over the features, this nuisance), ``flagged``; ``n_wells``.
    nuisances : pandas.DataFrame
        One row per nuisance: ``nuisance``, ``groups`` (0 for numbers), ``n_wells``, ``told_by_biology`` (share of the
        nuisance itself that goes with the biology) and ``tells_biology`` (the reverse; near 1 in either the two cannot
        be told apart), ``tested`` (``beyond`` the
        biology for where a well is, ``alone`` for what was measured in it), ``flagged`` (features),
        ``median_explained``.
    notes : tuple of str
        What limits the answer.
    """

    table: pd.DataFrame
    nuisances: pd.DataFrame
    notes: tuple[str, ...] = ()

    def flags(self) -> pd.DataFrame:
        """One row per feature and channel: ``flagged`` and ``because`` (its nuisances, most explained first)."""
        bad = self.table[self.table["flagged"]].sort_values("explained", ascending=False)
        said = bad.groupby(["feature", "channel"])["nuisance"].agg(", ".join).rename("because")
        every = self.table[["feature", "channel"]].drop_duplicates().set_index(["feature", "channel"])
        joined = every.join(said)
        joined["because"] = joined["because"].fillna("")
        joined["flagged"] = joined["because"] != ""
        return joined.reset_index()


def confounds(
    table: WellTable,
    biology: str = "perturbation",
    *,
    nuisances: Sequence[str] = (),
    measurements: pd.DataFrame | None = None,
    least: float = LEAST_SHARE,
    statistic: str = "fires",
) -> Confounds:
    """What every feature has to do with nuisances, next to the biology of interest.

    A feature is flagged for a nuisance that explains a significant part of it (q at most 0.05), at least ``least``,
    and more than the biology adds once the nuisance is known. Where a well is (plate, row, edge) must explain that
    much beyond the biology, among wells of one treatment: a layout in which every treatment has its own column is no
    evidence of anything, and is said in the notes. What was measured in a well (brightness, focus) is tested alone.

    Parameters
    ----------
    table : WellTable
        Features over wells.
    biology : str
        Column of interest, or several joined by commas.
    nuisances : sequence of str
        Columns to test; plate, batch, scanner, row, column and edge, as far as they differ, where empty.
    measurements : pandas.DataFrame, optional
        Numbers per well, one row per well of ``table`` in its order (brightness, focus, cell count), each a nuisance.
    least : float
        Share from which a feature is flagged.
    statistic : {"fires", "mean"}
        What of the feature is explained.

    Raises
    ------
    PlateMapError
        If a column is missing or the biology does not differ between wells.
    """
    labels = table.names(biology)
    known = labels.notna().to_numpy()
    if labels[known].nunique() < 2:
        raise PlateMapError(f"Column {biology} is alike in all wells: choose the column that says what was done.")
    chosen = table.take(wells=known)
    of_interest = factor(biology, labels[known].astype(str))
    factors = _nuisance_factors(chosen, biology, nuisances, None if measurements is None else measurements[known])
    ranked = _ranked(chosen.values(statistic))
    design = _centred(of_interest.columns)
    rows, summary, notes = [], [], list(_limits(of_interest, factors, int(known.sum())))
    for one in factors:
        both = _centred(np.concatenate([one.columns, of_interest.columns], axis=1))
        if len(ranked) - 2 < (one.columns.shape[1] if one.measured else both.shape[1]):
            notes.append(
                f"{one.name} has almost as many values as there are wells beside {biology}: nothing can be said "
                "about it."
            )
            continue
        found = _explained(ranked, _centred(one.columns), design, beyond=not one.measured)
        frame = chosen.features[["feature", "channel", "name"]].copy().assign(nuisance=one.name, **found)
        frame["q"] = benjamini_hochberg(frame["p"].to_numpy())
        enough = frame["explained" if one.measured else "explained_beyond"] >= least
        frame["flagged"] = (frame["q"] <= ALPHA) & enough & (frame["explained"] > frame["biology_beyond"])
        rows.append(frame.assign(n_wells=int(known.sum())))
        told, tells = _told(one.columns, design), _told(of_interest.columns, _centred(one.columns))
        summary.append(
            {
                "nuisance": one.name,
                "groups": one.groups,
                "n_wells": int(known.sum()),
                "told_by_biology": told,
                "tells_biology": tells,
                "tested": "alone" if one.measured else "beyond",
                "flagged": int(frame["flagged"].sum()),
                "median_explained": float(frame["explained"].median()),
            }
        )
        if max(told, tells) > HAND_IN_HAND:
            notes.append(
                f"{one.name} goes hand in hand with {biology} ({100 * max(told, tells):.0f} % of one is known from the "
                "other): whether a feature follows the one or the other cannot be told by these wells."
            )
    if not rows:
        notes.append("Nothing but the biology differs between these wells, so nothing can confound it that is known.")
    columns = ["feature", "channel", "name", "nuisance"]
    return Confounds(
        pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns),
        pd.DataFrame(summary, columns=_SUMMARY),
        tuple(notes),
    )


def _nuisance_factors(
    table: WellTable, biology: str, asked: Sequence[str], measurements: pd.DataFrame | None
) -> list[Factor]:
    names = list(asked) or [name for name in USUAL_NUISANCES if name in table.wells.columns]
    factors: list[Factor] = []
    for name in names:
        column = table.labels(name)
        if name in biology.split(",") or column.isna().any() or column.nunique() < 2:
            if asked:
                raise PlateMapError(f"Column {name} does not differ between wells that are known: leave it out.")
            continue
        # a batch called 20240131 is a name and no number, and a clogged tip has a column of its own
        grouped = name in USUAL_NUISANCES
        one = factor(name.removeprefix("Metadata_"), column.astype(str) if grouped else column)
        if not any(_same(one, other) for other in factors):
            factors.append(one)
    for name in () if measurements is None else measurements.columns:
        values = measurements[name].reset_index(drop=True)  # type: ignore[index]
        if values.notna().all() and values.nunique() > 2:
            factors.append(factor(str(name), values, measured=True))
    return factors


def _same(a: Factor, b: Factor) -> bool:
    """Two columns that group the wells alike (batch and plate where each batch is one plate)."""
    return a.columns.shape == b.columns.shape and bool((a.columns == b.columns).all())


def _limits(biology: Factor, factors: Sequence[Factor], n_wells: int) -> list[str]:
    said = []
    if n_wells - biology.columns.shape[1] - 1 < 10:
        said.append(
            f"{n_wells} wells hold {biology.groups} values of {biology.name}: almost every well is a value of its own, "
            "so what the nuisances add beyond it cannot be seen. Join values (leave out the dose)."
        )
    return said


def _ranked(values: np.ndarray) -> np.ndarray:
    """Ranks of every column, centred, of unit norm; columns that are constant become 0."""
    ranks = stats.rankdata(values.astype(np.float64), axis=0)  # of float32, scipy 1.18 gives ranks of float32
    ranks -= ranks.mean(axis=0)
    norms = np.linalg.norm(ranks, axis=0)
    return np.asarray(np.divide(ranks, norms, out=np.zeros_like(ranks), where=norms > 1e-9))


def _centred(columns: np.ndarray) -> np.ndarray:
    """Orthonormal directions of the regressors without their means; directions that add nothing are dropped."""
    left, sizes, _ = np.linalg.svd(columns - columns.mean(axis=0), full_matrices=False)
    return np.asarray(left[:, sizes > 1e-8 * max(1.0, sizes.max(initial=0.0))])


def _shares(ranked: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """``(F,)`` R² of every column of unit norm."""
    return np.asarray(((directions.T @ ranked) ** 2).sum(axis=0)).clip(0, 1)


def _told(columns: np.ndarray, directions: np.ndarray) -> float:
    """Mean share of regressors that directions explain, adjusted, not below 0."""
    shares = _adjusted(_shares(_ranked(columns), directions), len(directions), directions.shape[1])
    return max(0.0, float(np.mean(shares)))


def _adjusted(shares: np.ndarray, n: int, p: int) -> np.ndarray:
    """R² minus what ``p`` random directions explain of ``n`` wells."""
    if n - 1 - p < 1:
        return np.full(np.shape(shares), np.nan)
    return np.asarray(1 - (1 - shares) * (n - 1) / (n - 1 - p))


def _explained(
    ranked: np.ndarray, nuisance: np.ndarray, biology: np.ndarray, *, beyond: bool
) -> Mapping[str, np.ndarray]:
    n = len(ranked)
    both = _centred(np.concatenate([nuisance, biology], axis=1))
    share = {name: _shares(ranked, d) for name, d in (("n", nuisance), ("b", biology), ("nb", both))}
    a = {
        name: _adjusted(share[name], n, d.shape[1]).clip(min=0)
        for name, d in (("n", nuisance), ("b", biology), ("nb", both))
    }
    if beyond:
        p = _f_test(share["nb"], share["b"], both.shape[1], biology.shape[1], n)
    else:
        p = _f_test(share["n"], np.zeros_like(share["n"]), nuisance.shape[1], 0, n)
    silent = np.linalg.norm(ranked, axis=0) < 0.5
    return {
        "explained": a["n"],
        "biology": a["b"],
        "biology_beyond": (a["nb"] - a["n"]).clip(min=0),
        "explained_beyond": (a["nb"] - a["b"]).clip(min=0),
        "p": np.where(silent, 1.0, p),
    }


def _f_test(large: np.ndarray, small: np.ndarray, n_large: int, n_small: int, n: int) -> np.ndarray:
    """p of the R² that regressors add, 1 where they add none or no wells are left over."""
    added, freedom = n_large - n_small, n - 1 - n_large
    if added < 1 or freedom < 1:
        return np.ones(len(large))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = ((large - small) / added) / ((1 - large) / freedom)
    return np.asarray(stats.f.sf(ratio, added, freedom))


def corrected_confounds(
    table: WellTable,
    biology: str = "perturbation",
    *,
    controls: str,
    corrections: Sequence[str] = ("none", "plate"),
    nuisances: Sequence[str] = (),
    measurements: pd.DataFrame | None = None,
    across: str = "plate",
) -> pd.DataFrame:
    """How many features are flagged before and after corrections that keep features apart.

    Parameters
    ----------
    table : WellTable
        Features over wells.
    biology, controls : str
        Column of interest, and the question that chooses the control wells.
    corrections : sequence of str
        Names of :data:`napari_lexicon.analysis.corrections.CORRECTIONS`.
    nuisances, measurements : optional
        As in :func:`confounds`.
    across : str
        Column whose values are corrected one by one: plate, batch.

    Returns
    -------
    pandas.DataFrame
        One row per correction and nuisance: ``correction``, ``nuisance``, ``flagged``, ``median_explained``,
        ``biology`` (median over features), ``n_wells``.

    Raises
    ------
    PlateMapError
        If a correction mixes features (TVN, Harmony): those are compared by probes.
    """
    control, batches = table.where(controls), table.labels(across).astype(str).to_numpy()
    rows = []
    for name in corrections:
        if not CORRECTIONS[name].keeps_features:
            raise PlateMapError(f"{CORRECTIONS[name].label} mixes features, so none is left to flag: use probes.")
        values = CORRECTIONS[name].apply(table.fires, control, batches).astype(np.float32)
        moved = WellTable(table.wells, table.features, values, values, table.tokens)
        found = confounds(moved, biology, nuisances=nuisances, measurements=measurements)
        one = found.nuisances[["nuisance", "flagged", "median_explained", "n_wells"]].copy()
        one.insert(0, "correction", name)
        median = found.table.groupby("nuisance")["biology"].median()
        rows.append(one.assign(biology=one["nuisance"].map(median)))
    return pd.concat(rows, ignore_index=True)


def control_notes(table: WellTable, controls: str, n_directions: int | None = None) -> list[str]:
    """What the control wells are too few for; see :func:`napari_lexicon.analysis.corrections.control_problems`."""
    return control_problems(table.wells, table.where(controls), n_directions)
