"""One long job at a time in a process of its own, watched from the window."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QProcess, QTimer, Signal

from napari_lexicon.widgets.basic.later import later
from napari_lexicon.widgets.workspace.job_status import JobPhase, JobRequest, JobStatus, death_sentence
from napari_lexicon.widgets.workspace.preferences import child_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

CHILD = (sys.executable, "-u", "-m", "napari_lexicon.jobs.child")
ASK_AGAIN_MS, KILL_MS = 1000, 1800
"""After asking a job to stop: when it is told to terminate, and when it is killed. Together under two seconds."""
_QUIET_MS = 60  # a training job reports hundreds of times a second; eyes need far less


class JobRunner(QObject):
    """Runs jobs in child processes; nothing here waits.

    Signals
    -------
    changed(JobStatus)
        The status, at most every 60 ms while a job runs.
    figures(dict)
        The ``extra`` of every progress report, none left out.
    ended(JobStatus)
        A job is done, stopped or has failed.
    """

    changed = Signal(object)
    figures = Signal(object)
    ended = Signal(object)

    def __init__(self, parent: QObject | None = None, command: Sequence[str] = CHILD) -> None:
        super().__init__(parent)
        self._command = tuple(command)
        self._status = JobStatus()
        self._process: QProcess | None = None
        self._unread = b""
        self._errors = b""
        self._end_said: dict[str, Any] | None = None
        self._pause = later(self, _QUIET_MS, self._tell)
        self._terminate = self._timer(ASK_AGAIN_MS, "terminate")
        self._kill = self._timer(KILL_MS, "kill")

    @property
    def status(self) -> JobStatus:
        """Where the latest job stands."""
        return self._status

    def process_id(self) -> int:
        """Number of the process at work, 0 without one."""
        return 0 if self._process is None else int(self._process.processId())

    def start(self, request: JobRequest) -> None:
        """Start a job. Raises ``RuntimeError`` while another one runs: buttons that start jobs are disabled then."""
        if self._status.busy:
            raise RuntimeError("a job is running")
        self._status = JobStatus(JobPhase.RUNNING, request, message="starting")
        self._unread, self._errors, self._end_said = b"", b"", None
        process = QProcess(self)
        process.setProcessEnvironment(child_environment())
        process.readyReadStandardOutput.connect(self._read)
        process.readyReadStandardError.connect(self._read_errors)
        process.finished.connect(self._finished)
        process.errorOccurred.connect(self._not_started)
        self._process = process
        process.start(self._command[0], list(self._command[1:]))
        process.write((json.dumps(request.to_json()) + "\n").encode())
        self.changed.emit(self._status)

    def stop(self) -> None:
        """Ask the job to stop; it is gone within two seconds. A gentle one is, when it is asked again."""
        if self._process is None:
            return
        asked_again = self._status.phase is JobPhase.STOPPING
        if not asked_again:
            self._set(phase=JobPhase.STOPPING)
            self._tell()
            self._process.write(b"stop\n")
        gentle = self._status.request is not None and self._status.request.gentle
        if (asked_again or not gentle) and not self._kill.isActive():
            self._terminate.start()
            self._kill.start()

    def close(self) -> None:
        """End the job with the window: the end of its input asks it to stop, and it may not outlive napari for long."""
        process, self._process = self._process, None
        for timer in (self._pause, self._terminate, self._kill):
            timer.stop()
        if process is not None and process.state() != QProcess.ProcessState.NotRunning:
            process.blockSignals(True)
            process.closeWriteChannel()
            if not process.waitForFinished(300):
                process.kill()
                process.waitForFinished(1000)

    def forget(self) -> None:
        """Leave the ended job's message behind."""
        if not self._status.busy:
            self._status = JobStatus()
            self.changed.emit(self._status)

    def _timer(self, after: int, what: str) -> QTimer:
        return later(self, after, lambda: self._process is not None and getattr(self._process, what)())

    def _read(self) -> None:
        if self._process is None:
            return
        *lines, self._unread = (self._unread + bytes(self._process.readAllStandardOutput().data())).split(b"\n")
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:  # a library wrote to standard output below Python
                continue
            if isinstance(event, dict):
                self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        kind = event.pop("event", "")
        if kind == "progress":
            self._set(
                done=int(event["done"]),
                total=int(event["total"]),
                message=str(event["message"]),
                seconds_left=event["seconds_left"],
            )
            if event.get("extra"):
                self.figures.emit(event["extra"])
            if not self._pause.isActive():
                self._pause.start()
        elif kind in ("result", "stopped"):
            self._end_said = {"phase": JobPhase.DONE if kind == "result" else JobPhase.STOPPED, "result": event}
        elif kind == "error":
            said = {"sentence": str(event["sentence"]), "error": str(event.get("error", ""))}
            self._end_said = {"phase": JobPhase.FAILED, **said}

    def _read_errors(self) -> None:
        if self._process is not None:
            self._errors = (self._errors + bytes(self._process.readAllStandardError().data()))[-4000:]

    def _finished(self, exit_code: int, how: QProcess.ExitStatus) -> None:
        self._read()
        self._read_errors()
        asked = self._status.phase is JobPhase.STOPPING
        # a job is over when its process is gone, not when it says so: until then it holds the folder and its memory
        if self._end_said is not None:
            self._set(**self._end_said)
        else:
            if asked:
                self._set(phase=JobPhase.STOPPED)
            else:
                words = self._errors.decode(errors="replace").strip().splitlines()
                title = self._status.request.title if self._status.request else "The job"
                crashed = how == QProcess.ExitStatus.CrashExit
                sentence = death_sentence(title, exit_code, crashed, words[-1] if words else "")
                self._set(phase=JobPhase.FAILED, sentence=sentence)
        self._end()

    def _not_started(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            sentence = f"Python could not be started for the job ({self._command[0]}): install napari-lexicon again."
            self._set(phase=JobPhase.FAILED, sentence=sentence)
            self._end()

    def _end(self) -> None:
        for timer in (self._pause, self._terminate, self._kill):
            timer.stop()
        process, self._process = self._process, None
        if process is not None:
            process.deleteLater()
        self._set(seconds_left=None)
        self.changed.emit(self._status)
        self.ended.emit(self._status)

    def _set(self, **changes: Any) -> None:
        self._status = replace(self._status, **changes)

    def _tell(self) -> None:
        self.changed.emit(self._status)
