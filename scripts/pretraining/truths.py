"""What is true of every patch of a simulated field, seen through one of its channels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.ndimage import distance_transform_edt, gaussian_filter

from napari_lexicon.samples.field import RenderedField
from napari_lexicon.samples.markers import PAINTERS
from napari_lexicon.samples.phenotypes import PHENOTYPES

Array = npt.NDArray[np.float32]

AMOUNTS = ("nucleus", "cell", "cell_edge", "nucleus_edge", "crowd", "cell_size", "nucleus_size")
"""Regressed."""
STATES = ("dividing", "dead", "several_nuclei", *PHENOTYPES, "red_cell", "white_cell")
"""Parts of a patch, 0 to 1, covered by cells in that state, weighted by its strength."""
MARKERS = (*PAINTERS, "brightfield", "phase", "dic", "he", "ihc", "smear")
"""Which marker, contrast or stain the picture shows; the same for all patches."""


def truths(field: RenderedField, patch: int) -> dict[str, Array]:
    """Amounts and states of every patch.

    Returns
    -------
    dict of (Y / patch, X / patch) float32
    """
    cells, nuclei, table = field.cells, field.nuclei, field.table
    in_cell, in_nucleus = cells > 0, nuclei > 0
    result = {
        "nucleus": _pooled(in_nucleus, patch),
        "cell": _pooled(in_cell, patch),
        "cell_edge": _pooled(_edge_distance(cells), patch),
        "nucleus_edge": _pooled(_signed_log(_signed_distance(in_nucleus)), patch),
        "crowd": _crowd(field, patch),
    }
    covered = np.maximum(result["cell"], np.float32(1e-3))
    nucleus_area = np.bincount(nuclei.ravel(), minlength=len(table) + 1)[1:]
    for name, area in (("cell_size", table["area_px"].to_numpy()), ("nucleus_size", nucleus_area)):
        size = (np.log(np.maximum(area, 4.0)) / 2).astype(np.float32)  # log of a length
        result[name] = np.asarray(_pooled(_painted(cells, size), patch) / covered, np.float32)
    phenotype, strength = _column(table, "phenotype", "none"), _column(table, "strength", 0.0)
    states = {
        "dividing": _column(table, "cycle", "") == "M",
        "dead": _column(table, "dead", False),
        "several_nuclei": _column(table, "nuclei", 1) > 1,
        **{name: np.where(phenotype == name, strength, 0) for name in PHENOTYPES},
        "red_cell": _column(table, "kind", "") == "red",
        "white_cell": _column(table, "kind", "") == "white",
    }
    result.update({name: _pooled(_painted(cells, value), patch) for name, value in states.items()})
    return result


def _column(table: pd.DataFrame, name: str, default: object) -> npt.NDArray[Any]:
    """A column of the table of cells, or what holds for all where the look has no such column."""
    return table[name].to_numpy() if name in table else np.full(len(table), default)


def _painted(labels: npt.NDArray[np.int32], values: npt.NDArray[Any]) -> Array:
    """Value of its cell at every pixel, 0 on the ground."""
    return np.concatenate([np.zeros(1, np.float32), values.astype(np.float32)])[labels]


def _edge_distance(cells: npt.NDArray[np.int32]) -> Array:
    """Signed distance to the nearest outline; touching cells have an outline between them."""
    outline = np.zeros(cells.shape, bool)
    outline[:-1] |= cells[:-1] != cells[1:]
    outline[:, :-1] |= cells[:, :-1] != cells[:, 1:]
    if not outline.any():
        return np.full(cells.shape, _signed_log(np.array(64.0 if cells.any() else -64.0)), np.float32)
    distance = distance_transform_edt(~outline)
    return _signed_log(np.where(cells > 0, distance, -distance))


def _signed_distance(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    if not mask.any():
        return np.full(mask.shape, -64.0)
    inside: npt.NDArray[np.float64] = distance_transform_edt(mask)
    return np.asarray(inside - distance_transform_edt(~mask), np.float64)


def _signed_log(distance: npt.NDArray[np.float64]) -> Array:
    return (np.sign(distance) * np.log1p(np.abs(distance) / 4)).astype(np.float32)


def _crowd(field: RenderedField, patch: int) -> Array:
    """Logarithm of the number of cells in about a hundred pixels around."""
    height, width = field.cells.shape
    points = np.zeros((height, width), np.float32)
    table = field.table
    y = np.clip(np.nan_to_num(table["y_px"].to_numpy()), 0, height - 1)
    x = np.clip(np.nan_to_num(table["x_px"].to_numpy()), 0, width - 1)
    np.add.at(points, (y.astype(int), x.astype(int)), 1.0)
    return np.log1p(_pooled(gaussian_filter(points, 28.0, mode="reflect") * 100**2, patch))


def _pooled(values: npt.NDArray[np.generic], patch: int) -> Array:
    y, x = values.shape
    blocks = np.asarray(values, np.float32).reshape(y // patch, patch, x // patch, patch)
    return np.asarray(blocks.mean((1, 3)), np.float32)
