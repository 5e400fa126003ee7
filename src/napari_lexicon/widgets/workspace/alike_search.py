"""The search for patches that look like one, over the whole plate, in a thread and a little at a time."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_lexicon.lexicons import Example

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from napari_lexicon.analysis.alike import Looked
    from napari_lexicon.lexicons import LexiconPlate, WellStatistics
    from napari_lexicon.widgets.workspace.background import Background
    from napari_lexicon.widgets.workspace.pointing import Pointed
    from napari_lexicon.widgets.workspace.reading import LexiconReading
    from napari_lexicon.widgets.workspace.state import WorkspaceState
    from napari_lexicon.widgets.workspace.trial import Tried

ERRAND = "alike"
STEP_SECONDS = 0.6
"""How long a thread looks before it shows what it has."""
MOST_FIELDS = 300
"""Fields looked through before a person is asked whether to go on."""
WANTED = 23


@dataclass(frozen=True)
class AskedRegion:
    """A region or a cell of the shown field, as it can be searched for.

    Parameters
    ----------
    of : str
        What it is called.
    field : int
        Number of its field.
    query : mapping of int to float
        Its mean code, above 0, summed over channels.
    places : sequence of (int, int)
        Its patches.
    """

    of: str
    field: int
    query: Mapping[int, float]
    places: Sequence[tuple[int, int]]


@dataclass(frozen=True)
class AlikeFound:
    """What a search has found.

    Parameters
    ----------
    of : str
        What it is about: ``"B03, patch 3, 4"``.
    own : Example, optional
        The patch that it is about, None for a region.
    places : tuple of Example
        Their ``value`` is the cosine, most alike first.
    fields, all_fields : int
        Fields looked through, and in all.
    searching : bool
        Whether it goes on.
    pointed : bool
        It is about all that a feature is to be taught by; ``value`` is the cosine with their direction.
    channel : int, optional
        Channel that it is about, None for all.
    """

    of: str
    own: Example | None = None
    places: tuple[Example, ...] = ()
    fields: int = 0
    all_fields: int = 0
    searching: bool = True
    pointed: bool = False
    channel: int | None = None


class AlikeSearch(QObject):
    """Finds the patches of the open plate that are most like one.

    Signals
    -------
    changed(AlikeFound or None)
        More is found; None where the search is put away.
    """

    changed = Signal(object)

    def __init__(
        self, state: WorkspaceState, background: Background, reading: LexiconReading, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._state, self._background, self._reading = state, background, reading
        self._found: AlikeFound | None = None
        self._search: Iterator[Looked] | None = None
        self._limit = MOST_FIELDS
        self.region: AskedRegion | None = None
        """What is listed instead of the clicked patch."""
        state.plateChanged.connect(self.stop)
        state.lexiconChanged.connect(self.stop)

    @property
    def found(self) -> AlikeFound | None:
        """What is found so far, None without a search."""
        return self._found

    def from_spot(self) -> None:
        """Look for patches like the one that was clicked, or like the region that is listed."""
        if self.region is not None:
            self.from_region()
            return
        state, number = self._state, self._state.field_number()
        plate, spot = state.lexicon_plate, state.spot
        if plate is None or spot is None or number is None:
            state.notice("Click a patch in the image first: then patches like it are looked for.")
            return
        well = plate.fields[number].well
        self.from_example(Example(plate.id, number, well, 0, spot.row, spot.column, 1.0))

    def from_example(self, example: Example) -> None:
        """Look for patches like the one at a place of the plate."""
        from napari_lexicon.analysis.alike import patch_code

        plate = self._state.lexicon_plate
        if plate is None:
            return

        def code() -> Mapping[int, float]:
            codes = plate.codes(example.field_index)
            return {} if codes is None else patch_code(codes, example.gy, example.gx)

        self._begin(AlikeFound(f"{example.well}, patch {example.gy}, {example.gx}", example))
        exclude = (example.field_index, [(example.gy, example.gx)])
        self._background.start(ERRAND, code, lambda query: self._look_for(query, exclude), self._failed)

    def from_region(self) -> None:
        """Look for patches like the region or the cell whose features are listed."""
        if self.region is not None:
            region = self.region
            self._begin(AlikeFound(region.of))
            self._look_for(region.query, (region.field, region.places))

    def from_trial(self, by: str, found: Tried, pointed: Sequence[Pointed]) -> None:
        """Look for what wells or places find, elsewhere on the plate than at the places."""
        from napari_lexicon.analysis.alike import along_over_plate

        plate, figures, lexicon = self._state.lexicon_plate, self._reading.figures, self._state.lexicon
        if plate is None or figures is None or lexicon is None:
            return
        self._begin(AlikeFound(by, pointed=True, channel=found.channel))
        hidden: dict[int, list[tuple[int, int]]] = {}
        for each in pointed:
            hidden.setdefault(each.number, []).extend(each.places)
        statistics, channel = figures.statistics, found.channel

        def look_with(weights: npt.NDArray[np.floating]) -> None:
            self._search = along_over_plate(plate, statistics, weights, channel, hidden, WANTED)
            self._step()

        def weights() -> npt.NDArray[np.floating]:
            from napari_lexicon.analysis.lexicon_tables import atoms_of

            along: npt.NDArray[np.floating] = atoms_of(lexicon) @ found.direction
            return along

        self._background.start(ERRAND, weights, look_with, self._failed)

    def further(self) -> None:
        """Look through more fields."""
        if self._search is not None and self._found is not None and not self._found.searching:
            self._limit += MOST_FIELDS
            self._found = replace(self._found, searching=True)
            self.changed.emit(self._found)
            self._step()

    def stop(self, _: object = None) -> None:
        """Put the search away."""
        self._background.forget(ERRAND)
        self._search = None
        if self._found is not None:
            self._found = None
            self.changed.emit(None)

    def _begin(self, about: AlikeFound) -> None:
        self._background.forget(ERRAND)
        self._search, self._limit = None, MOST_FIELDS
        self._found = about
        self.changed.emit(self._found)

    def _look_for(self, query: Mapping[int, float], exclude: tuple[int, Sequence[tuple[int, int]]] | None) -> None:
        from napari_lexicon.analysis.alike import alike_over_plate

        plate, figures = self._state.lexicon_plate, self._reading.figures
        if self._found is None:
            return
        if plate is None or figures is None or not query:
            self._found = replace(self._found, searching=False)
            self.changed.emit(self._found)
            return
        statistics: WellStatistics = figures.statistics
        self._search = alike_over_plate(plate, statistics, query, exclude, WANTED)
        self._step()

    def _step(self) -> None:
        search, limit, plate = self._search, self._limit, self._state.lexicon_plate
        assert search is not None and plate is not None
        self._background.start(
            ERRAND, lambda: _looked(search, limit), lambda looked: self._take(looked, plate), self._failed
        )

    def _take(self, looked: Looked | None, plate: LexiconPlate) -> None:
        if self._found is None:
            return
        if looked is None:  # there was nothing further to look through
            self._found = replace(self._found, searching=False)
            self.changed.emit(self._found)
            return
        channel = self._found.channel or 0
        places = tuple(
            Example(plate.id, each.field, plate.fields[each.field].well, channel, each.gy, each.gx, each.cosine)
            for each in looked.best
        )
        goes_on = looked.fields < min(looked.of, self._limit)
        self._found = replace(self._found, places=places, fields=looked.fields, all_fields=looked.of, searching=goes_on)
        self.changed.emit(self._found)
        if goes_on and self._search is not None:
            self._step()

    def _failed(self, error: Exception) -> None:
        self.stop()
        self._state.notice(str(error), "error")


def _looked(search: Iterator[Looked], limit: int) -> Looked | None:
    """Look on for a moment, or up to the limit."""
    end, latest = time.monotonic() + STEP_SECONDS, None
    for latest in search:
        if latest.fields >= limit or time.monotonic() > end:
            break
    return latest
