"""Question 5: at which layer of the network does a concept appear, and where does a nuisance fade?

The same probes, on the same splits, from the mean tokens of every layer, beside those of a random network: what a
random network tells as well, no layer has learned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from napari_lexicon.analysis.exchange import Exchange
from napari_lexicon.analysis.pooled_names import MODEL
from napari_lexicon.analysis.probes import Split
from napari_lexicon.errors import PlateMapError

_FOLDS = 5
_LEAST_NUMBERS = 10  # wells, for a number to be told
_NEAR = 0.9  # of the way from chance to the best layer: from there a concept is there
_FADED = 0.5  # of that way: below it a nuisance has faded


def depth(
    layers: Mapping[str, np.ndarray],
    concepts: Mapping[str, pd.Series],
    nuisances: Mapping[str, pd.Series],
    *,
    numbers: Sequence[int] | None = None,
    together: pd.Series | None = None,
    plates: pd.Series | None = None,
    repeats: int = 5,
    permutations: int = 20,
    seed: int = 0,
) -> pd.DataFrame:
    """How well every layer tells concepts and nuisances, on wells that the probe has not seen.

    Parameters
    ----------
    layers : mapping of str to numpy.ndarray
        ``(L, W, D)`` per network; the one called ``model`` is asked about.
    concepts, nuisances : mapping of str to pandas.Series
        ``(W,)`` each. Numbers are told by ridge regression; text by ridge regression of its values, each well taken
        for the value whose mean its scores are nearest to.
    numbers : sequence of int, optional
        Which blocks the layers are.
    together : pandas.Series, optional
        ``(W,)``: wells of one value stay on one side of a split (plate, batch); single wells where None. What is the
        same in all wells that stay together (the plate itself) is told across single wells: no other split could.
    plates : pandas.Series, optional
        ``(W,)``: concepts are shuffled within plates, so that what the plate alone tells is chance.
    repeats : int
        Random splits.
    permutations : int
        Shuffles over wells behind ``chance_high``.
    seed : int
        Of splits and shuffles.

    Returns
    -------
    pandas.DataFrame
        One row per network, question and layer: ``network``, ``asked``, ``kind`` (``concept`` or ``nuisance``),
        ``layer``; ``score`` (balanced accuracy of text, correlation of told with true numbers) with ``low``, ``high``
        (smallest and largest over splits), ``metric``; ``chance`` and ``chance_high`` (95th percentile under shuffles);
        ``best`` (the layer that tells it best), ``turn`` (first layer that is nine tenths of the way from chance to the
        best, for concepts; first layer after the best that is less than half of the way, for nuisances: where one
        appears, where the other fades; nowhere where chance does as well); ``n_wells``.

    Raises
    ------
    PlateMapError
        If nothing of what is asked differs between wells.
    """
    rows = []
    together = None if together is None else together.reset_index(drop=True)
    for network, values in layers.items():
        for kind, asked in (("concept", concepts), ("nuisance", nuisances)):
            for name, labels in asked.items():
                own = labels.reset_index(drop=True)
                apart = None if _within(own, together) else together
                strata = None if plates is None or kind == "nuisance" else plates.reset_index(drop=True)
                frame = _told(values, own, apart, strata, repeats, permutations, seed)
                if frame is None:
                    continue
                frame.insert(0, "layer", list(numbers) if numbers is not None else np.arange(len(frame)))
                for column, what in (("kind", kind), ("asked", name), ("network", network)):
                    frame.insert(0, column, what)
                rows.append(_turned(frame, kind))
    if not rows:
        raise PlateMapError("Nothing that was asked differs between enough wells: choose other columns.")
    return pd.concat(rows, ignore_index=True)


def _within(labels: pd.Series, together: pd.Series | None) -> bool:
    """Whether labels are the same in all wells that stay together."""
    if together is None:
        return False
    known = labels.notna()
    return bool((labels[known].astype(str).groupby(together[known].astype(str)).nunique() <= 1).all())


@dataclass(frozen=True)
class _Task:
    """What is told: ``(n, q)`` targets of the wells that are known, and what of them stays together."""

    known: np.ndarray
    targets: np.ndarray
    classes: np.ndarray | None  # (n,), None for numbers
    groups: np.ndarray
    folds: int

    @classmethod
    def of(cls, labels: pd.Series, together: pd.Series | None) -> _Task | None:
        """None where the labels do not differ enough."""
        if pd.api.types.is_numeric_dtype(labels) and labels.dtype != bool and labels.nunique() > 2:
            known = labels.notna().to_numpy()
            if known.sum() < _LEAST_NUMBERS:
                return None
            y = labels[known].to_numpy(dtype=float)
            groups = np.arange(len(y)) if together is None else pd.factorize(together[known].astype(str))[0]
            return cls(known, ((y - y.mean()) / y.std())[:, None], None, groups, min(_FOLDS, len(np.unique(groups))))
        try:
            split = Split.of(labels, together)
        except PlateMapError:
            return None
        return cls(split.known, np.eye(len(split.names))[split.values], split.values, split.groups, split.folds)

    def parts(self, order: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """``(n,)`` number of the fold of every well, classes (in a shuffled ``order``) spread over the folds."""
        names, inverse = np.unique(self.groups, return_inverse=True)
        lead = np.zeros(len(names))
        if self.classes is not None:
            lead[inverse] = self.classes[order]
        place = np.empty(len(names), dtype=np.int64)
        place[np.lexsort((rng.random(len(names)), lead))] = np.arange(len(names)) % self.folds
        return place[inverse]

    def score(self, kernel: np.ndarray, order: np.ndarray, seed: int) -> float:
        """Balanced accuracy or correlation on folds not seen; ``order`` shuffles what is told over wells."""
        fold = self.parts(order, np.random.default_rng(seed))
        y = self.targets[order]
        told = np.empty(y.shape)
        classes = np.zeros(len(y), dtype=np.int64)
        for part in range(self.folds):
            train, test = fold != part, fold == part
            if not test.any() or not train.any():
                continue
            fitted, told[test] = _ridge(kernel, y, train, test)
            if self.classes is not None:
                own = self.classes[order][train]
                names = np.unique(own)
                centres = np.stack([fitted[own == name].mean(axis=0) for name in names])
                distance = ((told[test][:, None] - centres[None]) ** 2).sum(axis=2)
                classes[test] = names[distance.argmin(axis=1)]
        if self.classes is not None:
            hit = classes == self.classes[order]
            return float(np.mean([hit[self.classes[order] == name].mean() for name in np.unique(self.classes)]))
        flat, true = told[:, 0], y[:, 0]
        return float(np.corrcoef(flat, true)[0, 1]) if flat.std() > 1e-12 else 0.0


def _ridge(kernel: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ridge regression by inner products, its penalty by generalised cross-validation; fitted and told targets."""
    own, new = kernel[np.ix_(train, train)], kernel[np.ix_(test, train)]
    mean = own.mean(axis=0)
    centred = own - mean - mean[:, None] + mean.mean()
    apart = new - new.mean(axis=1, keepdims=True) - mean + mean.mean()
    sizes, vectors = np.linalg.eigh(centred)
    sizes = sizes.clip(min=0)
    middle = y[train].mean(axis=0)
    turned = vectors.T @ (y[train] - middle)
    best, least = 1.0, np.inf
    for penalty in np.logspace(-3, 2, 11) * max(float(sizes.mean()), 1e-12):
        left = penalty / (sizes + penalty)
        error = float(((left[:, None] * turned) ** 2).sum() / max(left.sum(), 1e-9) ** 2)
        if error < least:
            best, least = float(penalty), error
    weights = vectors @ (turned / (sizes + best)[:, None])
    return centred @ weights + middle, apart @ weights + middle


