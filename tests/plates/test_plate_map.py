"""Plate maps of many writers find their wells, keep one vocabulary, and say by row what does not fit."""

from __future__ import annotations

import sys
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lexicon.errors import PlateMapError
from napari_lexicon.plates import open_plate, table_files
from napari_lexicon.plates.model import Channel, Plate, Well
from napari_lexicon.plates.plate_map import LikelyMap, likely_plate_map, read_plate_map, with_plate_map
from napari_lexicon.plates.well_names import well_position
from napari_lexicon.plates.writing import PlateWriter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "P1"
    path.mkdir()
    for well in ("A01", "A02", "B03"):
        for field in (1, 2):
            tifffile.imwrite(path / f"{well}_{field}.tif", np.ones((4, 4), np.uint16))
    return path


@pytest.fixture
def plate(folder: Path) -> Plate:
    return open_plate(folder)


def mapped(plate: Plate, text: str, name: str = "map.csv") -> Plate:
    file = plate.path.parent / name
    file.write_text(text, encoding="utf-8")
    return with_plate_map(plate, file)


@pytest.mark.parametrize(
    "text",
    [
        "well,drug\nA1,x\nA2,y\nB3,z\n",
        "Well;Drug\na01;x\nA02;y\nb03;z\n",
        "well_position\tdrug\nA01\tx\nA02\ty\nB03\tz\n",
        "Metadata_Well,Metadata_perturbation\nr01c01,x\nr01c02,y\nr02c03,z\n",
        "Row,Column,Compound name\nA,1,x\nA,2,y\nB,3,z\n",
        "row,col,treatment\n1,1,x\n1,2,y\n2,3,z\n",
        "\ufeffWell Name, compound\nB-3, z\nA - 01, x\nA/2, y\n",
        "row,column,drug\n1.0,1.0,x\n1,2,y\n2,3,z\n".replace("1.0,1.0", "1,1.0"),
    ],
)
def test_wells_are_found_in_any_style_and_column(plate: Plate, text: str) -> None:
    table = mapped(plate, text).map
    assert list(table.index) == ["A01", "A02", "B03"]
    assert list(table["Metadata_perturbation"]) == ["x", "y", "z"]


def test_columns_come_under_one_vocabulary_and_unknown_ones_keep_their_names(plate: Plate) -> None:
    got = mapped(plate, "well,compound,conc_uM,cell line,MOA,plate layout,Metadata_score\nA1,x,0.5,U2OS,m,left,007\n")
    row = got.map.loc["A01"]
    assert row["Metadata_perturbation"] == "x"
    assert row["Metadata_concentration"] == 0.5
    assert row["Metadata_concentration_unit"] == "uM"
    assert row["Metadata_cell_line"] == "U2OS"
    assert row["Metadata_moa"] == "m"
    assert row["Metadata_plate_layout"] == "left"
    assert row["Metadata_score"] == "007"
    assert "compound read as Metadata_perturbation" in got.note


@pytest.mark.parametrize(
    ("column", "values", "types"),
    [
        ("pert_type", ["negcon", "poscon", "trt"], ["negcon", "poscon", "trt"]),
        ("well_type", ["negative_control", "positive_control", "treatment"], ["negcon", "poscon", "trt"]),
        ("Control Type", ["Negative Control", "pos", "sample"], ["negcon", "poscon", "trt"]),
        ("role_reported", ["control", "dose_series", "dose_series"], ["negcon", "trt", "trt"]),
        ("pert_type", ["DMSO", "trt", "mystery"], ["negcon", "trt", "mystery"]),
        ("compound", ["DMSO", "taxol", "nocodazole"], ["negcon", "trt", "trt"]),
    ],
)
def test_control_types_are_negcon_poscon_and_trt(
    plate: Plate, column: str, values: list[str], types: list[str]
) -> None:
    rows = "".join(f"{well},{value}\n" for well, value in zip(("A1", "A2", "B3"), values, strict=True))
    got = mapped(plate, f"well,{column}\n{rows}")
    assert list(got.map["Metadata_pert_type"]) == types
    if types != values:
        assert "negcon" in got.note


