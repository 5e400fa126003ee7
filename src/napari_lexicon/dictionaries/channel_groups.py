"""Tokens of several channels as a dictionary takes them: each by itself, end to end, or their mean."""

from __future__ import annotations

import torch


def grouped_tokens(tokens: torch.Tensor, mode: str, order: list[int]) -> torch.Tensor:
    """Tokens as a dictionary takes them.

    Parameters
    ----------
    tokens : torch.Tensor
        ``(C, ..., dim)``, one group per channel.
    mode : str
        ``separate``, ``concat`` or ``mean``.
    order : list of int
        For ``concat`` and ``mean``, which groups to take, in order; all where empty. The one group of a model that
        reads all channels together is taken whatever the mode.

    Returns
    -------
    torch.Tensor
        ``(C, ..., dim)`` for separate; ``(1, ..., C * dim)`` for concat; ``(1, ..., dim)`` for mean.
    """
    if mode == "separate" or len(tokens) == 1:
        return tokens
    chosen = tokens[order] if order else tokens
    if mode == "mean":
        return chosen.mean(dim=0, keepdim=True)
    return torch.cat(list(chosen), dim=-1)[None]
