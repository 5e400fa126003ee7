"""Tables that list images: CellProfiler's and JUMP's LoadData CSV, and tall sample sheets with a row per image.

Such tables name the disks of whoever wrote them. A file is looked for below the table's own folder, by as much of its
path as fits; no other path is read. What is not there and has an address (``URL_``, ``s3://``) is read from that.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from urllib.parse import unquote

import pandas as pd

from napari_lexicon.errors import PlateError, PlateMapError
from napari_lexicon.plates.file_listing import image_listing
from napari_lexicon.plates.image_entries import ImageEntry
from napari_lexicon.plates.image_table import TableFacts, plate_of_entries
from napari_lexicon.plates.locations import remote_address
from napari_lexicon.plates.model import Plate, Problem
from napari_lexicon.plates.ngff_metadata import sane_pixel_size
from napari_lexicon.plates.pattern import listed
from napari_lexicon.plates.plate_map import columns_named, well_keys
from napari_lexicon.plates.plate_map_columns import squeezed
from napari_lexicon.plates.reading import Reader, Request
from napari_lexicon.plates.table_files import heading_of, text_table
from napari_lexicon.plates.well_names import canonical_well
from napari_lexicon.plates.xml_records import number

_LOAD_DATA = [f"load_data{which}.{kind}" for which in ("", "_with_illum") for kind in ("csv", "csv.gz", "parquet")]
IN_FOLDERS = (*_LOAD_DATA, "samplesheet.csv")
_LOOKED_AT = 5000  # entries of a folder, for a table of another name
_TABLE = re.compile(r".*\.(?:[ct]sv(?:\.gz)?|parquet)", re.IGNORECASE)
_WIDE = re.compile(r"(?:FileName|URL)_", re.IGNORECASE)
_FILE_COLUMN = re.compile(r"(FileName|URL)_(?:Orig)?(?!Illum)(.+)", re.IGNORECASE)
_PATHS = ("path", "file", "filename", "imagepath", "image", "uri", "url")
_FIELDS = ("site", "field", "fieldid", "siteid", "fov", "fieldnumber", "imagenumber")
_PLATES = ("plate", "platename", "barcode", "platebarcode", "assayplatebarcode")
_CHANNELS = ("channel", "channelname", "dye", "stain")
_PLANES = ("planeid", "plane", "zplane", "zindex", "zslice", "slice", "z")
_TIMES = ("timepointid", "timepoint", "timeindex", "frame", "t")
# As Harmony writes them into its index, and pe2loaddata from there into LoadData: metres, y upwards.
_SIZE = ("imageresolutiony", "imageresolutionx")
_POSITION = ("positiony", "positionx")
_LARGEST_PIXEL, _LARGEST_PLATE = 1e-3, 1.0  # metres


@dataclass(frozen=True)
class _Row:
    paths: tuple[str, ...]  # of the same image, addresses among them
    well: str
    field: str
    channel: str
    plate: str
    z: int = 0
    t: int = 0
    position_um: tuple[float, float] | None = None


def index_of(path: Path) -> Path | None:
    """The table of a plate: the path itself, or one of the usual name in the folder."""
    if path.is_file():
        return path if is_table(path.name) and _lists_images(path) else None
    usual = (path / name for name in IN_FOLDERS)
    found = next((place for place in usual if place.is_file() and _lists_images(place)), None)
    return found or _of_another_name(path)


def _of_another_name(folder: Path) -> Path | None:
    """The one table of a folder that is called LoadData however it is written, LoadData_P1.csv among them."""
    try:
        names = [entry.name for entry in islice(os.scandir(folder), _LOOKED_AT)]
    except OSError:
        return None
    tables = [name for name in names if is_table(name) and squeezed(name).startswith("loaddata")]
    found = [folder / name for name in sorted(tables) if _lists_images(folder / name)]
    return found[0] if len(found) == 1 else None


def is_table(name: str) -> bool:
    """True where a file or an address is called like a table of images."""
    return _TABLE.fullmatch(name.partition("?")[0]) is not None


def _lists_images(path: Path) -> bool:
    header = heading_of(path)
    words = {re.sub(r"\W|_", "", word).lower() for word in re.split(r"[,;\t]", header)}
    tall = (
        bool(words & {"well", "metadatawell", "wellname"})
        and bool(words & set(_PATHS))
        and bool(words & set(_CHANNELS))
    )
    return _WIDE.search(header) is not None or tall


def open_csv_index(request: Request) -> Plate:
    """A plate by a table of its images.

    Raises
    ------
    PlateError
        If the table cannot be read, describes several plates, or none of its images is below its folder or at an
        address that answers.
    """
    file = index_of(request.path)
    if file is None:
        raise PlateError(f"{request.path} is no table of images.")
    return _plate_of(file, file.parent, request)


def open_remote_table(address: str, request: Request) -> Plate:
    """A plate by a table behind an address, whose images have addresses as well.

    Raises
    ------
    PlateError
        As above.
    """
    return _plate_of(address, None, request)


def _plate_of(file: Path | str, folder: Path | None, request: Request) -> Plate:
    name = file.name if isinstance(file, Path) else file.partition("?")[0].rpartition("/")[2]
    try:
        table = text_table(file)
    except PlateMapError as error:
        raise PlateError(str(error)) from error
    wide = any(_FILE_COLUMN.fullmatch(str(column)) for column in table.columns)
    rows, plate = _of_one_plate(list(_wide_rows(table) if wide else _tall_rows(table)), request.name, file)
    rows = _stacked(rows if columns_named(table, _FIELDS) else _numbered(rows))
    entries, problems, notes = _found(rows, folder)
    if not entries and folder is None:
        raise PlateError(
            f"None of the {len(rows)} images that {file} lists has an address: open the table from a disk."
        )
    if not entries:
        raise PlateError(
            f"None of the {len(rows)} images that {name} lists is below {folder}: put the table into the "
            "folder of the images."
        )
    free = not all(canonical_well(entry.well) for entry in entries)
    places = {(row.well, row.field): row.position_um for row in rows if row.position_um is not None}
    size = _pixel_size(table)
    return plate_of_entries(
        folder or str(file),
        request.name or plate or (folder.name if folder else name.partition(".")[0]),
        entries,
        TableFacts(free=free, pixel_size_um=size, positions_um=places),
        z=request.z,
        t=request.t,
        pages=request.pages,
        note="; ".join([f"table {name}", *notes]),
        problems=problems,
    )


def _wide_rows(table: pd.DataFrame) -> Iterator[_Row]:
    """LoadData: a row per field, a column FileName_X or URL_X for each channel."""
    columns: dict[str, list[tuple[str, str | None]]] = {}  # by channel: where its names and their folders stand
    named = [str(column) for column in table.columns]
    folders = {f"file{name[4:]}".lower(): name for name in named if name.lower().startswith("pathname_")}
    for column in named:
        if found := _FILE_COLUMN.fullmatch(column):
            columns.setdefault(found[2], []).append((column, folders.get(column.lower())))
    for place, (_, row) in zip(_places(table), table.iterrows(), strict=True):
        for channel, pairs in columns.items():
            paths = [_joined(row.get(folder), row[column]) for column, folder in pairs]
            if any(paths):
                yield replace(place, paths=tuple(path for path in paths if path), channel=channel)


def _joined(folder: object, name: object) -> str:
    if not isinstance(name, str):
        return ""
    if name.lower().startswith("file:"):  # of another computer: only its end says something here
        return unquote(name)
    return f"{folder.rstrip('/')}/{name}" if isinstance(folder, str) and folder else name


def _tall_rows(table: pd.DataFrame) -> Iterator[_Row]:
    """A row per image, with columns for its path and its channel."""
    paths, channels = columns_named(table, _PATHS), columns_named(table, _CHANNELS)
    if not paths or not channels:
        raise PlateError("The table has no columns for the image's path and channel.")
    for place, path, channel in zip(_places(table), table[paths[0]], table[channels[0]], strict=True):
        if isinstance(path, str) and isinstance(channel, str):
            yield replace(place, paths=(path,), channel=channel)


def _places(table: pd.DataFrame) -> list[_Row]:
    """Where each row of the table belongs; its images are not in it yet."""
    keys = next(iter(well_keys(table)), None)
    if keys is None:
        raise PlateError("The table has no column of wells.")
    wells = [(canonical_well(text) or text.strip()) if isinstance(text, str) else "" for text in keys]
    fields, plates = (_texts(table, names, default) for names, default in ((_FIELDS, "0"), (_PLATES, "")))
    numbers = [[_number(text) for text in _texts(table, names, "")] for names in (_PLANES, _TIMES)]
    positions = [_lengths(table, name, _LARGEST_PLATE) for name in _POSITION]
    rows = []
    for n, (well, field, plate) in enumerate(zip(wells, fields, plates, strict=True)):
        y, x = (values[n] for values in positions)
        place = None if x is None or y is None else (-y, x)
        rows.append(_Row((), well, field, "", plate, numbers[0][n], numbers[1][n], place))
    return rows


def _texts(table: pd.DataFrame, names: Sequence[str], default: str) -> list[str]:
    found = columns_named(table, names)
    values = table[found[0]] if found else [default] * len(table)
    return [value.strip() if isinstance(value, str) else default for value in values]


def _number(text: str) -> int:
    """The number that a text ends with, 0 where there is none."""
    found = re.search(r"([0-9]{1,9})(?:\.0)?$", text)
    return int(found[1]) if found else 0


def _lengths(table: pd.DataFrame, name: str, longest: float) -> list[float | None]:
    """A column in micrometres: metres, unless one of them would be longer than it can be."""
    values = [number(text) for text in _texts(table, (name,), "")]
    if any(value is not None and abs(value) > longest for value in values):
        return values
    return [None if value is None else float(f"{value * 1e6:.6g}") for value in values]


def _pixel_size(table: pd.DataFrame) -> tuple[float, float] | None:
    """The one pixel size of a table, None where it has none or several."""
    sizes = set(zip(*(_lengths(table, name, _LARGEST_PIXEL) for name in _SIZE), strict=True))
    y, x = sizes.pop() if len(sizes) == 1 else (None, None)
    return (y, x) if y is not None and x is not None and sane_pixel_size((y, x)) else None


def _numbered(rows: Sequence[_Row]) -> list[_Row]:
    """Rows of a table without fields: the images of one channel of one well are fields in their order."""
    counts: Counter[tuple[str, str, str, int, int]] = Counter()
    numbered = []
    for row in rows:
        place = row.plate, row.well, row.channel, row.z, row.t
        numbered.append(replace(row, field=str(counts[place])))
        counts[place] += 1
    return numbered


def _stacked(rows: Sequence[_Row]) -> list[_Row]:
    """Rows with their planes and time points; a column that numbers neither of an image is not taken for one."""
    planes = _differ((row.well, row.field, row.channel, row.t, row.z) for row in rows)
    times = _differ((row.well, row.field, row.channel, row.z, row.t) for row in rows)
    return [replace(row, z=row.z if planes else 0, t=row.t if times else 0) for row in rows]


def _differ(places: Iterable[tuple[str, str, str, int, int]]) -> bool:
    """True where some place has several of the last numbers."""
    first: dict[tuple[str, str, str, int], int] = {}
    return any(first.setdefault(place[:4], place[4]) != place[4] for place in places)


def _of_one_plate(rows: Sequence[_Row], name: str | None, file: Path | str) -> tuple[list[_Row], str]:
    plates = list(dict.fromkeys(row.plate for row in rows if row.plate))
    if name in plates:
        return [row for row in rows if row.plate == name], str(name)
    if len(plates) > 1:
        raise PlateError(f"{file} lists {len(plates)} plates ({listed(plates)}): choose one by its name.")
    return list(rows), plates[0] if plates else ""


def _found(rows: Sequence[_Row], folder: Path | None) -> tuple[list[ImageEntry], list[Problem], list[str]]:
    """Entries for the images that are below the folder or have an address; what is neither is counted."""
    files: dict[str, list[tuple[str, ...]]] = {}
    for path in image_listing(folder).files if folder else ():
        parts = tuple(path.split("/"))
        files.setdefault(parts[-1].lower(), []).append(parts)
    best = [_best_of(row.paths, files) for row in rows]
    # A file that fits one row better is not the missing file of another row that shares its name.
    fit: dict[str, int] = {}
    for common, path in filter(None, best):
        fit[path] = max(common, fit.get(path, 0))
    entries, absent, remote = [], [], 0
    for row, found in zip(rows, best, strict=True):
        address = next(filter(None, map(remote_address, row.paths)), None)
        if row.well and found is not None and found[0] == fit[found[1]]:
            entries.append(ImageEntry(found[1], row.well, row.field, row.channel, row.z, row.t))
        elif row.well and address is not None:
            entries.append(ImageEntry(address, row.well, row.field, row.channel, row.z, row.t))
            remote += 1
        else:
            absent.append(row.paths[0])
    said = f"{len(absent)} of {len(rows)} images that the table lists are not below its folder: {listed(absent)}."
    notes = [f"{remote} of {len(rows)} images read from the network"] if remote else []
    return entries, [Problem(said)] if absent else [], notes


def _best_of(paths: Sequence[str], files: Mapping[str, Sequence[tuple[str, ...]]]) -> tuple[int, str] | None:
    """The file that fits one of the paths of an image best."""
    split = ([part for part in re.split(r"[/\\]+", path) if part not in ("", ".", "..")] for path in paths)
    found = [one for parts in split if (one := _best(parts, files)) is not None]
    return max(found, default=None)


def _best(parts: Sequence[str], files: Mapping[str, Sequence[tuple[str, ...]]]) -> tuple[int, str] | None:
    """The file whose path ends like the listed one, as far back as possible, and how far; None where two do equally."""
    known = files.get(parts[-1].lower(), ()) if parts else ()
    scores = []
    for candidate in known:
        common = 0
        for one, other in zip(reversed(candidate), reversed(parts), strict=False):
            if one.lower() != other.lower():
                break
            common += 1
        scores.append((common, candidate))
    scores.sort(reverse=True)
    if not scores or (len(scores) > 1 and scores[0][0] == scores[1][0]):
        return None
    return scores[0][0], "/".join(scores[0][1])


READER = Reader(lambda path: index_of(path) is not None, open_csv_index)
