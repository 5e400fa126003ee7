"""One plate of a lexicon: its description, and the files of its fields.

Every finished field is one file, written whole; its name carries the fingerprint of what made it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.lexicons.directions import DirectionsGatherer, WellDirections
from napari_lexicon.lexicons.files import ArraysFile, write_arrays_whole
from napari_lexicon.lexicons.headers import FieldHeader, PlateHeader, read_header
from napari_lexicon.lexicons.statistics import FieldStatistics, StrongestPlaces, WellStatistics
from napari_lexicon.plates.plate_map_columns import with_numbers

_SUFFIX = ".zarr.zip"
_FARTHEST = {f"farthest_{part}": part for part in ("value", "field", "channel", "place")}


@dataclass(frozen=True)
class FieldCodes:
    """Codes of one field.

    Parameters
    ----------
    indices : numpy.ndarray
        ``(G, gh, gw, k)`` uint16 or uint32, in the order of the pursuit; a feature may stand twice.
    values : numpy.ndarray
        ``(G, gh, gw, k)`` float16; all 0 where the patch does not count because it is dark.
    channels : tuple of int
        Channel of the plate for each group; ``(0,)`` for joint modes.
    """

    indices: np.ndarray
    values: np.ndarray
    channels: tuple[int, ...]


@dataclass(frozen=True)
class FieldTokens:
    """Tokens kept of one field.

    Parameters
    ----------
    tokens : numpy.ndarray
        ``(n, G, dim)`` float16: all tokens of the field in grid order, or a sample.
    places : numpy.ndarray
        ``(n, 2)`` int32 grid positions ``(row, column)``.
    lit : numpy.ndarray
        ``(n, G)`` bool: False where the patch is dark in that group.
    means : numpy.ndarray
        ``(t, G, dim)`` float32: mean token of each tile-sized square.
    channels : tuple of int
        Channel of each group.
    """

    tokens: np.ndarray
    places: np.ndarray
    lit: np.ndarray
    means: np.ndarray
    channels: tuple[int, ...]


@dataclass(frozen=True)
class FineField:
    """A field read on a grid finer than the patches.

    Parameters
    ----------
    codes : FieldCodes
        Codes on the fine grid.
    whitened : numpy.ndarray
        ``(G, gh, gw, dim_w)`` float16 whitened tokens, not scaled; 0 where the patch does not count.
    finer : int
        By how much the grid is finer along each side.
    """

    codes: FieldCodes
    whitened: np.ndarray
    finer: int


@dataclass(frozen=True)
class Example:
    """One strong place of a feature: grid position ``(gy, gx)`` in a field and channel of a plate."""

    plate: str
    field_index: int
    well: str
    channel: int
    gy: int
    gx: int
    value: float


def fingerprint(*parts: Any) -> str:
    """16 hex digits over JSON-able parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def listed(names: Any, most: int = 8) -> str:
    """``"A, B and 3 more"``, for a sentence."""
    names = list(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def slug(text: str) -> str:
    """File name for any text; distinct texts stay distinct, and none can climb out of the folder."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", text)[:60].strip("-") or "x"
    return plain if plain == text else f"{plain}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


class LexiconPlate:
    """One plate inside a lexicon folder.

    Parameters
    ----------
    folder : pathlib.Path
        ``NAME.lexicon/plates/ID``.
    n_features : int
        M of the lexicon's dictionary, 0 without one.
    joint : bool
        True where all channels share one token.
    """

    def __init__(self, folder: Path, n_features: int, joint: bool):
        self.folder = folder
        self.n_features = n_features
        self.joint = joint
        self.header: PlateHeader = read_header(folder / "plate.json", PlateHeader)
        self._stems = [f"{slug(field.well)}_{slug(field.name)}" for field in self.header.fields]
        self._numbers = {(field.well, field.name): number for number, field in enumerate(self.header.fields)}
        self._done: dict[str, dict[str, str]] = {"codes": {}, "tokens": {}, "fine": {}}
        self.refresh()

    def __repr__(self) -> str:
        return f"<LexiconPlate {self.header.name}: codes of {self.n_done()} of {len(self.fields)} fields>"

    @property
    def id(self) -> str:
        """Folder name of the plate inside the lexicon."""
        return self.header.id

    @property
    def fields(self) -> tuple[FieldHeader, ...]:
        """All fields of the plate, finished or not."""
        return self.header.fields

    @property
    def wells(self) -> tuple[str, ...]:
        """Canonical names of the wells that have fields, in plate order."""
        return tuple(dict.fromkeys(field.well for field in self.header.fields))

    @property
    def groups(self) -> int:
        """Number of channel groups that statistics are kept for."""
        return 1 if self.joint else len(self.header.channels)

    @property
    def map(self) -> pd.DataFrame:
        """Plate map, indexed by well; texts that look like numbers ("0010", "None") are what they were on the plate."""
        path = self.folder / "plate_map.csv"
        if not path.exists():
            return pd.DataFrame(index=pd.Index(self.wells, name="well"))
        texts = pd.read_csv(path, index_col=0, dtype=str, keep_default_na=False, na_values=[""])
        return with_numbers(texts).rename_axis("well")

    def refresh(self) -> None:
        """Look again which fields are finished."""
        for kind in self._done:
            found = (self.folder / kind).glob(f"*{_SUFFIX}")
            self._done[kind] = dict(path.name[: -len(_SUFFIX)].rsplit(".", 1) for path in found)

    def field_number(self, well: str, name: str | None = None, index: int | None = None) -> int:
        """Position in ``fields`` of a field, by its name or by its index within the well.

        Raises
        ------
        LexiconFolderError
            If there is none, naming what there is.
        """
        same_well = [n for n, field in enumerate(self.fields) if field.well == well]
        if not same_well:
            raise LexiconFolderError(f"Plate {self.header.name} has no well {well}: it has {listed(self.wells)}.")
        for n in same_well:
            if self.fields[n].name == name if name is not None else self.fields[n].index == (index or 0):
                return n
        asked = name if name is not None else index
        have = listed([self.fields[n].name for n in same_well])
        raise LexiconFolderError(f"Well {well} of plate {self.header.name} has no field {asked}: it has {have}.")

    def number_of(self, well: str, name: str) -> int | None:
        """Position in ``fields`` of a field by its name, None where there is none."""
        return self._numbers.get((well, name))

    def _path(self, kind: str, number: int, mark: str) -> Path:
        return self.folder / kind / f"{self._stem(number)}.{mark}{_SUFFIX}"

    def _stem(self, number: int) -> str:
        return self._stems[number]

    def mark(self, kind: str, number: int) -> str | None:
        """Fingerprint of the finished part of a field, None without one.

        ``kind`` is ``"codes"``, ``"tokens"`` or ``"fine"``.
        """
        return self._done[kind].get(self._stem(number))

    def n_done(self, kind: str = "codes") -> int:
        """Number of fields with a finished part of this kind."""
        return sum(self.mark(kind, n) is not None for n in range(len(self.fields)))

    def write_field(
        self, kind: str, number: int, mark: str, arrays: Mapping[str, np.ndarray], attributes: Mapping[str, Any]
    ) -> None:
        """Write a finished part of a field, replacing an older one."""
        old = self.mark(kind, number)
        write_arrays_whole(self._path(kind, number, mark), arrays, attributes)
        if old is not None and old != mark:
            self._path(kind, number, old).unlink(missing_ok=True)
        self._done[kind][self._stem(number)] = mark

    def attributes(self, kind: str, number: int) -> dict[str, Any]:
        """What a finished part was made from."""
        return self._open(kind, number).attributes

    def _open(self, kind: str, number: int) -> ArraysFile:
        mark = self.mark(kind, number)
        if mark is None:
            field = self.fields[number]
            raise LexiconFolderError(
                f"Field {field.name} of well {field.well} has no {kind} yet: run apply on {self.header.name} again."
            )
        return ArraysFile(self._path(kind, number, mark))

    def codes(self, number: int) -> FieldCodes | None:
        """Codes of a field, or None where it is not finished."""
        if self.mark("codes", number) is None:
            return None
        file = self._open("codes", number)
        return FieldCodes(file["indices"], file["values"], tuple(file.attributes["channels"]))

    def tokens(self, number: int) -> FieldTokens | None:
        """Kept tokens of a field, or None where there are none."""
        if self.mark("tokens", number) is None:
            return None
        file = self._open("tokens", number)
        return FieldTokens(
            file["tokens"], file["places"], file["lit"], file["means"], tuple(file.attributes["channels"])
        )

    def fine(self, number: int) -> FineField | None:
        """A field as it was read on a finer grid, or None where it was not."""
        if self.mark("fine", number) is None:
            return None
        file = self._open("fine", number)
        codes = FieldCodes(file["indices"], file["values"], tuple(file.attributes["channels"]))
        return FineField(codes, file["whitened"], int(file.attributes["finer"]))

    def counts_dark_patches(self, number: int) -> bool:
        """Whether every patch of a finished field has codes, dark ones as well."""
        gh, gw = self.fields[number].grid
        return bool((self.field_statistics(number).tokens == gh * gw).all())

    def field_statistics(self, number: int) -> FieldStatistics:
        """Statistics of a finished field."""
        file = self._open("codes", number)
        return FieldStatistics(*(file[name] for name in ("total", "active", "strongest", "place", "tokens")))

    def field_centre(self, number: int) -> np.ndarray | None:
        """Mean whitened token of every channel of a finished field, ``(G, dim_w)``; None where it was not kept."""
        return self._open("codes", number).optional("centre")

    def field_beyond(self, number: int) -> np.ndarray | None:
        """Tokens of a finished field beyond each level of ``BEYOND``, ``(levels, G, M)``; None where not counted."""
        return self._open("codes", number).optional("beyond")

    def directions(self) -> WellDirections | None:
        """How wells lie along the directions of features, from the plate's summary where it is up to date.

        None where a field was computed by a version that did not keep it.
        """
        summary = self.folder / f"summary{_SUFFIX}"
        if summary.exists():
            file = ArraysFile(summary)
            if file.attributes["marks"] == self._marks():
                if "centres" not in file:
                    return None
                return WellDirections(file["centres"], file.optional("beyond"), _places_in(file))
        return self._gathered_directions()

    def farthest_places(self) -> StrongestPlaces | None:
        """Where patches lie farthest along each feature, of a whole plate; None before, or where it was not kept."""
        summary = self.folder / f"summary{_SUFFIX}"
        if not summary.exists():
            return None
        file = ArraysFile(summary)
        return _places_in(file) if file.attributes["marks"] == self._marks() else None

    def _gathered_directions(self) -> WellDirections | None:
        gathered = DirectionsGatherer(self.wells, self.groups)
        for number, field in enumerate(self.fields):
            if self.mark("codes", number) is None:
                continue
            file = self._open("codes", number)
            if "centre" not in file:
                return None
            channels = (0,) if self.joint else field.channels
            gathered.add(field.well, channels, file["tokens"], file["centre"], file.optional("beyond"))
            gathered.add_places(number, channels, file.optional("farthest"), file.optional("farthest_place"))
        return gathered.directions()

    def statistics(self) -> WellStatistics:
        """Statistics of all finished fields, from the plate's summary where it is up to date."""
        summary = self.folder / f"summary{_SUFFIX}"
        marks = self._marks()
        if summary.exists():
            file = ArraysFile(summary)
            if file.attributes["marks"] == marks:
                return WellStatistics(self.wells, *(file[name] for name in WellStatistics.ARRAYS))
        return self._gathered()

    def write_summary(self) -> WellStatistics:
        """Gather the statistics of all finished fields in plate order and write them to the folder."""
        gathered = self._gathered()
        arrays = {name: getattr(gathered, name) for name in WellStatistics.ARRAYS}
        directions = self._gathered_directions()
        if directions is not None:
            arrays["centres"] = directions.centres
            if directions.beyond is not None:
                arrays["beyond"] = directions.beyond
            if directions.places is not None:
                arrays |= {name: getattr(directions.places, part) for name, part in _FARTHEST.items()}
        write_arrays_whole(self.folder / f"summary{_SUFFIX}", arrays, {"marks": self._marks()}, large=True)
        return gathered

    def _marks(self) -> str:
        return fingerprint([self.mark("codes", n) for n in range(len(self.fields))])

    def _gathered(self) -> WellStatistics:
        gathered = WellStatistics.empty(self.wells, self.groups, self.n_features)
        position = {well: w for w, well in enumerate(self.wells)}
        for number, field in enumerate(self.fields):
            if self.mark("codes", number) is not None:
                channels = (0,) if self.joint else field.channels
                gathered.add(position[field.well], number, channels, self.field_statistics(number))
        return gathered

    def examples(self, places: StrongestPlaces, feature: int, n: int = 24) -> list[Example]:
        """The strongest places of a feature on this plate, at most one per field and channel, falling."""
        found = []
        for s in range(min(n, places.field.shape[1])):
            number = int(places.field[feature, s])
            if number < 0:
                break
            gy, gx = divmod(int(places.place[feature, s]), self.fields[number].grid[1])
            channel, value = int(places.channel[feature, s]), float(places.value[feature, s])
            found.append(Example(self.id, number, self.fields[number].well, channel, gy, gx, value))
        return found


def _places_in(summary: ArraysFile) -> StrongestPlaces | None:
    if not all(name in summary for name in _FARTHEST):
        return None
    return StrongestPlaces(**{part: summary[name] for name, part in _FARTHEST.items()})


def fine_mark(plate: LexiconPlate, number: int, finer: int) -> str:
    """Fingerprint of a field read finer: the codes it refines, and how much finer."""
    return fingerprint("fine-1", plate.mark("codes", number), finer)


def fine_is_current(plate: LexiconPlate, number: int, finer: int) -> bool:
    """Whether a field has been read so much finer, from the same pixels, with the same dictionary."""
    return plate.mark("fine", number) == fine_mark(plate, number, finer)
