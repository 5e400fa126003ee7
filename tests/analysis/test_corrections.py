"""Corrections take away what was planted between plates and leave what was planted between treatments."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from tests.analysis.wells import wells_of

from napari_lexicon.analysis.corrected_probes import corrected_probes
from napari_lexicon.analysis.corrections import (
    CORRECTIONS,
    control_problems,
    standardised_on_controls,
    typical_variation_normalised,
)
from napari_lexicon.analysis.harmony import harmonised
from napari_lexicon.errors import PlateMapError


def plates(seed: int = 0, n: int = 60, features: int = 24) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Values, controls, plate and treatment of two plates; plate 1 is shifted and stretched, treatment 1 is planted."""
    rng = np.random.default_rng(seed)
    plate = np.repeat([0, 1], n)
    treated = np.tile(np.arange(n) % 3 == 0, 2)
    control = np.tile(np.arange(n) % 3 == 1, 2)
    values = rng.normal(size=(2 * n, features))
    values[treated, :5] += 2.5
    values[plate == 1] = values[plate == 1] * 1.5 + np.concatenate([np.full(10, 3.0), np.zeros(features - 10)])
    return values, control, plate, treated


def told_apart(values: np.ndarray, labels: np.ndarray) -> float:
    return float(cross_val_score(LogisticRegression(max_iter=2000), values, labels, cv=5).mean())


@pytest.mark.parametrize("name", ["plate", "standard", "tvn", "harmony"])
def test_plates_cannot_be_told_apart_any_more_and_treatments_can(name: str) -> None:
    values, control, plate, treated = plates()
    after = CORRECTIONS[name].apply(values, control, plate)
    assert told_apart(values, plate) > 0.95
    assert told_apart(after, plate) < 0.7
    assert told_apart(after, treated) > 0.9


def test_controls_end_with_centre_zero_and_robust_spread_one() -> None:
    values, control, plate, _ = plates()
    after = standardised_on_controls(values, control, plate)
    for p in (0, 1):
        own = after[control & (plate == p)]
        np.testing.assert_allclose(np.median(own, axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(1.4826 * np.median(np.abs(own), axis=0), 1, rtol=1e-9)


def test_a_feature_that_is_silent_in_controls_stays_finite() -> None:
    values = np.zeros((30, 2))
    values[20:, 0] = np.linspace(0.1, 1, 10)
    after = standardised_on_controls(values, np.arange(30) < 20, np.zeros(30))
    assert np.isfinite(after).all()
    assert np.abs(after).max() < 1000
    assert (after[:, 1] == 0).all()


def test_control_covariance_is_alike_on_every_plate_after_tvn() -> None:
    values, control, plate, _ = plates(n=300)
    after = typical_variation_normalised(values, control, plate, components=6, shrinkage=1e-6)
    a, b = (np.cov(after[control & (plate == p)], rowvar=False) for p in (0, 1))
    np.testing.assert_allclose(a, b, atol=1e-3)


def test_harmony_agrees_with_harmonypy() -> None:
    import harmonypy

    values, control, plate, treated = plates(n=150)
    ours = harmonised(values, control, plate, components=10)
    start = harmonised(values, control, np.zeros(len(values)), components=10)
    meta = pd.DataFrame({"plate": plate.astype(str)})
    # the paper's ridge and rounds; by default harmonypy now stops after a round that changes little
    run = harmonypy.run_harmony(start, meta, ["plate"], lamb=1.0, max_iter_kmeans=20, epsilon_harmony=-np.inf)
    theirs = np.asarray(run.Z_corr)
    theirs = theirs if theirs.shape == ours.shape else theirs.T
    assert abs(told_apart(ours, plate) - told_apart(theirs, plate)) < 0.12
    assert abs(told_apart(ours, treated) - told_apart(theirs, treated)) < 0.08
    moved = np.corrcoef((ours - start).ravel(), (theirs - start).ravel())[0, 1]
    assert moved > 0.9


def test_too_few_controls_are_said() -> None:
    wells = pd.DataFrame({"plate": ["p"] * 5 + ["q"] * 5 + ["r"] * 5})
    control = np.array([True] * 5 + [True] * 2 + [False] * 8)
    said = " ".join(control_problems(wells, control, n_directions=64))
    assert "without control wells: r. They are standardised on all their wells" in said
    assert "on q (2)" in said
    assert "support about 1 directions, not 64" in said
    with pytest.raises(PlateMapError, match="three control wells"):
        typical_variation_normalised(np.zeros((4, 2)), np.array([True, False, False, True]), np.zeros(4))


def test_before_and_after_are_told_on_the_same_splits_and_few_controls_are_said() -> None:
    rng = np.random.default_rng(0)
    labels = [name for _ in range(2) for name in ["DMSO"] * 16 + ["a"] * 8 + ["b"] * 8]
    plate = np.repeat([0, 1], 32)
    shift = np.zeros((64, 40))
    shift[:, :20] += 1.5 * plate[:, None]  # half of the features see the plate
    shift[np.array(labels) == "a", 20:26] += 1.5
    shift[np.array(labels) == "b", 26:32] += 1.5
    table = wells_of(labels, features=40, shift=shift, seed=int(rng.integers(9)))
    table.wells["plate"] = [f"p{p}" for p in plate]
    found = corrected_probes(table, "x", "plate", controls="Metadata_x == 'DMSO'", repeats=2)
    score = found.set_index(["correction", "told"])["balanced_accuracy"]
    assert score["none", "plate"] > 0.95
    for name in ("plate", "standard"):  # Harmony leaves a shift as large as this one to be seen
        assert score[name, "plate"] < 0.75, name
        assert score[name, "x"] > 0.7, name
    assert score["harmony", "x"] > 0.7
    assert "support 6 directions" in found.loc[found["correction"] == "tvn", "warning"].iloc[0]
    assert found.loc[found["correction"] == "none", "warning"].eq("").all()
