"""Field sources over image files: what the headers say, and which channels, planes and scenes lie where."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.files_field import FilesField
from napari_lexicon.plates.gaps import missing_planes
from napari_lexicon.plates.header_positions import header_positions
from napari_lexicon.plates.image_files import ImageHeader, read_header
from napari_lexicon.plates.locations import remote_address
from napari_lexicon.plates.model import Channel, Problem
from napari_lexicon.plates.natural_order import natural
from napari_lexicon.plates.plane_choices import Pages, TChoice, ZChoice, as_fields, check_there, said_of_t, said_of_z

if TYPE_CHECKING:
    from napari_lexicon.plates.remote_files import Versions

# Headers are small, but on a network drive each costs a round trip. Where the first few come at once, threads would
# only wait for the interpreter's lock.
_THREADS, _FIRST, _AT_ONCE = 16, 8, 0.002
# Above this many files the channels within the files are taken from a sample.
_MOST_HEADERS = 4000
_SAMPLE = 12
# Up to this many files of single channels every header is read, so that what cannot be read is known at once; of more
# files those whose size is unlike the others'.
_EVERY_HEADER = 1500
_MOST_ODD = 500

Key = tuple[str, str]
"""``(well, field)``."""
Planes = Mapping[str | None, tuple[str, ...]]
"""Files of each channel, in the order of z."""


@dataclass(frozen=True)
class FieldFiles:
    """Files of the fields, and what is known of them before any of them is opened.

    Parameters
    ----------
    root : str
        The plate's folder.
    planes : mapping of Key to Planes
    scenes : mapping of Key to int
        Which image of a file with several a field is; a field that is not there is all of them.
    z, t
        What is to be taken within the files.
    channels : mapping of str to Channel
        What an index says of the channels.
    pixel_size_um : tuple of float or None
        What an index says.
    pages : {"z", "t", "c"}, optional
        What the pages of files are that do not say it.
    sizes : mapping of str to int
        Bytes of the files that are on a disk.
    """

    root: str
    planes: Mapping[Key, Planes]
    scenes: Mapping[Key, int]
    z: ZChoice
    t: TChoice
    channels: Mapping[str, Channel] = field(default_factory=dict)
    pixel_size_um: tuple[float, float] | None = None
    pages: Pages | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def versions(self) -> Versions | None:
        """Asks for the versions of the files that are behind addresses; None where there are none."""
        names = [name for planes in self.planes.values() for files in planes.values() for name in files]
        published = [name for name in names if remote_address(name) is not None]
        if not published:
            return None
        from napari_lexicon.plates.remote_files import Versions

        return Versions(published)


@dataclass(frozen=True)
class Source:
    """One field: its pixels, channels, pixel size and position, and the field of the index that it belongs to."""

    files: FilesField
    channels: tuple[int, ...]
    pixel_size_um: tuple[float, float] | None
    origin: Key
    position_um: tuple[float, float] | None = None


@dataclass
class Sources:
    """All fields, the channels over all of them, and what is to be said."""

    fields: dict[Key, Source] = field(default_factory=dict)
    channels: tuple[Channel, ...] = ()
    rgb: bool = False
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def sources_of(files: FieldFiles) -> Sources:
    """Sources of all fields.

    Raises
    ------
    PlateError
        If no file can be read, or the chosen plane or time point does not exist.
    """
    within = all(channel is None for planes in files.planes.values() for channel in planes)
    return _within_files(files) if within else _file_per_channel(files)


def _file_per_channel(files: FieldFiles) -> Sources:
    """Channels from the names; headers tell the rest, and which files cannot be read."""
    found = Sources()
    names = sorted({channel or "" for planes in files.planes.values() for channel in planes}, key=natural)
    index = {name: number for number, name in enumerate(names)}
    headers = _headers(files, _looked_at(files))
    readable = {path: header for path, header in headers.items() if isinstance(header, ImageHeader)}
    found.channels = _channels(files, names, readable)
    _check_answered(files.root, headers)
    found.problems += _unreadable(files, headers)
    if found.problems and not readable:
        raise PlateError(f"{files.root} has no readable image: {found.problems[0].sentence}")
    found.problems += _of_other_sizes(files, readable)
    found.problems += missing_planes(files.planes, {name: found.channels[index[name]].name for name in names})
    size = files.pixel_size_um or next((h.pixel_size_um for h in readable.values() if h.pixel_size_um), None)
    if any(header.channels > 1 for header in readable.values()):
        found.notes.append("channel files are colour images: the brightest component is taken")
    firsts = {key: next(iter(planes.values()))[0] for key, planes in files.planes.items()}
    positions = header_positions(firsts, headers, lambda name: _header(files, name))
    _remark(found, readable, files)
    usual = next(iter(readable.values()), ImageHeader((1, 1), np.dtype(np.uint8)))
    for key, planes in files.planes.items():
        order = sorted(planes, key=lambda channel: index[channel or ""])
        paths = tuple(planes[channel] for channel in order)
        channels = tuple(index[channel or ""] for channel in order)
        for name, (z, t) in as_fields(key[1], *_choice_of(usual, files), usual.depth, usual.times):
            source = FilesField(files.root, paths, len(order), False, z, t, 0, files.pages, files.versions)
            found.fields[key[0], name] = Source(source, channels, size, key, positions.get(key))
    return found


def _looked_at(files: FieldFiles) -> list[str]:
    """Files whose headers are read: all where they are few, else a sample, and those of an unusual size."""
    every = [name for planes in files.planes.values() for names in planes.values() for name in names]
    sample = _spread([planes[channel][0] for planes in files.planes.values() for channel in planes], _SAMPLE)
    local = [name for name in dict.fromkeys(every) if name in files.sizes]
    if len(local) > _EVERY_HEADER:
        local = _odd(local, files.sizes)
    return list(dict.fromkeys([*sample, *local]))


def _odd(names: Sequence[str], sizes: Mapping[str, int]) -> list[str]:
    """Files of an unusual size, the smallest first: another one than most have, or less than half of the median."""
    counts = Counter(sizes[name] for name in names)
    usual, count = counts.most_common(1)[0]
    if 2 * count >= len(names):
        odd = [name for name in names if sizes[name] != usual]
    else:
        half = sorted(sizes[name] for name in names)[len(names) // 2] / 2
        odd = [name for name in names if sizes[name] < half]
    return sorted(odd, key=lambda name: sizes[name])[:_MOST_ODD]


def _unreadable(files: FieldFiles, headers: Mapping[str, ImageHeader | PlateError]) -> list[Problem]:
    """Files on a disk that cannot be read, each named; addresses are tried again when they are wanted."""
    errors = {name: header for name, header in headers.items() if isinstance(header, PlateError)}
    errors = {name: error for name, error in errors.items() if remote_address(name) is None}
    if not errors:
        return []
    places = ((key, name) for key, planes in files.planes.items() for names in planes.values() for name in names)
    return [Problem(str(errors[name]), *key) for key, name in places if name in errors]


def _of_other_sizes(files: FieldFiles, headers: Mapping[str, ImageHeader]) -> list[Problem]:
    """Fields whose channels have images of different sizes; they cannot be read."""
    problems = []
    for key, planes in files.planes.items():
        firsts = [names[0] for names in planes.values() if names[0] in headers]
        other = next((name for name in firsts if headers[name].shape != headers[firsts[0]].shape), None)
        if other is not None:
            sizes = [" x ".join(map(str, headers[name].shape)) for name in (other, firsts[0])]
            said = f"{other} has {sizes[0]} pixels, but {firsts[0]} of the same field has {sizes[1]}."
            problems.append(Problem(said, *key))
    return problems


def _check_answered(root: str, headers: Mapping[str, ImageHeader | PlateError]) -> None:
    """Where all images that were looked at are behind addresses and none can be read, nothing of the plate can."""
    errors = [error for error in headers.values() if isinstance(error, PlateError)]
    if errors and len(errors) == len(headers) and all(remote_address(name) is not None for name in headers):
        raise PlateError(
            f"The images are on the network, and none of {len(errors)} that were asked for can be read: {errors[0]} "
            f"Check the connection, or download the images below {root}, in the same folders or in one."
        )


def _channels(files: FieldFiles, names: Sequence[str], headers: Mapping[str, ImageHeader]) -> tuple[Channel, ...]:
    """Channels as the index says, else by the words in file names, else as the files themselves call them.

    What one of these does not say, of colour and wavelength, is taken from the files.
    """
    described: dict[str, Channel] = {}
    for planes in files.planes.values():
        for channel, paths in planes.items():
            header = headers.get(paths[0])
            if header is not None and len(header.described) == 1:
                described.setdefault(channel or "", header.described[0])
    own = [channel.name for channel in described.values()]
    telling = len(set(own)) == len(names) and not any(name.startswith("Channel ") for name in own)
    channels = []
    for name in names:
        inner = described.get(name, Channel(""))
        known = files.channels.get(name) or Channel(inner.name if telling and name.isdigit() else _channel_name(name))
        color, wavelength = known.color or inner.color, known.wavelength_nm or inner.wavelength_nm
        channels.append(replace(known, color=color, wavelength_nm=wavelength))
    return tuple(channels)


def _channel_name(name: str) -> str:
    return f"Channel {int(name)}" if name.isdigit() and len(name) < 9 else name or "Channel 1"


def _within_files(files: FieldFiles) -> Sources:
    """Channels from inside the files: every header is read, or a sample where there are very many."""
    found = Sources()
    paths = {key: planes[None] for key, planes in files.planes.items()}
    everything = len(paths) <= _MOST_HEADERS
    firsts = list(dict.fromkeys(names[0] for names in paths.values()))
    looked_at = firsts if everything else _spread(firsts, 200)
    headers = _headers(files, looked_at)
    readable = {path: header for path, header in headers.items() if isinstance(header, ImageHeader)}
    if not readable:
        first = next(error for error in headers.values() if isinstance(error, PlateError))
        raise PlateError(f"{files.root} has no readable image: {first}")
    if not everything:
        found.notes.append(f"channels taken from {len(looked_at)} of {len(paths)} files")
    usual = next(iter(readable.values()))
    found.rgb = all(header.rgb for header in readable.values())
    mixed = any(header.rgb for header in readable.values()) and not found.rgb
    union: dict[str, Channel] = {}
    for key, names in paths.items():
        header = headers.get(names[0], usual)
        for part, scene, name in _scenes(files, key, names[0], header):
            if isinstance(part, PlateError):
                found.problems.append(Problem(str(part), key[0], name))
                continue
            described = _described(part, mixed=mixed)
            for channel in described:
                union.setdefault(channel.name, channel)
            order = tuple(list(union).index(channel.name) for channel in described)
            size = files.pixel_size_um or part.pixel_size_um
            for title, (z, t) in as_fields(name, *_choice_of(part, files), part.depth, part.times):
                source = FilesField(files.root, (names,), part.channels, True, z, t, scene, files.pages, files.versions)
                found.fields[key[0], title] = Source(source, order, size, key, part.position_um)
    _remark(found, readable, files)
    found.channels = tuple(union.values())
    return found


def _scenes(
    files: FieldFiles, key: Key, path: str, header: ImageHeader | PlateError
) -> Iterator[tuple[ImageHeader | PlateError, int, str]]:
    """Header, number and name of the images of one file that are fields: the one that is wanted, or all."""
    if isinstance(header, PlateError):
        yield header, 0, key[1]
        return
    wanted = files.scenes.get(key)
    for number in range(header.scenes) if wanted is None else (wanted,):
        several = wanted is None and header.scenes > 1
        name = key[1] if not several else str(number) if key[1] == "0" else f"{key[1]}s{number}"
        yield (_header(files, path, number) if number else header), number, name


def _choice_of(header: ImageHeader, files: FieldFiles) -> tuple[ZChoice, TChoice]:
    """The choice within a file; a file without a stack or series has only one plane to give."""
    return (files.z if header.depth > 1 else "max"), (files.t if header.times > 1 else 0)


def _described(header: ImageHeader, *, mixed: bool) -> tuple[Channel, ...]:
    if header.described:
        return header.described
    if mixed and header.channels == 1:
        return (Channel("Grey"),)
    return tuple(Channel(f"Channel {index + 1}") for index in range(header.channels))


def _remark(found: Sources, headers: Mapping[str, ImageHeader], files: FieldFiles) -> None:
    """What a person should know of the files: stacks, series, odd depths of grey."""
    depth = max((header.depth for header in headers.values()), default=1)
    times = max((header.times for header in headers.values()), default=1)
    check_there(files.z, files.t, depth, times)
    if depth > 1:
        found.notes.append(said_of_z(files.z, depth))
    if times > 1:
        found.notes.append(f"files with several images taken as series; {said_of_t(files.t, times)}")
    found.notes += sorted({header.remark for header in headers.values() if header.remark})
    types = Counter(str(header.dtype) for header in headers.values())
    if len(types) > 1:
        said = ", ".join(f"{count} of {dtype}" for dtype, count in types.most_common())
        found.problems.append(Problem(f"The images have different pixel types ({said}): grey values may not compare."))


def _headers(files: FieldFiles, names: Sequence[str]) -> dict[str, ImageHeader | PlateError]:
    start = time.perf_counter()
    published = any(remote_address(name) is not None for name in names)
    first = [] if published else [_header(files, name) for name in names[:_FIRST]]
    rest = names[len(first) :]
    if time.perf_counter() - start < _AT_ONCE * len(first):
        return dict(zip(names, [*first, *(_header(files, name) for name in rest)], strict=True))
    with ThreadPoolExecutor(_THREADS) as pool:
        return dict(zip(names, [*first, *pool.map(lambda name: _header(files, name), rest)], strict=True))


def _header(files: FieldFiles, name: str, scene: int = 0) -> ImageHeader | PlateError:
    try:
        place = name if remote_address(name) is not None else os.path.join(files.root, name)
        return read_header(place, scene, files.pages)
    except PlateError as error:
        return error


def _spread(items: Sequence[str], count: int) -> list[str]:
    if len(items) <= count:
        return list(items)
    return [items[round(number * (len(items) - 1) / (count - 1))] for number in range(count)]
