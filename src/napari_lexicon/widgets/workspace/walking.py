"""Walking from well to well and field to field, by keys or buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject

from napari_lexicon.widgets.basic.words import stepped
from napari_lexicon.widgets.workspace.beside import ALONE, CONTROL, control_reason
from napari_lexicon.widgets.workspace.state import FieldPlace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari_lexicon.widgets.workspace.reading import LexiconReading
    from napari_lexicon.widgets.workspace.state import WorkspaceState


class Walking(QObject):
    """Steps through the wells that have fields. With several wells selected, it walks among these."""

    def __init__(self, state: WorkspaceState, reading: LexiconReading, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._reading = state, reading
        self._last_hit: tuple[int, str] | None = None  # feature, and the well that the key for it went to

    def actions(self) -> Mapping[str, Callable[[], None]]:
        """What the keys do, by the names in :data:`napari_lexicon.viewer.pointer.KEYS`."""
        return {
            "next_well": lambda: self.well(1),
            "previous_well": lambda: self.well(-1),
            "next_field": lambda: self.field(1),
            "previous_field": lambda: self.field(-1),
            "next_hit": self.next_hit,
            "beside_control": self.beside_control,
        }

    def beside_control(self) -> None:
        """Show the current well beside a negative control, or alone again."""
        state = self._state
        well = state.field.well if state.field else None
        reason = control_reason(state.plate, well)
        if reason is not None and state.beside != CONTROL:
            state.notice(state.said(reason), "info")
            return
        state.set_beside(ALONE if state.beside == CONTROL else CONTROL)

    def open_well(self, name: str) -> None:
        """Show the first field of a well, or the one with the number of the field shown now."""
        plate = self._state.plate
        well = plate.wells.get(name) if plate else None
        if well is None or not well.fields:
            self._state.notice(f"Well {name} has no image.", "info")
            return
        wanted = self._state.field.index if self._state.field else 0
        indices = [field.index for field in well.fields]
        self._state.set_field(FieldPlace(name, wanted if wanted in indices else indices[0]))

    def well(self, step: int) -> None:
        """Show the next (1) or previous (-1) well."""
        names = self._wells()
        target = stepped(names, self._state.field.well if self._state.field else None, step)
        if target is not None:
            self.open_well(target)

    def field(self, step: int) -> None:
        """Show the next or previous field; past a well's last field comes the next well."""
        plate, place = self._state.plate, self._state.field
        if plate is None:
            return
        if place is None:
            self.well(step)
            return
        indices = [field.index for field in plate.wells[place.well].fields]
        at = indices.index(place.index) + step if place.index in indices else 0
        if 0 <= at < len(indices):
            self._state.set_field(FieldPlace(place.well, indices[at]))
            return
        target = stepped(self._wells(), place.well, step)
        if target is not None:
            fields = plate.wells[target].fields
            self._state.set_field(FieldPlace(target, (fields[0] if step > 0 else fields[-1]).index))

    def next_hit(self) -> None:
        """Show the well where the current feature fires most; asked again there, the next one down the ranks."""
        figures, feature = self._reading.figures, self._state.feature
        if figures is None or feature is None:
            return
        read = figures.read
        # along a direction the mean is that of the ground: there it is how often that counts
        sums = read.total if figures.beyond is None else read.active
        means = sums[:, :, feature].sum(axis=1) / np.maximum(read.tokens.sum(axis=1), 1)
        ranked = [read.wells[w] for w in np.argsort(-means, kind="stable") if means[w] > 0]
        if not ranked:
            return
        here = self._state.field.well if self._state.field else ""
        again = self._last_hit == (feature, here) and here in ranked
        target = ranked[(ranked.index(here) + 1) % len(ranked)] if again else ranked[0]
        self._last_hit = (feature, target)
        self.open_well(target)

    def _wells(self) -> list[str]:
        plate = self._state.plate
        if plate is None:
            return []
        names = [name for name, well in plate.wells.items() if well.fields]
        chosen = [name for name in names if name in self._state.selection]
        return chosen if len(chosen) > 1 else names
