"""Opens whatever lies at a path as a plate: looks at what is there, and asks the readers one after the other."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import entry_points
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from napari_lexicon.errors import PlateError, PlateMapError
from napari_lexicon.plates import (
    cellvoyager,
    columbus,
    csv_index,
    imagexpress,
    phenix,
    slides,
    vendor_files,
    vendor_folder,
)
from napari_lexicon.plates.condition_tables import condition_table
from napari_lexicon.plates.file_listing import image_listing
from napari_lexicon.plates.image_files import IMAGE_EXTENSIONS, VENDOR_EXTENSIONS, extension_of
from napari_lexicon.plates.image_folder import open_image_file, open_image_folder
from napari_lexicon.plates.locations import local_path, remote_address
from napari_lexicon.plates.model import Plate, Problem
from napari_lexicon.plates.ome_zarr import Choices, is_ome_zarr, open_ome_zarr
from napari_lexicon.plates.pattern import listed
from napari_lexicon.plates.plane_choices import Pages, TChoice, ZChoice, check_wanted
from napari_lexicon.plates.plate_map import PLATE_MAP_NAMES, found_plate_map, with_plate_map
from napari_lexicon.plates.reading import ENTRY_POINTS, PlateReader, Reader, Request
from napari_lexicon.plates.remote_storage import RemoteFolder
from napari_lexicon.plates.resampling import enlarged_plate, resampled_plate
from napari_lexicon.plates.storage import LocalFolder, Storage
from napari_lexicon.plates.study_maps import rxrx_map
from napari_lexicon.plates.table_files import table_of

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_log = logging.getLogger(__name__)


def _is_image_file(path: Path) -> bool:
    return path.is_file() and extension_of(path.name) in IMAGE_EXTENSIONS


def _open_ome_zarr(storage: Storage, request: Request) -> Plate:
    return open_ome_zarr(storage, Choices(request.name, request.z, request.t, request.acquisition))


def _open_image_file(request: Request) -> Plate:
    return open_image_file(request.path, request.name, request.z, request.t, request.pages)


READERS: tuple[Reader, ...] = (
    Reader(is_ome_zarr, lambda request: _open_ome_zarr(LocalFolder(request.path), request)),
    columbus.READER,
    phenix.READER,
    imagexpress.READER,
    cellvoyager.READER,
    csv_index.READER,
    vendor_files.READER,
    vendor_folder.READER,
    slides.READER,
    Reader(_is_image_file, _open_image_file),
    vendor_files.BY_CONTENT,
)
"""Readers of layouts that can be told by their content, in the order in which they are asked."""
_BY_INDEX = (columbus.READER, phenix.READER, imagexpress.READER, cellvoyager.READER)
_DEEPEST = 3
_MOST_FOLDERS = 500


def open_plate(
    path: str | os.PathLike[str],
    *,
    pattern: str | None = None,
    plate_map: str | os.PathLike[str] | pd.DataFrame | None = None,
    name: str | None = None,
    z: ZChoice = "max",
    t: TChoice = 0,
    acquisition: str | int | None = None,
    tile: int = 2048,
    pages: Pages | None = None,
    um_per_pixel: float | None = None,
    enlarge: float | None = None,
) -> Plate:
    """Open a plate, or any image collection as one. Reads metadata only, no pixels.

    Parameters
    ----------
    path : path-like
        OME-Zarr plate or image, folder of images or slides, a single image file, or the ``https://`` or ``s3://``
        address of an OME-Zarr plate.
    pattern : str, optional
        File-name pattern such as ``"{*}_{well}f{field}d{channel}.TIF"``. Without it a folder's pattern is guessed,
        and ``plate.note`` says what was guessed.
    plate_map : path-like or pandas.DataFrame, optional
        Plate map; by default a ``plate_map.csv`` inside the plate or beside it.
    name : str, optional
        Instead of the name that the plate gives itself.
    z : int, "max" or "all"
        Plane of stacks, their maximum projection, or every plane as a field of its own.
    t : int or "all"
        Time point of series, or every time point as a field of its own.
    acquisition : str or int, optional
        Name or number of one acquisition of an OME-Zarr plate with several; all of them by default.
    tile : int
        Side in pixels of the fields that slides are cut into; 0 leaves them whole.
    pages : {"z", "t", "c"}, optional
        What the pages of TIFF files are that do not say it: planes in z, time points or channels. By default channels
        where they are eight or fewer, time points beyond.
    um_per_pixel : float, optional
        Resample every field to this size when it is read; as it is on disk where None or 0.
    enlarge : float, optional
        Read every field with so many pixels for every one along y and x, 0.1 to 8; in place of ``um_per_pixel``.

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
    check_wanted(z, t, pages)
    wanted = None if acquisition is None else str(acquisition)
    address = remote_address(path)
    if address is not None:
        plate = _opened_remotely(address, Request(Path(address), pattern, name, z, t, wanted, tile, pages))
    else:
        plate = _opened_here(Request(_existing(path), pattern, name, z, t, wanted, tile, pages))
    if wanted is not None and not any(field.acquisition for field in plate.fields()):
        raise PlateError(f"{plate.path} has no acquisitions to choose from: leave the choice out.")
    if um_per_pixel and enlarge:
        raise PlateError("A plate is read at a pixel size or enlarged, not both: leave one of the two options out.")
    if um_per_pixel:
        plate = resampled_plate(plate, um_per_pixel)
    elif enlarge:
        plate = enlarged_plate(plate, enlarge)
    if plate_map is not None:
        return with_plate_map(_without_map(plate), plate_map)
    return _with_own_map(_without_map(plate), Path(path).expanduser() if address is None else None)


