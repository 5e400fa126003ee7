"""Wells by what is typed."""

from __future__ import annotations

import pytest

from napari_lexicon.plates import open_plate
from napari_lexicon.widgets.plate.finding import found_wells


@pytest.fixture(scope="module")
def plate(tiny_plate):
    return open_plate(tiny_plate)  # column 1: DMSO, negcon, 0; column 2: drug, 1; column 3: drug, 10


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("concentration > 1", "3"),
        ("Metadata_concentration >= 1 and pert_type == 'trt'", "23"),
        ("dose = 10", "3"),
        ("conc < 5 AND perturbation = drug", "2"),
        ("pert_type in ['negcon']", "1"),
        ("not concentration > 0", "1"),
        ("dmso", "1"),
        ("negative control", "1"),
        ("drug", "23"),
    ],
)
def test_conditions_and_words_find_wells(plate, text, columns):
    wells, sentence = found_wells(plate, text)
    assert wells == {f"{row}0{column}" for row in "AB" for column in columns}
    assert sentence == f"{len(wells)} wells of 6"


def test_a_name_finds_its_well(plate):
    assert found_wells(plate, "b03") == (frozenset({"B03"}), "1 well of 6")


@pytest.mark.parametrize(
    "text", ["volume > 1", "concentration >", "__import__('os').system('x') == 1", "concentration > drug"]
)
def test_what_cannot_be_understood_says_so_and_is_never_run(plate, text):
    wells, sentence = found_wells(plate, text)
    assert not wells
    assert len(sentence) > 15


def test_nothing_asked_is_nothing_said(plate):
    assert found_wells(plate, "  ") == (frozenset(), "")
