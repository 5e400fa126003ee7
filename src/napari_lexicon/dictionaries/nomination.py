"""Which atoms can win a round of a pursuit: three routes that nominate a few candidates and say how sure they are.

A pursuit asks in every round for the L atoms with the largest inner products with the residual. Each route names a
few more than L cheaply, and knows a bound of its rounding errors: it names all atoms that can be among the L best, or
says for which tokens it cannot. The pursuit scores those candidates exactly, and for the tokens left open it scores all
atoms. So routes differ in speed and not in result.

- ``direct``: the float32 product of residuals and atoms, anew in each round.
- ``gram``: the product once, then ``scores -= values @ gram[picks]`` (Rubinstein, Zibulevsky and Elad 2008).
- ``bfloat16``: the product in bfloat16, several times faster where the processor multiplies in it (AMX, tensor cores).
  The error of a product is bounded by the rounding errors of its two sides (Cauchy-Schwarz), which are computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F

_FLOAT32_ERROR = 3e-5  # of a float32 product of unit vectors of up to some thousand entries, at worst
_BFLOAT16_ERROR = 2**-8 + 2**-12  # of rounding a number to bfloat16, relative
_POSITIVE_BITS = 0x7FFF  # of a bfloat16: all but the sign
_BFLOAT16_GROUP = 16  # atoms per group of the bfloat16 route
_GROUP, _LEVELS = 4, 3  # of float32 scores: atoms per group, groups per larger group, and so on


@dataclass(frozen=True)
class Nominations:
    """Candidates of a block of residuals: those of token ``i`` are ``atoms[starts[i] : starts[i + 1]]``.

    Parameters
    ----------
    starts : torch.Tensor
        ``(B + 1,)`` int64.
    atoms : torch.Tensor
        ``(n,)`` int64 atom numbers.
    unsettled : torch.Tensor
        ``(m,)`` int64, the tokens for which an atom that is no candidate could be among the L best.
    """

    starts: torch.Tensor
    atoms: torch.Tensor
    unsettled: torch.Tensor

    @classmethod
    def of_each(cls, candidates: torch.Tensor) -> Nominations:
        """As many for every token: ``(B, C)`` atom numbers."""
        tokens, count = candidates.shape
        starts = torch.arange(0, tokens * count + 1, count, device=candidates.device)
        return cls(starts, candidates.flatten(), starts.new_empty(0))


class Nominator(Protocol):
    """Nominates for one block of tokens, round after round."""

    def nominate(self, residual: torch.Tensor, per_round: int) -> Nominations:
        """Candidates for ``(B, dim_w)`` residuals."""
        ...

    def subtract(self, indices: torch.Tensor, values: torch.Tensor) -> None:
        """Take note that ``values (B, L)`` of ``indices (B, L)`` have been subtracted from the residuals."""
        ...


class Route(Protocol):
    """A way of nominating, prepared once for a set of atoms."""

    #: tokens of a block
    block: int

    def start(self, tokens: int) -> Nominator:
        """A nominator for a block of so many tokens."""
        ...


class Direct:
    """Scores every atom against the residual in float32, in each round."""

    def __init__(self, atoms: torch.Tensor, magnitude: bool) -> None:
        self._atoms = atoms
        self._magnitude = magnitude
        self.block = _block(atoms, 512)

    def start(self, tokens: int) -> Nominator:
        return self

    def nominate(self, residual: torch.Tensor, per_round: int) -> Nominations:
        scores = residual @ self._atoms.T
        if self._magnitude:
            scores.abs_()
        return Nominations.of_each(top_columns(scores, min(per_round + 2, len(self._atoms)), per_round).indices)

    def subtract(self, indices: torch.Tensor, values: torch.Tensor) -> None:
        """Nothing to remember."""


class Gram:
    """Keeps the scores and subtracts rows of the Gram matrix ``(M, M)``."""

    def __init__(self, atoms: torch.Tensor, magnitude: bool) -> None:
        self.atoms = atoms
        self.magnitude = magnitude
        self.gram = atoms @ atoms.T
        self.block = _block(atoms, 128)

    def start(self, tokens: int) -> Nominator:
        return _GramBlock(self)


class _GramBlock:
    def __init__(self, route: Gram) -> None:
        self._route = route
        self._scores: torch.Tensor | None = None
        self._error: torch.Tensor | None = None  # (B,) what rounding may have added to the scores so far

    def nominate(self, residual: torch.Tensor, per_round: int) -> Nominations:
        if self._scores is None or self._error is None:
            self._scores = residual @ self._route.atoms.T
            self._error = _FLOAT32_ERROR * torch.linalg.vector_norm(residual, dim=1)
        scores = self._scores.abs() if self._route.magnitude else self._scores
        count = min(per_round + 5, scores.shape[1])
        best = top_columns(scores, count, per_round)
        limit = (best.values[:, count - per_round] - 2 * self._error).unsqueeze(1)
        eligible = best.values >= limit
        starts = F.pad(eligible.sum(dim=1).cumsum(0), (1, 0))
        complete = count == scores.shape[1]
        unsettled = starts.new_empty(0) if complete else _rows_where(best.values[:, :1] > limit)
        return Nominations(starts, best.indices[eligible], unsettled)

    def subtract(self, indices: torch.Tensor, values: torch.Tensor) -> None:
        assert self._scores is not None and self._error is not None
        # embedding_bag adds the rows up as it reads them; gathering them first costs more than the update saves
        self._scores -= F.embedding_bag(indices, self._route.gram, per_sample_weights=values, mode="sum")
        self._error = self._error + 1e-6 * values.abs().sum(dim=1)


class Bfloat16:
    """Scores in bfloat16, with the error bounded."""

    def __init__(self, atoms: torch.Tensor, magnitude: bool) -> None:
        self.magnitude = magnitude
        self.atoms = F.pad(atoms.bfloat16(), (0, 0, 0, -len(atoms) % _BFLOAT16_GROUP))
        self.atom_error = float(torch.linalg.vector_norm(atoms - atoms.bfloat16(), dim=1).max())
        self.block = _block(atoms, 512)

    def start(self, tokens: int) -> Nominator:
        return _Bfloat16Block(self, tokens)


class _Bfloat16Block:
    """Atoms are put into groups of 16, and the largest score of each group found in one pass.

    The L-th largest of the maxima is no more than the L-th largest score, which gives a limit below which no score can
    win; only the groups whose maximum reaches it are looked into.
    """

    def __init__(self, route: Bfloat16, tokens: int) -> None:
        self._route = route
        # Kept from round to round: fresh memory of this size is paid for page by page.
        self._rounded = route.atoms.new_empty(tokens, route.atoms.shape[1])
        self._lost = torch.empty_like(self._rounded, dtype=torch.float32)
        self._scores = route.atoms.new_empty(len(route.atoms), tokens)
        self._groups = len(route.atoms) // _BFLOAT16_GROUP
        self._maxima = route.atoms.new_empty(self._groups, tokens, dtype=torch.int16)

    def nominate(self, residual: torch.Tensor, per_round: int) -> Nominations:
        route, rounded, groups, tokens = self._route, self._rounded.copy_(residual), self._groups, len(residual)
        # Atoms by tokens: this way round the product is faster by half, and maxima over atoms run along tokens.
        # Read as 16-bit integers, positive bfloat16 numbers keep their order, and integers are compared faster.
        scores = torch.mm(route.atoms, rounded.T, out=self._scores).view(torch.int16)
        if route.magnitude:
            scores.bitwise_and_(_POSITIVE_BITS)
        torch.amax(scores.view(_BFLOAT16_GROUP, groups, tokens), dim=0, out=self._maxima)
        maxima = self._maxima.T.contiguous()
        limit = self._limit(residual, _nth_largest(maxima, per_round))
        reached = maxima >= limit
        # where negative scores, whose order is reversed, or padding come into play, or too many are close together
        found = _places(reached)
        counts = torch.bincount(torch.div(found, groups, rounding_mode="floor"), minlength=tokens)
        unsettled = _rows_where((limit <= 0) | (counts > 4 * per_round + 8).unsqueeze(1))
        if len(unsettled):
            reached[unsettled] = False
            found = _places(reached)
        token = torch.div(found, groups, rounding_mode="floor")
        group = found - token * groups
        members = torch.arange(0, len(route.atoms), groups, device=found.device) + group.unsqueeze(1)
        hits = torch.take(scores, members * tokens + token.unsqueeze(1)) >= limit[token]
        starts = F.pad(torch.bincount(token, hits.sum(dim=1), tokens).cumsum(0).long(), (1, 0))
        return Nominations(starts, members[hits], unsettled)

    def _limit(self, residual: torch.Tensor, least: torch.Tensor) -> torch.Tensor:
        """``(B, 1)`` bits of the smallest score that an atom with one of the L largest products can have.

        ``least`` are the bits of a score that L atoms reach; 0 or less where nothing is certain.
        """
        norm = torch.linalg.vector_norm(residual, dim=1, keepdim=True)
        torch.sub(residual, self._rounded, out=self._lost)
        lost = torch.linalg.vector_norm(self._lost, dim=1, keepdim=True)
        error = (self._route.atom_error + _FLOAT32_ERROR) * norm + (1 + self._route.atom_error) * lost
        # the product itself is rounded to bfloat16 as well, hence the factors
        products_at_least = least.view(torch.bfloat16).float() * (1 - _BFLOAT16_ERROR) - error
        limit = (products_at_least - error) / (1 + _BFLOAT16_ERROR)
        return torch.where(least > 0, limit.clamp_min(0).view(torch.int32) >> 16, 0).to(torch.int16)  # rounded down

    def subtract(self, indices: torch.Tensor, values: torch.Tensor) -> None:
        """Nothing to remember."""


ROUTES: dict[str, type[Direct] | type[Gram] | type[Bfloat16]] = {"direct": Direct, "gram": Gram, "bfloat16": Bfloat16}

_GROUPED_FROM = 2048  # atoms; among fewer the largest are found as fast without groups
_LARGEST_GRAM = 2**28  # entries; 1 GiB


def possible_routes(atoms: torch.Tensor, per_round: int) -> list[str]:
    """The routes that make sense for atoms of this number on their device, the plain one first."""
    routes = ["direct"]
    if atoms.numel() and len(atoms) ** 2 <= _LARGEST_GRAM:
        routes.append("gram")
    if len(atoms) >= _BFLOAT16_GROUP * (8 * per_round + 16) and atoms.device.type in ("cpu", "cuda"):
        routes.append("bfloat16")
    return routes


def _block(atoms: torch.Tensor, tokens: int) -> int:
    """Tokens per block: few enough that their scores stay in the cache of a processor, many on a GPU."""
    if atoms.device.type != "cpu":
        return max(256, min(8192, 2**27 // max(len(atoms), 1)))
    return max(64, min(4 * tokens, tokens * 8192 // max(len(atoms), 1)))


def _rows_where(condition: torch.Tensor) -> torch.Tensor:
    """Numbers of the rows of ``(B, 1)`` bool that hold, ``(n,)``."""
    return condition.flatten().nonzero().flatten()


@dataclass(frozen=True)
class Best:
    """The largest scores of each token, the smallest of them first, the L largest last, otherwise in no order.

    Parameters
    ----------
    indices : torch.Tensor
        ``(B, C)`` int64.
    values : torch.Tensor
        ``(B, C)`` scores; ``values[:, 0]`` is the smallest and ``values[:, C - L]`` the L-th largest.
    """

    indices: torch.Tensor
    values: torch.Tensor


def _nth_largest(values: torch.Tensor, n: int) -> torch.Tensor:
    """The n-th largest of each row of ``(B, count)`` int16 values, ``(B, 1)``."""
    if values.device.type != "cpu":
        return values.topk(n, dim=1).values[:, -1:]
    place = values.shape[1] - n
    return torch.from_numpy(np.partition(values.numpy(), place, axis=1)[:, place : place + 1])


def _places(condition: torch.Tensor) -> torch.Tensor:
    """Numbers of the places of ``(B, n)`` bool that hold, counted row by row; numpy skips over long runs of False."""
    if condition.device.type != "cpu":
        return condition.flatten().nonzero().flatten()
    return torch.from_numpy(np.flatnonzero(condition.numpy()))


def largest(values: torch.Tensor, count: int, last: int) -> Best:
    """The ``count`` largest of each row of ``(B, n)`` float32 values, the ``last`` largest at the end.

    On a processor value and place are packed into one integer and numpy's vectorised partition does the rest, about
    ten times faster than ``topk``.
    """
    width = values.shape[1]
    if values.device.type != "cpu" or width >= 2**16:
        found = values.topk(count, dim=1)
        return Best(found.indices.flip(1), found.values.flip(1))
    place = torch.arange(width, dtype=torch.int32)
    packed = _in_order(values.contiguous().view(torch.int32)).long().bitwise_left_shift_(16).bitwise_or_(place)
    packed.numpy().partition((width - count, width - last), axis=1)
    top = packed[:, width - count :]
    return Best(top & 0xFFFF, _in_order((top >> 16).int()).view(torch.float32))


def _in_order(bits: torch.Tensor) -> torch.Tensor:
    """Float32 bits as integers of the same order, and back: negative floats count downwards."""
    return torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)


def top_columns(scores: torch.Tensor, count: int, last: int) -> Best:
    """The ``count`` largest entries in each row of ``(B, M)`` float32 scores, the ``last`` largest at the end.

    Maxima over groups are vectorised, and the groups with the largest maxima hold the largest entries: only those are
    looked into.
    """
    tokens, atoms = scores.shape
    if atoms % _GROUP**_LEVELS or atoms < max(count * _GROUP**_LEVELS, _GROUPED_FROM):
        ranked = scores.topk(count, dim=1)
        return Best(ranked.indices.flip(1), ranked.values.flip(1))
    levels = [scores]
    for _ in range(_LEVELS):
        levels.append(levels[-1].view(tokens, _GROUP, -1).amax(dim=1))  # group g: g, g + groups, g + 2 groups, ...
    best = largest(levels.pop(), count, last)
    for level in reversed(levels):
        members = _members(best.indices, level.shape[1] // _GROUP)
        found = largest(level.gather(1, members), count, last)
        best = Best(members.gather(1, found.indices), found.values)
    return best


def _members(chosen: torch.Tensor, groups: int) -> torch.Tensor:
    """The members of chosen groups, ``(B, C)`` to ``(B, C * _GROUP)``."""
    steps = torch.arange(0, groups * _GROUP, groups, device=chosen.device)
    return (chosen.unsqueeze(2) + steps).flatten(1)
