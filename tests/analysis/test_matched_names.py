"""Names travel in one small file, to the same dictionary by number and to another by the direction of the atoms."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from napari_lexicon import api
from napari_lexicon.analysis.matched_names import KEPT, TAKEN, UNMATCHED, match_names
from napari_lexicon.cli import app
from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.lexicons import Lexicon
from napari_lexicon.lexicons.files import read_json, write_json_whole
from napari_lexicon.lexicons.names_file import read_names, write_names


def write_lexicon(path: Path, atoms: np.ndarray, matrix: np.ndarray, hash_: str, layer: int = 4) -> Lexicon:
    """A lexicon folder with a dictionary and no plate."""
    backbone = {
        "id": "builtin", "weights_hash": "w", "layer": layer, "dim": matrix.shape[1], "patch": 16, "tile": 256,
        "margin": 32, "depth": 6, "preprocessing": "p", "licence": "BSD",
    }  # fmt: skip
    path.mkdir()
    tensors = {"atoms": atoms, "whitening.matrix": matrix, "whitening.inverse": np.linalg.inv(matrix)}
    save_file({n: np.ascontiguousarray(t, np.float32) for n, t in tensors.items()}, path / "dictionary.safetensors")
    reference = {"hash": hash_, "n_features": len(atoms), "k": 8, "channels": "separate"}
    write_json_whole(path / "lexicon.json", {"software": "0", "backbone": backbone, "dictionary": reference})
    return Lexicon.open(path)


@pytest.fixture
def two(tmp_path: Path) -> tuple[Lexicon, Lexicon, np.ndarray]:
    """Two dictionaries over one model with other whitening: the same directions in another order, some disturbed."""
    rng = np.random.default_rng(0)
    dim, n = 24, 40
    matrices = [np.eye(dim) + 0.15 * rng.normal(size=(dim, dim)) for _ in range(2)]
    atoms = rng.normal(size=(n, dim))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    order = rng.permutation(n)
    moved = (atoms @ np.linalg.inv(matrices[0]).T @ matrices[1].T)[order]
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    lost = int(np.flatnonzero(order == 7)[0])  # feature 7 of the first is nowhere in the second
    moved[lost] = rng.normal(size=dim)
    moved[lost] /= np.linalg.norm(moved[lost])
    first = write_lexicon(tmp_path / "a.lexicon", atoms, matrices[0], "first")
    second = write_lexicon(tmp_path / "b.lexicon", moved, matrices[1], "second")
    return first, second, np.argsort(order)


def test_names_find_their_atoms_in_another_dictionary(two, tmp_path: Path):
    first, second, place = two
    for feature in (3, 7, 12):
        first.names.set(feature, f"name {feature}", note="seen", tags=("t",), confidence="sure")
    second.names.set(int(place[12]), "mine already")
    found = match_names(second, read_names_of(first, tmp_path))
    table = found.table.set_index("from")
    assert (table.loc[3, "to"], table.loc[3, "outcome"]) == (place[3], TAKEN)
    assert table.loc[3, "cosine"] == pytest.approx(1, abs=1e-3)
    assert (table.loc[7, "to"], table.loc[7, "outcome"]) == (-1, UNMATCHED)
    assert (table.loc[12, "to"], table.loc[12, "outcome"]) == (place[12], KEPT)
    assert set(found.taken) == {place[3]}
    again = match_names(second, read_names_of(first, tmp_path), replace=True)
    assert set(again.taken) == {place[3], place[12]}
    assert again.taken[int(place[3])] == first.names.get(3)  # who said it and when, too


def read_names_of(lexicon: Lexicon, folder: Path):
    write_names(lexicon, folder / "names.json")
    assert (folder / "names.json").stat().st_size < 20_000
    return read_names(folder / "names.json")


def test_the_same_dictionary_takes_names_by_number(two, tmp_path: Path):
    first, _, _ = two
    first.names.set(5, "five", color="#FF0000")
    copytree(first.path, tmp_path / "copy.lexicon")
    (tmp_path / "copy.lexicon" / "names.json").unlink()
    api.export_names(first.path, tmp_path / "names.json")
    table = api.import_names(tmp_path / "copy.lexicon", tmp_path / "names.json")
    assert table["to"].tolist() == [5]
    assert Lexicon.open(tmp_path / "copy.lexicon").names.get(5) == first.names.get(5)


def test_names_of_another_model_are_refused_and_so_is_a_damaged_file(two, tmp_path: Path):
    first, _, _ = two
    first.names.set(5, "five")
    names = read_names_of(first, tmp_path)
    tensors = load_file(first.path / "dictionary.safetensors")
    other = write_lexicon(tmp_path / "c.lexicon", tensors["atoms"], tensors["whitening.matrix"], "third", layer=2)
    with pytest.raises(LexiconFolderError, match=r"another model \(layer 4"):
        match_names(other, names)
    data = read_json(tmp_path / "names.json")
    data["names"][0]["direction"] = "none"
    write_json_whole(tmp_path / "names.json", data)
    with pytest.raises(LexiconFolderError, match=r"no file of names of version 1 \(names.0.direction"):
        read_names(tmp_path / "names.json")


def test_the_commands_send_names(two, tmp_path: Path):
    first, second, place = two
    first.names.set(3, "round nuclei")
    run = CliRunner().invoke
    done = run(app, ["names", "export", str(first.path), "--out", str(tmp_path / "n.json")])
    assert (done.exit_code, done.stdout.strip()) == (0, f"{tmp_path / 'n.json'}: 1 names")
    done = run(app, ["names", "import", str(second.path), "--from", str(tmp_path / "n.json")])
    assert done.exit_code == 0
    assert "taken" in done.stdout
    assert Lexicon.open(second.path).names.label(int(place[3])) == "round nuclei"
    done = run(app, ["names", "export", str(tmp_path / "none.lexicon"), "--out", str(tmp_path / "n.json")])
    assert done.exit_code == 2


def test_changes_can_be_undone_one_by_one(two):
    names = two[0].names
    assert not names.can_undo
    names.set(3, "first")
    names.set(3, "second", note="why", confidence="likely")
    names.set(4, "", note="only a note")
    assert names.label(4) == "#4"
    names.set(3, "")
    assert names.get(3) is None
    assert names.undo() == (3,)
    assert (names.get(3).name, names.get(3).confidence) == ("second", "likely")
    names.undo()
    assert names.get(4) is None
    names.undo()
    assert names.get(3).name == "first"
    names.undo()
    assert len(names) == 0
    assert names.undo() == ()
    assert len(Lexicon.open(two[0].path).names) == 0
