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


@dataclass(frozen=True)
class Heat:
    """Conditions by features: ``values (R, C)``, and in ``table (R, C)`` the row behind each cell, -1 for none."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: np.ndarray
    table: np.ndarray
    title: str


Figure = Points | Bars | Lines | Heat

VOLCANO, HEAT = "volcano", "heat map"
PICTURES, BARS = "pictures", "bars"
_HEAT_CONDITIONS, _HEAT_FEATURES = 24, 28

_SCATTERS = {
    "effects": ("effect", "q", "effect (standard deviations)"),
    "doses": ("rho", "q", "correlation with the dose"),
    "selectivity": ("selectivity", "q", "selectivity"),
    "responders": ("difference", "q", "more responding cells than in controls"),
}
_HEATS = {
    "effects": ("treatment", "effect", "effect, standard deviations"),
    "doses": ("treatment", "rho", "correlation with the dose"),
    "selectivity": ("value", "selectivity", "selectivity"),
    "responders": ("treatment", "difference", "more responding cells than in controls"),
}
_BARS = {
    "activity": ("treatment", "map", "mean average precision"),
    "probes": ("source", "balanced_accuracy", "balanced accuracy on wells not seen"),
    "counts": ("measurement", "rho", "correlation on wells not seen"),
    "transfer": ("treatment", "r", "correlation of effects"),
    "match": ("feature", "r", "correlation with its match"),
    "enrichment": ("group", "fold", "times as many called as by chance"),
}


def figures_of(question: str, table: pd.DataFrame, *, drawn: bool = False) -> list[str]:
    """Names of the figures that a table has, also of its picture where it is ``drawn``; none where there is one."""
    if drawn:
        return [PICTURES, BARS]
    many = question in _HEATS and table.get(_HEATS[question][0], pd.Series(dtype=object)).nunique() > 1
    return [VOLCANO, HEAT] if many else []


def figure_of(question: str, table: pd.DataFrame, kind: str | None = None) -> Figure | None:
    """The figure of a question's table; None where the table says all."""
    if table.empty:
        return None
    if kind == HEAT and question in _HEATS:
        return heat_of(table, *_HEATS[question])
    if question in _SCATTERS and {_SCATTERS[question][0], "q"} <= set(table.columns):
        across, rate, title = _SCATTERS[question]
        q = table[rate].to_numpy(dtype=float)
        height = np.minimum(-np.log10(np.clip(q, 1e-12, 1)), _STEEPEST)
        x = table[across].to_numpy(dtype=float)
        # a feature that never varies among controls lies a hundred standard deviations away, and would hide all others
        reach = max(1.0, 1.5 * float(np.nanpercentile(np.abs(x), 99)))
        return Points(x.clip(-reach, reach), height, q <= 0.05, title, "−log₁₀ false-discovery rate")
    if question == "confounds" and {"biology_beyond", "explained"} <= set(table.columns):
        marked = table["flagged"].to_numpy(dtype=bool)
        x, y = (table[name].to_numpy(dtype=float) for name in ("biology_beyond", "explained"))
        return Points(x, y, marked, "treatment adds", "explained by the nuisance")
    if question == "selective":
        level = table["selectivity"].to_numpy(dtype=float)
        return Lines(
            {
                "features here": (level, np.log10(table["features"].to_numpy(dtype=float) + 1)),
                "in one of twenty shuffles": (level, np.log10(table["chance_high"].to_numpy(dtype=float) + 1)),
            },
            "selectivity, at least",
            "features (log₁₀ of one more)",
        )
    if question == "meanings":
        marked = (table["source"] == "feature").to_numpy()
        x, y = (table[name].to_numpy(dtype=float) for name in ("strongest", "entropy"))
        return Points(x, y, marked, "strongest correlation (features in colour, dimensions grey)", "entropy")
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


def heat_of(table: pd.DataFrame, across: str, value: str, title: str) -> Heat:
    """The features that are most extreme anywhere, under the conditions that hold most of them.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per condition and feature: ``feature``, ``channel``, ``name``, ``q`` and the columns named.
    across, value : str
        Columns of the condition and of the value.
    title : str
        What the value is.
    """
    rows = table.assign(at=np.arange(len(table)))
    rows = rows.assign(key=rows["feature"].astype(str) + " " + rows["channel"].astype(str))
    sure = rows.assign(size=rows[value].abs()).sort_values(["q", "size"], ascending=[True, False], kind="stable")
    features = sure["key"].drop_duplicates().head(_HEAT_FEATURES).tolist()
    conditions = sure[across].astype(str).drop_duplicates().head(_HEAT_CONDITIONS).tolist()
    own = rows[rows["key"].isin(features)].assign(condition=rows[across].astype(str))
    values, at = (
        own.pivot_table(index="condition", columns="key", values=what, aggfunc="first").reindex(
            index=conditions, columns=features
        )
        for what in (value, "at")
    )
    about = own.drop_duplicates("key").set_index("key").loc[features]
    names = tuple(
        str(name) if channel == "all" else f"{name} {channel}"
        for name, channel in zip(about["name"], about["channel"], strict=True)
    )
    where = at.fillna(-1).to_numpy(dtype=np.int64)
    return Heat(tuple(conditions), names, values.to_numpy(dtype=float), where, title)
