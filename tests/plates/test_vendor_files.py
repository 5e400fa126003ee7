"""Files of instruments, through openreadout where it is installed; our own readers are the oracle."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_lexicon.errors import PlateError
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.reading import Request
from napari_lexicon.plates.vendor_files import open_vendor_file

from .layouts import LAYOUTS


def test_without_openreadout_the_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openreadout", None)
    (tmp_path / "day1.czi").write_bytes(b"ZISRAWFILE" + bytes(100))
    with pytest.raises(PlateError, match=r"pip install 'napari-lexicon\[vendors\]'"):
        open_plate(tmp_path / "day1.czi")


@pytest.mark.parametrize("content", [b"", b"ZISRAWFILE" + bytes(100), b"no microscope wrote this"])
def test_a_broken_file_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "day1.czi").write_bytes(content)
    with pytest.raises(PlateError, match=r"day1\.czi"):
        open_plate(tmp_path / "day1.czi")


@pytest.mark.parametrize(("z", "named"), [("max", "1"), (1, "1"), ("all", "1z0")])
def test_a_vendor_plate_is_the_one_that_our_reader_sees(tmp_path: Path, z: int | str, named: str) -> None:
    layout = next(layout for layout in LAYOUTS if layout.name == "cellvoyager_mlf")
    layout.write(tmp_path)
    theirs = open_vendor_file(Request(tmp_path / "MeasurementData.mlf", z=z))  # type: ignore[arg-type]
    ours = open_plate(tmp_path, z=z)  # type: ignore[arg-type]
    assert [c.name for c in theirs.channels] == [c.name for c in ours.channels]
    first, mine = next(theirs.fields()), next(ours.fields())
    assert (first.key, first.shape, first.pixel_size_um) == (mine.key, mine.shape, mine.pixel_size_um)
    assert first.name == named
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(first)).image().compute(), mine.image().compute())


def test_the_images_of_one_file_are_fields_of_a_free_well(tmp_path: Path) -> None:
    stacks = [np.random.default_rng(n).integers(0, 999, (3, 20 + n, 30), dtype=np.uint16) for n in range(2)]
    with tifffile.TiffWriter(tmp_path / "two.ome.tif", ome=True) as writer:
        for stack in stacks:
            writer.write(stack, photometric="minisblack", metadata={"axes": "CYX"})
    plate = open_vendor_file(Request(tmp_path / "two.ome.tif"))
    assert [field.key for field in plate.fields()] == ["two.ome/0", "two.ome/1"]
    for field, stack in zip(plate.fields(), stacks, strict=True):
        np.testing.assert_array_equal(field.image().compute(), stack)


def test_an_ome_tiff_of_a_plate_has_its_wells(tmp_path: Path) -> None:
    stacks = [np.full((2, 20, 30), n, np.uint8) for n in range(3)]
    file = tmp_path / "plate.ome.tif"
    with tifffile.TiffWriter(file, ome=True) as writer:
        for stack in stacks:
            writer.write(stack, photometric="minisblack", metadata={"axes": "CYX"})
    with tifffile.TiffFile(file) as tif:
        xml = tif.ome_metadata
    assert xml is not None
    wells = "".join(
        f'<Well ID="Well:{n}" Row="{row}" Column="{column}">'
        + "".join(f'<WellSample ID="S:{i}" Index="{i}"><ImageRef ID="Image:{i}"/></WellSample>' for i in images)
        + "</Well>"
        for n, (row, column, images) in enumerate([(1, 2, (2, 0)), (15, 23, (1,)), (99, 0, (1,))])
    )
    plated = xml.replace("</OME>", f'<Plate ID="Plate:0" Name="P">{wells}</Plate></OME>')
    tifffile.tiffcomment(file, plated.encode())
    plate = open_plate(file)
    assert [field.key for field in plate.fields()] == ["B03/0", "B03/1", "P24/0"]
    assert (plate.rows, plate.columns, plate.free) == (16, 24, False)
    assert [int(field.image()[0, 0, 0].compute()) for field in plate.fields()] == [2, 0, 1]
