"""What a job is: a frozen description that can be written as JSON, and a plain function that runs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Progress:
    """One step forward of a job.

    Parameters
    ----------
    done, total : int
        Units of work; ``total`` 0 where it is not known.
    message : str
        What is happening, for a person.
    seconds_left : float, optional
        Estimate of the time left.
    extra : dict
        Live figures of the job (loss, explained variance, finished field, gallery), JSON-able.
    """

    done: int
    total: int
    message: str = ""
    seconds_left: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)


Report = Callable[[Progress], None]
ShouldStop = Callable[[], bool]


def silent(progress: Progress) -> None:
    """A report that goes nowhere."""


def never() -> bool:
    """A stop that never comes."""
    return False


class TimeLeft:
    """Estimate of the seconds left from the pace so far; None until two units are done."""

    def __init__(self) -> None:
        self._start: float | None = None
        self._done_at_start = 0

    def __call__(self, now: float, done: int, total: int) -> float | None:
        """Seconds left at time ``now`` (seconds, any origin) with ``done`` of ``total`` units finished."""
        if self._start is None or done < self._done_at_start:
            self._start, self._done_at_start = now, done
        finished = done - self._done_at_start
        if finished < 2:
            return None
        return (now - self._start) / finished * max(total - done, 0)
