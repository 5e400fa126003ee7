"""More like this: patches whose codes resemble one, and the features of a region."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
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
    order = promising_fields(plate, statistics, query)
    best: list[AlikePatch] = []
    for looked, number in enumerate(order, 1):
        codes = plate.codes(number)
        if codes is not None:
            own = exclude[1] if exclude is not None and exclude[0] == number else ()
            found = similar_patches(codes, query, own, PER_FIELD)
            best = heapq.nlargest(n, [*best, *(AlikePatch(cosine, number, gy, gx) for cosine, gy, gx in found)])
        yield Looked(looked, len(order), tuple(best))


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
    grid = codes.indices.shape[1:3]
    alike = cosine.reshape(grid)
    for place in exclude:
        _hide(alike, *place)
    found = []
    for _ in range(n):
        gy, gx = np.unravel_index(int(alike.argmax()), grid)
        if alike[gy, gx] <= 0:
            break
        found.append((float(alike[gy, gx]), int(gy), int(gx)))
        _hide(alike, int(gy), int(gx))
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