def _kernel(x: np.ndarray) -> np.ndarray:
    """``(W, W)`` inner products of wells, columns in their standard deviations; no label takes part in it."""
    spread = x.std(axis=0)
    use = spread > 1e-12
    scaled = (x[:, use] - x[:, use].mean(axis=0)) / spread[use]
    return np.asarray(scaled @ scaled.T) if use.any() else np.zeros((len(x), len(x)))


def _told(
    layers: np.ndarray,
    labels: pd.Series,
    together: pd.Series | None,
    plates: pd.Series | None,
    repeats: int,
    permutations: int,
    seed: int,
) -> pd.DataFrame | None:
    """Scores of all layers ``(L, W, D)``; None where the labels do not differ enough."""
    task = _Task.of(labels, together)
    if task is None:
        return None
    rng = np.random.default_rng(seed)
    n = len(task.targets)
    own = np.zeros(n) if plates is None else plates[task.known].astype(str).to_numpy()
    told = task.targets[:, 0] if task.classes is None else task.classes
    exchange = Exchange.of(told, own, None if together is None else task.groups)
    same, orders = np.arange(n), [exchange.order(rng) for _ in range(permutations)]
    chance = 0.0 if task.classes is None else 1 / task.targets.shape[1]
    rows = []
    for layer in layers:
        kernel = _kernel(layer[task.known])
        scores = [task.score(kernel, same, seed + r) for r in range(repeats)]
        null = [task.score(kernel, order, seed + r) for r, order in enumerate(orders)]
        rows.append(
            {
                "score": float(np.mean(scores)),
                "low": float(np.min(scores)),
                "high": float(np.max(scores)),
                "metric": "correlation" if task.classes is None else "balanced accuracy",
                "chance": chance,
                "chance_high": float(np.percentile(null, 95)) if null else chance,
                "n_wells": n,
            }
        )
    return pd.DataFrame(rows)


