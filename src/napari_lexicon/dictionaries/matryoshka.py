"""Matryoshka TopK (Bussmann et al., Learning multi-level features, arXiv 2503.17547): nested dictionaries in one.

The first atoms alone have to rebuild the tokens as well, so that general features come first and are not split up.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from napari_lexicon.dictionaries.autoencoder import Autoencoder, auxiliary_loss, products
from napari_lexicon.dictionaries.codes import Codes
from napari_lexicon.dictionaries.pursuit import active_features

_NESTED = (16, 8, 4, 2, 1)  # the nested dictionaries hold the first M / 16, M / 8, ... atoms


class Matryoshka(Autoencoder):
    """TopK whose error is averaged over nested dictionaries."""

    def objective(
        self, unit: torch.Tensor, p: dict[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Squared error averaged over the nested dictionaries, and AuxK for idle features."""
        scores = products(unit, p)
        best = scores.topk(self.k, dim=1)
        codes = Codes(best.indices, best.values.relu())
        total, squared, error = scores.new_zeros(()), scores.new_zeros(()), unit
        for share in _NESTED:
            inside = codes.indices < len(p["atoms"]) // share
            part = torch.where(inside, codes.values, 0.0)
            guess = F.embedding_bag(codes.indices, p["atoms"], per_sample_weights=part, mode="sum") + p["bias"]
            error = unit - guess
            squared = error.square().sum(dim=1).mean()
            total = total + squared / len(_NESTED)
        auxiliary = auxiliary_loss(self._settings, scores, error, self.buffers["idle"], p["atoms"])
        return total + auxiliary, squared, active_features(codes, self._settings.features)
