"""Question 7: which features tell a treatment from its controls, by how much, and is it chance?

Every treatment is compared with the control wells of its own plates. Parts of tokens are compared on the arcsine-root
scale, on which rare and common features vary alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from napari_lexicon.analysis.cells import auroc
from napari_lexicon.analysis.conditions import CONTROLS
from napari_lexicon.analysis.false_discovery import NullTail, benjamini_hochberg
from napari_lexicon.analysis.notes import noted, without_controls
from napari_lexicon.analysis.well_table import WellTable, in_order
from napari_lexicon.errors import PlateMapError

LEAST_CONTROLS = 4
PERMUTATIONS = 200
ENOUGH_ARRANGEMENTS = 20  # of treated wells among all, from which shuffles alone say what chance does


def treatment_effects(
    table: WellTable,
    by: str = "perturbation",
    *,
    controls: str = CONTROLS,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> pd.DataFrame:
    """Every treatment against control wells, feature by feature.

    Parameters
    ----------
    table : WellTable
        Features over wells.
    by : str
        Column of the plate map that names the treatment, or several joined by commas (treatment and dose).
    controls : str
        Question to the plate map that chooses the control wells.
    permutations : int
        Shuffles of treated and control wells, within plates, behind ``q``.
    seed : int
        Of the shuffles.

    Returns
    -------
    pandas.DataFrame
        One row per treatment and feature: ``treatment``, ``feature``, ``channel``, ``name``; ``treated`` and
        ``control`` (mean part of tokens, 0 to 1), ``difference`` with its 95 % interval ``low``, ``high`` (pooled
        variance); ``effect`` (Hedges' g on the arcsine-root scale, in standard deviations between wells); ``auroc``
        (chance that a treated well has more); ``p`` (t-test on that scale); ``q`` (false-discovery rate over the
        features of the treatment, from shuffles; see ``ENOUGH_ARRANGEMENTS`` for very few wells); ``n_wells``,
        ``n_controls``.

    Raises
    ------
    PlateMapError
        If there are no control wells, or a column is missing.
    """
    labels = table.names(by)
    control = table.where(controls)
    if not control.any():
        raise PlateMapError(f"No well is a control by {controls!r}: choose others with --controls.")
    rng = np.random.default_rng(seed)
    parts, left_out = [], []
    for treatment in in_order(labels[~control]):
        one = treated_wells(table, (labels == treatment).to_numpy() & ~control, control)
        if one is None:
            left_out.append(treatment)
            continue
        frame = table.features[["feature", "channel", "name"]].copy()
        frame.insert(0, "treatment", treatment)
        parts.append(frame.assign(**one.columns(permutations, rng)))
    if not parts:
        raise PlateMapError(
            f"No treatment of {by} has two control wells or more on its plate: choose others with --controls."
        )
    return noted(pd.concat(parts, ignore_index=True), without_controls(left_out))


def treated_wells(table: WellTable, treated: np.ndarray, control: np.ndarray) -> TreatedWells | None:
    """Treated wells and the controls of their plates; None where there are fewer than two of these."""
    plates = table.wells["plate"].to_numpy()
    chosen = treated | (control & np.isin(plates, plates[treated]))
    if (chosen & ~treated).sum() < 2:
        return None
    return TreatedWells.of(table.fires[chosen], treated[chosen], plates[chosen])


@dataclass(frozen=True)
class TreatedWells:
    """Treated wells against controls: values as they are and on the arcsine-root scale, centred within plates."""

    fires: np.ndarray  # (n, F)
    centred: np.ndarray  # (n, F): arcsine root, plate means taken away
    treated: np.ndarray  # (n,) bool
    strata: np.ndarray  # (n,)

    @classmethod
    def of(cls, fires: np.ndarray, treated: np.ndarray, plates: np.ndarray) -> TreatedWells:
        strata = np.unique(plates, return_inverse=True)[1]
        rooted = np.arcsin(np.sqrt(fires.clip(0, 1).astype(np.float64)))
        centred = rooted - _stratum_means(rooted, strata)
        return cls(fires.astype(np.float64), centred, treated, strata)

    def columns(self, permutations: int, rng: np.random.Generator) -> dict[str, np.ndarray | int]:
        n_treated, n_control = int(self.treated.sum()), int((~self.treated).sum())
        t, difference, spread = self.t(self.treated[None].astype(np.float64))
        freedom = self._freedom()
        correction = 1 - 3 / (4 * freedom - 1) if freedom > 1 else 1.0  # Hedges' for few wells
        effect = np.divide(difference[0], spread[0], out=np.zeros_like(difference[0]), where=spread[0] > 0)
        treated_mean, control_mean = self.fires[self.treated].mean(axis=0), self.fires[~self.treated].mean(axis=0)
        half = self._half_interval(n_treated, n_control)
        raw = self._raw_difference()
        return {
            "treated": treated_mean,
            "control": control_mean,
            "difference": raw,
            "low": raw - half,
            "high": raw + half,
            "effect": effect * correction,
            "auroc": auroc(self.centred, self.treated),
            "p": 2 * stats.t.sf(np.abs(t[0]), freedom),
            "q": self._q(t[0], permutations, rng),
            "n_wells": n_treated,
            "n_controls": n_control,
        }

    def _freedom(self) -> int:
        return max(1, len(self.treated) - len(np.unique(self.strata)) - 1)

    def t(self, members: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """t, difference of means and spread between wells, each ``(P, F)``, for rows of 0 and 1 saying who is treated.

        The difference is that of a regression on the treatment within plates, so plates may hold unequal shares.
        """
        x = members - _stratum_means(members.T, self.strata).T
        xx = (x**2).sum(axis=1, keepdims=True)
        xy = x @ self.centred
        difference = np.divide(xy, xx, out=np.zeros_like(xy), where=xx > 1e-12)
        left = ((self.centred**2).sum(axis=0) - difference * xy).clip(min=0)
        spread = np.sqrt(left / self._freedom())
        scale = spread / np.sqrt(np.maximum(xx, 1e-12))
        return np.divide(difference, scale, out=np.zeros_like(xy), where=scale > 1e-9), difference, spread

    def _raw_difference(self) -> np.ndarray:
        x = self.treated - _stratum_means(self.treated[:, None].astype(np.float64), self.strata)[:, 0]
        xx = float((x**2).sum())
        return np.asarray(x @ self.fires / xx) if xx > 0 else np.full(self.fires.shape[1], np.nan)

    def _half_interval(self, n_treated: int, n_control: int) -> np.ndarray:
        """Half of the 95 % interval of the difference in parts of tokens."""
        x = self.treated - _stratum_means(self.treated[:, None].astype(np.float64), self.strata)[:, 0]
        xx = float((x**2).sum())
        if xx <= 0:
            return np.full(self.fires.shape[1], np.nan)
        y = self.fires - _stratum_means(self.fires, self.strata)
        left = ((y**2).sum(axis=0) - (x @ y) ** 2 / xx).clip(min=0)
        return np.asarray(stats.t.ppf(0.975, self._freedom()) * np.sqrt(left / self._freedom() / xx))

    def _q(self, t: np.ndarray, permutations: int, rng: np.random.Generator) -> np.ndarray:
        """Plug-in rate from shuffles within plates; shuffles that change nothing are drawn again.

        A single well among eight controls can be dealt out in nine ways: the most extreme of few ways is no evidence,
        so the rate from the t-test must agree where there are fewer than twenty.
        """
        members = np.stack([self.shuffled(rng) for _ in range(permutations)]).astype(np.float64)
        members = members[~(members == self.treated).all(axis=1)]
        if not len(members):
            return np.ones(len(t))
        tail = NullTail()
        tail.add(np.abs(self.t(members)[0]), len(members))
        q = tail.q(np.abs(t))
        if self._arrangements() >= ENOUGH_ARRANGEMENTS:
            return q
        return np.asarray(np.maximum(q, benjamini_hochberg(2 * stats.t.sf(np.abs(t), self._freedom()))))

    def _arrangements(self) -> float:
        """In how many ways the treated wells can be dealt out within plates."""
        counts = [(int((self.strata == s).sum()), int(self.treated[self.strata == s].sum())) for s in set(self.strata)]
        return math.prod(math.comb(n, k) for n, k in counts)

    def shuffled(self, rng: np.random.Generator) -> np.ndarray:
        """``(n,)`` bool: who is treated after an exchange within plates."""
        order = np.lexsort((rng.random(len(self.treated)), self.strata))
        shuffled = np.empty_like(self.treated)
        shuffled[np.argsort(self.strata, kind="stable")] = self.treated[order]
        return shuffled


def _stratum_means(values: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """``(n, F)``: for every row the mean over its stratum."""
    sums = np.zeros((int(strata.max()) + 1, values.shape[1]))
    np.add.at(sums, strata, values)
    return np.asarray((sums / np.bincount(strata)[:, None])[strata])
