"""Where the maps in the pictures of a report come from: the codes, or fields read again along the features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from napari_lexicon.analysis.maps import activation_map, direction_top, drawn_along
from napari_lexicon.analysis.reading import OpenedPlates, ReadField
from napari_lexicon.analysis.well_table import ALL_CHANNELS
from napari_lexicon.lexicons import LexiconPlate
from napari_lexicon.lexicons.statistics import BEYOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_lexicon.analysis.along import FieldsAlong
    from napari_lexicon.analysis.report.findings import Chosen, Findings


@dataclass(frozen=True)
class StrongPlace:
    """A patch where a feature is strong."""

    field: ReadField
    gy: int
    gx: int
    value: float


class MapSource(Protocol):
    """Maps of features over fields, 0 where a feature does not fire."""

    unit: str
    """Of the values, with a space before it; empty for coefficients."""

    def values(self, field: ReadField, one: Chosen) -> np.ndarray:
        """``(gh, gw)`` map of the feature in its channel."""

    def fires_in(self, plate: LexiconPlate, number: int, one: Chosen) -> float:
        """How much of a finished field the feature fires in, to order the fields of a well."""

    def top(self, maps: Sequence[np.ndarray], one: Chosen) -> float:
        """Value in the brightest colour, for all pictures of the feature."""

    def strongest(self, one: Chosen, most: int) -> list[StrongPlace]:
        """The strongest places over all plates, at most one of a field, strongest first."""


def map_channel(plate: LexiconPlate, one: Chosen) -> int | None:
    """Channel of the plate that the feature is shown in; None for all."""
    names = [channel.name for channel in plate.header.channels]
    return None if one.channel == ALL_CHANNELS or one.channel not in names else names.index(one.channel)


class CodeMaps:
    """Maps of the sparse codes.

    Parameters
    ----------
    found : Findings
        Of a lexicon with codes.
    plates : OpenedPlates
        Gives fields with their pixels.
    """

    unit = ""

    def __init__(self, found: Findings, plates: OpenedPlates) -> None:
        self._lexicon, self._opened = found.lexicon, plates

    def values(self, field: ReadField, one: Chosen) -> np.ndarray:
        """See :meth:`MapSource.values`."""
        return activation_map(field.codes, one.feature, self._group(field.plate, one))

    def fires_in(self, plate: LexiconPlate, number: int, one: Chosen) -> float:
        """See :meth:`MapSource.fires_in`."""
        codes = plate.codes(number)
        assert codes is not None  # it is finished
        return float((activation_map(codes, one.feature, self._group(plate, one)) > 0).mean())

    def top(self, maps: Sequence[np.ndarray], one: Chosen) -> float:
        """See :meth:`MapSource.top`: the largest value of the lexicon."""
        return max(1e-6, *(self._strongest(plate, one) for plate in self._lexicon.plates.values()))

    def strongest(self, one: Chosen, most: int) -> list[StrongPlace]:
        """See :meth:`MapSource.strongest`."""
        examples = []
        for plate in self._lexicon.plates.values():
            channel = map_channel(plate, one)
            for example in plate.examples(plate.statistics().places, one.feature, 64):
                if channel is None or plate.joint or example.channel == channel:
                    examples.append((example.value, example, plate))
        examples.sort(key=lambda entry: -entry[0])
        return [
            StrongPlace(self._opened.field(plate, example.field_index), example.gy, example.gx, value)
            for value, example, plate in examples[:most]
        ]

    def _group(self, plate: LexiconPlate, one: Chosen) -> int | None:
        return None if plate.joint else map_channel(plate, one)

    def _strongest(self, plate: LexiconPlate, one: Chosen) -> float:
        strongest = plate.statistics().strongest
        channel = self._group(plate, one)
        return float((strongest[:, :, one.feature] if channel is None else strongest[:, channel, one.feature]).max())


class AlongMaps:
    """Maps of how far patches lie along features, where that is over the level that counts.

    Parameters
    ----------
    found : Findings
        Read by direction.
    plates : OpenedPlates
        Gives fields with their pixels.
    fields : FieldsAlong
        Reads fields again; each of them once, for all chosen features.
    """

    unit = " SD"

    def __init__(self, found: Findings, plates: OpenedPlates, fields: FieldsAlong) -> None:
        assert found.settings.beyond is not None
        self._found, self._opened, self._fields = found, plates, fields
        self._level = found.settings.beyond
        self._features = np.unique([one.feature for one in found.chosen])
        self._known: dict[tuple[str, int], np.ndarray] = {}

    def values(self, field: ReadField, one: Chosen) -> np.ndarray:
        """See :meth:`MapSource.values`."""
        key = field.plate.id, field.number
        if key not in self._known:
            self._known[key] = self._fields.scores(field, self._features).astype(np.float16)
        scores = self._known[key][:, np.searchsorted(self._features, one.feature)].astype(np.float32)
        channel = map_channel(field.plate, one)
        if channel is not None and not field.plate.joint:
            scores = scores[[field.codes.channels.index(channel)]]
        along = scores.max(axis=0)
        return drawn_along(along, self._level)

    def fires_in(self, plate: LexiconPlate, number: int, one: Chosen) -> float:
        """See :meth:`MapSource.fires_in`."""
        beyond = plate.field_beyond(number)
        assert beyond is not None  # the wells were counted
        counts = beyond[BEYOND.index(self._level), :, one.feature].astype(np.float64)
        channel = map_channel(plate, one)
        if channel is None or plate.joint:
            return float(counts.sum())
        present = plate.fields[number].channels
        return float(counts[present.index(channel)]) if channel in present else 0.0

    def top(self, maps: Sequence[np.ndarray], one: Chosen) -> float:
        """See :meth:`MapSource.top`: a round number of standard deviations that all pictures stay under."""
        return direction_top(max([float(each.max()) for each in maps], default=self._level))

    def strongest(self, one: Chosen, most: int) -> list[StrongPlace]:
        """See :meth:`MapSource.strongest`: of the first field of each of the wells where it fires most."""
        wells = self._found.table.wells
        by_name = {plate.header.name: plate for plate in self._found.lexicon.plates.values()}
        places = []
        for row in np.argsort(-self._found.table.fires[:, one.row], kind="stable")[:most]:
            plate, well = by_name[str(wells["plate"].iloc[row])], str(wells["well"].iloc[row])
            number = next(n for n, f in enumerate(plate.fields) if f.well == well and plate.mark("codes", n))
            field = self._opened.field(plate, number)
            along = self.values(field, one)
            gy, gx = np.unravel_index(int(along.argmax()), along.shape)
            if along[gy, gx] > 0:
                places.append(StrongPlace(field, int(gy), int(gx), float(along[gy, gx])))
        return sorted(places, key=lambda place: -place.value)
