"""Question 8: features of single cells, from the codes of a field and a label image of its cells.

A cell does not end where a patch ends. Every patch counts for a cell by the part of it that lies inside the cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from napari_lexicon.errors import LexiconError
from napari_lexicon.lexicons import FieldCodes


class LabelsError(LexiconError):
    """A label image does not belong to the field it is used with."""


@dataclass(frozen=True)
class CellOverlap:
    """Which patches a cell covers, and how much of each.

    Parameters
    ----------
    cells : numpy.ndarray
        ``(n,)`` labels, rising, 0 left out.
    area_px : numpy.ndarray
        ``(n,)`` int64, pixels of each cell.
    pixels : scipy.sparse.csr_matrix
        ``(n, gh * gw)`` pixels of each cell in each patch, patches row by row.
    patch : int
        Side of a patch, pixels.
    """

    cells: np.ndarray
    area_px: np.ndarray
    pixels: sparse.csr_matrix
    patch: int


def cell_overlap(labels: np.ndarray, grid: tuple[int, int], patch: int) -> CellOverlap:
    """Pixels of every cell in every patch.

    Parameters
    ----------
    labels : numpy.ndarray
        ``(Y, X)`` integers, 0 for background; numbers may have gaps.
    grid : tuple of int
        ``(gh, gw)`` patches of the field.
    patch : int
        Side of a patch, pixels.

    Raises
    ------
    LabelsError
        If the image is of another size than the field.
    """
    height, width = labels.shape
    if (-(-height // patch), -(-width // patch)) != tuple(grid):
        raise LabelsError(
            f"The label image has {height} × {width} pixels and the field {grid[0]} × {grid[1]} patches of {patch}: "
            "give labels of the same field at full resolution."
        )
    y, x = np.nonzero(labels)
    cells, row = np.unique(labels[y, x], return_inverse=True)
    place = (y // patch) * grid[1] + x // patch
    shape = (len(cells), grid[0] * grid[1])
    pixels = sparse.coo_matrix((np.ones(len(y)), (row, place)), shape).tocsr()  # equal places add up
    return CellOverlap(cells.astype(np.int64), np.asarray(pixels.sum(axis=1)).ravel().astype(np.int64), pixels, patch)


@dataclass(frozen=True)
class CellFeatures:
    """Features of the cells of one field.

    Parameters
    ----------
    cells : pandas.DataFrame
        n rows, indexed by ``cell`` (label): ``area_px``, ``y_px`` and ``x_px`` (centre of its patches' shares).
    features : numpy.ndarray
        ``(F,)`` feature numbers of the columns.
    channels : tuple of int
        Channels of the plate, one per group.
    mean : numpy.ndarray
        ``(n, G, F)`` float32, mean value over the area of the cell.
    strongest : numpy.ndarray
        ``(n, G, F)`` float32, largest value over the patches that the cell covers.
    """

    cells: pd.DataFrame
    features: np.ndarray
    channels: tuple[int, ...]
    mean: np.ndarray
    strongest: np.ndarray

    def table(self, statistic: str = "mean", channel: int | None = None) -> pd.DataFrame:
        """Cells × features.

        Parameters
        ----------
        statistic : {"mean", "strongest"}
            Area-weighted mean, or largest value.
        channel : int, optional
            One channel of the plate; over all channels the mean of means, or the largest, where None.
        """
        values = self.mean if statistic == "mean" else self.strongest
        if channel is not None:
            values = values[:, [self.channels.index(channel)]]
        flat = values.mean(axis=1) if statistic == "mean" else values.max(axis=1)
        return pd.DataFrame(flat, index=self.cells.index, columns=pd.Index(self.features, name="feature"))


def cell_features(
    codes: FieldCodes,
    labels: np.ndarray,
    patch: int,
    *,
    features: Sequence[int] | None = None,
    n_features: int | None = None,
    picks: int | None = None,
    least_overlap: float = 0.25,
) -> CellFeatures:
    """Features of every cell of a field.

    Parameters
    ----------
    codes : FieldCodes
        Codes of the field; values of a feature that stands twice in a token add up.
    labels : numpy.ndarray
        ``(Y, X)`` integers, 0 for background.
    patch : int
        Side of a patch, pixels.
    features : sequence of int, optional
        Which features; all where None, and then ``n_features`` says how many there are.
    n_features : int, optional
        M; the largest feature in the codes where None.
    picks : int, optional
        Use the first ``picks`` picks of the pursuit only.
    least_overlap : float
        Part of a patch that a cell must cover for the patch to count for ``strongest``. The patch that a cell covers
        most counts always, so that small cells are not lost.

    Raises
    ------
    LabelsError
        If the label image is of another size than the field.
    """
    grid = (codes.indices.shape[1], codes.indices.shape[2])
    overlap = cell_overlap(labels, grid, patch)
    wanted = np.arange(n_features or int(codes.indices.max()) + 1) if features is None else np.asarray(features)
    groups = [_merged(codes, g, wanted, picks) for g in range(len(codes.channels))]
    share = sparse.csr_matrix(sparse.diags(1 / np.maximum(overlap.area_px, 1)) @ overlap.pixels)
    mean = np.stack([(share @ values).toarray() for values in groups], axis=1)
    strongest = np.stack([_strongest(overlap, values, least_overlap) for values in groups], axis=1)
    return CellFeatures(_described(overlap, grid, share), wanted, codes.channels, mean.astype(np.float32), strongest)


def _merged(codes: FieldCodes, group: int, wanted: np.ndarray, picks: int | None) -> sparse.csr_matrix:
    """``(gh * gw, F)`` merged values of the wanted features, cut off below 0."""
    indices = codes.indices[group, ..., :picks].astype(np.int64)
    k = indices.shape[-1]
    column = np.full(max(int(indices.max(initial=0)), int(wanted.max(initial=0))) + 1, -1)
    column[wanted] = np.arange(len(wanted))
    tokens = indices.size // k
    place = np.repeat(np.arange(tokens), k)
    flat = column[indices.reshape(-1)]
    chosen = flat >= 0
    values = codes.values[group, ..., :picks].reshape(-1)[chosen].astype(np.float32)
    merged = sparse.coo_matrix((values, (place[chosen], flat[chosen])), (tokens, len(wanted))).tocsr()
    merged.data = merged.data.clip(min=0)
    return merged


def _strongest(overlap: CellOverlap, values: sparse.csr_matrix, least: float) -> np.ndarray:
    """``(n, F)`` largest value over the patches that count for each cell."""
    result = np.zeros((len(overlap.cells), values.shape[1]), np.float32)
    pixels = overlap.pixels
    for c in range(len(overlap.cells)):
        own = slice(pixels.indptr[c], pixels.indptr[c + 1])
        shares = pixels.data[own]
        counts = (shares >= least * overlap.patch**2) | (shares == shares.max())
        result[c] = values[pixels.indices[own][counts]].max(axis=0).toarray()[0]
    return result


def _described(overlap: CellOverlap, grid: tuple[int, int], share: sparse.csr_matrix) -> pd.DataFrame:
    rows, columns = np.divmod(np.arange(grid[0] * grid[1]), grid[1])
    return pd.DataFrame(
        {
            "area_px": overlap.area_px,
            "y_px": share @ ((rows + 0.5) * overlap.patch),
            "x_px": share @ ((columns + 0.5) * overlap.patch),
        },
        index=pd.Index(overlap.cells, name="cell"),
    )


def mean_in_cells(maps: np.ndarray, labels: np.ndarray, patch: int) -> np.ndarray:
    """Mean of several maps over the area of every cell.

    Parameters
    ----------
    maps : numpy.ndarray
        ``(G, F, gh, gw)``, values of either sign.
    labels : numpy.ndarray
        ``(Y, X)`` integers, 0 for background.
    patch : int
        Side of a patch, pixels.

    Returns
    -------
    numpy.ndarray
        ``(n, G, F)`` float32, cells by rising label.
    """
    overlap = cell_overlap(labels, (maps.shape[2], maps.shape[3]), patch)
    summed = overlap.pixels @ maps.reshape(-1, maps.shape[2] * maps.shape[3]).T.astype(np.float64)
    mean = summed / np.maximum(overlap.area_px, 1)[:, None]
    return np.asarray(mean.reshape(-1, *maps.shape[:2]), dtype=np.float32)


def map_per_cell(values: np.ndarray, labels: np.ndarray, patch: int) -> pd.DataFrame:
    """One activation map over the cells of its field.

    Parameters
    ----------
    values : numpy.ndarray
        ``(gh, gw)``, for example of :func:`napari_lexicon.analysis.maps.activation_map`.
    labels : numpy.ndarray
        ``(Y, X)`` integers, 0 for background.
    patch : int
        Side of a patch, pixels.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``cell``: ``area_px``, ``mean`` (over the area), ``strongest`` (over patches covered by a quarter).
    """
    overlap = cell_overlap(labels, (values.shape[0], values.shape[1]), patch)
    flat = sparse.csr_matrix(values.reshape(-1, 1).astype(np.float32))
    mean = (overlap.pixels @ flat).toarray().ravel() / np.maximum(overlap.area_px, 1)
    return pd.DataFrame(
        {"area_px": overlap.area_px, "mean": mean, "strongest": _strongest(overlap, flat, 0.25)[:, 0]},
        index=pd.Index(overlap.cells, name="cell"),
    )


def auroc(values: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of every column by itself.

    Parameters
    ----------
    values : numpy.ndarray
        ``(n, F)``, cells or wells × features.
    truth : numpy.ndarray
        ``(n,)`` bool.

    Returns
    -------
    numpy.ndarray
        ``(F,)``: the chance that a true row has the larger value, ties counting half; NaN where all rows are alike.
    """
    from scipy.stats import rankdata  # loading it takes a second, and reading cells does not need it

    truth = np.asarray(truth, dtype=bool)
    positive, negative = int(truth.sum()), int((~truth).sum())
    if not positive or not negative:
        return np.full(values.shape[1], np.nan)
    ranks = rankdata(np.asarray(values, np.float64), axis=0)
    return np.asarray((ranks[truth].sum(axis=0) - positive * (positive + 1) / 2) / (positive * negative))


def best_features_per_cell(
    values: np.ndarray, truth: np.ndarray, wells: np.ndarray, *, n: int = 5, seed: int = 0
) -> pd.DataFrame:
    """The features that tell two kinds of cells apart, chosen in one half of the wells and scored in the other.

    Parameters
    ----------
    values : numpy.ndarray
        ``(cells, F)``.
    truth : numpy.ndarray
        ``(cells,)`` bool.
    wells : numpy.ndarray
        ``(cells,)`` well of each cell: cells of one well stay on one side.
    n : int
        How many.
    seed : int
        Of the split.

    Returns
    -------
    pandas.DataFrame
        Best first: ``column``, ``auroc_chosen`` (where it was chosen, flattering), ``auroc`` (elsewhere), and the
        cells and wells behind the latter, ``n_cells``, ``n_wells``. Features that are lower in true cells score above
        0.5 as well, with ``sign`` -1.

    Raises
    ------
    LabelsError
        If either half of the wells lacks one of the two kinds.
    """
    names = np.random.default_rng(seed).permutation(np.unique(wells))
    chosen = np.isin(wells, names[: len(names) // 2])
    for half in (chosen, ~chosen):
        if len(np.unique(truth[half])) < 2:
            raise LabelsError(
                f"{len(names)} wells are too few to choose features in one half and score them in the other, with both "
                "kinds of cells in each: take more wells."
            )
    first = auroc(values[chosen], truth[chosen])
    sign = np.where(first >= 0.5, 1, -1)
    order = np.argsort(-np.abs(first - 0.5), kind="stable")[:n]
    second = auroc(values[~chosen][:, order], truth[~chosen])
    flip = sign[order]
    return pd.DataFrame(
        {
            "column": order,
            "sign": flip,
            "auroc_chosen": np.where(flip > 0, first[order], 1 - first[order]),
            "auroc": np.where(flip > 0, second, 1 - second),
            "n_cells": int((~chosen).sum()),
            "n_wells": len(np.unique(wells[~chosen])),
        }
    )
