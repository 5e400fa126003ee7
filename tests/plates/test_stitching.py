"""Fields with stage positions are one image: the one that they were cut from."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_lexicon.errors import PlateError
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.stitching import stitched
from napari_lexicon.plates.writing import PlateWriter

from .layouts import LAYOUTS, plane, position

SIZE = (0.5, 0.25)
WHOLE = np.random.default_rng(3).integers(1, 4000, (2, 700, 900), dtype=np.uint16)
# Three by three fields of 300 x 400 that overlap by 100 pixels, without the one in the middle.
CORNERS = [(y, x) for y in (0, 200, 400) for x in (0, 250, 500) if (y, x) != (200, 250)]


@pytest.fixture
def plate_folder(tmp_path: Path) -> Path:
    with PlateWriter(tmp_path / "P.zarr", "P", 8, 12, [Channel("DNA"), Channel("ER")], SIZE, "0.5") as writer:
        for number, (y, x) in enumerate(CORNERS):
            channels = (0,) if number == 7 else (0, 1)
            pixels = WHOLE[list(channels), y : y + 300, x : x + 400]
            where = 1000 + y * SIZE[0], -500 + x * SIZE[1]
            writer.write_field("B03", str(number), pixels, position_um=where, channels=channels)
        writer.write_field("C01", "0", WHOLE[:, :50, :50])
    return tmp_path / "P.zarr"


def expected() -> np.ndarray[Any, Any]:
    """Zeros where no field lies."""
    picture = np.zeros_like(WHOLE)
    for number, (y, x) in enumerate(CORNERS):
        for channel in (0,) if number == 7 else (0, 1):
            picture[channel, y : y + 300, x : x + 400] = WHOLE[channel, y : y + 300, x : x + 400]
    return picture


def test_a_stitched_well_is_the_image_that_its_fields_were_cut_from(plate_folder: Path) -> None:
    well = open_plate(plate_folder).wells["B03"].stitched()
    assert well.places == tuple(CORNERS)
    assert (well.pixel_size_um, well.origin_um, well.channels) == (SIZE, (1000.0, -500.0), (0, 1))
    np.testing.assert_array_equal(well.image.compute(), expected())
    np.testing.assert_array_equal(well.image[1:, 190:420, 240:610].compute(), expected()[1:, 190:420, 240:610])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(well.image))[0, :9].compute(), expected()[0, :9])


def test_a_coarser_level_is_stitched_as_well(plate_folder: Path) -> None:
    well = open_plate(plate_folder).wells["B03"].stitched(level=1)
    assert well.image.shape == (2, 350, 450)
    assert well.pixel_size_um == (1.0, 0.5)
    fine = expected().astype(float).reshape(2, 350, 2, 450, 2).mean(axis=(2, 4))
    inside = np.s_[:, 2:98, 2:123]
    np.testing.assert_allclose(well.image.compute()[inside], fine[inside], atol=0.5)


def test_only_the_fields_that_are_looked_at_are_read(plate_folder: Path) -> None:
    import shutil

    well = open_plate(plate_folder).wells["B03"].stitched()
    for number in range(1, 8):
        shutil.rmtree(plate_folder / "B" / "03" / str(number) / "0" / "c")
    np.testing.assert_array_equal(well.image[:, :150, :200].compute(), WHOLE[:, :150, :200])


@pytest.mark.parametrize("name", ["phenix_index_5", "cellvoyager_mlf"])
def test_vendor_plates_with_stage_positions_are_stitched(name: str, tmp_path: Path) -> None:
    next(layout for layout in LAYOUTS if layout.name == name).write(tmp_path)
    well = open_plate(tmp_path).wells["B03"].stitched()
    for field, (y, x) in zip(well.fields, well.places, strict=True):
        number = int(field.name)
        np.testing.assert_array_equal(well.image[0, y : y + 40, x : x + 56].compute(), plane("B03", number, "DNA"))
    (y1, x1), (y2, x2) = (position(number) for number in (1, 2))
    step = np.subtract(well.places[1], well.places[0])
    np.testing.assert_allclose(step, ((y2 - y1) / 0.325, (x2 - x1) / 0.325), atol=1)


def test_planes_at_one_place_are_not_laid_over_each_other(tmp_path: Path) -> None:
    next(layout for layout in LAYOUTS if layout.name == "cellvoyager_mlf").write(tmp_path)
    well = open_plate(tmp_path, z="all").wells["B03"].stitched()
    assert [field.name for field in well.fields] == ["1z0", "2z0"]
    assert [field.name for field in well.left_out] == ["1z1", "1z2", "2z1", "2z2"]


def test_what_cannot_be_stitched_is_one_sentence(plate_folder: Path) -> None:
    plate = open_plate(plate_folder)
    fields = plate.wells["B03"].fields
    with pytest.raises(PlateError, match=r"Well C01 cannot be stitched: .* no stage positions"):
        plate.wells["C01"].stitched()
    with pytest.raises(PlateError, match="different pixel sizes"):
        stitched([fields[0], replace(fields[1], pixel_size_um=(2.0, 2.0))])
    with pytest.raises(PlateError, match="claims"):
        stitched([fields[0], replace(fields[1], position_um=(1e11, 1e11))])
