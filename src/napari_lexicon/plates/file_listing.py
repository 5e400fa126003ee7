"""Lists the files of a plate folder: bounded, always in the same order, never outside of it and never in circles."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from napari_lexicon.plates.image_files import (
    IMAGE_EXTENSIONS,
    RASTER_EXTENSIONS,
    TIFF_EXTENSIONS,
    VENDOR_EXTENSIONS,
    extension_of,
)
from napari_lexicon.plates.storage import leads_out_of

MOST_FILES = 2_000_000
DEEPEST = 8
_LOOKED_AT = 2000  # entries, for telling what a folder holds
_LEVELS = 3
# Folders in which nobody keeps images of a plate.
_PASSED_OVER = frozenset({"__MACOSX", "$RECYCLE.BIN", "System Volume Information"})


@dataclass
class Listing:
    """Files below a folder.

    Parameters
    ----------
    files : list of str
        Paths relative to the folder, with ``/``, sorted as text.
    others : int
        Files with other extensions that were seen.
    beside : list of str
        Files of instruments among those; sorted.
    outside : list of str
        Links that lead out of the folder or nowhere; not followed.
    complete : bool
        False where there were too many files or folders to list all.
    """

    files: list[str] = field(default_factory=list)
    others: int = 0
    beside: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    complete: bool = True


def image_listing(
    folder: Path, depth: int = DEEPEST, extensions: Collection[str] = IMAGE_EXTENSIONS, most: int = MOST_FILES
) -> Listing:
    """Image files below a folder.

    Parameters
    ----------
    folder : pathlib.Path
        Where to look.
    depth : int
        Folders below the first that are looked into; 0 for the folder itself.
    extensions : collection of str
        Without the dot, in small letters.
    most : int
        Where to stop.
    """
    found = Listing()
    seen = {os.path.realpath(folder)}
    waiting = [(str(folder), "", depth)]
    while waiting:
        place, lead, left = waiting.pop()
        try:
            entries = list(os.scandir(place))
        except OSError:
            found.outside.append(lead.rstrip("/") or place)
            continue
        for entry in entries:
            if entry.name.startswith(".") or entry.name in _PASSED_OVER:
                continue
            if entry.is_symlink() and leads_out_of(folder, entry.path):
                found.outside.append(lead + entry.name)
            elif entry.is_dir():
                real = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
                if left > 0 and real not in seen and not entry.name.endswith((".zarr", ".lexicon")):
                    seen.add(real)
                    waiting.append((entry.path, f"{lead}{entry.name}/", left - 1))
            elif extension_of(entry.name) in extensions:
                found.files.append(lead + entry.name)
            else:
                found.others += 1
                if extension_of(entry.name) in VENDOR_EXTENSIONS:
                    found.beside.append(lead + entry.name)
        if len(found.files) > most:
            found.complete = False
            break
    found.files.sort()
    found.beside.sort()
    found.outside.sort()
    return found


def holds_vendor_files(folder: Path) -> bool:
    """True where a folder holds files of instruments, and no TIFF; previews of them may lie beside."""
    if not folder.is_dir():
        return False
    level, left = [str(folder)], _LOOKED_AT
    for _ in range(_LEVELS):
        below: list[str] = []
        for place in level:
            try:
                with os.scandir(place) as entries:
                    found = [entry for entry in islice(entries, left) if entry.name[0] not in "._"]
            except OSError:
                continue
            left -= len(found)
            folders = {entry for entry in found if entry.is_dir(follow_symlinks=False)}
            kinds = {extension_of(entry.name) for entry in found if entry not in folders}
            if kinds & TIFF_EXTENSIONS:
                return False
            if kinds & VENDOR_EXTENSIONS:
                return True
            below += [] if kinds & RASTER_EXTENSIONS else [entry.path for entry in folders]
        level = sorted(below)
    return False


def pattern_listing(folder: Path, pattern: str = "") -> Listing:
    """Files that a pattern is about: images, or files of instruments where these are what the folder holds.

    Parameters
    ----------
    folder : pathlib.Path
        Where to look.
    pattern : str
        Says how deep, and its ending whether files of instruments are meant where images lie beside them; empty
        where it is to be guessed.
    """
    depth = pattern.count("/") if pattern else DEEPEST
    named = extension_of(pattern) in VENDOR_EXTENSIONS
    return image_listing(folder, depth, VENDOR_EXTENSIONS if named or holds_vendor_files(folder) else IMAGE_EXTENSIONS)
