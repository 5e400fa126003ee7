"""Directions that features are taught: what tells patches or cells with a property from those without.

On simulated pictures of many looks: for each property of patches a linear discriminant (Fisher 1936) of whitened
tokens, for each trait of cells a ridge regression on cells with it, cells without it and the ground, one more for how
many nuclei there are, and for each thing that is measured in pixels one on every patch. They are added to what ICFL has
learnt before, so that what nobody taught stays as it was.
"""

from __future__ import annotations

import numpy as np
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge

from .pixel_measures import MEASURED, MeasuredPatches, measured_patches
from .properties import PROPERTIES, Patches, looked_at
from .whole_cells import COUNTED, TRAITS, CountedFields, Seeing, TraitCells, counted_fields, middle_of, trait_cells

TEACHING = 800_000
"""Seed of the pictures to learn from: others than those of the backbone, of the tokens, and of the names."""
_SHRINKAGE = 0.02
_RIDGE = 10.0
_FEWEST = 3
"""Cells of either kind that a plate must have to teach a trait."""
_CELL_SHRINKAGE = 0.05
_GROUND = 0.1
"""Weight of all ground beside that of all cells. More brings more of a map into cells, and tells cells apart less well
(docs/explanation/built-in-model.md)."""


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
    for directions, by_cells in zip(found, cell_directions(seeing, pictures), strict=True):
        directions.update(by_cells)
    for directions, fields in zip(found, counted_fields(seeing, TEACHING, max(20, pictures // 6)), strict=True):
        directions[COUNTED] = _of_counts(fields)
    for directions, measured in zip(found, measured_directions(seeing, pictures), strict=True):
        directions.update(measured)
    return found


def measured_directions(seeing: Seeing, pictures: int = 1200) -> list[dict[str, torch.Tensor]]:
    """The part of :func:`taught_directions` that is measured in pixels, on a third as many pictures."""
    seen = measured_patches(seeing, TEACHING, max(4, pictures // 3))
    return [{name: _of_amounts(patches, name) for name in MEASURED} for patches in seen]


def cell_directions(seeing: Seeing, pictures: int = 1200) -> list[dict[str, torch.Tensor]]:
    """The part of :func:`taught_directions` that whole cells teach."""
    found: list[dict[str, torch.Tensor]] = [{} for _ in seeing]
    for name in TRAITS:
        seen = trait_cells(seeing, name, TEACHING, max(4, pictures // 20), ground=True)
        for directions, cells in zip(found, seen, strict=True):
            directions[name] = direction_of_cells(cells)
    return found


def _of_patches(patches: Patches, name: str) -> torch.Tensor:
    use, has = patches.asked(PROPERTIES[name])
    return _discriminant(patches.tokens[use], has[use])


def direction_of_cells(cells: TraitCells) -> torch.Tensor:
    """High on cells with the trait and low on cells without, each beside the middle of its own plate, and on ground.

    Every plate weighs alike, and in it cells with the trait and without: a plate of small cells has many of them.
    """
    tokens, weight = np.zeros_like(cells.tokens), np.zeros(len(cells.has))
    for plate in np.unique(cells.plate):
        own = cells.plate == plate
        middle = middle_of(cells.tokens[own], cells.has[own])
        kinds = own & cells.has, own & ~cells.has
        if middle is None or min(kind.sum() for kind in kinds) < _FEWEST:
            continue
        tokens[own] = cells.tokens[own] - middle
        for kind in kinds:
            weight[kind] = 1 / kind.sum()
    seen = np.concatenate([tokens, cells.ground])
    aim = np.concatenate([np.where(cells.has, 0.5, -0.5), np.full(len(cells.ground), -0.5)])
    ground = np.full(len(cells.ground), _GROUND / max(1, len(cells.ground)))
    weight = np.concatenate([weight / weight.sum(), ground])
    alpha = _CELL_SHRINKAGE * float(weight @ np.square(seen).mean(axis=1))
    return _unit(Ridge(alpha, fit_intercept=False).fit(seen, aim, sample_weight=weight).coef_)


def _discriminant(tokens: np.ndarray, has: np.ndarray) -> torch.Tensor:
    fitted = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=_SHRINKAGE, priors=[0.5, 0.5]).fit(tokens, has)
    return _unit(fitted.coef_[0])


def _of_counts(fields: CountedFields) -> torch.Tensor:
    """Towards the root of the density, in which sparse and crowded fields weigh alike."""
    return _unit(Ridge(_RIDGE).fit(fields.tokens, np.sqrt(fields.density)).coef_)


def _of_amounts(patches: MeasuredPatches, name: str) -> torch.Tensor:
    """Towards patches with more of it; every picture weighs alike, however much of it is lit."""
    _, own, lit = np.unique(patches.picture, return_inverse=True, return_counts=True)
    fitted = Ridge(_RIDGE).fit(patches.tokens, patches.amounts[name], sample_weight=lit.mean() / lit[own])
    return _unit(fitted.coef_)


def _unit(direction: np.ndarray) -> torch.Tensor:
    return torch.from_numpy((direction / np.linalg.norm(direction)).astype(np.float32))
