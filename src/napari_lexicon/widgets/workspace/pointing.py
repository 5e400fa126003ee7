"""What a person has pointed at to teach a feature by. It is kept while fields and docks come and go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_lexicon.widgets.basic.words import counted

if TYPE_CHECKING:
    from napari_lexicon.widgets.workspace.state import WorkspaceState


@dataclass(frozen=True)
class Pointed:
    """Patches of one field.

    Parameters
    ----------
    what : str
        ``"cell 12"``, ``"the region"``.
    well : str
        Of the field.
    number : int
        Of the field on the plate.
    grid : (int, int)
        Rows and columns of patches that the field has.
    places : tuple of (int, int)
        Its patches, by row and column.
    like : bool
        Whether they have what the feature is to find.
    """

    what: str
    well: str
    number: int
    grid: tuple[int, int]
    places: tuple[tuple[int, int], ...]
    like: bool = True

    def line(self) -> str:
        """For a list: ``"B03 · cell 12 · 9 patches"``."""
        return f"{self.well} · {self.what} · {counted(len(self.places), 'patch', 'patches')}"

    def to_json(self, plate: str) -> dict[str, Any]:
        """As :class:`napari_lexicon.jobs.lessons.PointedAt` takes it; ``plate`` as the lexicon calls it."""
        places = [list(place) for place in self.places]
        return {"plate": plate, "number": self.number, "places": places, "like": self.like}


class Pointing(QObject):
    """Places of the open plate, in the order in which they were pointed at.

    Signals
    -------
    changed()
        There are others, or they count otherwise.
    """

    changed = Signal()

    def __init__(self, state: WorkspaceState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._pointed: tuple[Pointed, ...] = ()
        state.plateChanged.connect(self.clear)
        state.lexiconChanged.connect(self._keep_fitting)

    @property
    def pointed(self) -> tuple[Pointed, ...]:
        """What was pointed at."""
        return self._pointed

    def add(self, pointed: Pointed) -> None:
        """Point at more; the same place once more counts as before."""
        if not any(_same(pointed, each) for each in self._pointed):
            self._set((*self._pointed, pointed))

    def set_like(self, position: int, like: bool) -> None:
        """Whether what was pointed at has what the feature is to find."""
        if self._pointed[position].like != like:
            self._set(
                tuple(
                    replace(each, like=like) if place == position else each for place, each in enumerate(self._pointed)
                )
            )

    def remove(self, position: int) -> None:
        """Forget one."""
        self._set(tuple(each for place, each in enumerate(self._pointed) if place != position))

    def clear(self, _: object = None) -> None:
        """Forget all."""
        if self._pointed:
            self._set(())

    def _keep_fitting(self, _: object = None) -> None:
        """Another lexicon of the plate may have patches of another size."""
        plate = self._state.lexicon_plate
        fields = () if plate is None else plate.fields
        kept = tuple(
            each
            for each in self._pointed
            if each.number < len(fields)
            and (fields[each.number].well, tuple(fields[each.number].grid)) == (each.well, each.grid)
        )
        if plate is not None and kept != self._pointed:
            self._set(kept)

    def _set(self, pointed: tuple[Pointed, ...]) -> None:
        self._pointed = pointed
        self.changed.emit()


def _same(one: Pointed, other: Pointed) -> bool:
    return (one.number, set(one.places)) == (other.number, set(other.places))