def test_a_column_that_says_control_has_the_control_types_whatever_it_is_called(plate: Plate, tmp_path: Path) -> None:
    head = "well,drug,Type\nA01,DMSO,neg. control\n"
    (tmp_path / "map.csv").write_text(f"{head}A02,taxol,Positive Control\nB03,x,sample\n")
    mapped = with_plate_map(plate, tmp_path / "map.csv")
    assert mapped.map["Metadata_pert_type"].tolist() == ["negcon", "poscon", "trt"]
    assert "Type read as Metadata_pert_type" in mapped.note
    (tmp_path / "map.csv").write_text("well,drug,Type\nA01,DMSO,cells\nA02,taxol,cells\nB03,x,medium\n")
    assert with_plate_map(plate, tmp_path / "map.csv").map["Metadata_Type"].tolist() == ["cells", "cells", "medium"]


def test_without_controls_no_types_are_made_up(plate: Plate) -> None:
    assert "Metadata_pert_type" not in mapped(plate, "well,compound\nA1,x\nA2,y\nB3,z\n").map
    kept = mapped(plate, "well,role\nA1,leader\nA2,follower\nB3,follower\n").map
    assert list(kept["Metadata_pert_type"]) == ["leader", "follower", "follower"]


def test_rows_without_a_well_and_wells_without_a_row_are_named(plate: Plate) -> None:
    got = mapped(plate, "well,drug\nA1,x\nH12,y\nnowhere,z\n")
    sentences = [problem.sentence for problem in got.problems]
    assert "map.csv: 2 rows are for wells that the plate does not have: row 3 (H12), row 4 (nowhere)." in sentences
    assert "map.csv does not describe 2 of the plate's wells: A02, B03." in sentences
    assert pd.isna(got.map.loc["A02", "Metadata_perturbation"])


def test_rows_that_contradict_each_other_are_named_by_row_and_the_first_is_used(plate: Plate) -> None:
    got = mapped(plate, "well,drug,dose\nA1,x,1\na01,y,1\nA2,y,2\nB3,z,3\nB03,z,3\n")
    assert list(got.map["Metadata_perturbation"]) == ["x", "y", "z"]
    assert [problem.sentence for problem in got.problems] == [
        "map.csv: rows 2, 3 are all for well A01 and differ in perturbation; the first is used."
    ]


def test_a_table_with_a_row_per_image_gives_what_is_the_same_over_the_well(plate: Plate) -> None:
    rows = [f"images/{well}_{field}.tif,{well},{field},{dose},{field * 7}" for well, dose in
            (("A01", 0), ("A02", 1.5), ("B03", 2)) for field in (1, 2)]  # fmt: skip
    got = mapped(plate, "image,well,field,dose,count\n" + "\n".join(rows))
    assert list(got.map["Metadata_concentration"]) == [0, 1.5, 2]
    assert list(got.map.columns) == ["Metadata_concentration"]
    assert [problem.sentence for problem in got.problems] == [
        "map.csv has a row per image; values that differ within a well are left out: image, field, count."
    ]


def test_rows_may_name_image_files_where_there_is_no_well(plate: Plate) -> None:
    got = mapped(plate, "FileName,drug\nA01_1.tif,x\nsome/where/A02_1.TIF,y\nC:\\data\\B03_2.tif,z\n")
    assert list(got.map["Metadata_perturbation"]) == ["x", "y", "z"]


def test_free_wells_are_matched_by_their_names_with_or_without_extension(tmp_path: Path) -> None:
    for name in ("liver one.ome.tif", "kidney.ome.tif"):
        tifffile.imwrite(tmp_path / name, np.ones((4, 4), np.uint8))
    plate = open_plate(tmp_path)
    table = pd.DataFrame({"slide": ["Kidney", "liver one.ome.tif"], "stain": ["H&E", "Ki67"]})
    got = with_plate_map(plate, table)
    assert list(got.map.index) == ["kidney", "liver one"]
    assert list(got.map["Metadata_stain"]) == ["H&E", "Ki67"]


