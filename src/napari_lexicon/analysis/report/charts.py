"""The figures of a report: volcano, heat map, dose curve, plate map, treatment layout, stains."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import leaves_list, linkage

from napari_lexicon.analysis.doses import hill
from napari_lexicon.analysis.report.drawing import (
    Axis,
    bottom_axis,
    box,
    cloud,
    dot,
    left_axis,
    line,
    number,
    percent,
    svg,
    text,
)
from napari_lexicon.plates.well_names import row_letters

_WIDE, _TALL = 320.0, 250.0  # of a small chart, pixels
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 10.0, 34.0, 40.0
_LABELLED = 4  # dots of a volcano that carry their name
_MOST_DOTS = 400
_LEAST_PART = 1e-3  # of patches, added to both sides of a ratio so that rare features do not run away
_STEEPEST = 12.0  # decades of p shown


def volcano(effects: pd.DataFrame, fdr: float, names: Mapping[int, str]) -> str:
    """One treatment: how much more often every feature fires, against how unlikely that is by chance.

    Parameters
    ----------
    effects : pandas.DataFrame
        Rows of one treatment, as of :func:`napari_lexicon.analysis.effects.treatment_effects`.
    fdr : float
        Rate up to which a difference is drawn in colour.
    names : mapping of int to str
        What each row is called.
    """
    treatment = str(effects["treatment"].iloc[0])
    size = np.log2((effects["treated"].to_numpy() + _LEAST_PART) / (effects["control"].to_numpy() + _LEAST_PART))
    height = np.minimum(-np.log10(effects["p"].to_numpy().clip(1e-300)), _STEEPEST)
    reach = max(1.5, float(np.nanmax(np.abs(size))) * 1.05)
    x = Axis(-reach, reach, _LEFT, _WIDE - _RIGHT)
    y = Axis(0, max(3.0, float(height.max()) * 1.06), _TALL - _BOTTOM, _TOP)
    called = (effects["q"] <= fdr).to_numpy()
    px, py = x(size.clip(-reach, reach)), y(height)
    parts = [
        left_axis(y, _LEFT, _WIDE - _RIGHT, "−log₁₀ p", [(v, number(v)) for v in y.ticks(4)]),
        bottom_axis(x, _TALL - _BOTTOM, "fires less often … more often (log₂)", [(v, number(v)) for v in x.ticks(6)]),
        line(float(x(0)), _TOP, float(x(0)), _TALL - _BOTTOM, "rule"),
        cloud(px[~called], py[~called]),
    ]
    order = np.flatnonzero(called)[np.argsort(-(np.abs(size) * height)[called], kind="stable")]
    for n in order[:_MOST_DOTS]:
        row = effects.iloc[n]
        said = f"{names[n]}: {percent(row['treated'])} against {percent(row['control'])}, g {row['effect']:.1f}"
        parts.append(dot(px[n], py[n], 3, "more" if size[n] > 0 else "less", said))
    if len(order) > _MOST_DOTS:
        rest = order[_MOST_DOTS:]
        for up, kind in ((True, "cloud more"), (False, "cloud less")):
            some = rest[(size[rest] > 0) == up]
            parts.append(cloud(px[some], py[some], kind))
    parts += _names_beside(order, px, py, names)
    title = f"{treatment}: {int(called.sum())} features"
    return svg(_WIDE, _TALL, parts, f"Volcano plot of {title}")


def _names_beside(order: np.ndarray, px: np.ndarray, py: np.ndarray, names: Mapping[int, str]) -> list[str]:
    """Names of the first dots that have room for one."""
    parts: list[str] = []
    taken: list[tuple[float, float, float]] = []
    for n in order[:40]:
        if len(parts) == _LABELLED:
            break
        words = names[n]
        wide = 6.9 * len(words)
        right = px[n] + 6 + wide < _WIDE - 4
        left = px[n] + 6 if right else px[n] - 6 - wide
        if left < _LEFT or any(abs(py[n] - y) < 13 and left < b and a < left + wide for a, b, y in taken):
            continue
        taken.append((left, left + wide, py[n]))
        parts.append(text(px[n] + (6 if right else -6), py[n] + 4, words, anchor="start" if right else "end"))
    return parts


def heat_map(values: np.ndarray, rows: Sequence[str], columns: Sequence[str], starred: np.ndarray, top: float) -> str:
    """Features by conditions, blue for less and red for more than in controls.

    Parameters
    ----------
    values : numpy.ndarray
        ``(rows, columns)``.
    rows, columns : sequence of str
        Their names.
    starred : numpy.ndarray
        ``(rows, columns)`` bool: cells that carry a dot (called at the false-discovery rate).
    top : float
        Value in full colour.
    """
    order_r, order_c = _neighbours(values), _neighbours(values.T)
    cell_w, cell_h = 30.0, 20.0
    left = 12 + 6.4 * max(len(name) for name in rows)
    head = 14 + 5.0 * max(len(name) for name in columns)
    overhang = 4.6 * max(len(name) for name in columns)
    width, height = left + cell_w * len(columns) + overhang, head + cell_h * len(rows) + 42
    parts = []
    for c, column in enumerate(order_c):
        parts.append(text(left + cell_w * (c + 0.5), head - 6, columns[column], turn=-45))
    for r, row in enumerate(order_r):
        y = head + cell_h * r
        parts.append(text(left - 6, y + 14, rows[row], anchor="end"))
        for c, column in enumerate(order_c):
            value = values[row, column]
            x = left + cell_w * c
            said = f"{rows[row]}, {columns[column]}: {value:+.1f}"
            strength = min(1.0, abs(float(value)) / top)
            parts.append(box(x, y, cell_w - 1, cell_h - 1, "cell", said=said))
            if strength > 0.03:
                kind = "more" if value > 0 else "less"
                parts.append(box(x, y, cell_w - 1, cell_h - 1, kind, opacity=strength, said=said))
            if starred[row, column]:
                parts.append(dot(x + cell_w / 2 - 0.5, y + cell_h / 2 - 0.5, 2, "ink", said))
    parts += _two_sided_key(left, head + cell_h * len(rows) + 12, top)
    return svg(width, height, parts, "Heat map of features by conditions", fixed=True)


def _neighbours(values: np.ndarray) -> np.ndarray:
    """Order in which rows that are alike lie side by side."""
    if len(values) < 3:
        return np.arange(len(values))
    return np.asarray(leaves_list(linkage(values, "average", optimal_ordering=True)))


def _two_sided_key(x: float, y: float, top: float) -> list[str]:
    steps = np.linspace(-1, 1, 21)
    parts = [box(x + 6 * n, y, 6, 9, "more" if s > 0 else "less", opacity=abs(s)) for n, s in enumerate(steps)]
    ends = ((0, f"−{number(top)}", "start"), (63, "0", "middle"), (126, f"+{number(top)}", "end"))
    return [*parts, *(text(x + at, y + 22, said, anchor=anchor, kind="t faint") for at, said, anchor in ends)]


def dose_curve(
    doses: np.ndarray, fires: np.ndarray, control: np.ndarray, fit: pd.Series | None, title: str, unit: str
) -> str:
    """One feature under one treatment: every well a dot, and the fitted curve.

    Parameters
    ----------
    doses, fires : numpy.ndarray
        ``(n,)`` dose and part of patches of the treated wells.
    control : numpy.ndarray
        ``(m,)`` parts of patches of the control wells, drawn at the left.
    fit : pandas.Series, optional
        Row of :func:`napari_lexicon.analysis.doses.dose_response`; no curve where None.
    title, unit : str
        For people.
    """
    logs = np.log10(doses)
    gap = 0.12 * max(1.0, float(np.ptp(logs)))
    left = float(logs.min()) - 3 * gap
    x = Axis(left - gap, float(logs.max()) + gap, _LEFT, _WIDE - _RIGHT)
    top = max(float(fires.max()), float(control.max(initial=0)), 1e-4)
    y = Axis(0, 100 * top * 1.08, _TALL - _BOTTOM, _TOP)
    shown = sorted(set(np.round(logs, 6)))
    every = max(1, -(-len(shown) // 5))
    ticks = [(left, "control"), *((v, number(10**v)) for v in shown[::-every][::-1])]
    parts = [
        left_axis(y, _LEFT, _WIDE - _RIGHT, "% of patches", [(v, number(v)) for v in y.ticks(4)]),
        bottom_axis(x, _TALL - _BOTTOM, f"dose ({unit})" if unit else "dose", ticks),
    ]
    if fit is not None and np.isfinite(fit["ec50"]) and np.isfinite(fit["top"]):
        along = np.linspace(float(logs.min()) - gap, float(logs.max()) + gap / 2, 60)
        part = hill(10**along, np.array(fit["ec50"]), np.array(fit["slope"]))
        curve = 100 * (fit["bottom"] + (fit["top"] - fit["bottom"]) * part)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x(along), y(curve.clip(0)), strict=True))
        parts.append(f'<polyline points="{points}" class="curve"/>')
    spread = np.linspace(-0.3, 0.3, max(1, len(control)))[np.argsort(np.argsort(control))] if len(control) > 1 else [0]
    parts += [
        dot(float(x(left + gap * s)), float(y(100 * v)), 3, "still") for s, v in zip(spread, control, strict=True)
    ]
    parts += [dot(float(x(a)), float(y(100 * v)), 3.4, "more") for a, v in zip(logs, fires, strict=True)]
    return svg(_WIDE, _TALL, parts, title)


def plate_map(wells: pd.DataFrame, values: np.ndarray, top: float, marked: np.ndarray, title: str) -> str:
    """One feature over the wells of one plate; control wells carry a ring.

    Parameters
    ----------
    wells : pandas.DataFrame
        ``row``, ``column`` (from 0) and ``well``.
    values : numpy.ndarray
        ``(W,)`` parts of patches.
    top : float
        Value in full colour.
    marked : numpy.ndarray
        ``(W,)`` bool.
    title : str
        For people.
    """
    grid = _PlateGrid.of(wells)
    cell, left, height, parts = grid.cell, grid.left, grid.height, grid.parts
    for (_, well), value, ring in zip(wells.iterrows(), values, marked, strict=True):
        x, y = grid.place(well)
        said = f"{well['well']}: {percent(float(value))}"
        parts.append(box(x, y, cell - 1, cell - 1, "cell", r=1.5))
        parts.append(
            box(x, y, cell - 1, cell - 1, "more", opacity=min(1, float(value) / max(top, 1e-9)), said=said, r=1.5)
        )
        if ring:
            parts.append(dot(x + (cell - 1) / 2, y + (cell - 1) / 2, max(1.5, cell / 7), "ink", said))
    steps = [box(left + 5 * n, height + 6, 5, 8, "more", opacity=n / 20) for n in range(21)]
    parts += [*steps, text(left, height + 27, "0", kind="t faint")]
    parts.append(text(left + 105, height + 27, percent(top), anchor="end", kind="t faint"))
    parts.append(dot(left + 130, height + 10, 2.5, "ink"))
    parts.append(text(left + 137, height + 14, "control well", kind="t faint"))
    return svg(_WIDE, height + 32, parts, title)


@dataclass(frozen=True)
class _PlateGrid:
    """Where wells are drawn: the part of the plate that has wells, with its letters and numbers."""

    cell: float
    row: int
    column: int
    height: float
    parts: list[str]

    left = 26.0
    head = 16.0

    @classmethod
    def of(cls, wells: pd.DataFrame) -> _PlateGrid:
        rows, columns = (range(int(wells[c].min()), int(wells[c].max()) + 1) for c in ("row", "column"))
        cell = min(34.0, (_WIDE - cls.left - 4) / len(columns))
        step_c, step_r = math.ceil(18 / cell), math.ceil(12 / cell)
        parts = [
            text(cls.left + cell * (n + 0.5), cls.head - 4, str(c + 1), anchor="middle", kind="t faint")
            for n, c in enumerate(columns)
            if n % step_c == 0
        ]
        parts += [
            text(cls.left - 4, cls.head + cell * (n + 0.5) + 4, row_letters(r), anchor="end", kind="t faint")
            for n, r in enumerate(rows)
            if n % step_r == 0
        ]
        return cls(cell, rows[0], columns[0], cls.head + cell * len(rows), parts)

    def place(self, well: pd.Series) -> tuple[float, float]:
        """Corner of a well."""
        x = self.left + self.cell * (well["column"] - self.column)
        return x, self.head + self.cell * (well["row"] - self.row)


def layout(wells: pd.DataFrame, labels: pd.Series, control: np.ndarray, color: Mapping[str, int]) -> str:
    """Which treatment is in which well."""
    grid = _PlateGrid.of(wells)
    cell, height, parts = grid.cell, grid.height, grid.parts
    for n, (_, well) in enumerate(wells.iterrows()):
        x, y = grid.place(well)
        label = labels.iloc[n]
        known = isinstance(label, str) or pd.notna(label)
        said = f"{well['well']}: {label if known else 'not known'}"
        kind = "still" if control[n] else f"c{color[str(label)]}" if known and str(label) in color else "cell"
        parts.append(box(x, y, cell - 1, cell - 1, kind, said=said, r=1.5))
    return svg(_WIDE, height + 4, parts, "Treatments over the wells of the plate")


def stains(rows: Sequence[str], names: Sequence[str], values: np.ndarray, low: np.ndarray, high: np.ndarray) -> str:
    """Correlation of features with stains.

    Parameters
    ----------
    rows, names : sequence of str
        Features and stains.
    values, low, high : numpy.ndarray
        ``(rows, stains)`` correlations with their 95 % intervals; NaN where there is none.
    """
    cell_w, cell_h = 52.0, 22.0
    left, head = 12 + 6.4 * max(len(row) for row in rows), 24.0
    parts = [text(left + cell_w * (c + 0.5), 15, name, anchor="middle") for c, name in enumerate(names)]
    for r, row in enumerate(rows):
        y = head + cell_h * r
        parts.append(text(left - 6, y + 15, row, anchor="end"))
        for c in range(len(names)):
            value, x = values[r, c], left + cell_w * c
            said = f"{row}, {names[c]}: r {value:+.2f} ({low[r, c]:+.2f} to {high[r, c]:+.2f})"
            parts.append(box(x, y, cell_w - 1, cell_h - 1, "cell"))
            if np.isfinite(value):
                kind = "more" if value > 0 else "less"
                parts.append(box(x, y, cell_w - 1, cell_h - 1, kind, opacity=min(0.75, abs(float(value)))))
                words = f"{value:+.2f}".replace("-", "−")
                parts.append(
                    text(x + cell_w / 2, y + 15, words, anchor="middle").replace(
                        "</text>", f"<title>{said}</title></text>"
                    )
                )
    return svg(
        left + cell_w * len(names) + 4, head + cell_h * len(rows) + 4, parts, "Correlation with stains", fixed=True
    )
