"""One trainer for every algorithm: batches, Adam, held-out figures, checkpoints, early stopping, Stop."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from napari_lexicon.dictionaries import parallel
from napari_lexicon.dictionaries.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.header import DictionaryHeader
from napari_lexicon.dictionaries.learners import Learner, algorithm
from napari_lexicon.dictionaries.metrics import NOTES, CodeStatistics, coherence
from napari_lexicon.dictionaries.optimiser import MEMORIES, Optimiser
from napari_lexicon.dictionaries.token_source import BatchOrder, TokenSource, seeded, split_tokens
from napari_lexicon.dictionaries.train_settings import TrainSettings
from napari_lexicon.dictionaries.whitening import Whitening
from napari_lexicon.errors import DictionaryError

ReportMetrics = Callable[[int, int, dict[str, Any]], None]
_REPORT_EVERY = 10  # steps between two losses on the screen
_ENCODED_AT_ONCE = 4096  # held-out tokens
_ADVICE = "train again with a lower learning rate"


@dataclass(frozen=True)
class TrainResult:
    """What a training run gives.

    Parameters
    ----------
    dictionary : Dictionary
        The best of the run by held-out loss.
    metrics : dict
        Its figures; see :data:`napari_lexicon.dictionaries.metrics.NOTES`.
    history : tuple of dict
        Figures of every evaluation.
    stopped : {"finished", "stopped", "early", "diverged"}
        Why the run ended.
    message : str
        The same in a sentence.
    """

    dictionary: Dictionary
    metrics: dict[str, Any]
    history: tuple[dict[str, Any], ...]
    stopped: str
    message: str


def _silent(step: int, total: int, metrics: dict[str, Any]) -> None:
    """A report that goes nowhere."""


def _never() -> bool:
    return False


def train_dictionary(
    settings: TrainSettings,
    source: TokenSource,
    whitening: Whitening,
    *,
    header: DictionaryHeader | None = None,
    report: ReportMetrics = _silent,
    should_stop: Callable[[], bool] = _never,
    checkpoint: Path | None = None,
    device: torch.device | str = "cpu",
) -> TrainResult:
    """Learn a dictionary on tokens.

    Parameters
    ----------
    settings : TrainSettings
        Algorithm, sizes, schedule, seed.
    source : TokenSource
        Raw tokens; a part is held out for the figures.
    whitening : Whitening
        Fitted on control tokens.
    header : DictionaryHeader, optional
        Provenance of the tokens; training settings, seed and metrics are filled in.
    report : callable
        ``report(step, steps, figures)``: every few steps with the training loss, after every evaluation with all.
    should_stop : callable
        Asked before every step; the best so far is kept.
    checkpoint : Path, optional
        File from which an interrupted run goes on, and that is kept up to date. On a CPU with the same number of
        threads the result is bit-identical to that of an uninterrupted run.
    device : torch.device or str
        Where the work is done; the dictionary comes back on the CPU.

    Returns
    -------
    TrainResult
        The best dictionary by held-out loss.

    Raises
    ------
    DictionaryError
        If settings and tokens do not go together, the checkpoint is of another run, or training diverges before
        anything good was found.
    """
    parallel.join()
    if parallel.rank() > 0:
        report = _silent
    with torch.no_grad():
        run = _Run(settings, source, whitening.to(device), torch.device(device), checkpoint)
        stopped, message = run.until_done(report, should_stop)
        return run.result(header or DictionaryHeader(), stopped, message)


class _Run:
    """State of one training run between steps."""

    def __init__(
        self,
        settings: TrainSettings,
        source: TokenSource,
        whitening: Whitening,
        device: torch.device,
        checkpoint: Path | None,
    ) -> None:
        self.settings = settings
        self.source = source
        self.whitening = whitening
        self.device = device
        self.checkpoint = checkpoint
        if len(source) < 2:
            raise DictionaryError(f"There are {len(source)} tokens and nothing to learn from: embed more wells.")
        if settings.batch < parallel.workers():
            raise DictionaryError(
                f"A batch of {settings.batch} tokens cannot be shared by {parallel.workers()} processes: ask for more."
            )
        split = split_tokens(source, settings.validation_fraction, settings.validation_tokens, settings.seed)
        self.order = BatchOrder(split.train, settings.batch, settings.seed)
        self.held_out = self._prepared(split.held_out)
        self.algorithm = algorithm(settings.algorithm)
        learner = self.algorithm.learner()
        self.learner: Learner = learner(settings, self._sample(split.train, learner.sample_tokens))
        self.optimiser = Optimiser(settings.optimiser)
        features = len(self.learner.parameters["atoms"])
        self.last_active = torch.zeros(features, dtype=torch.int64, device=device)  # step after the activity
        self.best: dict[str, torch.Tensor] = {}
        self.progress: dict[str, Any] = {
            "step": 0,
            "resets": 0,
            "best": {},
            "evaluations_since_best": 0,
            "loss_sum": 0.0,
            "loss_steps": 0,
            "history": [],
        }
        if checkpoint is not None:
            self._resume(checkpoint)

    def _prepared(self, indices: torch.Tensor) -> torch.Tensor:
        return self.whitening.prepared(self.source.tokens(indices).to(self.device))[0]

    def _sample(self, train: torch.Tensor, wanted: int) -> torch.Tensor:
        """Prepared training tokens from which a learner may start."""
        wanted = min(len(train), max(4 * self.settings.features, 10_000, wanted))
        chosen = torch.randperm(len(train), generator=seeded(self.settings.seed, "sample"))[:wanted]
        sample = self._prepared(train[chosen.sort().values])
        if not bool(sample.any()):
            raise DictionaryError(
                "All tokens equal the mean of the controls, and there is nothing to learn: choose wells with cells."
            )
        return sample

    def until_done(self, report: ReportMetrics, should_stop: Callable[[], bool]) -> tuple[str, str]:
        """Step until the end, a stop, or a divergence; returns which of them, and a sentence."""
        s, p = self.settings, self.progress
        if not self.algorithm.steps:
            self._evaluate(report)
            return "finished", f"{self.algorithm.title}: found at once."
        while p["step"] < s.steps:
            if self._patience_is_over():  # asked before every step, because a run that ended so may be started again
                return "early", f"No better held-out loss for {s.patience} evaluations; the best is kept."
            if parallel.agreed(should_stop()):
                if p["step"]:
                    self._save()  # before the evaluation, which a run that is not stopped does not have here
                if not p["best"] or p["history"][-1]["step"] != p["step"]:
                    self._evaluate(report)
                return "stopped", f"Stopped after {p['step']} of {s.steps} steps; the best so far is kept."
            loss = self._step()
            if not math.isfinite(loss):
                return self._diverged(f"the loss became {loss} at step {p['step']}")
            if p["step"] % _REPORT_EVERY == 0:
                report(p["step"], s.steps, {"step": p["step"], "training_loss": loss})
            if p["step"] % s.evaluate_every == 0 or p["step"] == s.steps:
                figures = self._evaluate(report)
                if self._is_lost(figures):
                    return self._diverged(f"held-out tokens are rebuilt worse than by nothing at step {p['step']}")
            if p["step"] % s.checkpoint_every == 0 or p["step"] == s.steps or self._patience_is_over():
                self._save()
        return "finished", f"All {s.steps} steps are done."

    def _patience_is_over(self) -> bool:
        return bool(self.settings.patience) and self.progress["evaluations_since_best"] >= self.settings.patience

    def _is_lost(self, figures: dict[str, Any]) -> bool:
        """Whether held-out tokens, of length 1, are rebuilt worse than by nothing, and far worse than at the start.

        An autoencoder with many features per token starts there, and gets better from it.
        """
        start = self.progress.get("first_loss", 1.0)  # none where nothing is learnt step by step
        return self.algorithm.steps and not figures["loss"] <= 2 * max(figures["trivial_loss"], start, 0.5)

    def _diverged(self, how: str) -> tuple[str, str]:
        if not self.best:
            raise DictionaryError(f"Training diverged, {how}: {_ADVICE}.")
        return "diverged", f"Training diverged, {how}; the best before that is kept. To get further, {_ADVICE}."

    def _step(self) -> float:
        s, p = self.settings, self.progress
        step = p["step"]
        batch = self.order.batch(step)
        unit = self._prepared(parallel.share(batch))
        found = parallel.gathered(self.learner.gradients(unit), len(unit), len(batch))
        self.optimiser.step(self.learner.parameters, found.by_parameter, s.learning_rate * _rate(s, step))
        redrawn = self.learner.after_step(step, found.active, len(batch))
        self.last_active[found.active] = step + 1
        if redrawn is not None and len(redrawn):
            if s.clear_at_reset:  # so that the old direction does not pull the new one
                self.optimiser.forget("atoms", redrawn)
            p["resets"] += len(redrawn)
        p["step"] = step + 1
        p.setdefault("first_loss", found.loss)
        p["loss_sum"] += found.loss
        p["loss_steps"] += 1
        return found.loss

    def _evaluate(self, report: ReportMetrics) -> dict[str, Any]:
        s, p, parameters = self.settings, self.progress, self.learner.parameters
        atoms, bias = parameters["atoms"], parameters["bias"]
        sums = CodeStatistics(len(atoms), atoms.shape[1])
        for chunk in torch.split(self.held_out, _ENCODED_AT_ONCE):
            sums.update(chunk, self.learner.encode(chunk), atoms, bias)
        window = min(math.ceil(s.dead_window / s.batch), p["step"])
        figures: dict[str, Any] = {"step": p["step"], **sums.figures()}
        figures["training_loss"] = p["loss_sum"] / max(p["loss_steps"], 1)
        if window:
            figures["dead"] = float((self.last_active <= p["step"] - window).double().mean())
        else:  # nothing was trained on (yet): on none of the held-out tokens
            figures["dead"] = figures["dead_held_out"]
        figures["dead_window"] = window * s.batch
        figures["coherence"] = coherence(atoms)
        figures["resets"] = p["resets"]
        p["loss_sum"], p["loss_steps"] = 0.0, 0
        p["history"].append(figures)
        if not self._is_lost(figures) and figures["loss"] < p["best"].get("loss", math.inf):
            p["best"], p["evaluations_since_best"] = figures, 0
            self.best = {name: tensor.clone() for name, tensor in parameters.items()}
        else:
            p["evaluations_since_best"] += 1
        report(p["step"], s.steps, figures)
        return figures

    def _identity(self) -> dict[str, Any]:
        digest = hashlib.sha256(self.whitening.matrix.cpu().numpy().tobytes())
        digest.update(self.whitening.mean.cpu().numpy().tobytes())
        spread = torch.arange(0, len(self.source), max(len(self.source) // 64, 1))
        digest.update(self.source.tokens(spread).contiguous().numpy().tobytes())
        return {
            **self.settings.to_json(),
            "tokens": len(self.source),
            "token length": self.source.dim,
            "tokens and whitening": digest.hexdigest()[:16],
        }

    def _save(self) -> None:
        if self.checkpoint is None or parallel.rank() > 0:
            return
        tensors = {"last_active": self.last_active}
        for name, parameter in self.learner.parameters.items():
            tensors[f"parameters.{name}"] = parameter
            for key, value in self.optimiser.memory.get(name, {}).items():
                tensors[f"optimiser.{name}.{key}"] = value
        tensors.update({f"buffers.{name}": tensor for name, tensor in self.learner.buffers.items()})
        tensors.update({f"best.{name}": tensor for name, tensor in self.best.items()})
        write_checkpoint(self.checkpoint, self._identity(), Checkpoint(tensors, self.progress))

    def _kept_shapes(self, progress: dict[str, Any]) -> dict[str, torch.Size]:
        """What a checkpoint of this run must hold that has come so far."""
        shapes = {"last_active": self.last_active.shape}
        shapes |= {f"buffers.{name}": tensor.shape for name, tensor in self.learner.buffers.items()}
        memories = MEMORIES[self.settings.optimiser]
        for name, parameter in self.learner.parameters.items():
            keys = [
                f"parameters.{name}",
                *(f"optimiser.{name}.{memory}" for memory in memories if progress.get("step")),
            ]
            keys += [f"best.{name}"] if progress.get("best") else []
            shapes |= dict.fromkeys(keys, parameter.shape)
        return shapes

    def _resume(self, path: Path) -> None:
        found = read_checkpoint(path, self._identity())
        if found is None:
            return
        if not found.fits(self._kept_shapes(found.progress), self.progress):
            raise DictionaryError(f"{path} lacks parts of a training run: delete it to train anew.")
        self.progress = found.progress
        self.last_active = found.tensors["last_active"].to(self.device)
        self.best = {name: t.to(self.device) for name, t in found.group("best").items()}
        for name, buffer in self.learner.buffers.items():
            buffer.copy_(found.group("buffers")[name])
        for name, parameter in self.learner.parameters.items():
            parameter.copy_(found.group("parameters")[name])
            memory = {key: value.to(self.device) for key, value in found.group(f"optimiser.{name}").items()}
            if memory:
                self.optimiser.memory[name] = memory

    def result(self, header: DictionaryHeader, stopped: str, message: str) -> TrainResult:
        """The best dictionary so far, on the CPU."""
        best = self.progress["best"]
        if not self.best:
            raise DictionaryError(f"Training diverged before it was stopped: {_ADVICE}.")
        header = header.model_copy(
            update={
                "training": self.settings.to_json(),
                "seed": self.settings.seed,
                "metrics": best,
                "metrics_notes": NOTES,
            }
        )
        linear = self.learner.linear(self.best)
        dictionary = Dictionary(
            self.best["atoms"].cpu(),
            self.best["bias"].cpu(),
            self.whitening.to("cpu"),
            self.learner.encoder(),
            header,
            linear=None if linear is None else linear.to("cpu"),
        )
        return TrainResult(dictionary, best, tuple(self.progress["history"]), stopped, message)


def _rate(settings: TrainSettings, step: int) -> float:
    """Learning rate of a step as a share of the full one."""
    rise = min(1.0, (step + 1) / max(settings.warmup, 1))
    if settings.schedule == "constant":
        return rise
    return rise * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / settings.steps)))
