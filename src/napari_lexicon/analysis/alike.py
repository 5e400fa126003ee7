"""More like this: patches whose codes resemble one, and the features of a region."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from napari_lexicon.analysis.channels import sparse_codes
from napari_lexicon.lexicons import FieldCodes, LexiconPlate, WellStatistics


@dataclass(frozen=True, order=True)
class AlikePatch:
    """A patch of the plate and how alike its code is: cosine, number of the field, place on its grid."""

    cosine: float
    field: int
    gy: int
    gx: int


@dataclass(frozen=True)
class Looked:
    """How far a search over a plate is.

    Parameters
    ----------
    fields, of : int
        Fields looked through, and finished fields in all.
    best : tuple of AlikePatch
        The most alike so far, best first.
    """

    fields: int
    of: int
    best: tuple[AlikePatch, ...]


_LEADING = 8  # features by which fields are put in order
PER_FIELD = 3
"""Patches of one field among the most alike of a plate: more would be the same cells again."""


def alike_over_plate(
    plate: LexiconPlate,
    statistics: WellStatistics,
    query: Mapping[int, float],
    exclude: tuple[int, Sequence[tuple[int, int]]] | None = None,
    n: int = 24,
) -> Iterator[Looked]:
    """Look for the patches of a plate whose codes are most like one, field by field.

    Fields of wells in which the features of ``query`` are strong come first, so that a search that is cut short has
    most likely found what there is.

    Parameters
    ----------
    plate : LexiconPlate
        With finished fields.
    statistics : WellStatistics
        Of the plate.
    query : mapping of int to float
        Values by feature, above 0; as from :func:`patch_code`.
    exclude : (int, sequence of (int, int)), optional
        Field, and rows and columns of the patches that are asked about: they do not count, nor do those beside them.
    n : int
        Patches to give, at most :data:`PER_FIELD` of a field.

    Yields
    ------
    Looked
        After every field.
    """
    hidden = {} if exclude is None else {exclude[0]: exclude[1]}
    order = promising_fields(plate, statistics, query)
    yield from _searched(plate, order, n, lambda codes, own: similar_patches(codes, query, own, PER_FIELD), hidden)


def along_over_plate(
    plate: LexiconPlate,
    statistics: WellStatistics,
    weights: np.ndarray,
    channel: int | None = None,
    exclude: Mapping[int, Sequence[tuple[int, int]]] | None = None,
    n: int = 24,
) -> Iterator[Looked]:
    """Look for the patches of a plate that lie farthest along a direction as far as their codes say it.

    The images are not read again: a token is taken for the sum of its features' directions. That is near enough to
    propose places (``benchmarks/quality/judged.py``), and not to measure them.

    Parameters
    ----------
    plate, statistics, n
        As in :func:`alike_over_plate`; :attr:`AlikePatch.cosine` is that with the direction.
    weights : numpy.ndarray
        ``(M,)``: how far one unit of every feature lies along the direction.
    channel : int, optional
        Channel of the plate; the largest value over the channels where None.
    exclude : mapping, optional
        Rows and columns of patches that do not count, by the number of their field.

    Yields
    ------
    Looked
        After every field.
    """
    leading = np.argsort(-weights)[:_LEADING]
    order = promising_fields(plate, statistics, {int(m): float(weights[m]) for m in leading})
    yield from _searched(plate, order, n, lambda codes, own: _farthest(codes, weights, channel, own), exclude or {})


def _searched(
    plate: LexiconPlate,
    order: Sequence[int],
    n: int,
    of_field: Callable[[FieldCodes, Sequence[tuple[int, int]]], list[tuple[float, int, int]]],
    exclude: Mapping[int, Sequence[tuple[int, int]]],
) -> Iterator[Looked]:
    """The best patches of field after field."""
    best: list[AlikePatch] = []
    for looked, number in enumerate(order, 1):
        codes = plate.codes(number)
        if codes is not None:
            found = of_field(codes, exclude.get(number, ()))
            best = heapq.nlargest(n, [*best, *(AlikePatch(value, number, gy, gx) for value, gy, gx in found)])
        yield Looked(looked, len(order), tuple(best))


def _farthest(
    codes: FieldCodes, weights: np.ndarray, channel: int | None, exclude: Sequence[tuple[int, int]]
) -> list[tuple[float, int, int]]:
    """Patches of a field that lie farthest along a direction: how far, row and column."""
    if channel is not None and channel not in codes.channels:
        return []
    groups = slice(None) if channel is None else [codes.channels.index(channel)]
    values = codes.values[groups].astype(np.float32)
    along = (values * weights[codes.indices[groups]]).sum(axis=-1).max(axis=0)
    return _peaks(along, exclude, PER_FIELD)


def similar_patches(
    codes: FieldCodes, query: Mapping[int, float], exclude: Sequence[tuple[int, int]] = (), n: int = 8
) -> list[tuple[float, int, int]]:
    """Patches of a field whose code is most like another: cosine, row and column, most alike first.

    The code of a patch is the sum of its values over channels, 0 where they are negative.

    Parameters
    ----------
    codes : FieldCodes
        Of the field.
    query : mapping of int to float
        Values by feature, above 0; where there are none, nothing is alike.
    exclude : sequence of (int, int)
        Patches that do not count, with those around them.
    n : int
        Patches to give, none beside another.
    """
    if not query:
        return []
    n_features = max(int(codes.indices.max(initial=0)), *query) + 1
    summed = sparse_codes(codes, 0, n_features)
    for g in range(1, len(codes.channels)):
        summed = summed + sparse_codes(codes, g, n_features)
    wanted = np.zeros(n_features)
    wanted[list(query)] = list(query.values())
    norms = np.sqrt(np.asarray(summed.multiply(summed).sum(axis=1)).ravel())
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = np.where(norms > 0, (summed @ wanted) / norms, 0) / np.linalg.norm(wanted)
    return _peaks(cosine.reshape(codes.indices.shape[1:3]), exclude, n)


def _peaks(values: np.ndarray, exclude: Sequence[tuple[int, int]], n: int) -> list[tuple[float, int, int]]:
    """The largest values above 0, none beside another: value, row and column. What is given is written over."""
    for place in exclude:
        _hide(values, *place)
    found = []
    for _ in range(n):
        gy, gx = np.unravel_index(int(values.argmax()), values.shape)
        if values[gy, gx] <= 0:
            break
        found.append((float(values[gy, gx]), int(gy), int(gx)))
        _hide(values, int(gy), int(gx))
    return found


def _hide(alike: np.ndarray, gy: int, gx: int) -> None:
    alike[max(gy - 1, 0) : gy + 2, max(gx - 1, 0) : gx + 2] = -1


def patch_code(codes: FieldCodes, gy: int, gx: int) -> dict[int, float]:
    """Values above 0 of one patch by feature, summed over channels."""
    found: dict[int, float] = {}
    for g in range(len(codes.channels)):
        mine: dict[int, float] = {}
        for feature, value in zip(codes.indices[g, gy, gx], codes.values[g, gy, gx], strict=True):
            mine[int(feature)] = mine.get(int(feature), 0.0) + float(value)
        for feature, value in mine.items():
            if value > 0:
                found[feature] = found.get(feature, 0.0) + value
    return found


def patch_weights(rows: np.ndarray, columns: np.ndarray, patch: int, grid: tuple[int, int]) -> np.ndarray:
    """How much of every patch a region covers.

    Parameters
    ----------
    rows, columns : numpy.ndarray
        Pixels of the region; those beside the grid do not count.
    patch : int
        Pixels.
    grid : (int, int)
        Patches down and across.

    Returns
    -------
    numpy.ndarray
        ``grid`` float64, 0 to 1.
    """
    gy, gx = np.asarray(rows) // patch, np.asarray(columns) // patch
    inside = (gy >= 0) & (gy < grid[0]) & (gx >= 0) & (gx < grid[1])
    counted = np.bincount(gy[inside] * grid[1] + gx[inside], minlength=grid[0] * grid[1])
    return counted.reshape(grid) / patch**2


def region_code(codes: FieldCodes, weights: np.ndarray) -> pd.DataFrame:
    """Features of a region, largest mean first.

    Parameters
    ----------
    codes : FieldCodes
        Of the field.
    weights : numpy.ndarray
        ``(gh, gw)``: how much of every patch belongs to the region, as from :func:`patch_weights`; or bool.

    Returns
    -------
    pandas.DataFrame
        ``feature``, ``channel`` (of the plate), ``mean`` (value over the region's area) and ``share`` (part of its
        area in which the feature fires).
    """
    parts = []
    n_features = int(codes.indices.max(initial=0)) + 1
    flat = np.asarray(weights, dtype=np.float64).ravel()
    rows = np.flatnonzero(flat)
    weight = flat[rows] / max(flat.sum(), 1e-12)
    for g, channel in enumerate(codes.channels):
        own = sparse_codes(codes, g, n_features)[rows]
        mean = np.asarray(own.T @ weight).ravel()
        share = np.asarray((own > 0).T @ weight).ravel()
        fires = np.flatnonzero(mean > 0)
        parts.append(pd.DataFrame({"feature": fires, "channel": channel, "mean": mean[fires], "share": share[fires]}))
    found: pd.DataFrame = pd.concat(parts).sort_values("mean", ascending=False, kind="stable", ignore_index=True)
    return found


def promising_fields(plate: LexiconPlate, statistics: WellStatistics, query: Mapping[int, float]) -> list[int]:
    """Finished fields, those of the wells first in which the features of a patch are strong."""
    features = np.fromiter(query, dtype=np.int64)
    weights = np.fromiter(query.values(), dtype=np.float64)
    strong = statistics.strongest[:, :, features].max(axis=1) @ weights
    rank = {well: float(score) for well, score in zip(statistics.wells, strong, strict=True)}
    numbers = [number for number in range(len(plate.fields)) if plate.mark("codes", number) is not None]
    return sorted(numbers, key=lambda number: -rank.get(plate.fields[number].well, 0.0))
