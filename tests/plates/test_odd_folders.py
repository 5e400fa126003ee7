"""Folders as people have them: what file managers leave, nested exports, other alphabets, paths of elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_lexicon.errors import PlateError
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.writing import PlateWriter

from .layouts import cellvoyager_mlf, columbus_export, imagexpress_htd, load_data, phenix_index

WELLS = ("A01", "A02", "B01", "B02", "H12")


def image(path: Path, seed: int = 0, *shape: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 4095, shape or (24, 16)).astype(np.uint16)
    if path.suffix.lower().startswith(".tif"):
        tifffile.imwrite(path, pixels)
    else:
        Image.fromarray((pixels >> 4).astype(np.uint8)).save(path)


def test_paths_of_windows_in_a_table_are_found_by_their_ends(tmp_path: Path) -> None:
    rows = ["Metadata_Plate,Metadata_Well,Metadata_Site,FileName_OrigDNA,PathName_OrigDNA,URL_OrigER"]
    for well in WELLS:
        image(tmp_path / "My Plate" / f"{well} dna.tif")
        image(tmp_path / "My Plate" / f"{well} er.tif")
        folder = "C:\\Users\\me\\My Plate" if well < "B" else "\\\\server\\share\\My Plate"
        rows.append(f"P,{well},1,{well} dna.tif,{folder},file:///C:/Users/me/My%20Plate/{well}%20er.tif")
    (tmp_path / "load_data.csv").write_text("\n".join(rows))
    plate = open_plate(tmp_path)
    assert list(plate.wells) == list(WELLS) and not plate.problems
    assert [channel.name for channel in plate.channels] == ["DNA", "ER"]


def test_what_file_managers_leave_is_passed_over(tmp_path: Path) -> None:
    for well in WELLS:
        for channel in (1, 2):
            image(tmp_path / f"{well}_w{channel}.tif")
            (tmp_path / f"._{well}_w{channel}.tif").write_bytes(b"\0\5\x16\7" * 20)
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store"):
        (tmp_path / name).write_bytes(b"x")
    plate = open_plate(tmp_path)
    assert list(plate.wells) == list(WELLS) and len(plate.channels) == 2 and not plate.problems


def zarr_plate(folder: Path) -> None:
    folder.mkdir(parents=True)
    with PlateWriter(folder / "P.zarr", "P", 16, 24, [Channel("DNA"), Channel("ER")], (0.5, 0.5), "0.5") as writer:
        for well in ("B03", "C11", "P24"):
            writer.write_field(well, "0", np.ones((2, 32, 32), np.uint16))


@pytest.mark.parametrize(
    "layout", [phenix_index, imagexpress_htd, cellvoyager_mlf, columbus_export, load_data, zarr_plate]
)
def test_an_index_is_found_two_folders_down(layout: Callable[[Path], object], tmp_path: Path) -> None:
    """What an export makes around a plate costs neither its names of channels nor its pixel sizes."""
    layout(tmp_path / "Export 2024" / "Measurement 1")
    plate = open_plate(tmp_path)
    assert [channel.name for channel in plate.channels] == ["DNA", "ER"]
    assert list(plate.wells) == ["B03", "C11", "P24"]
    if layout is not zarr_plate:
        shutil.copytree(tmp_path / "Export 2024" / "Measurement 1", tmp_path / "Export 2024" / "Measurement 2")
        with pytest.raises(PlateError, match=r"holds 2 plates \(Export 2024/Measurement 1, Export"):
            open_plate(tmp_path)


def test_a_table_that_lies_apart_from_its_images_does_not_hide_them(tmp_path: Path) -> None:
    for well in WELLS:
        image(tmp_path / "images" / f"{well}_DAPI.tif")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "load_data.csv").write_text("Metadata_Well,URL_OrigDNA\nA01,s3://somewhere/a.tif\n")
    assert list(open_plate(tmp_path).wells) == list(WELLS)


def test_spaces_and_umlauts_and_a_stain_of_two_words(tmp_path: Path) -> None:
    for well in WELLS:
        for stain in ("DAPI", "Zellkern grün"):
            image(tmp_path / f"Gefäß 3 {well} Feld 1 {stain}.tif")
    plate = open_plate(tmp_path)
    assert [channel.name for channel in plate.channels] == ["DAPI", "Zellkern grün"]
    assert list(plate.wells) == list(WELLS) and not plate.problems


def test_folders_for_rows_and_columns(tmp_path: Path) -> None:
    for well in WELLS:
        for stain in ("DAPI", "GFP"):
            image(tmp_path / well[0] / str(int(well[1:])) / f"field1_{stain}.tif")
    plate = open_plate(tmp_path)
    assert list(plate.wells) == list(WELLS)
    assert [channel.name for channel in plate.channels] == ["DAPI", "GFP"]
    assert "{row}/{column}/field{field}_{channel}.tif" in plate.note


@pytest.mark.parametrize("names", [("DAPI", "GFP"), ("img_001", "img_002"), ("pos1_DAPI", "pos2_GFP")])
def test_a_folder_for_each_well(names: tuple[str, str], tmp_path: Path) -> None:
    for well in WELLS:
        for name in names:
            image(tmp_path / well / f"{name}.tif")
    assert list(open_plate(tmp_path).wells) == list(WELLS)


def test_scenes_of_a_microscope_are_no_wells_of_row_s(tmp_path: Path) -> None:
    for scene in range(1, 5):
        for channel in (1, 2):
            image(tmp_path / f"Experiment-01_s{scene}c{channel}_ORG.tif")
    plate = open_plate(tmp_path)
    assert list(plate.wells) == [f"Experiment-01_s{scene}" for scene in range(1, 5)]
    assert len(plate.channels) == 2 and plate.rows == 0


@pytest.mark.parametrize(("one", "other"), [("tif", "TIF"), ("jpeg", "JPG"), ("png", "tif")])
def test_types_may_be_mixed(one: str, other: str, tmp_path: Path) -> None:
    for number, well in enumerate(WELLS):
        for stain in ("DAPI", "GFP"):
            image(tmp_path / f"{well}_{stain}.{one if number % 2 else other}")
    plate = open_plate(tmp_path)
    assert list(plate.wells) == list(WELLS) and len(plate.channels) == 2
    assert {field.image().compute().shape for field in plate.fields()} == {(2, 24, 16)}


def test_stacks_and_hyperstacks_one_file_per_well(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 4095, (3, 4, 2, 24, 16)).astype(np.uint16)
    for folder, axes, part in (("hyper", "TZCYX", pixels), ("stack", "ZYX", pixels[0, :, 0])):
        (tmp_path / folder).mkdir()
        for well in WELLS:
            tifffile.imwrite(tmp_path / folder / f"{well}.tif", part, imagej=True, metadata={"axes": axes})
    field = next(open_plate(tmp_path / "hyper", t=1).fields())
    np.testing.assert_array_equal(field.image().compute(), pixels[1].max(axis=0))
    field = next(open_plate(tmp_path / "stack").fields())
    np.testing.assert_array_equal(field.image().compute(), pixels[0, :, :1].max(axis=0).transpose(0, 1, 2))


def test_pages_without_a_meaning_are_said_to_be_so(tmp_path: Path) -> None:
    for well in WELLS:
        image(tmp_path / f"{well}.tif", 0, 20, 24, 16)
    plate = open_plate(tmp_path)
    assert "time point 0 of 20" in plate.note and "the files do not say what they are" in plate.note


def test_a_png_with_transparency_is_a_colour_image(tmp_path: Path) -> None:
    for well in WELLS:
        Image.fromarray(np.full((24, 16, 4), 9, np.uint8)).save(tmp_path / f"{well}.png")
    plate = open_plate(tmp_path)
    assert plate.rgb and len(plate.channels) == 3 and "transparency left out" in plate.note
