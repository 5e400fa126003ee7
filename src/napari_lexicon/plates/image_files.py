"""One image file: what its header says, and the pixels of one plane of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import lru_cache
from io import BytesIO
from typing import IO, Any, Literal

import numpy as np

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.lazy import READ_ERRORS, Pixels, believable, native
from napari_lexicon.plates.locations import remote_address
from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.plane_choices import Pages

TIFF_EXTENSIONS = frozenset(("tif", "tiff", "tf2", "tf8", "btf", "lsm", "stk", "svs", "ndpi", "scn", "qptiff"))
RASTER_EXTENSIONS = frozenset(("png", "jpg", "jpeg", "jpe", "bmp", "dib", "jp2"))
IMAGE_EXTENSIONS = TIFF_EXTENSIONS | RASTER_EXTENSIONS
VENDOR_EXTENSIONS = frozenset(("czi", "lif", "nd2", "oir", "oib", "zvi", "vsi", "ims"))
"""Files of instruments that hold several images, with planes and channels, and what is known of them."""

RGB = (Channel("Red", "#FF0000"), Channel("Green", "#00FF00"), Channel("Blue", "#0000FF"))


@dataclass(frozen=True)
class ImageHeader:
    """What the header of an image file says.

    Parameters
    ----------
    shape : tuple of int
        ``(Y, X)`` at full resolution.
    dtype : numpy.dtype
        Type of the pixels.
    channels, depth, times : int
        Planes within the file; a transparency channel is not counted.
    rgb : bool
        True where the three channels are one colour image.
    described : tuple of Channel
        Channels as the file describes them; empty where it does not.
    pixel_size_um : tuple of float or None
        ``(y, x)``, only where the file says something that a microscope can have.
    position_um : tuple of float or None
        Stage position ``(y, x)``, where the file says one.
    levels : int
        Levels of a pyramid within the file.
    tile : tuple of int or None
        Block that can be read without reading the plane.
    together : int
        Channels that are stored pixel by pixel, and read at once.
    scenes : int
        Images within the file, each of which is a field of its own.
    remark : str
        What was done to the file that a person should know ("transparency left out").
    version : str
        What a server says of the version of a file behind an address (date, size, hash); empty of one on a disk.
    """

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    channels: int = 1
    depth: int = 1
    times: int = 1
    rgb: bool = False
    described: tuple[Channel, ...] = ()
    pixel_size_um: tuple[float, float] | None = None
    levels: int = 1
    tile: tuple[int, int] | None = None
    together: int = 1
    scenes: int = 1
    remark: str = ""
    version: str = ""
    position_um: tuple[float, float] | None = None


@dataclass(frozen=True)
class Plane:
    """Which pixels of an image file are wanted: some channels of one plane.

    Parameters
    ----------
    channels : tuple of int or None
        None for the one channel that a file of a single channel has. Where such a file was saved as a colour image,
        its brightest component is taken.
    z : int or "max"
        Plane of a stack, or the maximum over all.
    t : int
        Time point.
    level : int
        Level of the pyramid.
    rows, columns : slice
        Region.
    scene : int
        Which image of a file with several.
    pages : {"z", "t", "c"}, optional
        What the pages are, where the file does not say it.
    """

    channels: tuple[int, ...] | None = None
    z: int | Literal["max"] = "max"
    t: int = 0
    level: int = 0
    rows: slice = field(default_factory=lambda: slice(None))
    columns: slice = field(default_factory=lambda: slice(None))
    scene: int = 0
    pages: Pages | None = None


def extension_of(name: str) -> str:
    """Extension of a file name or address in small letters, without the dot."""
    if remote_address(name) is not None:
        name = name.partition("?")[0]  # a signature may stand behind it
    return os.path.splitext(name)[1][1:].lower()


def read_header(path: str, scene: int = 0, pages: Pages | None = None) -> ImageHeader:
    """Header of an image file; no pixels are read.

    Parameters
    ----------
    path : str
        Of the file.
    scene : int
        Which image of a file with several.
    pages : {"z", "t", "c"}, optional
        What the pages are, where the file does not say it: guessed by their number where it is left out.

    Raises
    ------
    PlateError
        If the file is absent, empty, cut off or no image.
    """
    try:
        read = _remote_header if remote_address(path) is not None else _local_header
        header = read(path, scene, pages)
    except READ_ERRORS as error:
        raise PlateError(f"{path} cannot be read as an image: {_reason(error)}.") from error
    if header.dtype.kind not in "uifb":
        raise PlateError(f"{path} has pixels of type {header.dtype}, which are no intensities.")
    believable(header.shape, path)
    return header


def _local_header(path: str, scene: int, pages: Pages | None) -> ImageHeader:
    from napari_lexicon.plates.tiff_pages import file_and_page, page_header

    file, page = file_and_page(path)
    if os.path.getsize(file) == 0:
        raise PlateError(f"{file} is empty (0 bytes).")
    if page is not None:
        return page_header(file, page)
    return _header_in(path, extension_of(path), scene, pages)


@lru_cache(2**16)  # each look at a published image costs round trips; a plate of 1536 wells has so many
def _remote_header(address: str, scene: int, pages: Pages | None) -> ImageHeader:
    from napari_lexicon.plates.remote_files import opened_address, version_of

    with opened_address(address) as file:
        return replace(_header_in(file, extension_of(address), scene, pages), version=version_of(file))


def _header_in(source: str | IO[bytes], extension: str, scene: int, pages: Pages | None) -> ImageHeader:
    if extension in TIFF_EXTENSIONS:
        from napari_lexicon.plates.tiff_files import tiff_header

        return tiff_header(source, scene, pages)
    from napari_lexicon.plates.raster_files import raster_header

    return raster_header(source, extension)


def read_plane(path: str, plane: Plane) -> Pixels:
    """Pixels of one plane of an image file.

    Returns
    -------
    (C, Y, X) array
        One for each of the channels asked for.

    Raises
    ------
    PlateError
        If the file is absent, cut off or no image, or has no such plane.
    """
    remote = remote_address(path) is not None
    try:
        return native(_remote_plane(path, plane) if remote else _local_plane(path, plane))
    except READ_ERRORS as error:
        remedy = "check the connection, and whether the image is whole" if remote else "copy the image again"
        raise PlateError(f"{path} cannot be read ({_reason(error)}): {remedy}.") from error


def _local_plane(path: str, plane: Plane) -> Pixels:
    from napari_lexicon.plates.tiff_pages import file_and_page, page_pixels

    file, page = file_and_page(path)
    return _plane_in(path, extension_of(path), plane) if page is None else page_pixels(file, page, plane)


def _remote_plane(address: str, plane: Plane) -> Pixels:
    """Pixels of an image behind an address: of one in tiles those that are wanted, any other in a single request."""
    from napari_lexicon.plates.remote_files import TILES_PIECE, content_of, opened_address

    whole = _remote_header(address, plane.scene, plane.pages).tile is None
    with BytesIO(content_of(address)) if whole else opened_address(address, TILES_PIECE) as file:
        return _plane_in(file, extension_of(address), plane)


def _plane_in(source: str | IO[bytes], extension: str, plane: Plane) -> Pixels:
    if extension in TIFF_EXTENSIONS:
        from napari_lexicon.plates.tiff_files import tiff_plane

        return tiff_plane(source, plane)
    from napari_lexicon.plates.raster_files import raster_plane

    return raster_plane(source, extension, plane)


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = str(error).strip().rstrip(".")
    return " ".join(text.split())[:200] or type(error).__name__
