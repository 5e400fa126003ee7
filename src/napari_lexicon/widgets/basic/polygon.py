"""Which points lie inside a line drawn by hand. No Qt."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def inside_polygon(points: npt.ArrayLike, corners: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Points inside a closed line, by the even-odd rule: what the line goes round twice is outside again.

    Parameters
    ----------
    points : array_like
        ``(n, 2)``.
    corners : array_like
        ``(m, 2)``; the last is joined to the first. Fewer than three hold nothing.

    Returns
    -------
    numpy.ndarray
        ``(n,)`` bool.
    """
    xy, line = np.asarray(points, dtype=float).reshape(-1, 2), np.asarray(corners, dtype=float).reshape(-1, 2)
    inside = np.zeros(len(xy), dtype=bool)
    if len(line) < 3:
        return inside
    x, y = xy[:, 0], xy[:, 1]
    for (x1, y1), (x2, y2) in zip(line, np.roll(line, -1, axis=0), strict=True):
        if y1 == y2:
            continue
        crosses = (y1 > y) != (y2 > y)
        inside ^= crosses & (x < x1 + (y - y1) * (x2 - x1) / (y2 - y1))
    return inside


def round_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """At most ``most`` round numbers between two numbers, evenly spaced."""
    if not (np.isfinite(low) and np.isfinite(high)) or high <= low:
        return []
    rough = (high - low) / most
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]
