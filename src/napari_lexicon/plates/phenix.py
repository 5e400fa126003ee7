"""Opera Phenix, Operetta and Columbus: the index XML of Harmony beside the images.

Harmony 5 repeats everything with each image, Harmony 6 keeps what a channel has in a map; both are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.folder_names import plate_name
from napari_lexicon.plates.image_entries import ImageEntry
from napari_lexicon.plates.image_table import TableFacts, plate_of_entries
from napari_lexicon.plates.model import Channel, Plate, Problem
from napari_lexicon.plates.ngff_metadata import is_inside, sane_pixel_size, unique
from napari_lexicon.plates.reading import Reader, Request
from napari_lexicon.plates.well_names import MAX_COLUMNS, MAX_ROWS, well_name
from napari_lexicon.plates.xml_records import Record, number, records, starts_with, whole_number

_NAMES = ("Index.idx.xml", "Index.xml", "Index.ref.xml", "ImageIndex.ColumbusIDX.xml")
INDEX_NAMES = (*_NAMES, *(name.lower() for name in _NAMES))


def index_of(path: Path) -> Path | None:
    """The index of a plate: the path itself, or a file in the folder or its ``Images``."""
    if path.is_file():
        known = path.name.lower() in {name.lower() for name in INDEX_NAMES}
        return path if known and _is_index(path) else None
    places = [folder / name for folder in (path, path / "Images") for name in INDEX_NAMES]
    return next((place for place in places if place.is_file() and _is_index(place)), None)


def _is_index(path: Path) -> bool:
    return any(starts_with(path, word) for word in (b"PEHH/Harmony", b"EvaluationInputData", b"ImageIndex"))


@dataclass
class Index:
    """What the index says."""

    entries: list[ImageEntry] = field(default_factory=list)
    channels: dict[str, dict[str, str]] = field(default_factory=dict)
    described: set[str] = field(default_factory=set)
    positions: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    plate: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    without_file: Counter[str] = field(default_factory=Counter)

    def all_problems(self) -> list[Problem]:
        """What was wrong with single images, and the images that were planned and have no file, by wells."""
        return [
            *self.problems,
            *(
                Problem(f"The index lists {count} image{'s' * (count > 1)} of well {well} without a file.", well)
                for well, count in self.without_file.items()
            ),
        ]


def open_phenix(request: Request) -> Plate:
    """A plate by its Harmony or Columbus index.

    Raises
    ------
    PlateError
        If the index cannot be read or lists no image that is there.
    """
    file = index_of(request.path)
    if file is None:
        raise PlateError(f"{request.path} has no Harmony or Columbus index.")
    index = read_index(file)
    if not index.entries:
        raise PlateError(f"{file} lists no images.")
    index.entries = _beside(file.parent, index.entries)
    name = request.name or index.plate.get("Name") or index.plate.get("PlateID") or plate_name(file.parent)
    return plate_of_entries(
        file.parent,
        name,
        index.entries,
        facts_of(index),
        z=request.z,
        t=request.t,
        pages=request.pages,
        note=f"Harmony index {file.name}",
        problems=index.all_problems(),
    )


def _beside(folder: Path, entries: list[ImageEntry]) -> list[ImageEntry]:
    """The entries without their folders, where the images were moved beside the index."""
    if any((folder / entry.path).exists() for entry in entries):
        return entries
    moved = [replace(entry, path=entry.path.rpartition("/")[2]) for entry in entries]
    return moved if any((folder / entry.path).exists() for entry in moved) else entries


def read_index(file: Path) -> Index:
    """What an index file lists.

    Raises
    ------
    PlateError
        If the file cannot be read, is no XML, or declares entities.
    """
    index = Index()
    for record in records(file, {"Image", "Entry", "Plate"}):
        if record.name == "Plate" and record.values:
            index.plate = index.plate or record.values
        elif record.name == "Entry" and "ChannelID" in record.attributes:
            index.channels.setdefault(record.attributes["ChannelID"], {}).update(record.values)
        elif record.name == "Image" and record.values:  # without values it is where a well refers to its images
            add_image(index, record)
    return index


def facts_of(index: Index) -> TableFacts:
    """Channels, pixel size, positions and plate size that an index gives."""
    return TableFacts(
        channels=_channels(index.channels),
        pixel_size_um=_pixel_size(index.channels),
        positions_um=index.positions,
        shape=_shape(index.plate),
    )


def add_image(index: Index, record: Record, folder: str = "", time: int | None = None) -> None:
    """One image of the list; what makes no sense is named, not believed.

    Parameters
    ----------
    index : Index
        To add it to.
    record : Record
        As the file has it, lengths in metres.
    folder : str
        Where the images of this list are, relative to the plate.
    time : int, optional
        Time point; the record's own where None.
    """
    values = record.values
    url = folder + values.get("URL", "").replace("\\", "/")
    row, column = (whole_number(values.get(key)) for key in ("Row", "Col"))
    if row is None or column is None or not 1 <= row <= MAX_ROWS or not 1 <= column <= MAX_COLUMNS:
        index.problems.append(Problem(f"{url[:80]} is listed for a well that no plate has."))
        return
    well, name = well_name(row - 1, column - 1), values.get("FieldID", "1")
    if not values.get("URL"):
        index.without_file[well] += 1
        return
    if not is_inside(url):
        index.problems.append(Problem(f"{url[:80]} lies outside of the plate and is not read.", well, name))
        return
    channel = values.get("ChannelID", "1")
    if channel not in index.described:
        index.described.add(channel)
        index.channels[channel] = {**values, **index.channels.get(channel, {})}
    x, y = _metres(values.get("PositionX")), _metres(values.get("PositionY"))
    if x is not None and y is not None:
        index.positions.setdefault((well, name), (-y, x))  # the stage's y goes up, the image's goes down
    plane = whole_number(values.get("PlaneID")) or 0
    point = (whole_number(values.get("TimepointID")) or 0) if time is None else time
    index.entries.append(ImageEntry(url, well, name, channel, plane, point))


def _channels(described: Mapping[str, Mapping[str, str]]) -> dict[str, Channel]:
    channels: dict[str, Channel] = {}
    for key, values in described.items():
        name = values.get("ChannelName") or f"Channel {key}"
        taken = [channel.name for channel in channels.values()]
        wavelength = number(values.get("MainEmissionWavelength"))  # 0 in brightfield
        channels[key] = Channel(
            unique(name, taken), _color(values.get("ChannelColor")), wavelength_nm=wavelength or None
        )
    return channels


def _color(text: str | None) -> str | None:
    """Columbus writes a colour as the whole number ARGB."""
    value = int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 11 else None
    return None if value is None or value >= 2**32 else f"#{value & 0xFFFFFF:06X}"


def _pixel_size(described: Mapping[str, Mapping[str, str]]) -> tuple[float, float] | None:
    for values in described.values():
        y, x = _metres(values.get("ImageResolutionY")), _metres(values.get("ImageResolutionX"))
        if y is not None and x is not None and sane_pixel_size((y, x)):
            return y, x
    return None


def _shape(plate: Mapping[str, str]) -> tuple[int, int] | None:
    rows, columns = whole_number(plate.get("PlateRows")), whole_number(plate.get("PlateColumns"))
    if rows is None or columns is None or not 1 <= rows <= MAX_ROWS or not 1 <= columns <= MAX_COLUMNS:
        return None
    return rows, columns


def _metres(text: str | None) -> float | None:
    """Micrometres of a length in metres; six digits, since Harmony writes floats."""
    value = number(text)
    return None if value is None else float(f"{value * 1e6:.6g}")


READER = Reader(lambda path: index_of(path) is not None, open_phenix)
