"""Question 1: which features fire for one value of a plate-map column and not for the others, and is it chance?

Average and maximal selectivity are those of the ICFL paper (Donhauser et al., ICML 2025, section 6.1). What the paper
leaves out is added here: a null that shuffles the labels of whole wells, intervals, and a false-discovery rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse, stats

from napari_lexicon.analysis.false_discovery import NullTail
from napari_lexicon.analysis.well_table import WellTable, in_order
from napari_lexicon.errors import PlateMapError

PERMUTATIONS = 1000
_LEVELS = np.arange(0.0, 1.0, 0.01)  # of the distribution of best selectivities


@dataclass(frozen=True)
class Selectivity:
    """Answer to question 1.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per feature and value, in the order of the features: ``feature``, ``channel``, ``name``, ``value``;
        ``selectivity`` (P(fires | value) - P(fires | other values), -1 to 1) with its 95 % interval ``low``, ``high``
        (NaN for a value with one well); ``selectivity_max`` (against the next best value); ``fires`` and
        ``fires_elsewhere`` (parts of tokens); ``p`` (permutation, this feature and value alone), ``p_family`` (the
        best of all features under permutation, this value) and ``q`` (false-discovery rate over all rows); ``n_wells``
        and ``n_wells_elsewhere``.
    distribution : pandas.DataFrame
        How many features reach a best selectivity of at least ``selectivity``: ``features``, and by chance
        ``chance`` (mean over permutations) and ``chance_high`` (95th percentile).
    values : pandas.DataFrame
        Indexed by ``value``: ``n_wells``; ``chance_best``, the selectivity that the best of all features reaches by
        chance in one of twenty shuffles; ``found`` (features with q at most 0.05).
    notes : tuple of str
        What limits the answer, in sentences.
    """

    table: pd.DataFrame
    distribution: pd.DataFrame
    values: pd.DataFrame
    notes: tuple[str, ...] = ()

    def best(self) -> pd.DataFrame:
        """The value of highest selectivity of every feature and channel, one row each."""
        rows = self.table.groupby(["feature", "channel"], sort=False)["selectivity"].idxmax()
        return self.table.loc[rows].reset_index(drop=True)


def selectivity(
    table: WellTable,
    by: str,
    *,
    within: str | None = "plate",
    two_sided: bool = False,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    between: Callable[[], None] | None = None,
) -> Selectivity:
    """Selectivity of every feature for every value of a column, with its null.

    Effects are counted over tokens, as in the paper. The test looks at wells: the mean over the wells of a value
    minus the mean over the others, after taking away what differs between plates, in units of the spread between
    wells. Its null shuffles which well has which value, inside each plate.

    Parameters
    ----------
    table : WellTable
        Features over wells.
    by : str
        Column of the plate map, or several joined by commas.
    within : str, optional
        Column whose values are never mixed by a shuffle (a plate, a batch); None to shuffle over everything.
    two_sided : bool
        Test for firing less often as well.
    permutations : int
        Shuffles.
    seed : int
        Of the shuffles.
    between : callable, optional
        Called between shuffles, for example to let a window draw.

    Raises
    ------
    PlateMapError
        If the column is missing or cannot separate wells.
    """
    labels = table.names(by)
    known = labels.notna().to_numpy()
    values = np.array(in_order(labels[known]), dtype=object)
    codes = pd.Index(values).get_indexer(labels[known])
    _refuse_useless(by, values, int(known.sum()))
    chosen = table.take(wells=known)
    strata = np.zeros(len(chosen), int) if within is None else _coded(chosen.labels(within))
    effects = _Effects.of(chosen, codes, len(values))
    design = _Design(codes, strata, len(values))
    null = _permuted(chosen.fires, design, two_sided, permutations, np.random.default_rng(seed), between)
    n_wells = np.bincount(codes, minlength=len(values))
    n_values, n_rows = len(values), len(chosen.features)
    frame = pd.DataFrame(
        {
            **{c: np.repeat(chosen.features[c].to_numpy(), n_values) for c in ("feature", "channel", "name")},
            "value": np.tile(values, n_rows),
            **{name: part.T.ravel() for name, part in effects.columns().items()},
            "p": null.p.T.ravel(),
            "p_family": null.p_family.T.ravel(),
            "q": null.q.T.ravel(),
            "n_wells": np.tile(n_wells, n_rows),
            "n_wells_elsewhere": np.tile(len(chosen) - n_wells, n_rows),
        }
    )
    best = effects.selectivity.max(axis=0)
    distribution = pd.DataFrame(
        {
            "selectivity": _LEVELS,
            "features": (best[None] >= _LEVELS[:, None]).sum(axis=1),
            "chance": null.reached.mean(axis=0),
            "chance_high": np.percentile(null.reached, 95, axis=0),
        }
    )
    summary = pd.DataFrame(
        {"n_wells": n_wells, "chance_best": null.chance_best, "found": (null.q <= 0.05).sum(axis=1)},
        index=pd.Index(values, name="value"),
    )
    return Selectivity(frame, distribution, summary, _notes(design, values, within))


def _refuse_useless(by: str, values: np.ndarray, n_wells: int) -> None:
    if len(values) < 2:
        raise PlateMapError(f"Column {by} has fewer than two values over the finished wells: choose another column.")
    if len(values) == n_wells:
        raise PlateMapError(f"Column {by} has another value in every well, so nothing can be said about it.")


def _coded(column: pd.Series) -> np.ndarray:
    return np.asarray(pd.factorize(column.fillna("?"))[0])


@dataclass(frozen=True)
class _Effects:
    """Figures over tokens, each ``(V, F)``."""

    selectivity: np.ndarray
    low: np.ndarray
    high: np.ndarray
    selectivity_max: np.ndarray
    fires: np.ndarray
    fires_elsewhere: np.ndarray

    def columns(self) -> dict[str, np.ndarray]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def of(cls, table: WellTable, codes: np.ndarray, n_values: int) -> _Effects:
        """Shares and their spread between wells: a well is a cluster of tokens (ratio estimator, linearised)."""
        tokens = np.broadcast_to(table.tokens, table.fires.shape)
        active = table.fires * tokens
        member = sparse.csr_matrix((np.ones(len(codes)), (codes, np.arange(len(codes)))), (n_values, len(codes)))
        counts, sums = member @ tokens, member @ active
        all_counts, all_sums = tokens.sum(axis=0), active.sum(axis=0)
        inside, outside = sums / counts, (all_sums - sums) / (all_counts - counts)
        n = np.bincount(codes, minlength=n_values)[:, None]
        squares = [member @ part for part in (active**2, active * tokens, tokens**2)]
        spread_in = _residual_squares(squares, inside) / counts**2
        spread_out = (
            _residual_squares([part.sum(axis=0) - part for part in squares], outside) / (all_counts - counts) ** 2
        )
        half = _half_interval(spread_in, spread_out, n, len(codes) - n)
        difference = inside - outside
        low, high = (difference - half).clip(min=-1), (difference + half).clip(max=1)
        return cls(difference, low, high, inside - _best_other(inside), inside, outside)


def _residual_squares(squares: list[np.ndarray], share: np.ndarray) -> np.ndarray:
    """Sum over wells of ``(active - share * tokens)²`` from the sums of a², a·t and t²."""
    return np.asarray((squares[0] - 2 * share * squares[1] + share**2 * squares[2]).clip(min=0))


def _half_interval(var_in: np.ndarray, var_out: np.ndarray, n_in: np.ndarray, n_out: np.ndarray) -> np.ndarray:
    """Half of the 95 % interval of a difference (Welch and Satterthwaite); NaN where one side has one well."""
    with np.errstate(invalid="ignore", divide="ignore"):
        a, b = var_in * n_in / (n_in - 1), var_out * n_out / (n_out - 1)
        freedom = (a + b) ** 2 / (a**2 / (n_in - 1) + b**2 / (n_out - 1))
        half = stats.t.ppf(0.975, np.where(np.isfinite(freedom), freedom, 1)) * np.sqrt(a + b)
    return np.asarray(np.where((n_in > 1) & (n_out > 1), half, np.nan))


def _best_other(inside: np.ndarray) -> np.ndarray:
    """``(V, F)``: the highest share among the other values."""
    order = np.sort(inside, axis=0)
    return np.asarray(np.where(inside == order[-1], order[-2], order[-1]))


def plain_selectivity(table: WellTable, by: str) -> pd.DataFrame:
    """Average selectivity alone, ``(features, values)``, for comparing it between plates.

    Raises
    ------
    PlateMapError
        If the column is missing or cannot separate wells.
    """
    labels = table.names(by)
    known = labels.notna().to_numpy()
    values = np.array(in_order(labels[known]), dtype=object)
    _refuse_useless(by, values, int(known.sum()))
    codes = pd.Index(values).get_indexer(labels[known])
    effects = _Effects.of(table.take(wells=known), codes, len(values))
    index = pd.MultiIndex.from_frame(table.features[["feature", "channel"]])
    return pd.DataFrame(effects.selectivity.T, index=index, columns=values)


class _Design:
    """Which well has which value, and which wells may be exchanged."""

    def __init__(self, codes: np.ndarray, strata: np.ndarray, n_values: int):
        self.codes, self.strata, self.n_values = codes, strata, n_values
        n = np.bincount(codes, minlength=n_values).astype(np.float64)
        rest = len(codes) - n
        self.mean_weight = (1 / n + 1 / rest)[:, None]  # sum of centred values -> difference of means
        self._rows = np.argsort(strata, kind="stable")

    def shuffled(self, rng: np.random.Generator) -> np.ndarray:
        """Codes after exchanging wells within their strata."""
        order = np.lexsort((rng.random(len(self.codes)), self.strata))
        codes = np.empty_like(self.codes)
        codes[self._rows] = self.codes[order]
        return codes

    def sums(self, codes: np.ndarray, values: np.ndarray) -> np.ndarray:
        """``(V, F)`` sums over the wells of each value."""
        n = len(codes)
        member = sparse.csr_matrix((np.ones(n, np.float32), (codes, np.arange(n))), (self.n_values, n))
        return np.asarray(member @ values)

    def standardised(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values ``(W, F)`` with the mean of their stratum and their spread taken away, and that spread ``(F,)``."""
        n_strata = int(self.strata.max()) + 1
        member = sparse.csr_matrix((np.ones(len(values)), (self.strata, np.arange(len(values)))))
        means = (member @ values.astype(np.float64)) / np.bincount(self.strata)[:, None]
        centred = values - means[self.strata]
        spread = np.sqrt((centred**2).sum(axis=0) / max(1, len(values) - n_strata))
        unit = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-12)
        return unit.astype(np.float32), np.where(spread > 1e-12, spread, 0)


