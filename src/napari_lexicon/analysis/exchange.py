"""Shuffles that respect how wells hang together: blocks move as a whole, and only within their plate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Exchange:
    """Which rows may take each other's place.

    Parameters
    ----------
    blocks : numpy.ndarray
        ``(n,)`` numbers: rows that move together (fields of a well, wells of a plate).
    strata : numpy.ndarray
        ``(n,)`` numbers: blocks are exchanged within these only (plates).
    """

    blocks: np.ndarray
    strata: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, plates: np.ndarray, together: np.ndarray | None = None) -> Exchange:
        """The exchange that fits what is told.

        Parameters
        ----------
        values : numpy.ndarray
            ``(n,)`` what is told of every row.
        plates : numpy.ndarray
            ``(n,)``. Rows are exchanged within plates, so that what plates do to both sides is in the null as well;
            over all plates where every plate has one value, because nothing else could be shuffled.
        together : numpy.ndarray, optional
            ``(n,)`` what stays on one side of a split. Where it has one value throughout, it moves as one block.
        """
        values, plates = np.unique(values, return_inverse=True)[1], np.unique(plates, return_inverse=True)[1]
        single = np.arange(len(values))
        blocks = single if together is None else np.unique(together, return_inverse=True)[1]
        if together is None or not _constant(values, blocks):
            blocks = single
        varied = not _constant(values, plates) and _constant(plates, blocks)
        return cls(blocks, plates if varied else np.zeros(len(values), dtype=np.int64))

    def order(self, rng: np.random.Generator) -> np.ndarray:
        """``(n,)`` rows whose values every row takes over; larger blocks repeat the rows of smaller ones."""
        order = np.empty(len(self.blocks), dtype=np.int64)
        rows = _rows_of(self.blocks)
        home = np.array([self.strata[own[0]] for own in rows])
        for stratum in np.unique(home):
            own = np.flatnonzero(home == stratum)
            for target, source in zip(own, rng.permutation(own), strict=True):
                order[rows[target]] = np.resize(rows[source], len(rows[target]))
        return order


def _constant(values: np.ndarray, groups: np.ndarray) -> bool:
    """Whether every group has one value."""
    pairs = np.unique(np.stack([groups, values]), axis=1)
    return bool(pairs.shape[1] == len(np.unique(groups)))


def _rows_of(groups: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(groups, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(groups[order])) + 1)
