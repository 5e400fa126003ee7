"""Colours of the points of the feature map. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_lexicon.viewer.colors import ramp, rgb_of
from napari_lexicon.widgets.features.columns import Column, columns_of
from napari_lexicon.widgets.plate.coloring import (
    VIRIDIS,
    CategoryScale,
    NumberScale,
    category_coloring,
    number_coloring,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_lexicon.lexicons import FeatureNames
    from napari_lexicon.widgets.workspace.figures import Figures

OWN, NAMED = "own", "named"
_LOG = ("fires", "q")  # they span powers of ten


@dataclass(frozen=True)
class PointColors:
    """Colours of all features, and what explains them."""

    rgb: npt.NDArray[np.uint8]
    scale: NumberScale | CategoryScale | None


def choices(figures: Figures | None) -> list[tuple[str, str]]:
    """``(key, title)`` of what features can be coloured by."""
    columns: tuple[Column, ...] = () if figures is None else columns_of(figures)
    by_column = [(column.key, column.title) for column in columns if column.key != "name"]
    return [(OWN, "own colour"), *by_column, (NAMED, "named or not")]


def point_colors(
    key: str,
    figures: Figures,
    names: FeatureNames | None,
    color_of: Callable[[int], str],
    *,
    dark: bool,
    title: str = "",
) -> PointColors:
    """Colour every feature by its own colour, by a column of the table or by whether it has a name.

    Parameters
    ----------
    key : str
        Of :func:`choices`.
    figures : Figures
        Of the plate.
    names : FeatureNames, optional
        Given names.
    color_of : callable
        The one colour of a feature, ``"#RRGGBB"``.
    dark : bool
        The theme is dark: what has no value is drawn in a grey near the background.
    title : str
        What the legend says.
    """
    n = len(figures.table)
    rgb = np.full((n, 3), 82 if dark else 190, dtype=np.uint8)
    if key == OWN or (key != NAMED and key not in figures.table.columns):
        fires = figures.table["fires"].to_numpy() > 0
        for feature in np.flatnonzero(fires):
            rgb[feature] = rgb_of(color_of(int(feature)))
        return PointColors(rgb, None)
    if key == NAMED:
        given = [names is not None and names.get(feature) is not None for feature in range(n)]
        values = pd.Series(["named" if known else None for known in given])
    else:
        values = figures.table[key].reset_index(drop=True)
        values = values.where(figures.table["fires"].to_numpy() > 0)
    if pd.api.types.is_numeric_dtype(values):
        found = number_coloring(values, title or key, ramp(VIRIDIS), log=None if key in _LOG else False)
    else:
        found = category_coloring(values, title or key)
    for number, color in found.colors.items():
        rgb[int(number)] = color
    return PointColors(rgb, found.scale)