@dataclass(frozen=True)
class _Null:
    """``p``, ``p_family``, ``q``: ``(V, F)``; ``chance_best``: ``(V,)``; ``reached``: ``(B, levels)`` features."""

    p: np.ndarray
    p_family: np.ndarray
    q: np.ndarray
    chance_best: np.ndarray
    reached: np.ndarray


def _permuted(
    fires: np.ndarray,
    design: _Design,
    two_sided: bool,
    permutations: int,
    rng: np.random.Generator,
    between: Callable[[], None] | None,
) -> _Null:
    unit, spread = design.standardised(fires)
    to_t = np.sqrt(design.mean_weight).astype(np.float32)
    to_effect = design.mean_weight.astype(np.float32) * spread.astype(np.float32)
    observed = _side(design.sums(design.codes, unit) * to_t, two_sided)
    exceeded = np.zeros(observed.shape, np.int64)
    family, best = np.empty((permutations, design.n_values)), np.empty((permutations, design.n_values))
    reached = np.empty((permutations, len(_LEVELS)))
    tail = NullTail()
    for b, sums in enumerate(_shuffled_sums(design, unit, permutations, rng)):
        if between is not None:
            between()
        statistic = _side(sums * to_t, two_sided)
        exceeded += statistic >= observed - 1e-5
        family[b] = statistic.max(axis=1)
        effect = sums * to_effect
        best[b] = effect.max(axis=1)
        reached[b] = _reached(effect.max(axis=0))
        tail.add(statistic)
    p_family = np.stack(
        [_share_at_or_above(np.sort(family[:, v]), observed[v]) for v in range(design.n_values)], axis=0
    )
    return _Null(
        (exceeded + 1) / (permutations + 1), p_family, tail.q(observed), np.percentile(best, 95, axis=0), reached
    )


