"""The ICFL encoder: a pursuit that takes L atoms per round (Donhauser et al., arXiv 2412.16247, Algorithm 1).

Each of J rounds takes the L atoms with the largest inner product with the residual, solves least squares for the
residual on these L alone, adds the solution to the code and subtracts its reconstruction.

Candidates are nominated by one of several routes (``nomination.py``), and chosen and solved for here, always from the
float32 residual and the atoms themselves. Tokens are worked on in blocks, and no (tokens x features) tensor outlives
its block. On a processor ``compiled.py`` does the same faster where there is much to do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from napari_lexicon.dictionaries.codes import Codes, first_places
from napari_lexicon.dictionaries.nomination import Direct, Route
from napari_lexicon.dictionaries.shortlist import Shortlist
from napari_lexicon.dictionaries.winners import Nominations

_GATHERED = 2**23  # numbers in the atom rows gathered at a time


@dataclass(frozen=True)
class Pursuit:
    """What a pursuit leaves behind.

    Parameters
    ----------
    indices : torch.Tensor
        ``(N, J * L)`` int64, in pick order.
    values : torch.Tensor
        ``(N, J * L)`` float32.
    residual : torch.Tensor
        ``(N, dim_w)`` what is left of the tokens: minus half the gradient of the squared error by the reconstruction.
    """

    indices: torch.Tensor
    values: torch.Tensor
    residual: torch.Tensor

    @property
    def codes(self) -> Codes:
        """The picks as codes."""
        return Codes(self.indices, self.values)


def pursue(
    tokens: torch.Tensor,
    atoms: torch.Tensor,
    *,
    rounds: int,
    per_round: int,
    magnitude: bool = False,
    ridge: float = 1e-6,
    route: Route | None = None,
) -> Pursuit:
    """Sparse codes of tokens by a pursuit.

    Parameters
    ----------
    tokens : torch.Tensor
        ``(N, dim_w)`` float32, whitened, of unit norm, bias already subtracted.
    atoms : torch.Tensor
        ``(M, dim_w)`` float32 unit rows.
    rounds, per_round : int
        J and L of the paper; J * L picks per token.
    magnitude : bool
        Select by the magnitude of the inner product instead of its signed value. Must agree with the route.
    ridge : float
        Added to the diagonal of the L x L systems, because atoms may be near-duplicates.
    route : Route, optional
        How candidates are nominated, prepared for these atoms; directly where not given.

    Returns
    -------
    Pursuit
        Picks in pick order: the first ``J' * L`` of them are those of a pursuit of ``J'`` rounds.
    """
    count, k = len(tokens), rounds * per_round
    found = Pursuit(
        torch.empty(count, k, dtype=torch.int64, device=tokens.device),
        torch.empty(count, k, dtype=tokens.dtype, device=tokens.device),
        tokens.clone(),
    )
    route = route or Direct(atoms, magnitude)
    precedence = 1 - 1e-15 * torch.arange(len(atoms), dtype=torch.float64, device=atoms.device)
    rule = _Rule(atoms, rounds, per_round, magnitude, ridge, precedence)
    step = min(route.block, max(32, _GATHERED // (per_round * tokens.shape[1])))
    for start in range(0, count, step):
        block = slice(start, start + step)
        _Block(found.residual[block], route, rule).pursue(found.indices[block], found.values[block])
    return found


@dataclass(frozen=True)
class _Rule:
    atoms: torch.Tensor
    rounds: int
    per_round: int
    magnitude: bool
    ridge: float
    precedence: torch.Tensor  # (M,) float64 factors of scores: each a little smaller, by less than float32 can tell


class _Block:
    """One block of tokens on its way through the rounds."""

    def __init__(self, residual: torch.Tensor, route: Route, rule: _Rule) -> None:
        self._residual = residual  # changed in place
        self._rule = rule
        self._nominator = route.start(len(residual))
        self._ridge = rule.ridge * torch.eye(rule.per_round, device=residual.device)

    def pursue(self, indices: torch.Tensor, values: torch.Tensor) -> None:
        """Fill ``(B, J * L)`` indices and values, and leave the residual behind."""
        rule = self._rule
        for j in range(rule.rounds):
            picks = slice(j * rule.per_round, (j + 1) * rule.per_round)
            nominated = self._nominator.nominate(self._residual, rule.per_round)
            best = self._best(self._residual, nominated)
            if len(nominated.unsettled):
                self._settle(best, nominated.unsettled)
            rows = rule.atoms[best.indices]
            solved = _least_squares(rows, best.scores, self._ridge)
            self._residual.unsqueeze(1).baddbmm_(solved.unsqueeze(1), rows, alpha=-1)
            indices[:, picks], values[:, picks] = best.indices, solved
            if j + 1 < rule.rounds:
                self._nominator.subtract(best.indices, values[:, picks])

    def _best(self, residual: torch.Tensor, nominated: Nominations | Shortlist) -> _Best:
        """The L best candidates of each residual, by exact score."""
        if isinstance(nominated, Shortlist):
            candidates = self._shortened(residual, nominated)
            scores = scored_each(residual, self._rule.atoms, candidates)
            ranks = self._ranks(scores, candidates)
        else:
            pairs, scores = scored(residual, self._rule.atoms, nominated)
            counts = torch.bincount(pairs.tokens, minlength=len(residual)).unsqueeze(1)
            place = torch.arange(max(int(counts.max()), self._rule.per_round), device=residual.device)
            there = place < counts
            ranks = self._ranks(scores, pairs.atoms)
            ranks = ranks.new_full(there.shape, -torch.inf).masked_scatter_(there, ranks)
            candidates = nominated.atoms.new_zeros(there.shape).masked_scatter_(there, pairs.atoms)
            scores = scores.new_zeros(there.shape).masked_scatter_(there, scores)
        best = ranks.topk(self._rule.per_round, dim=1).indices
        return _Best(candidates.gather(1, best), scores.gather(1, best))

    def _shortened(self, residual: torch.Tensor, nominated: Shortlist) -> torch.Tensor:
        """``(B, L)`` the best of a shortlist, in any order; only where scores are close are all of it scored."""
        per_round, close = self._rule.per_round, nominated.close
        best = nominated.atoms[:, :per_round]
        if not len(close):
            return best
        candidates = nominated.atoms[close]
        ranks = self._ranks(scored_each(residual[close], self._rule.atoms, candidates), candidates)
        return best.index_copy(0, close, candidates.gather(1, ranks.topk(per_round, dim=1).indices))

    def _ranks(self, scores: torch.Tensor, atoms: torch.Tensor) -> torch.Tensor:
        """What scores are ordered by; equal ones by atom number, so that the route leaves no trace."""
        ranks = (scores.abs() if self._rule.magnitude else scores).double()
        return (ranks + 1e-100) * self._rule.precedence[atoms]  # so that scores of 0 are ordered as well

    def _settle(self, best: _Best, tokens: torch.Tensor) -> None:
        """Choose again for the tokens with these numbers, in place: among all atoms."""
        rule, residual = self._rule, self._residual[tokens]
        scores = residual @ rule.atoms.T
        if rule.magnitude:
            scores.abs_()
        likely = scores.topk(min(rule.per_round + 2, len(rule.atoms)), dim=1, sorted=False).indices
        again = self._best(residual, Shortlist(likely, torch.arange(len(tokens), device=tokens.device), tokens))
        best.indices[tokens], best.scores[tokens] = again.indices, again.scores


@dataclass(frozen=True)
class _Best:
    """``indices`` and signed ``scores (B, L)``, best first."""

    indices: torch.Tensor
    scores: torch.Tensor


def scored(residual: torch.Tensor, atoms: torch.Tensor, nominated: Nominations) -> tuple[Nominations, torch.Tensor]:
    """The pairs sorted by token and atom, and their float32 inner products ``(n,)``."""
    pairs = nominated.in_order(order_of(nominated.tokens, len(residual)))
    return pairs, (residual[pairs.tokens] * atoms[pairs.atoms]).sum(dim=1)


def scored_each(residual: torch.Tensor, atoms: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
    """Float32 inner products ``(B, T)`` of residuals ``(B, dim_w)`` and atoms with numbers ``(B, T)``."""
    return (residual.unsqueeze(1) * atoms[candidates]).sum(dim=2)


def order_of(numbers: torch.Tensor, count: int) -> torch.Tensor:
    """Places of the numbers, all below ``count``, in rising order; equal ones keep theirs."""
    if numbers.device.type != "cpu":
        return numbers.argsort(stable=True)
    short = numbers.numpy().astype(np.uint16 if count <= 2**16 else np.int64)  # numpy sorts 16 bits by counting
    return torch.from_numpy(short.argsort(kind="stable"))


def _least_squares(rows: torch.Tensor, products: torch.Tensor, ridge: torch.Tensor) -> torch.Tensor:
    """Coefficients ``(B, L)`` on ``rows (B, L, dim)`` of targets whose ``products (B, L)`` with the rows are given.

    ``ridge (L, L)`` is added to the inner products of the rows.
    """
    if rows.shape[1] == 1:
        return products / (rows.square().sum(dim=2) + ridge[0])
    squares = torch.baddbmm(ridge, rows, rows.transpose(1, 2))
    if rows.shape[1] == 2:  # eliminated by hand for all tokens at once: a tenth of the time of two calls for each
        (a, b), (_, c) = (row.unbind(1) for row in squares.unbind(1))
        first, second = products.unbind(1)
        share = b / a
        second = (second - share * first) / (c - share * b)
        return torch.stack([(first - b * second) / a, second], dim=1)
    factor, _ = torch.linalg.cholesky_ex(squares)
    return torch.cholesky_solve(products.unsqueeze(2), factor).squeeze(2)


def refitted(tokens: torch.Tensor, atoms: torch.Tensor, codes: Codes, ridge: float = 1e-6) -> Codes:
    """The same supports with values from one least-squares solve over the whole support of each token.

    Not part of the paper. A feature picked twice keeps its first place and the freed place holds 0.
    """
    values = torch.zeros_like(codes.values)
    place = torch.arange(codes.indices.shape[1], device=codes.indices.device)
    step = max(32, _GATHERED // max(codes.indices.shape[1] * tokens.shape[1], 1))
    diagonal = ridge * torch.eye(codes.indices.shape[1], device=codes.indices.device)
    for start in range(0, len(tokens), step):
        part = slice(start, start + step)
        used = first_places(codes.indices[part]) == place
        rows = atoms[codes.indices[part]] * used.unsqueeze(2)
        products = torch.bmm(rows, tokens[part].unsqueeze(2)).squeeze(2)
        values[part] = torch.where(used, _least_squares(rows, products, diagonal), 0.0)
    return Codes(codes.indices, values)


def active_features(codes: Codes, features: int) -> torch.Tensor:
    """``(M,)`` bool: which features were picked with a value over 0 on at least one token."""
    active = torch.zeros(features, dtype=torch.bool, device=codes.indices.device)
    active[codes.indices[codes.values > 0]] = True
    return active
