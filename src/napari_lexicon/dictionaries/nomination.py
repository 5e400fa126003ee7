"""Which atoms can win a round of a pursuit: three routes that nominate a few candidates and say how sure they are.

A pursuit asks in every round for the L atoms with the largest inner products with the residual. Each route names a
few more than L cheaply, and knows a bound of its rounding errors: it says which candidates can be among the L best, and
for which tokens an atom it left out could be. The pursuit scores those candidates exactly, and where the bound does not
settle the choice it asks for more, and in the end scores all atoms. So routes differ in speed and not in result.

- ``direct``: the float32 product of residuals and atoms, anew in each round.
- ``gram``: the product once, then ``scores -= values @ gram[picks]`` (Rubinstein, Zibulevsky and Elad 2008).
- ``bfloat16``: the product in bfloat16, several times faster where the processor multiplies in it (AMX, tensor cores).
  The error of a product is bounded by the rounding errors of its two sides (Cauchy-Schwarz), which are computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import torch
import torch.nn.functional as F

_FLOAT32_ERROR = 3e-5  # of a float32 product of unit vectors of up to some thousand entries, at worst
_BFLOAT16_ERROR = 2**-8 + 2**-12  # of rounding a number to bfloat16, relative
_POSITIVE_BITS = 0x7FFF  # of a bfloat16: all but the sign


@dataclass(frozen=True)
class Nominations:
    """Candidates of a block of residuals.

    Parameters
    ----------
    candidates : torch.Tensor
        ``(B, C)`` int64 atom numbers.
    eligible : torch.Tensor or None
        ``(B, C)`` bool: candidates that can be among the L best. None for all.
    unsettled : torch.Tensor
        ``(n,)`` int64, the tokens for which an atom that is no candidate could be among the L best.
    """

    candidates: torch.Tensor
    eligible: torch.Tensor | None
    unsettled: torch.Tensor


class Nominator(Protocol):
    """Nominates for one block of tokens, round after round."""

    def nominate(self, residual: torch.Tensor, per_round: int) -> Nominations:
        """Candidates for ``(B, dim_w)`` residuals."""
        ...

    def reconsider(self, tokens: torch.Tensor, per_round: int) -> Nominations:
        """More candidates for the tokens of the block with these numbers, ``(n,)`` int64, from the same scores."""
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
        best = top_columns(scores, min(per_round + 2, len(self._atoms)), per_round)
        return Nominations(best.indices, None, best.indices.new_empty(0))

    def reconsider(self, tokens: torch.Tensor, per_round: int) -> Nominations:
        raise AssertionError("direct nominations leave nothing open")

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
        return self._within_error(self._scores, self._error, per_round + 3, per_round)

    def reconsider(self, tokens: torch.Tensor, per_round: int) -> Nominations:
        assert self._scores is not None and self._error is not None
        return self._within_error(self._scores[tokens], self._error[tokens], 8 * per_round + 8, per_round)

    def _within_error(self, scores: torch.Tensor, error: torch.Tensor, count: int, per_round: int) -> Nominations:
        count = min(count, scores.shape[1])
        best = top_columns(scores.abs() if self._route.magnitude else scores, count, per_round)
        limit = (best.values[:, count - per_round] - 2 * error).unsqueeze(1)
        complete = count == scores.shape[1]
        unsettled = error.new_empty(0, dtype=torch.int64) if complete else _rows_where(best.values[:, :1] > limit)
        return Nominations(best.indices, best.values >= limit, unsettled)

    def subtract(self, indices: torch.Tensor, values: torch.Tensor) -> None:
        assert self._scores is not None and self._error is not None
        # embedding_bag adds the rows up as it reads them; gathering them first costs more than the update saves
        self._scores -= F.embedding_bag(indices, self._route.gram, per_sample_weights=values, mode="sum")
        self._error = self._error + 1e-6 * values.abs().sum(dim=1)


class Bfloat16:
    """Scores in bfloat16, with the error bounded."""

    def __init__(self, atoms: torch.Tensor, magnitude: bool) -> None:
        self.magnitude = magnitude
        self.count = len(atoms)
        self.atoms = F.pad(atoms.bfloat16(), (0, 0, 0, -len(atoms) % _GROUP**_LEVELS))
        self.atom_error = float(torch.linalg.vector_norm(atoms - atoms.bfloat16(), dim=1).max())
        self.block = _block(atoms, 512)

    def start(self, tokens: int) -> Nominator:
        return _Bfloat16Block(self, tokens)


class _Bfloat16Block:
    def __init__(self, route: Bfloat16, tokens: int) -> None:
        self._route = route
        # Kept from round to round: fresh memory of this size is paid for page by page.
        self._rounded = route.atoms.new_empty(tokens, route.atoms.shape[1])
        self._lost = torch.empty_like(self._rounded, dtype=torch.float32)
        self._scores = route.atoms.new_empty(len(route.atoms), tokens)
        self._maxima = GroupMaxima(self._scores.view(torch.int16))
        self._rounding: torch.Tensor | None = None

    def nominate(self, residual: torch.Tensor, per_round: int) -> Nominations:
        route, rounded = self._route, self._rounded.copy_(residual)
        # Atoms by tokens: this way round the product is faster by half, and maxima over atoms run along tokens.
        # Read as 16-bit integers, positive bfloat16 numbers keep their order, and integer maxima are vectorised.
        torch.mm(route.atoms, rounded.T, out=self._scores)
        if route.magnitude:
            self._maxima.scores.bitwise_and_(_POSITIVE_BITS)
        self._maxima.update()
        norm = torch.linalg.vector_norm(residual, dim=1)
        lost = torch.linalg.vector_norm(torch.sub(residual, rounded, out=self._lost), dim=1)
        self._rounding = (route.atom_error + _FLOAT32_ERROR) * norm + (1 + route.atom_error) * lost
        return self._within_error(None, 3 * per_round + 4, per_round)

    def reconsider(self, tokens: torch.Tensor, per_round: int) -> Nominations:
        return self._within_error(tokens, 12 * per_round + 8, per_round)

    def _within_error(self, tokens: torch.Tensor | None, count: int, per_round: int) -> Nominations:
        assert self._rounding is not None
        best = self._maxima.top(min(count, self._maxima.most), per_round, tokens)
        scores = best.values.view(torch.bfloat16).float()
        error = (self._rounding if tokens is None else self._rounding[tokens]).unsqueeze(1)
        at_most = scores * (1 + _BFLOAT16_ERROR) + error  # the product itself is rounded to bfloat16 as well
        place = best.values.shape[1] - per_round
        at_least = scores[:, place : place + 1] * (1 - _BFLOAT16_ERROR) - error
        # where negative scores, whose order is reversed, or padding come into play, nothing is certain
        unsettled = _rows_where((at_most[:, :1] >= at_least) | (scores[:, :1] <= 0))
        return Nominations(best.indices.clamp_(max=self._route.count - 1), at_most >= at_least, unsettled)

    def subtract(self, indices: torch.Tensor, values: torch.Tensor) -> None:
        """Nothing to remember."""


ROUTES: dict[str, type[Direct] | type[Gram] | type[Bfloat16]] = {"direct": Direct, "gram": Gram, "bfloat16": Bfloat16}

_GROUP, _LEVELS = 4, 3  # atoms per group, groups per larger group, and so on
_LARGEST_GRAM = 2**28  # entries; 1 GiB


def possible_routes(atoms: torch.Tensor, per_round: int) -> list[str]:
    """The routes that make sense for atoms of this number on their device, the plain one first."""
    routes = ["direct"]
    if atoms.numel() and len(atoms) ** 2 <= _LARGEST_GRAM:
        routes.append("gram")
    if len(atoms) >= _GROUP**_LEVELS * (3 * per_round + 4) and atoms.device.type in ("cpu", "cuda"):
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


def largest(values: torch.Tensor, count: int, last: int) -> Best:
    """The ``count`` largest of each row of ``(B, n)`` float32 or int16 values, the ``last`` largest at the end.

    On a processor value and place are packed into one integer and numpy's vectorised partition does the rest, about
    ten times faster than ``topk``.
    """
    width = values.shape[1]
    if values.device.type != "cpu" or width >= 2**16:
        found = values.topk(count, dim=1)
        return Best(found.indices.flip(1), found.values.flip(1))
    place = torch.arange(width, dtype=torch.int32)
    if values.dtype == torch.int16:
        packed = values.int().bitwise_left_shift_(16).bitwise_or_(place)
    else:
        packed = _in_order(values.contiguous().view(torch.int32)).long().bitwise_left_shift_(16).bitwise_or_(place)
    packed.numpy().partition((width - count, width - last), axis=1)
    top = packed[:, width - count :]
    if values.dtype == torch.int16:
        return Best((top & 0xFFFF).long(), (top >> 16).to(torch.int16))
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
    if atoms % _GROUP**_LEVELS or atoms < count * _GROUP**_LEVELS:
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


class GroupMaxima:
    """The largest entries in each column of ``(M, B)`` scores, found through maxima over groups; M a multiple of 64."""

    def __init__(self, scores: torch.Tensor) -> None:
        self.scores = scores
        self._levels = [scores]
        for _ in range(_LEVELS):
            self._levels.append(scores.new_empty(len(self._levels[-1]) // _GROUP, scores.shape[1]))

    @property
    def most(self) -> int:
        """The largest number of entries that can be asked for."""
        return len(self._levels[-1])

    def update(self) -> None:
        """Take note that the scores have changed."""
        for below, level in pairwise(self._levels):
            torch.amax(below.view(_GROUP, -1, below.shape[1]), dim=0, out=level)

    def top(self, count: int, last: int, tokens: torch.Tensor | None = None) -> Best:
        """The ``count`` largest scores of all tokens or of some, the ``last`` largest at the end."""
        width = self.scores.shape[1]
        column = torch.arange(width, device=self.scores.device) if tokens is None else tokens
        *levels, top = self._levels
        best = largest((top if tokens is None else top[:, tokens]).T, count, last)
        for level in reversed(levels):
            members = _members(best.indices, len(level) // _GROUP)
            found = largest(torch.take(level, torch.add(column.unsqueeze(1), members, alpha=width)), count, last)
            best = Best(members.gather(1, found.indices), found.values)
        return best


def _members(chosen: torch.Tensor, groups: int) -> torch.Tensor:
    """The members of chosen groups, ``(B, C)`` to ``(B, C * _GROUP)``."""
    steps = torch.arange(0, groups * _GROUP, groups, device=chosen.device)
    return (chosen.unsqueeze(2) + steps).flatten(1)
