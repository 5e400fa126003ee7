"""Intensity windows: one linear scale per plate and channel, so that the amount of stain survives.

A window maps grey values to numbers in which 0 is the dark level of the channel and 1 a bright structure of it. It is
estimated over a whole plate and never over one image: a well in which a marker doubles must look twice as bright to
the model. The compression of the range (square root, asinh) belongs to the model that was trained with it and is done
there; what is done here is linear up to a wide clip.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

PREPROCESSING = "window-1"
"""Name and version of everything in this file that changes numbers; part of every backbone's spec."""

LOW_PERCENTILE = 1.0
HIGH_PERCENTILE = 99.9
CLIP = (-1.0, 10.0)
"""Range that windowed intensities are cut to: hot pixels end here, real structure hardly ever does."""

_EXACT_LEVELS = 1 << 16  # integers of up to 16 bits are counted one by one
_FLOAT_SHIFT = 12  # other values keep sign, exponent and 11 bits of mantissa: 0.05 % of their size
_ROWS_AT_A_TIME = 512  # bounds the memory of a 20,000 px slide


@dataclass(frozen=True)
class IntensityWindow:
    """Grey values that become 0 and 1.

    Parameters
    ----------
    low, high : float
        Grey values, ``low < high``.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.low) and np.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"An intensity window needs finite low < high, not {self.low} and {self.high}.")

    def to_json(self) -> dict[str, float]:
        """Plain dictionary."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> IntensityWindow:
        """Inverse of :meth:`to_json`."""
        return cls(**data)


