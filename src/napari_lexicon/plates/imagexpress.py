"""ImageXpress and MetaXpress: the HTD file beside ``TimePoint_1`` and ``ZStep_1`` folders, or beside the images."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.file_listing import image_listing
from napari_lexicon.plates.image_entries import ImageEntry
from napari_lexicon.plates.image_table import TableFacts, plate_of_entries
from napari_lexicon.plates.model import Channel, Plate, Problem
from napari_lexicon.plates.ngff_metadata import unique
from napari_lexicon.plates.pattern import listed
from napari_lexicon.plates.reading import Reader, Request
from napari_lexicon.plates.well_names import MAX_COLUMNS, MAX_ROWS, canonical_well, well_name
from napari_lexicon.plates.xml_records import starts_with

_LARGEST = 2**20
# plate_B03_s2_w1GUID.TIF, older ones plate_B03_s2_w1_[GUID].tif; site and wavelength are left out where there is one.
_GUID = r"(?:[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}|[0-9A-F]{32})"
_NAME = (
    r"(?P<well>[A-Za-z]{1,2}[0-9]{2})(?:_s(?P<site>[0-9]+))?(?:_w(?P<wave>[0-9]{1,2}))?"
    rf"(?P<thumb>_thumb)?(?:{_GUID}|_\[{_GUID}\])?\.tiff?"
)
_FIRST_FOLDER = "TimePoint_1"
_FOLDERS = {
    "t": re.compile(r"TimePoint_(\d{1,9})/", re.IGNORECASE),
    "z": re.compile(r"ZStep_(\d{1,9})/", re.IGNORECASE),
}


def htd_of(path: Path) -> Path | None:
    """The HTD file of a plate: the path itself, or one in the folder or in its first time point."""
    if path.is_file():
        return path if path.suffix.lower() == ".htd" and _is_htd(path) else None
    return next(iter(_htds_in(path)), None)


def _htds_in(folder: Path) -> list[Path]:
    """HTD files in a folder, or where it has none in that of its first time point."""
    for place in (folder, folder / _FIRST_FOLDER):
        with suppress(OSError):
            found = sorted(file for file in place.iterdir() if file.suffix.lower() == ".htd" and _is_htd(file))
            if found:
                return found
    return []


def _is_htd(path: Path) -> bool:
    return starts_with(path, b"HTSInfoFile", 64)


def open_imagexpress(request: Request) -> Plate:
    """A plate by its HTD file.

    Raises
    ------
    PlateError
        If the file cannot be read or no image of the plate is there.
    """
    file = htd_of(request.path)
    if file is None:
        raise PlateError(f"{request.path} has no HTD file.")
    root = file.parent.parent if file.parent.name.lower() == _FIRST_FOLDER.lower() else file.parent
    files = image_listing(root, depth=2).files
    # Images are named after the HTD file, unless somebody has renamed it.
    plates = {other: _entries(files, rf"(?:.*/)?{re.escape(other.stem)}_{_NAME}") for other in _htds_in(file.parent)}
    full = [other for other, (entries, _) in plates.items() if entries]
    if request.path.is_dir() and len(full) > 1:
        chosen = [other for other in full if other.stem == request.name]
        if not chosen:
            names = listed([other.name for other in full])
            raise PlateError(f"{request.path} holds {len(full)} plates ({names}): open one of these files.")
        file = chosen[0]
    stated = _settings(file)
    entries, others = plates.get(file, ([], files))
    others = [other for other in others if not any(_is_of(other, plate) for plate in full if plate != file)]
    if not entries:
        entries, others = _entries(files, rf"(?:.*/)?(?:[^/]*?_)??{_NAME}")
    if not entries:
        raise PlateError(f"{root} has no images of the plate that {file.name} describes.")
    problems = _missing(entries, stated)
    if others:
        problems.append(Problem(f"{len(others)} images are not named as MetaXpress does: {listed(others)}."))
    facts = TableFacts(channels=_channels(stated), shape=_shape(stated))
    return plate_of_entries(
        root,
        request.name or file.stem,  # the description is often that of the protocol, and the same for all plates
        entries,
        facts,
        z=request.z,
        t=request.t,
        pages=request.pages,
        note=f"MetaXpress {file.name}",
        problems=problems,
    )


def _is_of(path: str, htd: Path) -> bool:
    """True for an image that is named after a HTD file."""
    return path.rpartition("/")[2].lower().startswith(f"{htd.stem.lower()}_")


def _settings(file: Path) -> dict[str, str]:
    """Keys and values of an HTD file: quoted CSV text, a key and its values on each line."""
    try:
        with open(file, "rb") as stream:
            content = stream.read(_LARGEST)
        wide = content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        text = content.decode("utf-16", errors="replace") if wide else content.decode("latin-1")
        rows = list(csv.reader(text.splitlines(), skipinitialspace=True))
    except (OSError, csv.Error) as error:
        raise PlateError(f"{file} cannot be read: {error}.") from error
    return {row[0].strip(): ",".join(value.strip() for value in row[1:]) for row in rows if row}


def _entries(files: list[str], pattern: str) -> tuple[list[ImageEntry], list[str]]:
    entries, others = [], []
    name = re.compile(pattern, re.IGNORECASE)
    for path in files:
        found = name.fullmatch(path)
        well = canonical_well(found["well"]) if found else None
        if found is None or well is None:
            others.append(path)
            continue
        if found["thumb"]:
            continue
        place = {axis: folder.search(path) for axis, folder in _FOLDERS.items()}
        z, t = (int(match[1]) if (match := place[axis]) else 0 for axis in "zt")
        entries.append(ImageEntry(path, well, found["site"] or "1", found["wave"] or "1", z, t))
    # A projection may lie beside the ZStep folders; where a channel has planes it is not one of them.
    stacks = {(entry.well, entry.field, entry.channel, entry.t) for entry in entries if entry.z}
    kept = [entry for entry in entries if entry.z or (entry.well, entry.field, entry.channel, entry.t) not in stacks]
    return kept, others


def _missing(entries: list[ImageEntry], stated: Mapping[str, str]) -> list[Problem]:
    """Wells and sites that were selected for the run and have no image."""
    there = {(entry.well, entry.field) for entry in entries}
    wells = {well for well, _ in there}
    selected = _selected(stated)
    absent = [well for well in selected if well not in wells]
    problems = [Problem(f"Well {well} was selected for the run and has no images.", well) for well in absent]
    sites = _number(stated, "XSites", 1) * _number(stated, "YSites", 1)
    if 1 < sites <= 10_000:
        marked = [str(n + 1) for n, on in enumerate(_flags(stated, "SiteSelection", "YSites")) if on]
        numbered = [str(n + 1) for n in range(len(marked) or sites)]  # in their order, whichever cells they are in
        numbers = {site for _, site in there}
        expected = marked if marked and not numbers <= set(numbered) and numbers <= set(marked) else numbered
        for well in selected:
            for site in expected:
                if well in wells and (well, site) not in there:
                    problems.append(Problem(f"Site {site} of well {well} was selected and has no images.", well, site))
    return [*_missing_everywhere(entries, stated), *problems]


def _missing_everywhere(entries: list[ImageEntry], stated: Mapping[str, str]) -> list[Problem]:
    """Wavelengths, planes and time points of the run that no well has."""
    waves, channels = {entry.channel for entry in entries}, _channels(stated)
    collected = [wave for wave in channels if _number(stated, f"WaveCollect{wave}", 1)]
    problems = [
        Problem(f"Wavelength {wave} ({channels[wave].name}) was selected for the run and has no images.")
        for wave in collected
        if wave not in waves
    ]
    for key, axis, words in (("ZSteps", "z", "planes in z"), ("TimePoints", "t", "time points")):
        there, wanted = len({getattr(entry, axis) for entry in entries} - {0}), _number(stated, key, 1)
        if 0 < there < wanted:  # of a stack that was projected there are none, and nothing is missing
            problems.append(Problem(f"The run has {wanted} {words}, and images of {there} are there."))
    return problems


def _selected(stated: Mapping[str, str]) -> list[str]:
    columns = min(_number(stated, "XWells", 0), MAX_COLUMNS)
    flags = _flags(stated, "WellsSelection", "YWells")
    return [well_name(n // columns, n % columns) for n, on in enumerate(flags) if on] if columns else []


def _flags(stated: Mapping[str, str], key: str, rows: str) -> list[bool]:
    flags: list[bool] = []
    for row in range(1, min(_number(stated, rows, 0), MAX_ROWS) + 1):
        flags += [flag.strip().upper() == "TRUE" for flag in stated.get(f"{key}{row}", "").split(",") if flag.strip()]
    return flags


def _channels(stated: Mapping[str, str]) -> dict[str, Channel]:
    channels: dict[str, Channel] = {}
    for wave in range(1, min(_number(stated, "NWavelengths", 1), 99) + 1):
        name = stated.get(f"WaveName{wave}") or f"Channel {wave}"
        channels[str(wave)] = Channel(unique(name, [channel.name for channel in channels.values()]))
    return channels


def _shape(stated: Mapping[str, str]) -> tuple[int, int] | None:
    rows, columns = _number(stated, "YWells", 0), _number(stated, "XWells", 0)
    return (rows, columns) if 0 < rows <= MAX_ROWS and 0 < columns <= MAX_COLUMNS else None


def _number(stated: Mapping[str, str], key: str, default: int) -> int:
    text = stated.get(key, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


READER = Reader(lambda path: htd_of(path) is not None, open_imagexpress)
