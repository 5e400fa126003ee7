"""Plates behind an address open as they do from a disk, in few requests; a server on this machine counts them."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import s3fs

from napari_lexicon.errors import PlateError, PlateMapError
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.locations import absolute_location, remote_address
from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.writing import PlateWriter

from .server import Server

WELLS = [(f"{row}{column:02d}", str(field)) for row in "BC" for column in (3, 4, 5) for field in range(3)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.close()


@pytest.fixture(params=["0.4", "0.5"])
def plate_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    channels = [Channel("DNA", "#0000FF"), Channel("ER", "#00FF00")]
    with PlateWriter(tmp_path / "P1.zarr", "P1", 8, 12, channels, (0.5, 0.5), request.param) as writer:
        for seed, (well, field) in enumerate(WELLS):
            pixels = np.random.default_rng(seed).integers(0, 4000, (2, 300, 200), dtype=np.uint16)
            writer.write_field(well, field, pixels, position_um=(0.0, 100.0 * int(field)))
    return tmp_path / "P1.zarr"


def test_a_remote_plate_is_the_local_one(plate_folder: Path, server: Server) -> None:
    here, there = open_plate(plate_folder), open_plate(f"{server.url}/P1.zarr/")
    assert there.path == f"{server.url}/P1.zarr"
    assert (there.name, there.channels, there.note, there.problems) == (
        here.name,
        here.channels,
        here.note,
        here.problems,
    )
    for mine, theirs in zip(here.fields(), there.fields(), strict=True):
        assert (mine.key, mine.pixel_size_um, mine.position_um) == (
            theirs.key,
            theirs.pixel_size_um,
            theirs.position_um,
        )
        assert mine.shape == theirs.shape
    field = list(there.fields())[4]
    copy = pickle.loads(pickle.dumps(field))
    assert copy.identity() == field.identity()
    for level in range(field.source.levels()):
        np.testing.assert_array_equal(copy.image(level).compute(), list(here.fields())[4].image(level).compute())


def test_listing_asks_once_for_each_document_and_in_parallel(plate_folder: Path, server: Server) -> None:
    server.seconds_per_answer = 0.02
    plate = open_plate(f"{server.url}/P1.zarr")
    fields, wells = len(WELLS), len(plate.wells)
    # Root: what is there (3) and a plate map (2); then a document per well and per field, and one field's header.
    # The older zarr is not asked for names that the newer one has, nor the other way round.
    assert sum(server.asked.values()) <= 3 + 2 + wells + fields + fields
    assert max(server.asked.values()) == 1
    assert server.most_at_once > 4
    before = sum(server.asked.values())
    shapes = {field.shape for field in plate.fields()}
    assert shapes == {(300, 200)}
    assert sum(server.asked.values()) - before <= fields
    assert max(server.asked.values()) == 1


def test_consolidated_metadata_list_a_plate_in_one_request_or_three(plate_folder: Path, server: Server) -> None:
    import zarr

    zarr.consolidate_metadata(str(plate_folder))
    plate = open_plate(f"{server.url}/P1.zarr")
    assert len(list(plate.fields())) == len(WELLS)
    assert next(plate.fields()).shape == (300, 200)
    assert sum(server.asked.values()) <= 5
    np.testing.assert_array_equal(
        next(plate.fields()).image().compute(), next(open_plate(plate_folder).fields()).image().compute()
    )


def test_a_gap_and_a_broken_document_are_named(plate_folder: Path, server: Server) -> None:
    import shutil

    shutil.rmtree(plate_folder / "B/03/1")
    for name in ("zarr.json", ".zattrs"):
        if (plate_folder / "C/05/2" / name).exists():
            (plate_folder / "C/05/2" / name).write_text("<html>not found</html>")
    plate = open_plate(f"{server.url}/P1.zarr")
    sentences = [problem.sentence for problem in plate.problems]
    assert "Field B03/1 is listed but absent." in sentences
    assert "Field C05/2 is listed but absent." in sentences
    assert len(list(plate.fields())) == len(WELLS) - 2


def test_a_busy_server_is_asked_again_and_a_dead_one_is_one_sentence(plate_folder: Path, server: Server) -> None:
    name = "zarr.json" if (plate_folder / "zarr.json").exists() else ".zattrs"
    server.refused = {f"/P1.zarr/B/03/{name}": 1}
    assert len(list(open_plate(f"{server.url}/P1.zarr").fields())) == len(WELLS)
    server.refused = {f"/P1.zarr/B/03/{name}": 100}
    with pytest.raises(PlateError, match="the server answers 503"):
        open_plate(f"{server.url}/P1.zarr")


def test_a_cut_off_chunk_names_its_field(plate_folder: Path, server: Server) -> None:
    level = plate_folder / "B/03/0/0"
    chunk = max((file for file in level.rglob("*") if file.is_file()), key=lambda file: file.stat().st_size)
    chunk.write_bytes(chunk.read_bytes()[: chunk.stat().st_size // 2])
    fields = list(open_plate(f"{server.url}/P1.zarr").fields())
    with pytest.raises(PlateError, match=r"P1\.zarr/B/03/0 has a chunk that cannot be read"):
        fields[0].image().compute()
    fields[1].image().compute()


def test_the_plate_map_comes_with_the_plate_or_from_an_address(
    plate_folder: Path, server: Server, tmp_path: Path
) -> None:
    (plate_folder / "plate_map.csv").write_text("well,compound\nB03,DMSO\nC05,taxol\n")
    assert open_plate(f"{server.url}/P1.zarr").map.loc["C05", "Metadata_perturbation"] == "taxol"
    (tmp_path / "other.csv").write_text("well,compound\nB03,nocodazole\n")
    plate = open_plate(plate_folder, plate_map=f"{server.url}/other.csv")
    assert plate.map.loc["B03", "Metadata_perturbation"] == "nocodazole"
    with pytest.raises(PlateMapError, match="is not there"):
        open_plate(plate_folder, plate_map=f"{server.url}/absent.csv")


def test_an_address_without_a_plate_is_one_sentence(server: Server, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("hello")
    with pytest.raises(PlateError, match="has no OME-Zarr plate or image"):
        open_plate(f"{server.url}/nothing.zarr")
    with pytest.raises(PlateError, match="download its images"):
        open_plate(server.url, pattern="{well}.tif")


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_server_that_refuses_what_is_not_there_gives_the_plate(version: str, tmp_path: Path, server: Server) -> None:
    """Public buckets that nobody may list answer 403, not 404: to ``zarr.json`` of a plate of 0.4, for one."""
    with PlateWriter(tmp_path / "P1.zarr", "P1", 8, 12, [Channel("DNA")], (0.5, 0.5), version) as writer:  # type: ignore[arg-type]
        writer.write_field("B03", "0", np.ones((1, 32, 32), np.uint16))
    server.hides_absence = True
    plate = open_plate(f"{server.url}/P1.zarr")
    assert [field.key for field in plate.fields()] == ["B03/0"] and not plate.problems
    assert next(plate.fields()).image().compute().min() == 1
    with pytest.raises(PlateError, match=r"answers 403 AccessDenied\. Check the address, and whether you may read it"):
        open_plate(f"{server.url}/P2.zarr")


def test_nobody_listens() -> None:
    with pytest.raises(PlateError, match=r"cannot be read: .*Check the address"):
        open_plate("http://127.0.0.1:9/P1.zarr")


def test_a_missing_package_is_named_with_what_to_install() -> None:
    """In an interpreter of its own, since modules that are loaded stay loaded."""
    code = (
        "import sys; sys.modules.update(aiohttp=None, s3fs=None)\n"
        "from napari_lexicon.plates.remote_storage import RemoteFolder\n"
        "from napari_lexicon.errors import PlateError\n"
        "for address in ('https://127.0.0.1:9/P1.zarr', 's3://nobody/P1.zarr'):\n"
        "    try: RemoteFolder(address).is_there()\n"
        "    except PlateError as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    https, s3 = said.splitlines()
    assert "aiohttp" in https and "s3fs" in s3
    assert all("pip install 'napari-lexicon[remote]'" in line for line in (https, s3))


def test_a_plate_in_a_bucket_is_the_local_one(
    plate_folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bucket is a folder of the server, which answers the requests for single objects as S3 does."""
    bucket = plate_folder.parent / "lab-plates"
    bucket.mkdir()
    plate_folder = plate_folder.rename(bucket / "P1.zarr")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_EC2_METADATA_DISABLED": "true",  # nobody is asked for credentials
        "AWS_SHARED_CREDENTIALS_FILE": str(bucket / "none"),
        "AWS_CONFIG_FILE": str(bucket / "none"),
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()  # made for another server
    there = open_plate("s3://lab-plates/P1.zarr")
    here = open_plate(plate_folder)
    assert (there.name, there.channels, there.note) == (here.name, here.channels, here.note)
    for mine, theirs in zip(here.fields(), there.fields(), strict=True):
        assert (mine.key, mine.pixel_size_um, mine.shape) == (theirs.key, theirs.pixel_size_um, theirs.shape)
    first = next(pickle.loads(pickle.dumps(there)).fields())
    np.testing.assert_array_equal(first.image().compute(), next(here.fields()).image().compute())
    with pytest.raises(PlateError, match="has no OME-Zarr plate"):
        open_plate("s3://lab-plates/nothing.zarr")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://a.org/p.zarr/", "https://a.org/p.zarr"),
        ("https:/a.org/p.zarr", "https://a.org/p.zarr"),
        ("HTTPS://a.org/p.zarr", "https://a.org/p.zarr"),
        ("s3://bucket/p.zarr", "s3://bucket/p.zarr"),
        ("/data/https/p.zarr", None),
        ("C:/data", None),
        ("https:", None),
        ("https://", None),
    ],
)
def test_addresses_are_told_from_paths(text: str, address: str | None) -> None:
    assert remote_address(text) == address
    assert remote_address(Path(text)) == address
    assert absolute_location(Path(text)) == (address or str(Path(text).absolute()))


