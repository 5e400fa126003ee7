"""Tables that list images: CellProfiler's and JUMP's LoadData CSV, and tall sample sheets with a row per image.

Such tables name the disks of whoever wrote them. A file is looked for below the table's own folder, by as much of its
path as fits; nothing outside of it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from napari_lexicon.errors import PlateError, PlateMapError
from napari_lexicon.plates.file_listing import image_listing
from napari_lexicon.plates.image_table import ImageEntry, TableFacts, plate_of_entries
from napari_lexicon.plates.locations import remote_address
from napari_lexicon.plates.model import Plate, Problem
from napari_lexicon.plates.pattern import listed
from napari_lexicon.plates.plate_map import columns_named, well_keys
from napari_lexicon.plates.reading import Reader, Request
from napari_lexicon.plates.table_files import text_table
from napari_lexicon.plates.well_names import canonical_well

IN_FOLDERS = ("load_data.csv", "samplesheet.csv")
_WIDE = re.compile(rb"(?:FileName|URL)_", re.IGNORECASE)
_FILE_COLUMN = re.compile(r"(?:FileName|URL)_(?:Orig)?(?!Illum)(.+)", re.IGNORECASE)
_PATHS = ("path", "file", "filename", "imagepath", "image", "uri", "url")
_FIELDS = ("site", "field", "fieldid", "siteid", "fov", "fieldnumber", "imagenumber")
_PLATES = ("plate", "platename", "barcode", "platebarcode", "assayplatebarcode")
_CHANNELS = ("channel", "channelname", "dye", "stain")


@dataclass(frozen=True)
class _Row:
    path: str
    well: str
    field: str
    channel: str
    plate: str


def index_of(path: Path) -> Path | None:
    """The table of a plate: the path itself, or one of the usual name in the folder."""
    if path.is_file():
        return path if path.suffix.lower() in (".csv", ".tsv") and _lists_images(path) else None
    places = (path / name for name in IN_FOLDERS)
    return next((place for place in places if place.is_file() and _lists_images(place)), None)


def _lists_images(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            header = file.readline(2**20)
    except OSError:
        return False
    words = {re.sub(r"\W|_", "", word).lower() for word in re.split(r"[,;\t]", header.decode("latin-1"))}
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
        If the table cannot be read, describes several plates, or none of its images is below its folder.
    """
    file = index_of(request.path)
    if file is None:
        raise PlateError(f"{request.path} is no table of images.")
    try:
        table = text_table(file)
    except PlateMapError as error:
        raise PlateError(str(error)) from error
    rows = list(_wide_rows(table) if any(_FILE_COLUMN.fullmatch(str(c)) for c in table.columns) else _tall_rows(table))
    rows, plate = _of_one_plate(rows, request.name, file)
    entries, problems = _found(rows, file.parent)
    addresses = [row.path for row in rows if remote_address(row.path)]
    if not entries and addresses:
        raise PlateError(
            f"{file.name} lists images on the network ({listed(addresses, 1)}), which are read from a disk only: "
            f"download them below {file.parent}, in the same folders or in one."
        )
    if not entries:
        raise PlateError(
            f"None of the {len(rows)} images that {file.name} lists is below {file.parent}: put the table into the "
            "folder of the images."
        )
    free = not all(canonical_well(entry.well) for entry in entries)
    return plate_of_entries(
        file.parent,
        request.name or plate or file.parent.name,
        entries,
        TableFacts(free=free),
        z=request.z,
        t=request.t,
        note=f"table {file.name}",
        problems=problems,
    )


def _wide_rows(table: pd.DataFrame) -> Iterator[_Row]:
    """LoadData: a row per field, a column FileName_X or URL_X for each channel."""
    channels = {column: found[1] for column in table.columns if (found := _FILE_COLUMN.fullmatch(str(column)))}
    folders = {str(column).lower().replace("pathname_", "filename_"): column for column in table.columns}
    for place, (_, row) in zip(_places(table), table.iterrows(), strict=True):
        for column, channel in channels.items():
            name, folder = row[column], row.get(folders.get(str(column).lower(), ""), "")
            if isinstance(name, str):
                lead = f"{folder}/" if isinstance(folder, str) and folder and folder != name else ""
                yield _Row(lead + name, *place[:2], channel, place[2])


def _tall_rows(table: pd.DataFrame) -> Iterator[_Row]:
    """A row per image, with columns for its path and its channel."""
    paths, channels = columns_named(table, _PATHS), columns_named(table, _CHANNELS)
    if not paths or not channels:
        raise PlateError("The table has no columns for the image's path and channel.")
    for place, path, channel in zip(_places(table), table[paths[0]], table[channels[0]], strict=True):
        if isinstance(path, str) and isinstance(channel, str):
            yield _Row(path, *place[:2], channel, place[2])


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


def _of_one_plate(rows: Sequence[_Row], name: str | None, file: Path) -> tuple[list[_Row], str]:
    plates = list(dict.fromkeys(row.plate for row in rows if row.plate))
    if name in plates:
        return [row for row in rows if row.plate == name], str(name)
    if len(plates) > 1:
        raise PlateError(f"{file} lists {len(plates)} plates ({listed(plates)}): choose one by its name.")
    return list(rows), plates[0] if plates else ""


def _found(rows: Sequence[_Row], folder: Path) -> tuple[list[ImageEntry], list[Problem]]:
    """Entries for the images that are below the folder; what is not is counted."""
    files: dict[str, list[tuple[str, ...]]] = {}
    for path in image_listing(folder).files:
        parts = tuple(path.split("/"))
        files.setdefault(parts[-1].lower(), []).append(parts)
    best = [_best([p for p in re.split(r"[/\\]+", row.path) if p not in ("", ".", "..")], files) for row in rows]
    # A file that fits one row better is not the missing file of another row that shares its name.
    fit: dict[str, int] = {}
    for common, path in filter(None, best):
        fit[path] = max(common, fit.get(path, 0))
    entries = []
    absent = []
    for row, found in zip(rows, best, strict=True):
        if row.well and found is not None and found[0] == fit[found[1]]:
            entries.append(ImageEntry(found[1], row.well, row.field, row.channel))
        else:
            absent.append(row.path)
    said = f"{len(absent)} of {len(rows)} images that the table lists are not below its folder: {listed(absent)}."
    return entries, [Problem(said)] if absent else []


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
