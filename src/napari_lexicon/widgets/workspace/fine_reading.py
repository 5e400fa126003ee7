"""The fields on the screen read finer than the patches, by a process that stays while somebody looks closely."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, QProcess, Signal

from napari_lexicon.widgets.basic.later import later
from napari_lexicon.widgets.workspace.preferences import child_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_lexicon.lexicons import FineField, Lexicon, LexiconPlate
    from napari_lexicon.widgets.workspace.background import Background
    from napari_lexicon.widgets.workspace.compute import Compute
    from napari_lexicon.widgets.workspace.state import WorkspaceState

CHILD = (sys.executable, "-u", "-m", "napari_lexicon.jobs.standing")
IDLE_MS = 300_000
"""After so long without a question the process ends and gives its memory back."""
_MOST_KEPT = 8  # fields in memory


@dataclass(frozen=True)
class FinePlace:
    """A field of a lexicon, and how much finer it is read."""

    lexicon: str
    plate: str
    number: int
    finer: int


class FineReading(QObject):
    """Has fields read finer, one after the other, and hands them out.

    Signals
    -------
    changed()
        A field has come, work has begun or ended, or something went wrong.
    """

    changed = Signal()

    def __init__(
        self,
        state: WorkspaceState,
        background: Background,
        compute: Compute,
        parent: QObject | None = None,
        command: Sequence[str] = CHILD,
    ) -> None:
        super().__init__(parent)
        self._state, self._background, self._compute = state, background, compute
        self._command = tuple(command)
        self._process: QProcess | None = None
        self._unread = b""
        self._wanted: tuple[FinePlace, ...] = ()
        self._prepared: tuple[FinePlace, ...] = ()
        self._ready: set[FinePlace] = set()
        self._asked: FinePlace | None = None
        self._known: dict[FinePlace, FineField] = {}
        self._failed: dict[FinePlace, str] = {}
        self._fetching = ""
        self._atoms: npt.NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self._idle = later(self, IDLE_MS, self.close)
        state.lexiconChanged.connect(self._forget)

    @property
    def reading(self) -> bool:
        """Whether a field is being read."""
        return self._asked is not None

    @property
    def fetching(self) -> str:
        """How much of the model has been downloaded, empty where none has to be."""
        return self._fetching if self.reading else ""

    def process_id(self) -> int:
        """Number of the process that stays, 0 without one."""
        return 0 if self._process is None else int(self._process.processId())

    def want(self, places: Sequence[FinePlace]) -> None:
        """These fields are on the screen and wanted finer; what is not known yet is read."""
        self._wanted = tuple(places)
        self._go_on()

    def prepare(self, places: Sequence[FinePlace], *, anew: bool = False) -> None:
        """These fields are to lie read on the disk, after those on the screen; ``anew`` looks there once more."""
        self._prepared = tuple(places)
        if anew:
            self._ready.difference_update(places)
        self._go_on()

    def ready(self, place: FinePlace) -> bool:
        """Whether the field lies on the disk as it is wanted."""
        return place in self._ready

    def get(self, place: FinePlace) -> FineField | None:
        """The field, None where it has not come (yet)."""
        return self._known.get(place)

    def atom(self, feature: int) -> npt.NDArray[np.float32]:
        """``(dim_w,)`` direction of a feature of the open lexicon; known once a field is."""
        atom: npt.NDArray[np.float32] = self._atoms[feature]
        return atom

    def failed(self, place: FinePlace) -> str:
        """Why a field could not be read, empty where nothing is known against it."""
        return self._failed.get(place, "")

    def coming(self, place: FinePlace) -> bool:
        """Whether a field is still to come: it is not known, and nothing is known against it."""
        return place not in self._known and place not in self._failed

    def close(self) -> None:
        """End the process: its input ends."""
        process, self._process = self._process, None
        self._asked, self._unread, self._fetching = None, b"", ""
        self._idle.stop()
        if process is not None and process.state() != QProcess.ProcessState.NotRunning:
            process.blockSignals(True)
            process.closeWriteChannel()
            process.kill()
            process.waitForFinished(1000)

    def _forget(self) -> None:
        self._known.clear()
        self._failed.clear()
        self._ready.clear()
        self._wanted, self._prepared, self._asked = (), (), None

    def _go_on(self) -> None:
        if not self._wanted and not self._prepared and self._asked is not None:
            self._asked = None
            self.changed.emit()
        self._ask_next()

    def _ask_next(self) -> None:
        """Look on the disk first, in a thread; then ask the process."""
        missing = [place for place in self._wanted if self.coming(place)]
        missing += [place for place in self._prepared if place not in self._ready and place not in self._failed]
        if not missing or self._asked in missing:
            return
        self._asked = missing[0]
        self._idle.stop()
        self.changed.emit()
        self._load(missing[0], self._put_question)

    def _load(self, place: FinePlace, otherwise: Any) -> None:
        lexicon = self._state.lexicon
        plate = self._state.lexicon_plate
        if lexicon is None or plate is None or str(lexicon.path) != place.lexicon or plate.id != place.plate:
            self._asked = None
            self.changed.emit()
            return

        def take(found: tuple[FineField, npt.NDArray[np.float32]] | None) -> None:
            if place != self._asked:
                return
            if found is None:
                otherwise(place)
                return
            self._asked = None
            field, self._atoms = found
            self._keep(place, field)
            # one grid of a field lies on the disk at a time
            others = {each for each in self._ready if _same_field(each, place)}
            self._ready = (self._ready - others) | {place}
            self.changed.emit()
            self._ask_next()

        self._background.start(
            "fine", lambda: read_fine(lexicon, plate, place), take, lambda error: self._fail(place, str(error))
        )

    def _keep(self, place: FinePlace, found: FineField) -> None:
        self._known[place] = found
        for old in list(self._known):
            if len(self._known) > _MOST_KEPT and old not in self._wanted:
                del self._known[old]

    def _put_question(self, place: FinePlace) -> None:
        settings = self._compute.settings
        question = {
            "lexicon": place.lexicon,
            "plate": place.plate,
            "number": place.number,
            "finer": place.finer,
            "backbone": self._local_checkpoint(),
            "device": settings.device,
            "batch": settings.batch,
        }
        self._started().write((json.dumps(question) + "\n").encode())

    def _local_checkpoint(self) -> str | None:
        """A dictionary over a local checkpoint does not say where the file is; the settings may."""
        lexicon, named = self._state.lexicon, self._compute.settings.backbone
        return named if lexicon is not None and lexicon.backbone.id.startswith("file:") else None

    def _started(self) -> QProcess:
        if self._process is None:
            process = QProcess(self)
            process.setProcessEnvironment(child_environment())
            process.setStandardErrorFile(QProcess.nullDevice())
            process.readyReadStandardOutput.connect(self._read)
            process.finished.connect(self._ended)
            process.errorOccurred.connect(self._not_started)
            process.start(self._command[0], list(self._command[1:]))
            self._process, self._unread = process, b""
        return self._process

    def _read(self) -> None:
        if self._process is None:
            return
        *lines, self._unread = (self._unread + bytes(self._process.readAllStandardOutput().data())).split(b"\n")
        for line in lines:
            try:
                answer = json.loads(line)
                place = FinePlace(*(answer[name] for name in ("lexicon", "plate", "number", "finer")))
            except (ValueError, KeyError, TypeError):  # a library wrote to standard output below Python
                continue
            if place == self._asked and "fetching" in answer:
                self._fetching = str(answer["fetching"])
                self.changed.emit()
            elif place == self._asked:
                self._fetching = ""
                if "error" in answer:
                    self._fail(place, str(answer["error"]))
                else:
                    self._load(place, lambda place: self._fail(place, "The field was read, and cannot be found."))
        self._idle.start()

    def _fail(self, place: FinePlace, sentence: str) -> None:
        self._failed[place] = sentence
        if place == self._asked:
            self._asked = None
        self._state.notice(sentence, "error")
        self.changed.emit()
        self._ask_next()

    def _ended(self, *_: object) -> None:
        """The process is gone without being asked to: the system ended it."""
        self._process = None
        if self._asked is not None:
            self._fail(
                self._asked,
                "Reading the field finer ended early, most often because memory ran out: choose a smaller batch.",
            )

    def _not_started(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._asked is not None:
            self._process = None
            self._fail(self._asked, f"Python could not be started ({self._command[0]}): install napari-lexicon again.")


def _same_field(one: FinePlace, other: FinePlace) -> bool:
    return (one.lexicon, one.plate, one.number) == (other.lexicon, other.plate, other.number)


def read_fine(
    lexicon: Lexicon, plate: LexiconPlate, place: FinePlace
) -> tuple[FineField, npt.NDArray[np.float32]] | None:
    """The field as it was read so much finer from the codes of today, and the atoms; None where it was not."""
    from napari_lexicon.analysis.lexicon_tables import atoms_of
    from napari_lexicon.lexicons.plate import fine_is_current

    plate.refresh()
    if not fine_is_current(plate, place.number, place.finer):
        return None
    found = plate.fine(place.number)
    return None if found is None else (found, atoms_of(lexicon))
