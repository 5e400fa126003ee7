"""Single pages of TIFF files, where an index says which page is which plane and the file itself does not.

A page is written behind the name of its file, ``B03.tif#page=2``, counted from 0.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from napari_lexicon.plates.image_files import ImageHeader, Plane
from napari_lexicon.plates.lazy import Pixels

if TYPE_CHECKING:
    import tifffile

_MARK = "#page="


def name_of_page(file: str, page: int) -> str:
    """A page of a file as one name."""
    return f"{file}{_MARK}{page}"


@lru_cache(2**16)
def file_and_page(name: str) -> tuple[str, int | None]:
    """The file of a name, and which of its pages is meant; None where the name is that of a file."""
    file, mark, page = name.rpartition(_MARK)
    return (file, int(page)) if mark and page.isascii() and page.isdigit() and len(page) < 7 else (name, None)


def page_header(path: str, number: int) -> ImageHeader:
    """Header of one page; only grey values are read."""
    import tifffile

    from napari_lexicon.plates.tiff_metadata import pixel_size_um

    with tifffile.TiffFile(path, _multifile=False) as tif:
        page = _page(tif, number)
        parts = zip(page.dataoffsets, page.databytecounts, strict=False)
        end = max((offset + count for offset, count in parts), default=0)
        if end > tif.filehandle.size:
            raise ValueError(f"it is cut off: {tif.filehandle.size} of {end} bytes are there")
        return ImageHeader(
            shape=(page.imagelength, page.imagewidth),
            dtype=np.dtype(page.dtype).newbyteorder("="),
            pixel_size_um=pixel_size_um(tif),
        )


def page_pixels(path: str, number: int, plane: Plane) -> Pixels:
    """``(1, Y, X)`` pixels of one page."""
    import tifffile

    with tifffile.TiffFile(path, _multifile=False) as tif:
        pixels = _page(tif, number).asarray()
    return np.asarray(pixels[plane.rows, plane.columns])[None]


def _page(tif: tifffile.TiffFile, number: int) -> tifffile.TiffPage:
    from tifffile import TiffFrame

    count = len(tif.pages)
    if number >= count:
        raise ValueError(f"it has {count} pages; page {number + 1} was asked for")
    page = tif.pages.get(number, aspage=True)
    if isinstance(page, TiffFrame) or page.samplesperpixel != 1 or page.ndim != 2:
        raise ValueError("its pages are colour images or stacks, not single planes")
    return page
