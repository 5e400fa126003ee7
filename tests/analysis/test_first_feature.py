"""The feature that is shown first tells something: never the background, never what varies by chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_lexicon.analysis.features import PlateStatistics, features_table
from napari_lexicon.analysis.first_feature import FirstFeature, clearer, first_feature
from napari_lexicon.lexicons import WellStatistics
from napari_lexicon.plates.well_names import well_name

TOKENS, M = 2000, 40
BACKGROUND, TELLING, NAMED = 0, 7, 11


def choice(
    labels: list[object],
    *,
    controls: bool = True,
    name: str = "",
    treated: str = "drug",
    by: str | None = "Metadata_gene",
    beyond: float | None = None,
    rise: float = 0.04,
    named_rise: float = 0.2,
    detail: np.ndarray | None = None,
) -> FirstFeature | None:
    """Twelve wells in which one feature rises with a treatment from 1 to 4 %, and another, perhaps named, more."""
    rng = np.random.default_rng(3)
    wells = tuple(well_name(0, column) for column in range(len(labels)))
    rates = np.full((len(labels), M), 0.02)
    rates[:, BACKGROUND] = 0.6
    raised = np.array([label == treated for label in labels])
    rates[raised, TELLING] = rise
    rates[~raised, TELLING] = 0.01
    rates[raised, BACKGROUND] = 0.9
    rates[raised, NAMED], rates[~raised, NAMED] = (named_rise, 0.01) if name else (0.02, 0.02)
    statistics = WellStatistics.empty(wells, 1, M)
    statistics.tokens[:] = TOKENS
    statistics.active[:, 0] = rng.binomial(TOKENS, rates)
    statistics.total[:, 0] = statistics.active[:, 0] * 0.5
    statistics.strongest[:, 0] = 1
    kinds = ["negcon" if label == "DMSO" and controls else "trt" for label in labels]
    plate_map = pd.DataFrame({"Metadata_gene": labels, "Metadata_pert_type": kinds}, index=list(wells))
    one = PlateStatistics("p", statistics, plate_map, ("DNA",), beyond=beyond)
    table = features_table([one])
    if name:
        table.loc[NAMED, "name"] = name
    return first_feature(table, one, by, None, detail)


DRUGS: list[object] = ["DMSO"] * 6 + ["drug"] * 3 + ["other"] * 3


@pytest.mark.parametrize("controls", [True, False])
def test_it_is_the_one_that_tells_a_treatment_from_the_rest(controls: bool) -> None:
    found = choice(DRUGS, controls=controls)
    assert found is not None
    assert found.feature == TELLING
    assert "drug" in found.why
    assert ("control wells" in found.why) is controls


def test_background_is_left_out_by_its_name_and_by_how_often_it_fires() -> None:
    left_out, named = choice(DRUGS, name="background"), choice(DRUGS, name="round cells")
    assert left_out is not None
    assert left_out.feature == TELLING
    assert named is not None
    assert named.feature == NAMED


def test_a_name_with_a_question_mark_is_no_reason_to_come_first() -> None:
    sure, perhaps = (choice(DRUGS, name=name, named_rise=0.028) for name in ("round cells", "round cells?"))
    assert sure is not None
    assert perhaps is not None
    assert (sure.feature, perhaps.feature) == (NAMED, TELLING)


def test_a_direction_comes_first_where_it_tells_a_treatment_far_more_clearly() -> None:
    code, along, little = choice(DRUGS), choice(DRUGS, beyond=2.0, rise=0.2), choice(DRUGS, beyond=2.0, rise=0.045)
    assert code is not None and along is not None and little is not None
    assert code.clear < little.clear < along.clear
    assert clearer(code, along) is along
    assert along.beyond == 2.0
    assert "of patches over 2 SD along it against" in along.why
    assert clearer(code, little) is code
    assert clearer(None, along) is along
    assert clearer(code, None) is code
    wells = choice(DRUGS, by=None), choice(DRUGS, by=None, beyond=2.0, rise=0.2)
    assert clearer(*wells) is wells[0]  # how much wells differ says nothing of what is clearer
    assert choice(["DMSO"], beyond=2.0) is None


def test_a_dose_names_its_column() -> None:
    found = choice([0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 30.0, 30.0, 30.0], treated=30.0, controls=False)
    assert found is not None
    assert found.feature == TELLING
    assert "gene 30" in found.why


def test_without_a_plate_map_it_is_the_one_that_differs_between_wells() -> None:
    found = choice(DRUGS, by=None)
    assert found is not None
    assert found.feature == TELLING
    assert "well to well" in found.why


def test_without_a_plate_map_ground_is_not_the_first_thing_that_is_seen() -> None:
    """What covers an image, and what lies along a feature named for the background, differs most between images."""
    floods, ground, cells, named = 3, 5, 8, 20
    wells = tuple(well_name(0, column) for column in range(8))
    rates = np.full((8, M), 0.02)
    rates[0, floods], rates[:4, ground], rates[:4, cells] = 0.95, 0.4, 0.3
    statistics = WellStatistics.empty(wells, 1, M)
    statistics.tokens[:] = TOKENS
    statistics.active[:, 0] = np.random.default_rng(0).binomial(TOKENS, rates)
    one = PlateStatistics("p", statistics, pd.DataFrame(index=list(wells)), ("DNA",))
    table = features_table([one])
    table.loc[named, "name"] = "background?"
    atoms = np.eye(M, 64, dtype=np.float32)
    atoms[ground, named], atoms[ground, ground] = 0.6, 0.8

    def first(directions: np.ndarray | None) -> int:
        found = first_feature(table, one, None, directions)
        assert found is not None
        return found.feature

    assert first(atoms) == cells
    assert first(None) == ground  # nothing else is known of it
    table.loc[named, "name"] = "#20"
    assert first(atoms) == ground
    statistics.active[:] = TOKENS
    assert first_feature(features_table([one]), one, None, atoms) is not None  # all cover their images


def named_plate(channels: tuple[str, ...], names: dict[int, str]) -> tuple[PlateStatistics, pd.DataFrame]:
    """Eight wells without a plate map, read by direction: what is named differs less from well to well than #3."""
    wells = tuple(well_name(0, column) for column in range(8))
    rates = np.full((8, M), 0.02)
    rates[:4, 3] = 0.3
    for feature in names:
        rates[:2, feature] = 0.1
    statistics = WellStatistics.empty(wells, len(channels), M)
    statistics.tokens[:] = TOKENS
    statistics.active[:] = np.random.default_rng(0).binomial(TOKENS, rates)[:, None]
    one = PlateStatistics("p", statistics, pd.DataFrame(index=list(wells)), channels, beyond=2.0)
    table = features_table([one])
    for feature, name in names.items():
        table.loc[feature, "name"] = name
    return one, table


