"""The pattern language for folders of images: ``{*}_{well}f{field}d{channel}.TIF``.

``docs/reference/pattern-language.md`` is the description for users; the tests hold it against this code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.natural_order import natural
from napari_lexicon.plates.well_names import canonical_well

PLACEHOLDERS = ("well", "row", "column", "field", "channel", "z", "t", "plate", "*")

# Wells of real plates only: rows A to AV, columns 1 to 72, so that "NF1" or "U2" in a name is not taken for one.
_ROW = r"(?:[A-Za-z]|[Aa][A-Va-v])"
_COLUMN = r"0{0,2}(?:7[0-2]|[1-6][0-9]|[1-9])(?![0-9])"  # A001, but P00001 is a position
_WELL = rf"(?:{_ROW}[-_ ]?{_COLUMN}|[Rr]0*[1-9][0-9]?[Cc]{_COLUMN})"
TIME_STAMP = r"[0-9]{4}y[0-9]{1,2}m[0-9]{1,2}d_[0-9]{1,2}h[0-9]{1,2}m|[0-9]{1,3}d[0-9]{1,2}h[0-9]{1,2}m"
"""Date and time, or time since the start, as an Incucyte writes them: ``2026y01m31d_08h00m``, ``02d08h00m``."""
_STEPS = (12, 31, 24, 60)  # months, days, hours, minutes

_STRICT = {
    "well": _WELL,
    "row": rf"(?:{_ROW}|[0-9]{{1,2}})",
    "column": "[0-9]{1,2}",
    "field": "[0-9]+",
    "channel": "[^/]+?",
    "z": "[0-9]+",
    "t": f"(?:{TIME_STAMP}|[0-9]+)",
    "plate": "[^/]+?",
}
_GUID = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_FREE_WELL = "[^/]+?"
_FREE_FIELD = "[A-Za-z0-9.+-]+"
Freedom = tuple[bool, bool]
_FREEDOMS: tuple[Freedom, ...] = ((False, False), (False, True), (True, False), (True, True))
_TOKEN = re.compile(r"\{([^{}]*)\}|(\*+)|([{}])|([^{}*]+)")
_EXTENSION = re.compile(r"(?:\.ome)?\.[A-Za-z0-9]{1,5}$", re.IGNORECASE)


@dataclass(frozen=True)
class Match:
    """What a pattern reads out of one file's path; None for what the pattern does not have."""

    path: str
    well: str | None
    field: str | None
    channel: str | None
    z: int | None
    t: int | None
    plate: str | None


