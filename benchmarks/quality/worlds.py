"""Worlds with a known truth: tokens that are sparse mixtures of known atoms."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F


@dataclass(frozen=True)
class WorldSettings:
    """What a world is like.

    Parameters
    ----------
    name : str
        For the table.
    dim, atoms : int
        Length of a token, number of true atoms.
    active : int
        Atoms mixed into a token.
    noise : float
        Norm of the noise as a share of the norm of the mixture.
    correlation : float
        Cosine of two atoms of the same family; families have eight atoms.
    tail : float
        Exponent of a power law by which some atoms are used more often than others; 0 for all alike.
    tokens : int
        Number of tokens.
    """

    name: str
    dim: int = 64
    atoms: int = 256
    active: int = 5
    noise: float = 0.1
    correlation: float = 0.0
    tail: float = 0.0
    tokens: int = 60_000


BASE = WorldSettings("base")
WORLDS = (
    BASE,
    replace(BASE, name="more atoms", atoms=512),
    replace(BASE, name="more active", active=10),
    replace(BASE, name="noisy", noise=0.4),
    replace(BASE, name="correlated", correlation=0.5),
    replace(BASE, name="heavy tail", tail=1.0),
    replace(BASE, name="correlated, heavy tail, noisy", correlation=0.5, tail=1.0, noise=0.4),
)


@dataclass(frozen=True, eq=False)
class World:
    """Tokens and what they are made of.

    Parameters
    ----------
    atoms : torch.Tensor
        ``(M, dim)`` unit rows.
    tokens : torch.Tensor
        ``(N, dim)``.
    support : torch.Tensor
        ``(N, active)`` int64, the atoms in each token.
    """

    atoms: torch.Tensor
    tokens: torch.Tensor
    support: torch.Tensor


def make_world(settings: WorldSettings, seed: int) -> World:
    """A world; amounts are exponential, so that a token has weak parts as well."""
    s, draw = settings, torch.Generator().manual_seed(seed)
    own = F.normalize(torch.randn(s.atoms, s.dim, generator=draw), dim=1)
    family = F.normalize(torch.randn((s.atoms + 7) // 8, s.dim, generator=draw), dim=1).repeat_interleave(8, 0)
    mixed = s.correlation**0.5 * family[: s.atoms] + (1 - s.correlation) ** 0.5 * own
    atoms = F.normalize(mixed, dim=1)
    use = torch.arange(1, s.atoms + 1).float() ** -s.tail
    support = torch.multinomial(use.expand(s.tokens, -1), s.active, generator=draw)
    amounts = 0.3 + torch.empty(s.tokens, s.active).exponential_(generator=draw)
    clean = F.embedding_bag(support, atoms, per_sample_weights=amounts, mode="sum")
    noise = F.normalize(torch.randn(s.tokens, s.dim, generator=draw), dim=1) * clean.norm(dim=1, keepdim=True)
    return World(atoms, clean + s.noise * noise, support)
