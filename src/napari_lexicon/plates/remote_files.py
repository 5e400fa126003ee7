"""Single image files behind https or s3, through fsspec: small pieces for a header or a tile, one request for a file.

Servers fail now and then, so a request is sent again; what fails in the end is an OSError that says why. What a table
of images calls an address is read here and nowhere else: never a path on the disk of whoever opens the table.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, TypeVar, cast

from napari_lexicon.plates.remote_storage import filesystem_of, reason_of

LARGEST_FILE = 2**30
"""Bytes of the largest image that is read in one piece; a plane of a camera has a hundredth."""
HEADER_PIECE, TILES_PIECE = 2**16, 2**20
"""Bytes that are asked for at once, and read ahead: a directory of a TIFF fits one, a row of tiles a few."""
_WAITS = (0.2, 1.0)

_TOGETHER = 32
_AHEAD = 256
# What tells two versions of a file apart, the surest first: a web server's hash may be another on each of its machines.
_VERSION = ("Last-Modified", "ETag", "etag", "md5Hash", "LastModified", "updated")

Found = TypeVar("Found")


class _Withheld(OSError):
    """It is not there, or not for us."""


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
    how: dict[str, Any] = {"block_size": piece, "cache_type": "readahead"}
    stated: Mapping[str, Any] | None = None
    if address.startswith("http"):  # these files do not keep what was said, and would ask again
        stated = _asked(lambda: system.info(path))
        how["size"] = stated.get("size")
        if not how["size"] or not stated.get("partial", True):
            return _Whole(content_of(address), _version(stated))
    file: Any = _asked(lambda: system.open(path, "rb", **how))
    version = _version(file.details if stated is None else stated)
    if file.seekable():
        return cast("IO[bytes]", _Repeating(file, version))
    file.close()
    return _Whole(content_of(address), version)


def version_of(file: IO[bytes]) -> str:
    """What the server said of the version of an open file; empty where it said nothing."""
    return file.version if isinstance(file, (_Repeating, _Whole)) else ""


class Versions:
    """What a server says of the versions of many files, each asked for once and many at a time; no bytes are read.

    Parameters
    ----------
    addresses : sequence of str
        That will be asked for, in this order: with the first of them the next ones are asked for as well.
    """

    def __init__(self, addresses: Sequence[str] = ()) -> None:
        self._order = list(addresses)
        self._places = {address: place for place, address in enumerate(self._order)}
        self._known: dict[str, str] = {}

    def of(self, addresses: Sequence[str]) -> list[str]:
        """Versions of some files; empty of one that is not there, or of which the server says nothing.

        Raises
        ------
        OSError
            If the server does not answer.
        PlateError
            If a package for such addresses is missing.
        """
        missing = [address for address in addresses if address not in self._known]
        if missing:
            place = self._places.get(missing[0])
            ahead = [] if place is None else self._order[place : place + _AHEAD]
            wanted = [one for one in dict.fromkeys([*missing, *ahead]) if one not in self._known]
            with ThreadPoolExecutor(_TOGETHER) as pool:
                self._known.update(zip(wanted, pool.map(_stated_version, wanted), strict=True))
        return [self._known[address] for address in addresses]


def _stated_version(address: str) -> str:
    system = filesystem_of(address)
    path = system._strip_protocol(address)
    try:
        return _version(_asked(lambda: system.info(path)))
    except _Withheld:
        return ""


def _version(stated: Mapping[str, Any]) -> str:
    said = next((str(stated[key]) for key in _VERSION if stated.get(key)), "")
    return f"{stated.get('size')} {said.strip()}" if said else ""


class _Whole(io.BytesIO):
    """A file that came in one piece."""

    def __init__(self, content: bytes, version: str) -> None:
        super().__init__(content)
        self.version = version


class _Repeating(io.RawIOBase):
    """An open file whose failed requests are sent again."""

    def __init__(self, file: Any, version: str) -> None:
        super().__init__()
        self._file, self.version = file, version

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
                kind = _Withheld if absent or refused else OSError
                raise kind("it is not there" if absent else reason_of(said)) from error
            time.sleep(wait)
    raise AssertionError
