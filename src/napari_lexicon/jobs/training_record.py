"""What is kept of a training run beside its dictionary: settings, course, end. Read by the window, so no torch here.

``OUT.run.json`` lies beside the dictionary ``OUT`` and is written whole at the start, at every evaluation and at the
end. Together with the checkpoint it is all that going on after a restart needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from napari_lexicon.errors import LexiconError
from napari_lexicon.lexicons.files import read_json, write_json_whole

Phase = Literal["running", "stopped", "finished"]
_SUFFIX = ".run.json"


@dataclass(frozen=True)
class TrainingRecord:
    """One training run.

    Parameters
    ----------
    job : dict
        The job as JSON, as :class:`napari_lexicon.jobs.training.TrainJob` names its settings.
    began : str
        UTC time.
    phase : {"running", "stopped", "finished"}
        ``running`` also where its process was ended from outside.
    step, steps : int
        How far it came.
    seconds : float
        At work, over all its starts.
    message : str
        How it ended.
    history : tuple of dict
        Figures of every evaluation.
    forming : dict, optional
        Latest picture of features as they form (:mod:`napari_lexicon.jobs.forming`).
    """

    job: Mapping[str, Any]
    began: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    phase: Phase = "running"
    step: int = 0
    steps: int = 0
    seconds: float = 0.0
    message: str = ""
    history: tuple[Mapping[str, Any], ...] = ()
    forming: Mapping[str, Any] | None = None

    @property
    def out(self) -> Path:
        """The dictionary's file."""
        return Path(str(self.job["out"]))

    @property
    def name(self) -> str:
        """Of the dictionary."""
        return self.out.stem

    @property
    def best(self) -> Mapping[str, Any]:
        """Figures of the evaluation with the lowest held-out loss; empty before the first."""
        return min(self.history, key=lambda figures: figures.get("loss", float("inf")), default={})

    @property
    def can_go_on(self) -> bool:
        """Whether it ended before its end and left a checkpoint."""
        return self.phase != "finished" and self.out.with_name(f"{self.out.name}.checkpoint").exists()

    def reached(self, step: int, steps: int, seconds: float, figures: Mapping[str, Any]) -> TrainingRecord:
        """The record after an evaluation."""
        return replace(self, step=step, steps=steps, seconds=seconds, history=(*self.history, dict(figures)))

    def write(self) -> None:
        """Write it beside the dictionary."""
        write_json_whole(record_path(self.out), asdict(self))


def record_path(out: Path) -> Path:
    """File of the record of the run that writes a dictionary."""
    return out.with_name(f"{out.name}{_SUFFIX}")


def read_record(path: Path) -> TrainingRecord | None:
    """A record, None where the file is none."""
    try:
        data = read_json(path)
        return TrainingRecord(**{**data, "history": tuple(data["history"])})
    except (LexiconError, OSError, TypeError, KeyError):
        return None


def records_of(lexicon: Path) -> list[TrainingRecord]:
    """Runs on the tokens of a lexicon, the latest first; a dictionary that was moved away takes its run along."""
    found = [read_record(path) for path in lexicon.parent.glob(f"*{_SUFFIX}")]
    mine = [
        record
        for record in found
        if record is not None and Path(str(record.job.get("lexicon"))) == lexicon and (record.history or record.step)
    ]
    return sorted(mine, key=lambda record: record.began, reverse=True)


def free_out(lexicon: Path, job: Mapping[str, Any]) -> Path:
    """File for a new run: that of a run with the same settings, which then goes on or is repeated, else a free one."""
    stem = f"{lexicon.name.removesuffix('.lexicon')}-{job['features']}"
    for number in range(1, 1000):
        out = lexicon.with_name(f"{stem}{'' if number == 1 else f'-{number}'}.safetensors")
        old = read_record(record_path(out))
        if old is None and not out.exists():
            return out
        if old is not None and _same(old.job, job):
            return out
    return lexicon.with_name(f"{stem}.safetensors")


def _same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return all(old.get(key) == value for key, value in new.items() if key != "out")


def seconds_of(records: Sequence[TrainingRecord], job: Mapping[str, Any]) -> float | None:
    """Seconds that a run will take, from the pace of the nearest earlier one; None without one.

    A step of the pursuit costs about rounds x picks x features; the rest is scaled with the number of steps.
    """
    timed = [record for record in records if record.step >= 10 and record.seconds > 0]
    if not timed:
        return None

    def cost(settings: Mapping[str, Any]) -> float:
        picks = float(settings.get("iterations", 8)) * float(settings.get("per_iteration", 2))
        return float(settings.get("features", 1024)) * (picks + 8) * float(settings.get("batch", 2048))

    wanted = cost(job)
    nearest = min(timed, key=lambda record: abs(cost(record.job) / wanted - 1))
    return nearest.seconds / nearest.step * cost(job) / cost(nearest.job) * float(job["steps"])
