"""One row per feature: how often it fires, how strongly, where, and what it has to do with a column of the plate map.

Selectivity as in the ICFL paper (Donhauser et al., ICML 2025, section 6.1): P(fires | value) - P(fires | other
values), with every token a sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from napari_lexicon.errors import PlateMapError
from napari_lexicon.lexicons import FeatureNames, WellStatistics

_MANY_VALUES = 40  # a text column with more values than this is an identifier


@dataclass(frozen=True)
class PlateStatistics:
    """What the tables need of one plate.

    Parameters
    ----------
    name : str
        Of the plate.
    statistics : WellStatistics
        Of its wells.
    map : pandas.DataFrame
        Plate map, indexed by well.
    channels : tuple of str
        Names of the channels that statistics are kept for.
    format : tuple of int, optional
        Rows and columns of the plate, (0, 0) where the wells are free; taken from the well names where None.
    beyond : float, optional
        Standard deviations of controls along a feature beyond which the statistics count a token as firing; None
        where they count codes.
    """

    name: str
    statistics: WellStatistics
    map: pd.DataFrame
    channels: tuple[str, ...]
    format: tuple[int, int] | None = None
    beyond: float | None = None


def features_table(
    plates: Sequence[PlateStatistics], names: FeatureNames | None = None, stability: np.ndarray | None = None
) -> pd.DataFrame:
    """One row per feature over all plates.

    Parameters
    ----------
    plates : sequence of PlateStatistics
        Plates of one lexicon.
    names : FeatureNames, optional
        Names that people gave.
    stability : numpy.ndarray, optional
        ``(M,)`` reproducibility across seeds, from the dictionary.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``feature``: ``name``; ``fires`` (part of all tokens); ``mean`` (mean value per token);
        ``mean_when_active``; ``strongest``; ``wells`` (number of wells where it fires); ``channel`` (where it fires
        most) and ``channel_share`` (its part of all firing); ``plate`` and ``well`` (highest mean); ``stability``.
        Read by direction, ``mean`` is how far tokens lie along the feature, ``well`` is where most tokens count, for
        the mean is that of the ground, and ``mean_when_active`` and ``strongest``, which are of codes, are left out.
    """
    tokens = sum(p.statistics.tokens.sum(dtype=np.float64) for p in plates)
    in_wells = [p.statistics.active.sum(axis=1) for p in plates]
    total_in_wells = [p.statistics.total.sum(axis=1) for p in plates]
    active = np.sum([part.sum(axis=0, dtype=np.float64) for part in in_wells], axis=0)
    total = np.sum([part.sum(axis=0) for part in total_in_wells], axis=0)
    n_features = len(total)
    with np.errstate(invalid="ignore", divide="ignore"):
        table = pd.DataFrame(
            {
                "name": [names.label(m) if names else f"#{m}" for m in range(n_features)],
                "fires": active / tokens,
                "mean": total / tokens,
                "mean_when_active": np.where(active > 0, total / active, np.nan),
            },
            index=pd.RangeIndex(n_features, name="feature"),
        )
    if any(p.beyond is None for p in plates):
        table["strongest"] = np.max([p.statistics.strongest.max(axis=(0, 1)) for p in plates], axis=0)
    else:
        table = table.drop(columns="mean_when_active")
    table["wells"] = np.sum([np.count_nonzero(part, axis=0) for part in in_wells], axis=0)
    _add_channels(table, plates)
    by_code = all(p.beyond is None for p in plates)
    _add_best_well(table, plates, total_in_wells if by_code else in_wells)
    if stability is not None:
        table["stability"] = stability
    return table


def _add_channels(table: pd.DataFrame, plates: Sequence[PlateStatistics]) -> None:
    """Channel in which a feature fires most often, channels of all plates taken by name."""
    names = list(dict.fromkeys(name for p in plates for name in p.channels))
    fires = np.zeros((len(names), len(table)))
    for p in plates:
        per_channel = p.statistics.active.sum(axis=0, dtype=np.float64)
        for c in range(per_channel.shape[0]):
            fires[names.index(p.channels[c])] += per_channel[c]
    most, everywhere = fires.argmax(axis=0), fires.sum(axis=0)
    table["channel"] = np.where(everywhere > 0, np.asarray(names, dtype=object)[most], "")
    share = np.divide(fires.max(axis=0), everywhere, out=np.full(len(table), np.nan), where=everywhere > 0)
    table["channel_share"] = share


def _add_best_well(table: pd.DataFrame, plates: Sequence[PlateStatistics], in_wells: Sequence[np.ndarray]) -> None:
    """Well with the highest mean per token, from ``(W, M)`` sums of each plate: of values, or of tokens that count."""
    tokens = np.concatenate([p.statistics.tokens.sum(axis=1) for p in plates]).astype(np.float64)
    means = np.concatenate(in_wells) / np.maximum(tokens, 1)[:, None]
    means[tokens == 0] = -np.inf
    labels = [(p.name, well) for p in plates for well in p.statistics.wells]
    best = means.argmax(axis=0)
    fires = means.max(axis=0) > 0
    table["plate"] = np.where(fires, np.asarray([plate for plate, _ in labels], dtype=object)[best], "")
    table["well"] = np.where(fires, np.asarray([well for _, well in labels], dtype=object)[best], "")


def selectivity_table(plates: Sequence[PlateStatistics], column: str) -> pd.DataFrame:
    """What every feature has to do with one column of the plate map.

    Parameters
    ----------
    plates : sequence of PlateStatistics
        Plates of one lexicon.
    column : str
        Name of the column; ``Metadata_`` may be left out.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``feature``. For a column of numbers: ``spearman`` (rank correlation of a well's fraction of firing
        tokens with the number) and ``n_wells``. For any other: ``best_value``, ``selectivity`` (of that value, in the
        range -1 to 1), ``n_wells`` behind it, and one column ``selectivity:VALUE`` per value.

    Raises
    ------
    PlateMapError
        If no plate map has the column, or it cannot separate wells.
    """
    values = _column_values(plates, column)
    known = values.notna().to_numpy() & (np.concatenate([p.statistics.tokens.sum(axis=1) for p in plates]) > 0)
    if values[known].nunique() < 2:
        raise PlateMapError(
            f"Column {column} has fewer than two values over the finished wells: choose another column."
        )
    if pd.api.types.is_numeric_dtype(values) and values[known].nunique() > 2:
        return _rank_correlations(plates, values.to_numpy(dtype=float), known)
    if values[known].nunique() > max(_MANY_VALUES, known.sum() // 2) and values[known].is_unique:
        raise PlateMapError(f"Column {column} has another value in every well, so nothing can be said about it.")
    return _selectivities(plates, values, known)


def _column_values(plates: Sequence[PlateStatistics], column: str) -> pd.Series:
    for name in (column, f"Metadata_{column}"):
        if any(name in p.map.columns for p in plates):
            parts = [p.map.reindex(p.statistics.wells).get(name, pd.Series(index=p.statistics.wells)) for p in plates]
            return pd.concat(parts, ignore_index=True)
    have = sorted({str(c) for p in plates for c in p.map.columns})
    raise PlateMapError(
        f"The plate map has no column {column}: it has {', '.join(have) or 'none; give one with --map'}."
    )


def _rank_correlations(plates: Sequence[PlateStatistics], numbers: np.ndarray, known: np.ndarray) -> pd.DataFrame:
    fractions = np.concatenate([p.statistics.fraction_active() for p in plates])[known]
    ranks = np.apply_along_axis(rankdata, 0, fractions.astype(np.float64))
    ranks -= ranks.mean(axis=0)
    target = rankdata(numbers[known])
    target -= target.mean()
    norm = np.sqrt((ranks**2).sum(axis=0) * (target**2).sum())
    rho = np.divide(ranks.T @ target, norm, out=np.zeros(ranks.shape[1]), where=norm > 0)
    frame = pd.DataFrame({"spearman": rho}, index=pd.RangeIndex(len(rho), name="feature"))
    frame["n_wells"] = int(known.sum())
    return frame


def _selectivities(plates: Sequence[PlateStatistics], values: pd.Series, known: np.ndarray) -> pd.DataFrame:
    active = np.concatenate([p.statistics.active.sum(axis=1, dtype=np.float64) for p in plates])[known]
    tokens = np.concatenate([p.statistics.tokens.sum(axis=1) for p in plates]).astype(np.float64)[known]
    labels = values[known].astype(str).to_numpy()
    kinds, counts = np.unique(labels, return_counts=True)
    all_active, all_tokens = active.sum(axis=0), tokens.sum()
    per_value = np.empty((len(kinds), active.shape[1]))
    for v, kind in enumerate(kinds):
        inside = labels == kind
        here, n_here = active[inside].sum(axis=0), tokens[inside].sum()
        per_value[v] = here / n_here - (all_active - here) / (all_tokens - n_here)
    best = per_value.argmax(axis=0)
    frame = pd.DataFrame(
        {"best_value": kinds[best], "selectivity": per_value.max(axis=0), "n_wells": counts[best]},
        index=pd.RangeIndex(active.shape[1], name="feature"),
    )
    columns = pd.DataFrame(per_value.T, columns=[f"selectivity:{kind}" for kind in kinds], index=frame.index)
    return pd.concat([frame, columns], axis=1)
