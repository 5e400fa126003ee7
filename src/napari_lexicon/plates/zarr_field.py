"""Pixels of one OME-Zarr image: any axes, one time point, a plane or the maximum over z."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any, Literal

import dask.array as da
import numpy as np

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.lazy import READ_ERRORS, Pixels, believable, lazy_image, native
from napari_lexicon.plates.ngff_metadata import ImageMetadata
from napari_lexicon.plates.plane_choices import check_there
from napari_lexicon.plates.storage import Storage


@dataclass(frozen=True)
class ZarrField:
    """Field source of one multiscale image.

    Parameters
    ----------
    storage : Storage
        The plate's hierarchy.
    key : str
        Where the image is within it, ``"B/03/0"``; empty for the root.
    metadata : ImageMetadata
    n_channels : int
        Channels that the metadata promise.
    z : int or "max"
    t : int
    """

    storage: Storage
    key: str
    metadata: ImageMetadata
    n_channels: int
    z: int | Literal["max"] = "max"
    t: int = 0

    @property
    def name(self) -> str:
        """Where the image lies, for sentences."""
        return f"{self.storage.address}/{self.key}".rstrip("/")

    def _level_key(self, level: int) -> str:
        try:
            path = self.metadata.levels[level]
        except IndexError:
            raise PlateError(f"{self.name} has {self.levels()} levels; level {level} was asked for.") from None
        return f"{self.key}/{path}".lstrip("/")

    @cached_property
    def _header(self) -> tuple[dict[str, int], np.dtype[Any]]:
        """Length of every axis at full resolution, and the type, from the array's own small file."""
        key = self._level_key(0)
        document = self.storage.document(f"{key}/zarr.json") or self.storage.document(f"{key}/.zarray")
        if document is None:
            raise PlateError(
                f"{self.name} has no readable pixels: the header of its level {key.split('/')[-1]} is absent."
            )
        shape = document.get("shape")
        lengths = [n for n in shape if isinstance(n, int) and n >= 0] if isinstance(shape, list) else []
        if not isinstance(shape, list) or len(lengths) != len(shape) or len(lengths) != len(self.metadata.axes):
            raise PlateError(f"{self.name} has pixels of shape {shape!s:.80}; its axes are {self.metadata.axes}.")
        dtype = _pixel_type(document.get("data_type") or document.get("dtype"))
        if dtype is None:
            raise PlateError(f"{self.name} has pixels that are no numbers.")
        return dict(zip(self.metadata.axes, lengths, strict=True)), dtype

    def shape(self) -> tuple[int, int]:
        """``(Y, X)`` in pixels at full resolution."""
        lengths, _ = self._header
        return believable((lengths["y"], lengths["x"]), self.name)

    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self._header[1]

    def channels_on_disk(self) -> int:
        """Length of the channel axis, 1 where there is none."""
        return self._header[0].get("c", 1)

    def levels(self) -> int:
        """Number of pyramid levels."""
        return len(self.metadata.levels)

    def depth_and_times(self) -> tuple[int, int]:
        """Planes in z and time points; 1 where there is no such axis, or nothing to read."""
        try:
            lengths, _ = self._header
        except PlateError:
            return 1, 1
        return lengths.get("z", 1), lengths.get("t", 1)

    def identity(self) -> str:
        """Place within the plate, choices along z and t, and the state of the files of the full resolution."""
        return f"{self.key} z={self.z} t={self.t} {self.storage.state(self._level_key(0))}"

    def image(self, level: int = 0) -> da.Array:
        """Lazy ``(C, Y, X)`` pixels."""
        array = self._array(level)
        lengths = dict(zip(self.metadata.axes, array.shape, strict=True))
        chunks = dict(zip(self.metadata.axes, array.chunks, strict=True))
        channels = lengths.get("c", 1)
        if channels != self.n_channels:
            raise PlateError(f"{self.name} has {channels} channels, but its metadata name {self.n_channels}.")
        check_there(self.z, self.t, lengths.get("z", 1), lengths.get("t", 1), f"{self.name} has")
        height, width = believable((lengths["y"], lengths["x"]), self.name)
        tile = (int(chunks["y"]), int(chunks["x"]))
        together = int(chunks.get("c", 1))
        return lazy_image(_Reader(self, level), (channels, height, width), self.dtype(), tile, together)

    def region(self, channels: slice, rows: slice, columns: slice) -> Pixels:
        """``(C, y, x)`` pixels of a part at full resolution, read chunk by chunk as stored.

        Blocks of :meth:`image` are large, so that a whole field is few of them; a small part of one would still read
        all of it.
        """
        lengths, _ = self._header
        check_there(self.z, self.t, lengths.get("z", 1), lengths.get("t", 1), f"{self.name} has")
        sizes = (lengths.get("c", 1), lengths["y"], lengths["x"])
        bounds = (slice(*part.indices(size)) for part, size in zip((channels, rows, columns), sizes, strict=True))
        return self._parts(*bounds)

    @cached_property
    def _parts(self) -> _Reader:
        """Many parts are asked for one after another: opening the array takes as long as reading one."""
        return _Reader(self, 0)

    def __getstate__(self) -> dict[str, Any]:
        """Without what is opened, which stays in this process."""
        return {name: value for name, value in self.__dict__.items() if name != "_parts"}

    def _array(self, level: int) -> Any:
        try:
            array = self.storage.array(self._level_key(level))
        except READ_ERRORS as error:
            raise PlateError(f"{self.name} cannot be read: {error}.") from error
        if array.ndim != len(self.metadata.axes):
            raise PlateError(f"{self.name} has {array.ndim} axes at level {level}; its metadata name others.")
        return array


