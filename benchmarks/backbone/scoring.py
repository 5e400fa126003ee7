"""Linear probes, best single features and their spread: everything that turns descriptions into a score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata, spearmanr
from sklearn.linear_model import RidgeClassifierCV, RidgeCV
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

Array = npt.NDArray[np.float64]

ALPHAS = np.logspace(0, 6, 13)
RESAMPLES = 300


@dataclass(frozen=True)
class Score:
    """A figure with its spread.

    Parameters
    ----------
    value : float
        Over everything that was held out.
    low, high : float
        95 % interval from resampling the held-out groups (wells, images).
    """

    value: float
    low: float
    high: float


def probe(kind: str) -> Pipeline:
    """Standardise, then ridge; its strength is chosen by leave-one-out inside the training part."""
    model = RidgeClassifierCV(alphas=ALPHAS, class_weight="balanced") if kind == "classes" else RidgeCV(alphas=ALPHAS)
    return make_pipeline(StandardScaler(), model)


def auroc_probe(train: Array, truth: npt.NDArray[Any], test: Array) -> Array:
    """Decision values on ``test`` of a probe for a yes-or-no question."""
    model = probe("classes").fit(train, truth)
    return np.asarray(model.decision_function(test), np.float64)


def held_out(
    features: Array, target: npt.NDArray[Any], groups: npt.NDArray[Any], kind: str, folds: int = 5, seed: int = 0
) -> npt.NDArray[Any]:
    """Predictions for every sample by a probe that has seen none of its group."""
    predicted = np.zeros(len(target), np.asarray(target).dtype if kind == "classes" else np.float64)
    for train, test in splits(groups, folds, seed):
        predicted[test] = probe(kind).fit(features[train], target[train]).predict(features[test])
    return predicted


def splits(
    groups: npt.NDArray[Any], folds: int, seed: int
) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Folds that keep groups whole."""
    cutter = GroupKFold(min(folds, len(np.unique(groups))), shuffle=True, random_state=seed)
    return list(cutter.split(np.zeros(len(groups)), groups=groups))


def column_auroc(features: Array, truth: npt.NDArray[np.bool_]) -> Array:
    """AUROC of every column by itself."""
    ranks = rankdata(features, axis=0)
    positive = int(truth.sum())
    negative = len(truth) - positive
    return np.asarray((ranks[truth].sum(0) - positive * (positive + 1) / 2) / max(1, positive * negative), np.float64)


def column_spearman(features: Array, target: Array) -> Array:
    """Rank correlation of every column with a target; 0 for constant columns."""
    ranks = rankdata(features, axis=0)
    ranks -= ranks.mean(0)
    wanted = rankdata(target) - (len(target) + 1) / 2
    norm = np.sqrt((ranks**2).sum(0) * (wanted**2).sum())
    return np.asarray(np.divide(wanted @ ranks, norm, out=np.zeros(ranks.shape[1]), where=norm > 1e-9), np.float64)


def best_feature_held_out(
    features: Array, target: Array, groups: npt.NDArray[Any], folds: int = 5, seed: int = 0
) -> Array:
    """For every sample, the value of the one feature that correlates best where its group is left out.

    Values of a fold are ranked within the fold's training part, so that folds with other features can be pooled.
    """
    result = np.zeros(len(target))
    for train, test in splits(groups, folds, seed):
        correlation = column_spearman(features[train], target[train])
        best = int(np.argmax(np.abs(correlation)))
        column = features[:, best] * np.sign(correlation[best])
        result[test] = np.searchsorted(np.sort(column[train]), column[test]) / len(train)
    return result


def spearman(truth: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> float:
    """Rank correlation, 0 where one of the two does not vary."""
    if np.ptp(truth) == 0 or np.ptp(predicted) == 0:
        return 0.0
    return float(spearmanr(truth, predicted).statistic)


def with_interval(
    metric: Callable[[npt.NDArray[Any], npt.NDArray[Any]], float],
    truth: npt.NDArray[Any],
    predicted: npt.NDArray[Any],
    groups: npt.NDArray[Any],
    seed: int = 0,
) -> Score:
    """A metric and its interval by resampling whole groups."""
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    values = []
    for _ in range(RESAMPLES):
        chosen = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        if len(np.unique(truth[chosen])) > 1:
            values.append(metric(truth[chosen], predicted[chosen]))
    low, high = np.percentile(values, (2.5, 97.5)) if values else (np.nan, np.nan)
    return Score(metric(truth, predicted), float(low), float(high))


def auroc(truth: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> float:
    """Area under the ROC curve."""
    return float(roc_auc_score(truth, predicted))


def balanced_accuracy(truth: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> float:
    """Mean over classes of the share that is found."""
    return float(balanced_accuracy_score(truth, predicted))


def averaged(scores: Sequence[Score]) -> Score:
    """Mean over seeds; the interval covers the seeds' own intervals on average."""
    return Score(*(float(np.mean([getattr(score, name) for score in scores])) for name in ("value", "low", "high")))
