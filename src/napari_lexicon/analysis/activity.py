"""Question 7: do replicates of a treatment resemble each other more than controls, and do treatments of one kind?

Mean average precision as in copairs (Kalinin et al., Nature Communications 2025), which the tests compare with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from napari_lexicon.analysis.conditions import CONTROLS
from napari_lexicon.analysis.corrections import standardised_on_controls
from napari_lexicon.analysis.false_discovery import benjamini_hochberg
from napari_lexicon.analysis.well_table import WellTable
from napari_lexicon.errors import PlateMapError

NULL_SIZE = 10_000


def average_precision(similarity: np.ndarray, positive: np.ndarray, other: np.ndarray) -> float:
    """Mean, over the positives, of the precision at each one's rank among positives and others.

    Parameters
    ----------
    similarity : numpy.ndarray
        ``(n,)`` of one well with every other.
    positive, other : numpy.ndarray
        ``(n,)`` bool: wells that should rank high, and wells that they are ranked against.

    Returns
    -------
    float
        0 to 1; NaN without positives or without others.
    """
    if not positive.any() or not other.any():
        return float("nan")
    ranked = np.concatenate([positive[positive], np.zeros(int(other.sum()), bool)])
    # ties rank the others first: a well that cannot be told from a control has not been found
    order = np.lexsort((ranked, -np.concatenate([similarity[positive], similarity[other]])))
    hits = ranked[order]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean())


def replicate_activity(
    table: WellTable,
    by: str = "perturbation",
    *,
    controls: str = CONTROLS,
    across: str | None = None,
    seed: int = 0,
    null_size: int = NULL_SIZE,
) -> pd.DataFrame:
    """Phenotypic activity: how well the replicates of a treatment find each other among control wells.

    Profiles are the parts of tokens where features fire, standardised on the controls of each plate; similarity is the
    cosine.

    Parameters
    ----------
    table : WellTable
        Features over wells.
    by : str
        Column that names the treatment, or several joined by commas.
    controls : str
        Question that chooses the control wells.
    across : str, optional
        Only wells that differ in this column count as replicates (``plate``, ``batch``, ``well`` for another layout
        position): the stricter question.
    seed : int
        Of the null.
    null_size : int
        Random rankings behind each p-value.

    Returns
    -------
    pandas.DataFrame
        One row per treatment, best first: ``treatment``, ``map`` (0 to 1), ``chance`` (its mean under random ranking),
        ``p``, ``q``, ``n_wells`` (with a replicate), ``n_controls``.

    Raises
    ------
    PlateMapError
        If there are no controls, or no treatment has replicates.
    """
    control = table.where(controls)
    if control.sum() < 2:
        raise PlateMapError(f"Activity needs two control wells at least, and {controls!r} gives {int(control.sum())}.")
    labels = table.labels(by).astype(object).where(~control)
    return _mapped(_profiles(table, controls), labels, control, _differs(table, across), seed, null_size, "n_controls")


def consistency(
    table: WellTable,
    kind: str,
    by: str = "perturbation",
    *,
    controls: str = CONTROLS,
    across: str | None = None,
    seed: int = 0,
    null_size: int = NULL_SIZE,
) -> pd.DataFrame:
    """Phenotypic consistency: how well treatments of one kind (target, mechanism) find each other among other kinds.

    Parameters
    ----------
    table, controls, across, seed, null_size
        As in :func:`replicate_activity`.
    kind : str
        Column that names the target or mechanism.
    by : str
        Column that names the treatment; wells of one treatment do not count as finding each other.

    Returns
    -------
    pandas.DataFrame
        As of :func:`replicate_activity`, one row per kind; ``n_controls`` is ``n_others``, wells of other kinds.
    """
    control = table.where(controls)
    kinds = table.labels(kind).astype(object).where(~control)
    treatment = table.labels(by).astype(str).to_numpy()
    allowed = _differs(table, across) & (treatment[:, None] != treatment[None])
    others = kinds.notna().to_numpy()
    return _mapped(_profiles(table, controls), kinds, others, allowed, seed, null_size, "n_others")


def _profiles(table: WellTable, controls: str) -> np.ndarray:
    return standardised_on_controls(table.fires, table.where(controls), table.wells["plate"].to_numpy())


def _differs(table: WellTable, across: str | None) -> np.ndarray:
    """``(W, W)``: pairs that may count as replicates."""
    if across is None:
        return ~np.eye(len(table), dtype=bool)
    column = table.labels(across).astype(str).to_numpy()
    return np.asarray(column[:, None] != column[None])


@dataclass(frozen=True)
class _Found:
    label: str
    scores: list[float]
    sizes: list[tuple[int, int]]


def _mapped(
    profiles: np.ndarray,
    labels: pd.Series,
    others: np.ndarray,
    allowed: np.ndarray,
    seed: int,
    null_size: int,
    others_name: str,
) -> pd.DataFrame:
    similarity = cosine(profiles)
    found = []
    for label in sorted(labels.dropna().unique(), key=str):
        same = (labels == label).to_numpy()
        scores, sizes = [], []
        for w in np.flatnonzero(same):
            positive, other = same & allowed[w], others & ~same
            score = average_precision(similarity[w], positive, other)
            if np.isfinite(score):
                scores.append(score)
                sizes.append((int(positive.sum()), int(other.sum())))
        if scores:
            found.append(_Found(str(label), scores, sizes))
    if not found:
        raise PlateMapError(f"No value of {labels.name} has two wells that count as replicates: choose another column.")
    return _scored(found, seed, null_size, others_name)


def _scored(found: list[_Found], seed: int, null_size: int, others_name: str) -> pd.DataFrame:
    nulls: dict[tuple[int, int], np.ndarray] = {}
    rows = []
    for one in found:
        for size in set(one.sizes):
            if size not in nulls:
                nulls[size] = random_precisions(*size, null_size, np.random.default_rng([seed, *size]))
        null = np.mean([nulls[size] for size in one.sizes], axis=0)
        score = float(np.mean(one.scores))
        rows.append(
            {
                "treatment": one.label,
                "map": score,
                "chance": float(null.mean()),
                "p": float((1 + (null >= score - 1e-12).sum()) / (1 + null_size)),
                "n_wells": len(one.scores),
                others_name: max(size[1] for size in one.sizes),
            }
        )
    frame = pd.DataFrame(rows)
    frame.insert(4, "q", benjamini_hochberg(frame["p"].to_numpy()))
    return frame.sort_values(["map", "treatment"], ascending=[False, True], ignore_index=True)


def random_precisions(n_positive: int, n_other: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """``(size,)`` average precisions of random rankings."""
    total = n_positive + n_other
    ranks = np.sort(np.argsort(rng.random((size, total)), axis=1)[:, :n_positive], axis=1) + 1
    return np.asarray((np.arange(1, n_positive + 1) / ranks).mean(axis=1))


def cosine(profiles: np.ndarray) -> np.ndarray:
    """``(W, W)`` cosines of rows; 0 for rows of zeros."""
    norms = np.linalg.norm(profiles, axis=1, keepdims=True)
    unit = np.divide(profiles, norms, out=np.zeros_like(profiles, dtype=np.float64), where=norms > 0)
    return np.asarray(unit @ unit.T)


def similar_treatments(
    table: WellTable, by: str = "perturbation", *, controls: str = CONTROLS, known: str | None = None
) -> pd.DataFrame:
    """Which treatments look alike in the space of features, nearest first.

    Parameters
    ----------
    table : WellTable
        Features over wells.
    by : str
        Column that names the treatment, or several joined by commas.
    controls : str
        Question that chooses the negative controls that profiles are standardised on.
    known : str, optional
        Question that chooses wells of known treatments (``Metadata_pert_type == 'poscon'``); every treatment is then
        compared with these only.

    Returns
    -------
    pandas.DataFrame
        One row per ordered pair: ``treatment``, ``other``, ``cosine`` of their mean profiles (-1 to 1), ``rank`` (1 for
        the nearest), ``strength`` (length of the treatment's mean profile over that of single control wells; about 1
        divided by the root of its wells where it does nothing), ``n_wells``, ``n_wells_other``.
    """
    control = table.where(controls)
    profiles = _profiles(table, controls)
    labels = table.labels(by).astype(object).where(~control)
    usual = float(np.sqrt((profiles[control] ** 2).sum(axis=1).mean())) or 1.0
    names = sorted(labels.dropna().unique(), key=str)
    means = np.stack([profiles[(labels == name).to_numpy()].mean(axis=0) for name in names])
    counts = [int((labels == name).sum()) for name in names]
    anchors = set(names) if known is None else set(labels[table.where(known)].dropna().unique())
    cosines = cosine(means)
    rows = []
    for a, name in enumerate(names):
        others = [b for b in range(len(names)) if b != a and names[b] in anchors]
        for rank, b in enumerate(sorted(others, key=lambda b, a=a: -cosines[a, b]), start=1):  # type: ignore[misc]
            rows.append(
                {
                    "treatment": str(name),
                    "other": str(names[b]),
                    "cosine": float(cosines[a, b]),
                    "rank": rank,
                    "strength": float(np.linalg.norm(means[a])) / usual,
                    "n_wells": counts[a],
                    "n_wells_other": counts[b],
                }
            )
    columns = ["treatment", "other", "cosine", "rank", "strength", "n_wells", "n_wells_other"]
    return pd.DataFrame(rows, columns=columns)
