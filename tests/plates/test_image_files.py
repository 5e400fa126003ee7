"""Image files of all kinds are read as what a microscopist means by them; broken ones are one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_lexicon.errors import PlateError
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.image_files import Plane, read_header, read_plane

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 60000, (30, 44), dtype=np.uint16)
THREE = RNG.integers(0, 60000, (3, 30, 44), dtype=np.uint16)
COLOR = RNG.integers(0, 255, (30, 44, 3), dtype=np.uint8)
ALPHA = RNG.integers(0, 255, (30, 44, 1), dtype=np.uint8)


def everything(path: Path) -> np.ndarray[Any, Any]:
    header = read_header(str(path))
    return read_plane(str(path), Plane(tuple(range(header.channels))))


def test_a_tiff_of_three_planes_is_three_channels_even_where_its_writer_said_rgb(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", THREE, photometric="rgb", planarconfig="separate")
    header = read_header(str(tmp_path / "a.tif"))
    assert (header.rgb, header.channels) == (False, 3)
    np.testing.assert_array_equal(everything(tmp_path / "a.tif"), THREE)


def test_a_colour_tiff_is_rgb(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", COLOR, photometric="rgb", tile=(16, 16), compression="deflate")
    plate = open_plate(tmp_path / "a.tif")
    assert plate.rgb
    assert [channel.name for channel in plate.channels] == ["Red", "Green", "Blue"]
    np.testing.assert_array_equal(next(plate.fields()).image().compute(), np.moveaxis(COLOR, -1, 0))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_transparency_is_left_out_and_said_so(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(np.concatenate([COLOR, ALPHA], axis=2), "RGBA").save(path)
    plate = open_plate(path)
    assert plate.rgb
    assert "transparency left out" in plate.note
    np.testing.assert_array_equal(next(plate.fields()).image().compute(), np.moveaxis(COLOR, -1, 0))


def test_a_palette_tiff_keeps_its_numbers_and_a_palette_png_its_colours(tmp_path: Path) -> None:
    grey = COLOR[..., 0]
    palette = Image.fromarray(grey, "L").convert("P")
    palette.save(tmp_path / "a.tif")
    plate = open_plate(tmp_path / "a.tif")
    assert "palette ignored" in plate.note
    np.testing.assert_array_equal(next(plate.fields()).image()[0].compute(), grey)
    colored = Image.fromarray(COLOR, "RGB").quantize(16)
    colored.save(tmp_path / "a.png")
    expected = np.moveaxis(np.asarray(colored.convert("RGB")), -1, 0)
    np.testing.assert_array_equal(everything(tmp_path / "a.png"), expected)


def test_sixteen_bit_colour_pngs_keep_their_sixteen_bits(tmp_path: Path) -> None:
    import imagecodecs

    deep = np.ascontiguousarray(np.moveaxis(THREE, 0, -1))
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(deep))
    assert read_header(str(tmp_path / "a.png")).dtype == np.uint16
    np.testing.assert_array_equal(everything(tmp_path / "a.png"), THREE)


@pytest.mark.parametrize("suffix", ["bmp", "jpg", "png"])
def test_colour_and_grey_images_of_the_usual_kinds_are_read(tmp_path: Path, suffix: str) -> None:
    for name, pixels in (("colour", COLOR), ("grey", COLOR[..., 0])):
        path = tmp_path / f"{name}.{suffix.upper()}"
        Image.fromarray(pixels).save(path)
        expected = np.asarray(Image.open(path))
        got = everything(path)
        np.testing.assert_array_equal(got, np.moveaxis(expected, -1, 0) if expected.ndim == 3 else expected[None])
        assert read_header(str(path)).rgb == (name == "colour")


def test_one_channel_saved_as_a_colour_image_is_its_brightest_component(tmp_path: Path) -> None:
    for channel in ("red", "green"):
        for well in ("A01", "A02"):
            tinted = np.zeros_like(COLOR)
            tinted[..., ("red", "green").index(channel)] = COLOR[..., 0]
            Image.fromarray(tinted).save(tmp_path / f"{well}_{channel}.png")
    plate = open_plate(tmp_path)
    assert not plate.rgb
    assert "brightest component" in plate.note
    np.testing.assert_array_equal(next(plate.fields()).image().compute(), np.stack([COLOR[..., 0]] * 2))


@pytest.mark.parametrize("axes", ["ZCYX", "TZCYX", "TYX", "ZYX"])
def test_stacks_and_series_within_a_file_follow_its_axes(tmp_path: Path, axes: str) -> None:
    sizes = {"T": 2, "Z": 3, "C": 2, "Y": 20, "X": 24}
    pixels = RNG.integers(0, 999, [sizes[axis] for axis in axes], dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", pixels, imagej=True, metadata={"axes": axes}, photometric="minisblack")
    full = pixels.reshape([sizes[axis] if axis in axes else 1 for axis in "TZCYX"])
    last = sizes["T"] - 1 if "T" in axes else 0
    plate = open_plate(tmp_path / "a.tif", t=last)
    np.testing.assert_array_equal(next(plate.fields()).image().compute(), full[last].max(axis=0))
    assert ("z: maximum projection of 3 planes" in plate.note) == ("Z" in axes)
    assert ("t: time point 1 of 2" in plate.note) == ("T" in axes)
    if "Z" in axes:
        chosen = next(open_plate(tmp_path / "a.tif", z=1).fields())
        np.testing.assert_array_equal(chosen.image().compute(), full[0, 1])


def test_a_film_without_named_axes_is_a_series_and_says_so(tmp_path: Path) -> None:
    film = RNG.integers(0, 255, (21, 20, 24), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "film.tif", film, photometric="minisblack", metadata=None)
    plate = open_plate(tmp_path / "film.tif")
    assert "time point 0 of 21" in plate.note
    np.testing.assert_array_equal(next(plate.fields()).image().compute(), film[:1])
    np.testing.assert_array_equal(next(open_plate(tmp_path / "film.tif", t=20).fields()).image().compute(), film[20:])
    with pytest.raises(PlateError, match="21 time points"):
        open_plate(tmp_path / "film.tif", t=21)


def test_float_images_and_big_endian_ones_come_native(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "float.tif", GREY.astype(np.float32) / 7)
    tifffile.imwrite(tmp_path / "big.tif", GREY, byteorder=">")
    np.testing.assert_array_equal(everything(tmp_path / "float.tif")[0], GREY.astype(np.float32) / 7)
    big = everything(tmp_path / "big.tif")
    assert big.dtype.isnative
    np.testing.assert_array_equal(big[0], GREY)


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"resolution": (10000 / 0.65, 10000 / 0.5), "resolutionunit": "CENTIMETER"}, (0.5, 0.65)),
        ({"resolution": (72, 72), "resolutionunit": "INCH"}, None),
        ({"resolution": (300, 300), "resolutionunit": "INCH"}, None),
        ({"resolution": (1, 1), "resolutionunit": "NONE"}, None),
        ({"resolution": (2, 2), "imagej": True, "metadata": {"unit": "micron"}}, (0.5, 0.5)),
        ({"resolution": (2, 2), "imagej": True, "metadata": {"unit": "\\u00B5m"}}, (0.5, 0.5)),
        ({"resolution": (0.002, 0.002), "imagej": True, "metadata": {"unit": "nm"}}, (0.5, 0.5)),
        ({"resolution": (2, 2), "imagej": True, "metadata": {"unit": "pixel"}}, None),
        (
            {"ome": True, "metadata": {"PhysicalSizeX": 500, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.25}},
            (0.25, 0.5),
        ),
        ({"ome": True, "metadata": {}}, None),
    ],
)
def test_pixel_sizes_are_read_where_they_are_sane(
    tmp_path: Path, options: dict[str, Any], size: tuple[float, float] | None
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", GREY, **options)
    got = read_header(str(tmp_path / "a.tif")).pixel_size_um
    assert got == (None if size is None else pytest.approx(size, rel=1e-4))


def test_the_pixel_size_of_an_aperio_slide_is_in_its_description(tmp_path: Path) -> None:
    said = "Aperio Image Library v11.2.1\\r\\n44 x 30 (256x256) JPEG/RGB Q=70|AppMag = 40|MPP = 0.2520|Left = 25.6"
    tifffile.imwrite(tmp_path / "slide.svs", COLOR, photometric="rgb", tile=(16, 16), description=said, metadata=None)
    assert read_header(str(tmp_path / "slide.svs")).pixel_size_um == (0.252, 0.252)


def test_imagej_colours_and_windows_come_through(tmp_path: Path) -> None:
    ramp = np.arange(256, dtype=np.uint8)
    green = np.stack([0 * ramp, ramp, 0 * ramp])
    magenta = np.stack([ramp, 0 * ramp, ramp])
    tifffile.imwrite(
        tmp_path / "a.tif",
        THREE[:2],
        imagej=True,
        metadata={"axes": "CYX", "Ranges": (5.0, 500.0, 7.0, 700.0), "LUTs": [green, magenta], "mode": "composite"},
    )
    plate = open_plate(tmp_path / "a.tif")
    assert [channel.color for channel in plate.channels] == ["#00FF00", "#FF00FF"]
    assert [channel.window for channel in plate.channels] == [(5.0, 500.0), (7.0, 700.0)]


def test_a_pyramid_within_a_tiff_is_read_by_level(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 255, (300, 260, 3), dtype=np.uint8)
    with tifffile.TiffWriter(tmp_path / "slide.tif") as writer:
        options: dict[str, Any] = {"photometric": "rgb", "tile": (64, 64)}
        writer.write(pixels, subifds=1, **options)
        writer.write(pixels[::2, ::2], subfiletype=1, **options)
    field = next(open_plate(tmp_path / "slide.tif").fields())
    assert field.source.levels() == 2
    np.testing.assert_array_equal(field.image(1).compute(), np.moveaxis(pixels[::2, ::2], -1, 0))
    np.testing.assert_array_equal(field.image()[:, 70:90, 10:20].compute(), np.moveaxis(pixels, -1, 0)[:, 70:90, 10:20])
    with pytest.raises(PlateError, match="2 levels"):
        field.image(2)


def test_further_images_in_a_file_are_fields_and_a_slides_label_is_not(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "scenes.ome.tif", ome=True) as writer:
        for seed in (1, 2, 3):
            writer.write(GREY + seed, photometric="minisblack")
    plate = open_plate(tmp_path / "scenes.ome.tif")
    assert "files with 3 images, each a field" in plate.note
    for seed, field in enumerate(plate.wells["scenes"].fields, start=1):
        np.testing.assert_array_equal(field.image()[0].compute(), GREY + seed)
    with tifffile.TiffWriter(tmp_path / "slide.tif") as writer:
        writer.write(np.zeros((300, 300, 3), np.uint8), photometric="rgb", tile=(64, 64))
        writer.write(np.zeros((40, 60, 3), np.uint8), photometric="rgb")
    assert "images" not in open_plate(tmp_path / "slide.tif").note.replace("one image file", "")


def test_a_multi_file_ome_tiff_does_not_lead_to_its_other_files(tmp_path: Path) -> None:
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">'
        '<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint16" SizeX="44" SizeY="30" '
        'SizeC="2" SizeZ="1" SizeT="1">'
        '<TiffData FirstC="0" IFD="0"><UUID FileName="a.ome.tif">urn:uuid:1</UUID></TiffData>'
        '<TiffData FirstC="1" IFD="0"><UUID FileName="../secret.ome.tif">urn:uuid:2</UUID></TiffData>'
        "</Pixels></Image></OME>"
    )
    folder = tmp_path / "plate"
    folder.mkdir()
    tifffile.imwrite(folder / "a.ome.tif", GREY, description=xml, metadata=None)
    tifffile.imwrite(tmp_path / "secret.ome.tif", GREY + 1, metadata=None)
    try:
        pixels = next(open_plate(folder / "a.ome.tif").fields()).image().compute()
    except PlateError as error:
        assert "a.ome.tif" in str(error)
    else:
        assert not (pixels == GREY + 1).all(axis=(1, 2)).any()


@pytest.mark.parametrize("entities", [True, False])
def test_hostile_xml_in_a_tiff_costs_nothing(tmp_path: Path, entities: bool) -> None:
    bomb = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    xml = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{bomb}]>' if entities else '<?xml version="1.0"?>'
    xml += '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">' + ("&l9;" if entities else "<Image>")
    tifffile.imwrite(tmp_path / "a.ome.tif", GREY, description=xml, metadata=None)
    try:
        assert read_header(str(tmp_path / "a.ome.tif")).shape == GREY.shape
    except PlateError as error:
        assert "a.ome.tif" in str(error)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.tif", b"not an image at all"),
        ("empty.png", b""),
        ("cut.png", b"\x89PNG\r\n\x1a\n\0\0"),
        ("cut.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF"),
        ("cut.bmp", b"BM\0\0"),
        ("zeros.tiff", bytes(64)),
        ("header.tif", b"II*\0\x08\0\0\0"),
        ("loop.tif", b"II*\0\x08\0\0\0\x00\x00\x08\x00\x00\x00"),
    ],
)
def test_what_is_no_image_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PlateError, match=name.replace(".", r"\.")):
        read_header(str(tmp_path / name))


def test_a_png_that_claims_a_trillion_pixels_is_refused_before_it_is_read(tmp_path: Path) -> None:
    import struct
    import zlib

    header = struct.pack(">IIBBBBB", 1_000_000, 1_000_000, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    content = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (tmp_path / "huge.png").write_bytes(content)
    with pytest.raises(PlateError, match="1000000 x 1000000"):
        read_header(str(tmp_path / "huge.png"))
    with pytest.raises(PlateError, match="huge"):
        read_plane(str(tmp_path / "huge.png"), Plane())


def test_images_of_one_field_must_have_one_shape(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "A01_DAPI.tif", GREY)
    tifffile.imwrite(tmp_path / "A01_GFP.tif", GREY[:20])
    tifffile.imwrite(tmp_path / "A02_DAPI.tif", GREY)
    tifffile.imwrite(tmp_path / "A02_GFP.tif", GREY)
    plate = open_plate(tmp_path)
    assert [problem.sentence for problem in plate.problems] == [
        "A01_GFP.tif has 20 x 44 pixels, but A01_DAPI.tif of the same field has 30 x 44."
    ]
    bad, good = plate.fields()
    with pytest.raises(PlateError, match="A01_GFP"):
        bad.image()
    assert good.image().shape == (2, 30, 44)


def test_different_depths_of_grey_are_said(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "A01.tif", GREY)
    tifffile.imwrite(tmp_path / "A02.tif", GREY.astype(np.uint8))
    plate = open_plate(tmp_path)
    assert any("1 of uint16, 1 of uint8" in problem.sentence for problem in plate.problems)


def test_colour_and_grey_images_together_are_told_apart(tmp_path: Path) -> None:
    Image.fromarray(COLOR).save(tmp_path / "a.png")
    Image.fromarray(COLOR[..., 0]).save(tmp_path / "b.png")
    plate = open_plate(tmp_path)
    assert not plate.rgb
    assert [channel.name for channel in plate.channels] == ["Red", "Green", "Blue", "Grey"]
    assert [field.channels for field in plate.fields()] == [(0, 1, 2), (3,)]


@pytest.mark.parametrize("length", range(1, 24))
def test_the_first_bytes_of_a_tiff_are_a_sentence(length: int, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "whole.tif", np.zeros((8, 8), np.uint16))
    (tmp_path / "begun.tif").write_bytes((tmp_path / "whole.tif").read_bytes()[:length])
    with pytest.raises(PlateError, match=r"begun\.tif cannot be read as an image"):
        read_header(str(tmp_path / "begun.tif"))


@pytest.mark.parametrize(
    ("tag", "place", "value"),
    [
        ("ImageLength", 4, 40),  # a count of values, in place of one: divided by a height of zero
        ("BitsPerSample", 8, 99),  # asserted to have a type
        ("TileLength", 8, 0),
    ],
)
def test_what_tifffile_stumbles_over_is_a_sentence(tag: str, place: int, value: int, tmp_path: Path) -> None:
    """Found by changing bytes at random."""
    file = tmp_path / "odd.tif"
    options: dict[str, Any] = {"tile": (16, 32)} if tag.startswith("Tile") else {}
    tifffile.imwrite(
        file, np.zeros((2, 40, 56), np.uint16), metadata={"axes": "CYX"}, photometric="minisblack", **options
    )
    with tifffile.TiffFile(file) as tif:
        place += tif.pages.first.tags[tag].offset
    content = bytearray(file.read_bytes())
    content[place : place + 4] = value.to_bytes(4, "little")
    file.write_bytes(content)
    with pytest.raises(PlateError, match=r"odd\.tif cannot be read as an image"):
        read_header(str(file))
