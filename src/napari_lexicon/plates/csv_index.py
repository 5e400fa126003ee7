"""Tables that list images: CellProfiler's and JUMP's LoadData CSV, and tall sample sheets with a row per image.

Such tables name the disks of whoever wrote them. A file is looked for below the table's own folder, by as much of its
path as fits; no other path is read. What is not there and has an address (``URL_``, ``s3://``) is read from that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pandas as pd

from napari_lexicon.errors import PlateError, PlateMapError
from napari_lexicon.plates.file_listing import image_listing
from napari_lexicon.plates.image_entries import ImageEntry
from napari_lexicon.plates.image_table import TableFacts, plate_of_entries
from napari_lexicon.plates.locations import remote_address
from napari_lexicon.plates.model import Plate, Problem
from napari_lexicon.plates.pattern import listed
from napari_lexicon.plates.plate_map import columns_named, well_keys
from napari_lexicon.plates.reading import Reader, Request
from napari_lexicon.plates.table_files import heading_of, text_table
from napari_lexicon.plates.well_names import canonical_well

_LOAD_DATA = [f"load_data{which}.{kind}" for which in ("", "_with_illum") for kind in ("csv", "csv.gz", "parquet")]
IN_FOLDERS = (*_LOAD_DATA, "samplesheet.csv")
_TABLE = re.compile(r".*\.(?:[ct]sv(?:\.gz)?|parquet)", re.IGNORECASE)
_WIDE = re.compile(r"(?:FileName|URL)_", re.IGNORECASE)
_FILE_COLUMN = re.compile(r"(FileName|URL)_(?:Orig)?(?!Illum)(.+)", re.IGNORECASE)
_PATHS = ("path", "file", "filename", "imagepath", "image", "uri", "url")
_FIELDS = ("site", "field", "fieldid", "siteid", "fov", "fieldnumber", "imagenumber")
_PLATES = ("plate", "platename", "barcode", "platebarcode", "assayplatebarcode")
_CHANNELS = ("channel", "channelname", "dye", "stain")


@dataclass(frozen=True)
class _Row:
    paths: tuple[str, ...]  # of the same image, addresses among them
    well: str
    field: str
    channel: str
    plate: str


def index_of(path: Path) -> Path | None:
    """The table of a plate: the path itself, or one of the usual name in the folder."""
    if path.is_file():
        return path if is_table(path.name) and _lists_images(path) else None
    places = (path / name for name in IN_FOLDERS)
    return next((place for place in places if place.is_file() and _lists_images(place)), None)


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
    return plate_of_entries(
        folder or str(file),
        request.name or plate or (folder.name if folder else name.partition(".")[0]),
        entries,
        TableFacts(free=free),
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
                yield _Row(tuple(path for path in paths if path), *place[:2], channel, place[2])


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
            yield _Row((path,), *place[:2], channel, place[2])


def _places(table: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Well, field and plate of each row."""
    keys = next(iter(well_keys(table)), None)
    if keys is None:
        raise PlateError("The table has no column of wells.")
    wells = [(canonical_well(text) or text.strip()) if isinstance(text, str) else "" for text in keys]
    columns = []
    for names, default in ((_FIELDS, "0"), (_PLATES, "")):
        found = columns_named(table, names)
        values = table[found[0]] if found else [default] * len(table)
        columns.append([value.strip() if isinstance(value, str) else default for value in values])
    return list(zip(wells, *columns, strict=True))


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
            entries.append(ImageEntry(found[1], row.well, row.field, row.channel))
        elif row.well and address is not None:
            entries.append(ImageEntry(address, row.well, row.field, row.channel))
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