def test_of_what_was_taught_a_name_that_holds_on_this_plate_comes_first() -> None:
    names = {
        11: "bright spots?",
        12: "nucleus, in a stained section?",
        13: "dying cell, in a nuclear stain?",
        14: "mine",
    }

    def first(channels: tuple[str, ...], detail: dict[int, float]) -> FirstFeature | None:
        one, table = named_plate(channels, names)
        seen = np.full(M, 0.9)
        seen[list(detail)] = list(detail.values())
        return first_feature(table, one, None, None, seen, taught=(11, 12, 13))

    grey, colour, nuclear = (first(channels, {}) for channels in (("GFP",), ("Red", "Green", "Blue"), ("DAPI",)))
    assert grey is not None and colour is not None and nuclear is not None
    assert (grey.feature, colour.feature, nuclear.feature) == (11, 12, 13)
    assert "of the features with a name, how often it fires differs most" in grey.why
    assert first(("GFP",), {11: 0.5}) is None  # where it lies there is no more to see than anywhere
    fibrous, glass = (first(("Red", "Green", "Blue"), {12: detail}) for detail in (0.42, 0.2))
    assert fibrous is not None and fibrous.feature == 12  # nuclei are smoother than the fibres of a section
    assert glass is not None and glass.feature == 11
    assert first(("DAPI",), {13: 0.42, 11: 0.2}) is None  # in fluorescence nothing is smooth but ground
    assert clearer(FirstFeature(3, "", "A01"), grey) == FirstFeature(3, "", "A01")
    assert clearer(FirstFeature(3, "", "A01"), None, grey) is grey


@pytest.mark.parametrize(("along", "named", "first"), [(14.0, 7.5, 3), (14.0, 6.5, 1), (16.0, 6.5, 2)])
def test_a_named_direction_comes_first_where_it_is_about_as_clear_as_the_best_code(
    along: float, named: float, first: int
) -> None:
    readings = [FirstFeature(n, "", "A01", clear) for n, clear in enumerate((10.0, along, named), start=1)]
    found = clearer(*readings)
    assert found is not None
    assert found.feature == first


def test_what_marks_ground_is_not_shown_first_without_a_plate_map_nor_with_one() -> None:
    wells = choice(DRUGS, by=None)
    assert wells is not None and wells.feature == TELLING
    detail = np.full(M, 0.7)
    detail[TELLING] = 0.2
    for by in (None, "Metadata_gene"):
        found = choice(DRUGS, by=by, detail=detail)
        assert found is not None and found.feature not in (TELLING, BACKGROUND)


def test_one_well_and_a_silent_plate_are_no_error() -> None:
    found = choice(["DMSO"])
    assert found is not None
    assert found.feature not in (BACKGROUND,)
    empty = PlateStatistics("p", WellStatistics.empty(("A01",), 1, M), pd.DataFrame(index=["A01"]), ("DNA",))
    table = features_table([empty])
    assert first_feature(table, empty) is None
