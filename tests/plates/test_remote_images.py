"""Tables of images whose files are behind addresses, as JUMP's are: read from there, in few and small requests."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import s3fs
import tifffile
from PIL import Image

from napari_lexicon.errors import PlateError
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.files_field import fetch_headers

from .server import Server

WELLS, CHANNELS = ("A01", "B02", "P24"), ("DNA", "ER", "Mito")
SIDE = 540


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "bucket")
    yield server
    server.close()


@pytest.fixture(autouse=True)
def bucket(tmp_path: Path) -> Path:
    """Images as JUMP has them: a TIFF per channel, compressed, with its directory behind the pixels."""
    folder = tmp_path / "bucket" / "images" / "P1" / "Images"
    folder.mkdir(parents=True)
    for seed, (well, channel) in enumerate((well, channel) for well in WELLS for channel in CHANNELS):
        pixels = np.random.default_rng(seed).integers(0, 4000, (SIDE, SIDE), np.uint16)
        name = folder / f"{well}_{channel}.tiff"
        tifffile.imwrite(name, pixels, compression="zlib", resolution=(20000, 20000), resolutionunit="CENTIMETER")
    return tmp_path / "bucket"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with nothing in it but the table."""
    (tmp_path / "desk").mkdir()
    return tmp_path / "desk"


def table(lead: str, form: str = "url") -> pd.DataFrame:
    """LoadData in the forms that are published: addresses in URL_, or in PathName_ with the name beside it."""
    rows = []
    for well in WELLS:
        row = {"Metadata_Plate": "P1", "Metadata_Well": well, "Metadata_Site": 1}
        for channel in CHANNELS:
            name = f"{well}_{channel}.tiff"
            if form == "url":
                row[f"URL_Orig{channel}"] = f"{lead}/images/P1/Images/{name}"
            else:
                row[f"FileName_Orig{channel}"] = name
                row[f"PathName_Orig{channel}"] = f"{lead}/images/P1/Images/"
            if form == "both":
                row[f"URL_Orig{channel}"] = f"{lead}/images/P1/Images/{name}"
                row[f"PathName_Orig{channel}"] = "/home/ubuntu/bucket"
        row["FileName_IllumDNA"], row["PathName_IllumDNA"] = "illum.npy", f"{lead}/illum/"
        rows.append(row)
    return pd.DataFrame(rows)


def write(table: pd.DataFrame, file: Path) -> Path:
    if file.suffix == ".parquet":
        table.to_parquet(file)
    else:
        table.to_csv(file, index=False)
    return file


