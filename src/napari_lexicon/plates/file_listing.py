"""Lists the files of a plate folder: bounded, always in the same order, never outside of it and never in circles."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from napari_lexicon.plates.image_files import IMAGE_EXTENSIONS, extension_of
from napari_lexicon.plates.storage import leads_out_of

MOST_FILES = 2_000_000
DEEPEST = 8
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
    outside : list of str
        Links that lead out of the folder or nowhere; not followed.
    complete : bool
        False where there were too many files or folders to list all.
    """

    files: list[str] = field(default_factory=list)
    others: int = 0
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
        if len(found.files) > most:
            found.complete = False
            break
    found.files.sort()
    found.outside.sort()
    return found
