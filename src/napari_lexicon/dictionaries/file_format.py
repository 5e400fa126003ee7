"""Dictionary files: safetensors with a JSON header, read with suspicion and written all at once.

Layout: tensors ``atoms (M, dim_w)``, ``bias (dim_w)``, ``whitening.mean (dim)``, ``whitening.matrix (dim_w, dim)``,
``whitening.inverse (dim, dim_w)``, optionally ``stability (M)`` and, for linear encoders, ``linear.weight (M, dim_w)``,
``linear.offset (M)``, ``linear.threshold (M)``, all float32; metadata ``lexicon`` (DictionaryHeader)
and ``encoder`` (EncoderSettings), both JSON.
"""

from __future__ import annotations

import json
import os
import secrets
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.encoder import EncoderSettings
from napari_lexicon.dictionaries.header import FORMAT, FORMAT_VERSION, DictionaryHeader
from napari_lexicon.dictionaries.linear import LinearMap
from napari_lexicon.dictionaries.whitening import Whitening
from napari_lexicon.errors import DictionaryError

_LARGEST_JSON = 8 * 2**20  # bytes
_REQUIRED = ("atoms", "bias", "whitening.mean", "whitening.matrix", "whitening.inverse")
_LINEAR = ("linear.weight", "linear.offset", "linear.threshold")
_OPTIONAL = ("stability", *_LINEAR)


def save_dictionary(dictionary: Dictionary, path: Path | str) -> Path:
    """Write a dictionary; the file is there whole or not at all.

    Raises
    ------
    DictionaryError
        If it cannot be written.
    """
    path = Path(path)
    w = dictionary.whitening
    tensors = {
        "atoms": dictionary.atoms,
        "bias": dictionary.bias,
        "whitening.mean": w.mean,
        "whitening.matrix": w.matrix,
        "whitening.inverse": w.inverse,
    }
    if dictionary.stability is not None:
        tensors["stability"] = dictionary.stability
    if dictionary.linear is not None:
        tensors.update({name: getattr(dictionary.linear, name.removeprefix("linear.")) for name in _LINEAR})
    metadata = {
        "lexicon": dictionary.header.model_dump_json(),
        "encoder": json.dumps(dictionary.encoder.to_json()),
    }
    write_tensors({n: t.detach().to("cpu", torch.float32) for n, t in tensors.items()}, metadata, path)
    return path


def load_dictionary(path: Path | str) -> Dictionary:
    """Read a dictionary file.

    Raises
    ------
    DictionaryError
        If there is no such file, or it is not a sound dictionary: the sentence says which file and what is wrong.
    """
    path = Path(path)
    sizes, metadata = _checked_outline(path)
    for name in sizes:
        if name not in _REQUIRED + _OPTIONAL:
            raise DictionaryError(f"{path} holds {name!r}, which this version does not know: update napari-lexicon.")
    for name in _REQUIRED:
        if name not in sizes:
            raise DictionaryError(f"{path} is not a complete dictionary, {name!r} is missing: get the file again.")
    header, encoder = _header(path, metadata), _encoder(path, metadata)
    tensors = read_tensors(path)
    for name, tensor in tensors.items():
        if tensor.dtype != torch.float32:
            raise DictionaryError(f"{path} holds {name!r} as {tensor.dtype}, not float32: get the file again.")
        if not bool(torch.isfinite(tensor).all()):
            raise DictionaryError(f"{path} holds NaN or infinite numbers in {name!r}: get the file again.")
    atoms = tensors["atoms"]
    if atoms.ndim != 2 or atoms.numel() == 0:
        raise DictionaryError(f"{path} holds atoms of shape {tuple(atoms.shape)}, not features by length.")
    norms = torch.linalg.vector_norm(atoms, dim=1)
    if not bool(torch.allclose(norms, torch.ones_like(norms), atol=1e-3)):
        raise DictionaryError(f"{path} holds atoms that are not of unit length: get the file again.")
    whitening = Whitening(*(tensors[f"whitening.{part}"] for part in ("mean", "matrix", "inverse")))
    linear = LinearMap(*(tensors[name] for name in _LINEAR)) if all(name in tensors for name in _LINEAR) else None
    try:
        return Dictionary(atoms, tensors["bias"], whitening, encoder, header, tensors.get("stability"), linear)
    except (DictionaryError, IndexError) as error:
        raise DictionaryError(f"{path} cannot be used as a dictionary. {error}") from error


