"""Every layout leads to the same plate: wells, fields, channels, pixels, pixel sizes, and the gap that it has."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_lexicon.errors import PlateError
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.image_folder import guess_pattern

from .layouts import FIELDS, GAP, LAYOUTS, SHAPE, Layout, plane, position
from .server import Server

CHANNELS = ("DNA", "ER")


@pytest.fixture(params=LAYOUTS, ids=lambda layout: layout.name)
def layout(request: pytest.FixtureRequest) -> Layout:
    chosen: Layout = request.param
    return chosen


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.close()


EVERYWHERE = [(layout, False) for layout in LAYOUTS] + [(layout, True) for layout in LAYOUTS if layout.is_zarr]


@pytest.mark.parametrize(
    ("layout", "remote"), EVERYWHERE, ids=[layout.name + remote * "_http" for layout, remote in EVERYWHERE]
)
def test_the_same_plate_is_found_in_every_layout(layout: Layout, remote: bool, tmp_path: Path, server: Server) -> None:
    path: Path | str = layout.write(tmp_path) or tmp_path
    if remote:
        path = f"{server.url}/{Path(path).relative_to(tmp_path)}"
    plate = open_plate(path, **layout.choices)
    assert list(plate.wells) == ["B03", "C11", "P24"]
    assert (plate.rows, plate.columns, plate.free, plate.rgb) == (16, 24, False, False)
    assert tuple(channel.name for channel in plate.channels) == layout.channels
    fields = list(plate.fields())
    assert [(field.well, field.index) for field in fields] == [
        ("B03", 0), ("B03", 1), ("C11", 0), ("P24", 0), ("P24", 1)
    ]  # fmt: skip
    assert [int(field.name) for field in fields] == [number for _, number in FIELDS]
    for field, (well, number) in zip(fields, FIELDS, strict=True):
        has = [name for name in CHANNELS if not layout.has_gap or (well, number, name) != GAP]
        assert field.channels == tuple(CHANNELS.index(name) for name in has)
        assert field.shape == SHAPE
        assert field.pixel_size_um == (None if layout.pixel_size is None else pytest.approx(layout.pixel_size))
        assert field.position_um == (pytest.approx(position(number)) if layout.positions else None)
        image = field.image()
        assert image.dtype == layout.dtype
        expected = np.stack([plane(well, number, name, layout.dtype) for name in has])
        np.testing.assert_array_equal(image.compute(), expected)
        np.testing.assert_array_equal(image[0, 5:17, 8:40].compute(), expected[0, 5:17, 8:40])
    gaps = [problem for problem in plate.problems if "P24/" in problem.sentence and " has no " in problem.sentence]
    assert len(gaps) == layout.has_gap
    assert all(layout.channels[1] in problem.sentence and problem.well == "P24" for problem in gaps)


@pytest.mark.parametrize("layout", [one for one in LAYOUTS if one.pattern], ids=lambda layout: layout.name)
def test_the_guessed_pattern_is_the_one_that_the_instrument_uses(layout: Layout, tmp_path: Path) -> None:
    assert layout.pattern is not None
    layout.write(tmp_path)
    assert guess_pattern(tmp_path).pattern == layout.pattern
    assert layout.pattern in open_plate(tmp_path).note
    given, guessed = open_plate(tmp_path, pattern=layout.pattern), open_plate(tmp_path)
    assert [field.key for field in given.fields()] == [field.key for field in guessed.fields()]


def test_fields_travel_to_other_processes_and_know_when_they_changed(layout: Layout, tmp_path: Path) -> None:
    plate = open_plate(layout.write(tmp_path) or tmp_path, **layout.choices)
    field = next(plate.fields())
    copy = pickle.loads(pickle.dumps(field))
    np.testing.assert_array_equal(copy.image().compute(), field.image().compute())
    assert copy.identity() == field.identity()
    others = {other.key: other.identity() for other in plate.fields()}
    assert len(set(others.values())) == len(others)


def test_a_cut_off_file_is_named_and_the_others_are_read(layout: Layout, tmp_path: Path) -> None:
    path = layout.write(tmp_path) or tmp_path
    files = sorted((file for file in tmp_path.rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)
    kinds = (".tif", ".tiff", ".png", ".czi", ".nd2")
    images = [file for file in files if file.suffix.lower() in kinds and "thumb" not in file.name]
    chunks = [file for file in sorted(files) if "/B/03/1/0/" in file.as_posix() and file.stat().st_size > 999]
    broken = images[len(images) // 2] if images else chunks[0]
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 3])
    plate = open_plate(path, **layout.choices)
    errors = [problem.sentence for problem in plate.problems]
    if images:  # known before anything runs; a chunk of a zarr shows when it is read
        assert [broken.name in error for error in errors].count(True) == 1
    read = 0
    for field in plate.fields():
        try:
            field.image().compute()
            read += 1
        except PlateError as error:
            errors.append(str(error))
    assert read == len(FIELDS) - 1
    named = broken.name if images else "zarr"
    assert any(named in error for error in errors)


def test_an_empty_file_is_a_named_gap(tmp_path: Path) -> None:
    layout = next(layout for layout in LAYOUTS if layout.name == "folder_per_well")
    layout.write(tmp_path)
    (tmp_path / "B03" / "ER_1.tif").write_bytes(b"")
    (tmp_path / "C11" / "DNA_1.tif").write_bytes(b"")
    (tmp_path / "C11" / "ER_1.tif").write_bytes(b"")
    plate = open_plate(tmp_path)
    assert list(plate.wells) == ["B03", "P24"]
    assert plate.wells["B03"].fields[0].channels == (0,)
    sentences = [problem.sentence for problem in plate.problems]
    assert "B03/ER_1.tif is empty (0 bytes)." in sentences
    assert "Field B03/1 has no channel ER." in sentences
    assert {problem.well for problem in plate.problems} == {"B03", "C11", "P24"}


def test_planes_in_z_are_projected_or_chosen(tmp_path: Path) -> None:
    next(layout for layout in LAYOUTS if layout.name == "cellvoyager_names").write(tmp_path)
    projected = open_plate(tmp_path)
    assert "z: maximum projection of 3 planes" in projected.note
    chosen = open_plate(tmp_path, z=1)
    assert "z: plane 1" in chosen.note
    np.testing.assert_array_equal(next(chosen.fields()).image()[0].compute(), plane("B03", 1, "DNA") // 2)
    with pytest.raises(PlateError, match="3 planes in z; plane 3"):
        open_plate(tmp_path, z=3)
    assert next(chosen.fields()).identity() != next(projected.fields()).identity()


def test_a_time_point_is_the_first_or_chosen(tmp_path: Path) -> None:
    next(layout for layout in LAYOUTS if layout.name == "time_series").write(tmp_path)
    assert "t: time point 0 of 2" in open_plate(tmp_path).note
    later = open_plate(tmp_path, t=1)
    np.testing.assert_array_equal(next(later.fields()).image()[0].compute(), plane("B03", 1, "DNA") >> 1)
    with pytest.raises(PlateError, match="2 time points; time point 2"):
        open_plate(tmp_path, t=2)


def test_all_planes_of_a_folder_are_fields_and_keep_their_positions(tmp_path: Path) -> None:
    next(layout for layout in LAYOUTS if layout.name == "cellvoyager_mlf").write(tmp_path)
    plate = open_plate(tmp_path, z="all")
    assert "z: all 3 planes, each a field" in plate.note
    assert [field.name for field in plate.wells["B03"].fields] == [f"{n}z{z}" for n in (1, 2) for z in range(3)]
    for field in plate.wells["B03"].fields:
        number, z = int(field.name[0]), int(field.name[-1])
        assert field.position_um == pytest.approx(position(number))
        np.testing.assert_array_equal(field.image()[0].compute(), plane("B03", number, "DNA") // (z + 1))


def test_all_time_points_of_a_folder_and_all_planes_of_a_file_are_fields(tmp_path: Path) -> None:
    next(layout for layout in LAYOUTS if layout.name == "time_series").write(tmp_path / "names")
    plate = open_plate(tmp_path / "names", t="all")
    assert [field.name for field in plate.wells["B03"].fields] == ["1t0", "1t1", "2t0", "2t1"]
    np.testing.assert_array_equal(plate.wells["B03"].fields[3].image()[1].compute(), plane("B03", 2, "ER") >> 1)
    stack = np.arange(2 * 3 * 20 * 30, dtype=np.uint16).reshape(2, 3, 20, 30)
    (tmp_path / "files").mkdir()
    tifffile.imwrite(tmp_path / "files" / "A01.ome.tif", stack, ome=True, metadata={"axes": "TZYX"})
    inner = open_plate(tmp_path / "files", z="all", t="all")
    assert [field.name for field in inner.fields()] == [f"0z{z}t{t}" for z in range(3) for t in range(2)]
    np.testing.assert_array_equal(list(inner.fields())[3].image()[0].compute(), stack[1, 1])


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("phenix_index_5", "Images/Index.idx.xml"),
        ("phenix_index_6", "Images/Index.xml"),
        ("imagexpress_htd", "Assay_7.HTD"),
        ("cellvoyager_mlf", "MeasurementData.mlf"),
    ],
)
def test_another_reader_of_vendor_plates_sees_the_same_plate(name: str, index: str, tmp_path: Path) -> None:
    import openreadout

    layout = next(layout for layout in LAYOUTS if layout.name == name)
    layout.write(tmp_path)
    theirs = openreadout.info(str(tmp_path / index))
    plate = open_plate(tmp_path)
    assert [well["well"] for well in theirs["plate"]["wells"]] == list(plate.wells)
    assert (theirs["plate"]["rows"], theirs["plate"]["columns"]) == (plate.rows, plate.columns)
    assert [channel["name"] for channel in theirs["images"][0]["channels"]] == [c.name for c in plate.channels]
    first = next(plate.fields())
    for channel in range(2):
        pixels = openreadout.File(str(tmp_path / index)).read_plane(0, channel, 0, 0)
        np.testing.assert_array_equal(first.image()[channel].compute(), np.asarray(pixels))


def columbus_list(folder: Path, images: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "ImageIndex.ColumbusIDX.xml").write_text(
        f"<EvaluationInputData><Images>{images}</Images></EvaluationInputData>"
    )


def columbus_image(name: str, buffer: int = 0, unit: str = "um") -> str:
    return (
        f"<Image><URL BufferNo='{buffer}'>{name}</URL><Row>2</Row><Col>3</Col><FieldID>1</FieldID><PlaneID>1</PlaneID>"
        f"<TimepointID>1</TimepointID><ChannelID>1</ChannelID><ImageResolutionX Unit='{unit}'>0.5</ImageResolutionX>"
        f"<ImageResolutionY Unit='{unit}'>0.5</ImageResolutionY></Image>"
    )


def test_folders_of_a_columbus_export_are_time_points(tmp_path: Path) -> None:
    head = "<ColumbusMeasurementIndex><PlateName>P</PlateName></ColumbusMeasurementIndex>"
    (tmp_path / "MeasurementIndex.ColumbusIDX.xml").write_text(head)
    for t in (1, 2, 10):
        columbus_list(tmp_path / f"t{t}", columbus_image("a.tif"))
        tifffile.imwrite(tmp_path / f"t{t}" / "a.tif", np.full((8, 9), t, np.uint16))
    for t, value in enumerate((1, 2, 10)):
        plate = open_plate(tmp_path, t=t)
        assert (plate.name, list(plate.wells), plate.wells["B03"].fields[0].pixel_size_um) == ("P", ["B03"], (0.5, 0.5))
        assert int(next(plate.fields()).image().max()) == value
    assert open_plate(tmp_path / "t2" / "ImageIndex.ColumbusIDX.xml").note == open_plate(tmp_path).note


def test_what_a_columbus_export_cannot_say_is_said(tmp_path: Path) -> None:
    (tmp_path / "MeasurementIndex.ColumbusIDX.xml").write_text("<ColumbusMeasurementIndex/>")
    with pytest.raises(PlateError, match=r"lists images: export again"):
        open_plate(tmp_path)
    columbus_list(tmp_path / "t", columbus_image("a.tif", unit="parsec") + columbus_image(""))
    tifffile.imwrite(tmp_path / "t" / "a.tif", np.ones((8, 9), np.uint16))
    plate = open_plate(tmp_path)
    assert next(plate.fields()).pixel_size_um is None
    assert [problem.sentence for problem in plate.problems] == ["The index lists 1 image of well B03 without a file."]


def test_pages_of_a_columbus_file_are_the_planes_that_the_index_says(tmp_path: Path) -> None:
    """One file per well, as Columbus exports it: BufferNo is the page; colours are whole numbers ARGB."""
    (tmp_path / "MeasurementIndex.ColumbusIDX.xml").write_text("<ColumbusMeasurementIndex/>")
    listed = ""
    for channel in (1, 2):
        for z in (1, 2, 3):
            one = columbus_image("B03.tif", buffer=2 * (z - 1) + channel - 1)
            color = (0xFF0000FF, 0xFF929292)[channel - 1]
            one = one.replace("<ChannelID>1<", f"<ChannelColor>{color}</ChannelColor><ChannelID>{channel}<")
            listed += one.replace("<PlaneID>1<", f"<PlaneID>{z}<")
    columbus_list(tmp_path / "t", listed)
    pages = np.random.default_rng(0).integers(0, 60000, (6, 8, 9), np.uint16)
    with tifffile.TiffWriter(tmp_path / "t" / "B03.tif") as writer:
        for page in pages:
            writer.write(page, compression="zlib", contiguous=False)
    plate = open_plate(tmp_path)
    assert [channel.color for channel in plate.channels] == ["#0000FF", "#929292"]
    field = next(plate.fields())
    np.testing.assert_array_equal(field.image().compute(), [pages[0::2].max(axis=0), pages[1::2].max(axis=0)])
    np.testing.assert_array_equal(next(open_plate(tmp_path, z=1).fields()).image().compute(), pages[2:4])
    assert pickle.loads(pickle.dumps(field)).identity() == field.identity()
    columbus_list(tmp_path / "t", listed.replace("BufferNo='5'", "BufferNo='6'"))
    assert [
        "it has 6 pages; page 7 was asked for" in problem.sentence for problem in open_plate(tmp_path).problems
    ] == [True]


@pytest.mark.parametrize("layout", [layout for layout in LAYOUTS if layout.is_zarr], ids=lambda layout: layout.name)
def test_ngio_sees_the_same_pixels_in_what_the_generators_write(layout: Layout, tmp_path: Path) -> None:
    from ngio import open_ome_zarr_plate

    path = layout.write(tmp_path)
    assert path is not None
    theirs = open_ome_zarr_plate(path, mode="r")
    for field in open_plate(path, **layout.choices).fields():
        image = theirs.get_image(row=field.well[0], column=int(field.well[1:]), image_path=field.name).get_image()
        pixels = image.get_as_numpy(axes_order=("t", "c", "z", "y", "x"))[0].max(axis=1)
        np.testing.assert_array_equal(field.image().compute(), pixels)
        assert (image.pixel_size.y, image.pixel_size.x) == field.pixel_size_um
