"""What limits an answer, in sentences that travel with its table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

_KEY = "notes"


def noted(table: pd.DataFrame, notes: Iterable[str]) -> pd.DataFrame:
    """The table with sentences beside those that it has already; they go with ``table.attrs``, not into its rows."""
    table.attrs[_KEY] = tuple(dict.fromkeys([*notes_of(table), *notes]))
    return table


def renoted(table: pd.DataFrame, notes: Iterable[str]) -> pd.DataFrame:
    """The table with these sentences in place of those that it has."""
    table.attrs[_KEY] = tuple(notes)
    return table


def notes_of(table: pd.DataFrame) -> tuple[str, ...]:
    """What was said of a table."""
    return tuple(table.attrs.get(_KEY, ()))


def without_controls(names: Sequence[str]) -> list[str]:
    """That treatments are missing because nothing on their plates can be compared with them."""
    if not names:
        return []
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return [
        f"Left out, because fewer than two control wells lie on their plates: {', '.join(map(str, names[:5]))}{more}."
    ]
