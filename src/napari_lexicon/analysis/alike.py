"""More like this: patches whose codes resemble one, and the features of a region."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from napari_lexicon.analysis.channels import sparse_codes
from napari_lexicon.lexicons import FieldCodes, LexiconPlate, WellStatistics


def similar_patches(
    codes: FieldCodes, query: Mapping[int, float], exclude: tuple[int, int] | None = None, n: int = 8
) -> list[tuple[float, int, int]]:
    """Patches of a field whose code is most like another: cosine, row and column, most alike first.

    The code of a patch is the sum of its values over channels, 0 where they are negative.

    Parameters
    ----------
    codes : FieldCodes
        Of the field.
    query : mapping of int to float
        Values by feature, above 0.
    exclude : (int, int), optional
        A patch that does not count, with those around it.
    n : int
        Patches to give, none beside another.
    """
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
    if exclude is not None:
        _hide(alike, *exclude)
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


def region_code(codes: FieldCodes, inside: np.ndarray) -> pd.DataFrame:
    """Features of a region, largest mean first.

    Parameters
    ----------
    codes : FieldCodes
        Of the field.
    inside : numpy.ndarray
        ``(gh, gw)`` bool: patches of the region.

    Returns
    -------
    pandas.DataFrame
        ``feature``, ``channel`` (of the plate), ``mean`` (value per patch of the region) and ``share`` (part of its
        patches in which the feature fires).
    """
    n = int(inside.sum())
    parts = []
    n_features = int(codes.indices.max(initial=0)) + 1
    rows = np.flatnonzero(inside.ravel())
    for g, channel in enumerate(codes.channels):
        own = sparse_codes(codes, g, n_features)[rows]
        mean = np.asarray(own.sum(axis=0)).ravel() / max(n, 1)
        share = np.bincount(own.indices[own.data > 0], minlength=n_features) / max(n, 1)
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