class ValueHistogram:
    """Counts of grey values over any number of planes; merges in any order to the same counts.

    Integers of up to 16 bits are counted exactly. Other values are counted by their leading bits as float32, so that
    a percentile is right to 0.05 % of its size whatever the range. NaN and infinities are left out.
    """

    def __init__(self, dtype: npt.DTypeLike) -> None:
        self.dtype = np.dtype(dtype)
        self.exact = (self.dtype.kind in "ui" and self.dtype.itemsize <= 2) or self.dtype.kind == "b"
        self.counts = np.zeros(_EXACT_LEVELS if self.exact else 1 << (32 - _FLOAT_SHIFT), np.int64)

    def add(self, plane: npt.NDArray[Any]) -> None:
        """Count the values of one plane, any shape, of this histogram's dtype."""
        for start in range(0, len(plane), _ROWS_AT_A_TIME):
            keys = self._keys(plane[start : start + _ROWS_AT_A_TIME])
            self.counts += np.bincount(keys, minlength=len(self.counts))

    def values(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Grey values that occur, rising, and how often each does."""
        keys = np.flatnonzero(self.counts)
        if self.exact:
            levels = keys.astype(np.float64) - self._offset
        else:
            ordered = keys.astype(np.uint32) << _FLOAT_SHIFT
            bits = np.where(ordered & 0x80000000, ordered & 0x7FFFFFFF, ~ordered).astype(np.uint32)
            levels = bits.view(np.float32).astype(np.float64)
        return levels, self.counts[keys]

    @property
    def _offset(self) -> int:
        return 1 << 15 if self.dtype.kind == "i" else 0

    def _keys(self, plane: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        flat = plane.ravel()
        if self.exact:
            return flat.astype(np.int64) + self._offset
        with np.errstate(over="ignore"):
            single = flat.astype(np.float32)
        single = single[np.isfinite(single)] + np.float32(0.0)  # -0.0 and 0.0 are one value
        bits = single.view(np.uint32)
        # IEEE floats sort like integers once negative ones are turned around.
        ordered = np.where(bits & 0x80000000, ~bits, bits | 0x80000000).astype(np.uint32)
        return ((ordered + (1 << (_FLOAT_SHIFT - 1))) >> _FLOAT_SHIFT).astype(np.int64)  # to the nearest


class WindowEstimator:
    """Collects the planes of one channel of one plate and answers with its window."""

    def __init__(self) -> None:
        self._histogram: ValueHistogram | None = None
        self._grain: list[float] = []

    def add(self, plane: npt.NDArray[Any]) -> None:
        """Count one ``(Y, X)`` plane in grey values.

        Raises
        ------
        ValueError
            If planes of different pixel types are mixed: their grey values mean different things.
        """
        if self._histogram is None:
            self._histogram = ValueHistogram(plane.dtype)
        elif self._histogram.dtype != plane.dtype:
            raise ValueError(f"Planes of {self._histogram.dtype} and {plane.dtype} cannot share one window.")
        self._histogram.add(plane)
        self._grain.append(_grain(plane))

    def window(self) -> IntensityWindow:
        """Window of all planes so far.

        Low is the first percentile. High is the 99.9th, or higher where few pixels are bright: a channel that is
        99.99 % background still has its spots inside the window. High is never so close to low that plain camera
        noise would fill the window, so an empty channel stays dark.

        Raises
        ------
        ValueError
            If no finite value has been added.
        """
        if self._histogram is None or not self._histogram.counts.any():
            raise ValueError("An intensity window needs at least one finite pixel.")
        levels, counts = _without_padding(*self._histogram.values())
        low, dark_side, middle, high = _percentiles(levels, counts, (LOW_PERCENTILE, 15.87, 50.0, HIGH_PERCENTILE))
        spread = middle - dark_side  # sigma of the background where most of a plate is background
        bright = levels > middle + 8.0 * max(spread, self._noise())
        if counts[bright].sum() >= max(50, 1e-6 * counts.sum()):
            high = max(high, *_percentiles(levels[bright], counts[bright], (99.0,)))
        high = max(high, low + 10.0 * self._noise(), low + _least_width(low, self._histogram.dtype))
        return IntensityWindow(float(low), float(high))

    def _noise(self) -> float:
        """Standard deviation of pixel noise, grey values: the median over planes."""
        return float(np.median(self._grain)) if self._grain else 0.0


def estimate_windows(images: Iterable[npt.ArrayLike], rgb: bool = False) -> list[IntensityWindow]:
    """One window per channel over all fields given, to be used for the whole plate.

    Parameters
    ----------
    images : iterable of array, each ``(C, Y, X)``
        Fields of one plate, in grey values; taken one at a time. Include control wells.
    rgb : bool
        Colour images keep the fixed range of their pixel type (0..255, 0..65535, 0..1): white balance and exposure
        were set by the camera, and a percentile would undo the stain.

    Returns
    -------
    list of IntensityWindow
        In the order of the channels.

    Raises
    ------
    ValueError
        If there is no image, or the number of channels or the pixel type changes from one to the next.
    """
    estimators: list[WindowEstimator] = []
    for image in images:
        array = np.asarray(image)
        if array.ndim != 3:
            raise ValueError(f"An image has axes (C, Y, X), not {array.ndim} axes.")
        if rgb:
            return [dtype_window(array.dtype)] * len(array)
        estimators = estimators or [WindowEstimator() for _ in array]
        if len(estimators) != len(array):
            raise ValueError(f"Images of {len(estimators)} and of {len(array)} channels cannot share windows.")
        for estimator, plane in zip(estimators, array, strict=True):
            estimator.add(plane)
    if not estimators:
        raise ValueError("Intensity windows need at least one image.")
    return [estimator.window() for estimator in estimators]


def dtype_window(dtype: npt.DTypeLike) -> IntensityWindow:
    """Full range of a pixel type: its largest integer, or 0..1 for floats."""
    kind = np.dtype(dtype)
    return IntensityWindow(0.0, float(np.iinfo(kind).max) if kind.kind in "ui" else 1.0)


def apply_windows(image: npt.ArrayLike, windows: Sequence[IntensityWindow]) -> npt.NDArray[np.float32]:
    """Intensities in units of the window: 0 = low, 1 = high, cut at ``CLIP``; pixels that are no number become 0.

    Parameters
    ----------
    image : array, ``(C, Y, X)``
        Grey values.
    windows : sequence of IntensityWindow
        One per channel of the image.

    Returns
    -------
    numpy.ndarray, ``(C, Y, X)`` float32
    """
    array = np.asarray(image)
    if len(windows) != len(array):
        raise ValueError(f"{len(array)} channels need as many windows, not {len(windows)}.")
    result = np.empty(array.shape, np.float32)
    for plane, window, out in zip(array, windows, result, strict=True):
        # float64 for the difference: 32-bit integers and large offsets would lose their last digits in float32
        out[...] = (plane - np.float64(window.low)) / (window.high - window.low)
    if array.dtype.kind not in "uib":
        np.nan_to_num(result, copy=False, nan=0.0)
    return np.clip(result, *CLIP, out=result)


def _percentiles(
    levels: npt.NDArray[np.float64], counts: npt.NDArray[np.int64], percents: Sequence[float]
) -> list[float]:
    """Smallest value with at least that share of the pixels at or below it."""
    share = np.cumsum(counts) / counts.sum() * 100.0
    return [float(levels[min(int(np.searchsorted(share, p - 1e-9)), len(levels) - 1)]) for p in percents]


def _without_padding(
    levels: npt.NDArray[np.float64], counts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Leave out exact zeros where they are no measurement: stitched or rotated images are filled up with them.

    They are taken for padding when they are less than half of the pixels and lie far below everything else.
    """
    zero = int(np.searchsorted(levels, 0.0))
    if zero >= len(levels) - 1 or levels[zero] != 0.0 or counts[zero] > 0.5 * counts.sum():
        return levels, counts
    rest, weights = np.delete(levels, zero), np.delete(counts, zero)
    lowest, middle = _percentiles(rest, weights, (0.1, 50.0))
    gap_is_wide = lowest > 2.0 * (middle - lowest) and lowest > 10.0 * _level_step(rest)
    return (rest, weights) if gap_is_wide else (levels, counts)


def _level_step(levels: npt.NDArray[np.float64]) -> float:
    return float(np.median(np.diff(levels))) if len(levels) > 1 else 1.0


def _least_width(low: float, dtype: np.dtype[Any]) -> float:
    """Width of a window over a flat image: one grey level, or what float32 can tell apart."""
    if dtype.kind in "uib":
        return 1.0
    return max(1e-3 * abs(low), 1e-6)


def _grain(plane: npt.NDArray[Any]) -> float:
    """Pixel noise of a plane: spread of differences of pixels two apart (one apart is correlated by sharpening)."""
    values = np.asarray(plane[::2, :], np.float64) if plane.ndim == 2 else np.zeros((0, 0))
    if values.shape[0] == 0 or values.shape[1] < 3:
        return 0.0
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        steps = np.abs(values[:, 2:] - values[:, :-2])
    steps = steps[np.isfinite(steps)]
    return float(np.median(steps) / (0.6745 * np.sqrt(2.0))) if steps.size else 0.0
