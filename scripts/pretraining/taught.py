"""Directions that features are taught: what tells patches that have a property from those that have not.

One linear discriminant (Fisher 1936) of whitened tokens for each property, on simulated pictures of many looks. Beside
them ICFL learns what nobody taught it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from napari_lexicon.backbones import Backbone
from napari_lexicon.dictionaries.whitening import Whitening

from .properties import PROPERTIES, Patches, looked_at

TEACHING = 800_000
"""Seed of the pictures to learn from: others than those of the backbone, of the tokens, and of the names."""
_SHRINKAGE = 0.02


def taught_directions(seeing: Sequence[tuple[Backbone, Whitening]], count: int = 1200) -> list[dict[str, torch.Tensor]]:
    """For each backbone a unit direction ``(dim_w,)`` for each property that is taught."""
    taught = [name for name, wanted in PROPERTIES.items() if wanted.taught]
    return [{name: _discriminant(patches, name) for name in taught} for patches in looked_at(seeing, TEACHING, count)]


def _discriminant(patches: Patches, name: str) -> torch.Tensor:
    use, has = patches.asked(PROPERTIES[name])
    fitted = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=_SHRINKAGE, priors=[0.5, 0.5])
    direction = fitted.fit(patches.tokens[use], has[use]).coef_[0]
    return torch.from_numpy((direction / np.linalg.norm(direction)).astype(np.float32))
