"""Options of `info` and `convert` that choose among planes, time points, acquisitions and the tiles of slides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner, Result

from napari_lexicon.cli import app
from napari_lexicon.plates import open_plate

STACK = np.arange(2 * 3 * 20 * 30, dtype=np.uint16).reshape(2, 3, 20, 30)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def stacks(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    for well in ("A01", "B02"):
        tifffile.imwrite(tmp_path / "run" / f"{well}.ome.tif", STACK, ome=True, metadata={"axes": "TZYX"})
    return tmp_path / "run"


def test_info_says_what_is_chosen_along_z_and_t(stacks: Path) -> None:
    assert "z: maximum projection of 3 planes" in run("info", stacks).stdout
    every = json.loads(run("info", stacks, "--z", "all", "--t", "all", "--json").stdout)
    assert every["fields"] == 12
    assert "t: all 2 time points, each a field" in every["read_as"]


def test_all_planes_are_converted_as_fields(stacks: Path, tmp_path: Path) -> None:
    done = run("convert", stacks, "--z", "all", "--t", "1", "--out", tmp_path / "P.zarr")
    assert done.exit_code == 0, done.output
    fields = open_plate(tmp_path / "P.zarr").wells["B02"].fields
    assert [field.name for field in fields] == ["0z0", "0z1", "0z2"]
    np.testing.assert_array_equal(fields[2].image()[0].compute(), STACK[1, 2])


@pytest.mark.parametrize(
    ("pages", "count", "says", "value", "n_channels"),
    [
        (None, 5, "5 pages a file taken as channels, as the files do not say", 0, 5),
        (None, 12, "12 pages a file taken as time points, as the files do not say", 0, 1),
        ("z", 5, "z: maximum projection of 5 planes", 4, 1),
        ("t", 5, "t: time point 0 of 5", 0, 1),
        ("c", 12, "12 pages a file taken as channels, as chosen", 0, 12),
    ],
)
def test_pages_that_a_file_does_not_describe_are_what_a_person_says(
    pages: Literal["z", "t", "c"] | None, count: int, says: str, value: int, n_channels: int, tmp_path: Path
) -> None:
    for well in ("A01", "B02"):
        with tifffile.TiffWriter(tmp_path / f"{well}.tif") as writer:
            for page in range(count):
                writer.write(np.full((20, 30), page, np.uint8), metadata=None)
    options = () if pages is None else ("--pages", pages)
    assert says in " ".join(run("info", tmp_path, *options).stdout.split())
    field = open_plate(tmp_path, pages=pages).wells["B02"].fields[0]
    pixels = field.image().compute()
    assert pixels.shape == (n_channels, 20, 30)
    assert pixels[0, 0, 0] == value
    # another choice is another image
    others = {open_plate(tmp_path, pages=other).wells["B02"].fields[0].identity() for other in ("z", "t", "c")}
    assert len(others | {field.identity()}) == (4 if pages is None else 3)


def test_what_a_file_says_of_its_pages_counts(stacks: Path) -> None:
    assert "z: maximum projection of 3 planes" in run("info", stacks, "--pages", "c").stdout


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--z", "some"), "'max' or 'all'"),
        (("--t", "later"), "the number of a time point or 'all'"),
        (("--t", "7"), "2 time points; time point 7"),
        (("--pages", "x"), "'z', 't' or 'c' (channels), not 'x'"),
        (("--acquisition", "day 2"), "no acquisitions to choose from"),
    ],
)
def test_a_choice_that_cannot_be_is_one_sentence(stacks: Path, options: tuple[str, str], says: str) -> None:
    result = run("info", stacks, *options)
    assert result.exit_code == 2
    assert says in result.stderr
    assert "Traceback" not in result.output


def test_an_address_that_nobody_serves_is_one_sentence() -> None:
    result = run("info", "http://127.0.0.1:9/P1.zarr")
    assert result.exit_code == 2
    assert "http://127.0.0.1:9/P1.zarr cannot be read" in result.stderr


def test_info_names_the_table_that_could_be_the_plate_map(stacks: Path) -> None:
    assert "--map MAP.csv says what is in which well" in run("info", stacks).stdout
    (stacks / "treatments.csv").write_text("well,drug\nA01,DMSO\nB02,taxol\n")
    said = run("info", stacks).stdout.replace("\n", "")
    assert f"a table that describes the wells: --map {stacks / 'treatments.csv'}".replace(" ", "") in said.replace(
        " ", ""
    )


def test_a_plate_of_several_is_chosen_by_its_name_which_finds_its_rows(tmp_path: Path) -> None:
    for number in (1, 2):
        for well in ("A01", "B02"):
            tifffile.imwrite(tmp_path / f"P{number}_{well}_w1.tif", np.full((8, 9), number, np.uint16))
    (tmp_path / "map.csv").write_text("plate,well,drug\n1,A01,x\n2,A01,y\n1,B02,DMSO\n2,B02,DMSO\n")
    refused = run("info", tmp_path)
    assert refused.exit_code == 2 and "holds 2 plates (1, 2): open one of them, by its name" in refused.stderr
    found = json.loads(run("info", tmp_path, "--name", "2", "--map", tmp_path / "map.csv", "--json").stdout)
    assert (found["plate"], found["wells"], found["problems"]) == ("2", 2, [])
    assert found["plate_map"]["Metadata_perturbation"] == {"y": 1, "DMSO": 1}
    done = run("convert", tmp_path, "--name", "2", "--out", tmp_path / "out.zarr")
    assert done.exit_code == 0, done.output
    assert int(next(open_plate(tmp_path / "out.zarr").fields()).image().max()) == 2
    both = run("embed", tmp_path, tmp_path / "out.zarr", "--name", "2", "--out", tmp_path / "X.lexicon")
    assert both.exit_code == 2 and "is that of one plate, and 2 are given" in both.stderr
