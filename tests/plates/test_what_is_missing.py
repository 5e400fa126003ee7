"""What is missing or cannot be read is counted and listed when a plate is opened, and the rest goes on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_lexicon.api import info
from napari_lexicon.errors import PlateError
from napari_lexicon.plates import file_sources, open_plate

from .test_odd_folders import WELLS, zarr_plate


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def test_files_that_cannot_be_read_are_listed_when_the_plate_is_opened(tmp_path: Path) -> None:
    for well in WELLS:
        for channel in (1, 2):
            tifffile.imwrite(tmp_path / f"P_{well}_s1_w{channel}.tif", np.ones((8, 9), np.uint16))
    last = WELLS[-1]
    cut_off(tmp_path / f"P_{last}_s1_w1.tif")
    (tmp_path / f"P_{last}_s1_w2.tif").write_text("This is text.")
    found = info(tmp_path)
    assert found["wells"] == len(WELLS)
    assert [f"P_{last}_s1_w{n}.tif cannot be read" in found["problems"][n - 1] for n in (1, 2)] == [True, True]


def test_of_a_large_folder_files_of_an_unusual_size_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_sources, "_EVERY_HEADER", 10)
    wells = [f"{row}{column:02d}" for row in "ABCDEFGH" for column in range(1, 13)]
    for well in wells:
        tifffile.imwrite(tmp_path / f"P_{well}_s1_w1.tif", np.ones((8, 9), np.uint16))
    broken = tmp_path / "P_D05_s1_w1.tif"
    cut_off(broken)
    assert [problem.well for problem in open_plate(tmp_path).problems] == ["D05"]
    for well in wells:  # compressed: no size is the usual one
        noise = np.random.default_rng(wells.index(well)).integers(0, 60000, (30, 30 + wells.index(well)), np.uint16)
        tifffile.imwrite(tmp_path / f"P_{well}_s1_w1.tif", noise, compression="zlib")
    broken.write_bytes(broken.read_bytes()[:300])
    assert [problem.well for problem in open_plate(tmp_path).problems] == ["D05"]


def test_a_field_whose_header_cannot_be_believed_does_not_keep_the_others_from_being_described(tmp_path: Path) -> None:
    zarr_plate(tmp_path / "made")
    header = tmp_path / "made" / "P.zarr" / "B" / "03" / "0" / "0" / "zarr.json"
    stated = json.loads(header.read_text())
    header.write_text(json.dumps({**stated, "shape": [2, 10**12, 10**12]}))
    found = info(tmp_path / "made" / "P.zarr")
    assert found["field_shapes"] == [[32, 32, 2]]
    assert any("B/03/0 claims 1000000000000 x 1000000000000 pixels" in sentence for sentence in found["problems"])


def test_planes_that_are_missing_from_a_stack_are_named(tmp_path: Path) -> None:
    for well in WELLS:
        for z in (1, 2, 3):
            tifffile.imwrite(tmp_path / f"P_{well}_T0001F001L01A01Z{z:02d}C01.tif", np.full((8, 9), z, np.uint16))
    (tmp_path / f"P_{WELLS[1]}_T0001F001L01A01Z02C01.tif").unlink()
    assert [(problem.sentence, problem.well) for problem in open_plate(tmp_path).problems] == [
        (f"Field {WELLS[1]}/001 has 2 of 3 planes in z of Channel 1.", WELLS[1])
    ]


def test_a_plate_that_was_copied_in_part_is_counted_by_wells(tmp_path: Path) -> None:
    """An index lists 384 wells, and the folder holds one of them."""
    images = "".join(
        f"<Image><URL>r{row:02d}c{column:02d}.tiff</URL><Row>{row}</Row><Col>{column}</Col></Image>"
        for row in range(1, 17)
        for column in range(1, 25)
    )
    (tmp_path / "Index.idx.xml").write_text(f"<EvaluationInputData><Images>{images}</Images></EvaluationInputData>")
    tifffile.imwrite(tmp_path / "r02c03.tiff", np.ones((8, 9), np.uint16))
    plate = open_plate(tmp_path)
    assert list(plate.wells) == ["B03"]
    assert plate.problems[0].sentence.startswith("383 of 384 images are absent, in 383 wells")
    assert len(plate.problems) == 384
    assert plate.problems[1].sentence == "Well A01: all of its images are absent."


def test_broken_metadata_are_not_called_absent(tmp_path: Path) -> None:
    zarr_plate(tmp_path / "made")
    path = tmp_path / "made" / "P.zarr"
    (path / "B" / "03" / "0" / "zarr.json").write_text('{"zarr_format": 3, "node_ty')
    (path / "C" / "11" / "zarr.json").write_text("")
    assert [problem.sentence for problem in open_plate(path).problems][:2] == [
        "Field B03/0 has no metadata that can be read, and is taken as absent.",
        "Well C11 has no metadata that can be read, and is taken as absent.",
    ]


def test_images_too_deep_in_folders_are_not_called_an_empty_folder(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*"abcdefghijk")
    deep.mkdir(parents=True)
    tifffile.imwrite(deep / "A01.tif", np.ones((8, 9), np.uint16))
    with pytest.raises(PlateError, match="nor have the 8 levels of folders in it"):
        open_plate(tmp_path)


def test_a_pattern_without_the_folders_of_the_images_is_told_which(tmp_path: Path) -> None:
    (tmp_path / "raw" / "day1").mkdir(parents=True)
    tifffile.imwrite(tmp_path / "raw" / "day1" / "A01.tif", np.ones((8, 9), np.uint16))
    with pytest.raises(PlateError, match=r"write their folders into it, raw/day1/\{well\}\.tif for these"):
        open_plate(tmp_path, pattern="{well}.tif")
