"""Folders of files of instruments (CZI, ND2, LIF, ...): one or more files per well, each with its fields.

A file that names the wells of its images is believed. Otherwise the wells and fields are in the file names, by a
pattern that is given or guessed, and the images of a file with several are fields ``0``, ``1``, or of field 3 ``3s0``,
``3s1``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.file_listing import holds_vendor_files, pattern_listing
from napari_lexicon.plates.folder_names import plate_name
from napari_lexicon.plates.guessing import guess, without_derived
from napari_lexicon.plates.image_folder import listing_problems, single_plate
from napari_lexicon.plates.model import Plate, Problem
from napari_lexicon.plates.natural_order import natural
from napari_lexicon.plates.pattern import Match, Matches, Pattern, preview_of
from napari_lexicon.plates.reading import Reader, Request
from napari_lexicon.plates.vendor_files import (
    Placed,
    VendorFile,
    check_installed,
    field_names,
    plate_of_images,
    vendor_file,
)

# Headers are small, but on a network drive each costs a round trip.
_THREADS = 16


@dataclass(frozen=True)
class _Named:
    """Files of a folder, as a pattern reads their names."""

    pattern: Pattern
    matches: Matches
    aside: tuple[str, ...]
    how: str


def open_vendor_folder(request: Request) -> Plate:
    """A folder of files of instruments as a plate.

    Raises
    ------
    PlateError
        If openreadout is not installed, no file can be read, or the pattern fits none of them.
    """
    folder = request.path
    check_installed(folder)
    listing = pattern_listing(folder, request.pattern or "")
    named = _named(folder, listing.files, request.pattern)
    title = single_plate(folder, named.pattern, named.matches, request.name) or plate_name(folder)
    matches = sorted(named.matches.found, key=lambda match: natural(match.path))
    with ThreadPoolExecutor(_THREADS) as pool:
        read = list(pool.map(lambda match: _read(folder, match.path), matches))
    problems = listing_problems(listing, named.matches, named.aside)
    errors = [(match, error) for match, error in zip(matches, read, strict=True) if isinstance(error, PlateError)]
    problems += [Problem(str(error), match.well, match.field) for match, error in errors]
    files = [(match, file) for match, file in zip(matches, read, strict=True) if isinstance(file, VendorFile)]
    if not files:
        raise PlateError(f"{folder} has no file that can be read. {problems[-1].sentence}")
    stated = request.pattern is None and all(file.wells() for _, file in files)
    how = f"{'wells named in the files' if stated else named.how}; {_formats(files)}, by openreadout"
    placed = _placed(files, title, stated=stated)
    return plate_of_images(request, title, placed, how, problems, free=not stated and named.matches.free)


def _named(folder: Path, names: Sequence[str], pattern: str | None) -> _Named:
    if pattern is None:
        guessed = guess(names)
        assert guessed is not None
        how = f"pattern {guessed.pattern.text} guessed"
        return _Named(guessed.pattern, guessed.matches, guessed.set_aside, how)
    compiled = Pattern(pattern)
    kept, aside = without_derived(names, pattern)
    matches = compiled.matches(kept)
    if not matches.found:
        raise PlateError(f"{folder}: {preview_of(compiled, matches).sentence} Change the pattern.")
    return _Named(compiled, matches, aside, f"pattern {pattern}")


def _read(folder: Path, name: str) -> VendorFile | PlateError:
    try:
        return vendor_file(folder / name)
    except PlateError as error:
        return error


def _formats(files: Sequence[tuple[Match, VendorFile]]) -> str:
    return " and ".join(sorted({file.format for _, file in files}))


def _placed(files: Sequence[tuple[Match, VendorFile]], title: str, *, stated: bool) -> list[Placed]:
    """Every image with its well and field, in the order of the files; no two fields of a well have one name."""
    taken: dict[str, set[str]] = {}
    placed = []
    for match, file in files:
        wells = file.wells() if stated else (match.well or title,) * len(file.images)
        names = field_names(file, wells) if stated else _names(match, len(file.images))
        for image, well, name in zip(file.images, wells, names, strict=True):
            there = taken.setdefault(well, set())
            chosen = name if name not in there else _next(name, there)
            there.add(chosen)
            placed.append(Placed(file.path, image, well, chosen))
    return placed


def _next(name: str, taken: Collection[str]) -> str:
    """Where a name is taken, the next number: a second file of a well has fields of its own."""
    lead = "" if name.isdigit() else f"{name} "
    return next(f"{lead}{number}" for number in count(len(taken)) if f"{lead}{number}" not in taken)


def _names(match: Match, images: int) -> list[str]:
    """Fields of a file whose name says where it belongs; of what else the name numbers, each number is a field."""
    parts = [match.field, match.channel, match.z, match.t]
    said = "-".join(str(part) for part in parts if part is not None)
    if images == 1:
        return [said or "0"]
    return [f"{said}s{number}" if said else str(number) for number in range(images)]


READER = Reader(holds_vendor_files, open_vendor_folder)