def _turned(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Marks the best layer and the layer of the turn."""
    score, chance = frame["score"].to_numpy(), float(frame["chance"].iloc[0])
    frame["best"] = np.arange(len(frame)) == int(score.argmax())
    frame["turn"] = False
    best = int(score.argmax())
    if score[best] <= float(frame["chance_high"].iloc[best]):
        return frame
    rise = (score - chance) / (score[best] - chance)
    if kind == "concept":
        there = np.flatnonzero(rise >= _NEAR)
    else:
        there = np.flatnonzero((rise < _FADED) & (np.arange(len(score)) > best))
    if len(there):
        frame.loc[frame.index[there[0]], "turn"] = True
    return frame


def depth_sentences(table: pd.DataFrame) -> list[str]:
    """Where every concept appears and every nuisance fades, for people; layers are counted from 1."""
    said = []
    last = int(table["layer"].max()) + 1
    own = table[table["network"] == MODEL]
    for (asked, kind), rows in own.groupby(["asked", "kind"], sort=False):
        best = rows[rows["best"]].iloc[0]
        turn = rows[rows["turn"]]
        name = str(asked).removeprefix("Metadata_")
        if best["score"] <= best["chance_high"]:
            said.append(f"{name} is told by no layer better than by chance.")
        elif kind == "concept":
            said.append(
                f"{name} is there from layer {int(turn.iloc[0]['layer']) + 1} of {last} and told best by layer "
                f"{int(best['layer']) + 1} ({best['score']:.2f}; chance up to {best['chance_high']:.2f})."
            )
        elif len(turn):
            said.append(f"{name} fades from layer {int(turn.iloc[0]['layer']) + 1} of {last} on.")
        else:
            end = rows.iloc[-1]
            said.append(
                f"{name} does not fade: {best['score']:.2f} at layer {int(best['layer']) + 1}, {end['score']:.2f} at "
                f"the last."
            )
    return said
