"""Which atoms can win a round of a pursuit: three routes that nominate a few candidates and say how sure they are.

They are for graphics cards; on a processor they serve where the compiled loops do not pay (``compiled.py``).

A pursuit asks in every round for the L atoms with the largest inner products with the residual. Each route scores all
atoms cheaply, and knows a bound of its rounding errors: it names all atoms that can be among the L best, or says for
which tokens it cannot (``winners.py``, ``shortlist.py``). The pursuit scores those candidates exactly, and for the
tokens left open it scores all atoms. So routes differ in speed and not in result.

- ``direct``: the float32 product of residuals and atoms, anew in each round.
- ``gram``: the product once, then ``scores -= values @ gram[picks]`` (Rubinstein, Zibulevsky and Elad 2008).
- ``bfloat16``: the product in bfloat16, several times faster where there are units for it (tensor cores).
  The error of a product is bounded by the rounding errors of its two sides (Cauchy-Schwarz), which are computed.
"""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F

from napari_lexicon.dictionaries.shortlist import Ranking, Shortlist
from napari_lexicon.dictionaries.winners import Nominations, Winners, padded

_FLOAT32_ERROR = 3e-5  # of a float32 product of unit vectors of up to some thousand entries, at worst
_UPDATE_ERROR = 3e-6  # of a score by an update from the Gram matrix, per amount subtracted
_BFLOAT16_ERROR = 2**-8 + 2**-12  # of rounding a number to bfloat16, relative
_ROWS = 512  # of a Gram matrix made at a time, so that it is never held twice


class Nominator(Protocol):
    """Nominates for one block of tokens, round after round."""

    def nominate(self, residual: torch.Tensor, per_round: int) -> Nominations | Shortlist:
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
        self.count = len(atoms)
        self.magnitude = magnitude
        self.atoms = padded(atoms)
        self.block = _block(atoms, 128)

    def start(self, tokens: int) -> Nominator:
        return _DirectBlock(self)


class _DirectBlock:
    def __init__(self, route: Direct) -> None:
        self._route = route

    def nominate(self, residual: torch.Tensor, per_round: int) -> Shortlist:
        ranking = Ranking(self._route.count, residual @ self._route.atoms.T, self._route.magnitude)
        ranking.note()
        return ranking.shortlist(per_round, _FLOAT32_ERROR * torch.linalg.vector_norm(residual, dim=1))

    def subtract(self, indices: torch.Tensor, values: torch.Tensor) -> None:
        """Nothing to remember."""


class Gram:
    """Keeps the scores and subtracts rows of the Gram matrix ``(M, M)``."""

    def __init__(self, atoms: torch.Tensor, magnitude: bool) -> None:
        self.count = len(atoms)
        self.magnitude = magnitude
        self.atoms = padded(atoms)
        self.gram = atoms.new_empty(len(atoms), len(self.atoms))
        for part in (slice(start, start + _ROWS) for start in range(0, len(atoms), _ROWS)):
            torch.mm(atoms[part], self.atoms.T, out=self.gram[part])
        self.block = _block(atoms, 128)

    def start(self, tokens: int) -> Nominator:
        return _GramBlock(self, tokens)


class _GramBlock:
    def __init__(self, route: Gram, tokens: int) -> None:
        self._route = route
        self._ranking: Ranking | None = None
        self._error = route.gram.new_zeros(tokens)  # what rounding may have added to the scores so far

    def nominate(self, residual: torch.Tensor, per_round: int) -> Shortlist:
        if self._ranking is None:
            self._ranking = Ranking(self._route.count, residual @ self._route.atoms.T, self._route.magnitude)
            self._ranking.note()
            self._error = _FLOAT32_ERROR * torch.linalg.vector_norm(residual, dim=1)
        return self._ranking.shortlist(per_round, self._error)

    def subtract(self, indices: torch.Tensor, values: torch.Tensor) -> None:
        assert self._ranking is not None
        # embedding_bag adds the rows up as it reads them; gathering them first costs more than the update saves
        self._ranking.scores.sub_(F.embedding_bag(indices, self._route.gram, per_sample_weights=values, mode="sum"))
        self._ranking.note()
        self._error = self._error + _UPDATE_ERROR * values.abs().sum(dim=1)


class Bfloat16:
    """Scores in bfloat16, with the error bounded."""

    def __init__(self, atoms: torch.Tensor, magnitude: bool) -> None:
        self.magnitude = magnitude
        self.atoms = padded(atoms.bfloat16())
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
        self._winners = Winners()

    def nominate(self, residual: torch.Tensor, per_round: int) -> Nominations:
        # Atoms by tokens: this way round the product is faster by half.
        scores = torch.mm(self._route.atoms, self._rounded.copy_(residual).T, out=self._scores)
        if self._route.magnitude:
            scores.abs_()
        lost = torch.linalg.vector_norm(self._lost.copy_(self._rounded).sub_(residual), dim=1)
        norm = torch.linalg.vector_norm(residual, dim=1)
        atom_error = self._route.atom_error
        error = (atom_error + _FLOAT32_ERROR) * norm + (1 + atom_error) * lost
        return self._winners.nominate(scores, per_round, error, _BFLOAT16_ERROR)  # the product is rounded as well

    def subtract(self, indices: torch.Tensor, values: torch.Tensor) -> None:
        """Nothing to remember."""


ROUTES: dict[str, type[Direct] | type[Gram] | type[Bfloat16]] = {"direct": Direct, "gram": Gram, "bfloat16": Bfloat16}

_LARGEST_GRAM = 2**28  # entries; 1 GiB
_SMALL = 1024  # atoms


def possible_routes(atoms: torch.Tensor, per_round: int) -> list[str]:
    """The routes that make sense for atoms of this number on their device, the plain one first."""
    routes = ["direct"]
    if atoms.numel() and len(atoms) ** 2 <= _LARGEST_GRAM:
        routes.append("gram")
    if len(atoms) >= 16 * (8 * per_round + 16) and atoms.device.type in ("cpu", "cuda"):
        routes.append("bfloat16")
    return routes


def safe_route(atoms: torch.Tensor) -> str:
    """The route for tokens that are too few for a race: a small Gram matrix is made in a moment and always pays."""
    return "gram" if 0 < len(atoms) <= _SMALL else "direct"


def _block(atoms: torch.Tensor, tokens: int) -> int:
    """Tokens per block: few where their scores are to stay near a processor, many in a small dictionary or on a GPU."""
    if atoms.device.type != "cpu":
        return max(256, min(8192, 2**27 // max(len(atoms), 1)))
    return max(64, min(4096, tokens * 8192 // max(len(atoms), 1)))
