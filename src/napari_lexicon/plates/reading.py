"""What a reader is: two functions behind one Protocol, for our layouts and for those that others add."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from napari_lexicon.plates.model import Plate

ENTRY_POINTS = "napari_lexicon.plate_readers"
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
    z : int or "max"
        Plane of stacks, or their maximum projection.
    t : int
        Time point of series.
    """

    path: Path
    pattern: str | None = None
    name: str | None = None
    z: int | Literal["max"] = "max"
    t: int = 0


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
