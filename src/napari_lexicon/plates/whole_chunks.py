"""Zarr stores that refuse chunks that were cut off, and that ask a server again.

Blosc writes how long a chunk is, but numcodecs 0.16 does not look: a cut-off chunk of incompressible pixels (noise)
"decodes" into whatever lies behind it in memory. https://github.com/zarr-developers/numcodecs/issues/228
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from zarr.abc.store import ByteRequest, Store
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore, WrapperStore

_BLOSC_HEADER = 16
_METADATA = ("zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata")
_WAITS = (0.2, 1.0)


def _check_whole(key: str, value: Buffer) -> None:
    header = value.as_numpy_array()[:_BLOSC_HEADER].tobytes()
    stated = int.from_bytes(header[12:16], "little")
    if len(header) < _BLOSC_HEADER:
        raise ValueError(f"chunk {key} is cut off: only {len(value)} bytes are there")
    if stated > len(value):
        raise ValueError(f"chunk {key} is cut off: {len(value)} of {stated} bytes are there")


class WholeChunks(WrapperStore[Any]):
    """A store whose chunks are Blosc buffers, each of which must be as long as it says."""

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """Value of a key; raises ValueError where a chunk is cut off."""
        value = await super().get(key, prototype, byte_range)
        if value is not None and byte_range is None and not key.endswith(_METADATA):
            _check_whole(key, value)
        return value


class RemoteChunks(WrapperStore[Any]):
    """A remote store: a request that fails is sent again, and what fails in the end is an OSError.

    Parameters
    ----------
    store : Store
        To be wrapped.
    blosc : bool
        Check that chunks are whole, as above.
    """

    def __init__(self, store: Store, *, blosc: bool = False) -> None:
        super().__init__(store)
        self._blosc = blosc

    def _with_store(self, store: Store) -> RemoteChunks:
        return RemoteChunks(store, blosc=self._blosc)

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """Value of a key; raises OSError where the server does not give it."""
        for wait in (*_WAITS, None):
            try:
                value = await super().get(key, prototype, byte_range)
                break
            except Exception as error:
                if wait is None:
                    raise OSError(f"{key} could not be fetched: {error}") from error
                await asyncio.sleep(wait)
        if self._blosc and value is not None and byte_range is None and not key.endswith(_METADATA):
            _check_whole(key, value)
        return value


def local_blosc_store(folder: Path) -> WholeChunks:
    """A local array whose chunks are compressed with Blosc and nothing else."""
    return WholeChunks(LocalStore(folder, read_only=True))
