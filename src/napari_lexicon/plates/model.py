"""What a plate is: wells, fields and channels as metadata, pixels only on request.

Words follow OME-NGFF HCS (https://ngff.openmicroscopy.org): a plate has wells, a well has fields, a field is one
field of view. A folder of slides or loose images is a plate whose wells have free names and no row or column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import dask.array as da
import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from napari_lexicon.plates.stitching import Stitched


@dataclass(frozen=True)
class Channel:
    """One channel of a plate.

    Parameters
    ----------
    name : str
        Name as the microscope or the file wrote it.
    color : str, optional
        ``"#RRGGBB"``.
    window : tuple of float, optional
        Display range stored with the plate, in grey values. For the eye only: the backbone's
        intensity window is estimated from the pixels.
    wavelength_nm : float, optional
        Emission wavelength in nanometres.
    """

    name: str
    color: str | None = None
    window: tuple[float, float] | None = None
    wavelength_nm: float | None = None


class FieldSource(Protocol):
    """Where the pixels of one field come from. One implementation per reader."""

    def shape(self) -> tuple[int, int]:
        """``(Y, X)`` in pixels at full resolution, from the file's header."""
        ...

    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        ...

    def image(self, level: int = 0) -> da.Array:
        """Lazy ``(C, Y, X)`` pixels of the channels that this field has; ``level`` counts down a pyramid."""
        ...

    def levels(self) -> int:
        """Number of pyramid levels, 1 where there is no pyramid."""
        ...

    def identity(self) -> str:
        """Short text that changes when the pixels on disk change (paths, sizes, times of change; no pixels read)."""
        ...


@dataclass(frozen=True, eq=False, repr=False)
class Field:
    """One field of view of one well.

    Parameters
    ----------
    plate, well, name : str
        Plate name, canonical well name (``"B03"``, or a free name), field name as on disk.
    index : int
        Position of the field within its well, from 0. Names and indices differ where fields are missing.
    channels : tuple of int
        Which of ``plate.channels`` this field has, in the order of ``image()``.
    source : FieldSource
        Reads the pixels.
    pixel_size_um : tuple of float, optional
        ``(y, x)`` in micrometres; None where the plate does not say.
    position_um : tuple of float, optional
        Stage position ``(y, x)`` in micrometres, of the field's upper left corner or, with some instruments, its
        middle; the same for all fields of a plate.
    acquisition : str, optional
        Name of the acquisition, where the plate has several.
    """

    plate: str
    well: str
    name: str
    index: int
    channels: tuple[int, ...]
    source: FieldSource
    pixel_size_um: tuple[float, float] | None = None
    position_um: tuple[float, float] | None = None
    acquisition: str | None = None

    @cached_property
    def shape(self) -> tuple[int, int]:
        """``(Y, X)`` in pixels."""
        return self.source.shape()

    def image(self, level: int = 0) -> da.Array:
        """Lazy ``(C, Y, X)`` image, C as in ``channels``."""
        return self.source.image(level)

    def region(self, channels: slice, rows: slice, columns: slice) -> np.ndarray:
        """``(C, y, x)`` pixels of a part of the field; reads no more than that part where the file allows it."""
        read = getattr(self.source, "region", None)
        return np.asarray(self.image()[channels, rows, columns] if read is None else read(channels, rows, columns))

    def identity(self) -> str:
        """Text that changes when the pixels on disk change."""
        return self.source.identity()

    @property
    def key(self) -> str:
        """``"B03/0"``: names the field within its plate."""
        return f"{self.well}/{self.name}"

    def __repr__(self) -> str:
        return f"<Field {self.key} of plate {self.plate}: {len(self.channels)} channels>"


@dataclass(frozen=True, eq=False, repr=False)
class Well:
    """One well: a canonical name, its place on the plate (None for a free well) and its fields."""

    name: str
    row: int | None
    column: int | None
    fields: tuple[Field, ...]

    def stitched(self, level: int = 0) -> Stitched:
        """The fields side by side by their stage positions; see `napari_lexicon.plates.stitching.stitched`."""
        from napari_lexicon.plates.stitching import stitched

        return stitched(self.fields, level)

    def __repr__(self) -> str:
        return f"<Well {self.name}: {len(self.fields)} fields>"


@dataclass(frozen=True)
class Problem:
    """Something missing or unreadable, as a sentence; ``well`` and ``field`` where it has a place."""

    sentence: str
    well: str | None = None
    field: str | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Plate:
    """A plate, or any image collection that is opened as one. Holds no pixels.

    Parameters
    ----------
    path : pathlib.Path or str
        What was opened; the address of a remote plate.
    name : str
        Barcode or folder name.
    wells : mapping of str to Well
        By canonical name, in row-column order (free wells in natural order).
    channels : tuple of Channel
        Union over the fields.
    rgb : bool
        True where the three channels are red, green and blue of one colour image.
    rows, columns : int
        Physical size of the plate, ``(0, 0)`` where the wells are free.
    map : pandas.DataFrame
        Plate map, indexed by canonical well name, one row per well of the plate; columns ``Metadata_*``. Without a
        plate map it has no columns.
    problems : tuple of Problem
        What is missing or unreadable, known without reading pixels.
    note : str
        One line on how the plate was read ("OME-Zarr 0.5", "pattern {well}_{field}.tif, z: maximum projection").
    """

    path: Path | str
    name: str
    wells: Mapping[str, Well]
    channels: tuple[Channel, ...]
    rgb: bool = False
    rows: int = 0
    columns: int = 0
    map: pd.DataFrame = field(default_factory=pd.DataFrame)
    problems: tuple[Problem, ...] = ()
    note: str = ""

    def fields(self) -> Iterator[Field]:
        """Every field, well by well."""
        for well in self.wells.values():
            yield from well.fields

    @property
    def free(self) -> bool:
        """True where the wells have no place on a grid (slides, loose images)."""
        return self.rows == 0

    def __repr__(self) -> str:
        fields = sum(len(well.fields) for well in self.wells.values())
        names = ", ".join(channel.name for channel in self.channels)
        return f"<Plate {self.name}: {len(self.wells)} wells, {fields} fields, channels {names}; {self.note}>"
