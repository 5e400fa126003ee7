"""What a reader is: two functions behind one Protocol, for our layouts and for those that others add."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from napari_lexicon.plates.model import Plate
from napari_lexicon.plates.plane_choices import Pages, TChoice, ZChoice

ENTRY_POINTS = "napari_lexicon.plates"
"""Entry-point group under which other packages offer their readers."""


@dataclass(frozen=True)
class Request:
    """What is to be opened, and how.

    Parameters
    ----------
    path : pathlib.Path
        Exists.
    pattern : str, optional
        File-name pattern.
    name : str, optional
        Name for the plate, instead of the one it gives itself.
    z : int, "max" or "all"
        Plane of stacks, their maximum projection, or every plane as a field.
    t : int or "all"
        Time point of series, or every time point as a field.
    acquisition : str, optional
        Name or number of the one acquisition that is wanted, where a plate has several.
    tile : int
        Side in pixels of the fields that slides are cut into.
    pages : {"z", "t", "c"}, optional
        What the pages of image files are that do not say it.
    """

    path: Path
    pattern: str | None = None
    name: str | None = None
    z: ZChoice = "max"
    t: TChoice = 0
    acquisition: str | None = None
    tile: int = 2048
    pages: Pages | None = None


class PlateReader(Protocol):
    """Reads plates of one layout."""

    def recognises(self, path: Path) -> bool:
        """True where this reader can open what lies at a path. Looks at content, reads little, raises nothing."""
        ...

    def open(self, request: Request) -> Plate:
        """The plate; raises PlateError with a sentence where it cannot be opened after all."""
        ...


@dataclass(frozen=True)
class Reader:
    """A reader made of two functions."""

    recognises: Callable[[Path], bool]
    open: Callable[[Request], Plate]
