"""The sample plate: made in a process of its own where it is not there yet, then opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_lexicon.widgets.workspace.job_status import JobPhase, JobRequest, JobStatus

if TYPE_CHECKING:
    from napari_lexicon.widgets.workspace.background import Background
    from napari_lexicon.widgets.workspace.job_runner import JobRunner
    from napari_lexicon.widgets.workspace.opening import Opening


def finished_sample() -> Path | None:
    """The small sample plate, None where it has not been made (to its end)."""
    from napari_lexicon.samples.contributions import SMALL_PLATE, sample_path
    from napari_lexicon.samples.plate import truth_folder

    path = sample_path(SMALL_PLATE)
    return path if (truth_folder(path) / "cells.csv").exists() else None


class SamplePlate(QObject):
    """Opens the sample plate of one viewer."""

    def __init__(
        self, opening: Opening, jobs: JobRunner, background: Background, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._opening, self._jobs, self._background = opening, jobs, background
        jobs.ended.connect(self._made)

    def open_small(self, owner: str) -> None:
        """Open the small sample plate; ``owner`` is the dock that shows the progress of making it."""
        self._background.start(
            "sample", finished_sample, lambda path: self._open_or_make(path, owner), self._opening.tell_failure
        )

    def _open_or_make(self, path: Path | None, owner: str) -> None:
        if path is not None:
            self._opening.plate(path)
        elif not self._jobs.status.busy:
            self._jobs.start(JobRequest("simulate", {"sample": "small"}, "Making the sample plate", owner))

    def _made(self, status: JobStatus) -> None:
        if status.request is not None and status.request.kind == "simulate" and status.phase is JobPhase.DONE:
            self._jobs.forget()
            self._opening.plate(Path(str(status.result["plate"])))
