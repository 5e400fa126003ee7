"""Starting the long jobs of one viewer, and guessing how long they will take."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_lexicon.errors import PlateError
from napari_lexicon.widgets.workspace.job_status import JobPhase, spoken_time
from napari_lexicon.widgets.workspace.requests import (
    BUILTIN,
    ComputeSettings,
    apply_reason,
    apply_request,
    embed_request,
    first_settings,
    model_out_path,
    out_path,
    train_request,
)

if TYPE_CHECKING:
    from pathlib import Path

    from napari_lexicon.plates.model import Plate
    from napari_lexicon.widgets.workspace.job_runner import JobRunner
    from napari_lexicon.widgets.workspace.job_status import JobStatus
    from napari_lexicon.widgets.workspace.preferences import Memory
    from napari_lexicon.widgets.workspace.state import WorkspaceState

FIRST_GUESS = {"cpu": 0.8, "auto": 0.8, "cuda": 40.0, "mps": 8.0}
"""Megapixels of one channel per second, before anything has been measured on this computer."""


def plate_megapixels(plate: Plate) -> float:
    """Millions of pixels over all fields and channels, from the size of the first field that says its own."""
    for field in plate.fields():
        try:
            height, width = field.shape
        except PlateError:
            continue
        return height * width * sum(len(one.channels) for one in plate.fields()) / 1e6
    return 0.0


class Compute(QObject):
    """Settings of the jobs of one viewer, and their start.

    Signals
    -------
    changed(ComputeSettings)
        Other settings.
    """

    changed = Signal(object)

    def __init__(self, state: WorkspaceState, jobs: JobRunner, memory: Memory, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._jobs, self._memory = state, jobs, memory
        self._settings = first_settings()
        self._first: tuple[float, int] | None = None
        jobs.changed.connect(self._watch)

    @property
    def settings(self) -> ComputeSettings:
        """Settings of the next job."""
        return self._settings

    def set_settings(self, settings: ComputeSettings) -> None:
        """Other settings for the next job."""
        if settings != self._settings:
            self._settings = settings
            self.changed.emit(settings)

    def apply_builtin(self, owner: str) -> None:
        """Apply the built-in dictionary to the open plate."""
        self.apply(BUILTIN, owner)

    def apply(self, dictionary: str, owner: str, out: Path | None = None) -> None:
        """Apply a dictionary to the open plate; does nothing while that cannot be done (buttons say why).

        Parameters
        ----------
        dictionary : str
            ``builtin``, or a file.
        owner : str
            Dock that asks.
        out : pathlib.Path, optional
            Lexicon folder; as the settings say where None.
        """
        plate, origin, out = self._state.plate, self._state.origin, out or out_path(self._state, self._settings)
        if apply_reason(self._state, self._jobs.status) is None and plate and origin and out:
            self._jobs.start(apply_request(origin, out, dictionary, self._settings, owner, plate.name))

    def embed(self, owner: str) -> None:
        """Embed the open plate."""
        plate, origin, out = self._state.plate, self._state.origin, model_out_path(self._state, self._settings)
        if apply_reason(self._state, self._jobs.status) is None and plate and origin and out:
            self._jobs.start(embed_request(origin, out, self._settings, owner, plate.name))

    def train(self, settings: dict[str, Any], owner: str) -> None:
        """Train a dictionary; ``settings`` as :class:`napari_lexicon.jobs.training.TrainJob` names them."""
        if not self._jobs.status.busy:
            self._jobs.start(train_request(settings, owner))

    def estimate(self, *, anew: bool = False) -> float | None:
        """Seconds that the open plate will take, from where it is or anew; None without a plate."""
        plate, lexicon_plate = self._state.plate, self._state.lexicon_plate
        if plate is None:
            return None
        device = self._settings.device
        speed = self._memory.speed(device) or FIRST_GUESS.get(device, 1.0)
        todo = 1.0
        if lexicon_plate is not None and lexicon_plate.fields and not self._settings.recompute and not anew:
            todo = 1 - lexicon_plate.n_done() / len(lexicon_plate.fields)
        return plate_megapixels(plate) * todo / speed + 6

    def estimate_sentence(self, *, anew: bool = False) -> str:
        """``"About 3 min on this computer."``; says whether it was measured."""
        seconds = self.estimate(anew=anew)
        if seconds is None:
            return ""
        if self._memory.speed(self._settings.device):
            return f"About {spoken_time(seconds)} here, going by the last job."
        return f"About {spoken_time(seconds)}; better known once the first fields are done."

    def _watch(self, status: JobStatus) -> None:
        """Measure the pace of a running job for the next estimate."""
        if status.request is None or status.request.kind not in ("apply", "embed"):
            return
        if status.phase is JobPhase.RUNNING and status.done > 0:
            now = time.monotonic()
            if self._first is None:
                self._first = (now, status.done)
            elif status.done - self._first[1] >= 3 and self._state.plate is not None:
                fields = status.done - self._first[1]
                per_field = plate_megapixels(self._state.plate) / max(1, status.total)
                device = str(status.request.settings["device"])
                self._memory.note_speed(device, per_field * fields / max(1e-3, now - self._first[0]))
        elif not status.busy:
            self._first = None
