"""Folders of CZI and ND2 files as plates. The ND2 files are written by hand, and two packages of others read them."""

from __future__ import annotations

import os
import re
import struct
import sys
from pathlib import Path

import nd2
import numpy as np
import openreadout
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_lexicon.errors import PlateError
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.image_folder import guess_pattern
from napari_lexicon.plates.pattern import preview_pattern

from .instrument_files import PIXEL_SIZE_UM, Stack, write_czi, write_nd2


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A CZI that nothing is wrong with."""
    return write_czi(tmp_path_factory.mktemp("czi") / "good.czi", stacks(1)).read_bytes()


def stacks(count: int, depth: int = 1) -> list[Stack]:
    return list(np.random.default_rng(count).integers(0, 4000, (count, depth, 2, 40, 60), dtype=np.uint16))


def test_the_written_nd2_is_one_for_the_readers_of_others(tmp_path: Path) -> None:
    wanted = np.stack(stacks(2, 3))
    file = write_nd2(tmp_path / "two.nd2", list(wanted), [(10.0, 20.0), (110.0, 25.0)])
    with nd2.ND2File(file) as read:
        assert read.sizes == {"P": 2, "Z": 3, "C": 2, "Y": 40, "X": 60}
        assert read.voxel_size().x == PIXEL_SIZE_UM
        np.testing.assert_array_equal(read.asarray(), wanted)
    theirs = openreadout.File(str(file))
    for position, z, c in np.ndindex(2, 3, 2):
        np.testing.assert_array_equal(theirs.read_plane(position, c, z, 0), wanted[position, z, c])


def test_positions_of_an_nd2_per_well_are_its_fields(tmp_path: Path) -> None:
    wanted = stacks(2, 3)
    for well in ("A01", "A02", "B01"):
        write_nd2(tmp_path / f"exp_Well{well}_Seq0000.nd2", wanted, [(0.0, 0.0), (20.0, 5.0)])
    plate = open_plate(tmp_path)
    assert [field.key for field in plate.fields()] == ["A01/0", "A01/1", "A02/0", "A02/1", "B01/0", "B01/1"]
    assert (plate.rows, plate.columns, plate.free) == (2, 3, False)
    assert [(c.name, c.color, c.wavelength_nm) for c in plate.channels] == [
        ("DAPI", "#0000FF", 460.0),
        ("GFP", "#00FF00", 510.0),
    ]
    assert "pattern exp_Well{well}_Seq0000.nd2 guessed; Nikon ND2" in plate.note
    assert "z: maximum projection of 3 planes" in plate.note
    field = plate.wells["B01"].fields[1]
    assert (field.pixel_size_um, field.position_um) == ((PIXEL_SIZE_UM, PIXEL_SIZE_UM), (-5.0, 20.0))
    np.testing.assert_array_equal(field.image().compute(), wanted[1].max(axis=0))
    one = open_plate(tmp_path, z=2).wells["B01"].fields[1]
    np.testing.assert_array_equal(one.image().compute(), wanted[1][2])
    assert [field.name for field in open_plate(tmp_path, z="all").wells["A01"].fields][:4] == [
        "0z0",
        "0z1",
        "0z2",
        "1z0",
    ]


def test_scenes_of_one_czi_per_plate_lie_in_the_wells_that_it_names(tmp_path: Path) -> None:
    wanted = stacks(3)
    file = write_czi(tmp_path / "scan" / "plate 7.czi", wanted, ["B2", "B2", "C11"])
    for path in (file, file.parent):
        plate = open_plate(path)
        assert [field.key for field in plate.fields()] == ["B02/0", "B02/1", "C11/0"]
        assert (plate.rows, plate.columns) == (8, 12)
        assert [channel.color for channel in plate.channels] == ["#0000FF", "#00FF00"]
        first, second = plate.wells["B02"].fields
        assert first.position_um == (0.0, 0.0)
        assert second.position_um == pytest.approx((0.0, 1000 * PIXEL_SIZE_UM))
        for field, stack in zip(plate.fields(), wanted, strict=True):
            np.testing.assert_array_equal(field.image().compute(), stack[0])
    assert "wells named in the files; Zeiss CZI" in plate.note


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    file = write_czi(tmp_path / "scan.czi", stacks(2)).rename(tmp_path / "scan.2026")
    assert [field.key for field in open_plate(file).fields()] == ["scan/0", "scan/1"]
    (tmp_path / "notes.2026").write_text("no microscope wrote this")
    with pytest.raises(PlateError, match="neither an image nor the index of a plate"):
        open_plate(tmp_path / "notes.2026")


def test_positions_are_no_wells_of_row_p(tmp_path: Path) -> None:
    file = write_czi(tmp_path / "scan.czi", stacks(3), ["P1", "P2", "P3"])
    content = file.read_bytes()
    file.write_bytes(content.replace(b"<RowIndex>", b"<RowAngle>").replace(b"</RowIndex>", b"</RowAngle>"))
    plate = open_plate(file)
    assert (plate.free, [field.key for field in plate.fields()]) == (True, ["scan/0", "scan/1", "scan/2"])


def test_several_files_of_one_well_number_their_fields_on(tmp_path: Path) -> None:
    for number in range(2):
        for well in ("A01", "A02"):
            write_czi(tmp_path / f"{well}_part{number}.czi", stacks(2))
    plate = open_plate(tmp_path, pattern="{well}_part{*}.czi")
    assert [field.name for field in plate.wells["A02"].fields] == ["0", "1", "2", "3"]
    assert plate.wells["A02"].fields[2].position_um is None  # each file counts from a corner of its own


def test_a_broken_file_has_its_well_and_the_rest_opens(tmp_path: Path) -> None:
    write_czi(tmp_path / "A01.czi", stacks(1))
    write_czi(tmp_path / "A02.czi", stacks(1))
    (tmp_path / "B01.czi").write_bytes(b"ZISRAWFILE" + bytes(50))
    plate = open_plate(tmp_path)
    assert list(plate.wells) == ["A01", "A02"]
    [problem] = plate.problems
    assert (problem.well, "B01.czi cannot be read" in problem.sentence, "hint" in problem.sentence) == (
        "B01",
        True,
        False,
    )


def test_tiffs_beside_are_read_first_and_a_pattern_chooses(tmp_path: Path) -> None:
    import tifffile

    write_czi(tmp_path / "exp_A01.czi", stacks(1))
    tifffile.imwrite(tmp_path / "A01.tif", np.zeros((20, 20), np.uint8))
    plate = open_plate(tmp_path)
    assert len(plate.channels) == 1
    assert any("exp_A01.czi" in problem.sentence and "ends in .czi" in problem.sentence for problem in plate.problems)
    assert len(open_plate(tmp_path, pattern="exp_{well}.czi").channels) == 2


def test_the_pattern_page_sees_the_files(tmp_path: Path) -> None:
    write_nd2(tmp_path / "day_A01.nd2", stacks(1))
    write_nd2(tmp_path / "day_A02.nd2", stacks(1))
    assert guess_pattern(tmp_path).pattern == "day_{well}.nd2"
    assert preview_pattern(tmp_path, "day_{well}.nd2").wells == ("A01", "A02")
    with pytest.raises(PlateError, match=r"None of 2 images match x\{well\}"):
        open_plate(tmp_path, pattern="x{well}.nd2")


def test_without_openreadout_a_folder_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_nd2(tmp_path / "A01.nd2", stacks(1))
    monkeypatch.setitem(sys.modules, "openreadout", None)
    with pytest.raises(PlateError, match=r"pip install 'napari-lexicon\[vendors\]'"):
        open_plate(tmp_path)


def test_a_file_that_changed_is_read_anew_and_files_do_not_stay_open(tmp_path: Path) -> None:
    first, second = stacks(2)
    for number in range(40):
        write_nd2(tmp_path / f"A{number % 20 + 1:02d}_{number // 20}.nd2", [first])
    plate = open_plate(tmp_path)
    assert all(field.shape == (40, 60) for field in plate.fields())
    folder = Path("/proc/self/fd")
    if folder.exists():
        assert sum(str(tmp_path) in os.readlink(link) for link in folder.iterdir() if link.is_symlink()) <= 16
    field = plate.wells["A01"].fields[0]
    before = field.identity()
    write_nd2(tmp_path / "A01_0.nd2", [second])
    os.utime(tmp_path / "A01_0.nd2", (1, 1))
    assert field.identity() != before
    np.testing.assert_array_equal(field.image().compute(), second[0])


@pytest.mark.parametrize("name", ["uiCount", "uiWidth", "uiHeight", "uiComp", "uiSequenceCount"])
def test_a_header_that_claims_billions_is_a_sentence_or_a_problem(name: str, tmp_path: Path) -> None:
    write_nd2(tmp_path / "A01.nd2", stacks(1, 2))
    file = write_nd2(tmp_path / "A02.nd2", stacks(1, 2))
    title = f"{name}\0".encode("utf-16-le")
    content = file.read_bytes()
    for place in [found.end() for found in re.finditer(re.escape(title), content)]:
        content = content[:place] + struct.pack("<I", 2**31 - 1) + content[place + 4 :]
    file.write_bytes(content)
    plate = open_plate(tmp_path)
    assert plate.wells["A01"].fields[0].image().compute().shape == (2, 40, 60)
    said = [problem.sentence for problem in plate.problems]
    try:
        for field in plate.wells["A02"].fields if "A02" in plate.wells else ():
            if field.shape == (40, 60):
                field.image().compute()
            else:
                said.append(f"{field.shape}")
    except PlateError as error:
        said.append(str(error))
    assert any("A02" in sentence for sentence in said) or name in ("uiCount", "uiSequenceCount")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 20_000), junk=st.binary(min_size=1, max_size=16), cut=st.integers(0, 4000))
def test_broken_bytes_are_a_plate_or_a_sentence(place: int, junk: bytes, cut: int, good: bytes, tmp_path: Path) -> None:
    content = bytearray(good)
    at = place % len(content)
    content[at : at + len(junk)] = junk
    file = tmp_path / "A01.czi"
    file.write_bytes(content[: len(content) - cut])
    try:
        for field in open_plate(file).fields():
            if field.shape == (40, 60):
                field.image().compute()
    except PlateError as error:
        assert "A01.czi" in str(error)
