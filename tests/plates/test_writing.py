"""Written plates are valid NGFF for others, and come back whole after a stop at any point."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import zarr

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.pyramid import halved, pyramid
from napari_lexicon.plates.writing import PlateWriter

VERSIONS = ("0.4", "0.5")
CHANNELS = (Channel("DNA", color="#0000FF", window=(10.0, 900.0)), Channel("ER", color="#00FF00"))


def image(seed: int = 0, shape: tuple[int, int] = (201, 300)) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 4000, (2, *shape), dtype=np.uint16)


def writer(path: Path, version: Any = "0.5", **changes: Any) -> PlateWriter:
    settings = {"name": "P1", "rows": 8, "columns": 12, "channels": CHANNELS, "pixel_size_um": (0.5, 0.65)}
    return PlateWriter(path, version=version, **{**settings, **changes})


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def plate(tmp_path: Path, version: str) -> Path:
    with writer(tmp_path / "P1.zarr", version) as plate:
        plate.write_field("B3", "0", image(0), {"nuclei": np.arange(201 * 300, dtype=np.int32).reshape(201, 300)})
        plate.write_field("B03", "1", image(1), position_um=(5.0, 7.0))
        plate.write_field("H12", "0", image(2))
    return tmp_path / "P1.zarr"


def test_ngio_reads_back_wells_pixels_channels_labels_and_sizes(plate: Path) -> None:
    from ngio import open_ome_zarr_plate

    opened = open_ome_zarr_plate(plate, mode="r")
    assert opened.images_paths(max_workers=1) == ["B/03/0", "B/03/1", "H/12/0"]
    field = opened.get_image(row="B", column="03", image_path="0")
    finest = field.get_image()
    assert field.channel_labels == ["DNA", "ER"]
    assert field.list_labels() == ["nuclei"]
    assert (finest.pixel_size.y, finest.pixel_size.x) == (0.5, 0.65)
    assert finest.space_unit == "micrometer"
    np.testing.assert_array_equal(finest.get_as_numpy(), image(0))
    coarse = field.get_image(path="1")
    np.testing.assert_array_equal(coarse.get_as_numpy(), halved(image(0)))
    assert (coarse.pixel_size.y, coarse.pixel_size.x) == (1.0, 1.3)
    window = finest.channels_meta.channels[0].channel_visualisation
    assert (window.start, window.end, window.color) == (10.0, 900.0, "0000FF")


def test_ome_zarr_models_finds_the_metadata_valid(plate: Path, version: str) -> None:
    import pydantic_zarr.v2
    from ome_zarr_models import v04, v05

    models: Any = v04 if version == "0.4" else v05
    for model in (v04.Labels, v04.Image, v04.ImageLabel, v04.Well, v04.HCS):
        # ome-zarr-models 1.6 leaves these undefined under pydantic 2.14.
        model.model_rebuild(_types_namespace=vars(pydantic_zarr.v2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hcs = models.HCS.from_zarr(zarr.open_group(plate, mode="r"))
        for well in ("B/03", "H/12"):
            models.Well.from_zarr(zarr.open_group(plate / well, mode="r"))
        models.Image.from_zarr(zarr.open_group(plate / "B/03/0", mode="r"))
        models.ImageLabel.from_zarr(zarr.open_group(plate / "B/03/0/labels/nuclei", mode="r"))
        models.Labels.from_zarr(zarr.open_group(plate / "B/03/0/labels", mode="r"))
    attributes = hcs.attributes if version == "0.4" else hcs.ome_attributes
    assert [well.path for well in attributes.plate.wells] == ["B/03", "H/12"]
    assert attributes.plate.field_count == 2


def test_the_unit_is_left_out_where_the_pixel_size_is_not_known(tmp_path: Path, version: str) -> None:
    with writer(tmp_path / "P.zarr", version, pixel_size_um=None) as plate:
        plate.write_field("A1", "0", image())
    # Not through ngio, which says micrometre where nothing is said.
    attributes = zarr.open_group(tmp_path / "P.zarr/A/01/0", mode="r").attrs.asdict()
    multiscales: Any = attributes.get("ome", attributes)
    assert [set(axis) for axis in multiscales["multiscales"][0]["axes"]] == [{"name", "type"}] * 3


def test_a_stopped_field_leaves_nothing_and_finished_fields_stay(tmp_path: Path, version: str) -> None:
    path = tmp_path / "P.zarr"
    stopped = writer(path, version)
    stopped.write_field("A1", "0", image(0))
    broken = image(1).astype(object)  # zarr refuses it half-way, after the folder and the metadata are there
    with pytest.raises(Exception):  # noqa: B017 - any way to die will do
        stopped.write_field("A2", "0", broken)
    del stopped  # never closed
    again = writer(path, version)
    assert again.has_field("A01", "0")
    assert not again.has_field("A02", "0")
    assert not list(path.glob(".partial-*"))
    assert not (path / "A" / "02").exists()


def test_a_resumed_plate_equals_an_uninterrupted_one(tmp_path: Path, version: str) -> None:
    wells = [("A1", "0"), ("A1", "1"), ("B2", "0"), ("B2", "1")]
    with writer(tmp_path / "whole.zarr", version) as whole:
        for seed, (well, field) in enumerate(wells):
            whole.write_field(well, field, image(seed))
    first = writer(tmp_path / "resumed.zarr", version)
    for seed, (well, field) in enumerate(wells[:2]):
        first.write_field(well, field, image(seed))
    with writer(tmp_path / "resumed.zarr", version) as second:
        for seed, (well, field) in enumerate(wells):
            if not second.has_field(well, field):
                second.write_field(well, field, image(seed))
    whole_files = {file.relative_to(whole.path): file.read_bytes() for file in whole.path.rglob("*") if file.is_file()}
    resumed = {file.relative_to(second.path): file.read_bytes() for file in second.path.rglob("*") if file.is_file()}
    assert resumed == whole_files


def test_listing_wells_does_not_grow_with_the_square_of_their_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listings = 0
    original = PlateWriter._list_wells

    def counted(self: PlateWriter) -> None:
        nonlocal listings
        listings += 1
        original(self)

    monkeypatch.setattr(PlateWriter, "_list_wells", counted)
    now = 0.0
    monkeypatch.setattr("napari_lexicon.plates.writing.time.monotonic", lambda: now)
    small = np.zeros((2, 4, 4), np.uint16)
    with writer(tmp_path / "P.zarr") as plate:
        for row in "ABCDEFGH":
            for column in range(1, 13):
                now += 0.1
                plate.write_field(f"{row}{column}", "0", small)
    assert listings <= 2 + 96 * 0.1 / 2 + 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"rows": 16, "columns": 24}, "8 x 12"), ({"channels": (Channel("RNA"), Channel("ER"))}, "channel DNA")],
)
def test_another_plate_is_not_written_into_this_one(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    with writer(tmp_path / "P.zarr") as plate:
        plate.write_field("A1", "0", image())
    with pytest.raises(PlateError, match=says):
        writer(tmp_path / "P.zarr", **changes)


def test_a_folder_with_other_things_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear")
    with pytest.raises(PlateError, match=r"is not an OME-Zarr 0\.5 plate"):
        writer(tmp_path)


@pytest.mark.parametrize(
    ("well", "field", "shape"),
    [
        ("I01", "0", (2, 9, 9)),
        ("A13", "0", (2, 9, 9)),
        ("x", "0", (2, 9, 9)),
        ("A1", "a_b", (2, 9, 9)),
        ("A1", "0", (3, 9, 9)),
    ],
)
def test_what_does_not_fit_the_plate_is_refused_by_name(
    tmp_path: Path, well: str, field: str, shape: tuple[int, ...]
) -> None:
    with pytest.raises(PlateError):
        writer(tmp_path / "P.zarr").write_field(well, field, np.zeros(shape, np.uint16))


def test_the_plate_map_lies_in_the_plate_with_the_well_first(tmp_path: Path) -> None:
    plate = writer(tmp_path / "P.zarr")
    plate.write_plate_map(pd.DataFrame({"Metadata_pert_type": ["negcon", "trt"]}, index=["A01", "A02"]))
    assert (tmp_path / "P.zarr/plate_map.csv").read_text() == "Metadata_Well,Metadata_pert_type\nA01,negcon\nA02,trt\n"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.float32])
def test_a_level_is_the_mean_of_two_by_two(dtype: Any) -> None:
    values = np.random.default_rng(0).integers(0, 255, (3, 10, 8)).astype(dtype)
    mean = values.reshape(3, 5, 2, 4, 2).astype(float).mean((2, 4))
    expected = np.floor(mean + 0.5) if np.dtype(dtype).itemsize < 4 else mean
    got = halved(values)
    assert got.dtype == dtype
    assert np.abs(got - expected).max() <= (0.5 if dtype is np.uint32 else 1e-3)


def test_odd_edges_are_kept_and_the_last_level_is_a_thumbnail() -> None:
    levels = pyramid(np.full((1, 1081, 517), 7, np.uint16))
    assert [level.shape[1:] for level in levels] == [(1081, 517), (541, 259), (271, 130), (136, 65), (68, 33)]
    assert all((level == 7).all() for level in levels)


def test_metadata_is_json_that_ends_with_the_plate(plate: Path, version: str) -> None:
    name = ".zattrs" if version == "0.4" else "zarr.json"
    document = json.loads((plate / name).read_text())
    attributes = document if version == "0.4" else document["attributes"]["ome"]
    assert len(attributes["plate"]["rows"]) == 8
    assert attributes["plate"]["columns"][0] == {"name": "01"}
