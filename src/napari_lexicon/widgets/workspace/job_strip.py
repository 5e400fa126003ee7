"""The strip at the foot of a dock: what runs, how far it is, how long it will take, Cancel."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QPushButton, QWidget

from napari_lexicon.widgets.basic.bar import Bar
from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.card import Card
from napari_lexicon.widgets.workspace.job_status import JobPhase, JobStatus, progress_line

_STOP_TIPS = {
    False: "End the job within two seconds. Everything finished so far is kept.",
    True: "Pause: the best dictionary so far is written and can be used, and nothing runs any more. It can be "
    "continued, also after napari was closed. Press twice to end it at once.",
}
_RESUME_TIPS = {
    False: "Go on after the last finished field. Nothing is computed twice.",
    True: "Go on from the last checkpoint. Nothing is learned twice.",
}
_ALL_OR_NOTHING = ("ask", "report", "figure")


class JobStrip(QWidget):
    """Shows a :class:`JobStatus`, which is its value; hidden where there is no job.

    Signals
    -------
    stopRequested()
        Cancel, or for a training run Stop.
    resumeRequested()
        Go on with the job that was stopped or died.
    openRequested(str)
        Open the file that the job wrote.
    dismissed()
        The message about the ended job has been read.
    remedyRequested()
        Do what helps.
    """

    stopRequested = Signal()
    resumeRequested = Signal()
    openRequested = Signal(str)
    dismissed = Signal()
    remedyRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("job_strip")
        self._status = JobStatus()
        card = Card(self)
        self.title = Caption(bold=True, strength=0.95, middle=True)  # how it ended stands at the end
        self._bar = Bar()
        self.line = Caption(step=-0.5)
        self.line.setObjectName("job_line")
        self._sentence = Caption(wrap=True, strength=0.85)
        self._sentence.setObjectName("job_sentence")
        self.stop_button = QPushButton("Cancel")
        self.stop_button.setObjectName("job_stop")
        self.stop_button.clicked.connect(self.stopRequested)
        self.resume_button = QPushButton("Resume")
        self.resume_button.setObjectName("job_resume")
        self.resume_button.clicked.connect(self.resumeRequested)
        self.open_button = QPushButton("Open it")
        self.open_button.setObjectName("job_open")
        self.open_button.setToolTip("Open the file with the program that this computer uses for it.")
        self.open_button.clicked.connect(lambda: self.openRequested.emit(str(self._status.result.get("written", ""))))
        self.dismiss_button = QPushButton("OK")
        self.dismiss_button.setObjectName("job_dismiss")
        self.dismiss_button.setToolTip("Put this message away.")
        self.dismiss_button.clicked.connect(self.dismissed)
        self.remedy_button = QPushButton()
        self.remedy_button.setObjectName("job_remedy")
        self.remedy_button.setToolTip("Do what helps.")
        self.remedy_button.clicked.connect(self.remedyRequested)
        grid = QGridLayout(card)
        grid.setContentsMargins(10, 8, 10, 9)
        grid.setSpacing(6)
        grid.addWidget(self.title, 0, 0)
        buttons = (self.resume_button, self.stop_button, self.open_button, self.dismiss_button)
        for column, button in enumerate(buttons, 1):
            grid.addWidget(button, 0, column)
        grid.addWidget(self._bar, 1, 0, 1, 5)
        grid.addWidget(self.line, 2, 0, 1, 5)
        grid.addWidget(self._sentence, 3, 0, 1, 5)
        grid.addWidget(self.remedy_button, 4, 0, 1, 5)
        grid.setColumnStretch(0, 1)
        outer = QGridLayout(self)
        outer.setContentsMargins(0, 4, 0, 0)
        outer.addWidget(card)
        self.setValue(self._status)

    def value(self) -> JobStatus:
        """The status shown."""
        return self._status

    def setValue(self, status: JobStatus) -> None:
        """Show another status."""
        self._status = status
        phase = status.phase
        self.setVisible(phase is not JobPhase.NONE)
        self.title.setText(_title(status))
        self._bar.setVisible(status.busy)
        self._bar.setValue(status.done / status.total if status.total else None)
        self.line.setVisible(status.busy)
        self.line.setText(progress_line(status))
        sentence = end_sentence(status)
        self._sentence.setVisible(not status.busy and bool(sentence))
        self._sentence.setText(sentence)
        self.stop_button.setVisible(status.busy)
        gentle = status.request is not None and status.request.gentle
        stop = "Pause" if gentle else "Cancel"
        self.stop_button.setText("End now" if gentle and phase is JobPhase.STOPPING else stop)
        self.resume_button.setText("Continue" if gentle else "Resume")
        self.resume_button.setToolTip(_RESUME_TIPS[gentle])
        self.setRemedy("")
        self.stop_button.setToolTip(_STOP_TIPS[gentle])
        self.stop_button.setEnabled(phase is JobPhase.RUNNING or gentle)
        self.open_button.setVisible(phase is JobPhase.DONE and bool(status.result.get("written")))
        self.resume_button.setVisible(phase in (JobPhase.STOPPED, JobPhase.FAILED))
        self.dismiss_button.setVisible(phase in (JobPhase.DONE, JobPhase.STOPPED, JobPhase.FAILED))

    def setRemedy(self, text: str) -> None:
        """Offer what helps where the job failed; empty for nothing."""
        self.remedy_button.setText(text)
        self.remedy_button.setToolTip(text or "Do what helps.")
        self.remedy_button.setVisible(bool(text))


def _title(status: JobStatus) -> str:
    title = status.request.title if status.request else ""
    gentle = status.request is not None and status.request.gentle
    stopped = " · paused" if gentle else " · stopped"
    ending = {JobPhase.STOPPED: stopped, JobPhase.FAILED: " · failed", JobPhase.DONE: " · done"}
    return title + ending.get(status.phase, "")


def end_sentence(status: JobStatus) -> str:
    """How a job ended, for a person: what was done, what was found done, what could not be read and why."""
    if status.phase is JobPhase.FAILED:
        return status.sentence
    if status.phase not in (JobPhase.DONE, JobPhase.STOPPED):
        return ""
    result = status.result
    said = []
    if "finished" in result:
        said.append(f"{result['finished']:,} fields done now")
        if result.get("kept"):
            said.append(f"{result['kept']:,} were there already")
    elif status.phase is JobPhase.STOPPED and status.request is not None and status.request.kind in _ALL_OR_NOTHING:
        return "Nothing was written."
    elif status.phase is JobPhase.STOPPED:
        said.append(f"{status.done:,} of {status.total:,} done; what is finished is kept" if status.total else "")
    if result.get("message"):
        said.append(str(result["message"]))
    sentence = ", ".join(part for part in said if part)
    sentence = sentence[:1].upper() + sentence[1:] + "." if sentence else ""
    sentence = sentence.replace("..", ".")
    if result.get("stale"):
        sentence += f" {result['stale']:,} fields are stale ({result.get('stale_because', '')}): recompute them."
    failures = result.get("failures") or ()
    if failures:
        more = f" and {len(failures) - 1} more" if len(failures) > 1 else ""
        sentence += f" Not read: {failures[0]['sentence']}{more}"
    if result.get("advice"):
        sentence += f" {result['advice']}"
    return sentence.strip()
