"""Plates of every format hold controls in the outer columns, dose series, and compounds that do nothing."""

from __future__ import annotations

import pytest

from napari_lexicon.errors import SampleError
from napari_lexicon.plates.well_names import well_position
from napari_lexicon.samples.layout import CONTROL_COLUMNS, FORMATS, doses, effect, plate_contents, plate_map
from napari_lexicon.samples.phenotypes import PHENOTYPES


@pytest.mark.parametrize("wells", FORMATS)
def test_every_well_has_a_content_and_controls_lie_in_their_columns(wells: int) -> None:
    contents = plate_contents(wells)
    assert len(contents) == wells
    for name, content in contents.items():
        assert (content.pert_type == "negcon") == (well_position(name)[1] in CONTROL_COLUMNS[wells])
    rows, columns = FORMATS[wells]
    assert max(well_position(name) for name in contents) == (rows - 1, columns - 1)


@pytest.mark.parametrize("wells", [24, 48, 96, 384, 1536])
def test_every_phenotype_is_on_the_plate_up_to_the_top_dose(wells: int) -> None:
    contents = plate_contents(wells).values()
    for phenotype in PHENOTYPES:
        series = [content.dose for content in contents if content.phenotype == phenotype]
        assert max(series) == 1.0
        assert len(set(series)) >= 2


@pytest.mark.parametrize("wells", [48, 96, 384, 1536])
def test_some_compounds_do_nothing(wells: int) -> None:
    nulls = {c.perturbation for c in plate_contents(wells).values() if c.pert_type == "trt" and c.phenotype is None}
    assert len(nulls) >= 3


def test_layouts_are_shuffled_by_seed() -> None:
    assert plate_contents(96, seed=1) == plate_contents(96, seed=1)
    assert plate_contents(96, seed=1) != plate_contents(96, seed=2)
    ordered = [c.perturbation for c in plate_contents(96, shuffled=False).values() if c.pert_type == "trt"]
    assert ordered[:6] == [PHENOTYPES[0]] * 6


def test_positive_controls_replace_half_of_the_last_column() -> None:
    contents = plate_contents(384, poscon="apoptosis")
    positive = [name for name, content in contents.items() if content.pert_type == "poscon"]
    assert len(positive) == 8
    assert {name[1:] for name in positive} == {"24"}


def test_effects_rise_with_dose_to_one() -> None:
    effects = [effect(dose) for dose in doses(6)]
    assert effects == sorted(effects)
    assert effects[0] < 0.05
    assert effects[-1] == 1.0
    assert effect(0.0) == 0.0


def test_the_plate_map_names_what_a_screen_names() -> None:
    frame = plate_map(plate_contents(24), "P1", "B1")
    assert {
        "Metadata_Plate",
        "Metadata_Batch",
        "Metadata_perturbation",
        "Metadata_concentration",
        "Metadata_concentration_unit",
        "Metadata_pert_type",
        "Metadata_cell_line",
    } == set(frame.columns)
    assert list(frame.index[:2]) == ["A01", "A02"]
    assert (frame.Metadata_concentration[frame.Metadata_pert_type == "negcon"] == 0).all()


def test_unknown_formats_and_phenotypes_are_named() -> None:
    with pytest.raises(SampleError, match="not 100"):
        plate_contents(100)
    with pytest.raises(SampleError, match="'shrug'"):
        plate_contents(96, phenotypes=("shrug",))
