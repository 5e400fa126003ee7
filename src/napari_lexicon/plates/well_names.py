"""Well names: many ways to write one place on a plate, one canonical way (``"B03"``, ``"AF48"``).

Rows are letters (A to Z, then AA), columns are numbers from 1, padded to two digits. Positions are counted from 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

# The largest plates sold have 48 x 72 wells; anything beyond that is a word or a number, not a well.
MAX_ROWS = 48
MAX_COLUMNS = 72

PLATE_FORMATS: tuple[tuple[int, int], ...] = (
    (2, 3),
    (3, 4),
    (4, 6),
    (6, 8),
    (8, 12),
    (16, 24),
    (32, 48),
    (48, 72),
)
"""Rows and columns of the usual plates, from 6 to 3456 wells."""

_LETTER_STYLE = re.compile(r"([A-Za-z]{1,2})\s*[-_/ ]?\s*0*([1-9][0-9]?)")
_NUMBER_STYLE = re.compile(r"[Rr](?:ow)?[-_ ]?0*([1-9][0-9]?)[-_ ]?[Cc](?:ol(?:umn)?)?[-_ ]?0*([1-9][0-9]?)")


def row_letters(row: int) -> str:
    """Letters of a row counted from 0: 0 is ``"A"``, 25 is ``"Z"``, 26 is ``"AA"``."""
    return chr(65 + row) if row < 26 else chr(64 + row // 26) + chr(65 + row % 26)


def row_number(letters: str) -> int:
    """Row counted from 0 of one or two letters: ``"AF"`` is 31."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


def well_name(row: int, column: int) -> str:
    """Canonical name of a place counted from 0: ``well_name(31, 47)`` is ``"AF48"``."""
    return f"{row_letters(row)}{column + 1:02d}"


@lru_cache(4096)  # a plate's file names repeat each well many times
def canonical_well(text: str) -> str | None:
    """One name for a well however it is written.

    Parameters
    ----------
    text : str
        ``"B3"``, ``"b03"``, ``"B - 03"``, ``"B/3"``, ``"r02c03"``, ``"AF48"``.

    Returns
    -------
    str or None
        ``"B03"``; None where the text is not a well of any plate (a free name).
    """
    text = text.strip()
    if found := _LETTER_STYLE.fullmatch(text):
        row, column = row_number(found[1]), int(found[2]) - 1
    elif found := _NUMBER_STYLE.fullmatch(text):
        row, column = int(found[1]) - 1, int(found[2]) - 1
    else:
        return None
    return well_name(row, column) if row < MAX_ROWS and column < MAX_COLUMNS else None


def well_position(name: str) -> tuple[int, int]:
    """Row and column, counted from 0, of a well name.

    Raises
    ------
    ValueError
        If the text is no well name.
    """
    canonical = canonical_well(name)
    if canonical is None:
        raise ValueError(f"{name!r} is not a well name.")
    letters = canonical.rstrip("0123456789")
    return row_number(letters), int(canonical[len(letters) :]) - 1


def plate_format(positions: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Rows and columns of the smallest usual plate that holds all positions (6 wells at least)."""
    places = list(positions)
    rows = max((row for row, _ in places), default=0) + 1
    columns = max((column for _, column in places), default=0) + 1
    for format_rows, format_columns in PLATE_FORMATS:
        if rows <= format_rows and columns <= format_columns:
            return format_rows, format_columns
    return rows, columns
