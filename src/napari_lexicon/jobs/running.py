"""Jobs by name: from JSON to a frozen description, from there to its result."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from napari_lexicon.errors import JobError
from napari_lexicon.jobs.applying import ApplyJob, run_apply
from napari_lexicon.jobs.asking import AskJob, run_ask
from napari_lexicon.jobs.contract import Report, ShouldStop, never, silent
from napari_lexicon.jobs.embedding import EmbedJob, run_embed
from napari_lexicon.jobs.laying_out import LayoutJob, run_layout
from napari_lexicon.jobs.measuring_cells import CellsJob, run_cells
from napari_lexicon.jobs.refining import RefineJob, run_refine
from napari_lexicon.jobs.reporting import ReportJob, run_report
from napari_lexicon.jobs.shown_maps import FigureJob, LabelsJob, run_figure, run_labels
from napari_lexicon.jobs.simulating import SimulateJob, run_simulate
from napari_lexicon.jobs.teaching import TeachJob, run_teach
from napari_lexicon.jobs.training import TrainJob, run_train

Job = (
    EmbedJob
    | ApplyJob
    | TrainJob
    | TeachJob
    | SimulateJob
    | ReportJob
    | RefineJob
    | LayoutJob
    | CellsJob
    | AskJob
    | FigureJob
    | LabelsJob
)


@dataclass(frozen=True)
class JobKind:
    """A kind of job: its description and what runs it."""

    description: type[Any]
    run: Callable[..., Any]


JOB_KINDS: dict[str, JobKind] = {
    "ask": JobKind(AskJob, run_ask),
    "embed": JobKind(EmbedJob, run_embed),
    "apply": JobKind(ApplyJob, run_apply),
    "refine": JobKind(RefineJob, run_refine),
    "train": JobKind(TrainJob, run_train),
    "teach": JobKind(TeachJob, run_teach),
    "simulate": JobKind(SimulateJob, run_simulate),
    "report": JobKind(ReportJob, run_report),
    "figure": JobKind(FigureJob, run_figure),
    "labels": JobKind(LabelsJob, run_labels),
    "layout": JobKind(LayoutJob, run_layout),
    "cells": JobKind(CellsJob, run_cells),
}


def run_job(job: Job, report: Report = silent, should_stop: ShouldStop = never) -> Any:
    """Run a job in this process and return its result; raises ``LexiconError`` with a sentence."""
    return JOB_KINDS[kind_of(job)].run(job, report, should_stop)


def kind_of(job: Job) -> str:
    """Name in :data:`JOB_KINDS`."""
    return next(name for name, kind in JOB_KINDS.items() if isinstance(job, kind.description))


def job_to_json(job: Job) -> str:
    """One line of JSON that :func:`job_from_json` reads back."""
    description = {field.name: _plain(getattr(job, field.name)) for field in fields(job)}
    return json.dumps({"job": kind_of(job), **description})


def job_from_json(text: str) -> Job:
    """Inverse of :func:`job_to_json`.

    Raises
    ------
    JobError
        If the text describes no job.
    """
    try:
        data = json.loads(text)
        kind = JOB_KINDS[data.pop("job")]
        job: Job = TypeAdapter(kind.description).validate_python(data)
    except (ValueError, KeyError, AttributeError, TypeError, ValidationError) as error:
        raise JobError(
            f"This is not the description of a job ({error}): update napari-lexicon and start it again."
        ) from error
    return job


def result_to_json(result: Any) -> dict[str, Any]:
    """A job's result as a plain dictionary."""
    return {field.name: _plain(getattr(result, field.name)) for field in fields(result)}


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return {key: _plain(item) for key, item in asdict(value).items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value