def in_bucket(server: Server, monkeypatch: pytest.MonkeyPatch, place: Path) -> str:
    """Address of the server's folder as a bucket that anybody may read."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(place / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(place / "none"))
    s3fs.S3FileSystem.clear_instance_cache()  # made for another server
    return "s3://images/P1"


@pytest.mark.parametrize("form", ["url", "path", "both"])
@pytest.mark.parametrize("name", ["load_data.csv", "load_data.csv.gz", "load_data_with_illum.parquet"])
def test_the_images_of_a_table_are_read_from_their_addresses(
    form: str, name: str, server: Server, bucket: Path, desk: Path
) -> None:
    write(table(server.url, form), desk / name)
    plate = open_plate(desk)
    assert (plate.name, list(plate.wells)) == ("P1", list(WELLS))
    assert [channel.name for channel in plate.channels] == list(CHANNELS)
    assert not plate.problems and "9 of 9 images read from the network" in plate.note
    field = next(plate.fields())
    assert field.pixel_size_um == (0.5, 0.5) and field.shape == (SIDE, SIDE)
    here = [tifffile.imread(bucket / "images" / "P1" / "Images" / f"A01_{channel}.tiff") for channel in CHANNELS]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(field)).image().compute(), here)


def test_opening_reads_headers_and_an_image_is_asked_for_once(server: Server, bucket: Path, desk: Path) -> None:
    write(table(server.url), desk / "load_data.csv")
    size = sum(file.stat().st_size for file in (bucket).rglob("*.tiff"))
    server.seconds_per_answer = 0.02
    plate = open_plate(desk / "load_data.csv")
    assert server.bytes_given < size / 2
    assert server.most_at_once > 3
    field = next(plate.fields())
    field.image().compute()
    asked, given = dict(server.asked), server.bytes_given
    field.image().compute()
    again = {path: count - asked[path] for path, count in server.asked.items() if count != asked[path]}
    assert len(again) == len(CHANNELS) and set(again.values()) == {1}
    assert server.bytes_given - given == sum(
        (bucket / "images" / "P1" / "Images" / f"A01_{channel}.tiff").stat().st_size for channel in CHANNELS
    )


def test_of_a_tiled_image_only_the_tiles_that_are_wanted_are_read(server: Server, bucket: Path, desk: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 4000, (8192, 512), np.uint16)
    file = bucket / "large.tif"
    tifffile.imwrite(file, pixels, tile=(256, 256))
    text = f"Metadata_Well,Metadata_Site,URL_OrigDNA\nA01,1,{server.url}/large.tif\n"
    (desk / "load_data.csv").write_text(text)
    field = next(open_plate(desk / "load_data.csv").fields())
    np.testing.assert_array_equal(field.image()[0, :100, :100].compute(), pixels[:100, :100])
    assert server.bytes_given < 0.7 * file.stat().st_size
    np.testing.assert_array_equal(field.image()[0].compute(), pixels)
    assert sum(server.asked.values()) < 40


@pytest.mark.parametrize("kind", ["stack.tif", "plain.tif", "image.png", "image.jpg"])
def test_other_images_read_as_from_a_disk(kind: str, server: Server, bucket: Path, desk: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 30), np.uint8)
    if kind == "stack.tif":
        tifffile.imwrite(bucket / kind, np.stack([pixels, pixels + 1]), imagej=True, metadata={"axes": "ZYX"})
    elif kind == "plain.tif":
        tifffile.imwrite(bucket / kind, pixels)
    else:
        Image.fromarray(pixels).save(bucket / kind)
    text = "Metadata_Well,Metadata_Site,URL_OrigDNA\nA01,1,"
    (desk / "load_data.csv").write_text(f"{text}{server.url}/{kind}\n")
    there = next(open_plate(desk / "load_data.csv").fields()).image().compute()
    (bucket / "load_data.csv").write_text(f"{text}/elsewhere/{kind}\n")
    np.testing.assert_array_equal(there, next(open_plate(bucket).fields()).image().compute())


def test_a_server_that_gives_no_parts_gives_the_image_whole(server: Server, bucket: Path, desk: Path) -> None:
    server.gives_parts = False
    write(table(server.url), desk / "load_data.csv")
    image = next(open_plate(desk / "load_data.csv").fields()).image().compute()
    np.testing.assert_array_equal(image[0], tifffile.imread(bucket / "images" / "P1" / "Images" / "A01_DNA.tiff"))


def test_what_was_downloaded_is_read_from_the_disk(server: Server, tmp_path: Path, bucket: Path, desk: Path) -> None:
    write(table(server.url), desk / "load_data.csv")
    (desk / "P1").mkdir()
    for channel in CHANNELS:
        name = f"A01_{channel}.tiff"
        (desk / "P1" / name).write_bytes((bucket / "images" / "P1" / "Images" / name).read_bytes())
    for channel in CHANNELS:
        (bucket / "images" / "P1" / "Images" / f"B02_{channel}.tiff").unlink()
    plate = open_plate(desk / "load_data.csv")
    assert "6 of 9 images read from the network" in plate.note
    assert plate.wells["A01"].fields[0].image().compute().shape == (3, SIDE, SIDE)
    assert not server.asked.get("/images/P1/Images/A01_DNA.tiff")
    with pytest.raises(PlateError, match=r"B02_DNA\.tiff cannot be read as an image: it is not there"):
        plate.wells["B02"].fields[0].image()


def test_images_and_table_in_a_bucket_that_anybody_may_read(
    server: Server, tmp_path: Path, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bucket ``images`` is a folder of the server, which answers requests for single objects as S3 does."""
    in_bucket(server, monkeypatch, tmp_path)
    text = table("s3://images/..").to_csv(index=False).replace("s3://images/../images/", "s3://images/")
    (bucket / "images" / "load_data.csv.gz").write_bytes(gzip.compress(text.encode()))
    plate = open_plate("s3://images/load_data.csv.gz")
    assert plate.path == "s3://images/load_data.csv.gz" and plate.name == "P1"
    image = next(pickle.loads(pickle.dumps(plate)).fields()).image().compute()
    np.testing.assert_array_equal(image[2], tifffile.imread(bucket / "images" / "P1" / "Images" / "A01_Mito.tiff"))


def test_a_busy_server_is_asked_again_and_one_that_refuses_is_not(server: Server, desk: Path) -> None:
    write(table(server.url), desk / "load_data.csv")
    plate = open_plate(desk / "load_data.csv")
    path = "/images/P1/Images/A01_DNA.tiff"
    server.refused = {path: 1}
    next(plate.fields()).image().compute()
    server.refused = {path: 100}
    with pytest.raises(
        PlateError, match=r"A01_DNA\.tiff cannot be read \(the server answers 503.*check the connection"
    ):
        next(plate.fields()).image().compute()


def test_a_half_written_image_behind_an_address_is_named_and_the_rest_goes_on(
    server: Server, bucket: Path, desk: Path
) -> None:
    file = bucket / "images" / "P1" / "Images" / "B02_ER.tiff"
    file.write_bytes(file.read_bytes()[:20000])
    write(table(server.url), desk / "load_data.csv")
    plate = open_plate(desk / "load_data.csv")
    with pytest.raises(PlateError, match=r"B02_ER\.tiff cannot be read"):
        plate.wells["B02"].fields[0].image().compute()
    assert plate.wells["A01"].fields[0].image().compute().any()


