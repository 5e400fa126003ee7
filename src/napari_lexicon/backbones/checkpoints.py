"""Weights on disk: one safetensors file beside one JSON file; nothing here reads or writes pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError

from napari_lexicon.errors import BackboneError

Weights = Mapping[str, torch.Tensor]

_PICKLED = {".bin", ".pt", ".pth", ".ckpt", ".pkl"}


@dataclass(frozen=True)
class Checkpoint:
    """A pair of files.

    Parameters
    ----------
    name : str
        Folder name, or file name without suffix.
    weights : pathlib.Path
        The ``.safetensors`` file.
    config : pathlib.Path
        The JSON file that says which architecture the weights are for.
    """

    name: str
    weights: Path
    config: Path


def find_checkpoint(path: Path) -> Checkpoint:
    """The pair of files at a path.

    Parameters
    ----------
    path : pathlib.Path
        A folder with ``config.json`` and ``model.safetensors``, or a ``NAME.safetensors`` with ``NAME.json``.

    Raises
    ------
    BackboneError
        If a file is missing, or the weights are pickled.
    """
    if path.suffix in _PICKLED:
        raise BackboneError(
            f"{path} is a pickled checkpoint, which could run any code when opened: convert it to .safetensors "
            "and put its config beside it."
        )
    if path.is_dir():
        found = Checkpoint(path.name, path / "model.safetensors", path / "config.json")
    else:
        found = Checkpoint(path.stem, path, path.with_suffix(".json"))
    for part in (found.weights, found.config):
        if not part.is_file():
            raise BackboneError(
                f"{part} is missing: a local backbone is a folder with config.json and model.safetensors, or "
                "NAME.safetensors with NAME.json beside it."
            )
    return found


def read_config(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises
    ------
    BackboneError
        If it is no JSON object.
    """
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BackboneError(f"{path} is not valid JSON ({error}): fetch it again.") from error
    if not isinstance(config, dict):
        raise BackboneError(f"{path} should hold a JSON object that describes a model, and holds something else.")
    return config


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Tensors of a safetensors file.

    Raises
    ------
    BackboneError
        If the file is cut short or is something else.
    """
    try:
        return safetensors.torch.load_file(path)
    except (SafetensorError, OSError) as error:
        raise BackboneError(f"{path} cannot be read as safetensors ({error}): fetch it again.") from error


def weights_hash(weights: Weights, settings: Mapping[str, Any] | None = None) -> str:
    """First 16 hex digits of the SHA-256 over names, types, shapes and bytes of all tensors.

    ``settings`` is whatever else decides what the weights compute.
    """
    digest = hashlib.sha256(json.dumps(settings or {}, sort_keys=True).encode())
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def load_weights(model: torch.nn.Module, weights: Weights, where: str) -> None:
    """Put weights into a model, all of them and nothing else.

    Raises
    ------
    BackboneError
        If names or shapes do not fit; the sentence names the first few.
    """
    own = model.state_dict()
    missing = sorted(own.keys() - weights.keys())
    surplus = sorted(weights.keys() - own.keys())
    wrong = sorted(name for name in own.keys() & weights.keys() if own[name].shape != weights[name].shape)
    for what, names in (("lacks", missing), ("has the unknown", surplus), ("has in another shape", wrong)):
        if names:
            raise BackboneError(
                f"{where} is not a checkpoint of this architecture: it {what} {', '.join(names[:3])}"
                f"{f' and {len(names) - 3} more' if len(names) > 3 else ''}; check the architecture in its config."
            )
    for name, tensor in weights.items():
        if not tensor.is_floating_point() or not bool(torch.isfinite(tensor).all()):
            raise BackboneError(f"{where} has values in {name} that are no finite decimal numbers: fetch it again.")
    model.load_state_dict({name: tensor.float() for name, tensor in weights.items()})


def without_prefix(weights: Weights, own: Collection[str]) -> dict[str, torch.Tensor]:
    """Weights under a model's own names where these stand behind one prefix, ``"backbone."`` or the like.

    Training code wraps the model that it trains. What has no such prefix keeps its name.
    """
    found = dict(weights)
    if any(name in own for name in weights):
        return found
    for lead in dict.fromkeys(name.removesuffix(one) for one in own for name in weights if name.endswith(f".{one}")):
        if 2 * sum(lead + name in weights for name in own) > len(own):  # what it lacks is named when it is loaded
            return {name.removeprefix(lead): tensor for name, tensor in weights.items()}
    return found
