"""Reading the pictures of a gallery in threads, some at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from napari_lexicon.errors import LexiconError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_lexicon.lexicons import Example
    from napari_lexicon.widgets.features.tiles import Tile
    from napari_lexicon.widgets.workspace.background import Background

K = TypeVar("K")
"""Where a tile stands in its gallery."""
FIRST, LATER = 6, 14
"""Tiles that come together: a row or two at once, then more of them. Whenever one comes, the whole window is composed
anew, which takes longer than reading it."""
_AT_A_STRETCH = 2  # tiles that are read before what is to be drawn is waited for


class TileReading:
    """Reads the tiles of one gallery; whatever else is read for the window goes first.

    Parameters
    ----------
    background : Background
        Threads.
    name : str
        Of the gallery, unlike that of any other.
    """

    def __init__(self, background: Background, name: str) -> None:
        self._background, self._name = background, name
        self._errands: list[str] = []

    def read(
        self,
        places: Sequence[tuple[K, Example]],
        read: Callable[[Example], Tile | None],
        take: Callable[[list[tuple[K, Tile]]], None],
    ) -> None:
        """Read other tiles; those that are still awaited are forgotten.

        Parameters
        ----------
        places : sequence of (position, Example)
            What to show, and where in the gallery.
        read : callable
            From a place to its tile, in a thread; a field that has gone or cannot be read leaves its tile empty.
        take : callable
            Gets tiles with their positions, on the main thread.
        """
        self.forget()
        start, size = 0, FIRST
        while start < len(places):
            errand, some = f"{self._name} {start}", places[start : start + size]
            self._errands.append(errand)
            self._background.start(
                errand, _reader(some, read, self._background.give_way), take, lambda error: None, can_wait=True
            )
            start, size = start + size, LATER

    def forget(self) -> None:
        """Drop the tiles that are still being read."""
        for errand in self._errands:
            self._background.forget(errand)
        self._errands = []


def _reader(
    places: Sequence[tuple[K, Example]], read: Callable[[Example], Tile | None], give_way: Callable[[], None]
) -> Callable[[], list[tuple[K, Tile]]]:
    def tile(number: int, place: Example) -> Tile | None:
        if number % _AT_A_STRETCH == 0:
            give_way()
        try:
            return read(place)
        except (LexiconError, OSError):
            return None

    return lambda: [
        (position, found)
        for number, (position, place) in enumerate(places)
        if (found := tile(number, place)) is not None
    ]
