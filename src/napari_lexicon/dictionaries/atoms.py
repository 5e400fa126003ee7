"""Atoms: where they start, their unit length, and which of them are doubled."""

from __future__ import annotations

import torch

from napari_lexicon.dictionaries.token_source import seeded
from napari_lexicon.dictionaries.train_settings import TrainSettings

_SCAN = 1024  # rows of atoms compared at a time


def initial_atoms(settings: TrainSettings, sample: torch.Tensor) -> torch.Tensor:
    """``(M, dim_w)`` unit rows to start from: prepared tokens, or directions drawn on the sphere where they run out."""
    draw = seeded(settings.seed, "atoms")
    atoms = torch.randn(settings.features, sample.shape[1], generator=draw)
    if settings.initialisation == "tokens":
        present = sample[torch.linalg.vector_norm(sample, dim=1) > 0.5].cpu()
        chosen = present[torch.randperm(len(present), generator=draw)[: settings.features]]
        atoms[: len(chosen)] = chosen
    return unit_rows_(atoms).to(sample.device)


def unit_rows_(atoms: torch.Tensor) -> torch.Tensor:
    """Scale rows to unit norm, in place."""
    return atoms.div_(torch.linalg.vector_norm(atoms, dim=1, keepdim=True).clamp_min(1e-12))


def doubled_atoms(atoms: torch.Tensor, cosine: float) -> torch.Tensor:
    """Numbers of the atoms that have a signed cosine over ``cosine`` with an atom of lower number."""
    doubled = []
    for start in range(0, len(atoms), _SCAN):
        rows = atoms[start : start + _SCAN] @ atoms[: start + _SCAN].T
        before = torch.arange(rows.shape[1], device=atoms.device) < torch.arange(
            start, start + len(rows), device=atoms.device
        ).unsqueeze(1)
        doubled.append(((rows > cosine) & before).any(dim=1).nonzero().flatten() + start)
    return torch.cat(doubled)