def _without_map(plate: Plate) -> Plate:
    return replace(plate, map=pd.DataFrame(index=pd.Index(list(plate.wells), name="Metadata_Well", dtype=object)))


def _existing(path: str | os.PathLike[str]) -> Path:
    place = local_path(path)
    try:
        exists = place.exists()
    except (OSError, ValueError) as error:  # a name too long, a null byte, a link to itself
        raise PlateError(f"{place} cannot be opened: {error}.") from error
    if not exists:
        raise PlateError(f"{place} does not exist: check the path.")
    return place


def _opened_here(request: Request) -> Plate:
    try:
        return _opened(request)
    except OSError as error:
        raise PlateError(f"{request.path} cannot be read: {error.strerror or error}.") from error


def _opened_remotely(address: str, request: Request) -> Plate:
    if csv_index.is_table(address):
        return csv_index.open_remote_table(address, request)
    storage = RemoteFolder(address)
    if request.pattern is not None:
        raise PlateError(f"A pattern needs a folder on a disk, and {address} is on the network: download its images.")
    if not storage.is_there():
        raise PlateError(
            f"{address} has no OME-Zarr plate or image (no zarr.json, no .zattrs): give the address of the plate's "
            "folder, or of a LoadData table (.csv, .csv.gz, .parquet). Other layouts are read from a disk only."
        )
    return _open_ome_zarr(storage, request)


def _with_own_map(plate: Plate, place: Path | None) -> Plate:
    """The plate with the map that lies in it or beside it; one that does not fit is a problem, not the end."""
    try:
        table = _remote_map(_remote_folder(str(plate.path))) if place is None else _own_map(plate, place)
        return plate if table is None else with_plate_map(plate, table)
    except PlateMapError as error:
        return replace(plate, problems=(*plate.problems, Problem(str(error))))


def _own_map(plate: Plate, place: Path) -> Path | pd.DataFrame | None:
    # What was opened may be above or below what holds the images: an index file, a folder with "Images" in it.
    found = (found_plate_map(path, plate.name) for path in dict.fromkeys((place, Path(plate.path))))
    table: Path | pd.DataFrame | None = next((file for file in found if file is not None), None)
    if table is None and is_ome_zarr(Path(plate.path)):
        return condition_table(Path(plate.path))
    return rxrx_map(place.resolve()) if table is None else table


def _remote_folder(address: str) -> str:
    return address.rpartition("/")[0] if csv_index.is_table(address) else address


def _remote_map(address: str) -> pd.DataFrame | None:
    contents = RemoteFolder(address).contents(PLATE_MAP_NAMES)
    found = [(name, content) for name, content in zip(PLATE_MAP_NAMES, contents, strict=True) if content]
    return table_of(found[0][1], f"{address}/{found[0][0]}") if found else None


def _opened(request: Request) -> Plate:
    path = request.path
    if request.pattern is not None:
        if not path.is_dir():
            raise PlateError(f"A pattern needs a folder of images, and {path} is a file.")
        if extension_of(request.pattern) in VENDOR_EXTENSIONS or vendor_folder.READER.recognises(path):
            return vendor_folder.open_vendor_folder(request)
        return open_image_folder(path, request.pattern, request.name, request.z, request.t, request.pages)
    for reader in (*READERS, *_readers_of_others()):
        if reader is slides.READER and not request.tile:
            continue
        if reader.recognises(path):
            return reader.open(request)
    if path.suffix == ".safetensors" and path.is_file():
        raise PlateError(
            f"{path} holds a dictionary or a model, no images: open a plate first, then choose it in the Dictionary "
            "dock under From a file, or apply it with --dictionary."
        )
    if path.is_file():
        raise PlateError(
            f"{path} is neither an image nor the index of a plate: choose an image, a folder of images or an "
            "OME-Zarr plate."
        )
    inside = _plates_below(path)
    if len(inside) == 1:
        return _opened(replace(request, path=inside[0]))
    if inside:
        names = listed([str(folder.relative_to(path)) for folder in inside])
        what = "OME-Zarr plates or images" if all(map(is_ome_zarr, inside)) else "plates"
        raise PlateError(f"{path} holds {len(inside)} {what} ({names}): open one of them.")
    return open_image_folder(path, None, request.name, request.z, request.t, request.pages)


def _plates_below(path: Path) -> list[Path]:
    """Folders below one that say of themselves that they are plates, as deep as exports put them."""
    level = _folders_in(path)
    if any(_is_image_file(place) for place in islice(path.iterdir(), _MOST_FOLDERS)):
        return [folder for folder in level if is_ome_zarr(folder)]  # what was converted lies beside the images
    found: list[Path] = []
    for _ in range(_DEEPEST):
        plates = [folder for folder in level if _says_it_is_a_plate(folder)]
        found += plates
        level = [below for folder in level if folder not in plates for below in _folders_in(folder)][:_MOST_FOLDERS]
    return found


def _folders_in(place: Path) -> list[Path]:
    try:
        with os.scandir(place) as listed:
            entries = sorted(islice(listed, _MOST_FOLDERS), key=lambda entry: entry.name)
    except OSError:
        return []
    return [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False) and entry.name[0] != "."]


def _says_it_is_a_plate(folder: Path) -> bool:
    if is_ome_zarr(folder) or any(reader.recognises(folder) for reader in _BY_INDEX):
        return True
    # A table may lie apart from the images that it lists; then these are what is opened.
    return csv_index.READER.recognises(folder) and bool(image_listing(folder, most=1).files)


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
