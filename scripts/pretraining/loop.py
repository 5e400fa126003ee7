"""The training loop: batches from the cache, a schedule, a log, checkpoints from which it goes on."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.torch
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from napari_lexicon.backbones.builtin import Shape
from napari_lexicon.backbones.checkpoints import load_weights, read_weights
from napari_lexicon.backbones.decoder import decoder_path

from .crops import CROP, Crops
from .measures import MIRRORING, TURNING
from .objective import Batch, Pretraining, Weights
from .truths import AMOUNTS


@dataclass(frozen=True)
class TrainSettings:
    """Everything that decides the weights besides the cache.

    Parameters
    ----------
    steps, batch : int
        Optimiser steps, crops per step.
    sizes : tuple of (float, int)
        From which part of the steps on crops have which side, pixels: large ones last, as they cost more.
    rate, warmup, decay : float, int, float
        Learning rate, steps to it, weight decay (AdamW).
    cooling : float
        Part of the steps at the end in which the rate falls to 0. Until then it is constant, so that a run can be
        made longer or shorter while it is under way.
    layers : tuple of int
        Blocks that the heads read.
    weights : Weights
        Of the parts of the loss.
    shape : Shape
        Of the encoder.
    seed : int
        Of weights, batches and masks.
    start : str
        Hash of the weights that it began with; empty where these were random.
    """

    steps: int
    batch: int = 96
    sizes: tuple[tuple[float, int], ...] = ((0.0, 128), (0.7, 192))
    rate: float = 1e-3
    warmup: int = 200
    decay: float = 0.05
    cooling: float = 0.3
    layers: tuple[int, ...] = (3, 4)
    weights: Weights = field(default_factory=Weights)
    shape: Shape = field(default_factory=Shape)
    seed: int = 0
    start: str = ""


class BatchMaker:
    """Random crops, turned and mirrored together with their targets, targets standardised over the cache."""

    def __init__(self, crops: Crops, patch: int) -> None:
        self._crops, self._patch = crops, patch
        sample = np.random.default_rng(0).choice(len(crops), min(len(crops), 3000), replace=False)
        self.measure_scale = _scale(crops.measures[np.sort(sample)])
        self.truth_scale = _scale(crops.truths[np.sort(sample)][..., : len(AMOUNTS)])
        names = crops.measure_names
        self._turning = np.array([TURNING.get(name, 1.0) for name in names], np.float32)
        self._mirroring = np.array([MIRRORING.get(name, 1.0) for name in names], np.float32)

    def batch(self, count: int, side: int, rng: np.random.Generator) -> Batch:
        """``count`` crops of ``side`` pixels."""
        chosen = rng.choice(len(self._crops), count, replace=False)
        parts_of_all: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
        room = (CROP - side) // self._patch
        for index, turns, flip in zip(chosen, rng.integers(0, 4, count), rng.random(count) < 0.5, strict=True):
            row, column = rng.integers(0, room + 1, 2)
            tokens = np.s_[row : row + side // self._patch, column : column + side // self._patch]
            y, x = row * self._patch, column * self._patch
            parts = [
                self._crops.pixels[index, y : y + side, x : x + side],
                self._crops.measures[index][tokens].astype(np.float32),
                self._crops.truths[index][tokens],
            ]
            if flip:
                parts = [part[:, ::-1] for part in parts]
                parts[1] = parts[1] * self._mirroring
            parts = [np.rot90(part, turns) for part in parts]
            if turns % 2:
                parts[1] = parts[1] * self._turning
            for store, part in zip(parts_of_all, parts, strict=True):
                store.append(part)
        pixels, made, known = parts_of_all
        truths = np.stack(known).astype(np.float32)
        truths[..., : len(AMOUNTS)] = _standard(truths[..., : len(AMOUNTS)], self.truth_scale)
        return Batch(
            torch.from_numpy(np.stack(pixels).astype(np.float32)),
            torch.from_numpy(_standard(np.stack(made), self.measure_scale)),
            torch.from_numpy(truths),
            torch.from_numpy(self._crops.markers[chosen].astype(np.int64)),
        )


def _scale(values: npt.NDArray[Any]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    flat = values.reshape(-1, values.shape[-1]).astype(np.float64)
    return np.nanmean(flat, 0).astype(np.float32), (np.nanstd(flat, 0) + 1e-4).astype(np.float32)


def _standard(
    values: npt.NDArray[np.float32], scale: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
) -> npt.NDArray[np.float32]:
    return np.asarray(np.clip((values - scale[0]) / scale[1], -5, 5), np.float32)


def train(folder: Path, crops: Crops, settings: TrainSettings, start: Path | None = None) -> Pretraining:
    """Train to the last step, going on from the newest checkpoint in ``folder``.

    Writes ``checkpoint.safetensors`` and ``log.jsonl``; a run that was stopped and went on draws the same batches as
    one that was not. A new run begins with the encoder and decoder of the weights file ``start`` where it is given;
    the card of that file is kept beside the log.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.json").write_text(json.dumps(asdict(settings), indent=1))
    torch.manual_seed(settings.seed)
    model = Pretraining(settings.shape, len(crops.measure_names), settings.layers)
    if start is not None:
        load_weights(model.encoder, read_weights(start), str(start))
        load_weights(model.decoder, read_weights(decoder_path(start)), str(decoder_path(start)))
        (folder / "start.json").write_bytes(start.with_suffix(".json").read_bytes())
    optimiser = torch.optim.AdamW(_groups(model, settings.decay), lr=settings.rate, betas=(0.9, 0.98))
    first = _restore(folder, model, optimiser)
    maker = BatchMaker(crops, settings.shape.patch)
    started, averages = time.monotonic(), dict[str, float]()
    model.train()
    for step in range(first, settings.steps):
        rng = np.random.default_rng([settings.seed, step])
        generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + step)
        side = [size for start, size in settings.sizes if step >= start * settings.steps][-1]
        count = max(8, round(settings.batch * (128 / side) ** 2))
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * _schedule(step, settings)
        hidden = 0.0 if rng.random() < settings.weights.unmasked else float(rng.uniform(0.3, 0.75))
        # The fused attention of a processor is slow backwards: 0.7 of the time without it.
        with torch.autocast("cpu", dtype=torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
            losses = model.losses(maker.batch(count, side, rng), hidden, generator)
        total = sum(getattr(settings.weights, name) * loss for name, loss in losses.items())
        assert isinstance(total, torch.Tensor)
        optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        for name, loss in losses.items():
            now = float(loss.detach())
            averages[name] = 0.98 * averages.get(name, now) + 0.02 * now
        if (step + 1) % 50 == 0:
            _log(folder, step + 1, settings.steps, averages, side, (time.monotonic() - started) / (step + 1 - first))
        if (step + 1) % 500 == 0 or step + 1 == settings.steps:
            _save(folder, model, optimiser, step + 1)
    return model


def _groups(model: torch.nn.Module, decay: float) -> list[dict[str, Any]]:
    """No decay on biases, norms and single tokens."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    return [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def _schedule(step: int, settings: TrainSettings) -> float:
    if step < settings.warmup:
        return (step + 1) / settings.warmup
    return min(1.0, (settings.steps - step) / max(1.0, settings.cooling * settings.steps))


def _log(folder: Path, step: int, steps: int, losses: dict[str, float], side: int, pace: float) -> None:
    line = {"step": step, "side": side, "seconds_per_step": round(pace, 3)}
    line.update({name: round(value, 4) for name, value in losses.items()})
    with (folder / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    parts = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
    print(f"{step}/{steps}  {parts}  (each as a share of its trivial loss)  {pace:.2f} s/step", flush=True)


def _save(folder: Path, model: torch.nn.Module, optimiser: torch.optim.Optimizer, step: int) -> None:
    tensors = {f"model.{name}": value.contiguous() for name, value in model.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        for name, value in state.items():
            tensors[f"optimiser.{index}.{name}"] = torch.as_tensor(value).contiguous()
    part = folder / "checkpoint.part"
    safetensors.torch.save_file(tensors, part, metadata={"step": str(step)})
    part.replace(folder / "checkpoint.safetensors")


def _restore(folder: Path, model: torch.nn.Module, optimiser: torch.optim.Optimizer) -> int:
    """Load the newest checkpoint, if there is one; returns the next step."""
    path = folder / "checkpoint.safetensors"
    if not path.is_file():
        return 0
    tensors = safetensors.torch.load_file(path)
    with safetensors.safe_open(path, "pt") as file:
        step = int(file.metadata()["step"])
    model.load_state_dict({n.removeprefix("model."): v for n, v in tensors.items() if n.startswith("model.")})
    states: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            _, index, key = name.split(".")
            states.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({"state": states, "param_groups": optimiser.state_dict()["param_groups"]})
    return step
