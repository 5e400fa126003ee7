"""The commands, their options, their exit status and their sentences."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner, Result

from napari_lexicon.cli import app
from napari_lexicon.lexicons import Lexicon
from napari_lexicon.plates import open_plate

COMMANDS = [
    "demo",
    "info",
    "convert",
    "apply",
    "embed",
    "train",
    "features",
    "overlay",
    "labels",
    "profiles",
    "ask",
    "report",
    "open",
]


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"napari-lexicon {command}" in result.output.replace("\n", " ")


def test_every_option_stands_on_the_page_of_commands_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
    groups, options = [get_command(app)], {"--help"}
    while groups:
        for command in groups.pop().commands.values():
            groups += [command] if hasattr(command, "commands") else []
            options |= {name for one in command.params for name in (*one.opts, *one.secondary_opts) if name[:2] == "--"}
    assert set(re.findall(r"--[a-z]+(?:-[a-z]+)*", page)) == options


def test_info_as_json_counts_what_is_there(tiny_plate: Path) -> None:
    result = run("info", tiny_plate, "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["wells"], found["fields"], found["channels"]) == (6, 12, ["DNA", "Actin"])
    assert found["pixel_size_um"] == [0.5, 0.5]
    assert found["field_shape"] == [100, 140]
    assert found["plate_map"]["Metadata_pert_type"] == {"trt": 4, "negcon": 2}
    assert found["problems"] == []


def test_info_prints_the_card_of_the_builtin_model() -> None:
    card = json.loads(run("info", "--model", "builtin", "--json").stdout)
    words = run("info", "--model", "builtin").stdout
    assert card["licence"] in words
    assert all(source["source"] in words for source in card["data"])
    for wrong in (["info"], ["info", "--model", "dinov2"]):
        assert run(*wrong).exit_code == 2


def test_info_of_loose_images_speaks_of_images_and_says_why_a_table_is_not_taken(tmp_path: Path) -> None:
    folder = tmp_path / "smears"
    folder.mkdir()
    for name in ("one", "two"):
        Image.fromarray(np.full((32, 40), 90, np.uint8)).save(folder / f"{name}.png")
    said = run("info", folder).stdout
    assert "  images    2, without wells" in said
    assert "no plate map: --map MAP.csv says what is in which image" in said
    (folder / "screen.csv").write_text("plate,image,drug\nP1,one,a\nP2,one,b\n", encoding="utf-8")
    assert "no plate map: screen.csv describes several plates (P1, P2), none of them by" in run("info", folder).stdout


def test_info_for_people_and_quiet(tiny_plate: Path) -> None:
    assert "2 x 3 plate" in run("info", tiny_plate).stdout
    assert run("info", tiny_plate, "--quiet").stdout == ""


def test_convert_writes_the_same_pixels_and_goes_on_where_it_was(tiny_plate: Path, tmp_path: Path) -> None:
    out = tmp_path / "copy.zarr"
    result = run("convert", tiny_plate, "--out", out, "--ngff", "0.4")
    assert result.exit_code == 0, result.output
    assert "12 fields written" in result.stdout
    before, after = open_plate(tiny_plate), open_plate(out)
    assert before.map.to_dict() == after.map.to_dict()
    for old, new in zip(before.fields(), after.fields(), strict=True):
        assert (old.key, old.pixel_size_um) == (new.key, new.pixel_size_um)
        np.testing.assert_array_equal(np.asarray(old.image()), np.asarray(new.image()))
    assert "12 were there before" in run("convert", tiny_plate, "--out", out, "--ngff", "0.4").stdout
    wrong = run("convert", tiny_plate, "--out", tmp_path / "x.zarr", "--ngff", "0.3")
    assert (wrong.exit_code, "0.4 or 0.5" in wrong.stderr) == (2, True)


def test_the_whole_job_by_command(tiny_plate: Path, tiny_dictionary: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.lexicon"
    result = run("apply", tiny_plate, "--out", out, "--dictionary", tiny_dictionary, "--device", "cpu", "--quiet")
    assert (result.exit_code, result.output) == (0, "")

    table = tmp_path / "t.csv"
    assert run("features", out, "--by", "Metadata_perturbation", "--out", table).exit_code == 0
    features = pd.read_csv(table, index_col="feature")
    assert len(features) == 64
    assert {"name", "fires", "best_value", "selectivity", "selectivity:drug"} <= set(features.columns)

    picture = tmp_path / "overlay.png"
    assert run("overlay", out, "--well", "b3", "--field", 1, "--feature", 12, "--out", picture).exit_code == 0
    assert np.asarray(Image.open(picture)).std() > 0

    assert "ends in .h5ad" in run("profiles", out, "--out", tmp_path / "P.csv").stderr
    assert run("profiles", out, "--out", tmp_path / "P.h5ad").exit_code == 0
    profiles = anndata.read_h5ad(tmp_path / "P.h5ad")
    assert list(profiles.obs_names) == ["A01", "A02", "A03", "B01", "B02", "B03"]
    assert profiles.obs["Metadata_pert_type"].tolist() == ["negcon", "trt", "trt"] * 2
    assert profiles.n_vars == 64
    assert {"fraction_active", "mean:DNA", "fraction_active:Actin"} <= set(profiles.layers)
    counted = Lexicon.open(out).plates["tiny"].statistics().tokens.sum(axis=1)
    mean_fires = np.average(np.asarray(profiles.layers["fraction_active"]), axis=0, weights=counted)
    np.testing.assert_allclose(mean_fires, features["fires"], rtol=1e-5)


def test_train_by_command(embedded: Path, tmp_path: Path) -> None:
    out = tmp_path / "D.safetensors"
    words = ["--features", 32, "--iterations", 2, "--per-iteration", 2, "--steps", 10, "--batch", 64, "--seed", 3]
    result = run(
        "train", embedded, "--out", out, *words, "--controls", "Metadata_pert_type == 'negcon'", "--components", 32
    )
    assert result.exit_code == 0, result.output
    assert out.exists()
    assert "of the variance explained" in result.stdout


SENTENCES = [
    (["info", "nowhere"], "nowhere"),
    (["features", "nowhere.lexicon"], "There is no lexicon folder nowhere.lexicon"),
    (["overlay", "APPLIED", "--well", "Z99", "--feature", "1", "--out", "x.png"], "has no well Z99: it has A01, A02"),
    (["overlay", "APPLIED", "--well", "A1", "--field", "7", "--feature", "1", "--out", "x.png"], "has no field 7"),
    (["overlay", "APPLIED", "--well", "A1", "--feature", "999", "--out", "x.png"], "There is no feature 999"),
    (["overlay", "APPLIED", "--well", "A1", "--feature", "1", "--channel", "ER", "--out", "x.png"], "no channel ER"),
    (["features", "APPLIED", "--by", "moa"], "has no column moa"),
    (["apply", "PLATE", "--out", "X", "--dictionary", "missing.safetensors"], "missing.safetensors"),
    (["apply", "PLATE", "--out", "X", "--keep-tokens", "many"], "--keep-tokens takes a number or 'all'"),
    (["apply", "PLATE", "--out", "X", "--z", "middle"], "--z takes the number of a plane, 'max' or 'all'"),
    (["embed", "PLATE", "--out", "X", "--backbone", "no_such_model"], "no_such_model"),
    (["embed", "PLATE", "--out", "X", "--layer", "99"], "99"),
    (["embed", "PLATE", "--out", "X", "--device", "tpu"], "tpu"),
    (["train", "EMBEDDED", "--out", "D.safetensors", "--algorithm", "magic"], "magic"),
    (["train", "EMBEDDED", "--out", "D.safetensors", "--variance", "1"], "at most 62 components"),
    (["train", "EMBEDDED", "--out", "D.safetensors", "--tokens", "cls"], "'patch' or 'mean'"),
    (["train", "EMBEDDED", "--out", "D.safetensors", "--whitening", "zca"], "needs --whitening pca"),
    (["train", "EMBEDDED", "--out", "FOLDER"], "is a folder: give the name of a file"),
    (["train", "EMBEDDED", "--out", "README"], "is there already and is no dictionary: choose another --out"),
    (["demo", "--no-gui", "--out", "README"], "The sample plate cannot be written to"),
    (["report", "APPLIED", "--out", "FOLDER"], "is a folder: give the name of a file"),
    (["ask", "APPLIED", "effects", "--out", "README/x.csv"], "README is a file, not a folder. Choose another place"),
    (["names", "import", "APPLIED", "--from", "README"], "README is no file of names: choose one written by"),
]


@pytest.mark.parametrize(("words", "sentence"), SENTENCES, ids=[f"{w[0]}-{s[:24]}" for w, s in SENTENCES])
def test_mistakes_get_one_sentence_and_status_2(
    words: list[str], sentence: str, tiny_plate: Path, embedded: Path, applied: Path, tmp_path: Path
) -> None:
    places = {"PLATE": tiny_plate, "EMBEDDED": embedded, "APPLIED": applied, "X": tmp_path / "X.lexicon"}
    places |= {"FOLDER": tmp_path, "README": tmp_path / "README", "README/x.csv": tmp_path / "README/x.csv"}
    places["README"].write_text("of somebody")
    result = run(*(places.get(word, word) for word in words))
    assert places["README"].read_text() == "of somebody"
    assert result.exit_code == 2
    assert sentence in result.stderr
    (told,) = result.stderr.splitlines()[-1:]
    assert sentence in told
    assert "Traceback" not in result.output


def test_ctrl_c_keeps_what_is_finished(tiny_plate: Path, tiny_dictionary: Path, tmp_path: Path) -> None:
    out = tmp_path / "x.lexicon"
    words = ["apply", tiny_plate, "--out", out, "--dictionary", tiny_dictionary]
    process = subprocess.Popen(
        [sys.executable, "-m", "napari_lexicon", *words],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )
    codes = out / "plates/tiny/codes"
    while not codes.exists() or not list(codes.glob("[!.]*")):
        assert process.poll() is None
    process.send_signal(2)
    told = process.communicate(timeout=60)[1]
    assert process.returncode == 2
    assert "run the same command to go on" in told
    assert not (out / "job.lock").exists()
    result = run("apply", tiny_plate, "--out", out, "--dictionary", tiny_dictionary)
    assert result.exit_code == 0
    assert "were done before" in result.stdout
