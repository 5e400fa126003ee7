"""Question 7: does a feature follow the dose of a treatment, and at which dose does it change by half?

The trend is a rank correlation over wells, controls being dose 0, tested by shuffling doses within plates. The curve is
Hill's; its half-maximal dose is found on a grid together with the interval that the data allow (profile likelihood), so
that "above the doses tested" is an answer and not a failed fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from napari_lexicon.analysis.conditions import CONTROLS
from napari_lexicon.analysis.false_discovery import NullTail
from napari_lexicon.analysis.well_table import WellTable, in_order
from napari_lexicon.errors import PlateMapError

PERMUTATIONS = 200
CURVE_DOSES = 3  # doses from which a curve is fitted
_SLOPES = 2.0 ** np.arange(-1, 2.01, 0.25)
_STEPS_PER_DECADE = 24
_BEYOND = 0.5  # decades below and above the doses tested in which a half-maximal dose is looked for
_CHUNK = 2048  # features fitted at once


def dose_response(
    table: WellTable,
    by: str = "perturbation",
    dose: str = "concentration",
    *,
    controls: str = CONTROLS,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> pd.DataFrame:
    """Trend with dose and Hill curve of every feature under every treatment.

    Parameters
    ----------
    table : WellTable
        Features over wells.
    by, dose : str
        Columns of the plate map: treatment, and its dose (a number; 0 and unknown doses are left out).
    controls : str
        Question that chooses the control wells; those of the treatment's plates are dose 0.
    permutations : int
        Shuffles of doses within plates behind ``q``.
    seed : int
        Of the shuffles.

    Returns
    -------
    pandas.DataFrame
        One row per treatment with at least two doses and feature: ``treatment``, ``feature``, ``channel``, ``name``;
        ``rho`` (Spearman, over wells, -1 to 1), ``p`` and ``q`` (false-discovery rate over the features of the
        treatment); with three doses or more the Hill curve, else NaN: ``bottom``, ``top`` (parts of tokens, 0 to 1,
        without and at full dose), ``ec50`` with its 95 % interval ``ec50_low``, ``ec50_high`` (unit of the doses; 0 and
        inf where the data do not bound it), ``slope``, ``r2``; ``n_doses``, ``n_wells``, ``n_controls``.

    Raises
    ------
    PlateMapError
        If there are no controls, the doses are not numbers, or no treatment has two doses.
    """
    labels, control = table.names(by), table.where(controls)
    doses = table.labels(dose)
    if not pd.api.types.is_numeric_dtype(doses):
        raise PlateMapError(f"Column {dose} holds text, not numbers: choose the column of doses.")
    if not control.any():
        raise PlateMapError(f"No well is a control by {controls!r}: choose others with --controls.")
    given = doses.to_numpy(dtype=float)
    plates = table.wells["plate"].to_numpy()
    rng = np.random.default_rng(seed)
    parts = []
    for treatment in in_order(labels[~control]):
        treated = (labels == treatment).to_numpy() & ~control & np.isfinite(given) & (given > 0)
        chosen = treated | (control & np.isin(plates, plates[treated]))
        if len(np.unique(given[treated])) < 2 or not (chosen & ~treated).any():
            continue
        series = _Series.of(table.fires[chosen], np.where(treated, given, 0)[chosen], plates[chosen])
        frame = table.features[["feature", "channel", "name"]].copy()
        frame.insert(0, "treatment", treatment)
        parts.append(frame.assign(**series.trend(permutations, rng), **series.curves(), **series.counts()))
    if not parts:
        raise PlateMapError(f"No treatment of {by} has two doses or more beside control wells on its plate.")
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True)
class _Series:
    """Wells of one treatment and its controls."""

    fires: np.ndarray  # (n, F)
    doses: np.ndarray  # (n,), 0 for controls
    strata: np.ndarray  # (n,)

    @classmethod
    def of(cls, fires: np.ndarray, doses: np.ndarray, plates: np.ndarray) -> _Series:
        return cls(fires.astype(np.float64), doses, np.unique(plates, return_inverse=True)[1])

    def counts(self) -> dict[str, int]:
        treated = self.doses > 0
        return {
            "n_doses": len(np.unique(self.doses[treated])),
            "n_wells": int(treated.sum()),
            "n_controls": int((~treated).sum()),
        }

    def _freedom(self, parameters: int) -> int:
        return max(1, len(self.doses) - int(self.strata.max()) - 1 - parameters)

    def _within(self, values: np.ndarray) -> np.ndarray:
        """Values ``(n, ...)`` without the means of their plates."""
        member = np.eye(int(self.strata.max()) + 1)[self.strata]  # (n, plates)
        return np.asarray(values - member @ ((member.T @ values) / member.sum(axis=0)[:, None]))

    def trend(self, permutations: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        ranks = self._within(stats.rankdata(self._within(self.fires).astype(np.float64), axis=0))
        ranks = _unit(ranks)
        order = stats.rankdata(self.doses)
        rho = (_unit(self._within(order[:, None])).T @ ranks)[0]
        freedom = self._freedom(1)
        shuffled = np.stack([self._shuffled(order, rng) for _ in range(permutations)], axis=1)
        by_chance = _unit(self._within(shuffled)).T @ ranks
        tail = NullTail()
        tail.add(_t(np.abs(by_chance), freedom), permutations)
        t = _t(np.abs(rho), freedom)
        return {"rho": rho, "p": 2 * stats.t.sf(t, freedom), "q": tail.q(t)}

    def _shuffled(self, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        order = np.lexsort((rng.random(len(values)), self.strata))
        shuffled = np.empty_like(values)
        shuffled[np.argsort(self.strata, kind="stable")] = values[order]
        return shuffled

    def curves(self) -> dict[str, np.ndarray]:
        names = ("bottom", "top", "ec50", "ec50_low", "ec50_high", "slope", "r2")
        n_features = self.fires.shape[1]
        if len(np.unique(self.doses[self.doses > 0])) < CURVE_DOSES:
            return {name: np.full(n_features, np.nan) for name in names}
        chunks = [self._fitted(slice(at, at + _CHUNK)) for at in range(0, n_features, _CHUNK)]
        return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in names}

    def _fitted(self, features: slice) -> dict[str, np.ndarray]:
        """Least squares over a grid of half-maximal doses and slopes; bottom and top have a closed form."""
        y = self._within(self.fires[:, features])
        tested = self.doses[self.doses > 0]
        low, high = np.log10(tested.min()) - _BEYOND, np.log10(tested.max()) + _BEYOND
        half = 10 ** np.linspace(low, high, int(np.ceil((high - low) * _STEPS_PER_DECADE)) + 1)
        shapes = hill(self.doses[None, None], half[:, None, None], _SLOPES[None, :, None])  # (E, S, n)
        flat = shapes.reshape(-1, len(self.doses)).T  # (n, E * S)
        centred = self._within(flat)
        norms = np.linalg.norm(centred, axis=0)
        along = (centred / np.maximum(norms, 1e-12)).T @ y  # (E * S, f)
        yy = (y**2).sum(axis=0)
        left = (yy - along**2).clip(min=0)
        best = left.argmin(axis=0)
        column = np.arange(y.shape[1])
        span = along[best, column] / np.maximum(norms[best], 1e-12)
        bottom = self.fires[:, features].mean(axis=0) - span * flat.mean(axis=0)[best]
        freedom = self._freedom(3)
        per_half = left.reshape(len(half), len(_SLOPES), -1).min(axis=1)  # (E, f)
        allowed = per_half <= left[best, column] * (1 + stats.f.ppf(0.95, 1, freedom) / freedom) + 1e-15
        first, last = allowed.argmax(axis=0), len(half) - 1 - allowed[::-1].argmax(axis=0)
        silent = yy <= 1e-12
        found = {
            "bottom": bottom,
            "top": bottom + span,
            "ec50": half[best // len(_SLOPES)],
            "ec50_low": np.where(first == 0, 0.0, half[first]),
            "ec50_high": np.where(last == len(half) - 1, np.inf, half[last]),
            "slope": _SLOPES[best % len(_SLOPES)],
            "r2": 1 - left[best, column] / np.maximum(yy, 1e-12),
        }
        return {name: np.where(silent, np.nan, values) for name, values in found.items()}


def hill(dose: np.ndarray, ec50: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Part of the full effect at a dose, 0 to 1; 0 at dose 0."""
    return np.asarray(dose**slope / (dose**slope + ec50**slope))


def _unit(columns: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(columns, axis=0)
    return np.asarray(np.divide(columns, norms, out=np.zeros_like(columns), where=norms > 1e-9))


def _t(size: np.ndarray, freedom: int) -> np.ndarray:
    return np.asarray(size * np.sqrt(freedom / np.maximum(1 - size**2, 1e-12)))