def test_a_table_of_addresses_that_nobody_answers_is_one_sentence(desk: Path) -> None:
    write(table("http://127.0.0.1:9"), desk / "load_data.csv")
    with pytest.raises(PlateError, match=r"none of 9 .* can be read: .*Cannot connect.*download the images below"):
        open_plate(desk)


def test_a_missing_package_is_named_with_what_to_install(tmp_path: Path, desk: Path) -> None:
    write(table("s3://cellpainting-gallery/cpg0016"), desk / "load_data.csv")
    code = (
        "import sys; sys.modules.update(s3fs=None)\n"
        "from napari_lexicon.plates import open_plate\nfrom napari_lexicon.errors import PlateError\n"
        f"try: open_plate({json.dumps(str(desk / 'load_data.csv'))})\n"
        "except PlateError as error: print(error)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "s3fs" in said and "pip install 'napari-lexicon[remote]'" in said


def test_a_table_behind_an_address_reads_nothing_of_the_disk(server: Server, tmp_path: Path, bucket: Path) -> None:
    """Whoever publishes a table cannot have files of the reader opened: neither by a path nor by ``file://``."""
    secret = tmp_path / "secret.tif"
    tifffile.imwrite(secret, np.ones((9, 9), np.uint8))
    for place in (str(secret), secret.as_uri(), f"file:{secret}"):
        text = f"Metadata_Well,Metadata_Site,URL_OrigDNA\nA01,1,{place}\n"
        (bucket / "load_data.csv").write_text(text)
        with pytest.raises(PlateError, match=r"None of the 1 images that .* lists has an address"):
            open_plate(f"{server.url}/load_data.csv")


def test_an_image_that_changes_on_the_server_is_noticed(server: Server, bucket: Path, desk: Path) -> None:
    write(table(server.url), desk / "load_data.csv")
    server.seconds_per_answer = 0.02

    def identities() -> list[str]:
        return [field.identity() for field in open_plate(desk).fields()]

    before = identities()
    given = server.bytes_given
    server.heads.clear()
    assert identities() == before
    assert set(server.heads.values()) == {1}
    assert (len(server.heads), server.bytes_given) == (len(WELLS) * len(CHANNELS), given)
    assert server.most_at_once > 3
    os.utime(bucket / "images" / "P1" / "Images" / "B02_ER.tiff", (1e9, 1e9))
    assert [now == then for now, then in zip(identities(), before, strict=True)] == [True, False, True]


def test_what_was_read_already_is_not_asked_for_its_version(server: Server, desk: Path) -> None:
    write(table(server.url), desk / "load_data.csv")
    plate = open_plate(desk)
    apart = [field.identity() for field in plate.fields()]
    types = {field.source.dtype() for field in plate.fields()}  # reads headers, as every job does
    server.heads.clear()
    again = [field.identity() for field in plate.fields()]
    assert (len(types), sum(server.heads.values()), again) == (1, 0, apart)
    assert "GMT" in apart[0]


def test_an_image_in_a_bucket_that_changes_is_noticed(
    server: Server, tmp_path: Path, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_bucket(server, monkeypatch, tmp_path)
    text = table("s3://images/..").to_csv(index=False).replace("s3://images/../images/", "s3://images/")
    (bucket / "images" / "load_data.csv").write_text(text)
    before = [field.identity() for field in open_plate("s3://images/load_data.csv").fields()]
    os.utime(bucket / "images" / "P1" / "Images" / "A01_Mito.tiff", (1e9, 1e9))
    after = [field.identity() for field in open_plate("s3://images/load_data.csv").fields()]
    assert [now == then for now, then in zip(after, before, strict=True)] == [False, True, True]


def test_a_job_reads_the_headers_of_many_fields_at_a_time(server: Server, bucket: Path, desk: Path) -> None:
    folder = bucket / "images" / "P1" / "Images"
    rows = ["Metadata_Well,Metadata_Site,URL_OrigDNA"]
    for number in range(24):
        (folder / f"{number}.tiff").write_bytes((folder / "A01_DNA.tiff").read_bytes())
        rows.append(f"A{number + 1:02d},1,{server.url}/images/P1/Images/{number}.tiff")
    (folder / "7.tiff").write_bytes(b"II*")
    (desk / "load_data.csv").write_text("\n".join(rows))
    plate = open_plate(desk)
    server.seconds_per_answer = 0.02
    server.most_at_once = 0
    fetch_headers(field.source for field in plate.fields())
    assert server.most_at_once > 4
    with pytest.raises(PlateError, match=r"/7\.tiff cannot be read"):
        plate.wells["A08"].fields[0].source.dtype()
    server.asked.clear()
    assert {plate.wells[well].fields[0].shape for well in plate.wells if well != "A08"} == {(SIDE, SIDE)}
    assert not server.asked
