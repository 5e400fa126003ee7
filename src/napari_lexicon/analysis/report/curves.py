"""Figures of the questions beside treatments: how many features are selective, and bars with their chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from napari_lexicon.analysis.report.drawing import Axis, bottom_axis, box, dot, left_axis, line, number, svg, text

_WIDE, _TALL = 460.0, 250.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 50.0, 14.0, 30.0, 42.0
_BAR, _NAMES, _LETTER = 24.0, 170.0, 6.3


def selective_features(distribution: pd.DataFrame) -> str:
    """How many features reach each selectivity, and how many would by chance, on a logarithmic scale.

    Parameters
    ----------
    distribution : pandas.DataFrame
        Of :class:`napari_lexicon.analysis.selectivity.Selectivity`.
    """
    level = distribution["selectivity"].to_numpy()
    counts = distribution["features"].to_numpy(dtype=float)
    high = distribution["chance_high"].to_numpy(dtype=float)
    last = max(int(np.flatnonzero(counts >= 1).max(initial=0)), int(np.flatnonzero(high >= 1).max(initial=0)), 5)
    x = Axis(0, float(level[min(last + 1, len(level) - 1)]), _LEFT, _WIDE - _RIGHT)
    decades = int(np.ceil(np.log10(max(counts.max(), 10))))
    y = Axis(0, decades, _TALL - _BOTTOM, _TOP)
    parts = [
        left_axis(y, _LEFT, _WIDE - _RIGHT, "features", [(d, f"{10**d:,}") for d in range(decades + 1)]),
        bottom_axis(x, _TALL - _BOTTOM, "selectivity, at least", [(v, number(v)) for v in x.ticks(6)]),
    ]
    for values, style in ((high, "stroke:var(--still);stroke-dasharray:4 3"), (counts, "stroke:var(--more)")):
        use = np.flatnonzero((values >= 1) & (level <= x.high))
        if len(use):
            along = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x(level[use]), y(np.log10(values[use])), strict=True))
            parts.append(f'<polyline points="{along}" style="fill:none;stroke-width:2;{style}"/>')
    return svg(_WIDE, _TALL, parts, "Features by their best selectivity")


def bars_with_chance(
    names: Sequence[str],
    values: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    chance: np.ndarray,
    title: str,
    *,
    least: float = 0.0,
) -> str:
    """Horizontal bars with their spread; a short line marks what chance reaches.

    Parameters
    ----------
    names : sequence of str
        Of the n bars, top to bottom.
    values, low, high, chance : numpy.ndarray
        ``(n,)``.
    title : str
        What the scale is.
    least : float
        Where it begins.
    """
    left = max(_NAMES, 12 + _LETTER * max(len(name) for name in names))
    x = Axis(least, 1.0, left, _WIDE - _RIGHT)
    bottom = 8 + _BAR * len(names)
    parts = [
        "".join(line(float(x(v)), 4, float(x(v)), bottom, "rule") for v in x.ticks(5)),
        bottom_axis(x, bottom, title, [(v, number(v)) for v in x.ticks(5)]),
    ]
    for n, name in enumerate(names):
        top = 6 + _BAR * n
        value = float(np.clip(values[n], least, 1))
        said = f"{name}: {values[n]:.2f} ({low[n]:.2f} to {high[n]:.2f}), chance up to {chance[n]:.2f}"
        over = values[n] > chance[n]
        parts.append(text(left - 8, top + 14, name, anchor="end"))
        wide = float(x(value)) - left
        parts.append(box(left, top + 3, wide, _BAR - 9, "more" if over else "still", opacity=0.8, said=said, r=1.5))
        ends = [float(x(np.clip(v, least, 1))) for v in (low[n], high[n])]
        parts.append(line(ends[0], top + _BAR / 2 - 1, ends[1], top + _BAR / 2 - 1, "axis"))
        parts += [dot(end, top + _BAR / 2 - 1, 1.6, "ink", said) for end in ends]
        if np.isfinite(chance[n]):
            at = float(x(np.clip(chance[n], least, 1)))
            parts.append(
                f'<line x1="{at:.1f}" y1="{top:.1f}" x2="{at:.1f}" y2="{top + _BAR - 3:.1f}" '
                'style="stroke:var(--ink);stroke-width:2"/>'
            )
    return svg(_WIDE, bottom + 36, parts, title)
