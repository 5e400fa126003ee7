"""A plate drawn as a grid in a spreadsheet is its map, however many things are drawn and where they stand."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lexicon.errors import PlateMapError
from napari_lexicon.plates.grid_maps import grid_table
from napari_lexicon.plates.model import Plate, Well
from napari_lexicon.plates.plate_map import read_plate_map, with_plate_map
from napari_lexicon.plates.table_files import table_of
from napari_lexicon.plates.well_names import PLATE_FORMATS, row_letters, well_name, well_position

DRAWN = """Screen of 12 March,,,,
Compound,1,2,3
A,DMSO,drug a,"drug b, 95 %"
B,DMSO,,drug c

Concentration (uM):
,1,2,3
A,0,1,5
B,0,,2.5

cells,1,2,3,,Replicate,1,2,3
A,HeLa,HeLa,U2OS,,A,1,1,1
B,HeLa,,U2OS,,B,2,,2
"""


@pytest.fixture
def plate() -> Plate:
    names = ("A01", "A02", "A03", "B01", "B03")
    wells = {name: Well(name, *well_position(name), ()) for name in names}
    return Plate(Path("P1"), "P1", wells, (), rows=2, columns=3)


def test_a_block_for_each_thing_becomes_a_column_for_each(plate: Plate, tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text(DRAWN)
    found = with_plate_map(plate, tmp_path / "map.csv")
    assert found.map["Metadata_perturbation"].to_dict() == {
        "A01": "DMSO",
        "A02": "drug a",
        "A03": "drug b, 95 %",
        "B01": "DMSO",
        "B03": "drug c",
    }
    assert found.map["Metadata_concentration"].tolist() == [0, 1, 5, 0, 2.5]
    assert set(found.map["Metadata_concentration_unit"]) == {"uM"}
    assert found.map["Metadata_cell_line"].tolist() == ["HeLa", "HeLa", "U2OS", "HeLa", "U2OS"]
    assert found.map["Metadata_replicate"].tolist() == [1, 1, 1, 2, 2]
    assert found.map["Metadata_pert_type"].tolist() == ["negcon", "trt", "trt", "negcon", "trt"]
    assert not found.problems
    assert read_plate_map(tmp_path / "map.csv").index.tolist() == list(plate.wells)


def test_a_grid_is_the_same_in_every_delimiter_and_in_a_workbook(plate: Plate, tmp_path: Path) -> None:
    import openpyxl

    rows = [[], ["", 1, 2, 3], ["a", "DMSO", "x", "y"], ["b", "DMSO", None, "z"], [], ["legend", "x is new"]]
    texts = {}
    for name, delimiter in (("semicolons.csv", ";"), ("tabs.txt", "\t"), ("commas.csv", ",")):
        stream = io.StringIO()
        csv.writer(stream, delimiter=delimiter).writerows([["" if c is None else c for c in row] for row in rows])
        texts[name] = stream.getvalue()
        (tmp_path / name).write_text(stream.getvalue())
    book = openpyxl.Workbook()
    for title, values in (("Compound", rows), ("Dose uM", [[None, 1, 2, 3], ["A", 0, 1.5, 2], ["B", 0, None, 4]])):
        sheet = book.create_sheet(title)
        for row in values:
            sheet.append(row)
    book.save(tmp_path / "map.xlsx")
    wanted = ["DMSO", "x", "y", "DMSO", "z"]
    for name in texts:
        assert with_plate_map(plate, tmp_path / name).map["Metadata_perturbation"].tolist() == wanted
    both = with_plate_map(plate, tmp_path / "map.xlsx").map
    assert both["Metadata_perturbation"].tolist() == wanted
    assert both["Metadata_concentration"].tolist() == [0, 1.5, 2, 0, 4]


def test_a_grid_for_each_plate_gives_this_plates(plate: Plate, tmp_path: Path) -> None:
    text = "P1\n,1,2,3\nA,x,y,z\nB,u,,w\nP2\n,1,2,3\nA,1,2,3\nB,4,,6\n"
    (tmp_path / "map.csv").write_text(text)
    found = with_plate_map(plate, tmp_path / "map.csv")
    assert found.map["Metadata_perturbation"].tolist() == ["x", "y", "z", "u", "w"]
    assert list(found.map) == ["Metadata_perturbation"]


def test_what_a_grid_does_not_fit_is_named_by_well(plate: Plate, tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text(",1,2,3,4\nA,x,y,z,q\nB,u,,w,\n")
    said = [problem.sentence for problem in with_plate_map(plate, tmp_path / "map.csv").problems]
    assert said == ["map.csv: 1 wells of its grids are none that the plate has: A04."]
    (tmp_path / "other.csv").write_text(",1,2,3\nA,,,\nB,,x,\n")
    with pytest.raises(PlateMapError, match="describes no well of P1: its rows are for B02"):
        with_plate_map(plate, tmp_path / "other.csv")


def test_a_table_with_a_row_per_well_is_no_grid() -> None:
    tall = "well,1,2,3\nA,4,5,6\nB,7,8,9\n"
    assert list(table_of(tall.encode(), "t.csv")) == ["well", "1", "2", "3"]
    assert grid_table({"": [["", "1", "2"], ["A", "x", "y"], ["C", "x", "y"]]}) is None
    assert grid_table({"": [["", "1", "3"], ["A", "x", "y"], ["B", "x", "y"]]}) is None


@pytest.mark.parametrize("size", [size for size in PLATE_FORMATS if size[0] > 2])
def test_every_plate_format_is_read_whole(size: tuple[int, int]) -> None:
    rows, columns = size
    head = ["", *(str(column + 1) for column in range(columns))]
    body = [[row_letters(row), *(f"{row}/{column}" for column in range(columns))] for row in range(rows)]
    table = grid_table({"": [head, *body]})
    assert table is not None
    assert dict(zip(table["well"], table["treatment"], strict=True)) == {
        well_name(row, column): f"{row}/{column}" for row in range(rows) for column in range(columns)
    }


def test_a_sheet_full_of_beginnings_takes_no_time() -> None:
    cells = [["A", "1", "2", "3"] * 500] * 4000
    start = time.process_time()
    assert grid_table({"": cells}) is None
    assert time.process_time() - start < 20  # seconds; 80 where every cell was looked at


@given(
    st.lists(st.lists(st.sampled_from(["", "A", "B", "1", "2", "3", "AA", "Row A", "x", "01"]), max_size=6), max_size=8)
)
@settings(max_examples=200, deadline=None)
def test_any_cells_are_a_table_or_none(cells: list[list[str]]) -> None:
    table = grid_table({"a sheet": cells})
    if table is not None:
        assert table["well"].is_unique and len(table.columns) > 1
        assert table.drop(columns="well").notna().any(axis=1).all()
