"""Mean average precision against copairs and against counting by hand; its null against plates without effects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.analysis.wells import wells_of

from napari_lexicon.analysis.activity import (
    average_precision,
    consistency,
    cosine,
    replicate_activity,
    similar_treatments,
)
from napari_lexicon.analysis.corrections import standardised_on_controls
from napari_lexicon.analysis.ranking_nulls import Comparison
from napari_lexicon.errors import PlateMapError

CONTROLS = "Metadata_x == 'DMSO'"
LABELS = ["DMSO"] * 10 + ["a"] * 4 + ["b"] * 4 + ["null"] * 4


def planted(seed: int = 0):
    shift = np.zeros((len(LABELS), 40))
    shift[10:14, :8] = 2.5
    shift[14:18, 4:12] = 2.5
    kinds = ["none"] * 10 + ["k1"] * 4 + ["k1"] * 4 + ["k2"] * 4
    return wells_of(LABELS, features=40, seed=seed, shift=shift, columns={"Metadata_kind": kinds})


def test_average_precision_by_hand() -> None:
    similarity = np.array([0.9, 0.8, 0.7, 0.6])
    positive = np.array([True, False, True, False])
    assert average_precision(similarity, positive, ~positive) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(np.zeros(4), positive, ~positive) == pytest.approx((1 / 3 + 2 / 4) / 2)  # ties lose
    assert np.isnan(average_precision(similarity, np.zeros(4, bool), positive))


def test_many_shuffles_at_once_are_as_one_by_one() -> None:
    rng = np.random.default_rng(0)
    profiles, plates = rng.standard_normal((14, 6)) + 3, np.repeat(["p", "q"], 7)
    members = np.zeros((5, 14), bool)
    for row in members:
        row[rng.choice(7, 2, replace=False)] = row[7 + rng.choice(7, 2, replace=False)] = True
    allowed = plates[:, None] != plates[None]
    found = Comparison.of(profiles, members[0], plates, allowed).precisions(members)
    for treated, scores in zip(members, found, strict=True):
        centred = profiles.copy()
        for plate in ("p", "q"):
            centred[plates == plate] -= profiles[(plates == plate) & ~treated].mean(axis=0)
        similarity = cosine(centred)
        expected = [average_precision(similarity[w], treated & allowed[w], ~treated) for w in np.flatnonzero(treated)]
        np.testing.assert_allclose(scores, expected)


def test_planted_treatments_are_active_and_the_null_is_not() -> None:
    found = replicate_activity(planted(), "x", controls=CONTROLS).set_index("treatment")
    assert (found.loc[["a", "b"], "map"] > 0.9).all()
    assert (found.loc[["a", "b"], "q"] < 0.05).all()
    assert found.loc["null", "q"] > 0.05
    assert found["n_wells"].unique().tolist() == [4]
    assert found["n_controls"].unique().tolist() == [10]


def test_null_treatments_are_called_in_one_of_twenty() -> None:
    labels = ["DMSO"] * 12 + ["null"] * 4
    p = [
        replicate_activity(wells_of(labels, seed=seed), "x", controls=CONTROLS, null_size=200)["p"][0]
        for seed in range(200)
    ]
    assert (np.array(p) <= 0.05).mean() < 0.09
    assert 0.4 < np.mean(p) < 0.6


def test_kinds_dealt_out_at_random_are_called_in_one_of_twenty() -> None:
    treatments = np.repeat([f"t{n}" for n in range(12)], 3)
    p = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        kinds = np.repeat(rng.permutation(["k1", "k2", "k3"] * 4), 3)
        shift = np.repeat(rng.normal(0, 1, (12, 60)), 3, axis=0)  # every treatment does something of its own
        table = wells_of(
            ["DMSO"] * 8 + list(treatments),
            seed=seed,
            shift=np.concatenate([np.zeros((8, 60)), shift]),
            columns={"Metadata_kind": ["none"] * 8 + list(kinds)},
        )
        p += consistency(table, "kind", "x", controls=CONTROLS, null_size=200)["p"].tolist()
    assert (np.array(p) <= 0.05).mean() < 0.11
    assert 0.4 < np.mean(p) < 0.6


def test_replicates_of_other_plates_only() -> None:
    table = planted()
    table.wells["plate"] = ["p", "q"] * 11
    across = replicate_activity(table, "x", controls=CONTROLS, across="plate")
    assert set(across["treatment"]) == {"a", "b", "null"}
    with pytest.raises(PlateMapError, match="No value"):
        table.wells["plate"] = "p"
        replicate_activity(table, "x", controls=CONTROLS, across="plate")


def test_agreement_with_copairs() -> None:
    import copairs.map as copairs

    table = planted(3)
    control = table.where(CONTROLS)
    profiles = standardised_on_controls(table.fires, control, table.wells["plate"].to_numpy())
    profiles -= profiles[control].mean(axis=0)
    meta = pd.DataFrame({"treatment": LABELS, "control": control, "kind": table.wells["Metadata_kind"]})
    scores = copairs.average_precision(meta, profiles, ["treatment"], [], [], ["control"], distance="cosine")
    expected = scores[~control].groupby("treatment")["average_precision"].mean()
    found = replicate_activity(table, "x", controls=CONTROLS).set_index("treatment")
    pd.testing.assert_series_equal(found["map"].sort_index(), expected, check_names=False, rtol=1e-6)
    treated = meta[~control].reset_index(drop=True)
    kinds = copairs.average_precision(
        treated, profiles[~control], ["kind"], ["treatment"], [], ["kind"], distance="cosine"
    )
    found = consistency(table, "kind", "x", controls=CONTROLS).set_index("treatment")
    assert found.loc["k1", "map"] == pytest.approx(kinds.query("kind == 'k1'")["average_precision"].mean())


def test_treatments_that_share_features_are_near() -> None:
    found = similar_treatments(planted(), "x", controls=CONTROLS)
    nearest = found[found["rank"] == 1].set_index("treatment")
    assert nearest.loc["a", "other"] == "b"
    assert nearest.loc["a", "strength"] > 1.5 * nearest.loc["null", "strength"]
    known = similar_treatments(planted(), "x", controls=CONTROLS, known="Metadata_x == 'b'")
    assert known["other"].unique().tolist() == ["b"]


@pytest.mark.parametrize("labels", [["DMSO"] * 6, ["a"] * 3 + ["b"] * 3])
def test_treatments_alone_and_controls_alone_are_a_sentence(labels: list[str]) -> None:
    with pytest.raises(PlateMapError, match="both treated and control wells"):
        similar_treatments(wells_of(labels), "x", controls="Metadata_x == 'DMSO'")


def test_treatments_are_compared_with_known_ones_only() -> None:
    table = wells_of(["DMSO"] * 6 + ["a"] * 3 + ["b"] * 3 + ["known"] * 3)
    found = similar_treatments(table, "x", controls="Metadata_x == 'DMSO'", known="Metadata_x == 'known'")
    assert set(zip(found["treatment"], found["other"], strict=True)) == {("a", "known"), ("b", "known")}
    with pytest.raises(PlateMapError, match="correct --known"):
        similar_treatments(table, "x", controls="Metadata_x == 'DMSO'", known="Metadata_x == 'nobody'")
