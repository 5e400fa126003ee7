"""Which figure goes with the table of a question. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

_MOST_BARS = 24
_STEEPEST = 12.0  # decades of q shown


@dataclass(frozen=True)
class Points:
    """Rows of the table as points; ``marked`` ones in colour."""

    x: np.ndarray
    y: np.ndarray
    marked: np.ndarray
    x_title: str
    y_title: str


@dataclass(frozen=True)
class Bars:
    """One bar per row of the table that is shown, with the row it stands for."""

    names: tuple[str, ...]
    values: np.ndarray
    rows: np.ndarray
    title: str
    chance: float | None = None


@dataclass(frozen=True)
class Lines:
    """Named lines over the layers of a network."""

    lines: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    x_title: str = ""
    y_title: str = ""


Figure = Points | Bars | Lines

_SCATTERS = {
    "effects": ("effect", "q", "effect (standard deviations)"),
    "doses": ("rho", "q", "correlation with the dose"),
    "selectivity": ("selectivity", "q", "selectivity"),
}
_BARS = {
    "activity": ("treatment", "map", "mean average precision"),
    "probes": ("source", "balanced_accuracy", "balanced accuracy on wells not seen"),
    "counts": ("measurement", "rho", "correlation on wells not seen"),
    "transfer": ("treatment", "r", "correlation of effects"),
}


def figure_of(question: str, table: pd.DataFrame) -> Figure | None:
    """The figure of a question's table; None where the table says all."""
    if table.empty:
        return None
    if question in _SCATTERS and {_SCATTERS[question][0], "q"} <= set(table.columns):
        across, rate, title = _SCATTERS[question]
        q = table[rate].to_numpy(dtype=float)
        height = np.minimum(-np.log10(np.clip(q, 1e-12, 1)), _STEEPEST)
        return Points(table[across].to_numpy(dtype=float), height, q <= 0.05, title, "−log₁₀ false-discovery rate")
    if question == "confounds" and {"biology_beyond", "explained"} <= set(table.columns):
        marked = table["flagged"].to_numpy(dtype=bool)
        x, y = (table[name].to_numpy(dtype=float) for name in ("biology_beyond", "explained"))
        return Points(x, y, marked, "treatment adds", "explained by the nuisance")
    if question == "depth":
        own = table[table["network"] == "model"]
        lines = {
            str(asked).removeprefix("Metadata_"): (rows["layer"].to_numpy() + 1.0, rows["score"].to_numpy(dtype=float))
            for asked, rows in own.groupby("asked", sort=False)
        }
        return Lines(lines, "layer", "told (accuracy or correlation)")
    if question == "edits":
        return Bars(
            tuple(f"{name} {edit}" for name, edit in zip(table["name"], table["edit"], strict=True))[:_MOST_BARS],
            table["moved"].to_numpy(dtype=float)[:_MOST_BARS],
            np.arange(min(len(table), _MOST_BARS)),
            "part of the way asked",
        )
    if question in _BARS and _BARS[question][1] in table:
        name, value, title = _BARS[question]
        shown = table.head(_MOST_BARS)
        chance = float(shown["chance"].iloc[0]) if "chance" in shown else None
        names = tuple(shown[name].astype(str))
        return Bars(names, shown[value].to_numpy(dtype=float), np.arange(len(shown)), title, chance)
    return None
