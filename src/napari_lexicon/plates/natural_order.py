"""Natural order of names: ``field 2`` comes before ``field 10``."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"(\d+)")


def natural(name: str) -> tuple[tuple[bool, int, str], ...]:
    """Sort key of a name; numbers within it are compared as numbers."""
    # A number of a thousand digits is compared by its text: turning it into an integer would take the square.
    return tuple(
        (False, int(part), part) if part.isdigit() and part.isascii() and len(part) < 19 else (True, 0, part)
        for part in _DIGITS.split(name)
        if part
    )
