"""OME-Zarr plates open as others wrote them, gaps and all; ngio, which wrote some of them, is the oracle."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lexicon.errors import PlateError
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.ngff_metadata import image_metadata, is_inside
from napari_lexicon.plates.storage import LocalFolder
from napari_lexicon.plates.writing import PlateWriter


def image(seed: int, channels: int = 2, shape: tuple[int, int] = (40, 60)) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 4000, (channels, *shape), dtype=np.uint16)


@pytest.fixture(params=["0.4", "0.5"])
def version(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def written(tmp_path: Path, version: Any) -> Path:
    channels = [Channel("DNA", "#0000FF", (1, 99)), Channel("ER", "#00FF00", (2, 88), 520.0)]
    with PlateWriter(tmp_path / "P1.zarr", "plate one", 8, 12, channels, (0.5, 0.65), version) as writer:
        for seed, (well, field) in enumerate([("H12", "0"), ("B03", "10"), ("B03", "2"), ("C01", "0")]):
            writer.write_field(well, field, image(seed, shape=(40 + seed, 60)), position_um=(seed, 2.0 * seed))
    return tmp_path / "P1.zarr"


@pytest.fixture
def foreign(tmp_path: Path, version: Any) -> Path:
    """A plate by ngio: unpadded columns, z and t axes, two acquisitions, odd field names, empty rows left out."""
    from ngio import ImageInWellPath, create_empty_plate, create_ome_zarr_from_array

    path = tmp_path / "foreign.zarr"
    fields = [("B", 3, "x2y1", 0), ("B", 3, "x10y1", 1), ("D", 11, "x2y1", 0)]
    images = [ImageInWellPath(row=r, column=c, path=p, acquisition_id=a) for r, c, p, a in fields]
    plate = create_empty_plate(path, "foreign", images, ngff_version=version)
    for seed, (row, column, name, _) in enumerate(fields):
        create_ome_zarr_from_array(
            plate.get_image_store(row, column, name),
            np.random.default_rng(seed).integers(0, 999, (2, 3, 4, 24, 20), dtype=np.uint16),
            pixelsize=(0.2, 0.3),
            axes_names=("t", "c", "z", "y", "x"),
            channels_meta=["DAPI", "GFP", "Cy5"],
            levels=2,
            ngff_version=version,
            overwrite=True,
        )
    # ngio pads the columns that it writes; others do not.
    (path / "B/03").rename(path / "B/3")
    file = metadata_file(path)
    file.write_text(file.read_text().replace('"03"', '"3"').replace("B/03", "B/3"))
    return path


def metadata_file(folder: Path) -> Path:
    return folder / "zarr.json" if (folder / "zarr.json").exists() else folder / ".zattrs"


def edit(folder: Path, change: Any) -> None:
    file = metadata_file(folder)
    document = json.loads(file.read_text())
    change(document["attributes"]["ome"] if file.name == "zarr.json" else document)
    file.write_text(json.dumps(document))


def test_wells_fields_channels_pixels_and_sizes_come_through(written: Path, version: str) -> None:
    plate = open_plate(written)
    assert (plate.name, plate.rows, plate.columns, plate.free, plate.rgb) == ("plate one", 8, 12, False, False)
    assert list(plate.wells) == ["B03", "C01", "H12"]
    assert [field.key for field in plate.fields()] == ["B03/2", "B03/10", "C01/0", "H12/0"]
    assert [field.index for field in plate.wells["B03"].fields] == [0, 1]
    assert plate.channels == (Channel("DNA", "#0000FF", (1.0, 99.0)), Channel("ER", "#00FF00", (2.0, 88.0), 520.0))
    assert plate.note == f"OME-Zarr {version}"
    field = plate.wells["B03"].fields[1]
    assert (field.pixel_size_um, field.position_um, field.shape) == ((0.5, 0.65), (1.0, 2.0), (41, 60))
    np.testing.assert_array_equal(field.image().compute(), image(1, shape=(41, 60)))
    assert not plate.problems


def test_a_region_is_that_part_of_the_image(written: Path, foreign: Path) -> None:
    at = (slice(1, 2), slice(3, 20), slice(10, 25))
    for path, choices in ((written, {}), (foreign, {"z": 2}), (foreign, {})):
        for field in open_plate(path, **choices).fields():  # type: ignore[arg-type]
            np.testing.assert_array_equal(field.region(*at), field.image()[at].compute())


def test_a_plate_opens_without_reading_pixels(written: Path) -> None:
    for array in written.glob("*/*/*/[0-9]"):
        shutil.rmtree(array)
    assert len(list(open_plate(written).fields())) == 4


def test_what_ngio_writes_and_reads_is_read_alike(foreign: Path, version: str) -> None:
    from ngio import open_ome_zarr_plate

    oracle = open_ome_zarr_plate(foreign, mode="r")
    plate = open_plate(foreign, z=2, t=1)
    assert list(plate.wells) == ["B03", "D11"]
    assert (plate.rows, plate.columns) == (8, 12)  # ngio lists only the rows in use
    assert [field.name for field in plate.wells["B03"].fields] == ["x2y1", "x10y1"]
    for field in plate.fields():
        theirs = oracle.get_image(row=field.well[0], column=int(field.well[1:]), image_path=field.name)
        assert [plate.channels[index].name for index in field.channels] == theirs.channel_labels
        for level in range(field.source.levels()):
            pixels = theirs.get_image(path=str(level)).get_as_numpy(axes_order=("t", "c", "z", "y", "x"))
            np.testing.assert_array_equal(field.image(level).compute(), pixels[1, :, 2])
        size = theirs.get_image().pixel_size
        assert field.pixel_size_um == (size.y, size.x)
    assert (
        plate.note == f"OME-Zarr {version}; 2 acquisitions (0, 1), all fields shown; z: plane 2; t: time point 1 of 2"
    )


def test_z_is_projected_by_default_and_the_note_says_so(foreign: Path) -> None:
    import zarr

    plate = open_plate(foreign)
    field = next(plate.fields())
    stack = zarr.open_array(foreign / "B/3/x2y1/0", mode="r")[0]
    np.testing.assert_array_equal(field.image().compute(), stack.max(axis=1))
    assert "z: maximum projection of 4 planes" in plate.note
    assert "t: time point 0 of 2" in plate.note


@pytest.mark.parametrize(("choice", "says"), [({"z": 4}, "4 planes"), ({"t": 2}, "2 time points"), ({"z": -1}, "-1")])
def test_a_plane_that_is_not_there_is_named(foreign: Path, choice: dict[str, int], says: str) -> None:
    with pytest.raises(PlateError, match=says):
        open_plate(foreign, **choice)  # type: ignore[arg-type]


def test_gaps_are_listed_and_the_rest_opens(written: Path) -> None:
    shutil.rmtree(written / "H/12")
    shutil.rmtree(written / "B/03/10")
    metadata_file(written / "C/01/0").write_text("{half a docum")
    plate = open_plate(written)
    assert [field.key for field in plate.fields()] == ["B03/2"]
    assert {(problem.well, problem.field) for problem in plate.problems} == {("H12", None), ("B03", "10"), ("C01", "0")}
    assert all(sentence.endswith("absent.") for sentence in (problem.sentence for problem in plate.problems))


def test_channels_are_matched_by_label_over_the_plate(tmp_path: Path, version: Any) -> None:
    path = tmp_path / "P.zarr"
    with PlateWriter(path, "P", 2, 3, [Channel("DNA"), Channel("ER")], None, version) as writer:
        writer.write_field("A1", "0", image(0))
        writer.write_field("A2", "0", image(1))
    with PlateWriter(tmp_path / "Q.zarr", "Q", 2, 3, [Channel("RNA"), Channel("DNA")], None, version) as writer:
        writer.write_field("A2", "0", image(2))
    shutil.rmtree(path / "A/02/0")
    shutil.copytree(tmp_path / "Q.zarr/A/02/0", path / "A/02/0")
    plate = open_plate(path)
    assert [channel.name for channel in plate.channels] == ["DNA", "ER", "RNA"]
    assert [field.channels for field in plate.fields()] == [(0, 1), (2, 0)]
    assert [problem.sentence for problem in plate.problems] == [
        "Field A01/0 has no channel RNA.",
        "Field A02/0 has no channel ER.",
    ]


def test_a_field_that_most_wells_have_is_missed(tmp_path: Path) -> None:
    with PlateWriter(tmp_path / "P.zarr", "P", 2, 3, [Channel("a"), Channel("b")], None) as writer:
        for well in ("A1", "A2", "A3", "B1"):
            for field in ("0", "1"):
                if (well, field) != ("A2", "1"):
                    writer.write_field(well, field, image(0))
    assert [(p.well, p.field) for p in open_plate(tmp_path / "P.zarr").problems] == [("A02", "1")]


def test_without_omero_channels_are_counted_in_the_pixels(written: Path) -> None:
    for field in ("B/03/10", "B/03/2", "C/01/0", "H/12/0"):
        edit(written / field, lambda attributes: attributes.pop("omero"))
    plate = open_plate(written)
    assert [channel.name for channel in plate.channels] == ["Channel 1", "Channel 2"]
    assert next(plate.fields()).image().shape == (2, 42, 60)


def test_a_display_window_that_strict_readers_want_may_be_missing(written: Path) -> None:
    def windowless(attributes: Any) -> None:
        for channel in attributes["omero"]["channels"]:
            del channel["window"]
            channel["color"] = "no colour"

    edit(written / "B/03/2", windowless)
    plate = open_plate(written)
    assert plate.channels[0] == Channel("DNA")
    assert len(list(plate.fields())) == 4


def test_no_unit_and_no_scale_is_no_pixel_size(tmp_path: Path, version: Any) -> None:
    with PlateWriter(tmp_path / "P.zarr", "P", 2, 3, [Channel("a"), Channel("b")], None, version) as writer:
        writer.write_field("A1", "0", image(0))
    assert next(open_plate(tmp_path / "P.zarr").fields()).pixel_size_um is None


@pytest.mark.parametrize(
    ("unit", "factor"), [("nanometer", 1e-3), ("millimeter", 1e3), ("meter", 1e6), (None, 1.0), ("parsec", None)]
)
def test_pixel_sizes_are_brought_to_micrometres(written: Path, unit: str | None, factor: float | None) -> None:
    def restate(attributes: Any) -> None:
        for axis in attributes["multiscales"][0]["axes"][1:]:
            axis["unit"] = unit
        scale = [1, 0.5 / (factor or 1), 0.25 / (factor or 1)]
        attributes["multiscales"][0]["datasets"][0]["coordinateTransformations"] = [{"type": "scale", "scale": scale}]

    edit(written / "B/03/2", restate)
    size = open_plate(written).wells["B03"].fields[0].pixel_size_um
    assert size == (None if factor is None else pytest.approx((0.5, 0.25)))


def test_a_single_image_is_a_plate_of_one_free_well(written: Path) -> None:
    plate = open_plate(written / "B/03/2")
    assert list(plate.wells) == ["2"]
    assert plate.free
    assert plate.wells["2"].row is None
    np.testing.assert_array_equal(next(plate.fields()).image().compute(), image(2, shape=(42, 60)))


def test_a_well_is_no_plate_and_the_sentence_says_where_the_plate_is(written: Path) -> None:
    with pytest.raises(PlateError, match="two levels up"):
        open_plate(written / "B/03")


def test_identity_changes_with_the_pixels_and_only_with_them(written: Path) -> None:
    first = {field.key: field.identity() for field in open_plate(written).fields()}
    assert {field.key: field.identity() for field in open_plate(written).fields()} == first
    chunk = next(file for file in (written / "C/01/0/0").rglob("*") if file.is_file() and "json" not in file.name)
    chunk.write_bytes(chunk.read_bytes() + b"x")
    changed = {
        key
        for key, value in first.items()
        if open_plate(written).wells[key[:3]]
        and value not in {field.identity() for field in open_plate(written).fields()}
    }
    assert changed == {"C01/0"}


def test_fields_travel_to_other_processes(written: Path) -> None:
    field = pickle.loads(pickle.dumps(next(open_plate(written).fields())))
    np.testing.assert_array_equal(field.image().compute(), image(2, shape=(42, 60)))


def test_an_undecodable_chunk_names_its_field(written: Path) -> None:
    chunk = next(
        file
        for file in (written / "C/01/0/0").rglob("*")
        if file.is_file() and "json" not in file.name and file.name != ".zarray"
    )
    chunk.write_bytes(b"not a chunk")
    field = open_plate(written).wells["C01"].fields[0]
    with pytest.raises(PlateError, match="C/01/0"):
        field.image().compute()
    assert next(open_plate(written).fields()).image().compute().any()


def test_a_link_out_of_the_plate_is_not_followed(written: Path, tmp_path: Path) -> None:
    shutil.move(written / "H/12", tmp_path / "elsewhere")
    (written / "H/12").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    shutil.rmtree(written / "C/01")
    (written / "C/01").symlink_to(written / "C/01", target_is_directory=True)
    plate = open_plate(written)
    assert list(plate.wells) == ["B03"]
    assert {problem.well for problem in plate.problems} == {"H12", "C01"}


def test_a_link_within_the_plate_is_followed(written: Path) -> None:
    shutil.rmtree(written / "H/12")
    (written / "H/12").symlink_to(written / "C/01", target_is_directory=True)
    assert list(open_plate(written).wells) == ["B03", "C01", "H12"]


def test_a_claim_of_a_trillion_wells_costs_nothing(written: Path) -> None:
    def boast(attributes: Any) -> None:
        plate = attributes["plate"]
        plate["field_count"] = 10**400
        plate["rows"] = [{"name": str(n)} for n in range(100_000)]
        plate["columns"] = plate["rows"]
        plate["wells"] += [{"path": "../../etc", "rowIndex": 0, "columnIndex": 0}, {"path": "B/03"}, 7, {}]

    edit(written, boast)
    plate = open_plate(written)
    assert (plate.rows, plate.columns) == (8, 12)
    assert len(plate.wells) == 3
    assert len(plate.problems) == 5


@pytest.mark.parametrize("shape", [[2, 10**9, 10**9], [2, 0, 5], [2, -1, 5], "huge", [5, 5], [2, 1e99, 3]])
def test_a_header_that_cannot_be_true_is_named(written: Path, shape: Any) -> None:
    level = written / "C/01/0/0"
    file = level / "zarr.json" if (level / "zarr.json").exists() else level / ".zarray"
    file.write_text(json.dumps({**json.loads(file.read_text()), "shape": shape}))
    field = open_plate(written).wells["C01"].fields[0]
    with pytest.raises(PlateError, match="C/01/0"):
        _ = field.shape
    with pytest.raises(PlateError, match="C/01/0"):
        field.image()


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "[" * 100_000, '{"attributes": 5}'])
def test_broken_plate_metadata_are_one_sentence(written: Path, content: str) -> None:
    metadata_file(written).write_text(content)
    with pytest.raises(PlateError, match=r"P1\.zarr"):
        open_plate(written)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(
        st.sampled_from(
            ["axes", "name", "type", "unit", "datasets", "path", "coordinateTransformations", "scale", "translation",
             "channels", "label", "color", "window", "start", "end"]
        ),
        inner,
        max_size=6,
    ),
    max_leaves=25,
)  # fmt: skip


@given(multiscale=JSON, omero=JSON)
@settings(max_examples=100, deadline=None)
def test_any_image_metadata_is_understood_or_refused(multiscale: Any, omero: Any) -> None:
    try:
        metadata = image_metadata({"multiscales": [multiscale], "omero": omero})
    except PlateError:
        return
    assert {"y", "x"} <= set(metadata.axes)
    assert all(is_inside(level) for level in metadata.levels)


@pytest.mark.parametrize("path", ["", ".", "..", "a/..", "../a", "a//b", "/a", "a/", "a\\b", "C:x", "a/../b", "a\0"])
def test_paths_that_climb_are_not_inside(path: str) -> None:
    assert not is_inside(path)


@pytest.mark.parametrize("path", ["0", "B/03", "a b/c..d", "..a", ".hidden", "a.b/0"])
def test_plain_paths_are_inside(path: str) -> None:
    assert is_inside(path)


def test_many_regions_of_a_field_open_its_array_once_and_it_travels_closed(written: Path, monkeypatch) -> None:
    field = next(iter(open_plate(written).fields()))
    opened, opens = [], LocalFolder.array
    monkeypatch.setattr(LocalFolder, "array", lambda self, key: opened.append(key) or opens(self, key))
    image = field.image()[:1, :8, :8].compute()
    opened.clear()
    for _ in range(3):
        np.testing.assert_array_equal(field.region(slice(0, 1), slice(0, 8), slice(0, 8)), image)
    assert len(opened) == 1
    travelled = pickle.loads(pickle.dumps(field.source))  # as dask sends it to a worker
    np.testing.assert_array_equal(travelled.region(slice(0, 1), slice(0, 8), slice(0, 8)), image)
    assert len(opened) == 2
