"""The fields of a well laid side by side by their stage positions, as one lazy image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.lazy import Pixels, believable, lazy_image

if TYPE_CHECKING:
    from napari_lexicon.plates.model import Field

_CHUNK = 1024
# Pixel sizes that differ by less than this are the same; microscopes round.
_SAME = 0.01


@dataclass(frozen=True, eq=False)
class Stitched:
    """Fields of a well as one image.

    Parameters
    ----------
    image : dask.array.Array
        ``(C, Y, X)``, read chunk by chunk. 0 where there is no field, or the field lacks the channel.
    channels : tuple of int
        Which of the plate's channels these are.
    fields : tuple of Field
        Those that are shown. Where fields overlap, the later one lies on top.
    places : tuple of tuple of int
        ``(y, x)`` of the upper left pixel of each field within the image.
    pixel_size_um : tuple of float
        ``(y, x)`` at this level.
    origin_um : tuple of float
        Stage position ``(y, x)`` of the image's upper left field corner.
    left_out : tuple of Field
        Fields at the very place of another, such as planes of a stack or further acquisitions.
    """

    image: da.Array
    channels: tuple[int, ...]
    fields: tuple[Field, ...]
    places: tuple[tuple[int, int], ...]
    pixel_size_um: tuple[float, float]
    origin_um: tuple[float, float]
    left_out: tuple[Field, ...] = ()


def stitched(fields: Sequence[Field], level: int = 0) -> Stitched:
    """Fields by their stage positions.

    Parameters
    ----------
    fields : sequence of Field
        Of one well, with positions and one pixel size.
    level : int
        Level of the fields' pyramids.

    Raises
    ------
    PlateError
        If there are no positions or pixel sizes, or they cannot belong to one well.
    """
    where = f"Well {fields[0].well}" if fields else "The well"
    if not fields or any(field.position_um is None or field.pixel_size_um is None for field in fields):
        raise PlateError(f"{where} cannot be stitched: its fields have no stage positions or no pixel size.")
    size = _common_size(fields, where)
    shown, left_out = _apart(fields, size)
    shapes = [field.image(level).shape[1:] if level else field.shape for field in shown]
    factor = shown[0].shape[0] / shapes[0][0], shown[0].shape[1] / shapes[0][1]
    scale = size[0] * factor[0], size[1] * factor[1]
    corners = np.array([field.position_um for field in shown])
    origin = corners.min(axis=0)
    places = np.rint((corners - origin) / scale).astype(np.int64)
    height, width = (places + np.array(shapes)).max(axis=0)
    believable((int(height), int(width)), f"{where}, stitched,")
    channels = tuple(sorted({channel for field in shown for channel in field.channels}))
    tops = tuple((int(y), int(x)) for y, x in places)
    dtype = np.result_type(*(field.source.dtype() for field in shown))
    canvas = _Canvas(tuple(shown), tops, tuple(shapes), channels, dtype, level)
    image = lazy_image(canvas, (len(channels), int(height), int(width)), dtype, (_CHUNK, _CHUNK), len(channels))
    return Stitched(image, channels, tuple(shown), tops, scale, (float(origin[0]), float(origin[1])), tuple(left_out))


def _common_size(fields: Sequence[Field], where: str) -> tuple[float, float]:
    sizes = np.array([field.pixel_size_um for field in fields])
    if np.any(sizes.max(axis=0) > sizes.min(axis=0) * (1 + _SAME)):
        raise PlateError(f"{where} cannot be stitched: its fields have different pixel sizes.")
    return float(sizes[0, 0]), float(sizes[0, 1])


def _apart(fields: Sequence[Field], size: tuple[float, float]) -> tuple[list[Field], list[Field]]:
    """Fields at places of their own, and those at the very place of one of these."""
    taken: dict[tuple[int, int], Field] = {}
    left_out = []
    for field in fields:
        assert field.position_um is not None
        y, x = (position / pixel for position, pixel in zip(field.position_um, size, strict=True))
        if taken.setdefault((round(y), round(x)), field) is not field:
            left_out.append(field)
    return list(taken.values()), left_out


@dataclass(frozen=True)
class _Canvas:
    """Reads one block of the stitched image: the parts of the fields that lie in it."""

    fields: tuple[Field, ...]
    places: tuple[tuple[int, int], ...]
    shapes: tuple[tuple[int, ...], ...]
    channels: tuple[int, ...]
    dtype: np.dtype[np.generic]
    level: int

    def __call__(self, channels: slice, rows: slice, columns: slice) -> Pixels:
        wanted = self.channels[channels]
        block: Pixels = np.zeros((len(wanted), rows.stop - rows.start, columns.stop - columns.start), self.dtype)
        for field, (top, left), (height, width) in zip(self.fields, self.places, self.shapes, strict=True):
            y = slice(max(rows.start, top), min(rows.stop, top + height))
            x = slice(max(columns.start, left), min(columns.stop, left + width))
            have = [n for n, channel in enumerate(wanted) if channel in field.channels]
            if y.start >= y.stop or x.start >= x.stop or not have:
                continue
            image = field.image(self.level)[:, y.start - top : y.stop - top, x.start - left : x.stop - left]
            pixels = image[[field.channels.index(wanted[n]) for n in have]].compute(scheduler="synchronous")
            inner_y = slice(y.start - rows.start, y.stop - rows.start)
            inner_x = slice(x.start - columns.start, x.stop - columns.start)
            block[have, inner_y, inner_x] = pixels
        return block
