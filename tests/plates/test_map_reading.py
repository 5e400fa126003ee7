"""How a plate map is read can be seen, corrected, and written so that it is read the same the next time."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from napari_lexicon.errors import PlateMapError
from napari_lexicon.plates.map_reading import (
    MEANINGS,
    OUT,
    OWN,
    WELL,
    Controls,
    controls_of,
    guessed_reading,
    read_as,
    said_of,
    written_map,
)
from napari_lexicon.plates.model import Plate, Well
from napari_lexicon.plates.plate_map import with_plate_map
from napari_lexicon.plates.plate_map_columns import _SYNONYMS
from napari_lexicon.plates.table_files import text_table
from napari_lexicon.plates.well_names import well_position

TABLE = """place,Stoff,drug,dose (nM),notes
A01,Wasser,a,0,
A02,Wasser,b,0,x
A03,gut,c,5,
A04,neu,d,5,
H12,neu,e,5,
"""


@pytest.fixture
def plate() -> Plate:
    wells = {name: Well(name, *well_position(name), ()) for name in ("A01", "A02", "A03", "A04", "B01")}
    return Plate(Path("P1"), "P1", wells, (), rows=8, columns=12)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "my map.csv").write_text(TABLE.replace("place", "Well"))
    return tmp_path / "my map.csv"


def test_the_guess_is_what_would_be_read(plate: Plate, table: Path) -> None:
    reading = guessed_reading(table, plate)
    assert reading.meanings == {
        "Well": WELL,
        "Stoff": OWN,
        "drug": "Metadata_perturbation",
        "dose (nM)": "Metadata_concentration",
        "notes": OWN,
    }
    assert reading.columns[1].examples == "Wasser, gut, neu"
    assert reading.controls == Controls((("a", 1), ("b", 1), ("c", 1), ("d", 1), ("e", 1)))
    guessed = with_plate_map(plate, read_as(table, plate, reading.meanings, reading.controls)).map
    pd.testing.assert_frame_equal(guessed, with_plate_map(plate, table).map)


def test_what_is_corrected_is_written_and_read_so_again(plate: Plate, table: Path) -> None:
    meanings = guessed_reading(table, plate).meanings | {"Stoff": "Metadata_perturbation", "drug": OWN, "notes": OUT}
    treatments = controls_of(text_table(table), meanings).treatments
    assert treatments == (("Wasser", 2), ("gut", 1), ("neu", 2))
    chosen = read_as(table, plate, meanings, Controls(treatments, ("Wasser",), ("gut",)))
    said = said_of(plate, chosen)
    assert said.startswith("4 of 5 wells described, 2 of them negative controls, 1 positive.")
    assert "row 6 (H12)" in said and "does not describe 1 of the plate's wells: B01" in said
    place = written_map(table, chosen)
    assert place.name == "my map_as_read.csv"
    found = with_plate_map(plate, place).map
    assert found["Metadata_perturbation"].dropna().tolist() == ["Wasser", "Wasser", "gut", "neu"]
    assert found["Metadata_pert_type"].dropna().tolist() == ["negcon", "negcon", "poscon", "trt"]
    assert found["Metadata_own_drug"].dropna().tolist() == ["a", "b", "c", "d"]
    assert found["Metadata_concentration"].dropna().tolist() == [0, 0, 5, 5]
    assert "Metadata_notes" not in found
    again = guessed_reading(place, plate)
    assert (again.controls.negative, again.controls.positive) == (("Wasser",), ("gut",))
    assert written_map(place, chosen) == place


def test_a_column_that_says_nothing_of_wells_can_be_chosen_for_them(plate: Plate, tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text(TABLE)
    reading = guessed_reading(tmp_path / "map.csv", plate)
    assert WELL not in reading.meanings.values()
    with pytest.raises(PlateMapError, match="describes no well of P1"):
        said_of(plate, read_as(tmp_path / "map.csv", plate, reading.meanings, reading.controls))
    chosen = read_as(tmp_path / "map.csv", plate, reading.meanings | {"place": WELL}, reading.controls)
    assert said_of(plate, chosen).startswith("4 of 5 wells described")


def test_every_name_of_the_vocabulary_can_be_chosen() -> None:
    assert set(_SYNONYMS) <= set(MEANINGS)
