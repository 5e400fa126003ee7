"""The linear encoder of sparse autoencoders: one product with a matrix, and the largest results."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from napari_lexicon.dictionaries.codes import Codes
from napari_lexicon.dictionaries.encoder import EncoderSettings, rounds_within

_SCORED_AT_ONCE = 2**24  # numbers in the products of a block


@dataclass(frozen=True)
class LinearMap:
    """What a linear encoder has beside the atoms.

    Parameters
    ----------
    weight : torch.Tensor
        ``(M, dim_w)`` float32.
    offset : torch.Tensor
        ``(M,)`` float32, added to the products.
    threshold : torch.Tensor
        ``(M,)`` float32; with activation ``"threshold"`` only results over it count.
    """

    weight: torch.Tensor
    offset: torch.Tensor
    threshold: torch.Tensor

    def to(self, device: torch.device | str) -> LinearMap:
        """The same on ``device``."""
        return LinearMap(self.weight.to(device), self.offset.to(device), self.threshold.to(device))


class LinearEncoder:
    """Codes prepared tokens by one product.

    Parameters
    ----------
    settings : EncoderSettings
        Of kind ``"linear"``.
    linear : LinearMap
        The matrix and its offsets.
    """

    def __init__(self, settings: EncoderSettings, linear: LinearMap) -> None:
        self._settings = settings
        self._linear = linear

    def encode(self, unit: torch.Tensor, rounds: int | None = None, path: str | None = None) -> Codes:
        """Codes of prepared tokens, largest first: see :class:`Encoder`. There is one path only."""
        count = rounds_within(self._settings, rounds)
        block = max(64, _SCORED_AT_ONCE // max(len(self._linear.weight), 1))
        parts = [self._encode(chunk).head(count) for chunk in torch.split(unit, block)]
        return Codes(torch.cat([p.indices for p in parts]), torch.cat([p.values for p in parts]))

    def _encode(self, unit: torch.Tensor) -> Codes:
        count = self._settings.active
        products = torch.addmm(self._linear.offset, unit, self._linear.weight.T)
        if self._settings.activation == "magnitude":
            indices = products.abs().topk(count, dim=1).indices
            return Codes(indices, products.gather(1, indices))
        if self._settings.activation == "threshold":
            products = torch.where(products > self._linear.threshold, products, 0.0)
        best = products.topk(count, dim=1)
        return Codes(best.indices, best.values.clamp_min(0))
