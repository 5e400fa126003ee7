"""Single files of instruments (Zeiss CZI, Nikon ND2, Leica LIF, ...), through openreadout where it is installed.

Each image (scene, position) of a file is a field: of the well that the file names, or of a free well under the file's
name. https://pypi.org/project/openreadout
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.gaps import gaps
from napari_lexicon.plates.image_files import RGB, extension_of
from napari_lexicon.plates.lazy import READ_ERRORS, Pixels, believable, lazy_image, native
from napari_lexicon.plates.model import Channel, Field, Plate, Problem, Well
from napari_lexicon.plates.natural_order import natural
from napari_lexicon.plates.ngff_metadata import sane_pixel_size, unique
from napari_lexicon.plates.plane_choices import as_fields, check_there, said_of_t, said_of_z
from napari_lexicon.plates.reading import Reader, Request
from napari_lexicon.plates.well_names import canonical_well, plate_format, well_position

EXTENSIONS = frozenset(("czi", "lif", "nd2", "oir", "oib", "zvi", "vsi", "ims"))


def is_vendor_file(path: Path) -> bool:
    """True for a file of an instrument that is read through openreadout."""
    return path.is_file() and extension_of(path.name) in EXTENSIONS


def open_vendor_file(request: Request) -> Plate:
    """A file of an instrument as a plate.

    Raises
    ------
    PlateError
        If openreadout is not installed, or cannot read the file.
    """
    path = request.path
    if importlib.util.find_spec("openreadout") is None:
        raise PlateError(
            f"{path} needs openreadout to be read: pip install 'napari-lexicon[vendors]', or save it as OME-TIFF or "
            "OME-Zarr."
        )
    import openreadout

    try:
        stated: Mapping[str, Any] = openreadout.info(str(path))
    except READ_ERRORS as error:
        raise PlateError(f"{path} cannot be read: {error}.") from error
    images = [image for image in stated.get("images") or [] if _is_image(image)]
    if not images:
        raise PlateError(f"{path} holds no image.")
    return _plate(request, stated, images)


def _is_image(image: Mapping[str, Any]) -> bool:
    return all(isinstance(image.get(f"size_{axis}"), int) and image[f"size_{axis}"] > 0 for axis in "xyczt")


def _plate(request: Request, stated: Mapping[str, Any], images: list[Mapping[str, Any]]) -> Plate:
    path = request.path
    extra = images[0].get("extra") or {}
    title = request.name or str(extra.get("plate") or path.name.rsplit(".", 1)[0])
    depth, times = max(image["size_z"] for image in images), max(image["size_t"] for image in images)
    check_there(request.z, request.t, depth, times)
    placed = [canonical_well(str((image.get("extra") or {}).get("well", ""))) for image in images]
    free = None in placed
    rgb = all(image.get("samples_per_pixel") == 3 for image in images)
    union: dict[str, Channel] = {}
    fields: dict[str, list[Field]] = {}
    for image, well in zip(images, placed, strict=True):
        place = title if free or well is None else well
        channels = RGB if rgb else _channels(image)
        for channel in channels:
            union.setdefault(channel.name, channel)
        order = tuple(list(union).index(channel.name) for channel in channels)
        for name, source in _sources(request, image, len(channels), free=free):
            there = fields.setdefault(place, [])
            there.append(Field(title, place, name, len(there), order, source, _size(image), _position(image)))
    names = sorted(fields, key=natural) if free else sorted(fields, key=well_position)
    wells = {}
    for name in names:
        row, column = (None, None) if free else well_position(name)
        wells[name] = Well(name, row, column, tuple(fields[name]))
    rows, columns = (0, 0) if free else plate_format(well_position(name) for name in names)
    format_name = (stated.get("format") or {}).get("name", "?")
    chosen = [said for said in (said_of_z(request.z, depth), said_of_t(request.t, times)) if said]
    note = "; ".join([f"{format_name}, by openreadout", *chosen])
    channels = tuple(union.values())
    problems: tuple[Problem, ...] = tuple(gaps(wells, channels))
    return Plate(path, title, wells, channels, rgb, rows, columns, problems=problems, note=note)


def _sources(
    request: Request, image: Mapping[str, Any], n_channels: int, *, free: bool
) -> Iterator[tuple[str, VendorField]]:
    extra = image.get("extra") or {}
    name = str(image["index"] if free else extra.get("field", image["index"]))
    depth, times = image["size_z"], image["size_t"]
    z, t = (request.z if depth > 1 else "max"), (request.t if times > 1 else 0)
    for title, (plane, point) in as_fields(name, z, t, depth, times):
        planes = tuple(range(depth)) if plane == "max" else (plane,)
        yield title, VendorField(str(request.path), image["index"], n_channels, planes, point)


def _channels(image: Mapping[str, Any]) -> tuple[Channel, ...]:
    channels: list[Channel] = []
    stated = image.get("channels") or []
    for number in range(image["size_c"]):
        said = stated[number] if number < len(stated) else {}
        name = unique(str(said.get("name") or f"Channel {number + 1}"), [channel.name for channel in channels])
        channels.append(Channel(name, wavelength_nm=said.get("emission_nm")))
    return tuple(channels)


def _size(image: Mapping[str, Any]) -> tuple[float, float] | None:
    stated = image.get("physical_size") or {}
    y, x = stated.get("y"), stated.get("x")
    if stated.get("unit") != "µm" or y is None or x is None or not sane_pixel_size((y, x)):
        return None
    return float(f"{y:.6g}"), float(f"{x:.6g}")


def _position(image: Mapping[str, Any]) -> tuple[float, float] | None:
    extra = image.get("extra") or {}
    y, x = extra.get("position_y_um"), extra.get("position_x_um")
    return (-float(y), float(x)) if isinstance(y, (int, float)) and isinstance(x, (int, float)) else None


@dataclass(frozen=True)
class VendorField:
    """Field source: one image of a file.

    Parameters
    ----------
    path : str
        Of the file.
    image_number : int
        Number within the file.
    n_channels : int
        Channels, or the colours of a colour image.
    planes : tuple of int
        In z; their maximum is taken.
    t : int
        Time point.
    """

    path: str
    image_number: int
    n_channels: int
    planes: tuple[int, ...]
    t: int

    @cached_property
    def _file(self) -> Any:
        import openreadout

        try:
            return openreadout.File(self.path)
        except READ_ERRORS as error:
            raise PlateError(f"{self.path} cannot be read: {error}.") from error

    def __reduce__(self) -> tuple[Any, ...]:
        return VendorField, (self.path, self.image_number, self.n_channels, self.planes, self.t)

    def shape(self) -> tuple[int, int]:
        """``(Y, X)`` in pixels at full resolution."""
        return self._shape(0)

    def _shape(self, level: int) -> tuple[int, int]:
        stated = self._file.levels(self.image_number)[level]
        return believable((int(stated["size_y"]), int(stated["size_x"])), self.path)

    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        dtype: np.dtype[Any] = np.dtype(self._file.dtype(self.image_number))
        return dtype

    def levels(self) -> int:
        """Number of pyramid levels."""
        return len(self._file.levels(self.image_number))

    def identity(self) -> str:
        """Name, size and time of change of the file, the image and the choices."""
        try:
            known = os.stat(self.path)
        except OSError as error:
            raise PlateError(f"{self.path} cannot be read: {error.strerror or error}.") from error
        place = f"image={self.image_number} z={self.planes} t={self.t}"
        return f"{Path(self.path).name} {known.st_size} {known.st_mtime_ns} {place}"

    def image(self, level: int = 0) -> da.Array:
        """Lazy ``(C, Y, X)`` pixels."""
        if not 0 <= level < self.levels():
            raise PlateError(f"{self.path} has {self.levels()} levels; level {level} was asked for.")
        stated = self._file.levels(self.image_number)[level]
        tile = (stated["tile_height"], stated["tile_width"]) if stated.get("tile_width") else None
        rgb = self._file.dims(self.image_number).endswith("S")
        shape = (self.n_channels, *self._shape(level))
        return lazy_image(_Reader(self, level), shape, self.dtype(), tile, self.n_channels if rgb else 1)


@dataclass(frozen=True)
class _Reader:
    """Reads one block."""

    field: VendorField
    level: int

    def __call__(self, channels: slice, rows: slice, columns: slice) -> Pixels:
        region = (columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
        try:
            if self.field._file.dims(self.field.image_number).endswith("S"):
                return np.moveaxis(self._plane(0, region), -1, 0)[channels]
            return np.stack([self._plane(channel, region) for channel in range(channels.start, channels.stop)])
        except READ_ERRORS as error:
            raise PlateError(f"{self.field.path} cannot be read ({error}).") from error

    def _plane(self, channel: int, region: tuple[int, int, int, int]) -> Pixels:
        """Maximum over the wanted planes; one at a time, so that a deep stack needs little memory."""
        field = self.field
        best: Pixels | None = None
        for z in field.planes:
            plane = field._file.read_plane(field.image_number, channel, z, field.t, level=self.level, region=region)
            best = plane if best is None else np.maximum(best, plane)
        assert best is not None
        return native(best)


READER = Reader(is_vendor_file, open_vendor_file)
