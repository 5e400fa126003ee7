"""A plate at another pixel size, or enlarged: every field resampled when it is read, so that a model sees cells well.

What is opened so is a plate like any other: its fields have the new shape and pixel size, and everything that is made
from it (maps, boxes, cells, finer maps) lies on the same pixels. The edges of a field stay where they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import dask.array as da
import numpy as np

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.lazy import believable, lazy_image
from napari_lexicon.plates.model import Field, FieldSource, Plate, Well

VERSION = "resample-1"
SMALLEST_UM, LARGEST_UM = 0.01, 100.0
SMALLEST_FACTOR, LARGEST_FACTOR = 0.1, 8.0
_SAME = 0.005  # relative: a field that is so near to the size asked for is left as it is


def resampled_plate(plate: Plate, um_per_pixel: float) -> Plate:
    """The plate with every field at ``um_per_pixel`` micrometres per pixel.

    Parameters
    ----------
    plate : Plate
        Whose fields know their pixel size.
    um_per_pixel : float
        Micrometres per pixel, 0.01 to 100.

    Returns
    -------
    Plate
        The same wells, channels, plate map and problems; the note says what was done.

    Raises
    ------
    PlateError
        If a field has no pixel size, or the size asked for makes no sense.
    """
    if not SMALLEST_UM <= um_per_pixel <= LARGEST_UM:
        raise PlateError(
            f"Images are resampled to {SMALLEST_UM:g} to {LARGEST_UM:g} µm per pixel, not {um_per_pixel:g}: correct "
            "the option, or leave it out."
        )
    unknown = [field for field in plate.fields() if field.pixel_size_um is None]
    if unknown:
        raise PlateError(
            f"{plate.name} does not say how large its pixels are (field {unknown[0].key}), so it cannot be resampled: "
            "leave out the size in µm per pixel."
        )
    wells: Mapping[str, Well] = {
        name: replace(well, fields=tuple(_resampled(field, um_per_pixel) for field in well.fields))
        for name, well in plate.wells.items()
    }
    return replace(plate, wells=wells, note=f"{plate.note}; resampled to {um_per_pixel:g} µm per pixel")


def enlarged_plate(plate: Plate, factor: float) -> Plate:
    """The plate with ``factor`` pixels for every one along y and x, whether or not it knows their size.

    Parameters
    ----------
    plate : Plate
        With or without pixel sizes.
    factor : float
        0.1 to 8; less than 1 makes fields smaller.

    Returns
    -------
    Plate
        As from :func:`resampled_plate`.

    Raises
    ------
    PlateError
        If the factor makes no sense.
    """
    if not SMALLEST_FACTOR <= factor <= LARGEST_FACTOR:
        raise PlateError(
            f"Images are enlarged {SMALLEST_FACTOR:g} to {LARGEST_FACTOR:g} times, not {factor:g}: correct the option, "
            "or leave it out."
        )
    if abs(factor - 1) < _SAME:
        return plate
    wells: Mapping[str, Well] = {
        name: replace(well, fields=tuple(_enlarged(field, factor) for field in well.fields))
        for name, well in plate.wells.items()
    }
    return replace(plate, wells=wells, note=f"{plate.note}; enlarged {factor:g} times")


def _resampled(field: Field, um: float) -> Field:
    assert field.pixel_size_um is not None
    factors = tuple(size / um for size in field.pixel_size_um)
    if all(abs(factor - 1) < _SAME for factor in factors):
        return field
    source = Resampled(field.source, len(field.channels), (factors[0], factors[1]), f"{um:g} um")
    return replace(field, source=source, pixel_size_um=(um, um))


def _enlarged(field: Field, factor: float) -> Field:
    size = field.pixel_size_um and (field.pixel_size_um[0] / factor, field.pixel_size_um[1] / factor)
    source = Resampled(field.source, len(field.channels), (factor, factor), f"x{factor:g}")
    return replace(field, source=source, pixel_size_um=size)


@dataclass(frozen=True)
class Resampled:
    """Field source: another one at another pixel size.

    Parameters
    ----------
    inner : FieldSource
        The pixels as they are on disk.
    n_channels : int
    factors : tuple of float
        New pixels per old one, ``(y, x)``.
    done : str
        What was done, in a few letters, for the identity of the field.
    """

    inner: FieldSource
    n_channels: int
    factors: tuple[float, float]
    done: str

    def shape(self) -> tuple[int, int]:
        """``(Y, X)`` at full resolution."""
        height, width = self.inner.shape()
        return believable((_scaled(height, self.factors[0]), _scaled(width, self.factors[1])), "the resampled field")

    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels, that of the file."""
        return self.inner.dtype()

    def levels(self) -> int:
        """One: a pyramid is for looking, not for reading with a model."""
        return 1

    def identity(self) -> str:
        """That of the file, and what was done."""
        return f"{self.inner.identity()} {VERSION} {self.done}"

    def image(self, level: int = 0) -> da.Array:
        """Lazy ``(C, Y, X)`` pixels; a channel is read and resampled whole."""
        if level:
            raise PlateError(f"A resampled field has 1 level; level {level} was asked for.")
        return lazy_image(_Reader(self), (self.n_channels, *self.shape()), self.dtype())


@dataclass(frozen=True)
class _Reader:
    field: Resampled

    def __call__(self, channels: slice, rows: slice, columns: slice) -> np.ndarray:
        whole = self.field.inner.image()[channels].compute()
        shape = self.field.shape()
        return np.stack([resampled(plane, shape)[rows, columns] for plane in whole])


def resampled(plane: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A ``(Y, X)`` plane on ``shape`` pixels over the same ground, of the same type; smoothed where it shrinks."""
    from skimage.transform import resize

    found = resize(plane.astype(np.float64), shape, order=1, mode="edge", anti_aliasing=True, preserve_range=True)
    kind = plane.dtype
    if kind.kind in "ui":
        limits = np.iinfo(kind)
        found = np.rint(found).clip(limits.min, limits.max)
    return np.asarray(found, dtype=kind)


def nearest(labels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Labels over the same ground on ``shape`` pixels: each takes the label that its middle lies on."""
    if labels.shape == shape:
        return labels
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.int64) for old, new in zip(labels.shape, shape, strict=True)
    )
    return np.asarray(labels[np.ix_(rows, columns)])


def _scaled(length: int, factor: float) -> int:
    return max(1, round(length * factor))
