"""From one value per well to colours and the scale that explains them. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_lexicon.viewer.colors import OKABE_ITO, RGB, from_oklab, ramp, rgb_of, to_oklab

if TYPE_CHECKING:
    from collections.abc import Mapping

VIRIDIS = ("#440154", "#443A83", "#31688E", "#21908C", "#35B779", "#8FD744", "#FDE725")
CONTROL_COLORS: Mapping[str, str] = {"negcon": "#8A8F98", "poscon": "#D55E00", "trt": "#56B4E9"}
CONTROL_WORDS: Mapping[str, str] = {"negcon": "negative control", "poscon": "positive control", "trt": "treatment"}
ABOUT_ZERO = ("#3B7FD9", "#9FB9D6", "#D8D8D8", "#E3B27A", "#D9691E")
"""Below and above, told apart by all eyes: blue and orange."""
MOST_CATEGORIES = 24


@dataclass(frozen=True)
class NumberScale:
    """A colour bar.

    Parameters
    ----------
    title : str
    low, high : float
        Values at the ends of the ramp.
    colors : numpy.ndarray
        ``(256, 3)`` uint8.
    log : bool
    clipped : (bool, bool)
        Whether wells lie below ``low`` or above ``high``.
    whole : (float, float)
        Smallest and largest value of all wells.
    """

    title: str
    low: float
    high: float
    colors: npt.NDArray[np.uint8]
    log: bool = False
    clipped: tuple[bool, bool] = (False, False)
    whole: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class CategoryScale:
    """A legend: label, colour and number of wells of each category."""

    title: str
    entries: tuple[tuple[str, RGB, int], ...]


@dataclass(frozen=True)
class WellColoring:
    """Colours of wells, what explains them, and each well's value in words."""

    colors: Mapping[str, RGB] = field(default_factory=dict)
    scale: NumberScale | CategoryScale | None = None
    words: Mapping[str, str] = field(default_factory=dict)


def column_title(column: str) -> str:
    """``"Metadata_cell_line"`` as people say it: ``"cell line"``; and what nobody says in words that they do."""
    if column == "Metadata_pert_type":
        return "control type"
    return column.removeprefix("Metadata_").replace("_", " ")


