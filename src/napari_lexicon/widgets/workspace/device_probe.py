"""What this computer and installation offer, asked in a process of its own: the answer needs torch, napari does not."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QObject, QProcess, Signal

from napari_lexicon.widgets.basic.later import later


@dataclass(frozen=True)
class DeviceChoice:
    """A device as it is offered.

    Parameters
    ----------
    name : str
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    label : str
        For people.
    reason : str
        Why it is not offered; empty where it is.
    """

    name: str
    label: str
    reason: str = ""


BEFORE = (DeviceChoice("auto", "automatic"), DeviceChoice("cpu", "Processor (CPU)"))
"""What is offered until the answer is there."""
_known: dict[str, Any] = {}
"""The answer, which is the same for every window of this process."""


class DeviceProbe(QObject):
    """Asks once; the first window of a process asks for all of them.

    Signals
    -------
    found(tuple of DeviceChoice)
        The answer.
    """

    found = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.choices: tuple[DeviceChoice, ...] = BEFORE
        self.algorithms: tuple[str, ...] = ("icfl-anchored", "icfl")
        self._process: QProcess | None = None
        self._asked = False
        self._told = later(self, 0, self._tell)

    def ask(self) -> None:
        """Ask, unless that has been done."""
        if self._asked:
            return
        self._asked = True
        if _known:
            self._told.start()
            return
        self._process = QProcess(self)
        self._process.finished.connect(self._answered)
        self._process.start(sys.executable, ["-m", "napari_lexicon.jobs.offering"])

    def close(self) -> None:
        """The window is closing."""
        self._told.stop()
        process, self._process = self._process, None
        if process is not None and process.state() != QProcess.ProcessState.NotRunning:
            process.blockSignals(True)
            process.kill()
            process.waitForFinished(500)

    def _answered(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        lines = bytes(process.readAllStandardOutput().data()).decode(errors="replace").strip().splitlines()
        process.deleteLater()
        try:
            answer = json.loads(lines[-1]) if lines else {}
            _known.update(devices=answer["devices"], algorithms=tuple(answer["algorithms"]))
        except (ValueError, KeyError, TypeError):  # it died, and the choices stay as they are
            return
        self._tell()

    def _tell(self) -> None:
        self.algorithms = _known["algorithms"]
        best = next((device["label"] for device in _known["devices"] if device["available"]), "Processor")
        self.choices = (
            DeviceChoice("auto", f"automatic ({best})"),
            *(DeviceChoice(device["name"], device["label"], device["reason"]) for device in _known["devices"]),
        )
        self.found.emit(self.choices)
