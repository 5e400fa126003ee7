"""Entries of a table of image files, and which of the files are there."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from napari_lexicon.plates.locations import remote_address
from napari_lexicon.plates.model import Problem
from napari_lexicon.plates.storage import leads_out_of
from napari_lexicon.plates.tiff_pages import file_and_page

# Above this many, files with the same fault are counted by wells.
_MOST_NAMED = 20

_ABSENT = "is absent"
_EMPTY = "is empty (0 bytes)"
_LEADS_OUT = "is a link that leads out of the plate"
_OF_MANY = {_ABSENT: "are absent", _EMPTY: "are empty (0 bytes)", _LEADS_OUT: "are links that lead out of the plate"}


@dataclass(frozen=True)
class ImageEntry:
    """One image file of a plate.

    Parameters
    ----------
    path : str
        Relative to the plate's folder, or an address; a page of a file is named as `tiff_pages` does.
    well, field : str
    channel : str or None
        None where the file holds all channels of the field.
    z, t : int
        Any numbers that order the planes and time points.
    scene : int, optional
        Which image of a file with several; by default all, each a field.
    """

    path: str
    well: str
    field: str
    channel: str | None = None
    z: int = 0
    t: int = 0
    scene: int | None = None


@dataclass
class Present:
    """Entries whose files are there, the sizes of these files in bytes, and what is to be said of the others."""

    entries: list[ImageEntry] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def present_files(root: Path | str, entries: Sequence[ImageEntry]) -> Present:
    """Entries whose files are there, inside the plate, and not empty; the others are named. Addresses are not asked.

    Parameters
    ----------
    root : pathlib.Path or str
        Folder that the entries are relative to.
    entries : sequence of ImageEntry
        As a reader lists them.
    """
    found = Present()
    faults: dict[str, list[ImageEntry]] = {}
    outside: dict[str, bool] = {}  # folder -> whether it leads out
    for entry in entries:
        if remote_address(entry.path) is not None:
            found.entries.append(entry)
            continue
        path = os.path.join(root, file_and_page(entry.path)[0])
        folder = os.path.dirname(path)
        if folder not in outside:
            outside[folder] = os.path.exists(folder) and leads_out_of(root, folder)
        try:
            known = os.lstat(path)
            if outside[folder] or (stat.S_ISLNK(known.st_mode) and leads_out_of(root, path)):
                said = _LEADS_OUT
            else:
                size = os.stat(path).st_size if stat.S_ISLNK(known.st_mode) else known.st_size
                said = "" if size else _EMPTY
        except OSError:
            said = _ABSENT
        if said:
            faults.setdefault(said, []).append(entry)
        else:
            found.entries.append(entry)
            found.sizes[entry.path] = size
    listed = Counter(entry.well for entry in entries)
    for said, faulty in faults.items():
        found.problems += _named(said, faulty, listed)
    return found


def _named(said: str, faulty: Sequence[ImageEntry], listed: Counter[str]) -> Iterator[Problem]:
    """Each file by its name, or where there are many how many they are, in all and of each well."""
    if len(faulty) <= _MOST_NAMED:
        yield from (Problem(f"{entry.path} {said}.", entry.well, entry.field) for entry in faulty)
        return
    counts = Counter(entry.well for entry in faulty)
    many = _OF_MANY[said]
    yield Problem(
        f"{len(faulty)} of {listed.total()} images {many}, in {len(counts)} well{'s' * (len(counts) > 1)}; "
        f"{faulty[0].path}, for instance."
    )
    for well, count in counts.items():
        which = "all of its images" if count == listed[well] else f"{count} of its {listed[well]} images"
        yield Problem(f"Well {well}: {which} {many}.", well)
