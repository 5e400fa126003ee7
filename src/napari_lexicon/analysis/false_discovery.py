"""False-discovery rates: Benjamini and Hochberg's from p-values, and the plug-in one from a permutation null."""

from __future__ import annotations

import numpy as np


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """Adjusted p-values (q): the smallest false-discovery rate at which each test would be called.

    Parameters
    ----------
    p : numpy.ndarray
        p-values of any shape, taken as one family; NaN stands for a test that was not made.

    Returns
    -------
    numpy.ndarray
        The same shape.

    References
    ----------
    Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995) 289-300.
    """
    flat = np.asarray(p, dtype=float).ravel()
    made = np.flatnonzero(np.isfinite(flat))
    order = made[np.argsort(flat[made], kind="stable")]
    scaled = flat[order] * len(order) / np.arange(1, len(order) + 1)
    q = np.full(flat.shape, np.nan)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    return q.reshape(np.shape(p))


class NullTail:
    """How often a statistic exceeds each level by chance, gathered over permutations in fixed memory.

    The statistic must be on one scale for all tests of the family (standardised). Counts are kept on a grid of
    ``1 / steps`` from 0 to ``top``; a level counts everything at or above its cell, so rounding errs on the side of
    chance.

    References
    ----------
    Tusher, Tibshirani and Chu, PNAS 98 (2001) 5116-5121: the expected number of false calls at a threshold is the
    mean number of permuted statistics above it.
    """

    def __init__(self, steps: int = 128, top: float = 64.0):
        self._steps, self._last = steps, int(steps * top)
        self._counts = np.zeros(self._last + 1, dtype=np.int64)
        self.permutations = 0

    def add(self, statistics: np.ndarray, permutations: int = 1) -> None:
        """Count the statistics of some permutations; what is at or below 0 is left out."""
        cells = self._cells(statistics[statistics > 0])
        self._counts += np.bincount(cells, minlength=self._last + 1)
        self.permutations += permutations

    def _cells(self, statistics: np.ndarray) -> np.ndarray:
        return np.asarray(np.minimum(statistics * self._steps, self._last), dtype=np.int64)

    def q(self, observed: np.ndarray) -> np.ndarray:
        """False-discovery rate when everything at least as extreme as each observed statistic is called.

        Parameters
        ----------
        observed : numpy.ndarray
            Statistics of the same family, any shape; NaN stands for a test that was not made.

        Returns
        -------
        numpy.ndarray
            The same shape, 1 for statistics at or below 0.
        """
        flat = np.asarray(observed, dtype=float).ravel()
        q = np.where(np.isfinite(flat), 1.0, np.nan)
        above = np.flatnonzero(flat > 0)
        if above.size == 0:
            return q.reshape(np.shape(observed))
        order = above[np.argsort(-flat[above], kind="stable")]
        at_or_above = np.cumsum(self._counts[::-1])[::-1]
        by_chance = (at_or_above[self._cells(flat[order])] + 1) / self.permutations
        # ties are called together, so each counts all of its equals
        called = len(order) - np.searchsorted(flat[order][::-1], flat[order], side="left")
        rate = by_chance / called
        q[order] = np.minimum(np.minimum.accumulate(rate[::-1])[::-1], 1)
        return q.reshape(np.shape(observed))
