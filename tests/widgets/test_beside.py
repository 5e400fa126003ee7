"""Which wells stand beside the current one."""

from __future__ import annotations

import pytest

from napari_lexicon.plates import open_plate
from napari_lexicon.widgets.workspace.beside import (
    CONTROL,
    SELECTION,
    control_reason,
    fields_of,
    nearest_control,
    negative_controls,
    selection_reason,
    wells_side_by_side,
)
from napari_lexicon.widgets.workspace.state import FieldPlace


@pytest.fixture(scope="module")
def plate(tiny_plate):
    return open_plate(tiny_plate)  # A01 and B01 are negative controls


def test_the_nearest_control_stands_beside_a_treatment_and_stays_while_one_walks_on(plate):
    assert negative_controls(plate) == ["A01", "B01"]
    assert nearest_control(plate, "B03") == "B01"
    shown = wells_side_by_side(plate, "B03", CONTROL, frozenset())
    assert shown == ("B03", "B01")
    assert wells_side_by_side(plate, "A02", CONTROL, frozenset(), shown) == ("A02", "B01")
    assert wells_side_by_side(plate, "B01", CONTROL, frozenset(), shown) == shown


def test_a_control_stands_beside_another_control(plate):
    assert wells_side_by_side(plate, "A01", CONTROL, frozenset()) == ("A01", "B01")


def test_selected_wells_stand_in_the_order_of_the_plate_with_the_current_one(plate):
    assert wells_side_by_side(plate, "A02", SELECTION, frozenset({"B03", "A01"})) == ("A01", "A02", "B03")


def test_the_fields_are_of_one_number_where_the_wells_have_it(plate):
    assert [field.index for field in fields_of(plate, FieldPlace("A02", 1), ("A02", "A01"))] == [1, 1]


def test_what_cannot_be_shown_says_why(plate):
    assert "Select two" in selection_reason(plate, frozenset({"A01"}))
    assert selection_reason(plate, frozenset({"A01", "A02"})) is None
    assert "Open a well" in control_reason(plate, None)
    assert control_reason(plate, "A02") is None
