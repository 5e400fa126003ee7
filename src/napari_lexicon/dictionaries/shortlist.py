"""The L best scores of each token and a few more, by ranking them: for scores that are nearly exact.

Atoms are put into groups, and the largest score of each group found in one pass: the T best atoms lie in the T groups
with the largest maxima. T is a little more than L, so that the L best by exact score are among them unless more than
T - L others come within the error of the scores; of such tokens it says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from napari_lexicon.dictionaries.winners import GROUP

_GROUPED_FROM = 1024  # atoms; fewer are ranked without groups
_SPARE = 5  # candidates beside the L that are wanted,
_SPARE_OF_FEW = 1  # and where there are no groups: scoring all atoms again is soon done there


@dataclass(frozen=True)
class Shortlist:
    """Candidates of a block of residuals, as many for each.

    Parameters
    ----------
    atoms : torch.Tensor
        ``(B, T)`` int64 numbers of different atoms, T at least L, by falling score.
    close : torch.Tensor
        ``(n,)`` int64, the tokens for which any of them may be among the L best; for the others the first L are.
    unsettled : torch.Tensor
        ``(m,)`` int64, the tokens for which an atom that is no candidate could be among the L best.
    """

    atoms: torch.Tensor
    close: torch.Tensor
    unsettled: torch.Tensor


class Ranking:
    """Makes shortlists of a block of tokens from scores that are kept and changed.

    Parameters
    ----------
    atoms : int
        M.
    scores : torch.Tensor
        ``(B, M)`` float32, with columns for padding after the atoms up to whole groups. Whoever changes them says so
        with :meth:`note`.
    magnitude : bool
        Rank by magnitude.
    """

    def __init__(self, atoms: int, scores: torch.Tensor, magnitude: bool) -> None:
        self.scores = scores
        self._atoms = atoms
        self._magnitude = magnitude
        self._grouped = atoms >= _GROUPED_FROM
        groups = scores.shape[1] // GROUP if self._grouped else atoms
        self._maxima = scores.new_empty(len(scores), groups)
        self._members = torch.arange(0, scores.shape[1], groups, device=scores.device)
        scores[:, atoms:] = 0 if magnitude else -torch.inf  # padding is never the largest of a group

    def note(self) -> None:
        """The scores have changed."""
        scores = self.scores.abs() if self._magnitude else self.scores
        if self._grouped:  # group g holds the atoms g, g + groups, g + 2 groups, ...
            torch.amax(scores.view(len(scores), GROUP, -1), dim=1, out=self._maxima)
        else:
            self._maxima = scores[:, : self._atoms]

    def shortlist(self, per_round: int, error: torch.Tensor) -> Shortlist:
        """Candidates of every token, once after each change.

        Parameters
        ----------
        per_round : int
            L.
        error : torch.Tensor
            ``(B,)`` how much a score can be wrong by.
        """
        wanted = min(per_round + (_SPARE if self._grouped else _SPARE_OF_FEW), self._atoms)
        grouped = self._grouped and wanted <= self._maxima.shape[1]
        values = self._maxima
        if self._grouped and not grouped:  # as many are wanted as there are groups
            values = self.scores[:, : self._atoms]
            values = values.abs() if self._magnitude else values
        top, atoms = values.topk(wanted, dim=1)
        if grouped:
            members = (atoms.unsqueeze(2) + self._members).flatten(1)
            scores = self.scores.gather(1, members)
            scores = scores.abs_() if self._magnitude else scores
            scores.masked_fill_(members >= self._atoms, -torch.inf)
            top, place = scores.topk(wanted, dim=1)
            atoms = members.gather(1, place)
        least = (top[:, per_round - 1] - 2 * error).unsqueeze(1)
        clear = least > top[:, per_round:]  # false as well where scores are no numbers
        close = ~clear[:, 0] if wanted > per_round else clear.new_zeros(len(atoms))
        unsettled = ~clear[:, -1] if wanted < self._atoms else clear.new_zeros(len(atoms))
        return Shortlist(atoms, close.nonzero().flatten(), unsettled.nonzero().flatten())
