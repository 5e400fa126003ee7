"""Yokogawa CellVoyager and CQ1: ``MeasurementData.mlf`` with a record per image, and the files beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.image_entries import ImageEntry
from napari_lexicon.plates.image_table import TableFacts, plate_of_entries
from napari_lexicon.plates.model import Channel, Plate, Problem
from napari_lexicon.plates.ngff_metadata import hex_color, is_inside, sane_pixel_size, unique
from napari_lexicon.plates.reading import Reader, Request
from napari_lexicon.plates.well_names import MAX_COLUMNS, MAX_ROWS, well_name
from napari_lexicon.plates.xml_records import Record, number, records, starts_with, whole_number

INDEX = "MeasurementData.mlf"
_DETAIL = "MeasurementDetail.mrf"
_KINDS = (".png", ".tif", ".tiff")
_BAND = re.compile(r"BP([0-9]{3})/[0-9]")  # a band-pass filter by its middle and width in nanometres


def mlf_of(path: Path) -> Path | None:
    """The measurement data of a plate: the path itself, or the file in the folder."""
    file = path if path.is_file() else path / INDEX
    return file if file.suffix.lower() == ".mlf" and starts_with(file, b"MeasurementData") else None


@dataclass
class _Index:
    entries: list[ImageEntry] = field(default_factory=list)
    positions: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def open_cellvoyager(request: Request) -> Plate:
    """A plate by its measurement data.

    Raises
    ------
    PlateError
        If the index cannot be read or lists no image that is there.
    """
    file = mlf_of(request.path)
    if file is None:
        raise PlateError(f"{request.path} has no {INDEX}.")
    index = _Index()
    for record in records(file, {"MeasurementRecord"}):
        _add(index, record)
    if not index.entries:
        raise PlateError(f"{file} lists no images. {' '.join(p.sentence for p in index.problems[:3])}".strip())
    index.entries = _as_saved(file.parent, index.entries)
    size, shape, channels = _detail(file.parent, index.problems)
    return plate_of_entries(
        file.parent,
        request.name or file.parent.name,
        index.entries,
        TableFacts(channels=channels, pixel_size_um=size, positions_um=index.positions, shape=shape),
        z=request.z,
        t=request.t,
        pages=request.pages,
        note=f"CellVoyager {file.name}",
        problems=index.problems,
    )


def _add(index: _Index, record: Record) -> None:
    """One record; errors of the instrument have a place as well, and are passed on."""
    values = record.attributes
    row, column = whole_number(values.get("Row")), whole_number(values.get("Column"))
    if row is None or column is None or not 1 <= row <= MAX_ROWS or not 1 <= column <= MAX_COLUMNS:
        index.problems.append(Problem(f"{record.text[:80]} is listed for a well that no plate has."))
        return
    well, name = well_name(row - 1, column - 1), values.get("FieldIndex", "1")
    if values.get("Type", "IMG") != "IMG":
        index.problems.append(Problem(f"The instrument reports for {well}/{name}: {record.text[:200]}.", well, name))
        return
    path = record.text.replace("\\", "/")
    if not is_inside(path):
        index.problems.append(Problem(f"{path[:80]} lies outside of the plate and is not read.", well, name))
        return
    x, y = number(values.get("X")), number(values.get("Y"))
    if x is not None and y is not None:
        index.positions.setdefault((well, name), (-y, x))  # the stage's y goes up, the image's goes down
    z, t = whole_number(values.get("ZIndex")) or 0, whole_number(values.get("TimePoint")) or 0
    index.entries.append(ImageEntry(path, well, name, values.get("Ch", "1"), z, t))


def _as_saved(folder: Path, entries: list[ImageEntry]) -> list[ImageEntry]:
    """The entries with the type that the files have: CV8000 lists TIFF where it has compressed to PNG."""
    if (folder / entries[0].path).exists():
        return entries
    kinds = (suffix for suffix in _KINDS if (folder / entries[0].path).with_suffix(suffix).exists())
    kind = next(kinds, None)
    if kind is None:
        return entries
    return [replace(entry, path=str(PurePosixPath(entry.path).with_suffix(kind))) for entry in entries]


def _detail(
    folder: Path, problems: list[Problem]
) -> tuple[tuple[float, float] | None, tuple[int, int] | None, dict[str, Channel]]:
    """Pixel size, shape of the plate and channels, from the detail file and the settings that it names."""
    size: tuple[float, float] | None = None
    shape: tuple[int, int] | None = None
    settings = ""
    try:
        for record in records(folder / _DETAIL, {"MeasurementChannel"}):
            y, x = (number(record.attributes.get(f"{axis}PixelDimension")) for axis in ("Vertical", "Horizontal"))
            if size is None and y is not None and x is not None and sane_pixel_size((y, x)):
                size = y, x
        for record in records(folder / _DETAIL, {"MeasurementDetail"}):
            rows, columns = (whole_number(record.attributes.get(key)) for key in ("RowCount", "ColumnCount"))
            if rows and columns and rows <= MAX_ROWS and columns <= MAX_COLUMNS:
                shape = rows, columns
            settings = record.attributes.get("MeasurementSettingFileName", "")
    except PlateError as error:
        problems.append(Problem(f"Pixel sizes are not known: {error}"))
    return size, shape, _channels(folder, settings)


def _channels(folder: Path, settings: str) -> dict[str, Channel]:
    """Names and colours of the channels, where the settings are there; they are not needed to open the plate."""
    if not settings or not is_inside(settings) or not (folder / settings).is_file():
        return {}
    channels: dict[str, Channel] = {}
    try:
        for record in records(folder / settings, {"Channel"}):
            values = record.attributes
            name = values.get("Fluorophore") or values.get("Target") or values.get("Acquisition") or ""
            if "Ch" in values and name:
                color = values.get("Color", "")
                taken = [channel.name for channel in channels.values()]
                # The colour is written as #AARRGGBB.
                band = _BAND.match(values.get("Acquisition", ""))
                wavelength = float(band[1]) if band else None
                channels[values["Ch"]] = Channel(unique(name, taken), hex_color(color[-6:]), wavelength_nm=wavelength)
    except PlateError:
        return {}
    return channels


READER = Reader(lambda path: mlf_of(path) is not None, open_cellvoyager)
