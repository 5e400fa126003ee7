"""Remembers curves and forming features of the training run, so that a dock that is opened again finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_lexicon.widgets.workspace.job_status import JobPhase
from napari_lexicon.widgets.workspace.training_curves import TrainingCurves

if TYPE_CHECKING:
    from napari_lexicon.widgets.workspace.job_runner import JobRunner
    from napari_lexicon.widgets.workspace.job_status import JobStatus


class TrainingWatch(QObject):
    """Curves and result of the latest training run of one viewer."""

    def __init__(self, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.curves = TrainingCurves()
        self.trained: str | None = None
        self.forming: dict[str, Any] | None = None
        self._jobs = jobs
        self._running: object = None
        jobs.changed.connect(self._changed)
        jobs.figures.connect(self._figures)

    def _changed(self, status: JobStatus) -> None:
        if status.request is None or status.request.kind != "train":
            return
        if status.phase is JobPhase.RUNNING and status.request is not self._running:
            self._running, self.curves, self.trained = status.request, TrainingCurves(), None
            self.forming = None
        if not status.busy and status.result.get("dictionary"):
            self.trained = str(status.result["dictionary"])

    def _figures(self, figures: dict[str, Any]) -> None:
        request = self._jobs.status.request
        if request is not None and request.kind == "train":
            self.curves.add(figures)
            self.forming = figures.get("forming") or self.forming
