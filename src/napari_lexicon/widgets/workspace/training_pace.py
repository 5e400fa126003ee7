"""How long training will take on this computer before it was ever trained here: a short trial, measured once."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QProcess, Signal

if TYPE_CHECKING:
    from napari_lexicon.widgets.workspace.preferences import Memory

START_SECONDS, EVALUATIONS = 12.0, 10


def run_seconds(pace: Sequence[Mapping[str, Any]], job: Mapping[str, Any]) -> float | None:
    """Seconds of a run, from the nearest size of a trial; None where nothing was tried.

    A step of the pursuit costs about rounds x picks x features.
    """
    if not pace:
        return None

    def cost(settings: Mapping[str, Any]) -> float:
        return float(settings["features"]) * (float(settings["iterations"]) * float(settings["per_iteration"]) + 8)

    wanted = cost(job)
    nearest = min(pace, key=lambda one: abs(cost(one) / wanted - 1))
    scale = wanted / cost(nearest)
    seconds = float(job["steps"]) * float(nearest["seconds"]) + EVALUATIONS * float(nearest["evaluation"])
    return START_SECONDS + scale * seconds


class TrainingPace(QObject):
    """Asks a process of its own, once for every length of tokens; the answer is remembered.

    Signals
    -------
    found()
        The pace is known.
    """

    found = Signal()

    def __init__(self, memory: Memory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._memory = memory
        self._process: QProcess | None = None
        self._tried: set[int] = set()

    @property
    def measuring(self) -> bool:
        """Whether the trial runs."""
        return self._process is not None

    def seconds(self, dim: int, job: Mapping[str, Any]) -> float | None:
        """Seconds of a run with the settings of a :class:`napari_lexicon.jobs.training.TrainJob`."""
        return run_seconds(self._memory.training_pace(dim), job)

    def ask(self, dim: int) -> None:
        """Measure, unless that was done or is being done."""
        if dim in self._tried or self._process is not None or self._memory.training_pace(dim):
            return
        self._tried.add(dim)
        self._process = QProcess(self)
        self._process.finished.connect(lambda *_: self._answered(dim))
        self._process.start(sys.executable, ["-m", "napari_lexicon.jobs.training_trial", str(dim)])

    def close(self) -> None:
        """The window is closing, or a job begins that the trial would slow down."""
        process, self._process = self._process, None
        if process is not None and process.state() != QProcess.ProcessState.NotRunning:
            process.blockSignals(True)
            process.kill()
            process.waitForFinished(500)

    def _answered(self, dim: int) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        lines = bytes(process.readAllStandardOutput().data()).decode(errors="replace").strip().splitlines()
        process.deleteLater()
        try:
            answer = json.loads(lines[-1]) if lines else []
        except ValueError:
            answer = []
        if answer:
            self._memory.note_training_pace(dim, answer)
        self.found.emit()
