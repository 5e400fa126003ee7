"""Train: a dictionary on the tokens that a lexicon keeps, whitened on its control wells."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from napari_lexicon.analysis.conditions import CONTROLS, wells_where
from napari_lexicon.dictionaries.channel_groups import grouped_tokens
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
from napari_lexicon.jobs.training_record import TrainingRecord, read_record, record_path
from napari_lexicon.lexicons import FieldTokens, Lexicon, LexiconPlate

ALL_WELLS = "all"


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


@dataclass(frozen=True)
class GatheredTokens:
    """Training tokens of a lexicon.

    Parameters
    ----------
    tokens : numpy.ndarray
        ``(N, dim)`` float16 or float32.
    wells : numpy.ndarray
        ``(N,)`` number of the well of each token, over all plates.
    control : numpy.ndarray
        ``(N,)`` bool.
    control_wells : int
        Number of control wells with tokens.
    channel_names : tuple of str
        For joint modes, the channels in order.
    """

    tokens: np.ndarray
    wells: np.ndarray
    control: np.ndarray
    control_wells: int
    channel_names: tuple[str, ...]


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


def channels_mode(lexicon: Lexicon, asked: str) -> str:
    """The channel mode asked for; ``concat`` instead of ``separate`` where the model has read all channels together."""
    for plate in lexicon.plates.values():
        for number in range(len(plate.fields)):
            kept = plate.tokens(number)
            if kept is not None:
                together = kept.tokens.shape[1] == 1 and len(kept.channels) > 1
                return "concat" if together and asked == "separate" else asked
    return asked


def gathered_tokens(
    lexicon: Lexicon, controls: str, kind: str, channels: str, background: Background = "skip"
) -> GatheredTokens:
    """The kept tokens of all plates, as a dictionary of this channel mode takes them.

    Parameters
    ----------
    lexicon : Lexicon
        Folder with kept tokens.
    controls : str
        Question to the plate maps, or ``all``.
    kind : {"patch", "mean"}
        Which tokens.
    channels : {"separate", "concat", "mean"}
        Channel mode. Joint modes use the channels that all plates have, and leave out fields that lack one.
    background : {"skip", "keep"}
        Whether to leave out patch tokens of dark patches.

    Raises
    ------
    JobError
        If no tokens are kept, or no well is a control.
    """
    names = _shared_channels(lexicon) if channels != "separate" else ()
    tokens, wells, control = [], [], []
    well_number, n_controls = 0, 0
    for plate in lexicon.plates.values():
        chosen = set(_control_wells(plate, controls))
        for well in plate.wells:
            parts = [
                part
                for number, field in enumerate(plate.fields)
                if field.well == well
                and (part := _field_part(plate, number, kind, channels, names, background)) is not None
            ]
            if parts:
                one = np.concatenate(parts)
                tokens.append(one)
                wells.append(np.full(len(one), well_number))
                control.append(np.full(len(one), well in chosen))
                n_controls += well in chosen
            well_number += 1
    if not tokens:
        raise JobError(f"{lexicon.path} keeps no tokens to train on: run embed or apply with --keep-tokens first.")
    if n_controls == 0:
        raise JobError(
            f"No well with tokens is a control by {controls!r}: choose others with --controls, "
            "give a plate map with --map when you embed, or use --controls all."
        )
    return GatheredTokens(np.concatenate(tokens), np.concatenate(wells), np.concatenate(control), n_controls, names)


def _control_wells(plate: LexiconPlate, controls: str) -> list[str]:
    if controls == ALL_WELLS:
        return list(plate.wells)
    if not len(plate.map.columns):
        raise JobError(
            f"Plate {plate.header.name} has no plate map, so its control wells are not known: "
            "give one with --map when you embed, or use --controls all."
        )
    return wells_where(plate.map, controls)


def _shared_channels(lexicon: Lexicon) -> tuple[str, ...]:
    plates = list(lexicon.plates.values())
    shared = [channel.name for channel in plates[0].header.channels] if plates else []
    for plate in plates[1:]:
        shared = [name for name in shared if name in {channel.name for channel in plate.header.channels}]
    if not shared:
        raise JobError(f"The plates of {lexicon.path} share no channel: use --channels separate.")
    return tuple(shared)


def _field_part(
    plate: LexiconPlate, number: int, kind: str, channels: str, names: tuple[str, ...], background: Background
) -> np.ndarray | None:
    """``(n, dim)`` tokens of one field, or None where it has none or lacks a channel."""
    kept: FieldTokens | None = plate.tokens(number)
    if kept is None:
        return None
    have = [plate.header.channels[c].name for c in kept.channels]
    if any(name not in have for name in names):
        return None
    part = kept.tokens if kind == "patch" else kept.means  # (n, G, dim)
    order = [have.index(name) for name in names]
    grouped = grouped_tokens(torch.from_numpy(part).transpose(0, 1), channels, order).numpy()  # (G or 1, n, dim)
    if background == "skip" and kind == "patch":
        together = channels != "separate" and kept.lit.shape[1] > 1
        lit = kept.lit.T[order].any(axis=0, keepdims=True) if together else kept.lit.T
        return np.asarray(grouped[lit])
    return np.asarray(grouped.reshape(-1, grouped.shape[-1]))
