"""Lazy images: dask arrays whose chunks are read when they are wanted, and errors that name the file."""

from __future__ import annotations

import struct
import uuid
import zlib
from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np
import numpy.typing as npt

from napari_lexicon.errors import PlateError

Pixels = npt.NDArray[Any]
BlockReader = Callable[[slice, slice, slice], Pixels]
"""Reads ``(channels, rows, columns)`` of one image as a ``(C, Y, X)`` array."""

LONGEST_CHUNK = 4096
MOST_PIXELS = 2**36
"""Pixels of the largest plane that is believed: a whole slide has fewer, broken metadata claim more."""

# What codecs and file readers raise on broken bytes. Each library has its own habit.
READ_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    RuntimeError,
    KeyError,
    IndexError,
    EOFError,
    ArithmeticError,  # tifffile, on an image of no height; integers that are too large
    AssertionError,  # tifffile, on pixels of 99 bits
    MemoryError,  # a header that claims more than there is
    SyntaxError,  # Pillow, on a broken PNG
    struct.error,  # tifffile, on a file of three bytes
    zlib.error,
)


def lazy_image(
    read: BlockReader,
    shape: tuple[int, int, int],
    dtype: np.dtype[Any],
    tile: tuple[int, int] | None = None,
    together: int = 1,
) -> da.Array:
    """An image that is read chunk by chunk.

    Parameters
    ----------
    read : callable
        ``read(channels, rows, columns)`` gives the ``(C, Y, X)`` pixels of one chunk. Pickled with the array.
    shape : tuple of int
        ``(C, Y, X)``.
    dtype : numpy.dtype
        Of the pixels.
    tile : tuple of int, optional
        Block ``(y, x)`` that the file is stored in; dask's chunks are multiples of it. None where a plane can only
        be read whole.
    together : int
        Channels that are stored together and therefore read together.

    Returns
    -------
    dask.array.Array
        ``(C, Y, X)``.
    """
    edges = [_chunk_edges(length, side) for length, side in zip(shape[1:], tile or shape[1:], strict=True)]
    return da.map_blocks(  # type: ignore[no-any-return, no-untyped-call]
        _read_block,
        read,
        name=f"field-{uuid.uuid4().hex}",  # a name of its own: tokenising the reader would cost more than reading
        chunks=(_whole_chunks(shape[0], together), *edges),
        dtype=dtype,
        meta=np.empty((0, 0, 0), dtype),
    )


def _chunk_edges(length: int, tile: int) -> tuple[int, ...]:
    return _whole_chunks(length, length if tile >= length else max(tile, LONGEST_CHUNK // tile * tile))


def _whole_chunks(length: int, side: int) -> tuple[int, ...]:
    return tuple(min(side, length - start) for start in range(0, length, side))


def _read_block(read: BlockReader, block_info: Any = None) -> Pixels:
    channels, rows, columns = block_info[None]["array-location"]
    return read(slice(*channels), slice(*rows), slice(*columns))


def believable(shape: tuple[int, int], what: str) -> tuple[int, int]:
    """The shape, where an image can have it.

    Raises
    ------
    PlateError
        If it is empty or larger than any image.
    """
    height, width = shape
    if height < 1 or width < 1:
        raise PlateError(f"{what} is empty: {height} x {width} pixels.")
    if height * width > MOST_PIXELS:
        raise PlateError(f"{what} claims {height} x {width} pixels; its header must be broken.")
    return shape


def native(pixels: Pixels) -> Pixels:
    """The same numbers in the machine's byte order, which is the only one torch takes."""
    return pixels if pixels.dtype.isnative else pixels.astype(pixels.dtype.newbyteorder("="))
