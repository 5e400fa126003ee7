"""Features and measurements: planted ones are found on held-out wells, chance is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.analysis.wells import wells_of

from napari_lexicon.analysis.associations import best_features, correlation_profiles, measurements_from_csv
from napari_lexicon.errors import PlateMapError


def counted(seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    count = rng.poisson(100, 60).astype(float)
    shift = np.zeros((60, 300))
    shift[:, 7] = 0.3 * (count - 100)
    return pd.DataFrame({"count": count, "nothing": rng.standard_normal(60)}), shift


def test_a_counting_feature_is_found_and_chance_is_told_as_chance() -> None:
    measured, shift = counted()
    table = wells_of(["x"] * 60, features=300, shift=shift)
    found = best_features(table, measured, permutations=40).set_index("measurement")
    assert found.loc["count", "feature"] == 7
    assert found.loc["count", "rho_chosen"] == pytest.approx(
        stats.spearmanr(measured["count"], table.fires[:, 7]).statistic
    )
    assert found.loc["count", "rho"] > 0.9 and found.loc["count", "same_feature"] == 1
    assert found.loc["nothing", "rho_chosen"] ** 2 > 0.08  # the best of 300 flatters
    assert found.loc["nothing", "rho"] < found.loc["nothing", "chance_high"]


def test_the_profile_says_how_much_a_feature_is_about_one_thing() -> None:
    measured, shift = counted()
    table = wells_of(["x"] * 60, features=300, shift=shift)
    profile = correlation_profiles(table.fires, measured)
    assert profile.loc[7, "entropy"] < 0.6 < profile["entropy"].median()
    assert profile.loc[7, "about"] == "count" and profile["entropy"].between(0, 1).all()
    assert abs(profile["entropy_chance"].iloc[0] - profile["entropy"].drop(7).median()) < 0.05
    size = np.abs([stats.spearmanr(table.fires[:, 7], measured[name]).statistic for name in measured])
    assert profile.loc[7, "entropy"] == pytest.approx(stats.entropy(size / size.sum()) / np.log(2))


def test_fields_of_a_well_choose_and_move_together() -> None:
    """Ten wells whose fields repeat them say no more than ten wells."""
    rng = np.random.default_rng(3)
    one = wells_of(["x"] * 10, features=200, seed=3)
    many = one.take(wells=np.repeat(np.arange(10), 9))
    y = rng.standard_normal(10)
    alone = best_features(one, pd.DataFrame({"y": y}), permutations=100)
    repeated = best_features(many, pd.DataFrame({"y": np.repeat(y, 9)}), permutations=100)
    assert repeated["n_wells"].item() == 10 and repeated["n_rows"].item() == 90
    assert repeated["rho_chosen"].item() == pytest.approx(alone["rho_chosen"].item(), abs=0.02)
    assert repeated["chance_high"].item() > 0.5  # ninety independent rows would give 0.3


def test_a_difference_between_plates_is_chance_where_it_is_all_there_is() -> None:
    plate = np.arange(60) % 2
    shift = np.repeat(plate[:, None] * 1.0, 50, axis=1)
    table = wells_of(["x"] * 60, features=50, plates=2, shift=shift)
    measured = pd.DataFrame({"y": 3.0 * plate + np.random.default_rng(0).standard_normal(60)})
    found = best_features(table, measured, permutations=60)
    assert found["rho"].item() > 0.5
    assert found["chance_high"].item() > 0.7  # shuffled over both plates it would be 0.3, and 0.83 a finding


def test_measurements_of_fields_are_averaged_over_wells(tmp_path: Path) -> None:
    wells = pd.DataFrame({"plate": ["p", "p", "p"], "well": ["A01", "A02", "B01"]})
    path = tmp_path / "m.csv"
    path.write_text("Well,count,said\na1,10,x\nA01,20,y\nA2,5,z\n")
    found = measurements_from_csv(path, wells)
    assert list(found.columns) == ["count"]
    np.testing.assert_array_equal(found["count"], [15, 5, np.nan])
    path.write_text("Metadata_Plate,Metadata_Well,count\nq,A01,1\np,A01,2\n")
    np.testing.assert_array_equal(measurements_from_csv(path, wells)["count"], [2, np.nan, np.nan])
    fields = wells.iloc[[0, 0, 1]].assign(field=["00", "01", "00"])
    path.write_text("well,field,count\nA1,0,7\nA1,1,8\nA2,00,9\n")
    np.testing.assert_array_equal(measurements_from_csv(path, fields)["count"], [7, 8, 9])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("site,count\n1,2\n", "has no column well"),
        ("well,said\nA1,x\n", "no column of numbers"),
        ("well,n\nH9,1\n", "names no well"),
    ],
)
def test_tables_that_cannot_be_used_are_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(text)
    with pytest.raises(PlateMapError, match=sentence):
        measurements_from_csv(path, pd.DataFrame({"plate": ["p"], "well": ["A01"]}))


def test_too_few_wells_are_refused() -> None:
    measured = pd.DataFrame({"count": [1.0] * 3 + [np.nan] * 57})
    with pytest.raises(PlateMapError, match="known of 3 wells"):
        best_features(wells_of(["x"] * 60), measured)
