"""Chooses a feature to begin with where nobody has chosen one, and remembers why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_lexicon.errors import LexiconError
from napari_lexicon.widgets.workspace.field_reading import dose_column, treatment_column

if TYPE_CHECKING:
    from napari_lexicon.analysis.first_feature import FirstFeature
    from napari_lexicon.widgets.workspace.background import Background
    from napari_lexicon.widgets.workspace.job_runner import JobRunner
    from napari_lexicon.widgets.workspace.reading import Figures, LexiconReading
    from napari_lexicon.widgets.workspace.state import WorkspaceState

_ERRAND = "first feature"


class FirstLook(QObject):
    """Waits for figures that no job is changing; a choice that a person makes meanwhile stands."""

    def __init__(
        self,
        state: WorkspaceState,
        reading: LexiconReading,
        jobs: JobRunner,
        background: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._jobs, self._background = state, jobs, background
        self._found: FirstFeature | None = None
        state.lexiconChanged.connect(self._forget)
        reading.changed.connect(self._look)

    def why(self, feature: int) -> str:
        """Why a feature is shown; empty where a person chose it, or another one since."""
        found = self._found
        return "" if found is None or found.feature != feature else found.why

    def _forget(self, _: object = None) -> None:
        self._found = None
        self._background.forget(_ERRAND)

    def _look(self, figures: Figures | None) -> None:
        from napari_lexicon.analysis.features import PlateStatistics
        from napari_lexicon.analysis.first_feature import first_feature
        from napari_lexicon.widgets.workspace.reading import channels_of

        state, plate, known = self._state, self._state.lexicon_plate, self._state.plate
        if figures is None or plate is None or known is None or state.feature is not None or self._growing():
            return
        one = PlateStatistics(plate.header.name, figures.statistics, plate.map, channels_of(plate))
        by = treatment_column(known) or dose_column(known)
        self._background.start(_ERRAND, lambda: first_feature(figures.table, one, by), self._take, self._not_found)

    def _growing(self) -> bool:
        job = self._jobs.status
        return job.busy and job.request is not None and job.request.kind in ("apply", "embed")

    def _take(self, found: FirstFeature | None) -> None:
        if found is not None and self._state.feature is None:
            self._found = found
            self._state.set_feature(found.feature)

    def _not_found(self, error: Exception) -> None:
        if not isinstance(error, LexiconError):
            raise error
