from __future__ import annotations

import json
import resource
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.dictionaries.planted import World

from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.file_format import load_dictionary, read_metadata, save_dictionary
from napari_lexicon.errors import DictionaryError


@pytest.fixture
def saved(dictionary: Dictionary, tmp_path: Path) -> Path:
    return save_dictionary(dictionary, tmp_path / "d.safetensors")


def rewritten(path: Path, tensors: dict | None = None, metadata: dict | None = None) -> Path:
    """The file with some tensors or metadata replaced; None removes one."""
    new = {k: v for k, v in {**load_file(path), **(tensors or {})}.items() if v is not None}
    meta = {k: v for k, v in {**read_metadata(path), **(metadata or {})}.items() if v is not None}
    save_file(new, path, metadata=meta)
    return path


def with_outline(path: Path, change) -> Path:
    """The file with its JSON outline changed and its bytes kept."""
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    outline = json.loads(raw[8 : 8 + length])
    change(outline)
    text = json.dumps(outline).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + raw[8 + length :])
    return path


def test_a_dictionary_saved_and_loaded_codes_identically(saved: Path, world: World, dictionary: Dictionary) -> None:
    loaded = load_dictionary(saved)
    before, after = dictionary.encode(world.tokens), loaded.encode(world.tokens)
    assert torch.equal(before.indices, after.indices)
    assert torch.equal(before.values, after.values)
    assert loaded.hash == dictionary.hash
    assert loaded.header == dictionary.header
    assert loaded.encoder == dictionary.encoder


def test_stability_is_kept(dictionary: Dictionary, tmp_path: Path) -> None:
    marked = Dictionary(
        dictionary.atoms,
        dictionary.bias,
        dictionary.whitening,
        dictionary.encoder,
        dictionary.header,
        torch.linspace(0, 1, dictionary.n_features),
    )
    loaded = load_dictionary(save_dictionary(marked, tmp_path / "d.safetensors"))
    assert loaded.stability is not None
    assert torch.equal(loaded.stability, torch.linspace(0, 1, dictionary.n_features))


def test_a_failed_save_leaves_the_old_file_and_no_rubbish(dictionary: Dictionary, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("in the way")
    with pytest.raises(DictionaryError, match="could not be written"):
        save_dictionary(dictionary, tmp_path / "a file" / "d.safetensors")
    assert [p.name for p in tmp_path.iterdir()] == ["a file"]


@pytest.mark.parametrize("content", [b"", b"abc", b"\xff" * 64, b"PK\x03\x04" + b"\0" * 100, b'{"a": 1}' * 20])
def test_files_of_another_kind_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no.safetensors"
    path.write_bytes(content)
    with pytest.raises(DictionaryError, match=r"no\.safetensors"):
        load_dictionary(path)


def test_no_such_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.safetensors", tmp_path):
        with pytest.raises(DictionaryError, match="could not be read"):
            load_dictionary(path)


@pytest.mark.parametrize(
    ("tensors", "says"),
    [
        ({"atoms": None}, "'atoms' is missing"),
        ({"whitening.mean": None}, "'whitening.mean' is missing"),
        ({"atoms": torch.full((96, 32), torch.nan)}, "NaN"),
        ({"atoms": torch.ones(96, 32)}, "unit length"),
        ({"atoms": torch.eye(32)[0]}, "shape"),
        ({"atoms": torch.zeros(0, 32)}, "shape"),
        ({"atoms": torch.eye(7)}, "shapes disagree"),
        ({"bias": torch.zeros(2, 2)}, "shapes disagree"),
        ({"whitening.matrix": torch.zeros(4)}, "d.safetensors"),
        ({"atoms": torch.eye(32, dtype=torch.float64)}, "float32"),
        ({"backdoor": torch.zeros(2)}, "does not know"),
    ],
)
def test_wrong_tensors_get_a_sentence(saved: Path, tensors: dict, says: str) -> None:
    with pytest.raises(DictionaryError, match=says) as caught:
        load_dictionary(rewritten(saved, tensors))
    assert "d.safetensors" in str(caught.value)


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({"lexicon": None}, "no 'lexicon' header"),
        ({"encoder": None}, "no 'encoder' header"),
        ({"lexicon": "{"}, "damaged"),
        ({"lexicon": "[]"}, "damaged"),
        ({"lexicon": "[" * 100_000}, "damaged"),
        ({"lexicon": json.dumps({"format": "a cake"})}, "'a cake', not a dictionary"),
        ({"lexicon": json.dumps({"format": "napari-lexicon dictionary", "format_version": 99})}, "version 99"),
        (
            {"lexicon": json.dumps({"format": "napari-lexicon dictionary", "format_version": 1, "seed": "x"})},
            "damaged header, seed",
        ),
        ({"encoder": json.dumps({"kind": "oracle"})}, "oracle"),
        ({"encoder": json.dumps({"iterations": -1})}, "at least one iteration"),
        ({"encoder": json.dumps({"iterations": 10**9, "per_iteration": 5})}, "at most"),
        ({"encoder": json.dumps({"per_iteration": 97})}, "97 per iteration"),
        ({"encoder": json.dumps({"iterations": 2000, "per_iteration": 5, "refit": True})}, "1024 features at a time"),
        ({"encoder": json.dumps({"iterations": 1, "per_iteration": 4096})}, "1024 features at a time"),
        ({"encoder": json.dumps({"iterations": "many"})}, "wrong kind"),
        ({"encoder": json.dumps({"temperature": 1})}, "unknown"),
    ],
)
def test_wrong_headers_get_a_sentence(saved: Path, metadata: dict, says: str) -> None:
    with pytest.raises(DictionaryError, match=says) as caught:
        load_dictionary(rewritten(saved, metadata=metadata))
    assert "d.safetensors" in str(caught.value)


def test_trailing_bytes_and_truncation_get_a_sentence(saved: Path) -> None:
    whole = saved.read_bytes()
    for content in (whole + b"extra", whole[:-7], whole[: len(whole) // 2]):
        saved.write_bytes(content)
        with pytest.raises(DictionaryError, match=r"d\.safetensors"):
            load_dictionary(saved)


def test_absurd_sizes_get_a_sentence_and_no_memory(saved: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    whole = saved.read_bytes()

    def enlarge(outline: dict) -> None:
        outline["atoms"]["shape"] = [10**9, 32]

    def outrun(outline: dict) -> None:
        outline["atoms"]["data_offsets"][1] = 10**15

    def negative(outline: dict) -> None:
        outline["atoms"]["shape"] = [-1, 32]

    def overlap(outline: dict) -> None:
        outline["bias"]["data_offsets"] = [0, 128]

    for change in (enlarge, outrun, negative, overlap):
        saved.write_bytes(whole)
        with pytest.raises(DictionaryError, match=r"d\.safetensors"):
            load_dictionary(with_outline(saved, change))
    saved.write_bytes(struct.pack("<Q", 2**63) + whole[8:])
    with pytest.raises(DictionaryError, match=r"d\.safetensors"):
        load_dictionary(saved)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200_000  # kB
