"""A converted plate is a valid OME-Zarr plate with the same wells, channels, pixels and plate map."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr

from napari_lexicon.errors import PlateError
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.converting import convert_plate
from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.writing import PlateWriter

from .layouts import LAYOUTS, Layout


@pytest.fixture(params=["phenix_index_5", "imagexpress_names", "folder_per_well", "ome_tiffs", "load_data"])
def layout(request: pytest.FixtureRequest) -> Layout:
    return next(layout for layout in LAYOUTS if layout.name == request.param)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_converted_plate_is_the_same_plate(layout: Layout, version: Any, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    path = layout.write(source) or source
    (source / "plate_map.csv").write_text("well,drug\nB3,x\nC11,y\nP24,DMSO\n")
    before = open_plate(path, plate_map=source / "plate_map.csv")
    steps: list[int] = []
    done = convert_plate(before, tmp_path / "out.zarr", version=version, step=lambda n, total, said: steps.append(n))
    assert (done.written, done.kept, done.problems, done.complete) == (5, 0, (), True)
    assert steps == [1, 2, 3, 4, 5]
    after = open_plate(tmp_path / "out.zarr")
    assert after.name == before.name
    assert (after.rows, after.columns) == (before.rows, before.columns)
    assert [channel.name for channel in after.channels] == [channel.name for channel in before.channels]
    for old, new in zip(before.fields(), after.fields(), strict=True):
        assert (new.well, new.channels, new.pixel_size_um) == (old.well, old.channels, old.pixel_size_um)
        assert new.position_um == old.position_um
        np.testing.assert_array_equal(new.image().compute(), old.image().compute())
    assert after.map["Metadata_pert_type"].to_dict() == before.map["Metadata_pert_type"].to_dict()
    (tmp_path / "out.zarr" / "plate_map.csv").unlink()  # ngio's condition table says the same
    assert open_plate(tmp_path / "out.zarr").map.to_dict() == after.map.to_dict()
    _is_valid(tmp_path / "out.zarr", version)


def _is_valid(path: Path, version: str, fields: int = 5) -> None:
    """By ngio and by ome-zarr-models."""
    import pydantic_zarr.v2
    from ngio import open_ome_zarr_plate
    from ome_zarr_models import v04, v05

    for model in (v04.Labels, v04.Image, v04.ImageLabel, v04.Well, v04.HCS):
        # ome-zarr-models 1.6 leaves these undefined under pydantic 2.14.
        model.model_rebuild(_types_namespace=vars(pydantic_zarr.v2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        {"0.4": v04, "0.5": v05}[version].HCS.from_zarr(zarr.open_group(path, mode="r"))
    images = open_ome_zarr_plate(path, mode="r").get_images(max_workers=1)
    assert len(images) == fields


def test_a_stopped_conversion_goes_on_where_it_was(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    next(layout for layout in LAYOUTS if layout.name == "folder_per_channel").write(source)
    plate = open_plate(source)
    convert_plate(plate, tmp_path / "whole.zarr")
    asked = iter([False, False, True])
    stopped = convert_plate(plate, tmp_path / "out.zarr", should_stop=lambda: next(asked))
    assert (stopped.written, stopped.complete) == (2, False)
    assert len(list(open_plate(tmp_path / "out.zarr").fields())) == 2
    resumed = convert_plate(plate, tmp_path / "out.zarr")
    assert (resumed.written, resumed.kept, resumed.complete) == (3, 2, True)
    assert _content(tmp_path / "whole.zarr") == _content(tmp_path / "out.zarr")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to die of")
@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_conversion_killed_with_9_goes_on_and_is_equal_to_the_byte(version: Any, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    rng = np.random.default_rng(0)
    for number in range(60):
        pixels = rng.integers(0, 4000, (300, 300), dtype=np.uint16)
        tifffile.imwrite(source / f"{'ABCDE'[number // 12]}{number % 12 + 1:02d}.tif", pixels)
    code = (
        "import sys; from napari_lexicon.plates import open_plate; from napari_lexicon.plates.converting import *\n"
        "said = lambda number, *_: print(number, flush=True)\n"
        "convert_plate(open_plate(sys.argv[1]), sys.argv[2], version=sys.argv[3], step=said)"
    )
    out = tmp_path / "out.zarr"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(source), str(out), version], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert [process.stdout.readline().strip() for _ in range(3)] == ["1", "2", "3"]
        process.kill()
    resumed = convert_plate(open_plate(source), out, version=version)
    assert 3 <= resumed.kept < 60
    assert (resumed.written, resumed.complete) == (60 - resumed.kept, True)
    convert_plate(open_plate(source), tmp_path / "whole.zarr", version=version)
    assert _content(out) == _content(tmp_path / "whole.zarr")
    _is_valid(out, version, fields=60)


def _content(folder: Path) -> dict[Path, bytes]:
    return {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_field_that_cannot_be_read_is_left_out_and_named(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    next(layout for layout in LAYOUTS if layout.name == "folder_per_well").write(source)
    broken = source / "C11" / "ER_1.tif"
    broken.write_bytes(broken.read_bytes()[:200])
    done = convert_plate(open_plate(source), tmp_path / "out.zarr")
    assert done.written == 4
    assert [(problem.well, "ER_1.tif" in problem.sentence) for problem in done.problems] == [("C11", True)]
    assert list(open_plate(tmp_path / "out.zarr").wells) == ["B03", "P24"]


def test_slides_are_given_wells_and_keep_their_names_in_the_map(tmp_path: Path) -> None:
    source = tmp_path / "slides"
    source.mkdir()
    pixels = {name: np.full((9, 12, 3), n, np.uint8) for n, name in enumerate(("liver 1", "liver 2", "lung"))}
    for name, image in pixels.items():
        tifffile.imwrite(source / f"{name}.tif", image, photometric="rgb")
    convert_plate(open_plate(source), tmp_path / "out.zarr")
    after = open_plate(tmp_path / "out.zarr")
    assert after.rgb
    assert after.map["Metadata_sample"].to_dict() == {"A01": "liver 1", "A02": "liver 2", "A03": "lung"}
    np.testing.assert_array_equal(after.wells["A03"].fields[0].image().compute(), np.full((3, 9, 12), 2))


def test_a_folder_with_something_else_is_not_touched(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    next(layout for layout in LAYOUTS if layout.name == "plain_pages").write(source)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    with pytest.raises(PlateError, match="choose another folder"):
        convert_plate(open_plate(source), tmp_path / "out")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["thesis.tex"]


def images_of(folder: Path, value: int, wells: tuple[str, ...] = ("A01", "B02")) -> Path:
    folder.mkdir(exist_ok=True, parents=True)
    for well in wells:
        for z in (1, 2):
            tifffile.imwrite(folder / f"{well}_f1_z{z}.tif", np.full((16, 16), 10 * value + z, np.uint16))
    return folder


def brightest(path: Path) -> list[int]:
    return [int(field.image().max()) for field in open_plate(path).fields()]


def test_another_plate_or_other_planes_are_never_taken_for_what_is_there(tmp_path: Path) -> None:
    out = tmp_path / "out.zarr"
    images = images_of(tmp_path / "P", 1)
    assert convert_plate(open_plate(images), out).written == 2
    with pytest.raises(PlateError, match=r"holds the plate P, not Q: choose another folder"):
        convert_plate(open_plate(images, name="Q"), out)
    assert convert_plate(open_plate(images, z=0), out).written == 2
    assert brightest(out) == [11, 11]
    with pytest.raises(PlateError, match=r"holds fields that P does not have \(A01/1, B02/1\)"):
        convert_plate(open_plate(images, z="all"), out)
    images_of(images, 7, ("A01",))
    assert convert_plate(open_plate(images, z=0), out).written == 1
    assert brightest(out) == [71, 11]


def test_a_plate_of_others_is_not_written_into(tmp_path: Path) -> None:
    path = tmp_path / "P.zarr"
    convert_plate(open_plate(images_of(tmp_path / "P", 1)), path)
    with pytest.raises(PlateError, match="is the plate itself: choose another folder"):
        convert_plate(open_plate(path), path)
    plate = zarr.open_group(path)
    ome = plate.attrs["ome"]
    assert isinstance(ome, dict)
    plate.attrs["ome"] = {key: value for key, value in ome.items() if key != "_creator"}
    before = _content(path)
    with pytest.raises(PlateError, match="that was not written here"):
        convert_plate(open_plate(tmp_path / "P"), path)
    assert _content(path) == before


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_acquisitions_come_through(version: Any, tmp_path: Path) -> None:
    days = ("day 1", "day 2")
    with PlateWriter(tmp_path / "P.zarr", "P", 2, 3, [Channel("DNA")], (0.5, 0.5), "0.5", days) as writer:
        for number, day in enumerate(days):
            for well in ("A01", "B03"):
                writer.write_field(well, str(number), np.full((1, 16, 16), number, np.uint16), acquisition=day)
    convert_plate(open_plate(tmp_path / "P.zarr"), tmp_path / "out.zarr", version=version)
    after = open_plate(tmp_path / "out.zarr")
    assert [field.acquisition for field in after.fields()] == [*days, *days]
    assert [field.key for field in open_plate(tmp_path / "out.zarr", acquisition="day 2").fields()] == [
        "A01/1",
        "B03/1",
    ]
    _is_valid(tmp_path / "out.zarr", version, fields=4)