def _shuffled_sums(
    design: _Design, unit: np.ndarray, permutations: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    for _ in range(permutations):
        yield design.sums(design.shuffled(rng), unit)


def _side(statistic: np.ndarray, two_sided: bool) -> np.ndarray:
    return np.abs(statistic) if two_sided else statistic


def _reached(best: np.ndarray) -> np.ndarray:
    """Features whose best selectivity is at least each level."""
    cells = np.clip(np.searchsorted(_LEVELS, best, side="right"), 0, len(_LEVELS))
    counts = np.bincount(cells, minlength=len(_LEVELS) + 1)
    return np.cumsum(counts[::-1])[::-1][1:]


def _share_at_or_above(rising: np.ndarray, observed: np.ndarray) -> np.ndarray:
    above = len(rising) - np.searchsorted(rising, observed - 1e-5, side="left")
    return np.asarray((above + 1) / (len(rising) + 1))


def _notes(design: _Design, values: np.ndarray, within: str | None) -> tuple[str, ...]:
    notes = []
    n = np.bincount(design.codes, minlength=design.n_values)
    if (n == 1).any():
        lone = ", ".join(values[n == 1][:5])
        notes.append(
            f"{int((n == 1).sum())} values have a single well ({lone}{'…' if (n == 1).sum() > 5 else ''}): "
            "their spread is not known, so they have no interval."
        )
    fixed = [
        values[v]
        for v in range(design.n_values)
        if all((design.codes[design.strata == s] == v).all() for s in np.unique(design.strata[design.codes == v]))
    ]
    if fixed and within is not None:
        notes.append(
            f"{', '.join(fixed[:5])} fill whole values of {within}, so shuffling within {within} cannot tell them "
            "from it; their p-values say nothing."
        )
    return tuple(notes)
