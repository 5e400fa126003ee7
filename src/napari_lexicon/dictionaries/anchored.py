"""ICFL beside the principal directions of the controls.

Whitening makes every direction count alike, also the first ones, in which cells differ most: how bright, how filled.
No atom of ICFL comes to lie along them, and so no single feature says what one whitened PCA coordinate says. Here the
first principal directions, with both signs, are atoms from the start and stay; all others are learnt as in ICFL, on
what these leave over. The pursuit takes them like any others. Measured in docs/benchmarks/dictionaries.md.
"""

from __future__ import annotations

import torch

from napari_lexicon.dictionaries.icfl import IcflLearner
from napari_lexicon.dictionaries.learners import Gradients
from napari_lexicon.dictionaries.train_settings import TrainSettings

MOST_ANCHORS = 16


def n_anchors(features: int, directions: int) -> int:
    """Principal directions that are held: at most 16, an eighth of the features, and half of the directions."""
    return min(MOST_ANCHORS, features // 8, directions // 2)


class AnchoredIcfl(IcflLearner):
    """ICFL whose first atoms are principal directions, with both signs, and stay.

    Parameters
    ----------
    settings : TrainSettings
        Of the run.
    sample : torch.Tensor
        ``(S, dim_w)`` prepared training tokens, PCA-whitened: coordinate i is principal direction i.
    """

    def __init__(self, settings: TrainSettings, sample: torch.Tensor) -> None:
        super().__init__(settings, sample)
        held = n_anchors(settings.features, sample.shape[1])
        directions = torch.eye(sample.shape[1], device=sample.device)[:held]
        self._held = 2 * held
        self.parameters["atoms"][: self._held] = torch.cat([directions, -directions])

    def gradients(self, unit: torch.Tensor) -> Gradients:
        """As in ICFL, and 0 for the atoms that stay."""
        found = super().gradients(unit)
        found.by_parameter["atoms"][: self._held] = 0
        return found
