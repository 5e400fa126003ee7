"""Pixels of one field that lies in image files: a file per channel and plane, or one file with all channels."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any, Literal

import dask.array as da
import numpy as np

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.image_files import ImageHeader, Plane, read_header, read_plane
from napari_lexicon.plates.lazy import Pixels, lazy_image
from napari_lexicon.plates.locations import remote_address
from napari_lexicon.plates.model import FieldSource
from napari_lexicon.plates.plane_choices import Pages
from napari_lexicon.plates.tiff_pages import file_and_page

if TYPE_CHECKING:
    from napari_lexicon.plates.remote_files import Versions

_TOGETHER = 32  # requests in flight


@dataclass(frozen=True)
class FilesField:
    """Field source over image files.

    Parameters
    ----------
    root : str
        The plate's folder.
    files : tuple of tuple of str
        For each channel the files of its planes in z, relative to the root. With ``within``, a single entry that
        serves all channels. An address stands for itself; a page of a file is named as `tiff_pages` does.
    n_channels : int
    within : bool
        True where the channels are within the files, False where each channel has its own.
    z : int or "max"
        Plane within the files, where these are stacks.
    t : int
        Time point within the files, where these are series.
    scene : int
        Which image of files with several.
    pages : {"z", "t", "c"}, optional
        What the pages of files are that do not say it.
    versions : Versions, optional
        Asks for the versions of all files of a plate that are behind addresses; stays in the process that opened it.
    """

    root: str
    files: tuple[tuple[str, ...], ...]
    n_channels: int
    within: bool = False
    z: int | Literal["max"] = "max"
    t: int = 0
    scene: int = 0
    pages: Pages | None = None
    versions: Versions | None = field(default=None, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "versions": None}

    def _path(self, name: str) -> str:
        return name if remote_address(name) is not None else os.path.join(self.root, name)

    @cached_property
    def _header(self) -> ImageHeader:
        return read_header(self._path(self.files[0][0]), self.scene, self.pages)

    @cached_property
    def _headers(self) -> tuple[ImageHeader, ...]:
        """One header per channel, checked to fit each other."""
        paths = [self._path(planes[0]) for planes in self.files[1:]]
        if any(remote_address(path) for path in paths):  # each costs round trips
            with ThreadPoolExecutor(len(paths)) as pool:
                headers = (self._header, *pool.map(lambda path: read_header(path, self.scene, self.pages), paths))
        else:
            headers = (self._header, *(read_header(path, self.scene, self.pages) for path in paths))
        for planes, header in zip(self.files, headers, strict=True):
            if header.shape != self._header.shape:
                raise PlateError(
                    f"{self._path(planes[0])} has {header.shape[0]} x {header.shape[1]} pixels, but "
                    f"{self.files[0][0]} of the same field has {self._header.shape[0]} x {self._header.shape[1]}."
                )
        if self.within and self._header.channels != self.n_channels:
            raise PlateError(
                f"{self._path(self.files[0][0])} has {self._header.channels} channels, not {self.n_channels} as the "
                "other images of the plate."
            )
        return headers

    def shape(self) -> tuple[int, int]:
        """``(Y, X)`` in pixels at full resolution."""
        return self._header.shape

    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels; the wider one where the channels differ."""
        return np.result_type(*(header.dtype for header in self._headers))

    def levels(self) -> int:
        """Number of pyramid levels."""
        return self._header.levels if self.within else 1

    def identity(self) -> str:
        """Names, sizes and times of change of the files, and the choices along z and t.

        Of an address what its server says: from the headers, if these are read already, else by a request for each.
        """
        states = [f"z={self.z} t={self.t}" + (f" scene={self.scene}" if self.scene else "")]
        states += [f"pages={self.pages}"] if self.pages else []
        published = self._published()
        for name in (name for planes in self.files for name in planes):
            if remote_address(name) is not None:
                states.append(f"{name} {published[name]}".rstrip())
                continue
            try:
                known = os.stat(file_and_page(self._path(name))[0])
            except OSError as error:
                raise PlateError(f"{self._path(name)} cannot be read: {error.strerror or error}.") from error
            states.append(f"{name} {known.st_size} {known.st_mtime_ns}")
        return "; ".join(states)

    def _published(self) -> dict[str, str]:
        """Version of each file that is behind an address."""
        headers = self.__dict__.get("_headers", ())
        known = {planes[0]: header.version for planes, header in zip(self.files, headers, strict=False)}
        rest = [name for planes in self.files for name in planes if remote_address(name) and name not in known]
        if not rest:
            return known
        from napari_lexicon.plates.remote_files import Versions

        try:
            found = (self.versions or Versions(rest)).of(rest)
        except OSError as error:
            raise PlateError(f"{rest[0]} cannot be asked for its version: {error}. Check the connection.") from error
        return known | dict(zip(rest, found, strict=True))

    def image(self, level: int = 0) -> da.Array:
        """Lazy ``(C, Y, X)`` pixels."""
        if not 0 <= level < self.levels():
            raise PlateError(f"{self._path(self.files[0][0])} has {self.levels()} levels; level {level} was asked for.")
        _ = self._headers
        tile = self._header.tile
        height, width = self._header.shape
        if level:  # the exact shape of a level is only in the file
            height, width = read_plane(self._path(self.files[0][0]), self._plane((0,), level)).shape[1:]
        shape = (self.n_channels, height, width)
        together = self._header.together if self.within else 1
        return lazy_image(_Reader(self, level), shape, self.dtype(), tile, together)

    def _plane(self, channels: tuple[int, ...] | None, level: int) -> Plane:
        return Plane(channels, self.z, self.t, level, scene=self.scene, pages=self.pages)


def fetch_headers(sources: Iterable[FieldSource]) -> None:
    """Read the headers of images behind addresses, many at a time; what cannot be read is said by its field.

    Parameters
    ----------
    sources : iterable of FieldSource
        Of any kind; those on a disk are left alone.
    """
    published = [source for source in sources if isinstance(source, FilesField) and source.versions is not None]
    # Not the field's own headers: until Python 3.12 a cached property is worked out by one thread at a time.
    wanted = [
        (planes[0], source.scene, source.pages)
        for source in published
        for planes in source.files
        if remote_address(planes[0]) is not None
    ]
    with ThreadPoolExecutor(_TOGETHER) as pool:
        list(pool.map(_tried, wanted))


def _tried(wanted: tuple[str, int, Pages | None]) -> None:
    with suppress(PlateError):
        read_header(*wanted)


@dataclass(frozen=True)
class _Reader:
    """Reads one block."""

    field: FilesField
    level: int

    def __call__(self, channels: slice, rows: slice, columns: slice) -> Pixels:
        field = self.field
        if field.within:
            wanted = tuple(range(channels.start, channels.stop))
            return self._projected(field.files[0], wanted, rows, columns)
        planes = [self._projected(field.files[c], None, rows, columns) for c in range(channels.start, channels.stop)]
        return np.concatenate(planes)

    def _projected(
        self, files: tuple[str, ...], channels: tuple[int, ...] | None, rows: slice, columns: slice
    ) -> Pixels:
        """``(C, Y, X)`` maximum over the files of a stack."""
        plane = Plane(
            channels, self.field.z, self.field.t, self.level, rows, columns, self.field.scene, self.field.pages
        )
        blocks = (read_plane(self.field._path(name), plane) for name in files)
        return reduce(np.maximum, blocks).astype(self.field.dtype(), copy=False)
