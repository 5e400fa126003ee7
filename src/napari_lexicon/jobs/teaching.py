"""Teach: a feature for what somebody points at, added to the dictionary, and the plates read with it.

Pointed at are wells, by a question to the plate map, or patches of fields. The direction comes from
:mod:`napari_lexicon.analysis.teaching`; how it fares on wells or fields that had no part in it becomes the note of the
feature's name. What there was stays: the larger dictionary gets a lexicon of its own.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from napari_lexicon.analysis.conditions import CONTROLS
from napari_lexicon.analysis.lessons import Lesson, PointedAt, best_lesson, lesson_sentence
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.file_format import save_dictionary
from napari_lexicon.dictionaries.taught import with_taught
from napari_lexicon.errors import JobError
from napari_lexicon.jobs.applying import ApplyJob, run_apply
from napari_lexicon.jobs.contract import Progress, Report, ShouldStop, never, silent
from napari_lexicon.jobs.embedding import FieldsResult
from napari_lexicon.jobs.gathering import gathered_tokens
from napari_lexicon.jobs.lessons import lessons_of_asked_wells, lessons_of_places
from napari_lexicon.jobs.plates import held_lexicon
from napari_lexicon.jobs.refining import FineReader
from napari_lexicon.lexicons import Lexicon
from napari_lexicon.lexicons.headers import ProblemHeader
from napari_lexicon.lexicons.names import FeatureName

_MOST_COUNTED = 20_000  # tokens that the figures of the larger dictionary are counted on
_FIELDS_LOOKED_AT = 64  # to see whether dark patches count


@dataclass(frozen=True)
class TeachJob:
    """Teach a dictionary a feature. Either ``wells`` or ``places`` says what it is to find.

    Parameters
    ----------
    lexicon : str
        ``NAME.lexicon`` after apply.
    out : str
        Another lexicon folder, for the larger dictionary and what is read with it.
    name : str
        What the feature is called.
    wells, against : str
        Questions to the plate maps: wells that have it, and wells that have not.
    places : tuple of PointedAt
        Patches. They are told from all others of their fields, or from those of ``like=False`` where there are such.
    channel : str, optional
        Name of the channel to learn in; where None, the one in which it is told best.
    plate : str, optional
        Id or name of the one plate whose wells teach; those of all plates where None.
    read : bool
        Read the plates with the larger dictionary.
    backbone : str, optional
        Needed for local checkpoints.
    device, batch
        As in :class:`napari_lexicon.jobs.embedding.EmbedJob`.
    """

    lexicon: str
    out: str
    name: str
    wells: str = ""
    against: str = CONTROLS
    places: tuple[PointedAt, ...] = ()
    channel: str | None = None
    plate: str | None = None
    read: bool = True
    backbone: str | None = None
    device: str = "auto"
    batch: int = 16


@dataclass(frozen=True)
class TeachResult:
    """What teach did.

    Parameters
    ----------
    lexicon : str
        The new folder.
    feature : int
        Number of the taught feature.
    channel : str
        Channel that it was learnt in; empty where channels share a token.
    message : str
        From how much it was learnt, and how it fares on what it was not learnt from.
    auroc, p : float, optional
        See :class:`napari_lexicon.analysis.teaching.Check`; None where nothing could be left out.
    other, other_auroc : int and float, optional
        The best feature that was there before, and how well such a one does.
    stopped : bool
        True where it was asked to stop before all fields were read; the same job goes on from there.
    failures : tuple of ProblemHeader
        Fields that could not be read.
    """

    lexicon: str
    feature: int
    channel: str
    message: str
    auroc: float | None
    p: float | None
    other: int | None
    other_auroc: float | None
    stopped: bool
    failures: tuple[ProblemHeader, ...] = ()


def run_teach(job: TeachJob, report: Report = silent, should_stop: ShouldStop = never) -> TeachResult:
    """Teach a feature and read the plates with it; started again after an interruption it goes on where it was.

    Raises
    ------
    LexiconError
        If nothing, or too little, is pointed at, the dictionary takes no further features, or ``out`` holds something
        else.
    """
    name = job.name.strip()
    lexicon = Lexicon.open(job.lexicon)
    dictionary = lexicon.dictionary
    if dictionary is None:
        raise JobError(f"{lexicon.path} has no dictionary yet: run apply first.")
    if not name:
        raise JobError("The feature to teach has no name: give one with --name.")
    if name in dictionary.header.taught.values():
        raise JobError(f'A feature "{name}" was taught to this dictionary before: choose another name.')
    if bool(job.wells) == bool(job.places):
        raise JobError("A feature is taught by wells or by patches: name one of the two, with --wells or --at.")
    if Path(job.out).resolve() == lexicon.path.resolve():
        raise JobError(f"{lexicon.path} keeps its own dictionary: give another folder with --out.")
    report(Progress(0, 0, "looking at what is pointed at"))
    if job.places:
        reader = FineReader(lexicon, job.backbone, job.device, job.batch, report, should_stop)
        lessons = lessons_of_places(lexicon, dictionary, job.places, job.channel, reader, report)
    else:
        lessons = lessons_of_asked_wells(lexicon, dictionary, job.wells, job.against, job.channel, job.plate)
    lesson = best_lesson(lessons)
    report(Progress(0, 0, "adding the feature to the dictionary"))
    larger = _larger(lexicon, dictionary, name, lesson)
    said = lesson_sentence(lesson, len(lessons), "patch" if job.places else "well", _asked(job))
    _put_down(lexicon, larger, job.out, FeatureName(name=name, note=said))
    result = _read(job, lexicon, report, should_stop) if job.read and not should_stop() else None
    check = lesson.check
    return TeachResult(
        lexicon=str(job.out),
        feature=dictionary.n_features,
        channel=lesson.channel,
        message=said,
        auroc=None if check is None else check.auroc,
        p=None if check is None or check.p is None else min(1.0, check.p * len(lessons)),
        other=None if check is None else check.feature,
        other_auroc=None if check is None else check.feature_auroc,
        stopped=should_stop() if result is None else result.stopped,
        failures=() if result is None else result.failures,
    )


def _larger(lexicon: Lexicon, dictionary: Dictionary, name: str, lesson: Lesson) -> Dictionary:
    header = dictionary.header
    kept = gathered_tokens(lexicon, "all", header.tokens, header.channels_mode).tokens
    chosen = np.random.default_rng(0).permutation(len(kept))[:_MOST_COUNTED]
    held_out = torch.from_numpy(kept[np.sort(chosen)].astype(np.float32))
    direction = torch.from_numpy(lesson.direction.astype(np.float32))
    return with_taught(dictionary, {name: direction}, held_out, {name: lesson.channel} if lesson.channel else None)


def _put_down(lexicon: Lexicon, larger: Dictionary, out: str, taught: FeatureName) -> None:
    """Make the new lexicon, with the names that there were and that of the new feature."""
    with held_lexicon(out, lexicon.backbone) as new, tempfile.TemporaryDirectory() as folder:
        new.set_dictionary(larger, save_dictionary(larger, Path(folder) / "larger.safetensors"))
        number = larger.n_features - 1
        if new.names.get(number) is None:  # its name comes last: where it is, all others are, and maybe changed since
            new.names.put(dict(lexicon.names))
            new.names.set(number, taught.name, note=taught.note)


def _read(job: TeachJob, lexicon: Lexicon, report: Report, should_stop: ShouldStop) -> FieldsResult:
    """Read the plates with the larger dictionary, as they were read before."""
    plates = list(lexicon.plates.values())
    coded = [(plate, n) for plate in plates for n in range(len(plate.fields)) if plate.mark("codes", n)]
    every = bool(coded) and all(plate.counts_dark_patches(number) for plate, number in coded[:_FIELDS_LOOKED_AT])
    corrected = any(channel.illumination is not None for plate in plates for channel in plate.header.channels)
    return run_apply(
        ApplyJob(
            plates=tuple(plate.header.origin for plate in plates),
            out=job.out,
            dictionary=str(Path(job.out) / "dictionary.safetensors"),
            backbone=job.backbone,
            device=job.device,
            batch=job.batch,
            background="keep" if every else "skip",
            illumination="correct" if corrected else None,
        ),
        report,
        should_stop,
    )


def _asked(job: TeachJob) -> str:
    return "" if job.places else f" ({job.wells}; against {job.against})"
