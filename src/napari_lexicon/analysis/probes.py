"""Question 2: how well do features tell values of a column from each other, on wells that the probe has not seen?

Logistic probes with balanced classes, as in the ICFL paper (Donhauser et al., ICML 2025, section 6). Features are
chosen and scaled on the training wells alone; wells that share a group (a plate, a batch, a column of the layout) are
never on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.feature_selection import f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold

from napari_lexicon.analysis.exchange import Exchange
from napari_lexicon.analysis.well_table import WellTable
from napari_lexicon.errors import PlateMapError

BEST = (1, 3, 5, 10)
PROBE_SHUFFLES = 20
_FOLDS = 5
_LEAST_WELLS = 2  # of a value, in different groups


@dataclass(frozen=True)
class Split:
    """Wells of values that can be told, and how they are split.

    Parameters
    ----------
    known : numpy.ndarray
        ``(W,)`` bool: wells that take part, n of them.
    values : numpy.ndarray
        ``(n,)`` number of each one's value.
    names : tuple of str
        The values.
    groups : numpy.ndarray
        ``(n,)`` what stays together.
    folds : int
        Parts of a split.
    """

    known: np.ndarray
    values: np.ndarray
    names: tuple[str, ...]
    groups: np.ndarray
    folds: int

    @classmethod
    def of(cls, labels: pd.Series, together: pd.Series | None, across: str | None = None) -> Split:
        """From ``(W,)`` labels; values in fewer than two groups are left out.

        Raises
        ------
        PlateMapError
            If fewer than two values are left.
        """
        groups = np.arange(len(labels)) if together is None else pd.factorize(together.astype(str))[0]
        known = labels.notna().to_numpy()
        spread = pd.Series(groups).groupby(labels.astype(str).to_numpy()).nunique()
        enough = labels.astype(str).isin(spread.index[spread >= _LEAST_WELLS]).to_numpy() & known
        values, y = np.unique(labels[enough].astype(str), return_inverse=True)
        if len(values) < 2:
            raise PlateMapError(
                f"Column {labels.name} has fewer than two values in two {across or 'wells'} or more each: choose "
                "another column, or another way to split."
            )
        groups = groups[enough]
        folds = int(min(_FOLDS, spread[values].min(), len(np.unique(groups))))
        return cls(enough, y, tuple(map(str, values)), groups, folds)


def probes(
    table: WellTable,
    by: str,
    *,
    across: str | None = None,
    beside: Mapping[str, np.ndarray] | None = None,
    best: Sequence[int] = BEST,
    statistic: str = "fires",
    repeats: int = 5,
    permutations: int = PROBE_SHUFFLES,
    penalty: float = 1.0,
    seed: int = 0,
) -> pd.DataFrame:
    """Balanced accuracy of logistic probes from all features, from the best few, and from what is plain.

    Parameters
    ----------
    table : WellTable
        Features over wells.
    by : str
        Column to be told, or several joined by commas. Values in fewer than two groups are left out.
    across : str, optional
        Column whose values are kept whole on one side of every split (``plate``, ``batch``, ``column``); single wells
        where None.
    beside : mapping of str to numpy.ndarray, optional
        ``(W, p)`` or ``(W,)`` numbers to probe in the same way: brightness, nuclei, embeddings.
    best : sequence of int
        How many features, chosen by F-test on the training wells, to probe from.
    statistic : {"fires", "mean"}
        What of the features.
    repeats : int
        Random splits into five parts (or as many as there are groups).
    permutations : int
        Shuffles of the values over wells behind ``chance_high``, one split each; within plates where a plate holds
        several values, so that what is told by the plate alone is chance.
    penalty : float
        Weight of the L2 penalty (1 / C).
    seed : int
        Of splits and shuffles.

    Returns
    -------
    pandas.DataFrame
        One row per source: ``source``, ``n_columns``; ``balanced_accuracy`` (0 to 1, mean over repeats) with ``low``
        and ``high`` (smallest and largest over repeats); ``chance`` (1 / values) and ``chance_high`` (95th percentile
        under shuffled values); ``n_wells``, ``n_values``, ``n_groups``, ``folds``.

    Raises
    ------
    PlateMapError
        If fewer than two values lie in two groups or more.
    """
    split = Split.of(table.names(by), None if across is None else table.labels(across), across)
    enough, y, groups, folds = split.known, split.values, split.groups, split.folds
    features = table.values(statistic)[enough].astype(np.float64)
    sources: list[tuple[str, np.ndarray, int | None]] = [("all features", features, None)]
    sources += [(f"best {n}" if n > 1 else "best feature", features, n) for n in best if n < features.shape[1]]
    for name, plain in (beside or {}).items():
        sources.append((name, np.asarray(plain, dtype=float).reshape(len(table), -1)[enough], None))
    rng = np.random.default_rng(seed)
    exchange = Exchange.of(y, table.plates()[enough], None if across is None else groups)
    rows = []
    for name, x, n_best in sources:
        args = groups, folds, n_best, penalty
        scores = [held_out_accuracy(x, y, *args, seed + r) for r in range(repeats)]
        null = [held_out_accuracy(x, y[exchange.order(rng)], *args, seed + r) for r in range(permutations)]
        rows.append(
            {
                "source": name,
                "n_columns": n_best or x.shape[1],
                "balanced_accuracy": float(np.mean(scores)),
                "low": min(scores),
                "high": max(scores),
                "chance": 1 / len(split.names),
                "chance_high": float(np.percentile(null, 95)) if null else np.nan,
            }
        )
    frame = pd.DataFrame(rows)
    return frame.assign(n_wells=len(y), n_values=len(split.names), n_groups=len(np.unique(groups)), folds=folds)


def held_out_accuracy(
    x: np.ndarray, y: np.ndarray, groups: np.ndarray, folds: int, n_best: int | None, penalty: float, seed: int
) -> float:
    """Balanced accuracy of a probe of ``(n, p)`` columns, each well told by a fold that has not seen its group."""
    told = np.empty_like(y)
    for train, test in StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(x, y, groups):
        if len(np.unique(y[train])) < 2:
            told[test] = y[train][0]
            continue
        told[test] = _told(x[train], y[train], x[test], n_best, penalty)
    return float(balanced_accuracy_score(y, told))


def _told(x: np.ndarray, y: np.ndarray, new: np.ndarray, n_best: int | None, penalty: float) -> np.ndarray:
    """Values told for new wells by a probe of the training wells."""
    centre, spread = x.mean(axis=0), x.std(axis=0)
    use = spread > 1e-12
    if not use.any():
        return np.full(len(new), y[0])
    if n_best is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            strength = np.nan_to_num(f_classif(x[:, use], y)[0], nan=0.0, posinf=np.inf)
        use = np.flatnonzero(use)[np.argsort(-strength, kind="stable")[:n_best]]
    x, new = ((part[:, use] - centre[use]) / spread[use] for part in (x, new))
    if x.shape[1] > len(x):
        # a ridge penalty cannot see a rotation: the wells' own few directions, from their products, give the same probe
        sizes, own = np.linalg.eigh(x @ x.T)
        real = sizes > 1e-10 * sizes[-1]
        lengths = np.sqrt(sizes[real])
        x, new = own[:, real] * lengths, new @ x.T @ own[:, real] / lengths
    model = LogisticRegression(C=1 / penalty, class_weight="balanced", max_iter=2000)
    return np.asarray(model.fit(x, y).predict(new))