def spoken(value: object) -> str:
    """A plate-map value as text: numbers short, control types in words, nothing for what is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)) or value is pd.NA:
        return ""
    if isinstance(value, (float, np.floating)):
        return f"{value:.3g}"
    return CONTROL_WORDS.get(str(value), str(value))


def column_coloring(column: pd.Series) -> WellColoring:
    """Colour wells by a plate-map column: a ramp for numbers, one colour per value otherwise."""
    title = column_title(str(column.name))
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column) and column.nunique() > 6:
        return number_coloring(column, title, ramp(VIRIDIS), log=None)
    if pd.api.types.is_numeric_dtype(column) and 2 < column.nunique() <= 6:
        return _ordered_coloring(column, title)
    return category_coloring(column, title)


def number_coloring(
    values: pd.Series,
    title: str,
    colors: npt.NDArray[np.uint8],
    *,
    log: bool | None = False,
    from_zero: bool = False,
    about_zero: bool = False,
    limits: tuple[float, float] | None = None,
) -> WellColoring:
    """Colour wells by a number.

    Parameters
    ----------
    values : pandas.Series
        By well; NaN for wells without a value.
    title : str
        What the number is.
    colors : numpy.ndarray
        ``(256, 3)`` uint8.
    log : bool, optional
        None: where the values are positive and span more than a factor of 100.
    from_zero : bool
        The ramp starts at 0 whatever the smallest value.
    about_zero : bool
        The ramp's middle is 0 and its ends are equally far from it.
    limits : (float, float), optional
        Values at the ends of the ramp, where a person chose them.
    """
    known = values.astype(float).replace([np.inf, -np.inf], np.nan).dropna()
    if known.empty:
        return WellColoring(scale=None)
    positive = known[known > 0]
    if log is None:
        log = bool(len(positive)) and bool((known >= 0).all() and positive.max() / positive.min() > 100)
    scaled = known.clip(lower=positive.min()).to_numpy(np.float64) if log else known.to_numpy(np.float64)
    scaled = np.log10(scaled) if log else scaled
    whole = (float(known.min()), float(known.max()))
    if limits is not None and limits[1] > limits[0]:
        low, high = (float(np.log10(max(end, 1e-12))) if log else end for end in limits)
    elif about_zero:
        high = max(float(np.percentile(np.abs(scaled), 98)), 1e-9)
        low = -high
    else:
        low, high = _ends(np.asarray(scaled, dtype=np.float64), 0.0 if from_zero and not log else float(scaled.min()))
    clipped = (bool(scaled.min() < low - 1e-12), bool(scaled.max() > high + 1e-12))
    span = high - low if high > low else 1.0
    place = np.clip((scaled - low) / span, 0, 1)
    rgb = colors[np.rint(place * 255).astype(int)]
    ends = (10**low, 10**high) if log else (low, high)
    return WellColoring(
        {str(well): (int(r), int(g), int(b)) for well, (r, g, b) in zip(known.index, rgb, strict=True)},
        NumberScale(title, *ends, colors, bool(log), clipped, whole),
        {str(well): f"{title}: {value:.4g}" for well, value in known.items()},
    )


def _ends(scaled: npt.NDArray[np.float64], low: float) -> tuple[float, float]:
    """Ends of the ramp. One bright well must not paint all others black: then it is cut there, and that is said."""
    high, cut = float(scaled.max()), float(np.percentile(scaled, 98))
    clip = len(scaled) >= 24 and high - low > 2.5 * max(cut - low, 1e-12) and cut > low
    return low, cut if clip else high


def category_coloring(values: pd.Series, title: str) -> WellColoring:
    """Colour wells by a word; control types have colours of their own, the commonest words come first."""
    texts = values.map(spoken)
    texts = texts[texts != ""]
    counts = texts.value_counts()
    order = sorted(counts.index, key=lambda label: (-int(counts[label]), label))
    fixed = {CONTROL_WORDS[key]: rgb_of(color) for key, color in CONTROL_COLORS.items()}
    palette = _palette(sum(label not in fixed for label in order))
    free = iter(palette)
    rgb = {label: fixed[label] if label in fixed else next(free) for label in order}
    return WellColoring(
        {str(well): rgb[text] for well, text in texts.items()},
        CategoryScale(title, tuple((label, rgb[label], int(counts[label])) for label in order)),
        {str(well): f"{title}: {text}" for well, text in texts.items()},
    )


def _ordered_coloring(values: pd.Series, title: str) -> WellColoring:
    """A handful of numbers (doses, batches): one step of the ramp each, in their order."""
    levels = sorted(values.dropna().unique())
    steps = ramp(VIRIDIS, len(levels))
    rgb = {level: (int(r), int(g), int(b)) for level, (r, g, b) in zip(levels, steps, strict=True)}
    known = values.dropna()
    return WellColoring(
        {str(well): rgb[value] for well, value in known.items()},
        CategoryScale(title, tuple((spoken(float(v)), rgb[v], int((known == v).sum())) for v in levels)),
        {str(well): f"{title}: {spoken(float(value))}" for well, value in known.items()},
    )


def _palette(n: int) -> list[RGB]:
    """``n`` colours: those of Okabe and Ito, then lighter and darker rounds of them."""
    base = to_oklab([rgb_of(color) for color in OKABE_ITO[:7]])
    found: list[RGB] = []
    for turn in range(math.ceil(n / len(base)) or 1):
        shift = (0.0, 0.14, -0.16, 0.24, -0.26)[turn % 5]
        lab = base + np.array([shift, 0, 0])
        lab[:, 1:] *= 1 - 0.25 * (turn > 0)
        found += [(int(r), int(g), int(b)) for r, g, b in from_oklab(lab)]
    return found[:n]
