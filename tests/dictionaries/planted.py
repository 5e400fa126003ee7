"""Planted worlds: tokens that are sparse mixtures of known atoms."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from napari_lexicon.dictionaries.whitening import Whitening, WhiteningAccumulator


@dataclass(frozen=True)
class World:
    """Atoms ``(M, dim)`` of unit norm and tokens ``(N, dim)`` mixed from few of them."""

    atoms: torch.Tensor
    tokens: torch.Tensor

    def whitening(self) -> Whitening:
        sums = WhiteningAccumulator(self.tokens.shape[1])
        sums.update(self.tokens)
        return sums.fit()


def make_world(dim: int = 32, atoms: int = 96, tokens: int = 4000, active: int = 4, seed: int = 0) -> World:
    draw = torch.Generator().manual_seed(seed)
    directions = F.normalize(torch.randn(atoms, dim, generator=draw), dim=1)
    chosen = torch.rand(tokens, atoms, generator=draw).topk(active, dim=1).indices
    amounts = 0.5 + torch.rand(tokens, active, generator=draw)
    mixed = F.embedding_bag(chosen, directions, per_sample_weights=amounts, mode="sum")
    return World(directions, 3 * mixed + 0.02 * torch.randn(tokens, dim, generator=draw) + 20)
