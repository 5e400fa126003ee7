"""What this computer and installation offer, asked in a process of its own: the answer needs torch, napari does not."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

from qtpy.QtCore import QObject, QProcess, Signal

_QUESTION = (
    "import json; from dataclasses import asdict; from napari_lexicon.backbones import available_devices; "
    "from napari_lexicon.dictionaries.learners import LEARNERS; "
    "print(json.dumps({'devices': [asdict(device) for device in available_devices()], 'algorithms': list(LEARNERS)}))"
)


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


class DeviceProbe(QObject):
    """Asks once.

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

    def ask(self) -> None:
        """Ask, unless that has been done."""
        if self._asked:
            return
        self._asked = True
        self._process = QProcess(self)
        self._process.finished.connect(self._answered)
        self._process.start(sys.executable, ["-c", _QUESTION])

    def close(self) -> None:
        """The window is closing."""
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
            devices, self.algorithms = answer["devices"], tuple(answer["algorithms"])
        except (ValueError, KeyError, TypeError):  # it died, and the choices stay as they are
            return
        best = next((device["label"] for device in devices if device["available"]), "Processor")
        self.choices = (
            DeviceChoice("auto", f"automatic ({best})"),
            *(DeviceChoice(device["name"], device["label"], device["reason"]) for device in devices),
        )
        self.found.emit(self.choices)
