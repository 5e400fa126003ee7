"""Question 7: is a name or a tag more common among the features called for a treatment than it would be by chance?

Features that mean the same fire in the same wells, so they are called together: a hypergeometric test takes them for
independent and finds too much. The null here shuffles wells and takes as many of the most extreme features as were
called.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import stats

from napari_lexicon.analysis.conditions import CONTROLS
from napari_lexicon.analysis.effects import treated_wells, treatment_effects
from napari_lexicon.analysis.false_discovery import benjamini_hochberg
from napari_lexicon.analysis.well_table import WellTable
from napari_lexicon.errors import LexiconError
from napari_lexicon.lexicons import FeatureNames

SHUFFLES = 500
_CHUNK = 50


def named_groups(names: FeatureNames) -> dict[str, np.ndarray]:
    """Features by what people said of them: every name as ``name: …``, every tag as ``tag: …``."""
    groups: dict[str, list[int]] = {}
    for feature, said in names:
        for key in [*([f"name: {said.name}"] if said.name else []), *(f"tag: {tag}" for tag in said.tags)]:
            groups.setdefault(key, []).append(feature)
    return {key: np.array(members) for key, members in sorted(groups.items())}


def enrichment(hits: np.ndarray, groups: Mapping[str, np.ndarray], n_features: int) -> pd.DataFrame:
    """Which names or tags are more common among hits than among all features, taking features for independent.

    Parameters
    ----------
    hits : numpy.ndarray
        Feature numbers, for example those with q at most 0.05 for a treatment.
    groups : mapping of str to numpy.ndarray
        Feature numbers that carry each name or tag.
    n_features : int
        How many could have been hits.

    Returns
    -------
    pandas.DataFrame
        One row per group, most enriched first: ``group``, ``n_hits`` in it, ``n_group``, ``n_hits_all``,
        ``fold`` (over what chance gives), ``p`` (hypergeometric, one-sided) and ``q``.
    """
    chosen = set(np.asarray(hits).tolist())
    rows = []
    for group, members in groups.items():
        own = set(np.asarray(members).tolist())
        both = len(own & chosen)
        expected = len(own) * len(chosen) / n_features
        rows.append(
            {
                "group": group,
                "n_hits": both,
                "n_group": len(own),
                "n_hits_all": len(chosen),
                "fold": both / expected if expected else np.nan,
                "p": float(stats.hypergeom.sf(both - 1, n_features, len(own), len(chosen))),
            }
        )
    frame = pd.DataFrame(rows, columns=["group", "n_hits", "n_group", "n_hits_all", "fold", "p"])
    frame["q"] = benjamini_hochberg(frame["p"].to_numpy(dtype=float))
    return frame.sort_values(["p", "group"], ignore_index=True)


def treatment_enrichment(
    table: WellTable,
    groups: Mapping[str, np.ndarray],
    by: str = "perturbation",
    *,
    controls: str = CONTROLS,
    fdr: float = 0.05,
    least: float = 0.0,
    shuffles: int = SHUFFLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Names and tags among the features called for every treatment.

    Parameters
    ----------
    table : WellTable
        Features over wells, every feature once.
    groups : mapping of str to numpy.ndarray
        Feature numbers that carry each name or tag; see :func:`named_groups`.
    by, controls : str
        As in :func:`napari_lexicon.analysis.effects.treatment_effects`.
    fdr : float
        Rate up to which a feature is called.
    least : float
        Part of tokens, over all wells, that a feature must fire in to take part.
    shuffles : int
        Shuffles of treated and control wells, within plates, behind ``p``.
    seed : int
        Of the shuffles.

    Returns
    -------
    pandas.DataFrame
        One row per treatment with called features and group, surest first: ``treatment``, ``group``, ``n_hits``,
        ``n_group``, ``n_hits_all``, ``n_features`` (that could be called), ``fold``, ``p`` (shuffles),
        ``p_independent`` (hypergeometric, for comparison: too small where features go together), ``q`` (over all rows),
        ``n_wells``, ``n_controls``.

    Raises
    ------
    LexiconError
        If no feature that could be called has a name or a tag, or features are given channel by channel.
    """
    if table.features["feature"].duplicated().any():
        raise LexiconError("Names belong to features over all channels: leave --channel out, or give one channel.")
    table = table.take(features=table.fires.mean(axis=0) > least)
    numbers = table.features["feature"].to_numpy()
    inside = {key: np.isin(numbers, members) for key, members in groups.items()}
    inside = {key: member for key, member in inside.items() if member.any()}
    if not inside:
        raise LexiconError("No feature that fires here has a name or a tag: name some in the window first.")
    effects = treatment_effects(table, by, controls=controls, seed=seed)
    labels, control = table.names(by), table.where(controls)
    member = np.stack(list(inside.values()), axis=1).astype(np.float64)  # (F, groups)
    rng, parts = np.random.default_rng(seed), []
    for treatment, own in effects.groupby("treatment", sort=False):
        called = (own["q"] <= fdr).to_numpy()
        one = treated_wells(table, (labels == treatment).to_numpy() & ~control, control)
        if not called.any() or one is None:
            continue
        at_least = np.zeros(member.shape[1])
        for start in range(0, shuffles, _CHUNK):
            who = np.stack([one.shuffled(rng) for _ in range(min(_CHUNK, shuffles - start))]).astype(np.float64)
            size = np.abs(one.t(who)[0])  # (P, F)
            top = np.argpartition(-size, int(called.sum()) - 1, axis=1)[:, : int(called.sum())]
            at_least += (member[top].sum(axis=1) >= called @ member).sum(axis=0)
        plain = enrichment(numbers[called], {k: numbers[m] for k, m in inside.items()}, len(numbers))
        plain = plain.set_index("group").loc[list(inside)].reset_index().rename(columns={"p": "p_independent"})
        plain["p"] = (at_least + 1) / (shuffles + 1)
        counts = own[["n_wells", "n_controls"]].iloc[0]
        parts.append(plain.assign(treatment=treatment, n_features=len(numbers), **counts))
    columns = ["treatment", "group", "n_hits", "n_group", "n_hits_all", "n_features", "fold", "p", "p_independent", "q"]
    columns += ["n_wells", "n_controls"]
    if not parts:
        return pd.DataFrame(columns=columns)
    frame = pd.concat(parts, ignore_index=True)
    frame["q"] = benjamini_hochberg(frame["p"].to_numpy())
    return frame[columns].sort_values(["p", "p_independent"], kind="stable", ignore_index=True)
