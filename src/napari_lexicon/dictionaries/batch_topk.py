"""BatchTopK (Bussmann, Leask and Nanda, arXiv 2412.06410): the largest products of a whole batch share its budget.

A token may take more features than another. To code one token alone, a threshold takes the place of the batch: the
running mean of the smallest product that made it into a batch.
"""

from __future__ import annotations

import torch

from napari_lexicon.dictionaries import parallel
from napari_lexicon.dictionaries.autoencoder import Autoencoder, auxiliary_loss, products
from napari_lexicon.dictionaries.encoder import EncoderSettings
from napari_lexicon.dictionaries.linear import LinearMap
from napari_lexicon.dictionaries.train_settings import TrainSettings

_MEMORY = 0.99  # share of the threshold that a batch leaves in place
_LONGEST = 4  # a token may have up to so many times the features of the average one


class BatchTopK(Autoencoder):
    """The ``B * k`` largest products of a batch make its codes."""

    def __init__(self, settings: TrainSettings, sample: torch.Tensor) -> None:
        super().__init__(settings, sample)
        self.parameters["threshold"] = torch.zeros(1, device=sample.device)  # kept with the best, moved by no gradient

    def objective(
        self, unit: torch.Tensor, p: dict[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mean squared error, and AuxK for idle features."""
        scores = products(unit, p)
        least = parallel.kth_largest(scores.detach(), self.k).clamp_min(1e-9)
        codes = torch.where(scores >= least, scores, 0.0)
        first = bool(self.parameters["threshold"] == 0)
        self.parameters["threshold"].lerp_(least, 1.0 if first else 1 - _MEMORY)
        error = unit - codes @ p["atoms"] - p["bias"]
        squared = error.square().sum(dim=1).mean()
        auxiliary = auxiliary_loss(self._settings, scores, error, self.buffers["idle"], p["atoms"])
        return squared + auxiliary, squared, (codes > 0).any(dim=0)

    def encoder(self) -> EncoderSettings:
        """All products over the threshold."""
        longest = min(_LONGEST * self.k, self._settings.features)
        return EncoderSettings(kind="linear", active=longest, activation="threshold")

    def linear(self, parameters: dict[str, torch.Tensor] | None = None) -> LinearMap:
        """The encoder's matrix, and the threshold for every feature."""
        p = self.parameters if parameters is None else parameters
        return LinearMap(p["weight"], p["offset"], p["threshold"].expand(len(p["offset"])).contiguous())
