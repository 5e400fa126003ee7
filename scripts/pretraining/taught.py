"""Directions that features are taught: what tells patches or cells with a property from those without.

One linear discriminant (Fisher 1936) of whitened tokens for each property of patches and each trait of cells, and a
ridge regression for how many nuclei there are, on simulated pictures of many looks. They are added to what ICFL has
learnt before, so that what nobody taught stays as it was.
"""

from __future__ import annotations

import numpy as np
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge

from .properties import PROPERTIES, Patches, looked_at
from .whole_cells import COUNTED, TRAITS, CountedFields, Seeing, TraitCells, counted_fields, trait_cells

TEACHING = 800_000
"""Seed of the pictures to learn from: others than those of the backbone, of the tokens, and of the names."""
_SHRINKAGE = 0.02
_RIDGE = 10.0


def taught_directions(seeing: Seeing, pictures: int = 1200) -> list[dict[str, torch.Tensor]]:
    """For each backbone a unit direction ``(dim_w,)`` for everything that is taught.

    Parameters
    ----------
    seeing : sequence of (Backbone, Whitening)
        Who looks at the pictures.
    pictures : int
        To learn properties of patches from; for every 20 of them each trait has a plate of its own, and for every 6
        there is one of sparse and crowded fields.
    """
    found: list[dict[str, torch.Tensor]] = [{} for _ in seeing]
    for directions, patches in zip(found, looked_at(seeing, TEACHING, pictures), strict=True):
        for name, wanted in PROPERTIES.items():
            if wanted.taught:
                directions[name] = _of_patches(patches, name)
    for name in TRAITS:
        for directions, cells in zip(found, trait_cells(seeing, name, TEACHING, max(4, pictures // 20)), strict=True):
            directions[name] = _of_cells(cells)
    for directions, fields in zip(found, counted_fields(seeing, TEACHING, max(20, pictures // 6)), strict=True):
        directions[COUNTED] = _of_counts(fields)
    return found


def _of_patches(patches: Patches, name: str) -> torch.Tensor:
    use, has = patches.asked(PROPERTIES[name])
    return _discriminant(patches.tokens[use], has[use])


def _of_cells(cells: TraitCells) -> torch.Tensor:
    """Each cell beside the middle of its own plate, half-way between cells with the trait and without."""
    tokens = cells.tokens.copy()
    for plate in np.unique(cells.plate):
        own = cells.plate == plate
        groups = [tokens[own & kind].mean(0) for kind in (cells.has, ~cells.has) if (own & kind).any()]
        tokens[own] -= np.mean(groups, axis=0)
    return _discriminant(tokens, cells.has)


def _discriminant(tokens: np.ndarray, has: np.ndarray) -> torch.Tensor:
    fitted = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=_SHRINKAGE, priors=[0.5, 0.5]).fit(tokens, has)
    return _unit(fitted.coef_[0])


def _of_counts(fields: CountedFields) -> torch.Tensor:
    """Towards the root of the density, in which sparse and crowded fields weigh alike."""
    return _unit(Ridge(_RIDGE).fit(fields.tokens, np.sqrt(fields.density)).coef_)


def _unit(direction: np.ndarray) -> torch.Tensor:
    return torch.from_numpy((direction / np.linalg.norm(direction)).astype(np.float32))
