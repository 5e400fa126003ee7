"""What is known of a running job, and how it is said. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class JobPhase(Enum):
    """Where a job stands."""

    NONE = "none"
    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class JobRequest:
    """A job as the child process takes it, and how people call it.

    Parameters
    ----------
    kind : str
        Name in :data:`napari_lexicon.jobs.running.JOB_KINDS`.
    settings : mapping
        Arguments of the job's dataclass in :mod:`napari_lexicon.jobs`, as JSON. The window does not import that: it
        would load torch into napari's process.
    title : str
        ``"Applying the built-in dictionary to plate 1"``.
    owner : str
        Dock that started it and shows its strip.
    gentle : bool
        Stop waits for the job to write what it has learned, and a second press ends it; other jobs have written all
        that is finished and are gone within two seconds.
    """

    kind: str
    settings: Mapping[str, Any]
    title: str
    owner: str
    gentle: bool = False

    def to_json(self) -> dict[str, Any]:
        """What :func:`napari_lexicon.jobs.running.job_from_json` reads."""
        return {"job": self.kind, **self.settings}


@dataclass(frozen=True)
class JobStatus:
    """Where a job stands, in full.

    Parameters
    ----------
    phase : JobPhase
    request : JobRequest, optional
    done, total : int
        Units of work; total 0 where it is not known yet.
    message : str
        What is happening now.
    seconds_left : float, optional
    sentence : str
        How it ended.
    error : str
        Name of the :class:`~napari_lexicon.errors.LexiconError` that ended it; empty for none.
    result : mapping
        What it brought.
    """

    phase: JobPhase = JobPhase.NONE
    request: JobRequest | None = None
    done: int = 0
    total: int = 0
    message: str = ""
    seconds_left: float | None = None
    sentence: str = ""
    error: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        """Whether a process is at work."""
        return self.phase in (JobPhase.RUNNING, JobPhase.STOPPING)


def spoken_time(seconds: float) -> str:
    """``"40 s"``, ``"3 min"``, ``"2 h 10 min"``: no more exact than it is known."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"{round(seconds / 5) * 5} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def progress_line(status: JobStatus) -> str:
    """One line on a running job: ``"57 of 192 · 2 min left · B03, field 0"``; a long name at its end may be cut off."""
    if status.phase is JobPhase.STOPPING:
        gentle = status.request is not None and status.request.gentle
        return "Writing down the best so far." if gentle else "Stopping. Everything finished is kept."
    parts = []
    if status.total:
        parts.append(f"{status.done:,} of {status.total:,}")
    if status.seconds_left is not None:
        parts.append(f"{spoken_time(status.seconds_left)} left")
    if status.message:
        parts.append(status.message)
    return " · ".join(parts) or "starting"


def death_sentence(title: str, exit_code: int, crashed: bool, last_words: str) -> str:
    """Why a job died that said nothing itself.

    Parameters
    ----------
    title : str
        Of the job.
    exit_code : int
        Of the process; the number of the signal where it crashed (POSIX).
    crashed : bool
        Whether a signal ended it.
    last_words : str
        Last line of its standard error.
    """
    if crashed and exit_code == 9:
        why = "the system ended it, most often because memory ran out: choose a smaller batch"
    elif crashed and exit_code in (11, 6, 4, 8):
        why = f"it crashed (signal {exit_code}), most often in a graphics driver: choose the CPU"
    elif crashed:
        why = f"it was ended from outside (code {exit_code})"
    elif "MemoryError" in last_words or "out of memory" in last_words.lower():
        why = "memory ran out: choose a smaller batch or the CPU"
    else:
        why = last_words or f"it ended with code {exit_code} and said nothing"
    return f"{title} ended early: {why}. Finished fields are kept; start it again to go on from there."
