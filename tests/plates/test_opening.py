"""Whatever is given to open_plate opens, or is answered with one sentence in little time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_lexicon.errors import PlateError
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.writing import PlateWriter

IMAGE = np.arange(48, dtype=np.uint16).reshape(6, 8)


def test_importing_the_package_or_the_room_loads_nothing_heavy() -> None:
    code = (
        "import sys, napari_lexicon.plates\n"
        "heavy = {'torch', 'napari', 'qtpy', 'zarr', 'ngio', 'dask', 'pandas', 'tifffile'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "import napari_lexicon.plates.opening\n"
        "heavy = {'torch', 'napari', 'qtpy', 'zarr', 'ngio', 'tifffile'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_such_path(tmp_path: Path) -> None:
    with pytest.raises(PlateError, match="does not exist"):
        open_plate(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["x\0y", "x" * 5000])
def test_a_path_that_cannot_be_is_one_sentence(name: str) -> None:
    with pytest.raises(PlateError):
        open_plate(name)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(PlateError, match="is empty"):
        open_plate(tmp_path)


def test_a_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "letter.docx").write_bytes(b"Dear")
    with pytest.raises(PlateError, match="1 files, but no image"):
        open_plate(tmp_path)


def test_a_text_file(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear")
    with pytest.raises(PlateError, match="neither an image nor the index of a plate"):
        open_plate(tmp_path / "letter.txt")


def test_a_dictionary_is_no_plate_and_is_said_where_it_belongs(tmp_path: Path) -> None:
    (tmp_path / "mine.safetensors").write_bytes(b"Dear")
    with pytest.raises(PlateError, match="Dictionary dock"):
        open_plate(tmp_path / "mine.safetensors")


def test_a_zarr_that_is_no_plate(tmp_path: Path) -> None:
    import zarr

    zarr.create_array(tmp_path / "a.zarr", shape=(4,), dtype="u1")
    with pytest.raises(PlateError, match="neither an OME-Zarr plate nor an image"):
        open_plate(tmp_path / "a.zarr")


def test_a_pattern_that_matches_nothing(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "A01.tif", IMAGE)
    with pytest.raises(PlateError, match=r"None of 1 images match .*A01\.tif, for instance"):
        open_plate(tmp_path, pattern="{well}_{field}.tif")
    with pytest.raises(PlateError, match="needs a folder"):
        open_plate(tmp_path / "A01.tif", pattern="{well}.tif")


def test_several_plates_in_one_folder_are_named(tmp_path: Path) -> None:
    for plate in ("P1", "P2"):
        for well in ("A01", "A02", "B01"):
            (tmp_path / plate).mkdir(exist_ok=True)
            tifffile.imwrite(tmp_path / plate / f"{well}_s1.tif", IMAGE)
    with pytest.raises(PlateError, match=r"2 plates \(P1, P2\): open one of them"):
        open_plate(tmp_path)
    plate = open_plate(tmp_path, pattern="P1/{well}_s{field}.tif")
    assert list(plate.wells) == ["A01", "A02", "B01"]
    assert len(plate.problems) == 1


def test_a_folder_with_one_zarr_is_that_zarr_and_several_are_named(tmp_path: Path) -> None:
    for name in ("a.zarr", "b.zarr"):
        with PlateWriter(tmp_path / name, name, 2, 3, [Channel("DNA")], None) as writer:
            writer.write_field("A1", "0", IMAGE[None])
        if name == "a.zarr":
            assert open_plate(tmp_path).path == tmp_path / "a.zarr"
    with pytest.raises(PlateError, match=r"2 OME-Zarr plates or images \(a\.zarr, b\.zarr\)"):
        open_plate(tmp_path)


def test_a_plate_is_named_after_its_folder_unless_that_says_nothing(tmp_path: Path) -> None:
    images = tmp_path / "BR00117006" / "Images"
    images.mkdir(parents=True)
    tifffile.imwrite(images / "A01.tif", IMAGE)
    assert open_plate(images).name == "BR00117006"
    assert open_plate(images, name="mine").name == "mine"
    assert next(open_plate(images, name="mine").fields()).plate == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_plate_its_wells_and_fields_are_one_line_in_a_notebook(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "B03_DNA.tif", IMAGE)
    plate = open_plate(tmp_path, pattern="{well}_{channel}.tif", name="P1")
    assert repr(plate) == f"<Plate P1: 1 wells, 1 fields, channels DNA; {plate.note}>"
    assert repr(plate.wells["B03"]) == "<Well B03: 1 fields>"
    assert repr(next(plate.fields())) == "<Field B03/0 of plate P1: 1 channels>"


def test_links_that_lead_out_are_not_followed_and_circles_end(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    tifffile.imwrite(outside / "B01.tif", IMAGE)
    folder = tmp_path / "plate"
    folder.mkdir()
    tifffile.imwrite(folder / "A01.tif", IMAGE)
    (folder / "B01.tif").symlink_to(outside / "B01.tif")
    (folder / "more").symlink_to(outside, target_is_directory=True)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "self").symlink_to(folder / "self")
    (folder / "C01.tif").symlink_to(folder / "A01.tif")
    plate = open_plate(folder)
    assert list(plate.wells) == ["A01", "C01"]
    assert any("B01.tif, more, self" in problem.sentence for problem in plate.problems)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs a user whom rights can stop")
def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    tmp_path.chmod(0)
    try:
        with pytest.raises(PlateError):
            open_plate(tmp_path)
    finally:
        tmp_path.chmod(0o700)


def test_a_reader_of_another_package_is_asked_before_the_folder_is_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site"
    (package / "theirs-1.dist-info").mkdir(parents=True)
    (package / "theirs-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1\n")
    (package / "theirs-1.dist-info" / "entry_points.txt").write_text(
        "[napari_lexicon.plates]\ntheirs = theirs:reader\nbroken = theirs_that_is_not_there:reader\n"
    )
    (package / "theirs.py").write_text(
        "from dataclasses import replace\n"
        "from napari_lexicon.plates.image_folder import open_image_folder\n"
        "class reader:\n"
        "    def recognises(path): return (path / 'theirs.idx').exists()\n"
        "    def open(request): return replace(open_image_folder(request.path), note='theirs')\n"
    )
    monkeypatch.syspath_prepend(package)
    folder = tmp_path / "plate"
    folder.mkdir()
    tifffile.imwrite(folder / "A01.tif", IMAGE)
    assert open_plate(folder).note != "theirs"
    (folder / "theirs.idx").touch()
    assert open_plate(folder).note == "theirs"


DATA = Path(os.environ.get("LEXICON_DATA", "nowhere"))


@pytest.mark.skipif(not DATA.is_dir(), reason="LEXICON_DATA names no folder with the real images")
@pytest.mark.parametrize(
    ("folder", "wells", "fields", "channels", "rgb", "pattern"),
    [
        ("bbbc016_transfluor_gfp", 24, 72, 1, False, "images/{*}_{well}f{field}d{channel}.TIF"),
        ("cytodataframe_cellpainting_mini", 7, 7, 6, False, "{*}_{well}_{field}.tif"),
        ("cellprofiler_examples", 10, 10, 3, False, "{well}.tif"),
        ("dsb2018_fluorescence", 541, 541, 1, False, "images/{well}.png"),
        ("bccd_blood", 364, 364, 3, True, "images/{well}.jpg"),
        ("openslide_qupath_crops", 3, 3, 3, True, "images/{well}.ome.tif"),
    ],
)
def test_real_folders_open_without_a_pattern(
    folder: str, wells: int, fields: int, channels: int, rgb: bool, pattern: str
) -> None:
    plate = open_plate(DATA / folder)
    assert pattern in plate.note
    assert (len(plate.wells), len(list(plate.fields())), len(plate.channels), plate.rgb) == (
        wells,
        fields,
        channels,
        rgb,
    )
    for field in list(plate.fields())[:: max(1, fields // 5)]:
        image = field.image().compute()
        assert image.shape == (len(field.channels), *field.shape)
        assert image.max() > image.min()


@pytest.mark.skipif(not DATA.is_dir(), reason="LEXICON_DATA names no folder with the real images")
def test_the_labels_of_bbbc016_are_its_plate_map() -> None:
    folder = DATA / "bbbc016_transfluor_gfp"
    plate = open_plate(folder / "images", pattern="{*}_{well}f{field}d{channel}.TIF", plate_map=folder / "labels.csv")
    assert plate.name == "bbbc016_transfluor_gfp"
    assert plate.map.loc["O05", "Metadata_concentration"] == 30.0
    assert list(plate.map.index[plate.map["Metadata_pert_type"] == "negcon"]) == ["O02", "O03", "O04"]


def test_flex_files_of_an_opera_are_named_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "001001000.flex").write_bytes(b"II*\0")
    with pytest.raises(PlateError, match=r"FLEX files of an Opera, .* export .* as TIFF .* bioformats2raw"):
        open_plate(tmp_path)