@dataclass(frozen=True)
class Pattern:
    """A file-name pattern.

    Parameters
    ----------
    text : str
        As a person writes it, relative to the plate's folder. ``/`` separates folders, the case of the extension
        does not matter, and a pattern without an extension matches any.

    Raises
    ------
    PlateError
        If it has an unknown placeholder, none at all, or leads out of the folder.
    """

    text: str

    def __post_init__(self) -> None:
        parts = self.text.split("/")
        if not self.text or ".." in parts or "" in parts or "\\" in self.text:
            raise PlateError(
                f"The pattern {self.text!r} is not understood: write it relative to the plate's folder, "
                "with / between folders and no .. in it."
            )
        if not self.names - {"*"}:
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise PlateError(f"The pattern {self.text!r} has no placeholder; there are {known}.")

    @cached_property
    def names(self) -> frozenset[str]:
        """Placeholders that occur."""
        return frozenset(name for kind, name in self._tokens if kind == "placeholder")

    @property
    def depth(self) -> int:
        """Folders between the plate's and the images'."""
        return self.text.count("/")

    @cached_property
    def _tokens(self) -> tuple[tuple[str, str], ...]:
        tokens: list[tuple[str, str]] = []
        for name, stars, brace, literal in _TOKEN.findall(self.text):
            if brace:
                raise PlateError(f"The pattern {self.text!r} has a brace without its partner.")
            if literal:
                tokens.append(("literal", literal))
                continue
            name = "*" if stars else name.strip()
            if name not in PLACEHOLDERS:
                known = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
                raise PlateError(f"The pattern {self.text!r} has an unknown placeholder {{{name}}}; there are {known}.")
            if not (name == "*" and tokens and tokens[-1] == ("placeholder", "*")):
                tokens.append(("placeholder", name))
        return tuple(tokens)

    @cached_property
    def _expressions(self) -> dict[Freedom, re.Pattern[str]]:
        return {}

    def _expression(self, freedom: Freedom) -> re.Pattern[str]:
        if freedom not in self._expressions:
            self._expressions[freedom] = self._compiled(freedom)
        return self._expressions[freedom]

    def _compiled(self, freedom: Freedom) -> re.Pattern[str]:
        tokens = list(self._tokens)
        extension = ""
        if tokens[-1][0] == "literal" and (found := _EXTENSION.search(tokens[-1][1])):
            extension = found[0]
            tokens[-1] = ("literal", tokens[-1][1][: found.start()])
        seen: set[str] = set()
        parts = []
        for index, (kind, value) in enumerate(tokens):
            if kind == "literal":
                parts.append(re.escape(value))
            elif value == "*":
                parts.append("[^/]*?")
            elif value in seen:  # {plate}/{plate}_{well}.tif: the same text again
                parts.append(f"(?P={value})")
            else:
                seen.add(value)
                before, after = tokens[index - 1][1] if index else "/", [token[1] for token in tokens[index + 1 :]]
                parts.append(f"(?P<{value}>{_meaning(value, before, after, freedom)})")
        ending = f"(?i:{re.escape(extension)})" if extension else r"(?i:\.ome)?\.[A-Za-z0-9]{1,5}"
        return re.compile("".join(parts) + ending)

    def match(self, path: str, freedom: Freedom = (False, False)) -> Match | None:
        """What the pattern reads out of one relative path, None where it does not fit.

        Parameters
        ----------
        path : str
            Relative, with ``/``.
        freedom : tuple of bool
            Whether the well, and whether the field, may have any name.
        """
        found = self._expression(freedom).fullmatch(path)
        if found is None:
            return None
        values = found.groupdict()
        well = values.get("well")
        if "row" in self.names and "column" in self.names:
            well = _placed(values["row"], values["column"])
            if well is None:
                return None
        elif well is not None and not freedom[0]:
            well = canonical_well(well)
            if well is None:
                return None
        z, t = values.get("z"), values.get("t")
        return Match(
            path,
            well,
            values.get("field"),
            values.get("channel"),
            None if z is None else int(z[-18:]),
            None if t is None else _time(t),
            values.get("plate"),
        )

    def matches(self, paths: Sequence[str]) -> Matches:
        """All paths at once.

        The files decide together: where fewer than half of those that fit have a well's name, the wells are free ones
        under their own names; likewise with the numbers of fields.
        """
        tried: list[tuple[int, Freedom, list[Match | None]]] = []
        for freedom in _FREEDOMS:
            if (freedom[0] and "well" not in self.names) or (freedom[1] and "field" not in self.names):
                continue
            found = [self.match(path, freedom) for path in paths]
            tried.append((sum(match is not None for match in found), freedom, found))
            if tried[-1][0] == len(paths):
                break
        most = max(count for count, _, _ in tried)
        _, freedom, found = next(attempt for attempt in tried if 2 * attempt[0] >= most)
        return Matches(paths, found, free=freedom[0] or not self.names & {"well", "row"})


def _meaning(name: str, before: str, after: Sequence[str], freedom: Freedom) -> str:
    """Regular expression of a placeholder between its neighbours."""
    if name == "well" and freedom[0]:
        return _FREE_WELL
    if name == "field" and freedom[1]:
        whole = before.endswith("/") and (not after or after[0] == "" or after[0].startswith("/"))
        return "[^/]+?" if whole else _FREE_FIELD
    if name == "channel" and after and after[0] == "*":
        # ImageXpress: w1 or w10 and then a GUID that may begin with a digit
        return f"(?:[0-9]{{2}}(?={_GUID})|[0-9]|[A-Za-z]+)"
    return _STRICT[name]


class Matches:
    """What a pattern made of a list of paths.

    Attributes
    ----------
    found : tuple of Match
    unmatched : tuple of str
    free : bool
        True where the wells have names of their own.
    """

    def __init__(self, paths: Sequence[str], found: Iterable[Match | None], *, free: bool) -> None:
        self.found: list[Match] = []
        self.unmatched: list[str] = []
        for path, match in zip(paths, found, strict=True):
            if match is None:
                self.unmatched.append(path)
            else:
                self.found.append(match)
        self.free = free


def _time(text: str) -> int:
    """A number that orders time points; minutes of a time stamp."""
    if text.isdigit():
        return int(text[-18:])
    numbers = [int(number) for number in re.findall("[0-9]+", text)]
    total = numbers[0]
    for number, step in zip(numbers[1:], _STEPS[-(len(numbers) - 1) :], strict=True):
        total = total * step + number
    return total


def _placed(row: str, column: str) -> str | None:
    return canonical_well(f"r{row}c{column}" if row.isdigit() else f"{row}{column}")


@dataclass(frozen=True)
class Preset:
    """A pattern that an instrument or a habit uses."""

    name: str
    pattern: str


