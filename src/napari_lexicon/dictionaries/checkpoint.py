"""Checkpoints of a training run: tensors and JSON in one safetensors file, written whole; no pickle."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from napari_lexicon.dictionaries.file_format import read_metadata, read_tensors, write_tensors
from napari_lexicon.dictionaries.train_settings import TrainSettings
from napari_lexicon.errors import DictionaryError

_KIND = "napari-lexicon training checkpoint 1"


@dataclass(frozen=True)
class Checkpoint:
    """Where a run stands.

    Parameters
    ----------
    tensors : dict
        Parameters, optimiser state, best parameters, bookkeeping.
    progress : dict
        Step, best figures, history, running sums; JSON-able.
    """

    tensors: dict[str, torch.Tensor]
    progress: dict[str, Any]

    def fits(self, shapes: dict[str, torch.Size], progress: Iterable[str]) -> bool:
        """Whether it holds tensors of these names and shapes, and these parts of the progress."""
        same = all(name in self.tensors and self.tensors[name].shape == shape for name, shape in shapes.items())
        return same and self.progress.keys() >= set(progress)

    def group(self, prefix: str) -> dict[str, torch.Tensor]:
        """The tensors named ``prefix.NAME``, by ``NAME``."""
        start = f"{prefix}."
        return {name.removeprefix(start): t for name, t in self.tensors.items() if name.startswith(start)}


def write_checkpoint(path: Path, identity: dict[str, Any], checkpoint: Checkpoint) -> None:
    """Replace the checkpoint at ``path``; ``identity`` is what a run must share to go on from it."""
    metadata = {
        "kind": _KIND,
        "identity": json.dumps(identity, sort_keys=True),
        "progress": json.dumps(checkpoint.progress),
    }
    write_tensors({name: t.detach().cpu() for name, t in checkpoint.tensors.items()}, metadata, path)


def read_checkpoint(path: Path, identity: dict[str, Any]) -> Checkpoint | None:
    """The checkpoint at ``path``, or None where there is none.

    Raises
    ------
    DictionaryError
        If the file is damaged, or is of a run with other settings or tokens: the sentence names what differs.
    """
    if not path.exists():
        return None
    metadata = read_metadata(path)
    try:
        if metadata["kind"] != _KIND:
            raise DictionaryError(f"{path} is a checkpoint of another version: delete it to train anew.")
        theirs, progress = json.loads(metadata["identity"]), json.loads(metadata["progress"])
    except (KeyError, ValueError) as error:
        raise DictionaryError(f"{path} is not a training checkpoint: delete it or choose another place.") from error
    if not isinstance(theirs, dict) or not isinstance(progress, dict):
        raise DictionaryError(f"{path} has a damaged header: delete it to train anew.")
    mine = json.loads(json.dumps(identity))
    # a version that did not know a setting did what its default does now
    theirs = {key: value for key, value in TrainSettings().to_json().items() if key in mine} | theirs
    for key in sorted(mine.keys() | theirs.keys()):
        if mine.get(key) != theirs.get(key):
            raise DictionaryError(
                f"{path} was left by a run with {key} {theirs.get(key)!r}, and this one has {mine.get(key)!r}: train "
                "with the same settings and tokens to go on, or delete it to train anew."
            )
    return Checkpoint(read_tensors(path), progress)
