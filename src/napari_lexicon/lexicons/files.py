"""Writing files so that they are there whole or not at all, and reading folders without leaving them."""

from __future__ import annotations

import errno
import io
import json
import os
import secrets
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.abc.buffer import Buffer
from zarr.codecs import BloscCodec
from zarr.storage import MemoryStore, ZipStore

from napari_lexicon.errors import LexiconFolderError

# zip files carry times of change; a fixed one keeps equal arrays equal to the byte, so that a resumed job can be
# compared with an uninterrupted one by hash
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_CHUNK_BYTES = 2**23


def write_bytes_whole(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` through a temporary file beside it and a rename.

    Raises
    ------
    LexiconFolderError
        If the disk is full or the folder cannot be written, naming the folder.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # not tempfile: its files are private, and a lexicon is often shared by a lab
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            with open(temporary, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise LexiconFolderError(disk_sentence(path.parent, error)) from error


def check_place(out: Path) -> None:
    """Say before long work, not after it, that its file could not be written to ``out``. Nothing is made.

    Raises
    ------
    LexiconFolderError
        If ``out`` is a folder, or lies in one that cannot be made or written.
    """
    if out.is_dir():
        raise LexiconFolderError(f"{out} is a folder: give the name of a file, such as {out / 'NAME'}{out.suffix}.")
    folder = next(one for one in out.absolute().parents if one.exists())
    if not folder.is_dir():
        raise LexiconFolderError(f"{out} cannot be written: {folder} is a file, not a folder. Choose another place.")
    if not os.access(folder, os.W_OK):
        raise LexiconFolderError(f"{folder} cannot be written: choose a folder that you may write to.")


def disk_sentence(folder: Path, error: OSError) -> str:
    """What to say where a folder cannot be written, and what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk that holds {folder} is full: free some space and run the same command again; "
            "everything finished so far is kept."
        )
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return f"{folder} cannot be written ({error.strerror}): choose a folder that you may write to."
    return f"{folder} cannot be written ({error.strerror or error}): check the disk and run the same command again."


def write_json_whole(path: Path, data: Any) -> None:
    """Write JSON, sorted and indented, whole or not at all."""
    write_bytes_whole(path, (json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """Read a JSON file of at most 64 MB; raise :class:`LexiconFolderError` naming it when it is damaged."""
    try:
        if path.stat().st_size > 64_000_000:
            raise LexiconFolderError(f"{path} is larger than any file of a lexicon: it is not one; remove it.")
        return json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise LexiconFolderError(
            f"{path} is damaged and cannot be read ({error}): restore it from a copy, or compute the lexicon again."
        ) from error


def write_arrays_whole(
    path: Path, arrays: Mapping[str, np.ndarray], attributes: Mapping[str, Any], *, large: bool = False
) -> None:
    """Write arrays as one zipped Zarr v3 group, whole or not at all and equal to the byte for equal content.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    arrays, attributes : mapping
        Content.
    large : bool
        For arrays of hundreds of megabytes: in chunks of some rows, compressed so that they are read in a tenth of the
        time.
    """
    entries: dict[str, Buffer] = {}
    group = zarr.open_group(MemoryStore(entries), mode="w", zarr_format=3, attributes=dict(attributes))
    codec: dict[str, Any] = {"compressors": BloscCodec(cname="zstd", clevel=3, shuffle="shuffle")} if large else {}
    for name, array in arrays.items():
        chunks = tuple(max(1, n) for n in array.shape)
        if large and array.ndim > 1:
            rows = max(1, _CHUNK_BYTES * chunks[0] // max(1, array.nbytes))
            chunks = (min(chunks[0], rows), *chunks[1:])
        group.create_array(name, data=array, chunks=chunks, **codec)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression=zipfile.ZIP_STORED) as archive:
        for key in sorted(entries):
            archive.writestr(zipfile.ZipInfo(key, _ZIP_EPOCH), entries[key].to_bytes())
    write_bytes_whole(path, content.getvalue())


class ArraysFile:
    """A zipped Zarr group opened for reading; arrays are read when asked for.

    Raises
    ------
    LexiconFolderError
        If the file is no such group.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            self._group = zarr.open_group(ZipStore(path, mode="r"), mode="r")
        except FileNotFoundError as error:
            raise LexiconFolderError(
                f"{path} is gone: the lexicon was moved or deleted. Open it again from where it is now."
            ) from error
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise LexiconFolderError(
                f"{path} is damaged and cannot be read ({error}): delete it and run the job again."
            ) from error

    @property
    def attributes(self) -> dict[str, Any]:
        """What was written beside the arrays."""
        return dict(self._group.attrs)

    def __contains__(self, name: str) -> bool:
        return name in self._group

    def optional(self, name: str) -> np.ndarray | None:
        """An array, None where the file does not have it."""
        return self[name] if name in self._group else None

    def __getitem__(self, name: str) -> np.ndarray:
        array = self._group[name]
        if not isinstance(array, zarr.Array):
            raise KeyError(name)
        return np.asarray(array[...])
