"""PNG, JPEG, BMP and JPEG 2000 files."""

from __future__ import annotations

import io
import struct
from contextlib import AbstractContextManager, nullcontext
from typing import IO

import numpy as np

from napari_lexicon.plates.image_files import RGB, ImageHeader, Plane
from napari_lexicon.plates.lazy import MOST_PIXELS, Pixels

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"
_PNG_TAIL = 4096  # some programs write more behind the end
# Colour types of a PNG and their samples: grey, RGB, palette, grey + alpha, RGB + alpha.
_PNG_SAMPLES = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
_GREY_MODES = {"L": np.uint8, "1": np.uint8, "I;16": np.uint16, "I;16B": np.uint16, "I": np.int32, "F": np.float32}


def raster_header(source: str | IO[bytes], extension: str) -> ImageHeader:
    """Header of a PNG, JPEG, BMP or JPEG 2000 file, by its path or open."""
    if extension == "png":
        with _opened(source) as file:
            header = _png_header(file.read(33))
            height, width = header.shape
            if isinstance(source, str) and height * width <= MOST_PIXELS:  # of a file on a disk its end costs nothing
                _check_png_ends(file)
            return header
    from PIL import Image

    try:
        with Image.open(source) as image:
            width, height = image.size
            dtype = np.dtype(_GREY_MODES.get(image.mode, np.uint8))
            return _header((height, width), dtype, len(image.getbands()), image.mode == "P")
    except Image.DecompressionBombError as error:
        raise ValueError(str(error)) from error


def _opened(source: str | IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    """The file from its beginning; one that came open is left open."""
    if isinstance(source, str):
        return open(source, "rb")
    source.seek(0, io.SEEK_SET)
    return nullcontext(source)


def _png_header(start: bytes) -> ImageHeader:
    # Pillow says "RGB" for 16-bit colour as well, and would read it as 8-bit.
    if len(start) < 33 or not start.startswith(_PNG_SIGNATURE) or start[12:16] != b"IHDR":
        raise ValueError("it is no PNG, or its header is cut off")
    width, height, depth, color = struct.unpack(">IIBB", start[16:26])
    if color not in _PNG_SAMPLES:
        raise ValueError(f"it has the unknown colour type {color}")
    return _header((height, width), np.dtype(np.uint16 if depth == 16 else np.uint8), _PNG_SAMPLES[color], color == 3)


def _check_png_ends(file: IO[bytes]) -> None:
    """Find a PNG that was cut off without reading it: its last chunk is absent."""
    file.seek(0, io.SEEK_END)
    file.seek(max(0, file.tell() - _PNG_TAIL))
    if _PNG_END not in file.read():
        raise ValueError("it is cut off: the end of a PNG is not there")


def _header(shape: tuple[int, int], dtype: np.dtype[np.generic], samples: int, palette: bool) -> ImageHeader:
    rgb = palette or samples >= 3
    remark = "transparency left out" if samples in (2, 4) else ""
    channels = 3 if rgb else 1
    return ImageHeader(shape, dtype, channels, rgb=rgb, described=RGB if rgb else (), together=channels, remark=remark)


def raster_plane(source: str | IO[bytes], extension: str, plane: Plane) -> Pixels:
    """``(C, Y, X)`` pixels of a PNG, JPEG, BMP or JPEG 2000 file, by its path or open."""
    if plane.level or plane.t or plane.z not in (0, "max"):
        raise ValueError("it has a single plane")
    header = raster_header(source, extension)
    if header.shape[0] * header.shape[1] > MOST_PIXELS:
        raise ValueError("its header claims more pixels than an image can have")
    pixels = _decoded(source, extension)[plane.rows, plane.columns]
    colors: Pixels = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels[..., : header.channels], -1, 0)
    if plane.channels is None:
        return colors.max(axis=0, keepdims=True)  # type: ignore[no-any-return]
    return colors[list(plane.channels)]


def _decoded(source: str | IO[bytes], extension: str) -> Pixels:
    """``(Y, X)`` or ``(Y, X, S)`` pixels."""
    if extension == "png":
        import imagecodecs

        with _opened(source) as file:
            return np.asarray(imagecodecs.png_decode(file.read()))
    from PIL import Image

    try:
        with Image.open(source) as image:
            plain = image if image.mode in _GREY_MODES and image.mode != "1" else image.convert(_plain_mode(image.mode))
            return np.asarray(plain)
    except Image.DecompressionBombError as error:
        raise ValueError(str(error)) from error


def _plain_mode(mode: str) -> str:
    return "L" if mode in ("1", "LA", "La") else "RGB"
