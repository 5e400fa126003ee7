"""Simulate: write one of the sample plates, to have something to look at."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from napari_lexicon.errors import JobError
from napari_lexicon.jobs.contract import Progress, Report, ShouldStop, TimeLeft, never, silent


@dataclass(frozen=True)
class SimulateJob:
    """Write a sample plate.

    Parameters
    ----------
    sample : {"small", "large"}
        24 wells with one field, or 384 wells with two.
    plate : str, optional
        Folder to write, ``NAME.zarr``; the user's cache where None.
    """

    sample: Literal["small", "large"] = "small"
    plate: str | None = None


@dataclass(frozen=True)
class SimulateResult:
    """What simulate did.

    Parameters
    ----------
    plate : str
        Folder of the plate.
    stopped : bool
        True where it was asked to stop before its end; the same job goes on from there.
    """

    plate: str
    stopped: bool


def run_simulate(job: SimulateJob, report: Report = silent, should_stop: ShouldStop = never) -> SimulateResult:
    """Write a sample plate; finished fields are kept.

    Raises
    ------
    LexiconError
        If the folder holds another plate, or cannot be written.
    """
    from napari_lexicon.samples.contributions import LARGE_PLATE, SMALL_PLATE, sample_path
    from napari_lexicon.samples.plate import simulate_plate

    settings = SMALL_PLATE if job.sample == "small" else LARGE_PLATE
    path = Path(job.plate) if job.plate else sample_path(settings)
    left = TimeLeft()
    last = (0, 1)

    def told(done: int, total: int, message: str) -> None:
        nonlocal last
        last = (done, total)
        report(Progress(done, total, message, left(time.monotonic(), done, total)))

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        simulate_plate(path, settings, told, should_stop)
    except OSError as error:
        raise JobError(
            f"The sample plate cannot be written to {path} ({error}): free some space and try again."
        ) from error
    return SimulateResult(str(path), stopped=last[0] < last[1])
