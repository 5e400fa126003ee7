"""Dose response against scipy, planted curves and chance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats
from tests.analysis.wells import wells_of

from napari_lexicon.analysis.doses import dose_response, hill
from napari_lexicon.analysis.well_table import WellTable
from napari_lexicon.errors import PlateMapError

CONTROLS = "Metadata_x == 'DMSO'"
DOSES = np.array([0.1, 0.3, 1.0, 3.0, 10.0])


def series(
    seed: int = 0, ec50: float | None = None, features: int = 40, planted: int = 10, **more: object
) -> WellTable:
    labels = ["DMSO"] * 12 + ["drug"] * 15
    doses = np.concatenate([np.zeros(12), np.repeat(DOSES, 3)])
    shift = np.zeros((27, features))
    if ec50 is not None:
        shift[:, :planted] = 3.5 * hill(doses, np.array(ec50), np.array(2.0))[:, None]
    return wells_of(labels, features=features, seed=seed, shift=shift, columns={"dose": doses.tolist()}, **more)  # type: ignore[arg-type]


def test_the_trend_on_one_plate_is_that_of_spearman() -> None:
    table = series(seed=3, ec50=1.0)
    found = dose_response(table, "x", "dose", controls=CONTROLS, permutations=20)
    for m in range(0, 40, 7):
        expected = stats.spearmanr(table.wells["dose"], table.fires[:, m])
        assert found["rho"][m] == pytest.approx(expected.statistic, abs=1e-9)
        assert found["p"][m] == pytest.approx(expected.pvalue, rel=1e-6)


def test_the_curve_is_the_least_squares_one_of_scipy() -> None:
    table = series(seed=1, ec50=1.0, shared=0.0)
    found = dose_response(table, "x", "dose", controls=CONTROLS, permutations=5)
    doses = table.wells["dose"].to_numpy()

    def curve(x: np.ndarray, bottom: float, top: float, log_ec50: float, slope: float) -> np.ndarray:
        return np.asarray(bottom + (top - bottom) * hill(x, np.array(10**log_ec50), np.array(slope)))

    for m in range(10):
        y = table.fires[:, m].astype(float)
        start = (y.min(), y.max(), 0.0, 1.5)
        best, _ = optimize.curve_fit(curve, doses, y, start, bounds=([-1, -1, -1.5, 0.5], [2, 2, 1.5, 4]))
        ours = found.iloc[m]
        left = ((y - curve(doses, ours["bottom"], ours["top"], np.log10(ours["ec50"]), ours["slope"])) ** 2).sum()
        assert left <= 1.05 * ((y - curve(doses, *best)) ** 2).sum()
        assert abs(np.log10(ours["ec50"]) - best[2]) < 0.1


def test_the_interval_of_the_half_maximal_dose_holds_the_truth() -> None:
    inside = []
    for seed in range(40):
        labels = ["DMSO"] * 12 + ["drug"] * 15
        doses = np.concatenate([np.zeros(12), np.repeat(DOSES, 3)])
        table = wells_of(labels, features=5, columns={"dose": doses.tolist()})
        noise = np.random.default_rng(seed).normal(0, 0.02, (27, 5))
        table.fires[:] = 0.1 + 0.3 * hill(doses, np.array(1.0), np.array(1.4))[:, None] + noise
        found = dose_response(table, "x", "dose", controls=CONTROLS, permutations=2)
        inside.extend((found["ec50_low"] <= 1.0) & (found["ec50_high"] >= 1.0))
    assert 0.90 <= np.mean(inside) <= 0.99


def test_doses_that_do_nothing_are_called_in_one_of_twenty() -> None:
    called = []
    for seed in range(200):
        found = dose_response(series(seed=seed), "x", "dose", controls=CONTROLS, permutations=60, seed=seed)
        called.append((found["q"] <= 0.05).any())
    assert stats.binomtest(int(np.sum(called)), 200, 0.05, alternative="greater").pvalue > 0.01


def test_planted_curves_are_found_and_an_unreached_dose_is_open() -> None:
    found = dose_response(series(ec50=1.0, features=100, planted=20), "x", "dose", controls=CONTROLS)
    calls = found.loc[found["q"] <= 0.05, "feature"]
    assert (calls < 20).sum() >= 18
    assert (calls >= 20).mean() < 0.2
    assert 0.4 < found["ec50"][:20].median() < 2.5
    never = dose_response(series(ec50=200.0, features=100, planted=20), "x", "dose", controls=CONTROLS)
    assert np.isinf(never["ec50_high"][:20]).mean() > 0.5


def test_two_doses_have_a_trend_and_no_curve_and_text_is_a_sentence() -> None:
    labels = ["DMSO"] * 8 + ["drug"] * 4
    table = wells_of(labels, columns={"dose": [0.0] * 8 + [1.0, 1.0, 3.0, 3.0], "said": labels})
    found = dose_response(table, "x", "dose", controls=CONTROLS, permutations=5)
    assert found["rho"].notna().all() and found["ec50"].isna().all()
    with pytest.raises(PlateMapError, match="holds text"):
        dose_response(table, "x", "said", controls=CONTROLS)