def write_tensors(tensors: dict[str, torch.Tensor], metadata: dict[str, str], path: Path) -> None:
    """Write a safetensors file beside its place and move it there when it is complete and on the disk."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # not tempfile: its files are private, and a dictionary is often shared by a lab
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            with open(temporary, "xb") as file:
                for part in _in_fixed_order(save({n: t.contiguous() for n, t in tensors.items()}, metadata)):
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except (OSError, SafetensorError) as error:
        raise DictionaryError(f"{path} could not be written ({error}): free some space or choose another place.") from (
            error
        )


def _in_fixed_order(raw: bytes) -> Iterator[bytes | memoryview]:
    """A safetensors file with its outline sorted: safetensors writes metadata in an order that differs from run to run,
    and equal dictionaries are to be equal files."""
    length = struct.unpack("<Q", raw[:8])[0]
    outline = json.dumps(json.loads(raw[8 : 8 + length]), sort_keys=True, separators=(",", ":")).encode()
    outline += b" " * (-len(outline) % 8)
    yield struct.pack("<Q", len(outline))
    yield outline
    yield memoryview(raw)[8 + length :]


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """All tensors of a safetensors file, on the CPU."""
    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise DictionaryError(f"{path} could not be read ({error}): get the file again.") from error


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of a safetensors file, after the checks that make it safe to read its tensors."""
    return _checked_outline(path)[1]


def _checked_outline(path: Path) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    """Shapes and metadata, read without trust: nothing is allocated that the file does not really hold."""
    try:
        total = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if not 2 <= length <= min(total - 8, _LARGEST_JSON):
                raise DictionaryError(f"{path} is not a dictionary file (safetensors): choose another file.")
            raw = file.read(length)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DictionaryError(f"{path} could not be read ({reason}): check the path of the dictionary.") from error
    try:
        outline = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise DictionaryError(f"{path} is not a dictionary file (safetensors): choose another file.") from error
    if not isinstance(outline, dict):
        raise DictionaryError(f"{path} is not a dictionary file (safetensors): choose another file.")
    metadata = outline.pop("__metadata__", {})
    sizes, end = {}, 0
    for name, entry in outline.items():
        sizes[name], last = _checked_tensor(path, name, entry)
        end = max(end, last)
    if end != total - 8 - length:
        raise DictionaryError(f"{path} is {total} bytes long and should be {end + 8 + length}: get the file again.")
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise DictionaryError(f"{path} has a damaged header: get the file again.")
    return sizes, metadata


def _checked_tensor(path: Path, name: str, entry: Any) -> tuple[tuple[int, ...], int]:
    """Shape and last byte of one tensor's entry."""
    if not isinstance(entry, dict):
        raise DictionaryError(f"{path} has a damaged header ({name!r}): get the file again.")
    shape, offsets = _counts(entry.get("shape")), _counts(entry.get("data_offsets"))
    if entry.get("dtype") not in ("F32", "F64", "I64", "U8") or shape is None or offsets is None or len(offsets) != 2:
        raise DictionaryError(f"{path} has a damaged header ({name!r}): get the file again.")
    return shape, offsets[1]  # safetensors itself checks shape against offsets


def _counts(value: Any) -> tuple[int, ...] | None:
    """A JSON list of numbers that are not negative, or None."""
    if not isinstance(value, list) or not all(type(n) is int and n >= 0 for n in value):
        return None
    return tuple(value)


def _json(path: Path, metadata: dict[str, str], key: str) -> dict[str, Any]:
    if key not in metadata:
        raise DictionaryError(f"{path} carries no {key!r} header, so it is not a napari-lexicon dictionary.")
    try:
        data = json.loads(metadata[key])
    except (ValueError, RecursionError) as error:
        raise DictionaryError(f"{path} has a damaged {key!r} header: get the file again.") from error
    if not isinstance(data, dict):
        raise DictionaryError(f"{path} has a damaged {key!r} header: get the file again.")
    return data


def _header(path: Path, metadata: dict[str, str]) -> DictionaryHeader:
    data = _json(path, metadata, "lexicon")
    if data.get("format") != FORMAT:
        raise DictionaryError(f"{path} is a {str(data.get('format'))[:60]!r}, not a dictionary: choose another file.")
    if data.get("format_version") != FORMAT_VERSION:
        raise DictionaryError(
            f"{path} has format version {str(data.get('format_version'))[:20]}, and this is napari-lexicon for version "
            f"{FORMAT_VERSION}: update napari-lexicon."
        )
    try:
        return DictionaryHeader.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])[:60]
        raise DictionaryError(f"{path} has a damaged header, {where}: {first['msg']}.") from error


def _encoder(path: Path, metadata: dict[str, str]) -> EncoderSettings:
    try:
        return EncoderSettings.from_json(_json(path, metadata, "encoder"))
    except DictionaryError as error:
        raise DictionaryError(f"{path} cannot be used. {error}") from error