class _Reader:
    """Reads blocks of one level; opens the array once, in the process that reads."""

    def __init__(self, field: ZarrField, level: int) -> None:
        self.field = field
        self.level = level

    def __reduce__(self) -> tuple[Any, ...]:
        return _Reader, (self.field, self.level)

    @cached_property
    def array(self) -> Any:
        return self.field._array(self.level)

    def __call__(self, channels: slice, rows: slice, columns: slice) -> Pixels:
        try:
            return native(self._block(channels, rows, columns))
        except READ_ERRORS as error:
            raise PlateError(f"{self.field.name} has a chunk that cannot be read: {error}.") from error

    def _block(self, channels: slice, rows: slice, columns: slice) -> Pixels:
        axes = self.field.metadata.axes
        depth = self.array.shape[axes.index("z")] if "z" in axes else 1
        place: dict[str, Any] = {"t": self.field.t, "c": channels, "z": slice(0, depth), "y": rows, "x": columns}
        if self.field.z != "max":
            place["z"] = slice(self.field.z, self.field.z + 1)
        # Chunk by chunk in z, so that a deep stack needs little memory.
        step = int(self.array.chunks[axes.index("z")]) if "z" in axes else 1
        bounds = place["z"]
        starts = range(bounds.start, bounds.stop, step)
        return reduce(
            np.maximum,
            (self._flat({**place, "z": slice(start, min(start + step, bounds.stop))}) for start in starts),
        )

    def _flat(self, place: Mapping[str, Any]) -> Pixels:
        """``(C, Y, X)`` maximum over the z planes of a region."""
        axes = self.field.metadata.axes
        block: Pixels = np.asarray(self.array[tuple(place[axis] for axis in axes)])
        left = [axis for axis in axes if axis != "t"]
        for axis in "cz":
            if axis not in left:
                left, block = [axis, *left], block[None]
        flat: Pixels = block.transpose([left.index(axis) for axis in "czyx"]).max(axis=1)
        return flat


def _pixel_type(stated: Any) -> np.dtype[Any] | None:
    try:
        dtype = np.dtype(stated) if isinstance(stated, str) else None
    except TypeError:
        return None
    return dtype.newbyteorder("=") if dtype is not None and dtype.kind in "uifb" else None
