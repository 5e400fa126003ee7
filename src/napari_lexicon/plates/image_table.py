"""From a table of image files to a plate: what the pattern reader and the readers of vendor indices have in common."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.files_field import FilesField
from napari_lexicon.plates.gaps import gaps
from napari_lexicon.plates.image_files import ImageHeader, read_header
from napari_lexicon.plates.model import Channel, Field, Plate, Problem, Well
from napari_lexicon.plates.natural_order import natural
from napari_lexicon.plates.storage import leads_out_of
from napari_lexicon.plates.well_names import plate_format, well_position

# Headers are small, but on a network drive each costs a round trip.
_THREADS = 16
# Above this many files the channels within the files are taken from a sample.
_MOST_HEADERS = 4000
_SAMPLE = 12
# Above this many, files that mean the same place are counted in one sentence.
_MOST_NAMED = 20


@dataclass(frozen=True)
class ImageEntry:
    """One image file of a plate.

    Parameters
    ----------
    path : str
        Relative to the plate's folder.
    well, field : str
    channel : str or None
        None where the file holds all channels of the field.
    z, t : int
        Any numbers that order the planes and time points.
    """

    path: str
    well: str
    field: str
    channel: str | None = None
    z: int = 0
    t: int = 0


@dataclass(frozen=True)
class TableFacts:
    """What a reader knows beside the files.

    Parameters
    ----------
    free : bool
        True where the wells have names of their own.
    channels : mapping of str to Channel
        By the entries' channel; a channel that is not there keeps its name.
    pixel_size_um : tuple of float or None
        Where the index says so; otherwise the files are asked.
    positions_um : mapping
        ``(y, x)`` of ``(well, field)``.
    shape : tuple of int or None
        Rows and columns of the plate; by default those of the smallest usual plate.
    """

    free: bool = False
    channels: Mapping[str, Channel] = field(default_factory=dict)
    pixel_size_um: tuple[float, float] | None = None
    positions_um: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    shape: tuple[int, int] | None = None


ZChoice = int | Literal["max"]


def plate_of_entries(
    root: Path,
    name: str,
    entries: Sequence[ImageEntry],
    facts: TableFacts,
    *,
    z: ZChoice = "max",
    t: int = 0,
    note: str,
    problems: Sequence[Problem] = (),
) -> Plate:
    """A plate from its files.

    Parameters
    ----------
    root : pathlib.Path
        Folder that the entries are relative to.
    name : str
        Of the plate.
    entries : sequence of ImageEntry
        One per file, in any order.
    facts : TableFacts
        What is known beside the files.
    z, t : int or "max"
        Plane and time point, counted from 0 in the order of the numbers.
    note : str
        How the plate was read; what was chosen along z and t is added.
    problems : sequence of Problem
        What is known to be wrong already.

    Raises
    ------
    PlateError
        If no field can be read, or the chosen plane or time point does not exist.
    """
    found = list(problems)
    notes = [note]
    entries = _not_empty(root, entries, found)
    within_names = len({entry.z for entry in entries}) > 1, len({entry.t for entry in entries}) > 1
    entries = _one_time(entries, t, notes)
    files = _by_field(entries, z, notes, found)
    if not files:
        raise PlateError(f"{root} has no readable image. {' '.join(problem.sentence for problem in found[:3])}".strip())
    within = all(channel is None for planes in files.values() for channel in planes)
    reader = _within_files if within else _file_per_channel
    # What the names have been asked for is not asked of the files again.
    inner: tuple[ZChoice, int] = ("max" if within_names[0] else z, 0 if within_names[1] else t)
    sources, channels, rgb = reader(root, files, facts, inner, notes, found)
    wells = _wells(name, sources, facts)
    found += gaps(wells, channels)
    rows, columns = (0, 0)
    if not facts.free:
        needed = plate_format(well_position(well) for well in wells)
        rows, columns = facts.shape if facts.shape is not None and _holds(facts.shape, wells) else needed
    return Plate(root, name, wells, channels, rgb, rows, columns, problems=tuple(found), note="; ".join(notes))


Planes = Mapping[str | None, tuple[str, ...]]
"""Files of each channel, in the order of z."""
Files = Mapping[tuple[str, str], Planes]
"""By ``(well, field)``."""


@dataclass(frozen=True)
class _Source:
    files: FilesField
    channels: tuple[int, ...]
    pixel_size_um: tuple[float, float] | None


Sources = dict[tuple[str, str], _Source]


def _holds(shape: tuple[int, int], wells: Mapping[str, Well]) -> bool:
    places = [well_position(well) for well in wells]
    return all(row < shape[0] and column < shape[1] for row, column in places)


def _not_empty(root: Path, entries: Sequence[ImageEntry], problems: list[Problem]) -> list[ImageEntry]:
    """Entries whose files are there, inside the plate, and not empty; the others are named."""
    kept = []
    outside: dict[str, bool] = {}  # folder -> whether it leads out
    for entry in entries:
        path = os.path.join(root, entry.path)
        folder = os.path.dirname(path)
        if folder not in outside:
            outside[folder] = os.path.exists(folder) and leads_out_of(root, folder)
        try:
            known = os.lstat(path)
            if outside[folder] or (stat.S_ISLNK(known.st_mode) and leads_out_of(root, path)):
                said = "is a link that leads out of the plate"
            else:
                size = os.stat(path).st_size if stat.S_ISLNK(known.st_mode) else known.st_size
                said = "" if size else "is empty (0 bytes)"
        except OSError:
            said = "is absent"
        if said:
            problems.append(Problem(f"{entry.path} {said}.", entry.well, entry.field))
        else:
            kept.append(entry)
    return kept


def _one_time(entries: Sequence[ImageEntry], t: int, notes: list[str]) -> list[ImageEntry]:
    times = sorted({entry.t for entry in entries})
    if len(times) < 2:
        return list(entries)
    _check_choice("max", t, 1, len(times))
    notes.append(f"t: time point {t} of {len(times)}")
    return [entry for entry in entries if entry.t == times[t]]


def _by_field(entries: Sequence[ImageEntry], z: ZChoice, notes: list[str], problems: list[Problem]) -> Files:
    depths = sorted({entry.z for entry in entries})
    if z != "max" and len(depths) > 1:
        _check_choice(z, 0, len(depths), 1)
        entries = [entry for entry in entries if entry.z == depths[z]]
    if len(depths) > 1:
        notes.append(f"z: maximum projection of {len(depths)} planes" if z == "max" else f"z: plane {z}")
    grouped: dict[tuple[str, str], dict[str | None, dict[int, str]]] = {}
    twice: list[Problem] = []
    for entry in entries:
        planes = grouped.setdefault((entry.well, entry.field), {}).setdefault(entry.channel, {})
        other = planes.setdefault(entry.z, entry.path)
        if other != entry.path:
            said = f"{other} and {entry.path} are both {entry.well}/{entry.field}"
            said += f" channel {entry.channel}" if entry.channel is not None else ""
            twice.append(Problem(f"{said}; the first is used.", entry.well, entry.field))
    if len(twice) > _MOST_NAMED:
        said = f"{len(twice)} files mean a place that another file means as well, and are not used"
        twice = [Problem(f"{said}. For instance: {twice[0].sentence}")]
    problems += twice
    return {
        key: {channel: tuple(path for _, path in sorted(planes.items())) for channel, planes in channels.items()}
        for key, channels in grouped.items()
    }


def _file_per_channel(
    root: Path,
    files: Files,
    facts: TableFacts,
    choice: tuple[ZChoice, int],
    notes: list[str],
    problems: list[Problem],
) -> tuple[Sources, tuple[Channel, ...], bool]:
    """Channels from the names; a few headers tell the rest."""
    names = sorted({channel or "" for planes in files.values() for channel in planes}, key=natural)
    channels = tuple(facts.channels.get(name) or Channel(_channel_name(name)) for name in names)
    index = {name: number for number, name in enumerate(names)}
    sample = _spread([planes[channel][0] for planes in files.values() for channel in planes], _SAMPLE)
    headers = _headers(root, sample)
    readable = {path: header for path, header in headers.items() if isinstance(header, ImageHeader)}
    size = facts.pixel_size_um or next((h.pixel_size_um for h in readable.values() if h.pixel_size_um), None)
    if any(header.channels > 1 for header in readable.values()):
        notes.append("channel files are colour images: the brightest component is taken")
    _remarks(readable, choice, notes, problems)
    usual = next(iter(readable.values()), ImageHeader((1, 1), np.dtype(np.uint8)))
    inner = _inner_choice(usual, choice)
    sources: Sources = {}
    for key, planes in files.items():
        order = sorted(planes, key=lambda channel: index[channel or ""])
        sources[key] = _Source(
            FilesField(str(root), tuple(planes[channel] for channel in order), len(order), False, *inner),
            tuple(index[channel or ""] for channel in order),
            size,
        )
    return sources, channels, False


def _channel_name(name: str) -> str:
    return f"Channel {int(name)}" if name.isdigit() and len(name) < 9 else name or "Channel 1"


def _within_files(
    root: Path,
    files: Files,
    facts: TableFacts,
    choice: tuple[ZChoice, int],
    notes: list[str],
    problems: list[Problem],
) -> tuple[Sources, tuple[Channel, ...], bool]:
    """Channels from inside the files: every header is read, or a sample where there are very many."""
    paths = {key: planes[None] for key, planes in files.items()}
    everything = len(paths) <= _MOST_HEADERS
    looked_at = [names[0] for names in paths.values()] if everything else _spread([n[0] for n in paths.values()], 200)
    headers = _headers(root, looked_at)
    readable = {path: header for path, header in headers.items() if isinstance(header, ImageHeader)}
    if not readable:
        first = next(error for error in headers.values() if isinstance(error, PlateError))
        raise PlateError(f"{root} has no readable image: {first}")
    if not everything:
        notes.append(f"channels taken from {len(looked_at)} of {len(paths)} files")
    usual = next(iter(readable.values()))
    rgb = all(header.rgb for header in readable.values())
    colored = any(header.rgb for header in readable.values())
    union: dict[str, Channel] = {}
    sources: Sources = {}
    for key, names in paths.items():
        header = headers.get(names[0], usual)
        if isinstance(header, PlateError):
            problems.append(Problem(str(header), *key))
            continue
        described = _described(header, mixed=colored and not rgb)
        for channel in described:
            union.setdefault(channel.name, channel)
        order = tuple(list(union).index(channel.name) for channel in described)
        source = FilesField(str(root), (names,), header.channels, True, *_inner_choice(header, choice))
        sources[key] = _Source(source, order, facts.pixel_size_um or header.pixel_size_um)
    _remarks(readable, choice, notes, problems)
    return sources, tuple(union.values()), rgb


def _inner_choice(header: ImageHeader, choice: tuple[ZChoice, int]) -> tuple[ZChoice, int]:
    """The choice within a file; a file without a stack or series has only one plane to give."""
    z, t = choice
    return (z if header.depth > 1 else "max"), (t if header.times > 1 else 0)


def _check_choice(z: ZChoice, t: int, depth: int, times: int) -> None:
    """A plane or time point that no image has is a mistake, not a choice."""
    if z != "max" and not 0 <= z < depth:
        raise PlateError(f"The images have {depth} plane{'s' * (depth > 1)} in z; plane {z} was asked for.")
    if not 0 <= t < times:
        raise PlateError(f"The images have {times} time point{'s' * (times > 1)}; time point {t} was asked for.")


def _described(header: ImageHeader, *, mixed: bool) -> tuple[Channel, ...]:
    if header.described:
        return header.described
    if mixed and header.channels == 1:
        return (Channel("Grey"),)
    return tuple(Channel(f"Channel {index + 1}") for index in range(header.channels))


def _remarks(
    headers: Mapping[str, ImageHeader], choice: tuple[ZChoice, int], notes: list[str], problems: list[Problem]
) -> None:
    """What a person should know of the files: stacks, series, odd depths of grey."""
    z, t = choice
    depth = max((header.depth for header in headers.values()), default=1)
    times = max((header.times for header in headers.values()), default=1)
    _check_choice(z, t, depth, times)
    if depth > 1:
        notes.append(f"z: maximum projection of {depth} planes" if z == "max" else f"z: plane {z}")
    if times > 1:
        notes.append(f"files with several images taken as series; t: time point {t} of {times}")
    notes += sorted({header.remark for header in headers.values() if header.remark})
    types = Counter(str(header.dtype) for header in headers.values())
    if len(types) > 1:
        said = ", ".join(f"{count} of {dtype}" for dtype, count in types.most_common())
        problems.append(Problem(f"The images have different pixel types ({said}): grey values may not compare."))


def _headers(root: Path, names: Sequence[str]) -> dict[str, ImageHeader | PlateError]:
    def header(name: str) -> ImageHeader | PlateError:
        try:
            return read_header(os.path.join(root, name))
        except PlateError as error:
            return error

    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(names, pool.map(header, names), strict=True))


def _spread(items: Sequence[str], count: int) -> list[str]:
    if len(items) <= count:
        return list(items)
    return [items[round(number * (len(items) - 1) / (count - 1))] for number in range(count)]


def _wells(plate: str, sources: Sources, facts: TableFacts) -> dict[str, Well]:
    fields: dict[str, list[str]] = {}
    for well, name in sources:
        fields.setdefault(well, []).append(name)
    order = sorted(fields, key=natural) if facts.free else sorted(fields, key=well_position)
    wells = {}
    for well in order:
        row, column = (None, None) if facts.free else well_position(well)
        names = sorted(fields[well], key=natural)
        wells[well] = Well(
            well,
            row,
            column,
            tuple(
                Field(
                    plate,
                    well,
                    name,
                    index,
                    sources[well, name].channels,
                    sources[well, name].files,
                    sources[well, name].pixel_size_um,
                    facts.positions_um.get((well, name)),
                )
                for index, name in enumerate(names)
            ),
        )
    return wells
