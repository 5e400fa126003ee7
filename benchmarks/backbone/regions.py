"""Parts of a field to be described: whole fields, cells by their label, boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array


@dataclass(frozen=True, eq=False)
class Regions:
    """R parts of one field.

    Parameters
    ----------
    boxes : (R, 4) int
        Half-open top, left, bottom, right, pixels.
    labels : (Y, X) int, optional
        Label image in which region i is ``numbers[i]``; left out, a region is its box.
    numbers : (R,) int, optional
        Labels of the regions.
    """

    boxes: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int32] | None = None
    numbers: npt.NDArray[np.int64] | None = None

    def pixels(self, grid: tuple[int, int], patch: int) -> csr_array:
        """``(R, gh * gw)``: pixels of each region in each patch."""
        gh, gw = grid
        if self.labels is None or self.numbers is None:
            rows = [_box_pixels(box, grid, patch) for box in self.boxes]
            return csr_array(np.stack(rows)) if rows else csr_array((0, gh * gw))
        place = np.zeros(int(self.labels.max()) + 1, np.int64) - 1
        place[self.numbers] = np.arange(len(self.numbers))
        y, x = np.nonzero(self.labels)
        region = place[self.labels[y, x]]
        inside = region >= 0
        column = (y // patch) * gw + x // patch
        ones = np.ones(int(inside.sum()))
        counts: csr_array = csr_array((ones, (region[inside], column[inside])), shape=(len(self.numbers), gh * gw))
        return counts


def shares(pixels: csr_array) -> csr_array:
    """Share of each patch in the area of each region, from :meth:`Regions.pixels`; rows sum to 1."""
    total = np.maximum(pixels.sum(1), 1e-9)
    scaled: csr_array = csr_array(pixels.multiply(1 / total[:, None]))
    return scaled


def whole(shape: tuple[int, ...]) -> Regions:
    """The field as one region."""
    return Regions(np.array([[0, 0, shape[-2], shape[-1]]]))


def _box_pixels(box: npt.NDArray[np.int64], grid: tuple[int, int], patch: int) -> npt.NDArray[np.float64]:
    top, left, bottom, right = box
    rows = _overlap(grid[0], patch, int(top), int(bottom))
    columns = _overlap(grid[1], patch, int(left), int(right))
    return np.asarray(np.outer(rows, columns).ravel(), np.float64)


def _overlap(count: int, patch: int, start: int, stop: int) -> npt.NDArray[np.float64]:
    edges = np.arange(count) * patch
    return np.asarray(np.clip(np.minimum(edges + patch, stop) - np.maximum(edges, start), 0, None), np.float64)
