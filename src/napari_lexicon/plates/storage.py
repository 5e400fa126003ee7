"""Where a zarr hierarchy lies: small documents read one by one, arrays opened on request, nothing outside of it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

LARGEST_DOCUMENT = 64 * 2**20
"""Bytes of the largest metadata file that is read; a 3456-well plate's has less than one megabyte."""
_USUAL_DOCUMENT = 2**16


class Storage(Protocol):
    """Read-only view of one zarr hierarchy. Keys are relative, with ``/``."""

    @property
    def address(self) -> str:
        """Path or URL, for sentences."""
        ...

    @property
    def place(self) -> Path | str:
        """The path, or the URL of a remote hierarchy."""
        ...

    @property
    def name(self) -> str:
        """Last part of the address."""
        ...

    def fetch(self, groups: Iterable[str]) -> None:
        """Told which groups will be asked for next: a remote storage gets their documents all at once."""
        ...

    def expect(self, documents: Iterable[str]) -> None:
        """Told which documents will be asked for later, in this order: a remote storage gets many with the first."""
        ...

    def document(self, key: str) -> dict[str, Any] | None:
        """A JSON object, None where there is none or it is broken."""
        ...

    def leads_out(self, key: str) -> bool:
        """True where the key is a link to somewhere outside."""
        ...

    def state(self, key: str) -> str:
        """Short text that changes when anything below the key changes; no pixels read."""
        ...

    def array(self, key: str) -> Any:
        """The zarr array at a key, for reading."""
        ...


@dataclass(frozen=True)
class LocalFolder:
    """A hierarchy on a local or network disk."""

    path: Path

    @property
    def address(self) -> str:
        """The path."""
        return str(self.path)

    @property
    def place(self) -> Path:
        """The path."""
        return self.path

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.name

    def fetch(self, groups: Iterable[str]) -> None:
        """Nothing: a disk gives each document when it is asked for."""

    def expect(self, documents: Iterable[str]) -> None:
        """Nothing, as above."""

    def document(self, key: str) -> dict[str, Any] | None:
        """A JSON object, None where there is none or it is broken."""
        try:
            return json_object(_content(f"{self.path}/{key}"))
        except OSError:
            return None

    def leads_out(self, key: str) -> bool:
        """True where the key is a link to somewhere outside, or to itself."""
        place = f"{self.path}/{key}"
        return os.path.islink(place) and leads_out_of(self.path, place)

    def state(self, key: str) -> str:
        """Digest of names, sizes and times of change below a key."""
        digest = hashlib.sha256()
        waiting = [f"{self.path}/{key}"]
        while waiting:
            folder = waiting.pop()
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    known = entry.stat(follow_symlinks=False)
                    relative = entry.path[len(str(self.path)) + 1 :]
                    digest.update(f"{relative}\0{known.st_size}\0{known.st_mtime_ns}\n".encode())
        return digest.hexdigest()[:24]

    def array(self, key: str) -> Any:
        """The zarr array at a key, for reading."""
        import zarr

        from napari_lexicon.plates.whole_chunks import local_blosc_store

        folder = self.path / key
        header = self.document(f"{key}/zarr.json") or self.document(f"{key}/.zarray") or {}
        return zarr.open_array(local_blosc_store(folder) if is_blosc(header) else folder, mode="r")


def _content(place: str) -> bytes:
    """Bytes of a file, one more than ``LARGEST_DOCUMENT`` at most.

    Not ``open()``: that makes seven system calls where three do, and after each of them a thread of a busy window waits
    for the interpreter's lock. A plate has thousands of documents.
    """
    file = os.open(place, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        parts, left = [os.read(file, _USUAL_DOCUMENT)], LARGEST_DOCUMENT + 1 - _USUAL_DOCUMENT
        while len(parts[-1]) and left > 0 and (len(parts) > 1 or len(parts[0]) == _USUAL_DOCUMENT):
            parts.append(os.read(file, min(left, 2**20)))
            left -= len(parts[-1])
        return b"".join(parts)
    finally:
        os.close(file)


def is_blosc(header: dict[str, Any]) -> bool:
    """True where an array's chunks are Blosc buffers: as the compressor in zarr v2, as the last codec in v3."""
    compressor, codecs = header.get("compressor"), header.get("codecs")
    if isinstance(codecs, list) and codecs:
        return isinstance(codecs[-1], dict) and codecs[-1].get("name") == "blosc"
    return isinstance(compressor, dict) and compressor.get("id") == "blosc"


def json_object(content: bytes) -> dict[str, Any] | None:
    """A JSON object from bytes, None where they are too many, broken or something else."""
    if len(content) > LARGEST_DOCUMENT:
        return None
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def leads_out_of(folder: str | os.PathLike[str], place: str | os.PathLike[str]) -> bool:
    """True where following the links of a place ends outside of a folder, or never ends."""
    try:
        root = os.path.realpath(folder)
        target = os.path.realpath(place, strict=True)
    except OSError:
        return True
    return target != root and not target.startswith(root.rstrip(os.sep) + os.sep)
