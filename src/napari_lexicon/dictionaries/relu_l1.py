"""ReLU autoencoder with an L1 penalty, as used on pathology tokens (Le et al., arXiv 2407.10785).

The penalty decides how many features are active. It is steered here towards the number asked for, so that the
comparison with other algorithms is at equal sparsity without a search for the penalty.
"""

from __future__ import annotations

import torch

from napari_lexicon.dictionaries import parallel
from napari_lexicon.dictionaries.autoencoder import Autoencoder, products
from napari_lexicon.dictionaries.encoder import EncoderSettings
from napari_lexicon.dictionaries.train_settings import TrainSettings

_STEERING = 0.02  # relative change of the penalty per step and doubling of the number of active features
_LONGEST = 4  # a token may have up to so many times the features of the average one


class ReluL1(Autoencoder):
    """Every product over 0 is part of the code, and costs."""

    def __init__(self, settings: TrainSettings, sample: torch.Tensor) -> None:
        super().__init__(settings, sample)
        self.buffers["penalty"] = torch.full((1,), 0.01, device=sample.device)
        # Starting from few active features finds far more planted atoms than starting from half of all.
        self.parameters["offset"].fill_(-0.1)

    def objective(
        self, unit: torch.Tensor, p: dict[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mean squared error and the sum of the codes, times the penalty."""
        codes = products(unit, p).relu()
        squared = (unit - codes @ p["atoms"] - p["bias"]).square().sum(dim=1).mean()
        penalty = self.buffers["penalty"]
        count = parallel.mean((codes.detach() > 0).sum(dim=1).float().mean(), len(unit))
        loss = squared + (penalty.clone() * codes.sum(dim=1).mean()).squeeze()
        penalty.mul_(((count + 1e-3) / self.k).log2().clamp(-3, 3).mul(_STEERING).exp())
        return loss, squared, (codes.detach() > 0).any(dim=0)

    def encoder(self) -> EncoderSettings:
        """All products over 0."""
        longest = min(_LONGEST * self.k, self._settings.features)
        return EncoderSettings(kind="linear", active=longest, activation="threshold")
