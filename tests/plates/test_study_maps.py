"""Plate maps in the folders of a study: the Cell Painting Gallery's, RxRx's, and workbooks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_lexicon.errors import PlateMapError
from napari_lexicon.plates import open_plate

from .layouts import rxrx_names


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    rxrx_names(tmp_path / "images" / "U2OS-01")
    return tmp_path / "images" / "U2OS-01" / "Plate1"


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    """Two plates of one map and one of another; what is known of the substances lies two folders up."""
    folder = tmp_path / "metadata" / "platemaps" / "batch1"
    (folder / "platemap").mkdir(parents=True)
    (folder / "barcode_platemap.csv").write_text(
        "Assay_Plate_Barcode,Plate_Map_Name\nBR001,cmp-1\nBR002,cmp-1\nBR003,../../../secret\nBR004,absent\n"
    )
    (folder / "platemap" / "cmp-1.txt").write_text(
        "plate_map_name\twell_position\tbroad_sample\tmmoles_per_liter\n"
        "cmp-1\tB03\tBRD-K1\t5.0\ncmp-1\tC11\t\t\ncmp-1\tp24\tBRD-K2\t2.5\n"
    )
    (tmp_path / "metadata" / "external_metadata").mkdir()
    (tmp_path / "metadata" / "external_metadata" / "external_metadata.tsv").write_text(
        "broad_sample\tpert_iname\ttarget\tpert_type\nBRD-K1\ttaxol\tTUBB\ttrt\nBRD-K2\tDMSO\t\tcontrol\n"
    )
    (tmp_path / "metadata" / "secret.csv").write_text("well,compound\nB03,x\n")
    return folder


@pytest.mark.parametrize("given", [".", "barcode_platemap.csv"])
def test_a_platemap_is_found_by_the_barcode_and_joined_to_its_substances(
    plate: Path, gallery: Path, given: str
) -> None:
    opened = open_plate(plate, name="br002", plate_map=gallery / given)
    assert opened.map.loc["B03", "Metadata_perturbation"] == "taxol"
    assert opened.map.loc["P24", "Metadata_concentration"] == 2.5
    assert opened.map.loc["B03", "Metadata_target"] == "TUBB"
    assert opened.map["Metadata_pert_type"].tolist()[::2] == ["trt", "negcon"]


def test_controls_are_those_of_jump(plate: Path, gallery: Path) -> None:
    """DMSO is the solvent of a well without a substance; "control" may be a positive one, which another column says."""
    (gallery / "platemap" / "cmp-1.txt").write_text(
        "well_position\tbroad_sample\tsolvent\nB03\t\tDMSO\nC11\tBRD-K2\tDMSO\nP24\tBRD-K1\tDMSO\n"
    )
    external = gallery.parent.parent / "external_metadata" / "external_metadata.tsv"
    external.write_text(
        "broad_sample\tpert_iname\tpert_type\tcontrol_type\nBRD-K1\ttaxol\ttrt\t\n"
        "BRD-K2\tAMG900\tcontrol\tposcon_diverse\n\tDMSO\tcontrol\tnegcon\n"
    )
    opened = open_plate(plate, name="BR001", plate_map=gallery)
    assert opened.map["Metadata_pert_type"].to_dict() == {"B03": "negcon", "C11": "poscon", "P24": "trt"}
    assert opened.map["Metadata_perturbation"].to_dict() == {"B03": "DMSO", "C11": "AMG900", "P24": "taxol"}
    external.unlink()
    alone = open_plate(plate, name="BR001", plate_map=gallery)
    assert alone.map["Metadata_pert_type"].to_dict() == {"B03": "negcon", "C11": "trt", "P24": "trt"}


@pytest.mark.parametrize(("name", "says"), [("other", "BR001"), ("BR003", "not in the folder"), ("BR004", "absent")])
def test_what_a_study_does_not_have_is_one_sentence(plate: Path, gallery: Path, name: str, says: str) -> None:
    with pytest.raises(PlateMapError, match=says):
        open_plate(plate, name=name, plate_map=gallery)


def test_the_metadata_of_rxrx_are_found_above_the_plate(plate: Path, tmp_path: Path) -> None:
    rows = [
        "site_id,well_id,cell_type,dataset,experiment,plate,well,site,well_type,sirna",
        *(f"x,x,U2OS,train,U2OS-01,1,{well},{site},{kind},{sirna}"
          for well, kind, sirna in (("B03", "negative_control", "EMPTY"), ("P24", "treatment", "s42"))
          for site in (1, 2)),
        "x,x,U2OS,train,U2OS-01,2,B03,1,treatment,s7",
        "x,x,HUVEC,train,HUVEC-01,1,B03,1,treatment,s8",
    ]  # fmt: skip
    (tmp_path / "metadata.csv").write_text("\n".join(rows))
    opened = open_plate(plate)
    assert opened.map.loc["B03", "Metadata_pert_type"] == "negcon"
    assert opened.map.loc["P24", "Metadata_perturbation"] == "s42"
    assert opened.map.loc["P24", "Metadata_cell_line"] == "U2OS"
    assert "does not describe 1 of the plate's wells: C11" in " ".join(p.sentence for p in opened.problems)


def test_a_workbook_is_read_where_openpyxl_is_installed_and_else_says_so(plate: Path, tmp_path: Path) -> None:
    file = tmp_path / "map.xlsx"
    try:
        import openpyxl  # noqa: F401
    except ImportError:
        file.write_bytes(b"PK\x03\x04" + bytes(60))
        with pytest.raises(PlateMapError, match="save its sheet as CSV, or install openpyxl"):
            open_plate(plate, plate_map=file)
        return
    table = pd.DataFrame({"Well": ["r02c03", "C11"], "compound": ["DMSO", "taxol"], "conc_uM": [0, 1.5]})
    table.to_excel(file, index=False)
    opened = open_plate(plate, plate_map=file)
    assert opened.map.loc["B03", "Metadata_pert_type"] == "negcon"
    np.testing.assert_allclose(opened.map["Metadata_concentration"].to_numpy(float), [0, 1.5, np.nan])
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(PlateMapError, match="cannot be read as a workbook"):
        open_plate(plate, plate_map=file)
