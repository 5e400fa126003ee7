"""Files of a lexicon folder are there whole or not at all."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.lexicons.files import ArraysFile, read_json, write_arrays_whole, write_bytes_whole, write_json_whole


def test_equal_arrays_give_equal_bytes(tmp_path: Path) -> None:
    arrays = {"a": np.arange(12, dtype=np.uint16).reshape(3, 4), "b": np.ones((2, 0), np.float32)}
    for name in ("one", "two"):
        write_arrays_whole(tmp_path / name, arrays, {"well": "B03"})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    written = np.random.default_rng(0).normal(size=(5, 3, 2)).astype(np.float16)
    write_arrays_whole(tmp_path / "x.zarr.zip", {"values": written}, {"channels": [0, 2]})
    file = ArraysFile(tmp_path / "x.zarr.zip")
    np.testing.assert_array_equal(file["values"], written)
    assert file.attributes == {"channels": [0, 2]}
    assert "values" in file
    assert "others" not in file


def test_a_cut_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "x.zarr.zip"
    write_arrays_whole(path, {"values": np.ones(1000)}, {})
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(LexiconFolderError, match=r"x\.zarr\.zip is damaged .* delete it and run the job again"):
        ArraysFile(path)


def test_damaged_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "plate.json").write_text('{"id": ')
    with pytest.raises(LexiconFolderError, match=r"plate\.json is damaged"):
        read_json(tmp_path / "plate.json")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json_whole(path, {"n": 1})
    with pytest.raises(TypeError):
        write_json_whole(path, {"n": object()})
    with pytest.raises(TypeError):
        write_bytes_whole(path, "text")  # type: ignore[arg-type]
    assert read_json(path) == {"n": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_files_can_be_read_by_the_rest_of_the_lab(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        write_bytes_whole(tmp_path / "a", b"x")
    finally:
        os.umask(old)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        write_json_whole(small / "kept.json", {"n": 1})
        with pytest.raises(LexiconFolderError, match=r"disk that holds .*small is full: free some space"):
            write_bytes_whole(small / "big", os.urandom(200_000))
        assert [p.name for p in small.iterdir()] == ["kept.json"]
    finally:
        subprocess.run(["umount", str(small)], check=True)
