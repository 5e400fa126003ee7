"""Effects of treatments against scipy, linear regression and chance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from tests.analysis.wells import wells_of

from napari_lexicon.analysis.effects import treatment_effects
from napari_lexicon.analysis.notes import notes_of
from napari_lexicon.errors import PlateMapError

CONTROLS = "Metadata_x == 'DMSO'"


def test_one_plate_is_a_t_test_on_the_arcsine_root() -> None:
    table = wells_of(["DMSO"] * 9 + ["drug"] * 4, features=20)
    found = treatment_effects(table, "x", controls=CONTROLS, permutations=20)
    rooted = np.arcsin(np.sqrt(table.fires.astype(float)))
    expected = stats.ttest_ind(rooted[9:], rooted[:9])
    np.testing.assert_allclose(found["p"], expected.pvalue, rtol=1e-6)
    plain = stats.ttest_ind(table.fires[9:].astype(float), table.fires[:9].astype(float)).confidence_interval()
    np.testing.assert_allclose(found["low"], plain.low, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(found["high"], plain.high, rtol=1e-5, atol=1e-9)
    auroc = [stats.mannwhitneyu(rooted[9:, m], rooted[:9, m]).statistic / 36 for m in range(20)]
    np.testing.assert_allclose(found["auroc"], auroc)
    pooled = np.sqrt((8 * rooted[:9].var(axis=0, ddof=1) + 3 * rooted[9:].var(axis=0, ddof=1)) / 11)
    cohen = (rooted[9:].mean(axis=0) - rooted[:9].mean(axis=0)) / pooled
    np.testing.assert_allclose(found["effect"], cohen * (1 - 3 / (4 * 11 - 1)), rtol=1e-6)
    assert (found["n_wells"].unique(), found["n_controls"].unique()) == ([4], [9])


def test_plates_are_compared_within_themselves() -> None:
    """Regression on the treatment with an intercept per plate; one plate is brighter and holds more drug."""
    table = wells_of((["DMSO"] * 8 + ["drug"] * 2) + (["DMSO"] * 3 + ["drug"] * 6), features=6, seed=2)
    table.wells["plate"] = ["p"] * 10 + ["q"] * 9
    table.fires[10:] += 0.2
    found = treatment_effects(table, "x", controls=CONTROLS, permutations=5)
    rooted = np.arcsin(np.sqrt(table.fires.astype(float)))
    treated = (table.wells["Metadata_x"] == "drug").to_numpy(float)
    second = (table.wells["plate"] == "q").to_numpy(float)
    design = np.stack([treated, 1 - second, second], axis=1)
    for m in range(6):
        weights, left, *_ = np.linalg.lstsq(design, rooted[:, m], rcond=None)
        error = np.sqrt(left[0] / (19 - 3) * np.linalg.inv(design.T @ design)[0, 0])
        assert found["p"][m] == pytest.approx(2 * stats.t.sf(abs(weights[0] / error), 16), rel=1e-6)


def test_treatments_that_do_nothing_are_called_in_one_of_twenty() -> None:
    called = []
    for seed in range(200):
        table = wells_of(["DMSO"] * 12 + ["null"] * 4, features=60, seed=seed)
        found = treatment_effects(table, "x", controls=CONTROLS, permutations=60, seed=seed)
        called.append((found["q"] <= 0.05).any())
    assert stats.binomtest(int(np.sum(called)), 200, 0.05, alternative="greater").pvalue > 0.01


def test_planted_effects_are_found() -> None:
    labels = np.array(["DMSO"] * 16 + ["drug"] * 4 + ["null"] * 4)
    shift = np.zeros((24, 300))
    shift[np.ix_(labels == "drug", np.arange(60))] = 2.0
    table = wells_of(labels.tolist(), features=300, seed=4, shift=shift)
    found = treatment_effects(table, "x", controls=CONTROLS)
    calls = found[found["q"] <= 0.05]
    assert set(calls["treatment"]) <= {"drug"}
    assert (calls["feature"] < 60).mean() > 0.9
    assert (calls["feature"] < 60).sum() > 50


def test_a_single_well_has_an_effect_and_says_so() -> None:
    shift = np.zeros((13, 30))
    shift[12, :6] = 4.0
    found = treatment_effects(wells_of(["DMSO"] * 12 + ["drug"], features=30, shift=shift), "x", controls=CONTROLS)
    assert found["n_wells"].unique() == [1]
    assert set(found.nsmallest(5, "p")["feature"]) <= set(range(6))


def test_no_controls_is_a_sentence() -> None:
    with pytest.raises(PlateMapError, match="No well is a control"):
        treatment_effects(wells_of(["a", "b"] * 3), "x", controls=CONTROLS)


@pytest.mark.parametrize(("treated", "controls"), [(1, 4), (1, 8), (2, 4)])
def test_the_most_extreme_of_few_arrangements_is_no_evidence(treated: int, controls: int) -> None:
    """Shuffles alone called something on 22 and 16 of 100 plates with one treated well that does nothing."""
    called = []
    for seed in range(150):
        table = wells_of(["DMSO"] * controls + ["null"] * treated, features=60, seed=seed)
        found = treatment_effects(table, "x", controls=CONTROLS, permutations=60, seed=seed)
        called.append((found["q"] <= 0.05).any())
    assert stats.binomtest(int(np.sum(called)), 150, 0.05, alternative="greater").pvalue > 0.01


def test_treatments_called_by_numbers_stay_apart_and_in_order() -> None:
    numbers = [20231001.0] * 4 + [20231002.0] * 4 + [7.0] * 4
    table = wells_of(["DMSO"] * 8 + [None] * 12, features=5)
    table.wells["Metadata_id"] = [np.nan] * 8 + numbers
    found = treatment_effects(table, "id", controls=CONTROLS, permutations=5)
    assert found["treatment"].unique().tolist() == ["7", "20231001", "20231002"]
    assert (found["n_wells"] == 4).all()


def test_what_has_no_controls_on_its_plate_is_named() -> None:
    table = wells_of(["DMSO"] * 8 + ["drug"] * 4 + ["lost"] * 4, features=5)
    table.wells["plate"] = ["p"] * 12 + ["q"] * 4
    found = treatment_effects(table, "x", controls=CONTROLS, permutations=5)
    assert found["treatment"].unique().tolist() == ["drug"]
    (note,) = notes_of(found)
    assert "lost" in note and "fewer than two control wells" in note
