"""Question 7: do replicates of a treatment resemble each other more than controls, and do treatments of one kind?

Mean average precision as in copairs (Kalinin et al., Nature Communications 2025), which the tests compare with; its
null is another one (:mod:`napari_lexicon.analysis.ranking_nulls`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from napari_lexicon.analysis.conditions import CONTROLS
from napari_lexicon.analysis.corrections import standardised_on_controls
from napari_lexicon.analysis.false_discovery import benjamini_hochberg
from napari_lexicon.analysis.ranking_nulls import Comparison, kinds_null
from napari_lexicon.analysis.well_table import WellTable, in_order
from napari_lexicon.errors import PlateMapError

NULL_SIZE = 2_000


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

    Profiles are the parts of tokens where features fire, in standard deviations of the controls of each plate and
    centred on their mean; similarity is the cosine. The null shuffles treated and control wells within plates and
    centres every shuffle on its own controls: what the treated wells share because all of them lack the same controls'
    mean is then in the null as well, which random rankings know nothing of.

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
        Shuffles behind each p-value.

    Returns
    -------
    pandas.DataFrame
        One row per treatment, best first: ``treatment``, ``map`` (0 to 1), ``chance`` (its mean over shuffles),
        ``p``, ``q``, ``n_wells`` (with a replicate), ``n_controls``.

    Raises
    ------
    PlateMapError
        If there are no controls, or no treatment has replicates.
    """
    control = table.where(controls)
    if control.sum() < 2:
        raise PlateMapError(f"Activity needs two control wells at least, and {controls!r} gives {int(control.sum())}.")
    labels = table.names(by).where(~control)
    plates = table.wells["plate"].to_numpy()
    scaled, allowed = _profiles(table, controls), _differs(table, across)
    rows: list[dict[str, object]] = []
    for label in in_order(labels):
        treated = (labels == label).to_numpy()
        chosen = np.flatnonzero(treated | (control & np.isin(plates, plates[treated])))
        one = Comparison.of(scaled[chosen], treated[chosen], plates[chosen], allowed[np.ix_(chosen, chosen)])
        scores = one.precisions(one.treated[None])[0]
        if not np.isfinite(scores).any():
            continue
        null = one.null(null_size, np.random.default_rng([seed, len(rows)]))
        n_controls = int((~one.treated).sum())
        rows.append(_row(label, scores, null, {"n_controls": n_controls}))
    return _finished(rows, by)


def _row(label: object, scores: np.ndarray, null: np.ndarray, more: dict[str, int]) -> dict[str, object]:
    score = float(np.nanmean(scores))
    return {
        "treatment": str(label),
        "map": score,
        "chance": float(null.mean()) if len(null) else np.nan,
        "p": float((1 + (null >= score - 1e-9).sum()) / (1 + len(null))),
        "n_wells": int(np.isfinite(scores).sum()),
        **more,
    }


def _finished(rows: list[dict[str, object]], by: str) -> pd.DataFrame:
    if not rows:
        raise PlateMapError(f"No value of {by} has two wells that count as replicates: choose another column.")
    frame = pd.DataFrame(rows)
    frame.insert(4, "q", benjamini_hochberg(frame["p"].to_numpy()))
    return frame.sort_values(["map", "treatment"], ascending=[False, True], ignore_index=True)


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

    The null deals the kinds out to the treatments anew: a treatment keeps its wells, which resemble each other whatever
    its kind.

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
    kinds = table.names(kind).where(~control)
    treatment = table.names(by).astype(str).to_numpy()
    allowed = _differs(table, across) & (treatment[:, None] != treatment[None])
    use = kinds.notna().to_numpy()
    similarity = cosine(_profiles(table, controls)[use])
    names, of_kind = np.unique(kinds[use].astype(str), return_inverse=True)
    scores, null = kinds_null(
        similarity,
        of_kind,
        np.unique(treatment[use], return_inverse=True)[1],
        allowed[np.ix_(use, use)],
        null_size,
        np.random.default_rng(seed),
    )
    rows = [
        _row(name, scores[of_kind == k], null[:, k][np.isfinite(null[:, k])], {"n_others": int((of_kind != k).sum())})
        for k, name in enumerate(names)
        if np.isfinite(scores[of_kind == k]).any()
    ]
    return _finished(rows, kind)


def _profiles(table: WellTable, controls: str) -> np.ndarray:
    """``(W, F)`` in standard deviations of the controls, centred on the mean of the controls of each plate."""
    control, plates = table.where(controls), table.wells["plate"].to_numpy()
    profiles = standardised_on_controls(table.fires, control, plates)
    for plate in np.unique(plates):
        own = (plates == plate) & control
        if own.any():
            profiles[plates == plate] -= profiles[own].mean(axis=0)
    return profiles


def _differs(table: WellTable, across: str | None) -> np.ndarray:
    """``(W, W)``: pairs that may count as replicates."""
    if across is None:
        return ~np.eye(len(table), dtype=bool)
    column = table.labels(across).astype(str).to_numpy()
    return np.asarray(column[:, None] != column[None])


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
    labels = table.names(by).where(~control)
    if not control.any() or labels.isna().all():
        raise PlateMapError(f"{by} and {controls!r} do not give both treated and control wells: choose others.")
    profiles = _profiles(table, controls)
    usual = float(np.sqrt((profiles[control] ** 2).sum(axis=1).mean())) or 1.0
    names = in_order(labels)
    means = np.stack([profiles[(labels == name).to_numpy()].mean(axis=0) for name in names])
    counts = [int((labels == name).sum()) for name in names]
    anchors = set(names) if known is None else set(labels[table.where(known)].dropna().unique())
    if not anchors:
        raise PlateMapError(f"No well of a known treatment is chosen by {known!r}: correct --known.")
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
