"""Well names have one canonical form, whatever the instrument writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_lexicon.plates.well_names import (
    MAX_COLUMNS,
    MAX_ROWS,
    canonical_well,
    plate_format,
    well_name,
    well_position,
)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("b3", "B03"),
        ("B03", "B03"),
        (" B003 ", "B03"),
        ("B - 03", "B03"),
        ("B/3", "B03"),
        ("r02c03", "B03"),
        ("R2C3", "B03"),
        ("row2 col3", "B03"),
        ("AF48", "AF48"),
        ("aa1", "AA01"),
        ("r32c48", "AF48"),
    ],
)
def test_every_style_has_one_canonical_name(written: str, canonical: str) -> None:
    assert canonical_well(written) == canonical


@pytest.mark.parametrize(
    "word", ["", "A", "3", "A0", "0A", "slide 1", "AS_09047", "A1.tif", "AAA1", "A1B2", "r0c1", "A100", "ZZ9"]
)
def test_words_that_are_no_wells_stay_free(word: str) -> None:
    assert canonical_well(word) is None


@given(st.integers(0, MAX_ROWS - 1), st.integers(0, MAX_COLUMNS - 1))
def test_name_and_position_are_inverse(row: int, column: int) -> None:
    name = well_name(row, column)
    assert canonical_well(name) == name
    assert well_position(name) == (row, column)
    assert canonical_well(f"r{row + 1:02d}c{column + 1:02d}") == name


@given(st.text(max_size=12))
def test_any_text_is_a_well_or_not_without_an_error(text: str) -> None:
    name = canonical_well(text)
    assert name is None or canonical_well(name) == name


def test_a_free_name_has_no_position() -> None:
    with pytest.raises(ValueError, match="slide"):
        well_position("slide")


@pytest.mark.parametrize(
    ("positions", "expected"),
    [([], (2, 3)), ([(0, 0), (1, 2)], (2, 3)), ([(14, 3)], (16, 24)), ([(31, 47)], (32, 48)), ([(60, 2)], (61, 3))],
)
def test_the_plate_is_the_smallest_usual_one_that_holds_its_wells(
    positions: list[tuple[int, int]], expected: tuple[int, int]
) -> None:
    assert plate_format(positions) == expected
