"""Fields of a lexicon one at a time: their codes, and where a question needs them their pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from napari_lexicon.errors import LexiconError, PlateError
from napari_lexicon.lexicons import FieldCodes, Lexicon, LexiconPlate
from napari_lexicon.lexicons.headers import FieldHeader
from napari_lexicon.lexicons.pixels import model_pixels
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.model import Field

Told = Callable[[int, int, str], None]
"""Called with fields done, fields in all, and what is being read."""


def untold(done: int, total: int, what: str) -> None:
    """Tells nobody."""


@dataclass(frozen=True)
class ReadField:
    """One finished field of a lexicon.

    Parameters
    ----------
    plate : LexiconPlate
        Where it belongs.
    number : int
        Its place in ``plate.fields``.
    source : Field, optional
        Its pixels; None where they were not asked for.
    """

    plate: LexiconPlate
    number: int
    source: Field | None = None

    @property
    def header(self) -> FieldHeader:
        """Well, name, shape and grid."""
        return self.plate.fields[self.number]

    @property
    def what(self) -> str:
        """For a person: plate, well and field."""
        return f"{self.plate.header.name} {self.header.well}, field {self.header.name}"

    @cached_property
    def codes(self) -> FieldCodes:
        """Codes of the field."""
        codes = self.plate.codes(self.number)
        assert codes is not None  # only finished fields are given out
        return codes

    @cached_property
    def image(self) -> np.ndarray:
        """``(C, Y, X)`` grey values of the channels that the field has."""
        assert self.source is not None
        try:
            return np.asarray(self.source.image())
        except OSError as error:
            raise PlateError(f"{self.what} cannot be read ({error}): check the file.") from error

    @property
    def windows(self) -> list[tuple[float, float]]:
        """Grey values that count as dark and bright, per channel of the field."""
        channels = self.plate.header.channels
        return [(channels[c].low, channels[c].high) for c in self.header.channels]

    @property
    def windowed(self) -> np.ndarray:
        """``(C, Y, X)`` float32 in units of the plate's intensity windows, as the backbone sees it."""
        return model_pixels(self.plate.header, self.header, self.image)


def finished_fields(
    plates: Iterable[LexiconPlate],
    *,
    pixels: bool = False,
    fields_per_well: int | None = None,
    told: Told = untold,
) -> Iterator[ReadField]:
    """Fields with codes, plate by plate.

    Parameters
    ----------
    plates : iterable of LexiconPlate
        Plates of a lexicon.
    pixels : bool
        Open the plates on disk as well.
    fields_per_well : int, optional
        Stop after so many fields of a well.
    told : callable
        Told of every field.

    Raises
    ------
    PlateError
        If pixels are asked for and a plate is no longer where it was.
    """
    chosen = [(plate, number) for plate in plates for number in _chosen(plate, fields_per_well)]
    sources: dict[str, dict[tuple[str, str], Field]] = {}
    for done, (plate, number) in enumerate(chosen):
        source = None
        if pixels:
            if plate.id not in sources:
                sources = {plate.id: _sources(plate)}
            source = _source(sources[plate.id], plate, number)
        one = ReadField(plate, number, source)
        told(done, len(chosen), one.what)
        yield one


class OpenedPlates:
    """Single fields with their pixels, in any order; each plate is opened once."""

    def __init__(self) -> None:
        self._sources: dict[str, dict[tuple[str, str], Field]] = {}

    def field(self, plate: LexiconPlate, number: int) -> ReadField:
        """A finished field with its pixels.

        Raises
        ------
        PlateError
            If the plate is no longer where it was, or lacks the field.
        """
        if plate.id not in self._sources:
            self._sources[plate.id] = _sources(plate)
        return ReadField(plate, number, _source(self._sources[plate.id], plate, number))


def _source(sources: dict[tuple[str, str], Field], plate: LexiconPlate, number: int) -> Field:
    header = plate.fields[number]
    source = sources.get((header.well, header.name))
    if source is None:
        raise PlateError(
            f"{plate.header.origin.path} no longer has field {header.name} of well {header.well}: put the images back."
        )
    return source


def _chosen(plate: LexiconPlate, fields_per_well: int | None) -> list[int]:
    taken: dict[str, int] = {}
    numbers = []
    for number, field in enumerate(plate.fields):
        if plate.mark("codes", number) is None:
            continue
        taken[field.well] = taken.get(field.well, 0) + 1
        if fields_per_well is None or taken[field.well] <= fields_per_well:
            numbers.append(number)
    return numbers


def _sources(plate: LexiconPlate) -> dict[tuple[str, str], Field]:
    origin = plate.header.origin
    try:
        opened = open_plate(origin.path, **origin.choices())
    except LexiconError as error:
        raise PlateError(f"This question needs the images of plate {plate.header.name}: {error}") from error
    return {(field.well, field.name): field for field in opened.fields()}


def chosen_plates(lexicon: Lexicon, plate: str | None = None) -> list[LexiconPlate]:
    """All plates of a lexicon, or the one named."""
    return list(lexicon.plates.values()) if plate is None else [lexicon.only_plate(plate)]
