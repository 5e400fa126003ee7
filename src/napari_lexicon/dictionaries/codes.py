"""Sparse codes: for every token, k pairs of feature and value in the order in which a pursuit picked them."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Codes:
    """Sparse codes of N tokens.

    Parameters
    ----------
    indices : torch.Tensor
        ``(N, k)`` int64. The order is that of the pursuit (round by round), or of falling value for encoders
        without rounds. A feature may stand twice in a row: its values add up.
    values : torch.Tensor
        ``(N, k)`` float32, coefficients of unit atoms for whitened tokens of unit norm. Unused places are 0.
    """

    indices: torch.Tensor
    values: torch.Tensor

    def merged(self) -> Codes:
        """The same codes with every feature at most once per row.

        Values of a feature that stands twice are summed into its first place; the freed places hold value 0. Rows
        keep their length and the order of first picks.
        """
        first = first_places(self.indices)
        values = torch.zeros_like(self.values).scatter_add_(1, first, self.values)
        place = torch.arange(self.indices.shape[1], device=self.indices.device)
        return Codes(self.indices, torch.where(first == place, values, torch.zeros_like(values)))

    def head(self, k: int) -> Codes:
        """The first ``k`` picks: the codes of a shorter pursuit."""
        return Codes(self.indices[:, :k], self.values[:, :k])


def first_places(indices: torch.Tensor) -> torch.Tensor:
    """For every pick the place in its row where its feature stands first, ``(N, k)`` int64."""
    ordered, order = indices.sort(dim=1, stable=True)
    run_starts = torch.ones_like(ordered, dtype=torch.bool)
    run_starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    place = torch.arange(indices.shape[1], device=indices.device)
    start = torch.where(run_starts, place, torch.zeros_like(place)).cummax(dim=1).values
    return torch.empty_like(order).scatter_(1, order, order.gather(1, start))
