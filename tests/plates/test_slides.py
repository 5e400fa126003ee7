"""Slides are plates of colour tiles with tissue on them; a slide is never read whole."""

from __future__ import annotations

import pickle
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_lexicon.errors import PlateError
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.slide_files import slide_file
from napari_lexicon.plates.tissue import overview, tissue_mask

SHAPE = (2400, 4200)
Pixels = np.ndarray[Any, Any]


PIECES = (((900, 900), 500, (190, 110, 170)), ((1700, 3300), 420, (120, 90, 160)))


def slide_pixels(seed: int = 0) -> Pixels:
    """Glass with a little noise, a grey smear that is no tissue, and two pieces of stained tissue."""
    rng = np.random.default_rng(seed)
    noise = np.tile(rng.integers(0, 12, (60, 60, 3), dtype=np.uint8), (SHAPE[0] // 60, SHAPE[1] // 60, 1))
    pixels = np.repeat(238 + noise[..., :1] // 2, 3, axis=2)
    pixels[1900:2300, 200:1500] = 170
    y, x = np.ogrid[: SHAPE[0], : SHAPE[1]]
    for center, radius, stain in PIECES:
        inside = (y - center[0]) ** 2 + (x - center[1]) ** 2 < radius**2
        pixels[inside] = np.array(stain, np.uint8) + noise[inside]
    return pixels


def tissue(y: int, x: int) -> bool:
    return any((y - top) ** 2 + (x - left) ** 2 < radius**2 for (top, left), radius, _ in PIECES)


def write_pyramid(path: Path, pixels: Pixels, levels: int = 4) -> None:
    options = {"photometric": "rgb", "tile": (256, 256), "compression": "zlib", "compressionargs": {"level": 1}}
    with tifffile.TiffWriter(path, ome=path.name.endswith(".ome.tif")) as writer:
        writer.write(pixels, subifds=levels - 1, resolution=(20000, 20000), resolutionunit="CENTIMETER", **options)
        for level in range(1, levels):
            writer.write(pixels[:: 2**level, :: 2**level], subfiletype=1, **options)


def write_svs(path: Path, pixels: Pixels) -> None:
    """As Aperio does: the slide, a thumbnail, further levels, the label and the overview, as pages in a row."""
    said = "Aperio Image Library v12.0.15\r\n4200x2400 [0,0 4200x2400] (256x256) JPEG/RGB Q=70|AppMag = 20|MPP = 0.4990"
    tiled = {"photometric": "rgb", "tile": (256, 256), "compression": "jpeg", "metadata": None}
    with tifffile.TiffWriter(path) as writer:
        writer.write(pixels, description=said, **tiled)
        writer.write(pixels[::8, ::8], photometric="rgb", description="Aperio thumbnail", metadata=None)
        writer.write(pixels[::4, ::4], description=said, **tiled)
        for name, shape, kind in (("label 80x90", (90, 80, 3), 1), ("macro 200x60", (60, 200, 3), 9)):
            said = f"Aperio\r\n{name}"
            writer.write(
                np.zeros(shape, np.uint8), photometric="rgb", description=said, subfiletype=kind, metadata=None
            )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("study") / "slides"
    place.mkdir()
    write_pyramid(place / "one.tif", slide_pixels(1))
    write_svs(place / "two.svs", slide_pixels(2))
    write_pyramid(place / "glass.tif", np.full((*SHAPE, 3), 241, np.uint8))
    (place / "cut.tif").write_bytes((place / "one.tif").read_bytes()[:200_000])
    (place / "empty.svs").write_bytes(b"")
    (place / "notes.txt").write_text("H&E")
    return place


def test_a_folder_of_slides_is_a_plate_of_tissue(folder: Path) -> None:
    plate = open_plate(folder, tile=512)
    assert (plate.rgb, plate.free, list(plate.wells)) == (True, True, ["one", "two"])
    assert [channel.name for channel in plate.channels] == ["Red", "Green", "Blue"]
    assert plate.wells["one"].fields[0].pixel_size_um == (0.5, 0.5)
    assert plate.wells["two"].fields[0].pixel_size_um == (0.499, 0.499)
    assert "2 slides" in plate.note and "fields of 512 pixels with tissue" in plate.note
    sentences = " ".join(problem.sentence for problem in plate.problems)
    assert "No tissue was found on slide glass.tif" in sentences
    assert "cut.tif" in sentences and "empty.svs is empty" in sentences


@pytest.mark.parametrize("well", ["one", "two"])
def test_fields_are_the_tiles_that_tissue_lies_on(folder: Path, well: str) -> None:
    plate = open_plate(folder, tile=512)
    found = {field.name for field in plate.wells[well].fields}
    for row in range(5):
        for column in range(9):
            samples = [
                tissue(row * 512 + y, column * 512 + x)
                for y in range(8, 512, 32)
                for x in range(8, 512, 32)
                if row * 512 + y < SHAPE[0] and column * 512 + x < SHAPE[1]
            ]
            share = float(np.mean(samples))
            name = f"r{row:03d}c{column:03d}"
            if share > 0.2:
                assert name in found
            if share < 0.02:
                assert name not in found


def test_pixels_levels_and_places_are_those_of_the_slide(folder: Path) -> None:
    pixels = np.moveaxis(slide_pixels(1), -1, 0)
    plate = open_plate(folder / "one.tif", tile=1000)
    assert list(plate.wells) == ["one"]
    for field in plate.fields():
        row, column = int(field.name[1:4]), int(field.name[5:8])
        top, left = row * 1000, column * 1000
        whole = pixels[:, top : top + 1000, left : left + 1000]
        assert field.shape == whole.shape[1:]
        assert field.position_um == (top * 0.5, left * 0.5)
        np.testing.assert_array_equal(field.image().compute(), whole)
        assert field.source.levels() == 4
        coarse = field.image(2).compute()
        np.testing.assert_array_equal(
            coarse, pixels[:, ::4, ::4][:, top // 4 : top // 4 + 250, left // 4 : left // 4 + 250]
        )
    assert len({field.identity() for field in plate.fields()}) == len(list(plate.fields()))


def test_slides_answer_what_every_layout_answers(folder: Path) -> None:
    """The assertions of ``test_layouts`` on a folder of slides: the planted pixels are those of two known slides."""
    plate = open_plate(folder, tile=512)
    assert (plate.rows, plate.columns, plate.free, plate.rgb) == (0, 0, True, True)
    sizes = {"one": 0.5, "two": 0.499}
    for seed, well in enumerate(plate.wells.values(), start=1):
        pixels = np.moveaxis(slide_pixels(seed), -1, 0).astype(int)
        assert [field.index for field in well.fields] == list(range(len(well.fields)))
        for field in well.fields:
            top, left = 512 * int(field.name[1:4]), 512 * int(field.name[5:8])
            expected = pixels[:, top : top + 512, left : left + 512]
            assert (field.well, field.channels, field.shape) == (well.name, (0, 1, 2), expected.shape[1:])
            size = sizes[well.name]
            assert field.pixel_size_um == (size, size)
            assert field.position_um == pytest.approx((top * size, left * size))
            if field.index % 6:
                continue
            image = field.image()
            assert image.dtype == np.uint8
            seen = image.compute()
            off = 0 if well.name == "one" else 5  # grey values: two.svs is JPEG
            assert np.abs(seen.astype(int) - expected).mean() <= off
            np.testing.assert_array_equal(image[0, 5:17, 8:40].compute(), seen[0, 5:17, 8:40])
            copy = pickle.loads(pickle.dumps(field))
            assert copy.identity() == field.identity()
            np.testing.assert_array_equal(copy.image().compute(), seen)
    fields = list(plate.fields())
    assert len({field.identity() for field in fields}) == len(fields)
    assert {problem.well for problem in plate.problems} == {"glass", "cut", "empty"}


def test_a_slide_is_stitched_from_its_fields(folder: Path) -> None:
    well = open_plate(folder / "one.tif", tile=1024).wells["one"].stitched(level=3)
    top, left = (round(place / 0.5 / 8) for place in well.origin_um)
    pixels = np.moveaxis(slide_pixels(1)[::8, ::8], -1, 0)
    height, width = well.image.shape[1:]
    shown = well.image.compute()
    there = shown.any(axis=0)
    np.testing.assert_array_equal(shown[:, there], pixels[:, top : top + height, left : left + width][:, there])


def test_opening_a_slide_needs_memory_for_its_overview_only(folder: Path) -> None:
    open_plate(folder / "one.tif")  # imports
    tracemalloc.start()
    try:
        plate = open_plate(folder / "one.tif", tile=512)
        _, opening = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        next(plate.fields()).image().compute()
        _, reading = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    whole = 3 * SHAPE[0] * SHAPE[1]
    assert opening < 32 * 600 * 1050  # bytes per pixel of the overview
    assert reading < whole / 6


def test_a_slide_may_be_left_whole(folder: Path) -> None:
    plate = open_plate(folder / "one.tif", tile=0)
    assert [field.shape for field in plate.fields()] == [SHAPE]


def test_a_small_colour_image_is_no_slide(tmp_path: Path) -> None:
    write_pyramid(tmp_path / "small.tif", slide_pixels()[:1020, :1020], levels=2)
    assert [field.shape for field in open_plate(tmp_path / "small.tif").fields()] == [(1020, 1020)]


def test_slides_without_tissue_and_odd_choices_are_one_sentence(folder: Path) -> None:
    with pytest.raises(PlateError, match="no slide with tissue"):
        open_plate(folder / "glass.tif")
    with pytest.raises(PlateError, match="64 pixels or more"):
        open_plate(folder / "one.tif", tile=3)
    with pytest.raises(PlateError, match="one plane"):
        open_plate(folder / "one.tif", z=4)


def test_an_overview_is_small_whatever_the_levels_are(tmp_path: Path) -> None:
    write_pyramid(tmp_path / "two.tif", slide_pixels(), levels=2)
    slide = slide_file(tmp_path / "two.tif")
    assert overview(slide).shape == (3, 600, 1050)


def test_black_where_nothing_was_scanned_is_no_tissue() -> None:
    picture = np.zeros((3, 200, 200), np.uint8)
    picture[:, 50:150, 50:150] = 240
    assert not tissue_mask(picture).any()


def test_openslide_reads_the_same_pixels(folder: Path) -> None:
    from napari_lexicon.plates.slide_files import _openslide_file

    ours, theirs = slide_file(folder / "two.svs"), _openslide_file(str(folder / "two.svs"))
    assert ours.shapes == theirs.shapes
    assert ours.pixel_size_um == theirs.pixel_size_um
    for level in range(2):
        region = slice(200, 420), slice(150, 500)
        difference = ours.pixels(level, *region).astype(int) - theirs.pixels(level, *region)
        assert np.abs(difference).max() <= 3  # two JPEG decoders


def test_without_openslide_the_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openslide", None)
    (tmp_path / "one.mrxs").write_bytes(b"a slide")
    with pytest.raises(PlateError, match="pip install openslide-python openslide-bin"):
        open_plate(tmp_path / "one.mrxs")