PRESETS: tuple[Preset, ...] = (
    Preset("Opera Phenix or Operetta", "r{row}c{column}f{field}p{z}-ch{channel}sk{t}fk{*}fl{*}.tiff"),
    Preset("Opera Phenix or Operetta, Harmony 7", "r{row}c{column}f{field}p{z}-ch{channel}t{t}.tiff"),
    Preset("ImageXpress, sites and wavelengths", "{*}_{well}_s{field}_w{channel}{*}.tif"),
    Preset("ImageXpress, one site", "{*}_{well}_w{channel}{*}.tif"),
    Preset("ImageXpress, one wavelength", "{*}_{well}_s{field}{*}.tif"),
    Preset("RxRx", "{well}_s{field}_w{channel}.png"),
    Preset("RxRx3", "{well}_s{field}_{channel}.jp2"),
    Preset("IN Cell", "{row} - {column}(fld {field} wv {channel}).tif"),
    Preset("IN Cell, behind the name of a plate", "{*}_{row} - {column}(fld {field} wv {channel}).tif"),
    Preset("IN Cell, z stack", "{row} - {column}(fld {field} wv {channel} z {z}).tif"),
    Preset("IN Cell, one field", "{row} - {column}(wv {channel}).tif"),
    Preset("IN Cell, time series", "{row} - {column}(fld {field} wv {channel} time {t} - {*} ms).tif"),
    Preset("IN Cell, z stacks in time", "{row} - {column}(fld {field} wv {channel} z {z} time {t} - {*} ms).tif"),
    Preset("ScanR", "{well}--W{*}--P{field}--Z{z}--T{t}--{channel}.tif"),
    Preset("ScanR, wells by number", "--W{well}--P{field}--Z{z}--T{t}--{channel}.tif"),
    Preset("CellVoyager", "{*}_{well}_T{t}F{field}L{*}A{*}Z{z}C{channel}.tif"),
    Preset("CQ1", "W{well}F{field}T{t}Z{z}C{channel}.tif"),
    Preset("Cellomics ArrayScan", "{*}_{well}f{field}d{channel}.tif"),
    Preset("Micro-Manager", "img_{t}_{channel}_{z}.tif"),
    Preset("Micro-Manager 2", "img_channel{channel}_position{*}_time{t}_z{z}.tif"),
    Preset("well, field and channel", "{well}_{field}_{channel}"),
    Preset("well, channel and field", "{well}_{channel}_{field}"),
    Preset("well and field", "{well}_{field}"),
    Preset("well and channel", "{well}_{channel}"),
    Preset("one image per well", "{well}"),
    Preset("a folder per well", "{well}/{field}"),
)
"""Patterns of the common instruments. Guessing also looks into folders and swaps the extension."""


@dataclass(frozen=True)
class PatternPreview:
    """What a pattern makes of a folder, before anything is opened.

    Parameters
    ----------
    pattern : str
    sentence : str
        For a person: how many files matched, which wells, fields and channels they are.
    matched : int
        Number of files.
    unmatched : tuple of str
        Image files that the pattern does not fit.
    wells, fields, channels, plates : tuple of str
        Values found, in natural order.
    free : bool
        True where the wells are not places of a plate.
    """

    pattern: str
    sentence: str
    matched: int
    unmatched: tuple[str, ...]
    wells: tuple[str, ...]
    fields: tuple[str, ...]
    channels: tuple[str, ...]
    plates: tuple[str, ...]
    free: bool


def preview_pattern(folder: str | Path, pattern: str) -> PatternPreview:
    """What a pattern would match in a folder; reads names only.

    Raises
    ------
    PlateError
        If the pattern is not understood.
    """
    from napari_lexicon.plates.file_listing import pattern_listing
    from napari_lexicon.plates.guessing import without_derived

    compiled = Pattern(pattern)
    listing = pattern_listing(Path(folder), pattern)
    return preview_of(compiled, compiled.matches(without_derived(listing.files, pattern)[0]))


def preview_of(pattern: Pattern, matches: Matches) -> PatternPreview:
    """The preview of matches that are there already."""
    found = matches.found
    wells = _values(match.well for match in found)
    fields = _values(match.field for match in found)
    channels = _values(match.channel for match in found)
    plates = _values(match.plate for match in found)
    total = len(found) + len(matches.unmatched)
    if not found:
        hint = f"; {matches.unmatched[0]}, for instance, does not fit" if total else ""
        sentence = f"None of {total} images match {pattern.text}{hint}."
    else:
        parts = [_counted(wells, "image name" if matches.free else "well")] if wells else []
        parts += [_counted(fields, "field")] if fields else []
        parts += [_counted(channels, "channel")] if channels else []
        parts += [_counted(plates, "plate")] if len(plates) > 1 else []
        sentence = f"{len(found)} of {total} images match: {', '.join(parts)}."
        if matches.unmatched:
            sentence += f" Not matched: {listed(matches.unmatched)}."
    return PatternPreview(
        pattern.text, sentence, len(found), tuple(matches.unmatched), wells, fields, channels, plates, matches.free
    )


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first few of many names, and how many more there are."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def _values(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value is not None}, key=natural))


def _counted(values: Sequence[str], word: str) -> str:
    names = values[0] if len(values) == 1 else f"{values[0]} to {values[-1]}" if len(values) > 4 else ", ".join(values)
    return f"{len(values)} {word}{'' if len(values) == 1 else 's'} ({names})"