def test_a_map_of_several_plates_gives_this_plates_rows(plate: Plate) -> None:
    text = "plate,well,drug\nP0,A1,a\nP1,A1,x\nP1,A2,y\nP1,B3,z\nP2,A1,b\n"
    assert list(mapped(plate, text).map["Metadata_perturbation"]) == ["x", "y", "z"]
    with pytest.raises(PlateMapError, match="several plates"):
        mapped(plate, text.replace("P1,", "P9,"))


def test_a_frame_may_be_indexed_by_well(plate: Plate) -> None:
    frame = pd.DataFrame({"Metadata_pert_type": ["negcon", "trt"]}, index=["a1", "B3"])
    assert list(with_plate_map(plate, frame).map["Metadata_pert_type"].dropna()) == ["negcon", "trt"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"well,drug\nH1,x\n", "no well of P1"),
        (b"gene,score\nx,1\n", "no well of P1"),
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"PK\x03\x04rest of a workbook", "workbook"),
        (b"\x00\x01\x02", "no text"),
        (b'well,drug\n"A1,x\n', "map.csv"),
    ],
)
def test_what_is_no_plate_map_of_this_plate_is_one_sentence(plate: Plate, content: bytes, says: str) -> None:
    file = plate.path.parent / "map.csv"
    file.write_bytes(content)
    with pytest.raises(PlateMapError, match=says.replace(".", r"\.")):
        with_plate_map(plate, file)


def test_an_absent_file_is_one_sentence(plate: Plate) -> None:
    with pytest.raises(PlateMapError, match="nowhere"):
        with_plate_map(plate, "nowhere.csv")


def test_delimiters_at_the_end_of_rows_do_not_move_the_columns(plate: Plate, tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text("well,drug\nA01,DMSO,,\nA02,taxol,,\nB03,x,,\n")
    assert with_plate_map(plate, tmp_path / "map.csv").map["Metadata_perturbation"].tolist() == ["DMSO", "taxol", "x"]


def test_latin_letters_of_old_programs_are_read(plate: Plate) -> None:
    file = plate.path.parent / "map.csv"
    file.write_bytes("well,unit\nA1,µM\nA2,µM\nB3,µM\n".encode("latin-1"))
    assert set(with_plate_map(plate, file).map["Metadata_concentration_unit"]) == {"µM"}


def test_a_plate_map_that_lies_there_and_does_not_fit_is_a_problem(folder: Path) -> None:
    (folder / "plate_map.csv").write_text("well,drug\nH12,x\n")
    plate = open_plate(folder)
    assert plate.map.shape == (3, 0)
    assert any("describes no well of P1" in problem.sentence for problem in plate.problems)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_the_condition_table_of_an_ome_zarr_plate_is_its_map(tmp_path: Path, version: Any) -> None:
    from ngio import open_ome_zarr_plate
    from ngio.tables import ConditionTable

    with PlateWriter(tmp_path / "P.zarr", "P", 2, 3, [Channel("DNA")], None, version) as writer:
        for well in ("A1", "B3"):
            writer.write_field(well, "0", np.ones((1, 4, 4), np.uint16))
    table = pd.DataFrame({"row": ["B", "A"], "column": [3, 1], "drug": ["x", "DMSO"], "dose": [1.5, 0.0]})
    open_ome_zarr_plate(tmp_path / "P.zarr", mode="r+").add_table("conditions", ConditionTable(table))
    got = open_plate(tmp_path / "P.zarr").map
    assert got["Metadata_perturbation"].to_dict() == {"A01": "DMSO", "B03": "x"}
    assert got["Metadata_concentration"].to_dict() == {"A01": 0.0, "B03": 1.5}
    assert got["Metadata_pert_type"].to_dict() == {"A01": "negcon", "B03": "trt"}


@pytest.mark.parametrize("place", ["P1/plate_map.csv", "P1/plate_map.tsv", "P1_plate_map.csv"])
def test_a_plate_map_in_the_plate_or_beside_it_is_found(folder: Path, place: str) -> None:
    separator = "\t" if place.endswith("tsv") else ","
    (folder.parent / place).write_text(f"well{separator}drug\nA1{separator}x\n")
    assert open_plate(folder).map.loc["A01", "Metadata_perturbation"] == "x"


def test_without_a_plate_map_there_is_a_row_per_well_and_no_column(plate: Plate) -> None:
    assert list(plate.map.index) == ["A01", "A02", "B03"]
    assert plate.map.shape == (3, 0)


def test_a_plate_map_by_itself_is_read_by_its_wells(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("Well,Gene symbol\nAF48,TP53\nb2,MYC\nnote,\n")
    table = read_plate_map(tmp_path / "m.csv")
    assert list(table.index) == ["AF48", "B02"]
    assert list(table["Metadata_perturbation"]) == ["TP53", "MYC"]
    (tmp_path / "m.csv").write_text("a,b\n1,2\n")
    with pytest.raises(PlateMapError, match="column of well names"):
        read_plate_map(tmp_path / "m.csv")


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["well", "row", "column", "drug", "dose", "role", "plate", "image", "Ünit"]),
            st.one_of(st.sampled_from(["A1", "B03", "1", "DMSO", "nan", "x,y"]), st.text(max_size=5)),
        ),
        max_size=6,
    )
)
@settings(max_examples=60, deadline=None)
def test_any_table_is_a_map_or_one_sentence(rows: list[dict[str, Any]]) -> None:
    wells = {name: Well(name, *well_position(name), ()) for name in ("A01", "B03")}
    plate = Plate(Path("P1"), "P1", wells, ())
    try:
        got = with_plate_map(plate, pd.DataFrame(rows))
    except PlateMapError:
        return
    assert list(got.map.index) == list(plate.wells)
    assert all(column.startswith("Metadata_") for column in got.map.columns)


