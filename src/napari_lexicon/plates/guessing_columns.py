"""Reads names as a table: words at the same place are a column, and how columns vary tells what they are.

``B7_01_1_3_DAPI_001`` and its neighbours have a column of wells, one of dyes, one that only numbers the dyes, one that
counts fields, and some that never change.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from napari_lexicon.plates.well_names import canonical_well

_WORD = re.compile(r"[^\W_]+")
_HEXADECIMAL = re.compile(r"(?=.*[0-9])(?=.*[A-Fa-f])[0-9A-Fa-f]{8,}")
PLATE_LETTERS = frozenset(("p", "plate"))
"""Before the well, P1 and P2 are plates rather than planes or positions."""
_MOST_NAMES = 2000
_MOST_CHANNELS = 16


@dataclass(frozen=True)
class _Column:
    """Words at one place of the names: what all begin with, and how they go on."""

    prefix: str
    values: tuple[str, ...]

    @property
    def constant(self) -> bool:
        return len(set(self.values)) == 1

    @property
    def numeric(self) -> bool:
        return all(value.isdigit() for value in self.values)


def column_patterns(
    stems: Sequence[str], role_of: Callable[[str], str | None], is_channel: Callable[[str], bool]
) -> Iterator[str]:
    """Patterns that the columns of many names suggest, without extension.

    Parameters
    ----------
    stems : sequence of str
        File names without extension.
    role_of : callable
        What letters before a number say (``"s"`` is a field), None where they say nothing.
    is_channel : callable
        True for the names of dyes and the like.
    """
    skeleton, names = _alike(stems)
    columns = [_column(words) for words in zip(*names, strict=True)]
    well = next((n for n, column in enumerate(columns) if _are_wells(column)), None)
    if well is None or len(names) < 2:
        return
    roles: dict[int, str] = {well: "well"}
    roles.update({n: "well" for n, c in enumerate(columns) if n != well and c.values == columns[well].values})
    varying = [n for n, c in enumerate(columns) if n not in roles and not c.constant and not _is_hexadecimal(c)]
    channels = [n for n in varying if _are_channels(columns[n], is_channel)]
    if channels:
        roles[channels[0]] = "channel"
    free = [n for n in varying if n not in roles and not _follows(columns, n, list(roles))]
    plates = [n for n in free if n < well and columns[n].numeric and columns[n].prefix.lower() in PLATE_LETTERS]
    roles.update(dict.fromkeys(plates[:1], "plate"))
    counting = [n for n in free if columns[n].numeric and n not in plates]
    for n in counting:
        said = role_of(columns[n].prefix.lower())
        if said is not None and said not in roles.values():
            roles[n] = said
    unsaid = [n for n in counting if n not in roles]
    for order in (unsaid, unsaid[::-1]):
        chosen = dict(roles)
        for n in order:
            # What the columns with a role tell already, or two places tell alike, has no role of its own.
            role = next((r for r in ("field", "channel", "z", "t") if r not in chosen.values()), None)
            if role is not None and not _follows(columns, n, list(chosen)):
                chosen[n] = role
        yield _text(skeleton, columns, chosen)


def _alike(stems: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """The separators that most names share, and the words between them."""
    sample = stems[:: max(1, len(stems) // _MOST_NAMES)]
    shapes = Counter("\0".join(_WORD.split(stem)) for stem in sample)
    shape = shapes.most_common(1)[0][0]
    names = [_WORD.findall(stem) for stem in sample if "\0".join(_WORD.split(stem)) == shape]
    return shape.split("\0"), names


def _column(words: Sequence[str]) -> _Column:
    """Letters that all words begin with are no part of what varies, unless nothing but letters varies."""
    first = words[0]
    common = next((n for n, letter in enumerate(first) if any(w[n : n + 1] != letter for w in words)), len(first))
    letters = re.match(r"[A-Za-z]*", first[:common])
    prefix = letters[0] if letters else ""
    if canonical_well(first) is not None and all(canonical_well(word) for word in words):
        prefix = ""
    elif prefix and common < len(first):
        # "Channel" before DAPI and GFP is a prefix; "G" before GFP and Golgi is not.
        numbers = all(word[len(prefix) :][:1].isdigit() for word in words)
        capitals = all(word[len(prefix) :][:1].isupper() for word in words)
        if not numbers and not (capitals and len(prefix) > 1):
            prefix = ""
    if common == len(first) and all(word == first for word in words):
        return _Column(first, tuple("" for _ in words))
    return _Column(prefix, tuple(word[len(prefix) :] for word in words))


def _are_wells(column: _Column) -> bool:
    wells = {canonical_well(value) for value in column.values}
    return None not in wells and not column.constant and (column.prefix == "" or len(column.prefix) > 2)


def _are_channels(column: _Column, is_channel: Callable[[str], bool]) -> bool:
    values = set(column.values)
    if len(values) > _MOST_CHANNELS or column.numeric:
        return False
    return all(is_channel(value) for value in values) or column.prefix.lower() in ("channel", "ch")


def _is_hexadecimal(column: _Column) -> bool:
    return all(_HEXADECIMAL.fullmatch(column.prefix + value) for value in column.values)


def _follows(columns: Sequence[_Column], n: int, known: Sequence[int]) -> bool:
    """True where a column says nothing that other columns together do not say."""
    seen: dict[tuple[str, ...], str] = {}
    for row, value in enumerate(columns[n].values):
        if seen.setdefault(tuple(columns[k].values[row] for k in known), value) != value:
            return False
    return True


def _text(skeleton: Sequence[str], columns: Sequence[_Column], roles: dict[int, str]) -> str:
    parts = [skeleton[0]]
    for n, (column, separator) in enumerate(zip(columns, skeleton[1:], strict=True)):
        word = f"{{{roles[n]}}}" if n in roles else "" if column.constant else "{*}"
        parts += [column.prefix, word, separator]
    return "".join(parts)
