"""Files of instruments (Zeiss CZI, Nikon ND2, Leica LIF, ...), through openreadout where it is installed.

Each image (scene, position) of a file is a field: of the well that the file names, or of a free well under the file's
name. `vendor_folder` opens folders of them. https://pypi.org/project/openreadout
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.gaps import gaps
from napari_lexicon.plates.guessing import ROWS_OF_ROLES
from napari_lexicon.plates.image_files import RGB, VENDOR_EXTENSIONS, extension_of
from napari_lexicon.plates.lazy import READ_ERRORS, Pixels, believable, lazy_image, native
from napari_lexicon.plates.model import Channel, Field, Plate, Problem, Well
from napari_lexicon.plates.natural_order import natural
from napari_lexicon.plates.ngff_metadata import hex_color, sane_pixel_size, unique
from napari_lexicon.plates.plane_choices import as_fields, check_there, said_of_t, said_of_z
from napari_lexicon.plates.reading import Reader, Request
from napari_lexicon.plates.well_names import canonical_well, plate_format, well_position

_MOST_OPEN = 16
_CUT_OFF = re.compile("beyond end of file|truncated|recovered|rebuilt|cut short")


@dataclass(frozen=True)
class VendorFile:
    """A file of an instrument, as its headers describe it.

    Parameters
    ----------
    path : pathlib.Path
        Of the file.
    format : str
        Name of the format.
    plate : str
        Name of the plate, where the file states one.
    images : tuple of mapping
        What openreadout says of each scene or position.
    """

    path: Path
    format: str
    plate: str
    images: tuple[Mapping[str, Any], ...]

    def wells(self) -> tuple[str, ...]:
        """Well of each image, as the file names them; empty where it does not name all."""
        stated = [_stated_well(image) for image in self.images]
        if None in stated:
            stated = [canonical_well(str(image.get("name") or "")) for image in self.images]
            rows = {well.rstrip("0123456789") for well in stated if well is not None}
            if len(rows) == 1 and rows <= ROWS_OF_ROLES:  # P1, P2 are positions
                return ()
        return tuple(well for well in stated if well is not None) if None not in stated else ()


@dataclass(frozen=True)
class Placed:
    """One image of a file, and where on the plate it is."""

    path: Path
    image: Mapping[str, Any]
    well: str
    field: str


def is_vendor_file(path: Path) -> bool:
    """True for a file of an instrument that is read through openreadout."""
    return path.is_file() and extension_of(path.name) in VENDOR_EXTENSIONS


def is_vendor_content(path: Path) -> bool:
    """True for a file whose first bytes are those of an instrument's format, whatever it is called."""
    if not path.is_file() or importlib.util.find_spec("openreadout") is None:
        return False
    import openreadout

    try:
        found: Mapping[str, Any] = openreadout.info(str(path), view="format")
    except READ_ERRORS:
        return False
    return found.get("confidence") == "definite" and found.get("format") in VENDOR_EXTENSIONS


def check_installed(path: Path) -> None:
    """Raise a PlateError that says what to install where openreadout is not there."""
    if importlib.util.find_spec("openreadout") is None:
        raise PlateError(
            f"{path} needs openreadout to be read: pip install 'napari-lexicon[vendors]', or save it as OME-TIFF or "
            "OME-Zarr."
        )


def vendor_file(path: Path) -> VendorFile:
    """What the headers of a file say; no pixels are read.

    Raises
    ------
    PlateError
        If openreadout is not installed, or cannot read the file.
    """
    check_installed(path)
    import openreadout

    try:
        stated: Mapping[str, Any] = openreadout.info(str(path))
    except READ_ERRORS as error:
        raise PlateError(f"{path} cannot be read: {_reason(error)}.") from error
    images = tuple(image for image in stated.get("images") or [] if _is_image(image))
    if not images:
        raise PlateError(f"{path} holds no image.")
    cut = next((note for note in map(str, stated.get("notes") or ()) if _CUT_OFF.search(note)), None)
    if cut is not None:  # openreadout gives the planes that it finds in what is left
        raise PlateError(f"{path} is cut off ({cut.removeprefix('structure: ')}): copy it again.")
    plate = str((images[0].get("extra") or {}).get("plate") or "")
    return VendorFile(path, str((stated.get("format") or {}).get("name", "?")), plate, images)


