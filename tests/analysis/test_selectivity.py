"""Selectivity against a brute-force count, and its nulls against chance."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.analysis.wells import TOKENS, wells_of

from napari_lexicon.analysis.selectivity import selectivity
from napari_lexicon.analysis.well_table import WellTable
from napari_lexicon.errors import PlateMapError


def tokens_of(table: WellTable) -> tuple[np.ndarray, np.ndarray]:
    """``(N, F)`` bool and ``(N,)`` well number: every token by itself."""
    fires = np.concatenate([np.arange(TOKENS)[:, None] < np.round(table.fires[w] * TOKENS) for w in range(len(table))])
    return fires, np.repeat(np.arange(len(table)), int(TOKENS))


def test_average_and_maximal_selectivity_are_those_of_counted_tokens() -> None:
    table = wells_of(["a", "b", "c", "a", "b", "c", "a", "a"], features=7)
    fires, well = tokens_of(table)
    label = table.wells["Metadata_x"].to_numpy()[well]
    answer = selectivity(table, "x", permutations=20).table
    for (feature, value), row in answer.set_index(["feature", "value"]).iterrows():
        inside = fires[label == value, feature].mean()
        others = {v: fires[label == v, feature].mean() for v in "abc" if v != value}
        assert row["selectivity"] == pytest.approx(inside - fires[label != value, feature].mean(), abs=1e-6)
        assert row["selectivity_max"] == pytest.approx(inside - max(others.values()), abs=1e-6)
        assert (row["n_wells"], row["n_wells_elsewhere"]) == {"a": (4, 4), "b": (2, 6), "c": (2, 6)}[value]


def test_p_is_the_share_of_all_relabelings_that_do_as_well() -> None:
    table = wells_of(list("aaabbbb"), features=5, seed=3)
    values = table.fires.astype(float)
    answer = selectivity(table, "x", permutations=4000).table
    for m in range(5):
        observed = values[:3, m].mean() - values[3:, m].mean()
        better = [
            values[list(chosen), m].mean() - np.delete(values[:, m], chosen).mean() >= observed - 1e-7
            for chosen in itertools.combinations(range(7), 3)
        ]
        row = answer[(answer["feature"] == m) & (answer["value"] == "a")].iloc[0]
        assert row["p"] == pytest.approx(np.mean(better), abs=0.03)


def test_wells_of_different_plates_are_never_exchanged() -> None:
    """Plate 1 is brighter and holds more of one treatment: within plates nothing is left of it."""
    labels = (["t"] * 3 + ["c"] * 9) + (["t"] * 9 + ["c"] * 3)
    plate = np.repeat([0, 1], 12)
    shift = np.repeat(plate[:, None] * 2.0, 30, axis=1)
    table = wells_of(labels, features=30, shift=shift, seed=1)
    table.wells["plate"] = plate
    mixed = selectivity(table, "x", within=None, permutations=300).table
    inside = selectivity(table, "x", within="plate", permutations=300).table
    treated = mixed["value"] == "t"
    assert (mixed[treated]["p"] < 0.05).mean() > 0.8
    assert (inside[treated]["p"] < 0.05).mean() < 0.3


def test_intervals_cover_the_truth() -> None:
    """Wells differ, so 400 tokens of one well are far fewer than 400 independent ones."""
    covered = []
    rng = np.random.default_rng(5)
    for seed in range(150):
        wells = rng.beta(4, 40, (24, 4))
        fires = rng.binomial(int(TOKENS), wells) / TOKENS
        table = wells_of(["a"] * 6 + ["b"] * 18, features=4, seed=seed)
        table.fires[:] = fires
        row = selectivity(table, "x", permutations=2).table.query("value == 'a'")
        covered.append((row["low"] < 0) & (row["high"] > 0))
    assert 0.92 < np.mean(covered) < 0.98


def test_interval_is_that_of_welch_for_equal_wells() -> None:
    table = wells_of(["a"] * 5 + ["b"] * 9, features=3)
    row = selectivity(table, "x", permutations=2).table.query("value == 'a'")
    expected = stats.ttest_ind(table.fires[:5], table.fires[5:], equal_var=False).confidence_interval()
    np.testing.assert_allclose(row["low"], expected.low, rtol=1e-3)
    np.testing.assert_allclose(row["high"], expected.high, rtol=1e-3)


def test_over_200_nulls_something_is_called_in_one_of_twenty() -> None:
    """Nothing was done to any well, and features depend on each other: any call at all is a false discovery."""
    labels = [f"v{n % 6}" for n in range(48)]
    called, family = [], []
    for seed in range(200):
        answer = selectivity(wells_of(labels, features=40, seed=seed), "x", permutations=120, seed=seed).table
        called.append((answer["q"] <= 0.05).any())
        family.append((answer.query("value == 'v1'")["p_family"] <= 0.05).any())
    assert stats.binomtest(int(np.sum(called)), 200, 0.05, alternative="greater").pvalue > 0.01
    assert stats.binomtest(int(np.sum(family)), 200, 0.05).pvalue > 0.01


def test_planted_effects_are_found_and_treatments_that_do_nothing_are_not() -> None:
    labels = np.array(["DMSO"] * 16 + [f"drug{n}" for n in range(4) for _ in range(6)] + ["null1", "null2"] * 6)
    false, found = [], []
    for seed in range(12):
        shift = np.zeros((len(labels), 200))
        for n in range(4):
            shift[np.ix_(labels == f"drug{n}", np.arange(10 * n, 10 * n + 10))] = 2.0
        answer = selectivity(wells_of(labels.tolist(), features=200, seed=seed, shift=shift), "x", permutations=200)
        table = answer.table
        truth = np.array([value == f"drug{m // 10}" for m, value in zip(table["feature"], table["value"], strict=True)])
        calls = table["q"].to_numpy() <= 0.05
        found.append((calls & truth).sum() / 40)
        false.append((calls & ~truth).sum() / max(1, calls.sum()))
    assert np.mean(found) > 0.9
    assert np.mean(false) < 0.06


def test_distribution_counts_all_features_beside_chance() -> None:
    table = wells_of([f"v{n % 4}" for n in range(32)], features=80)
    answer = selectivity(table, "x", permutations=60)
    best = answer.best()["selectivity"]
    row = answer.distribution.set_index("selectivity").loc[0.02]
    assert row["features"] == (best >= 0.02).sum()
    assert abs(row["features"] - row["chance"]) < 40  # nothing was planted
    assert (answer.distribution["chance"].diff().dropna() <= 1e-9).all()
    assert answer.values["chance_best"].between(0, 1).all()


def test_joined_columns_make_conditions() -> None:
    table = wells_of(list("aabb") * 3, columns={"Metadata_dose": [1.0, 10.0] * 6})
    answer = selectivity(table, "x, dose", permutations=5)
    assert list(answer.values.index) == ["a, 1", "a, 10", "b, 1", "b, 10"]


def test_what_limits_the_answer_is_said() -> None:
    table = wells_of(["a"] * 4 + ["b"] * 4 + ["lone"])
    table.wells["plate"] = ["p"] * 4 + ["q"] * 5
    notes = selectivity(table, "x", permutations=5).notes
    assert any("single well (lone)" in note for note in notes)
    assert any(note.startswith("a fill whole values of plate") for note in notes)


@pytest.mark.parametrize(("labels", "sentence"), [(["a"] * 4, "fewer than two"), (list("abcd"), "another value in")])
def test_columns_that_say_nothing_are_refused(labels: list[str], sentence: str) -> None:
    with pytest.raises(PlateMapError, match=sentence):
        selectivity(wells_of(labels), "x")


def test_wells_without_a_label_are_left_out() -> None:
    table = wells_of(["a", "a", "b", "b", None])
    answer = selectivity(table, "x", permutations=5)
    assert answer.values["n_wells"].sum() == 4
    assert isinstance(answer.table, pd.DataFrame)
