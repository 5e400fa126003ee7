"""Small SVG drawings by hand: axes, marks and text in the colours of the page, which follow light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np


def svg(width: float, height: float, parts: Iterable[str], label: str, *, fixed: bool = False) -> str:
    """A drawing of a size in pixels that shrinks with the page, or keeps its size where ``fixed``."""
    style = f"width:{width:.0f}px;max-width:none" if fixed else f"width:100%;max-width:{width:.0f}px"
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" style="{style}" role="img" aria-label="{escape(label)}">'
        f"<title>{escape(label)}</title>{''.join(parts)}</svg>"
    )


def text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    kind: str = "t",
    turn: float = 0,
    size: float | None = None,
) -> str:
    """Words at a place; ``kind`` is a class of the page's style sheet."""
    turned = f' transform="rotate({turn:g} {x:.1f} {y:.1f})"' if turn else ""
    sized = f' style="font-size:{size:g}px"' if size else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}"{turned}{sized}>{escape(words)}</text>'


def line(x0: float, y0: float, x1: float, y1: float, kind: str = "axis") -> str:
    """A straight line."""
    return f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" class="{kind}"/>'


def dot(x: float, y: float, r: float, kind: str, said: str = "") -> str:
    """A filled circle with words that show when it is pointed at."""
    title = f"<title>{escape(said)}</title>" if said else ""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:g}" class="{kind}">{title}</circle>'


def box(x: float, y: float, w: float, h: float, kind: str, *, opacity: float = 1, said: str = "", r: float = 0) -> str:
    """A filled rectangle with words that show when it is pointed at."""
    title = f"<title>{escape(said)}</title>" if said else ""
    faint = f' fill-opacity="{opacity:.3f}"' if opacity < 1 else ""
    rounded = f' rx="{r:g}"' if r else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}"{rounded} class="{kind}"{faint}>{title}</rect>'
    )


def cloud(x: np.ndarray, y: np.ndarray, kind: str = "cloud", grid: float = 1.5) -> str:
    """Many dots as one path; dots that fall on each other are drawn once."""
    places = np.unique(np.stack([np.round(x / grid), np.round(y / grid)], axis=1), axis=0) * grid
    return f'<path class="{kind}" d="{"".join(f"M{a:g} {b:g}h0" for a, b in places)}"/>' if len(places) else ""


@dataclass(frozen=True)
class Axis:
    """From values to pixels.

    Parameters
    ----------
    low, high : float
        Values at the ends.
    start, end : float
        Pixels at the ends.
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: np.ndarray | float) -> np.ndarray:
        """Pixels of values."""
        part = (np.asarray(value, dtype=float) - self.low) / (self.high - self.low)
        return np.asarray(self.start + part * (self.end - self.start))

    def ticks(self, most: int = 5) -> list[float]:
        """Round values within the ends, about as many as asked."""
        span = self.high - self.low
        rough = span / max(most, 1)
        power = 10 ** np.floor(np.log10(rough))
        step = next((n * power for n in (1, 2, 2.5, 5, 10) if n * power >= rough), 10 * power)
        first = np.ceil(self.low / step - 1e-9)
        return [float(n * step) for n in np.arange(first, np.floor(self.high / step + 1e-9) + 1)]


def left_axis(axis: Axis, x: float, right: float, title: str, ticks: Sequence[tuple[float, str]]) -> str:
    """Faint lines across with numbers at their left, and the title above."""
    parts = [text(2, axis.end - 9, title, kind="t faint")]
    for value, said in ticks:
        y = float(axis(value))
        parts += [line(x, y, right, y, "rule"), text(x - 5, y + 4, said, anchor="end", kind="t faint")]
    return "".join(parts)


def bottom_axis(axis: Axis, y: float, title: str, ticks: Sequence[tuple[float, str]]) -> str:
    """Numbers beneath a line, and the title beneath them."""
    parts = [line(axis.start, y, axis.end, y)]
    parts += [text(float(axis(value)), y + 15, said, anchor="middle", kind="t faint") for value, said in ticks]
    parts.append(text((axis.start + axis.end) / 2, y + 31, title, anchor="middle", kind="t faint"))
    return "".join(parts)


def number(value: float) -> str:
    """A number with as many digits as a reader needs."""
    if not np.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e5 or size < 1e-3:
        return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("-", "−")
    shown = f"{value:.3g}" if size < 1000 else f"{value:.0f}"
    return shown.replace("-", "−")


def percent(part: float) -> str:
    """A part of a whole as per cent."""
    if not np.isfinite(part):
        return "–"
    value = 100 * part
    size = abs(value)
    return f"{value:.0f} %" if size >= 10 else f"{value:.1f} %" if size >= 0.095 or size == 0 else f"{value:.2f} %"


def chance(p: float, shuffles: int | None = None) -> str:
    """A p-value or false-discovery rate."""
    if not np.isfinite(p):
        return "–"
    return "&lt; 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.0995 else f"{p:.2f}"