def open_vendor_file(request: Request) -> Plate:
    """A file of an instrument as a plate.

    Raises
    ------
    PlateError
        If openreadout is not installed, or cannot read the file.
    """
    file = vendor_file(request.path)
    title = request.name or file.plate or request.path.name.rsplit(".", 1)[0]
    wells = file.wells()
    names = field_names(file, wells) if wells else [str(number) for number in range(len(file.images))]
    places = zip(file.images, wells or (title,) * len(file.images), names, strict=True)
    placed = [Placed(file.path, image, well, name) for image, well, name in places]
    return plate_of_images(request, title, placed, f"{file.format}, by openreadout", free=not wells)


def field_names(file: VendorFile, wells: Sequence[str]) -> list[str]:
    """Names of the images within their wells: the file's own, or numbers from 0."""
    counts: Counter[str] = Counter()
    names = []
    for image, well in zip(file.images, wells, strict=True):
        names.append(str((image.get("extra") or {}).get("field", counts[well])))
        counts[well] += 1
    return names


def _reason(error: BaseException) -> str:
    return str(error).partition(" (hint:")[0].rstrip(".")  # the hints are about a program of openreadout


def _is_image(image: Mapping[str, Any]) -> bool:
    return all(isinstance(image.get(f"size_{axis}"), int) and image[f"size_{axis}"] > 0 for axis in "xyczt")


def _stated_well(image: Mapping[str, Any]) -> str | None:
    """The well of an image: stated as such, or with the row and column that ZEN gives a scene."""
    extra = image.get("extra") or {}
    scene = extra.get("scene")
    place = scene.get("well") if isinstance(scene, Mapping) else None
    on_plate = isinstance(place, Mapping) and place.get("row_index") is not None
    said = place.get("name") if isinstance(place, Mapping) and on_plate else extra.get("well")
    return canonical_well(said) if isinstance(said, str) else None


def plate_of_images(
    request: Request, title: str, placed: Sequence[Placed], note: str, problems: Sequence[Problem] = (), *, free: bool
) -> Plate:
    """A plate of images whose wells and fields are known.

    Parameters
    ----------
    request : Request
        What is to be opened, with the choices along z and t.
    title : str
        Name of the plate.
    placed : sequence of Placed
        In the order of the fields.
    note : str
        How the plate was read; what was chosen along z and t is added.
    problems : sequence of Problem
        What is known to be wrong already.
    free : bool
        True where the wells have names of their own.

    Raises
    ------
    PlateError
        If no image has the chosen plane or time point.
    """
    images = [one.image for one in placed]
    depth, times = max(image["size_z"] for image in images), max(image["size_t"] for image in images)
    check_there(request.z, request.t, depth, times)
    rgb = all(image.get("samples_per_pixel") == 3 for image in images)
    union: dict[str, Channel] = {}
    fields: dict[str, list[Field]] = {}
    files: dict[str, list[Path]] = {}
    for one in placed:
        files.setdefault(one.well, []).append(one.path)
    for one in placed:
        channels = RGB if rgb else _channels(one.image)
        for channel in channels:
            union.setdefault(channel.name, channel)
        order = tuple(list(union).index(channel.name) for channel in channels)
        there = fields.setdefault(one.well, [])
        size, position = (
            _size(one.image),
            _position(one.image, together=len(set(files[one.well])) == 1 < len(files[one.well])),
        )
        for name, source in _sources(request, one, len(channels)):
            there.append(Field(title, one.well, name, len(there), order, source, size, position))
    names = sorted(fields, key=natural) if free else sorted(fields, key=well_position)
    wells = {}
    for name in names:
        row, column = (None, None) if free else well_position(name)
        wells[name] = Well(name, row, column, tuple(fields[name]))
    rows, columns = (0, 0) if free else plate_format(well_position(name) for name in names)
    chosen = [said for said in (said_of_z(request.z, depth), said_of_t(request.t, times)) if said]
    all_channels = tuple(union.values())
    found = (*problems, *gaps(wells, all_channels))
    note = "; ".join([note, *chosen])
    return Plate(request.path, title, wells, all_channels, rgb, rows, columns, problems=found, note=note)


