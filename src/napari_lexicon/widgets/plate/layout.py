"""What the plate grid shows: places and names of wells, and the colours they get. No Qt, no pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from napari_lexicon.widgets.basic.words import stepped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_lexicon.plates.model import Plate

# Sizes that plates come in, (rows, columns). A plate that says it is smaller is drawn in the next one that holds it.
STANDARD_SIZES: tuple[tuple[int, int], ...] = ((2, 3), (3, 4), (4, 6), (6, 8), (8, 12), (16, 24), (32, 48))


@dataclass(frozen=True)
class WellPlace:
    """One well of the layout: its name, its place (None for a free well) and its number of fields."""

    name: str
    row: int | None
    column: int | None
    n_fields: int


@dataclass(frozen=True)
class PlateLayout:
    """Places of the wells of one plate.

    Parameters
    ----------
    rows, columns : int
        Physical size, ``(0, 0)`` for free wells.
    wells : mapping of str to WellPlace
        Wells that the plate has; every other place of the grid is a missing well.
    """

    rows: int = 0
    columns: int = 0
    wells: Mapping[str, WellPlace] = field(default_factory=dict)

    @property
    def free(self) -> bool:
        """True where the wells have no place on a grid."""
        return self.rows == 0

    @property
    def n_missing(self) -> int:
        """Places of the grid without a well."""
        return max(0, self.rows * self.columns - len(self.wells))

    def at(self, row: int, column: int) -> str | None:
        """Name of the well at a place, None where it is missing."""
        return self._by_place.get((row, column))

    def in_row(self, row: int) -> frozenset[str]:
        """Wells of a row."""
        return frozenset(well.name for well in self.wells.values() if well.row == row)

    def in_column(self, column: int) -> frozenset[str]:
        """Wells of a column."""
        return frozenset(well.name for well in self.wells.values() if well.column == column)

    def within(self, top: int, left: int, bottom: int, right: int) -> frozenset[str]:
        """Wells of a rectangle of places, borders included."""
        return frozenset(
            name for (row, column), name in self._by_place.items() if top <= row <= bottom and left <= column <= right
        )

    def neighbour(self, well: str, down: int, right: int) -> str | None:
        """The next well in a direction, missing ones leapt over; None at the edge."""
        here = self.wells[well]
        if here.row is None or here.column is None:
            return stepped(list(self.wells), well, down or right)
        row, column = here.row + down, here.column + right
        while 0 <= row < self.rows and 0 <= column < self.columns:
            found = self.at(row, column)
            if found is not None:
                return found
            row, column = row + down, column + right
        return None

    @cached_property
    def _by_place(self) -> dict[tuple[int, int], str]:
        return {
            (well.row, well.column): well.name
            for well in self.wells.values()
            if well.row is not None and well.column is not None
        }


def plate_layout(plate: Plate) -> PlateLayout:
    """Layout of an opened plate."""
    wells = {well.name: WellPlace(well.name, well.row, well.column, len(well.fields)) for well in plate.wells.values()}
    rows, columns = plate.rows, plate.columns
    if rows and (rows, columns) not in STANDARD_SIZES:
        holds = [size for size in STANDARD_SIZES if size[0] >= rows and size[1] >= columns]
        rows, columns = holds[0] if holds else (rows, columns)
    return PlateLayout(rows, columns, wells)
