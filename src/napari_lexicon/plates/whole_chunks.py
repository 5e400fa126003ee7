"""A zarr store that refuses chunks that were cut off.

Blosc writes how long a chunk is, but numcodecs 0.16 does not look: a cut-off chunk of incompressible pixels (noise)
"decodes" into whatever lies behind it in memory. https://github.com/zarr-developers/numcodecs/issues/228
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.storage import LocalStore, WrapperStore

_BLOSC_HEADER = 16
_METADATA = ("zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata")


class WholeChunks(WrapperStore[Any]):
    """A store whose chunks are Blosc buffers, each of which must be as long as it says."""

    async def get(self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None) -> Buffer | None:
        """Value of a key; raises ValueError where a chunk is cut off."""
        value = await super().get(key, prototype, byte_range)
        if value is not None and byte_range is None and not key.endswith(_METADATA):
            header = value.as_numpy_array()[:_BLOSC_HEADER].tobytes()
            stated = int.from_bytes(header[12:16], "little")
            if len(header) < _BLOSC_HEADER or stated > len(value):
                raise ValueError(f"chunk {key} is cut off: {len(value)} of {stated} bytes are there")
        return value


def local_blosc_store(folder: Path) -> WholeChunks:
    """A local array whose chunks are compressed with Blosc and nothing else."""
    return WholeChunks(LocalStore(folder, read_only=True))