def _workbook(path: Path, rows: list[list[str]]) -> Path:
    """The smallest Excel workbook with these texts on its first sheet."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    cells = "".join(
        f"<row r='{r}'>"
        + "".join(f"<c r='{'ABC'[c]}{r}' t='inlineStr'><is><t>{text}</t></is></c>" for c, text in enumerate(row))
        + "</row>"
        for r, row in enumerate(rows, 1)
    )
    parts = {
        "[Content_Types].xml": f"<Types xmlns='{package}/content-types'><Default Extension='rels' "
        "ContentType='application/vnd.openxmlformats-package.relationships+xml'/><Override PartName='/xl/workbook.xml' "
        f"ContentType='{kind}.sheet.main+xml'/><Override PartName='/xl/worksheets/sheet1.xml' "
        f"ContentType='{kind}.worksheet+xml'/></Types>",
        "_rels/.rels": f"<Relationships xmlns='{package}/relationships'><Relationship Id='rId1' "
        f"Type='{office}/officeDocument' Target='xl/workbook.xml'/></Relationships>",
        "xl/workbook.xml": f"<workbook xmlns='{main}' xmlns:r='{office}'><sheets><sheet name='S' sheetId='1' "
        "r:id='rId1'/></sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f"<Relationships xmlns='{package}/relationships'><Relationship Id='rId1' "
        f"Type='{office}/worksheet' Target='worksheets/sheet1.xml'/></Relationships>",
        "xl/worksheets/sheet1.xml": f"<worksheet xmlns='{main}'><sheetData>{cells}</sheetData></worksheet>",
    }
    with zipfile.ZipFile(path, "w") as file:
        for name, text in parts.items():
            file.writestr(name, f"<?xml version='1.0' encoding='UTF-8'?>{text}")
    return path


def test_an_excel_workbook_is_read_where_openpyxl_is_and_named_where_it_is_not(
    plate: Plate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _workbook(tmp_path / "map.xlsx", [["Well", "Compound"], ["A01", "DMSO"], ["A02", "drug"], ["B03", "drug"]])
    assert with_plate_map(plate, file).map["Metadata_perturbation"].loc["A02"] == "drug"
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(PlateMapError, match=r"map\.xlsx is an Excel workbook: save its sheet as CSV, or .*openpyxl"):
        with_plate_map(plate, file)


def test_a_map_by_itself_may_have_several_rows_for_a_well_and_empty_cells(tmp_path: Path) -> None:
    """Found by changing bytes at random."""
    (tmp_path / "map.csv").write_text("well,drug,dose\nA01,x,1.5\nA01,x,\nB03,y,2\n")
    found = read_plate_map(tmp_path / "map.csv")
    assert found["Metadata_concentration"].to_dict() == {"A01": 1.5, "B03": 2.0}


def test_a_workbook_with_a_broken_byte_is_a_sentence_or_a_map(plate: Plate, tmp_path: Path) -> None:
    """Found by changing bytes at random: the parts of a workbook are packed by zlib."""
    pytest.importorskip("openpyxl")
    pd.DataFrame({"well": ["A01", "A02"], "drug": ["DMSO", "x"]}).to_excel(tmp_path / "map.xlsx", index=False)
    whole = (tmp_path / "map.xlsx").read_bytes()
    refused = 0
    for place in range(40, len(whole), 61):
        (tmp_path / "map.xlsx").write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            with_plate_map(plate, tmp_path / "map.xlsx")
        except PlateMapError:
            refused += 1
    assert refused > 10


def test_a_workbook_that_unpacks_to_far_more_is_not_unpacked(
    plate: Plate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openpyxl")
    pd.DataFrame({"well": ["A01"] * 2000, "drug": ["DMSO"] * 2000}).to_excel(tmp_path / "map.xlsx", index=False)
    size = (tmp_path / "map.xlsx").stat().st_size
    monkeypatch.setattr(table_files, "LARGEST_FILE", 2 * size)  # it unpacks to more than ten times of that
    with pytest.raises(PlateMapError, match=r"map\.xlsx is too large for a table of a plate"):
        with_plate_map(plate, tmp_path / "map.xlsx")


def test_a_damaged_workbook_is_one_sentence(plate: Plate, tmp_path: Path) -> None:
    file = tmp_path / "map.xlsx"
    file.write_bytes(b"PK\x03\x04 and then nothing of a workbook")
    with pytest.raises(PlateMapError, match=r"map\.xlsx"):
        with_plate_map(plate, file)


def test_a_workbook_may_have_titles_dates_and_an_empty_sheet_before(plate: Plate, tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.create_sheet("layout")
    rows = (["My screen"], [], ["Well", None, "Compound", "Day"], ["A01", None, "DMSO", date(2026, 1, 2)], [])
    for row in (*rows, ["A02", None, "drug", date(2026, 1, 3)], ["Z09", None, "x", None]):
        sheet.append(row)
    book.save(tmp_path / "map.xlsx")
    found = with_plate_map(plate, tmp_path / "map.xlsx")
    assert found.map["Metadata_perturbation"].loc[["A01", "A02"]].tolist() == ["DMSO", "drug"]
    assert found.map["Metadata_Day"].loc["A02"] == "2026-01-03"
    assert any("row 7 (Z09)" in problem.sentence for problem in found.problems)


def test_a_map_of_several_other_plates_is_refused(plate: Plate, tmp_path: Path) -> None:
    file = tmp_path / "map.csv"
    file.write_text("barcode,well,compound\nBR7,A01,DMSO\nBR8,A02,drug\n")
    with pytest.raises(PlateMapError, match=r"several plates \(BR7, BR8\), none of them by this plate's name"):
        with_plate_map(plate, file)
    file.write_text(f"barcode,well,compound\nBR7,A01,DMSO\n {plate.name.lower()} ,A02,drug\n")
    assert with_plate_map(plate, file).map["Metadata_perturbation"].dropna().to_dict() == {"A02": "drug"}


def test_tables_as_excel_exports_them_in_europe_are_read(plate: Plate, tmp_path: Path) -> None:
    file = tmp_path / "map.txt"
    file.write_bytes(
        "Well\tCompound\tDose\r\nA01\tµ-drug, 5\t1,5\r\n\r\nA02\tDMSO\t0\r\nH12\tx\t2\r\n".encode("utf-16")
    )
    found = with_plate_map(plate, file)
    assert found.map["Metadata_concentration"].loc[["A01", "A02"]].tolist() == [1.5, 0.0]
    assert found.map["Metadata_perturbation"].loc["A01"] == "µ-drug, 5"
    assert any("row 5 (H12)" in problem.sentence for problem in found.problems)


def test_a_table_that_describes_the_wells_is_found_under_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    plate = Plate(folder, "p", {name: Well(name, 0, n, ()) for n, name in enumerate(("A01", "A02", "A03", "A04"))}, ())
    assert likely_plate_map(plate) == LikelyMap()
    (folder / "a_measurements.csv").write_text("cell,area\n1,20\n2,30\n", encoding="utf-8")
    (folder / "b_few.csv").write_text("well,dose\nA01,1\n", encoding="utf-8")
    (folder / "c_broken.csv").write_bytes(b"\xff\xfe\x00well")
    assert likely_plate_map(plate) == LikelyMap()
    (folder / "d_what_was_done.csv").write_text("well,dose\nA01,1\nA02,2\nA03,3\n", encoding="utf-8")
    assert likely_plate_map(plate).table == folder / "d_what_was_done.csv"


def test_our_own_results_are_no_plate_map_and_the_table_above_images_is_found_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "features.csv").write_text("feature,name,fires,plate,well\n0,#0,0.1,p,A01\n1,#1,0.2,p,A02\n")
    (tmp_path / "labels.csv").write_text("well,dose\nA01,1\nA02,2\n")
    monkeypatch.chdir(tmp_path)
    plate = Plate(Path("images"), "p", {name: Well(name, 0, n, ()) for n, name in enumerate(("A01", "A02"))}, ())
    assert likely_plate_map(plate).table == tmp_path / "labels.csv"
    with pytest.raises(PlateMapError, match=r"features\.csv is a table of features, not of wells: choose a table"):
        with_plate_map(plate, tmp_path / "features.csv")


def test_a_table_of_other_plates_is_not_offered_and_the_reason_is_said(tmp_path: Path) -> None:
    plate = Plate(tmp_path, "P9", {name: Well(name, 0, n, ()) for n, name in enumerate(("A01", "A02"))}, ())
    rows = [f"{name},{well},drug {name}" for name in ("P1", "P2") for well in ("A01", "A02")]
    (tmp_path / "layout.csv").write_text("\n".join(["plate,well,compound", *rows]), encoding="utf-8")
    found = likely_plate_map(plate)
    assert found.table is None
    assert found.why_not.startswith(
        "layout.csv describes several plates (P1, P2), none of them by this plate's name, P9"
    )
    assert likely_plate_map(replace(plate, name="P2")) == LikelyMap(tmp_path / "layout.csv")
    (tmp_path / "own.csv").write_text("well,compound\nA01,x\nA02,y\n", encoding="utf-8")
    assert likely_plate_map(plate) == LikelyMap(tmp_path / "own.csv")


def test_beside_a_folder_called_images_lies_the_table_of_the_plate(tmp_path: Path) -> None:
    def plate_in(folder: Path) -> Plate:
        folder.mkdir(parents=True)
        return Plate(folder, "p", {name: Well(name, 0, n, ()) for n, name in enumerate(("A01", "A02"))}, ())

    inner, named, table = plate_in(tmp_path / "images"), plate_in(tmp_path / "P7"), "well,dose\nA01,1\nA02,2\n"
    (tmp_path / "labels.csv").write_text(table, encoding="utf-8")
    assert likely_plate_map(inner).table == tmp_path / "labels.csv"
    assert (
        likely_plate_map(named) == LikelyMap()
    )  # beside a folder with a name of its own lie the tables of other plates
    (inner.path / "own.csv").write_text(table, encoding="utf-8")
    assert likely_plate_map(inner).table == inner.path / "own.csv"
