"""Plates exported from Columbus: an index of the measurement, and one index of images per folder of time points.

``MeasurementIndex.ColumbusIDX.xml`` names the plate and its size; each folder beside it has an
``ImageIndex.ColumbusIDX.xml`` and its TIFF files, with a plane in each or all planes of a well in one. The lists of
images are those of Harmony with units of their own.
"""

from __future__ import annotations

import os
from pathlib import Path

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.folder_names import plate_name
from napari_lexicon.plates.image_table import plate_of_entries
from napari_lexicon.plates.model import Plate
from napari_lexicon.plates.natural_order import natural
from napari_lexicon.plates.phenix import Index, add_image, facts_of
from napari_lexicon.plates.reading import Reader, Request
from napari_lexicon.plates.tiff_pages import name_of_page
from napari_lexicon.plates.xml_records import Record, number, records, starts_with, whole_number

MEASUREMENT = "MeasurementIndex.ColumbusIDX.xml"
IMAGES = "ImageIndex.ColumbusIDX.xml"

_PLATE_WORDS = frozenset(("PlateName", "PlateRows", "PlateColumns"))
_LENGTHS = ("ImageResolutionX", "ImageResolutionY", "PositionX", "PositionY")
_METRES = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "um": 1e-6, "\u00b5m": 1e-6, "\u03bcm": 1e-6, "nm": 1e-9}
_MOST_FOLDERS = 10_000


def measurement_of(path: Path) -> Path | None:
    """The measurement's index: the path itself, a file in the folder, or one beside a folder of time points."""
    if path.is_file():
        places = [path] if path.name.lower() == MEASUREMENT.lower() else []
        places += [path.parent.parent / MEASUREMENT] if path.name.lower() == IMAGES.lower() else []
    else:
        places = [path / MEASUREMENT]
    return next((place for place in places if starts_with(place, b"ColumbusMeasurementIndex")), None)


def open_columbus(request: Request) -> Plate:
    """A plate that Columbus exported.

    Raises
    ------
    PlateError
        If an index cannot be read, or none lists an image that is there.
    """
    file = measurement_of(request.path)
    if file is None:
        raise PlateError(f"{request.path} has no {MEASUREMENT}.")
    index, root = Index(), file.parent
    for record in records(file, _PLATE_WORDS):
        index.plate.setdefault(record.name, record.text)
    lists = _lists_of_images(root)
    for time, folder in enumerate(lists):
        # a folder is a time point, unless there is one for all and the images say which they are
        _read_images(index, root, folder, time if len(lists) > 1 else None)
    if not index.entries:
        raise PlateError(f"{file} has no {IMAGES} beside it or in a folder beside it that lists images: export again.")
    name = request.name or index.plate.get("PlateName") or plate_name(root)
    note = f"Columbus export {file.name}"
    return plate_of_entries(
        root,
        name,
        index.entries,
        facts_of(index),
        z=request.z,
        t=request.t,
        pages=request.pages,
        note=note,
        problems=index.all_problems(),
    )


def _lists_of_images(root: Path) -> list[str]:
    """Folders with a list of images, relative to the root with a final ``/``, in natural order."""
    folders = [""]
    with os.scandir(root) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                folders.append(f"{entry.name}/")
            if len(folders) > _MOST_FOLDERS:
                raise PlateError(f"{root} has more folders than a plate has time points: open the exported folder.")
    return [folder for folder in sorted(folders, key=natural) if (root / folder / IMAGES).is_file()]


def _read_images(index: Index, root: Path, folder: str, time: int | None) -> None:
    """The images of one list; of a file that several are in, each is a page."""
    images = [record for record in records(root / folder / IMAGES, {"Image"}, inner=True) if "Row" in record.values]
    pages = {record.values.get("URL") for record in images if whole_number(record.values.get("URL@BufferNo", "0"))}
    for record in images:
        file, page = record.values.get("URL"), whole_number(record.values.get("URL@BufferNo", "0"))
        if file and file in pages and page is not None:
            record.values["URL"] = name_of_page(file, page)
        add_image(index, _in_metres(record), folder, time)


def _in_metres(record: Record) -> Record:
    """The record with its lengths in metres, whatever their unit; a length in an unknown unit is left out."""
    for name in _LENGTHS:
        value, unit = number(record.values.get(name)), record.values.get(f"{name}@Unit", "m")
        if value is None or unit not in _METRES:
            record.values.pop(name, None)
        else:
            record.values[name] = repr(value * _METRES[unit])
    return record


READER = Reader(lambda path: measurement_of(path) is not None, open_columbus)
