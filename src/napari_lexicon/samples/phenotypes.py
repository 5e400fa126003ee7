"""What treatments do to cells: each phenotype changes a few numbers of the cells that respond, by their strength."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable

    from .cells import Cells
    from .textures import Array

Mask = npt.NDArray[np.bool_]


def _mitotic_arrest(cells: Cells, who: Mask, s: Array, rng: np.random.Generator) -> None:
    """Rounded cells with condensed chromosomes; weakly: prophase-like nuclei in cells that begin to round."""
    cells.condensed[who] = np.clip(0.02 + s, 0, 1)
    cells.rounded[who] = np.clip(s**1.1, 0, 1)
    cells.cycle[who] = 3
    cells.figure[who] = (rng.random(len(s)) < 0.3).astype(np.int64)
    cells.dna[who] = 2.0
    cells.nuclei[who] = 1
    cells.dying[who] = 0


def _multinucleation(cells: Cells, who: Mask, s: Array, rng: np.random.Generator) -> None:
    """Several nuclei in a larger cell: two when weak, up to five."""
    count = np.round(1.3 + 3.0 * s + rng.uniform(-0.7, 0.7, len(s))).astype(np.int64)
    cells.nuclei[who] = np.clip(count, 2, 6)
    cells.dna[who] *= cells.nuclei[who] ** 0.75
    cells.radius[who] *= 1 + 0.4 * s
    cells.volume[who] *= 1 + 0.7 * s
    _rest(cells, who)


def _apoptosis(cells: Cells, who: Mask, s: Array, rng: np.random.Generator) -> None:
    """Shrunken, blebbing cells with dense, broken nuclei; weakly: a smaller cell with a smooth, denser nucleus."""
    _rest(cells, who)
    cells.dying[who] = np.clip(s, 0, 1)


def _nuclear_shrinkage(cells: Cells, who: Mask, s: Array, rng: np.random.Generator) -> None:
    """Small dense nuclei in cells that keep their size."""
    _rest(cells, who)
    cells.nucleus_radius[who] *= 1 - 0.42 * s
    cells.nucleus_aspect[who] = 1 + (cells.nucleus_aspect[who] - 1) * (1 - 0.5 * s)


def _mito_fragmentation(cells: Cells, who: Mask, s: Array, rng: np.random.Generator) -> None:
    """Tubules broken into dots."""
    _rest(cells, who)
    cells.mito_length[who] *= (1 - s) ** 1.5 + 0.04


def _stress_fibres(cells: Cells, who: Mask, s: Array, rng: np.random.Generator) -> None:
    """Parallel bundles of actin across flatter, wider cells."""
    _rest(cells, who)
    cells.fibres[who] += 2.6 * s
    cells.radius[who] *= 1 + 0.12 * s
    cells.spikiness[who] *= 1 + 0.5 * s
    cells.aspect[who] *= 1 + 0.25 * s


def _golgi_scatter(cells: Cells, who: Mask, s: Array, rng: np.random.Generator) -> None:
    """The ribbon beside the nucleus falls apart into stacks all over the cytoplasm."""
    _rest(cells, who)
    cells.golgi_scatter[who] = s


def _translocation(cells: Cells, who: Mask, s: Array, rng: np.random.Generator) -> None:
    """One marker moves from the cytoplasm into the nucleus."""
    _rest(cells, who)
    cells.translocated[who] = s


def _rest(cells: Cells, who: Mask) -> None:
    """Cells that divide or die by themselves would hide the phenotype: responders do neither."""
    cells.condensed[who] = 0
    cells.rounded[who] = 0
    cells.dying[who] = 0
    cells.cycle[who] = np.minimum(cells.cycle[who], 2)


_CHANGES: dict[str, Callable[[Cells, Mask, Array, np.random.Generator], None]] = {
    "mitotic_arrest": _mitotic_arrest,
    "multinucleation": _multinucleation,
    "apoptosis": _apoptosis,
    "nuclear_shrinkage": _nuclear_shrinkage,
    "mito_fragmentation": _mito_fragmentation,
    "stress_fibres": _stress_fibres,
    "golgi_scatter": _golgi_scatter,
    "translocation": _translocation,
}

PHENOTYPES: tuple[str, ...] = tuple(_CHANGES)
"""Names of the phenotypes that can be planted."""


def plant(cells: Cells, phenotype: str, strength: float, penetrance: float, rng: np.random.Generator) -> Array:
    """Let a part of the cells respond to a treatment; returns each cell's strength, 0 where it does not respond.

    Parameters
    ----------
    cells : Cells
        Changed in place.
    rng : numpy.random.Generator
        Draws who responds and how strongly.
    phenotype : str
        One of ``PHENOTYPES``.
    strength : float
        Mean strength of the cells that respond, 0 to 1.
    penetrance : float
        Part of the cells that respond, 0 to 1.
    """
    n = len(cells)
    # Always three draws per cell, so that a field keeps its cells when only the dose changes.
    responds = rng.random(n) < penetrance
    strengths = np.clip(strength * np.exp(0.12 * rng.standard_normal(n)), 0.0, 1.0).astype(np.float32)
    who = responds & (strengths > 0)
    _CHANGES[phenotype](cells, who, strengths[who], rng)
    return np.where(who, strengths, 0).astype(np.float32)
