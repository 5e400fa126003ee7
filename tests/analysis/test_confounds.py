"""Confounds that were planted are flagged, features that follow the biology alone are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.analysis.wells import wells_of

from napari_lexicon.analysis.confounds import confounds, corrected_confounds
from napari_lexicon.analysis.corrected_probes import corrected_probes
from napari_lexicon.analysis.well_table import WellTable
from napari_lexicon.errors import PlateMapError

LABELS = (["DMSO"] * 4 + ["drug"] * 4 + ["other"] * 4) * 8  # two plates of 48 wells
CONTROLS = "Metadata_x == 'DMSO'"
BIOLOGY, PLATE, EDGE, BRIGHT = range(10), range(10, 20), range(20, 30), range(30, 40)


def confounded(seed: int = 0) -> tuple[WellTable, pd.DataFrame]:
    """Ten features follow the drug, ten the plate, ten the edge, ten a brightness that came with the other drug."""
    rng = np.random.default_rng(seed)
    n = len(LABELS)
    plain = wells_of(LABELS, plates=2, features=2, seed=seed).wells
    labels = np.array(LABELS)
    brightness = 1.0 * (labels == "other") + 0.1 * rng.standard_normal(n)
    shift = np.zeros((n, 80))
    shift[:, BIOLOGY] += 2.0 * (labels == "drug")[:, None]
    shift[:, PLATE] += 1.5 * (plain["plate"] == "plate1").to_numpy()[:, None]
    shift[:, EDGE] += 1.5 * plain["edge"].to_numpy()[:, None]
    shift[:, BRIGHT] += 2.0 * brightness[:, None]
    table = wells_of(LABELS, plates=2, features=80, shift=shift, seed=seed, shared=0.0)
    return table, pd.DataFrame({"brightness": brightness})


def test_planted_confounds_are_flagged_and_named() -> None:
    table, measured = confounded()
    flags = confounds(table, "x", measurements=measured).flags().set_index("feature")
    assert flags.loc[list(PLATE), "because"].str.startswith("plate").all()
    assert flags.loc[list(EDGE), "flagged"].all()
    assert flags.loc[list(BRIGHT), "because"].str.contains("brightness").all()
    assert not flags.loc[list(BIOLOGY), "flagged"].any()
    assert flags.loc[range(40, 80), "flagged"].sum() <= 2


def test_a_nuisance_that_goes_with_the_treatment_is_said() -> None:
    table, measured = confounded()
    found = confounds(table, "x", measurements=measured)
    told = found.nuisances.set_index("nuisance")["told_by_biology"]
    assert told["brightness"] > 0.5
    assert told["plate"] < 0.1
    assert any("brightness goes hand in hand with x" in note for note in found.notes)


def test_shares_and_tests_are_those_of_an_analysis_of_variance_on_ranks() -> None:
    table, _ = confounded()
    plate = (table.wells["plate"] == "plate1").to_numpy(float)
    label = pd.get_dummies(table.wells["Metadata_x"], drop_first=True).to_numpy(float)
    one = np.ones((len(table), 1))
    where = confounds(table, "x", nuisances=["plate"]).table.set_index("feature")
    said = confounds(table, "x", measurements=pd.DataFrame({"plate as measured": plate + label @ [1e-9, 2e-9]}))
    measured = said.table[said.table["nuisance"] == "plate as measured"].set_index("feature")
    for m in (0, 12, 44):
        ranks = stats.rankdata(table.fires[:, m])
        r2 = np.corrcoef(ranks, plate)[0, 1] ** 2
        assert where.loc[m, "explained"] == pytest.approx(max(0, 1 - (1 - r2) * 95 / 94))
        left = [
            np.linalg.lstsq(np.concatenate(columns, axis=1), ranks, rcond=None)[1][0]
            for columns in ([one, label], [one, label, plate[:, None]])
        ]
        assert where.loc[m, "p"] == pytest.approx(stats.f.sf((left[0] - left[1]) / (left[1] / 92), 1, 92), rel=1e-6)
        groups = [ranks[(plate == p) & (label == row).all(axis=1)] for p in (0, 1) for row in np.unique(label, axis=0)]
        assert measured.loc[m, "p"] == pytest.approx(stats.f_oneway(*groups).pvalue, rel=1e-6)


def test_a_layout_with_a_column_for_every_treatment_is_no_evidence() -> None:
    """The drug has columns of its own: its features are not flagged for them, and the notes say why."""
    table, _ = confounded()
    found = confounds(table, "x", nuisances=["column"])
    assert not found.table["flagged"][:10].any()
    assert any("column goes hand in hand" in note for note in found.notes)


def test_nothing_is_flagged_over_nulls() -> None:
    flagged = []
    for seed in range(60):
        table = wells_of(LABELS, plates=2, features=40, seed=seed)
        flagged.append(confounds(table, "x").table["flagged"].any())
    assert np.mean(flagged) < 0.35  # four nuisances, each at one in twenty
    one = [confounds(wells_of(LABELS, plates=2, features=40, seed=s), "x", nuisances=["plate"]) for s in range(100)]
    assert np.mean([(found.table["q"] <= 0.05).any() for found in one]) < 0.11


def test_normalising_plates_takes_the_plate_away_and_leaves_the_biology() -> None:
    table, _ = confounded()
    found = corrected_confounds(table, "x", controls=CONTROLS, nuisances=["plate"]).set_index("correction")
    assert found.loc["none", "flagged"] >= 10
    assert found.loc["plate", "flagged"] <= 3
    assert found.loc["plate", "biology"] >= found.loc["none", "biology"]
    with pytest.raises(PlateMapError, match="mixes features"):
        corrected_confounds(table, "x", controls=CONTROLS, corrections=["tvn"])


def test_corrections_say_how_many_features_still_go_with_the_plate() -> None:
    table, _ = confounded()
    found = corrected_probes(table, "x", "plate", controls=CONTROLS, repeats=1)
    flagged = found[found["told"] == "plate"].set_index("correction")["flagged"]
    assert flagged["none"] >= 10 and flagged["plate"] <= 3
    assert flagged[["tvn", "harmony"]].isna().all()  # they mix features
    assert found.loc[found["told"] == "x", "flagged"].isna().all()


def test_a_value_in_every_well_is_said_to_leave_no_room() -> None:
    labels = [f"drug{n}" for n in range(20)] + ["DMSO"] * 4
    found = confounds(wells_of(labels), "x")
    assert any("almost every well is a value of its own" in note for note in found.notes)


def test_what_does_not_differ_cannot_be_asked_for() -> None:
    with pytest.raises(PlateMapError, match="does not differ"):
        confounds(wells_of(LABELS), "x", nuisances=["plate"])
    with pytest.raises(PlateMapError, match="alike in all wells"):
        confounds(wells_of(["a"] * 8), "x")


@pytest.mark.parametrize("together", [0.5, 0.75])
def test_a_brightness_of_plates_that_goes_with_the_treatment_is_flagged_and_said(together: float) -> None:
    """Four plates, two of them brighter; the drug lies mostly on the bright ones."""
    rng = np.random.default_rng(3)
    plates = np.tile(np.arange(4), 24)
    drug = rng.random(96) < np.where(plates < 2, together, 1 - together)
    bright = (plates < 2) + 0.1 * rng.standard_normal(96)
    shift = np.zeros((96, 60))
    shift[:, :20] += 1.5 * bright[:, None]  # features of intensity
    shift[:, 20:30] += 2.5 * drug[:, None]  # features of the drug
    labels = np.where(drug, "drug", "DMSO").tolist()
    table = wells_of(labels, plates=4, features=60, shift=shift, shared=0.0, seed=1)
    found = confounds(table, "x", nuisances=["plate"], measurements=pd.DataFrame({"brightness": bright}))
    flagged = found.table[found.table["flagged"]].groupby("nuisance")["feature"].agg(set)
    assert len(flagged["plate"] & set(range(20))) >= 18
    assert len(flagged["brightness"] & set(range(20))) >= 18
    assert not flagged["plate"] & set(range(20, 30))
    assert len(flagged["plate"] | flagged["brightness"]) <= 24  # of 60: few of the 40 others
    told = found.nuisances.set_index("nuisance")["told_by_biology"]
    assert told["brightness"] < 0.1 if together == 0.5 else told["brightness"] > 0.1


def test_a_treatment_that_is_on_bright_plates_only_cannot_be_told_from_them() -> None:
    plates = np.tile(np.arange(4), 12)
    labels = np.where(plates < 2, "drug", "DMSO").tolist()
    found = confounds(wells_of(labels, plates=4, features=10), "x", nuisances=["plate"])
    assert any("plate goes hand in hand with x" in note for note in found.notes)