def test_a_listing_that_claims_a_trillion_wells_costs_nothing(server: Server, tmp_path: Path) -> None:
    wells = [{"path": f"A/{n}", "rowIndex": 0, "columnIndex": n} for n in range(150_000)]
    ome = {"version": "0.5", "plate": {"wells": wells, "rows": [{"name": "A"}], "columns": [{"name": "1"}]}}
    (tmp_path / "huge.zarr").mkdir()
    (tmp_path / "huge.zarr" / "zarr.json").write_text(json.dumps({"node_type": "group", "attributes": {"ome": ome}}))
    with pytest.raises(PlateError, match="lists 150000 wells"):
        open_plate(f"{server.url}/huge.zarr")
    assert sum(server.asked.values()) < 5


def test_pixels_that_change_on_the_server_are_noticed_with_one_small_request_a_field(
    plate_folder: Path, server: Server
) -> None:
    server.seconds_per_answer = 0.02
    before = [field.identity() for field in open_plate(f"{server.url}/P1.zarr").fields()]
    assert sum(server.heads.values()) == len(WELLS)
    assert server.most_at_once > 4
    server.heads.clear()
    plate = open_plate(f"{server.url}/P1.zarr")
    assert not server.heads  # opening asks for nothing more
    assert [field.identity() for field in plate.fields()] == before
    assert [field.identity() for field in plate.fields()] == before
    assert max(server.heads.values()) == 1

    for chunk in (file for file in (plate_folder / "B/03/1/0").rglob("*") if file.name not in (".zarray", "zarr.json")):
        if chunk.is_file():
            os.utime(chunk, (1e9, 1e9))
    after = [field.identity() for field in open_plate(f"{server.url}/P1.zarr").fields()]
    assert [now == then for now, then in zip(after, before, strict=True)] == [n != 1 for n in range(len(WELLS))]


def test_a_field_whose_server_does_not_answer_is_not_called_changed(plate_folder: Path, server: Server) -> None:
    plate = open_plate(f"{server.url}/P1.zarr")
    assert all(field.shape for field in plate.fields())
    server.busy = True
    with pytest.raises(PlateError, match=r"P1\.zarr cannot be read: the server answers 503.*Check the connection"):
        next(plate.fields()).identity()
