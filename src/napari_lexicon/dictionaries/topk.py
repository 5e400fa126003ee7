"""TopK sparse autoencoder with AuxK (Gao et al., Scaling and evaluating sparse autoencoders, arXiv 2406.04093)."""

from __future__ import annotations

import torch

from napari_lexicon.dictionaries.autoencoder import Autoencoder, auxiliary_loss, products, rebuilt
from napari_lexicon.dictionaries.codes import Codes
from napari_lexicon.dictionaries.pursuit import active_features


class TopK(Autoencoder):
    """The k largest products make the code."""

    def objective(
        self, unit: torch.Tensor, p: dict[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mean squared error, and AuxK for idle features."""
        scores = products(unit, p)
        best = scores.topk(self.k, dim=1)
        codes = Codes(best.indices, best.values.relu())
        error = unit - rebuilt(codes, p)
        squared = error.square().sum(dim=1).mean()
        auxiliary = auxiliary_loss(self._settings, scores, error, self.buffers["idle"], p["atoms"])
        return squared + auxiliary, squared, active_features(codes, self._settings.features)
