"""Single image files behind https or s3, through fsspec: small pieces for a header or a tile, one request for a file.

Servers fail now and then, so a request is sent again; what fails in the end is an OSError that says why. What a table
of images calls an address is read here and nowhere else: never a path on the disk of whoever opens the table.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import IO, Any, TypeVar, cast

from napari_lexicon.plates.remote_storage import filesystem_of, reason_of

LARGEST_FILE = 2**30
"""Bytes of the largest image that is read in one piece; a plane of a camera has a hundredth."""
HEADER_PIECE, TILES_PIECE = 2**16, 2**20
"""Bytes that are asked for at once, and read ahead: a directory of a TIFF fits one, a row of tiles a few."""
_WAITS = (0.2, 1.0)

Found = TypeVar("Found")


def content_of(address: str) -> bytes:
    """All bytes of a file, in one request.

    Raises
    ------
    OSError
        If it is absent, the server does not give it, or it is too large.
    PlateError
        If a package for such addresses is missing.
    """
    system = filesystem_of(address)
    path = system._strip_protocol(address)
    content: bytes = _asked(lambda: system.cat_file(path, start=0, end=LARGEST_FILE))
    if len(content) >= LARGEST_FILE:
        raise OSError("it has more than a gigabyte and no tiles; download it, and put it below the table's folder")
    return content


def opened_address(address: str, piece: int = HEADER_PIECE) -> IO[bytes]:
    """A file for reading parts of it; whole where the server does not give parts.

    Raises
    ------
    OSError
        If it is absent, or the server does not give it.
    PlateError
        If a package for such addresses is missing.
    """
    system = filesystem_of(address)
    path = system._strip_protocol(address)
    file: Any = _asked(lambda: system.open(path, "rb", block_size=piece, cache_type="readahead"))
    if file.seekable():
        return cast("IO[bytes]", _Repeating(file))
    file.close()
    return io.BytesIO(content_of(address))


class _Repeating(io.RawIOBase):
    """An open file whose failed requests are sent again."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def read(self, size: int = -1) -> bytes:
        place = self._file.tell()

        def part() -> bytes:
            self._file.seek(place)
            return bytes(self._file.read(size))

        return _asked(part)

    def readinto(self, buffer: Any) -> int:
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        self._file.close()
        super().close()


def _asked(request: Callable[[], Found]) -> Found:
    """The answer to a request, which is sent three times at most."""
    for wait in (*_WAITS, None):
        try:
            return request()
        except Exception as error:
            # Each file system of fsspec has failures of its own; that of http says "not found" of all it did not get.
            cause = error.__cause__ if isinstance(error, FileNotFoundError) else None
            said = cause if isinstance(cause, Exception) else error
            absent = isinstance(said, FileNotFoundError) or getattr(said, "status", None) == 404
            refused = isinstance(said, PermissionError) or getattr(said, "status", None) in (401, 403)
            if wait is None or absent or refused:
                raise OSError("it is not there" if absent else reason_of(said)) from error
            time.sleep(wait)
    raise AssertionError