def _sources(request: Request, one: Placed, n_channels: int) -> Iterator[tuple[str, VendorField]]:
    depth, times = one.image["size_z"], one.image["size_t"]
    z, t = (request.z if depth > 1 else "max"), (request.t if times > 1 else 0)
    for title, (plane, point) in as_fields(one.field, z, t, depth, times):
        planes = range(depth) if plane == "max" else range(plane, plane + 1)  # a header may claim any number
        yield title, VendorField(str(one.path), one.image["index"], n_channels, planes, point)


def _channels(image: Mapping[str, Any]) -> tuple[Channel, ...]:
    channels: list[Channel] = []
    stated = image.get("channels") or []
    for number in range(image["size_c"]):
        said = stated[number] if number < len(stated) else {}
        name = unique(str(said.get("name") or f"Channel {number + 1}"), [channel.name for channel in channels])
        channels.append(Channel(name, hex_color(said.get("color")), wavelength_nm=said.get("emission_nm")))
    return tuple(channels)


def _size(image: Mapping[str, Any]) -> tuple[float, float] | None:
    stated = image.get("physical_size") or {}
    y, x = stated.get("y"), stated.get("x")
    if stated.get("unit") != "µm" or y is None or x is None or not sane_pixel_size((y, x)):
        return None
    return float(f"{y:.6g}"), float(f"{x:.6g}")


def _position(image: Mapping[str, Any], *, together: bool) -> tuple[float, float] | None:
    """Stage position ``(y, x)``; of the scenes of a well that lie in one file, the place in the picture they are of."""
    extra, size = image.get("extra") or {}, _size(image)
    stage, origin = extra.get("stage_position_um"), extra.get("origin_px")
    if isinstance(stage, Mapping):
        return _place(stage.get("y"), stage.get("x"), (-1.0, 1.0))
    if isinstance(origin, Mapping) and size is not None:
        return _place(origin.get("y"), origin.get("x"), size) if together else None
    return _place(extra.get("position_y_um"), extra.get("position_x_um"), (-1.0, 1.0))


def _place(y: object, x: object, scale: tuple[float, float]) -> tuple[float, float] | None:
    if not isinstance(y, (int, float)) or not isinstance(x, (int, float)):
        return None
    return y * scale[0] + 0.0, x * scale[1] + 0.0


@lru_cache(_MOST_OPEN)
def _opened(path: str, size: int, changed: int) -> Any:
    """An open file; one for all its fields, as opening reads its whole directory. Of one that changes, a new one."""
    import openreadout

    return openreadout.File(path)


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
    planes : range
        In z; their maximum is taken.
    t : int
        Time point.
    """

    path: str
    image_number: int
    n_channels: int
    planes: range
    t: int

    @property
    def _file(self) -> Any:
        try:
            known = os.stat(self.path)
            return _opened(self.path, known.st_size, known.st_mtime_ns)
        except READ_ERRORS as error:
            raise PlateError(f"{self.path} cannot be read: {_reason(error)}.") from error

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
        place = f"image={self.image_number} z={self.planes.start}-{self.planes.stop} t={self.t}"
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
            raise PlateError(f"{self.field.path} cannot be read ({_reason(error)}).") from error

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
BY_CONTENT = Reader(is_vendor_content, open_vendor_file)
"""For files that are called otherwise; asked last."""
