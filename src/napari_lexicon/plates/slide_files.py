"""One slide: its levels, and the pixels of a part of a level; through tifffile, or openslide where that is needed."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import dask.array as da
import numpy as np

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.image_files import TIFF_EXTENSIONS, Plane, extension_of, read_header, read_plane
from napari_lexicon.plates.lazy import READ_ERRORS, Pixels, believable, lazy_image
from napari_lexicon.plates.ngff_metadata import sane_pixel_size

OPENSLIDE_EXTENSIONS = frozenset(("mrxs", "vms", "vmu", "bif", "svslide"))
"""Slides that only openslide reads."""
_COLORS = (0, 1, 2)
_SMALLEST_LEVEL = 32


@dataclass(frozen=True)
class SlideFile:
    """A slide and its pyramid.

    Parameters
    ----------
    path : str
        Of the file.
    shapes : tuple of tuple of int
        ``(Y, X)`` of each level, full resolution first.
    tile : tuple of int or None
        Block that the full resolution is stored in.
    pixel_size_um : tuple of float or None
        ``(y, x)`` at full resolution.
    rgb : bool
        True for a colour image.
    by_openslide : bool
        True where tifffile cannot read it.
    """

    path: str
    shapes: tuple[tuple[int, int], ...]
    tile: tuple[int, int] | None
    pixel_size_um: tuple[float, float] | None
    rgb: bool = True
    by_openslide: bool = False

    def pixels(self, level: int, rows: slice, columns: slice) -> Pixels:
        """``(3, Y, X)`` 8-bit pixels of a part of a level.

        Raises
        ------
        PlateError
            If they cannot be read.
        """
        if self.by_openslide:
            return _openslide_pixels(self, level, rows, columns)
        return read_plane(self.path, Plane(_COLORS, "max", 0, level, rows, columns))


def slide_file(path: str | os.PathLike[str]) -> SlideFile:
    """What the headers of a slide say; no pixels are read.

    Raises
    ------
    PlateError
        If it cannot be read as an image.
    """
    text = os.fspath(path)
    if extension_of(text) not in TIFF_EXTENSIONS:
        return _openslide_file(text)
    header = read_header(text)
    shapes = [header.shape]
    if header.levels > 1:
        import tifffile

        try:
            with tifffile.TiffFile(text, _multifile=False) as tif:
                for level in tif.series[0].levels[1:]:
                    lengths = dict(zip(level.axes, level.shape, strict=True))
                    shapes.append(believable((int(lengths["Y"]), int(lengths["X"])), text))
        except READ_ERRORS as error:
            raise PlateError(f"{text} cannot be read as a slide: {error}.") from error
    return SlideFile(text, tuple(shapes), header.tile, header.pixel_size_um, header.rgb)


def _openslide(path: str) -> Any:
    if importlib.util.find_spec("openslide") is None:
        raise PlateError(f"{path} needs openslide: pip install openslide-python openslide-bin.")
    import openslide

    try:
        return openslide.OpenSlide(path)
    except (openslide.OpenSlideError, OSError) as error:
        raise PlateError(f"{path} cannot be read as a slide: {error}.") from error


def _openslide_file(path: str) -> SlideFile:
    with _openslide(path) as slide:
        shapes = tuple(believable((height, width), path) for width, height in slide.level_dimensions)
        stated = slide.properties
        try:
            size: tuple[float, float] | None = (
                float(stated["openslide.mpp-y"]),
                float(stated["openslide.mpp-x"]),
            )
        except (KeyError, ValueError):
            size = None
        return SlideFile(path, shapes, (512, 512), size if size and sane_pixel_size(size) else None, True, True)


def _openslide_pixels(slide: SlideFile, level: int, rows: slice, columns: slice) -> Pixels:
    with _openslide(slide.path) as opened:
        down = opened.level_downsamples[level]
        corner = round(columns.start * down), round(rows.start * down)  # at full resolution, as openslide wants it
        size = columns.stop - columns.start, rows.stop - rows.start
        try:
            colors = np.asarray(opened.read_region(corner, level, size))
        except READ_ERRORS as error:
            raise PlateError(f"{slide.path} cannot be read: {error}.") from error
    alpha = colors[..., 3:].astype(np.uint16)
    # Where nothing was scanned the slide is white, as glass is.
    whole = (colors[..., :3] * alpha + 255 * (255 - alpha)) // 255
    return cast(Pixels, np.moveaxis(whole.astype(np.uint8), -1, 0))


@dataclass(frozen=True)
class Region:
    """A rectangle of the full resolution."""

    top: int
    left: int
    height: int
    width: int
    name: str


@dataclass(frozen=True)
class SlideTile:
    """Field source: one tile of a slide."""

    slide: SlideFile
    region: Region

    def shape(self) -> tuple[int, int]:
        """``(Y, X)`` in pixels at full resolution."""
        return self.region.height, self.region.width

    def dtype(self) -> np.dtype[Any]:
        """8 bit."""
        return np.dtype(np.uint8)

    def levels(self) -> int:
        """Levels at which the tile is still more than a few pixels."""
        full = self.slide.shapes[0]
        return sum(
            (
                self.region.height * shape[0] // full[0] >= _SMALLEST_LEVEL
                and self.region.width * shape[1] // full[1] >= _SMALLEST_LEVEL
            )
            or number == 0
            for number, shape in enumerate(self.slide.shapes)
        )

    def identity(self) -> str:
        """Name, size and time of change of the file, and the region."""
        try:
            known = os.stat(self.slide.path)
        except OSError as error:
            raise PlateError(f"{self.slide.path} cannot be read: {error.strerror or error}.") from error
        return f"{Path(self.slide.path).name} {known.st_size} {known.st_mtime_ns} {self.region}"

    def image(self, level: int = 0) -> da.Array:
        """Lazy ``(3, Y, X)`` pixels."""
        if not 0 <= level < self.levels():
            raise PlateError(f"{self.slide.path} has {self.levels()} levels; level {level} was asked for.")
        rows, columns = self._at(level)
        shape = (3, rows.stop - rows.start, columns.stop - columns.start)
        return lazy_image(_TileReader(self, level), shape, self.dtype(), self.slide.tile, 3)

    def _at(self, level: int) -> tuple[slice, slice]:
        """The region in pixels of a level."""
        full, shape = self.slide.shapes[0], self.slide.shapes[level]
        rows, columns = (
            slice(start * there // whole, max((start + length) * there // whole, start * there // whole + 1))
            for start, length, there, whole in (
                (self.region.top, self.region.height, shape[0], full[0]),
                (self.region.left, self.region.width, shape[1], full[1]),
            )
        )
        return rows, columns


@dataclass(frozen=True)
class _TileReader:
    """Reads one block of a tile."""

    tile: SlideTile
    level: int

    def __call__(self, channels: slice, rows: slice, columns: slice) -> Pixels:
        top, left = (place.start for place in self.tile._at(self.level))
        region = slice(top + rows.start, top + rows.stop), slice(left + columns.start, left + columns.stop)
        return self.tile.slide.pixels(self.level, *region)[channels]
