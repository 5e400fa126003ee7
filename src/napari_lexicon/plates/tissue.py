"""Where tissue lies on a slide: stained pixels are coloured, glass is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_lexicon.plates.lazy import Pixels
from napari_lexicon.plates.slide_files import Region, SlideFile

_LONGEST_SIDE = 2048
_STRIP = 2048
# Colour (largest minus smallest component) that separates stain from glass lies between these, wherever Otsu's
# threshold falls: JPEG noise on glass stays below the first, and on a slide full of tissue Otsu would split the tissue.
_LEAST_COLOR, _MOST_COLOR = 10, 30
_SMALLEST_SPECK = 16
LEAST_TISSUE = 0.1
"""Share of a tile that must be tissue."""


def tissue_tiles(slide: SlideFile, side: int, least: float = LEAST_TISSUE) -> list[Region]:
    """Tiles of a grid over the slide that tissue lies on, row by row.

    Parameters
    ----------
    slide : SlideFile
        Read on its coarsest useful level only.
    side : int
        Of the tiles, in pixels of the full resolution; tiles at the right and lower edge are smaller.
    least : float
        Share of a tile that must be tissue.
    """
    mask = tissue_mask(overview(slide))
    height, width = slide.shapes[0]
    # Sums over any rectangle from one table; a slide may have a hundred thousand tiles.
    sums = np.pad(mask, ((1, 0), (1, 0))).cumsum(0, dtype=np.int32).cumsum(1, dtype=np.int32)
    scale = mask.shape[0] / height, mask.shape[1] / width
    regions = []
    for row, top in enumerate(range(0, height, side)):
        for column, left in enumerate(range(0, width, side)):
            region = Region(top, left, min(side, height - top), min(side, width - left), f"r{row:03d}c{column:03d}")
            y = _span(top, region.height, scale[0], mask.shape[0])
            x = _span(left, region.width, scale[1], mask.shape[1])
            inside = sums[y[1], x[1]] - sums[y[0], x[1]] - sums[y[1], x[0]] + sums[y[0], x[0]]
            if inside >= least * (y[1] - y[0]) * (x[1] - x[0]):
                regions.append(region)
    return regions


def _span(start: int, length: int, scale: float, most: int) -> tuple[int, int]:
    first = min(int(start * scale), most - 1)
    return first, max(first + 1, min(most, round((start + length) * scale)))


def overview(slide: SlideFile) -> Pixels:
    """``(3, Y, X)`` picture of the whole slide, at most 2048 pixels long; read in strips, so memory is bounded."""
    wanted = [n for n, shape in enumerate(slide.shapes) if max(shape) <= _LONGEST_SIDE]
    level = wanted[0] if wanted else len(slide.shapes) - 1
    height, width = slide.shapes[level]
    step = -(-max(height, width) // _LONGEST_SIDE)
    strips = []
    depth = _STRIP // step * step or step
    for top in range(0, height, depth):
        strip = slide.pixels(level, slice(top, min(top + depth, height)), slice(0, width))
        strips.append(strip[:, ::step, ::step])
    return np.concatenate(strips, axis=1)


def tissue_mask(picture: Pixels) -> npt.NDArray[np.bool_]:
    """True where an overview shows tissue.

    Parameters
    ----------
    picture : (3, Y, X) uint8 array
        Brightfield: glass is white or grey; black is where nothing was scanned.

    Returns
    -------
    (Y, X) bool array
    """
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    wide = picture.astype(np.int16)
    color: Any = ndimage.uniform_filter(wide.max(axis=0) - wide.min(axis=0), 3)
    otsu = float(threshold_otsu(color)) if color.max() > color.min() else _MOST_COLOR
    mask = color > np.clip(otsu, _LEAST_COLOR, _MOST_COLOR)
    closed = ndimage.binary_closing(mask, iterations=2) | mask
    labels, count = ndimage.label(closed)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    found: npt.NDArray[np.bool_] = (sizes >= _SMALLEST_SPECK)[labels]
    return found
