"""Plate maps drawn as the plate: a grid of wells for each thing that is known of them, as spreadsheets have them.

A grid begins where an ``A`` stands below and to the left of a ``1``. What it is about stands in its corner, in a title
above it, or is the name of its sheet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from napari_lexicon.plates.well_names import MAX_COLUMNS, MAX_ROWS, PLATE_FORMATS, row_letters, well_name

Cells = Sequence[Sequence[str | None]]
"""A sheet as texts, row by row; rows may differ in length."""

UNNAMED = "treatment"
"""What a grid is about that says nothing of it."""

GRID = "drawn as the plate"
"""Key in a table's ``attrs``: its rows are no rows of the file."""

_COLUMN = re.compile(r"(?:col(?:umn)?)?[ ._-]*0*([1-9][0-9]?)(?:\.0)?", re.IGNORECASE)
_ROW = re.compile(r"(?:row)?[ ._-]*([A-Za-z]{1,2})", re.IGNORECASE)
_SHEET_NUMBER = re.compile(r"(?:sheet|tabelle|feuil|hoja|foglio|blad)\s*[0-9]*", re.IGNORECASE)
_LEAST = PLATE_FORMATS[0]
_TITLE_ABOVE = 3  # rows
MOST_ROWS, _MOST_COLUMNS = 2000, 200
"""Cells that are looked at: many drawings of the largest plate."""


@dataclass(frozen=True)
class _Grid:
    top: int
    left: int
    rows: int
    columns: int


def grid_table(sheets: Mapping[str, Cells]) -> pd.DataFrame | None:
    """A table with a row per well from the grids of one or more sheets.

    Parameters
    ----------
    sheets : mapping of str to cells
        By the names of the sheets; an empty name says nothing.

    Returns
    -------
    pandas.DataFrame or None
        A column ``well`` and one per grid, texts; None where there is no grid.
    """
    columns: dict[str, dict[str, str]] = {}
    for sheet, cells in sheets.items():
        grids = list(_grids(cells[:MOST_ROWS]))
        for grid in grids:
            name = _title(cells, grid, grids) or _sheet_title(sheet) or UNNAMED
            count = 2
            while name in columns:
                name = f"{name.removesuffix(f' {count - 1}')} {count}"
                count += 1
            columns[name] = dict(_values(cells, grid))
    if not columns:
        return None
    wells = sorted({place for values in columns.values() for place in values})
    table = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()}, index=wells)
    table.insert(0, "well", table.index)
    table = table.reset_index(drop=True)
    table.attrs[GRID] = True
    return table


def _grids(cells: Cells) -> Iterator[_Grid]:
    for top in range(1, len(cells)):
        for left, text in enumerate(cells[top][:_MOST_COLUMNS]):
            if _row(text) != "A" or _column(_at(cells, top - 1, left + 1)) != 1:
                continue
            rows = next(n for n in range(1, MAX_ROWS + 1) if n == MAX_ROWS or not _is_row(cells, top, left, n))
            columns = next(
                n for n in range(1, MAX_COLUMNS + 1) if n == MAX_COLUMNS or not _is_column(cells, top, left, n)
            )
            if rows >= _LEAST[0] and columns >= _LEAST[1]:
                yield _Grid(top, left, rows, columns)


def _is_row(cells: Cells, top: int, left: int, number: int) -> bool:
    return _row(_at(cells, top + number, left)) == row_letters(number)


def _is_column(cells: Cells, top: int, left: int, number: int) -> bool:
    return _column(_at(cells, top - 1, left + 1 + number)) == number + 1


def _title(cells: Cells, grid: _Grid, grids: Sequence[_Grid]) -> str | None:
    """What stands in the corner, or in the first filled row of the few above that is not another grid's."""
    corner = _at(cells, grid.top - 1, grid.left)
    if corner is not None:
        return corner
    for row in range(grid.top - 2, max(-1, grid.top - 2 - _TITLE_ABOVE), -1):
        if any(other.top <= row < other.top + other.rows and _overlap(other, grid) for other in grids):
            return None
        texts = [_at(cells, row, column) for column in range(grid.left, grid.left + grid.columns + 1)]
        found = next((text for text in texts if text is not None), None)
        if found is not None:
            return found.rstrip(":")
    return None


def _overlap(one: _Grid, other: _Grid) -> bool:
    return one.left <= other.left + other.columns and other.left <= one.left + one.columns


def _sheet_title(name: str) -> str | None:
    return None if not name.strip() or _SHEET_NUMBER.fullmatch(name.strip()) else name.strip()


def _values(cells: Cells, grid: _Grid) -> Iterator[tuple[str, str]]:
    for row in range(grid.rows):
        for column in range(grid.columns):
            text = _at(cells, grid.top + row, grid.left + 1 + column)
            if text is not None:
                yield well_name(row, column), text


def _at(cells: Cells, row: int, column: int) -> str | None:
    if not (0 <= row < len(cells) and 0 <= column < len(cells[row])):
        return None
    text = cells[row][column]
    return text.strip() or None if isinstance(text, str) else None


def _row(text: str | None) -> str | None:
    found = _ROW.fullmatch(text.strip()) if isinstance(text, str) else None
    return found[1].upper() if found else None


def _column(text: str | None) -> int | None:
    found = _COLUMN.fullmatch(text.strip()) if isinstance(text, str) else None
    return int(found[1]) if found else None
