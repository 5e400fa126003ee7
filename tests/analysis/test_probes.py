"""Probes against scikit-learn, planted differences and chance."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.analysis.wells import wells_of

from napari_lexicon.analysis.probes import probes
from napari_lexicon.errors import PlateMapError

LABELS = ["a", "b", "c"] * 12


def test_all_features_are_the_pipeline_of_scikit_learn() -> None:
    shift = np.zeros((36, 80))
    shift[1::3, :4] = 0.8
    table = wells_of(LABELS, features=80, shift=shift)
    found = probes(table, "x", repeats=1, permutations=0, seed=3).set_index("source")
    x, y = table.fires.astype(float), np.array(LABELS)
    told = np.empty_like(y)
    for train, test in StratifiedGroupKFold(5, shuffle=True, random_state=3).split(x, y, np.arange(36)):
        model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=5000))
        told[test] = model.fit(x[train], y[train]).predict(x[test])
    assert found.loc["all features", "balanced_accuracy"] == pytest.approx(balanced_accuracy_score(y, told), abs=0.03)


def test_planted_differences_are_told_from_few_features_and_not_from_brightness() -> None:
    shift = np.zeros((36, 60))
    shift[1::3, 0] = 3
    shift[2::3, 1] = 3
    table = wells_of(LABELS, features=60, shift=shift)
    noise = np.random.default_rng(1).standard_normal(36)
    found = probes(table, "x", beside={"brightness": noise}, repeats=3).set_index("source")
    score = found["balanced_accuracy"]
    assert score["best 3"] > 0.9
    assert 0.5 < score["best feature"] < 0.8  # one feature tells one of three
    assert score["brightness"] < found.loc["brightness", "chance_high"] + 0.05
    assert found["chance"].tolist() == pytest.approx([1 / 3] * len(found)) and (found["n_wells"] == 36).all()


def test_nothing_is_told_from_nothing_although_the_best_are_chosen() -> None:
    scores = [
        probes(wells_of(["a", "b"] * 20, features=200, seed=s), "x", repeats=1, permutations=0, seed=s)[
            "balanced_accuracy"
        ]
        for s in range(12)
    ]
    assert abs(np.mean(scores) - 0.5) < 0.06


def test_a_plate_that_goes_with_the_value_is_not_told_across_plates() -> None:
    """Each of six plates looks otherwise and holds both values; the values do nothing."""
    labels = [value for plate in range(6) for value in ([0, 1] if plate % 2 else [1, 0]) * 2 + [plate % 2] * 6]
    shift = np.repeat(np.random.default_rng(0).normal(0, 1, (6, 40)), 10, axis=0)
    table = wells_of([f"v{v}" for v in labels], features=40, shift=shift, shared=0.0)
    table.wells["plate"] = np.repeat([f"p{p}" for p in range(6)], 10)
    mixed = probes(table, "x", repeats=3, permutations=0).set_index("source")["balanced_accuracy"]["all features"]
    apart = probes(table, "x", across="plate", repeats=3, permutations=0)
    assert mixed > 0.65
    assert apart.set_index("source")["balanced_accuracy"]["all features"] < mixed - 0.1
    assert (apart["n_groups"] == 6).all()


def test_a_value_on_one_plate_cannot_be_told_across_plates() -> None:
    table = wells_of(["a"] * 6 + ["b"] * 6)
    table.wells["plate"] = ["p"] * 6 + ["q"] * 6
    with pytest.raises(PlateMapError, match="fewer than two values in two plate"):
        probes(table, "x", across="plate")


def test_columns_that_are_alike_in_all_wells_tell_nothing() -> None:
    table = wells_of(["a"] * 6 + ["b"] * 6, features=20)
    table.fires[:] = 0.1
    found = probes(table, "x", repeats=1, permutations=2)
    assert (found["balanced_accuracy"] == 0.5).all()


def test_what_the_plate_alone_tells_is_chance() -> None:
    """A drug that is mostly on the bright plate is told by brightness, and by shuffles within plates as well."""
    labels = ["a"] * 12 + ["b"] * 4 + ["a"] * 4 + ["b"] * 12
    table = wells_of(labels, features=20)
    table.wells["plate"] = ["p"] * 16 + ["q"] * 16
    bright = (table.wells["plate"] == "q").to_numpy(float) + 0.01 * np.random.default_rng(0).standard_normal(32)
    found = probes(table, "x", beside={"brightness": bright}, permutations=20).set_index("source")
    assert found.loc["brightness", "balanced_accuracy"] > 0.7
    assert found.loc["brightness", "chance_high"] >= found.loc["brightness", "balanced_accuracy"] - 0.05
