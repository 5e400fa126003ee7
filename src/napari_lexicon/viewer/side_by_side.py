"""Several fields side by side as one picture: every channel stays one layer, so contrast and camera are shared.

Pure functions of arrays. The first field lies where a field shown by itself lies; the others follow to the right and
below. Or all fields of a well lie where the stage was. Neighbours are a whole number of patches apart, so that their
activation maps fit into one grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_lexicon.viewer.conversion import Placement, cropped_map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_lexicon.plates.model import Field

_GAP = 0.02
"""Room between two fields, part of their width."""
_FINEST = 16_000_000
"""Values that a map on the finer grid may have at most."""


@dataclass(frozen=True)
class SideBySide:
    """Places of fields beside each other.

    Parameters
    ----------
    fields : tuple of Field
        Row by row; at least one.
    patch : int
        Pixels; 1 where nothing is computed.
    columns : int
        Fields in a row.
    places : tuple of (int, int)
        First pixel ``(y, x)`` of every field in the picture, where they do not stand in rows.
    """

    fields: tuple[Field, ...]
    patch: int = 1
    columns: int = 1
    places: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, fields: Sequence[Field], patch: int = 1) -> SideBySide:
        """Up to three in a row, more in rows of equal length."""
        n = len(fields)
        return cls(tuple(fields), patch, n if n <= 3 else math.ceil(math.sqrt(n)))

    @classmethod
    def by_stage(cls, fields: Sequence[Field], patch: int = 1) -> SideBySide:
        """Fields of one well where the stage was, to the nearest patch; where they overlap, a later one lies on top.

        Raises
        ------
        PlateError
            If they have no stage positions or pixel sizes, or cannot belong to one well.
        """
        from napari_lexicon.plates.stitching import stitched

        found = stitched(fields)
        places = tuple((patch * round(y / patch), patch * round(x / patch)) for y, x in found.places)
        return cls(found.fields, patch, len(found.fields), places)

    @property
    def alone(self) -> bool:
        """One field."""
        return len(self.fields) == 1

    @property
    def largest(self) -> tuple[int, int]:
        """``(Y, X)`` that holds every field."""
        shapes = [field.shape for field in self.fields]
        return max(height for height, _ in shapes), max(width for _, width in shapes)

    @property
    def step(self) -> tuple[int, int]:
        """Pixels from a field to the next below, and to the next on the right."""
        height, width = self.largest
        gap = max(4, round(_GAP * width))
        return (
            math.ceil((height + gap) / self.patch) * self.patch,
            math.ceil((width + gap) / self.patch) * self.patch,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """``(Y, X)`` of the whole picture."""
        if self.places:
            ends = [(y + f.shape[0], x + f.shape[1]) for (y, x), f in zip(self.places, self.fields, strict=True)]
            return max(y for y, _ in ends), max(x for _, x in ends)
        (height, width), (down, right) = self.largest, self.step
        return (self._rows - 1) * down + height, (min(self.columns, len(self.fields)) - 1) * right + width

    def offset(self, number: int) -> tuple[int, int]:
        """First pixel ``(y, x)`` of a field in the picture."""
        if self.places:
            return self.places[number]
        row, column = divmod(number, self.columns)
        return row * self.step[0], column * self.step[1]

    @property
    def whole(self) -> Placement:
        """Where the whole picture lies in the world."""
        return Placement.of(self.fields[0])

    def placement(self, number: int = 0) -> Placement:
        """Where a field lies in the world."""
        return Placement(self.whole.scale, self.whole.world_of(self.offset(number)), self.whole.units)

    def number_of(self, field: Field) -> int | None:
        """Which of the fields this is, None where it is not shown."""
        keys = [shown.key for shown in self.fields]
        return keys.index(field.key) if field.key in keys else None

    def at(self, world: Sequence[float]) -> int | None:
        """Which field lies under a point of the world, None beside them all."""
        y, x = self.whole.pixel_at(world)
        for number, field in reversed(list(enumerate(self.fields))):  # the one on top
            top, left = self.offset(number)
            if 0 <= y - top < field.shape[0] and 0 <= x - left < field.shape[1]:
                return number
        return None

    def picture(self, planes: Sequence[npt.NDArray[Any] | None]) -> npt.NDArray[Any]:
        """One channel of all fields.

        Parameters
        ----------
        planes : sequence of numpy.ndarray or None
            ``(Y, X)`` or ``(Y, X, 3)`` of each field; None, black, where it lacks the channel.
        """
        known = [plane for plane in planes if plane is not None]
        if self.alone:
            return known[0]
        whole = np.zeros((*self.shape, *known[0].shape[2:]), np.result_type(*(plane.dtype for plane in known)))
        for number, plane in enumerate(planes):
            if plane is not None:
                top, left = self.offset(number)
                whole[top : top + plane.shape[0], left : left + plane.shape[1]] = plane
        return whole

    def map(
        self, maps: Sequence[npt.NDArray[np.float32] | None], patch: int, *, exact: bool = True
    ) -> tuple[npt.NDArray[np.float32], int]:
        """One feature over all fields.

        Parameters
        ----------
        maps : sequence of numpy.ndarray or None
            ``(gh, gw)`` of each field; None where it is not computed.
        patch : int
            Pixels; the steps must be whole numbers of it.
        exact : bool
            Cut maps off where their images end (see :func:`napari_lexicon.viewer.conversion.cropped_map`).

        Returns
        -------
        (numpy.ndarray, int)
            The map, and the pixels per value.
        """
        if self.alone and maps[0] is not None:
            return cropped_map(maps[0], patch, self.fields[0].shape) if exact else (maps[0], patch)
        edges = [edge for field in self.fields for edge in field.shape]
        stride = math.gcd(patch, *edges) if exact else patch
        height, width = self.shape
        if height * width // stride**2 > _FINEST:
            stride = patch
        parts = [None if values is None else _finer(values, patch // stride) for values in maps]
        if stride < patch:
            parts = [
                None if part is None else part[: field.shape[0] // stride, : field.shape[1] // stride]
                for part, field in zip(parts, self.fields, strict=True)
            ]
        whole = np.zeros((math.ceil(height / stride), math.ceil(width / stride)), np.float32)
        for number, part in enumerate(parts):
            if part is not None:
                top, left = (edge // stride for edge in self.offset(number))
                part = part[: whole.shape[0] - top, : whole.shape[1] - left]
                whole[top : top + part.shape[0], left : left + part.shape[1]] = part
        return whole, stride

    @property
    def _rows(self) -> int:
        return math.ceil(len(self.fields) / self.columns)


def _finer(values: npt.NDArray[np.float32], times: int) -> npt.NDArray[np.float32]:
    return values if times == 1 else np.repeat(np.repeat(values, times, axis=0), times, axis=1)
