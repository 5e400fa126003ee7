"""Train: a dictionary on the tokens that a lexicon keeps, whitened on its control wells."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from napari_lexicon.analysis.conditions import CONTROLS
from napari_lexicon.dictionaries.file_format import load_dictionary, save_dictionary
from napari_lexicon.dictionaries.header import DictionaryHeader
from napari_lexicon.dictionaries.learners import algorithm
from napari_lexicon.dictionaries.stability import seed_checkpoint, train_seeds
from napari_lexicon.dictionaries.token_source import ArrayTokens
from napari_lexicon.dictionaries.train import train_dictionary
from napari_lexicon.dictionaries.train_settings import TrainSettings
from napari_lexicon.dictionaries.whitening import Whitening, WhiteningAccumulator
from napari_lexicon.errors import DictionaryError, JobError
from napari_lexicon.jobs.applying import check_background
from napari_lexicon.jobs.contract import Progress, Report, ShouldStop, TimeLeft, never, silent
from napari_lexicon.jobs.field_loop import Background
from napari_lexicon.jobs.forming import Forming
from napari_lexicon.jobs.gathering import GatheredTokens, channels_mode, gathered_tokens
from napari_lexicon.jobs.training_record import TrainingRecord, read_record, record_path
from napari_lexicon.lexicons import Lexicon
from napari_lexicon.lexicons.files import check_place


@dataclass(frozen=True)
class TrainJob:
    """Train a dictionary on a lexicon's tokens.

    Parameters
    ----------
    lexicon : str
        ``NAME.lexicon`` with kept tokens (after embed or apply).
    out : str
        File to write; an older one is moved to ``NAME.previous.safetensors``.
    algorithm : str
        ``icfl-anchored``, ``icfl`` as its paper has it, or one of the rivals.
    features, iterations, per_iteration : int
        M atoms; J rounds of L picks.
    controls : str
        Question put to the plate maps that chooses the control wells, or ``all``.
    tokens : str
        ``patch``: every token a sample; ``mean``: the mean of every tile-sized square.
    channels : str
        ``separate``, ``concat`` or ``mean``.
    steps, batch, learning_rate, seed
        As in :class:`napari_lexicon.dictionaries.train_settings.TrainSettings`.
    patience : int
        Evaluations without a better held-out loss after which the run ends; 0 for never.
    whitening : str
        ``pca``, ``zca`` or ``none`` (tokens are only centred on the controls).
    background : str
        ``skip``: leave out patch tokens of dark patches (:mod:`napari_lexicon.backbones.background`); ``keep`` them.
    components : int, optional
        Keep at most this many whitened directions.
    variance : float
        Keep the fewest whitened directions that hold this share of the variance of the controls; all with 1. The
        last hundredth is mostly noise, which whitening would make as loud as the rest (docs/benchmarks).
    seeds : int
        Train with so many seeds, from ``seed`` upwards, and keep the best; where more than one, the file holds how well
        each of its features is found again with the others.
    """

    lexicon: str
    out: str
    algorithm: str = "icfl-anchored"
    features: int = 256
    iterations: int = 4
    per_iteration: int = 2
    controls: str = CONTROLS
    tokens: str = "patch"
    channels: str = "separate"
    steps: int = 3000
    batch: int = 2048
    learning_rate: float = 1e-3
    seed: int = 0
    patience: int = 0
    whitening: str = "pca"
    components: int | None = None
    variance: float = 0.99
    background: Background = "skip"
    seeds: int = 1


@dataclass(frozen=True)
class TrainJobResult:
    """What train did.

    Parameters
    ----------
    dictionary : str
        File written.
    hash : str
        Of the dictionary.
    metrics : dict
        Held-out figures of the best step.
    message : str
        How the run ended.
    stopped : bool
        True where it was asked to stop before its end; the best so far is in the file, and the same job goes on from
        there.
    """

    dictionary: str
    hash: str
    metrics: dict[str, Any]
    message: str
    stopped: bool


def run_train(job: TrainJob, report: Report = silent, should_stop: ShouldStop = never) -> TrainJobResult:
    """Train a dictionary; started again after an interruption it goes on where the last checkpoint was.

    Raises
    ------
    LexiconError
        If there are no tokens, no or too few control tokens, or training diverges.
    """
    settings = TrainSettings(
        algorithm=job.algorithm,
        features=job.features,
        iterations=job.iterations,
        per_iteration=job.per_iteration,
        steps=job.steps,
        batch=job.batch,
        learning_rate=job.learning_rate,
        seed=job.seed,
        patience=job.patience,
        evaluate_every=max(1, min(250, job.steps // 10)),
        checkpoint_every=max(1, min(250, job.steps // 10)),
    )
    if job.tokens not in ("patch", "mean") or job.channels not in ("separate", "concat", "mean"):
        raise JobError("Tokens are 'patch' or 'mean', channels 'separate', 'concat' or 'mean': correct the option.")
    check_background(job.background)
    algorithm(job.algorithm)  # its sentence, before anything is read
    if job.algorithm == "icfl-anchored" and job.whitening != "pca":
        raise JobError("icfl-anchored holds principal directions and needs --whitening pca: use --algorithm icfl.")
    if job.seeds < 1:
        raise JobError(f"Training needs at least one seed, not {job.seeds}: correct the option.")
    _check_out(Path(job.out))
    report(Progress(0, job.steps * job.seeds, "gathering tokens"))
    lexicon = Lexicon.open(job.lexicon)
    channels = channels_mode(lexicon, job.channels)
    gathered = gathered_tokens(lexicon, job.controls, job.tokens, channels, job.background)
    whitening = _whitening(gathered, job)
    header = DictionaryHeader(
        name=Path(job.out).stem,
        backbone=lexicon.backbone.to_json(),
        channels_mode=channels,  # type: ignore[arg-type]  # checked above
        channel_names=gathered.channel_names,
        tokens=job.tokens,  # type: ignore[arg-type]
        control_query=job.controls,
        control_tokens=int(gathered.control.sum()),
        control_wells=gathered.control_wells,
        whitening={"form": job.whitening, "directions": whitening.dim_whitened},
        created="",  # the file carries its date; equal runs give equal files
    )
    out = Path(job.out)
    checkpoint = out.with_name(f"{out.name}.checkpoint")
    left, watch = TimeLeft(), _Recorder(job, checkpoint)
    forming = None
    if job.tokens == "patch" and job.channels == "separate" and job.seeds == 1:  # else atoms are no picture of a patch
        forming = Forming(lexicon, whitening, checkpoint, out.with_name(f".{out.name}.forming.png"))

    def told(step: int, total: int, figures: dict[str, Any]) -> None:
        news = None if forming is None else forming.news()
        watch.note(step, total, figures, news)
        figures = figures if news is None else {**figures, "forming": news}
        report(Progress(step, total, f"step {step} of {total}", left(time.monotonic(), step, total), figures))

    train = train_dictionary if job.seeds == 1 else partial(train_seeds, seeds=job.seeds)
    result = train(
        settings,
        source=ArrayTokens(gathered.tokens, gathered.wells),
        whitening=whitening,
        header=header,
        report=told,
        should_stop=should_stop,
        checkpoint=checkpoint,
    )
    _keep_previous(out, result.dictionary.hash)
    save_dictionary(result.dictionary, out)
    stopped = result.stopped == "stopped"
    watch.end(result.message, stopped)
    if not stopped:
        for number in range(job.seeds):
            seed_checkpoint(checkpoint, job.seed + number).unlink(missing_ok=True)
        checkpoint.unlink(missing_ok=True)
    return TrainJobResult(str(out), result.dictionary.hash, result.metrics, result.message, stopped)


class _Recorder:
    """Keeps the record of a run; one that goes on adds to the record of its earlier part."""

    def __init__(self, job: TrainJob, checkpoint: Path) -> None:
        old = read_record(record_path(Path(job.out))) if checkpoint.exists() else None
        # absolute paths, so that a window finds the run again wherever it was started
        paths = {"lexicon": str(Path(job.lexicon).absolute()), "out": str(Path(job.out).absolute())}
        settings = asdict(job) | paths
        same = old is not None and old.job == settings
        self.record = replace(old, phase="running") if old is not None and same else TrainingRecord(settings)
        self._before, self._start = self.record.seconds, time.monotonic()
        self.record.write()

    def note(self, step: int, total: int, figures: dict[str, Any], forming: dict[str, Any] | None) -> None:
        """An evaluation goes into the record; the training loss in between does not."""
        if forming is not None:
            self.record = replace(self.record, forming=forming)
        if figures.get("loss") is not None:
            self.record = self.record.reached(step, total, self._seconds(), figures)
            self.record.write()

    def end(self, message: str, stopped: bool) -> None:
        """The run is over."""
        phase: Literal["stopped", "finished"] = "stopped" if stopped else "finished"
        self.record = replace(self.record, phase=phase, message=message, seconds=self._seconds())
        self.record.write()

    def _seconds(self) -> float:
        return self._before + time.monotonic() - self._start


def _check_out(out: Path) -> None:
    """Refuse, before hours of training, a place that could not be written, or that another kind of file would lose."""
    check_place(out)
    if out.exists() and out.suffix != ".safetensors":
        try:
            load_dictionary(out)
        except DictionaryError:
            raise JobError(f"{out} is there already and is no dictionary: choose another --out.") from None


def _keep_previous(out: Path, new_hash: str) -> None:
    """Move another dictionary of the same name aside; one that cannot be read is nobody's work and is replaced."""
    if not out.exists():
        return
    try:
        same = load_dictionary(out).hash == new_hash
    except DictionaryError:
        return
    if not same:
        out.replace(out.with_name(f"{out.stem}.previous{out.suffix}"))


def _whitening(gathered: GatheredTokens, job: TrainJob) -> Whitening:
    accumulator = WhiteningAccumulator(gathered.tokens.shape[1])
    controls = gathered.tokens[gathered.control]
    for start in range(0, len(controls), 65_536):
        accumulator.update(torch.from_numpy(controls[start : start + 65_536].astype(np.float32)))
    return accumulator.fit(job.whitening, variance=job.variance, components=job.components)
