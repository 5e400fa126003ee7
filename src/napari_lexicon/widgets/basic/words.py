"""Counting and listing in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def counted(n: int, one: str, many: str | None = None) -> str:
    """``"1 well"``, ``"12 wells"``."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def listed(names: Iterable[str], most: int = 4) -> str:
    """``"A01, A02, A03 and 12 more"``."""
    names = list(names)
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def stepped(names: list[str], current: str | None, step: int) -> str | None:
    """The name ``step`` places on in a list, None beyond its ends; from None the first or the last."""
    if not names:
        return None
    if current not in names:
        return names[0] if step > 0 else names[-1]
    at = names.index(current) + step
    return names[at] if 0 <= at < len(names) else None


def shortened(text: str, most: int = 28) -> str:
    """The text with the middle of very long words (file names, hashes) left out, so that it can be read in a dock."""
    keep = most // 2 - 1
    words = [f"{word[:keep]}…{word[-keep:]}" if len(word) > most else word for word in text.split(" ")]
    return " ".join(words)


def from_home(path: str) -> str:
    """A path with ``~`` for the home folder, as people know it: ``"~/plates/P7.lexicon"``."""
    try:
        within = Path(path).relative_to(Path.home())
    except ValueError:
        return path
    return str("~" / within)
