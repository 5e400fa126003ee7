"""Opens whatever lies at a path as a plate: looks at what is there, and asks the readers one after the other."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pandas as pd

from napari_lexicon.errors import PlateError, PlateMapError
from napari_lexicon.plates import cellvoyager, csv_index, imagexpress, phenix
from napari_lexicon.plates.condition_tables import condition_table
from napari_lexicon.plates.image_files import IMAGE_EXTENSIONS, extension_of
from napari_lexicon.plates.image_folder import open_image_file, open_image_folder
from napari_lexicon.plates.model import Plate, Problem
from napari_lexicon.plates.ome_zarr import is_ome_zarr, open_ome_zarr
from napari_lexicon.plates.pattern import listed
from napari_lexicon.plates.plate_map import found_plate_map, with_plate_map
from napari_lexicon.plates.reading import ENTRY_POINTS, PlateReader, Reader, Request

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_log = logging.getLogger(__name__)


def _is_image_file(path: Path) -> bool:
    return path.is_file() and extension_of(path.name) in IMAGE_EXTENSIONS


READERS: tuple[Reader, ...] = (
    Reader(is_ome_zarr, lambda request: open_ome_zarr(request.path, request.name, request.z, request.t)),
    phenix.READER,
    imagexpress.READER,
    cellvoyager.READER,
    csv_index.READER,
    Reader(_is_image_file, lambda request: open_image_file(request.path, request.name, request.z, request.t)),
)
"""Readers of layouts that can be told by their content, in the order in which they are asked."""


def open_plate(
    path: str | os.PathLike[str],
    *,
    pattern: str | None = None,
    plate_map: str | os.PathLike[str] | pd.DataFrame | None = None,
    name: str | None = None,
    z: int | Literal["max"] = "max",
    t: int = 0,
) -> Plate:
    """Open a plate, or any image collection as one. Reads metadata only, no pixels.

    Parameters
    ----------
    path : path-like
        OME-Zarr plate or image, folder of images, or a single image file.
    pattern : str, optional
        File-name pattern such as ``"{*}_{well}f{field}d{channel}.TIF"``. Without it a folder's pattern is guessed,
        and ``plate.note`` says what was guessed.
    plate_map : path-like or pandas.DataFrame, optional
        Plate map; by default a ``plate_map.csv`` inside the plate or beside it.
    name : str, optional
        Instead of the name that the plate gives itself.
    z : int or "max"
        Plane of stacks, or their maximum projection.
    t : int
        Time point of series.

    Returns
    -------
    Plate
        ``plate.problems`` lists what is missing or unreadable, ``plate.note`` says how it was read.

    Raises
    ------
    PlateError
        If there is nothing at the path that can be opened.
    PlateMapError
        If the plate map does not describe this plate.
    """
    place = Path(path).expanduser()
    try:
        exists = place.exists()
    except (OSError, ValueError) as error:  # a name too long, a null byte, a link to itself
        raise PlateError(f"{place} cannot be opened: {error}.") from error
    if not exists:
        raise PlateError(f"{place} does not exist: check the path.")
    if z != "max" and (not isinstance(z, int) or z < 0):
        raise PlateError(f"z is 'max' or the number of a plane from 0, not {z!r}.")
    try:
        plate = _opened(Request(place, pattern, name, z, t))
    except OSError as error:
        raise PlateError(f"{place} cannot be read: {error.strerror or error}.") from error
    plain = replace(plate, map=pd.DataFrame(index=pd.Index(list(plate.wells), name="Metadata_Well", dtype=object)))
    return _with_own_map(plain, place) if plate_map is None else with_plate_map(plain, plate_map)


def _with_own_map(plate: Plate, place: Path) -> Plate:
    """The plate with the map that lies in it or beside it; one that does not fit is a problem, not the end."""
    # What was opened may be above or below what holds the images: an index file, a folder with "Images" in it.
    found = (found_plate_map(path, plate.name) for path in dict.fromkeys((place, plate.path)))
    table: Path | pd.DataFrame | None = next((file for file in found if file is not None), None)
    if table is None and is_ome_zarr(plate.path):
        table = condition_table(plate.path)
    if table is None:
        return plate
    try:
        return with_plate_map(plate, table)
    except PlateMapError as error:
        return replace(plate, problems=(*plate.problems, Problem(str(error))))


def _opened(request: Request) -> Plate:
    path = request.path
    if request.pattern is not None:
        if not path.is_dir():
            raise PlateError(f"A pattern needs a folder of images, and {path} is a file.")
        return open_image_folder(path, request.pattern, request.name, request.z, request.t)
    for reader in (*READERS, *_readers_of_others()):
        if reader.recognises(path):
            return reader.open(request)
    if path.is_file():
        raise PlateError(
            f"{path} is neither an image nor the index of a plate: choose an image, a folder of images or an "
            "OME-Zarr plate."
        )
    inside = [folder for folder in sorted(path.iterdir()) if is_ome_zarr(folder)]
    if len(inside) == 1:
        return _opened(replace(request, path=inside[0]))
    if inside:
        names = listed([folder.name for folder in inside])
        raise PlateError(f"{path} holds {len(inside)} OME-Zarr plates or images ({names}): open one of them.")
    return open_image_folder(path, None, request.name, request.z, request.t)


def _readers_of_others() -> Iterator[PlateReader]:
    for point in entry_points(group=ENTRY_POINTS):
        reader = _loaded(point)
        if reader is not None:
            yield reader


def _loaded(point: EntryPoint) -> PlateReader | None:
    try:
        reader: PlateReader = point.load()
    except Exception:  # noqa: BLE001 - whatever another package does, it must not keep our own plates from opening
        _log.warning("The plate reader %s of %s cannot be loaded.", point.name, point.value, exc_info=True)
        return None
    return reader
