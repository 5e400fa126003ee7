"""Candidates for the L best scores of each token: found by a threshold, without ranking all of them.

Atoms are put into groups, and the largest score of each group found in one pass. The L-th largest of these maxima is
no more than the L-th largest score; call it ``t``. Where a score may be off by an error ``e``, L atoms have a true
score of at least ``t - e``, so an atom whose score is below ``t - 2 e`` cannot be among the L best. Only the groups
whose maximum reaches that limit are looked into, in the order in which the scores lie in memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

GROUP, _GROUPS = 16, 8  # atoms per group at most, and groups per pick at least
_MOST_GROUPS = 16  # of them that are looked into, per pick
_COARSE, _COARSE_FROM = 4, 16  # groups whose maxima are ranked as one, where there remain so many per pick


@dataclass(frozen=True)
class Nominations:
    """Candidates of a block of residuals: pairs of a token and an atom, in any order.

    Parameters
    ----------
    tokens, atoms : torch.Tensor
        ``(n,)`` int64 numbers; every token stands in at least L pairs, or among the unsettled.
    unsettled : torch.Tensor
        ``(m,)`` int64, the tokens for which an atom that is no candidate could be among the L best.
    """

    tokens: torch.Tensor
    atoms: torch.Tensor
    unsettled: torch.Tensor

    def in_order(self, places: torch.Tensor) -> Nominations:
        """The pairs in another order."""
        return Nominations(self.tokens[places], self.atoms[places], self.unsettled)


def padded(atoms: torch.Tensor) -> torch.Tensor:
    """Atoms, or what stands for them in the first place, with zeros after them up to whole groups."""
    return F.pad(atoms, (0, 0, 0, -len(atoms) % GROUP))


class Winners:
    """Nominates from scores, round after round, and keeps its space between them."""

    def __init__(self) -> None:
        self._maxima: torch.Tensor | None = None

    def nominate(self, scores: torch.Tensor, per_round: int, error: torch.Tensor, relative: float = 0.0) -> Nominations:
        """Candidates of every token.

        Parameters
        ----------
        scores : torch.Tensor
            ``(M, B)`` float32 or bfloat16, or the transpose of such a ``(B, M)``; of atoms that were :func:`padded`.
        per_round : int
            L.
        error : torch.Tensor
            ``(B,)`` how much a score can be wrong by.
        relative : float
            How much it can be wrong by in addition, as a share of itself.
        """
        # Read as integers, positive numbers keep their order, and integers are compared faster.
        scores = scores.view(torch.int16 if scores.dtype == torch.bfloat16 else torch.int32)
        atoms, tokens = scores.shape
        size = GROUP
        while size > 1 and atoms < size * _GROUPS * per_round:
            size //= 2
        grouped = scores.view(size, -1, tokens)  # group g holds the atoms g, g + groups, g + 2 groups, ...
        maxima = self._maxima_of(grouped)
        limit = _limit(_reached_by(maxima, per_round), error, relative)
        group, token = _places(maxima, limit)
        # where negative scores, whose order is reversed, or padding come into play, or too many are close together
        doubtful = (limit <= 0) | (torch.bincount(token, minlength=tokens) > _MOST_GROUPS * per_round)
        unsettled = doubtful.nonzero().flatten()
        if len(unsettled):
            settled = ~doubtful[token]
            group, token = group[settled], token[settled]
        per_atom, per_token = scores.stride()
        within = torch.arange(size, device=token.device) * (len(maxima) * per_atom)
        found = _taken(scores, (group * per_atom + token * per_token).unsqueeze(1) + within)
        place, member = _rows_and_columns(found, limit[token].unsqueeze(1))
        return Nominations(token[place], group[place] + member * len(maxima), unsettled)

    def _maxima_of(self, grouped: torch.Tensor) -> torch.Tensor:
        """``(groups, B)``, lying in memory as the scores do."""
        if self._maxima is None or self._maxima.shape != grouped.shape[1:]:
            self._maxima = torch.empty_like(grouped[0])
        return torch.amax(grouped, dim=0, out=self._maxima)


def _reached_by(maxima: torch.Tensor, atoms: int) -> torch.Tensor:
    """``(B,)`` a score that so many atoms reach: the n-th largest of the maxima, or of maxima of a few of them."""
    if len(maxima) >= _COARSE * _COARSE_FROM * atoms:  # so many that two of the largest rarely share one
        whole = len(maxima) - len(maxima) % _COARSE  # the n-th largest of some is reached as well
        maxima = maxima[:whole].view(_COARSE, -1, maxima.shape[1]).amax(dim=0)
    return maxima.T.contiguous().topk(atoms, dim=1).values[:, -1]


def _limit(least: torch.Tensor, error: torch.Tensor, relative: float) -> torch.Tensor:
    """``(B,)`` bits of the smallest score that an atom with one of the L largest products can have.

    ``least`` are the bits of a score that L atoms reach; 0 or less where nothing is certain.
    """
    short = least.dtype == torch.int16
    reached = least.view(torch.bfloat16 if short else torch.float32).float()
    limit = reached.mul_(1 - relative).sub_(error, alpha=2).mul_(1 / (1 + relative)).clamp_min_(0).view(torch.int32)
    limit.masked_fill_(least <= 0, 0)
    return (limit >> 16).short() if short else limit  # rounded down


def _places(maxima: torch.Tensor, limit: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Groups and tokens of the maxima that reach the limit of the token, in the order of memory."""
    if maxima.is_contiguous():
        return _rows_and_columns(maxima, limit)
    token, group = _rows_and_columns(maxima.T, limit.unsqueeze(1))
    return group, token


def _rows_and_columns(values: torch.Tensor, limit: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Where values reach the limit, row by row."""
    rows, columns = torch.nonzero(values >= limit, as_tuple=True)
    return rows, columns


def _taken(values: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Values at places in memory."""
    return values.as_strided((values.numel(),), (1,))[places]
