"""Chooses a field and a feature to begin with where nobody has chosen any, and remembers why."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_lexicon.errors import LexiconError, LexiconFolderError
from napari_lexicon.widgets.basic.later import later
from napari_lexicon.widgets.workspace.field_reading import dose_column, treatment_column
from napari_lexicon.widgets.workspace.state import FieldPlace

if TYPE_CHECKING:
    from napari_lexicon.analysis.first_feature import FirstFeature
    from napari_lexicon.widgets.workspace.background import Background
    from napari_lexicon.widgets.workspace.figures import Figures
    from napari_lexicon.widgets.workspace.job_runner import JobRunner
    from napari_lexicon.widgets.workspace.opening import Opening
    from napari_lexicon.widgets.workspace.reading import LexiconReading
    from napari_lexicon.widgets.workspace.state import WorkspaceState

_ERRAND = "first feature"
PATIENCE_MS = 5000
"""How long a plate with features waits for its first feature before any field is shown."""


class FirstLook(QObject):
    """Shows a field of a plate that opens, and a feature when there are figures that no job is changing.

    What a person chooses meanwhile stands.

    Signals
    -------
    openedWithFeature()
        A plate opened with features, and the one to begin with was found.
    """

    openedWithFeature = Signal()

    def __init__(
        self,
        state: WorkspaceState,
        reading: LexiconReading,
        jobs: JobRunner,
        opening: Opening,
        background: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._reading, self._jobs, self._background = state, reading, jobs, background
        self._found: FirstFeature | None = None
        self._placed: FieldPlace | None = None  # the field that was shown without being asked for
        self._placed_in = ""  # the plate it is of: opened again, with a plate map, nobody has asked for it still
        self._opening = False
        self._patience = later(self, PATIENCE_MS, self._show_first_field)
        opening.opened.connect(self._place)
        state.fieldAsked.connect(self._asked)
        state.lexiconChanged.connect(self._forget)
        reading.changed.connect(self._look)

    def why(self, feature: int) -> str:
        """Why a feature is shown; empty where a person chose it, or another one since."""
        found = self._found
        return "" if found is None or found.feature != feature else found.why

    def _place(self) -> None:
        """Show a field of a plate that was not open before; where a person was is restored by then.

        With features, the one where the first of them fires most: it waits for the table, which comes sooner without
        images to be drawn.
        """
        state = self._state
        if state.origin is None or state.origin.path != self._placed_in:
            self._placed = None
        self._opening = state.lexicon is not None and state.feature is None
        with_features = state.lexicon is not None and state.lexicon.header.dictionary is not None
        self._patience.start(PATIENCE_MS if with_features else 0)

    def _show_first_field(self) -> None:
        state = self._state
        first = None if state.plate is None else next(iter(state.plate.fields()), None)
        if state.field is None and first is not None:
            self._place_at(FieldPlace(first.well, first.index))

    def _place_at(self, place: FieldPlace) -> None:
        self._placed = place
        self._placed_in = self._state.origin.path if self._state.origin is not None else ""
        self._state.set_field(place, asked=False)

    def _asked(self) -> None:
        """A person has gone somewhere, be it to the field that was shown already: it stays."""
        self._placed = None

    def _forget(self, _: object = None) -> None:
        self._found = None
        self._background.forget(_ERRAND)

    def _look(self, figures: Figures | None) -> None:
        from napari_lexicon.analysis.features import PlateStatistics, features_table
        from napari_lexicon.analysis.first_feature import ALONG, clearer, first_feature
        from napari_lexicon.analysis.lexicon_tables import atoms_of, statistics_along, taught_of
        from napari_lexicon.widgets.workspace.detail_reading import read_detail
        from napari_lexicon.widgets.workspace.figures import channels_of

        state, plate, known = self._state, self._state.lexicon_plate, self._state.plate
        if figures is None or plate is None or known is None or state.feature is not None or self._growing():
            return
        one = PlateStatistics(plate.header.name, figures.read, plate.map, channels_of(plate), beyond=figures.beyond)
        by = treatment_column(known) or dose_column(known)
        lexicon = state.lexicon

        def found() -> FirstFeature | None:
            if lexicon is None:
                return first_feature(figures.table, one, by)
            detail = read_detail(lexicon, plate, known, figures.beyond or ALONG)
            by_code, by_direction = (None, None) if detail is None else (detail.by_code, detail.along)
            if figures.beyond is not None:  # a person has said how features are to be read
                return first_feature(figures.table, one, by, atoms_of(lexicon), by_direction)
            first = first_feature(figures.table, one, by, atoms_of(lexicon), by_code)
            try:
                along = replace(one, statistics=statistics_along(lexicon, plate, ALONG), beyond=ALONG)
            except LexiconFolderError:  # of an earlier version, which did not count directions
                return first
            table = features_table([along], lexicon.names)
            best = first_feature(table, along, by, None, by_direction)
            if detail is None:  # nor can a direction be drawn
                return clearer(first, best)
            says = first_feature(table, along, by, None, by_direction, taught=taught_of(lexicon))
            return clearer(first, best, says)

        self._background.start(_ERRAND, found, self._take, self._not_found)

    def _growing(self) -> bool:
        job = self._jobs.status
        return job.busy and job.request is not None and job.request.kind in ("apply", "embed")

    def _take(self, found: FirstFeature | None) -> None:
        if found is not None and self._state.feature is None:
            self._found = found
            self._show_where(found.well)
            self._state.set_feature(found.feature)
            if found.beyond is not None:
                self._reading.set_beyond(found.beyond)
            if self._opening:
                self._opening = False
                self.openedWithFeature.emit()

    def _show_where(self, well: str) -> None:
        """Go where the feature fires most, unless a person has gone somewhere."""
        plate = self._state.plate
        if self._state.field in (None, self._placed) and plate is not None:
            fields = plate.wells[well].fields if well in plate.wells else ()
            if fields:
                self._place_at(FieldPlace(well, fields[0].index))

    def _not_found(self, error: Exception) -> None:
        if not isinstance(error, LexiconError):
            raise error
