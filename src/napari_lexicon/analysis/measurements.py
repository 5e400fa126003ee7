"""Plain measurements of fields and wells: brightness, sharpness, nuclei. What features are held against.

They are what a microscopist would look at first. A feature that says no more than these is not worth a name.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import ndimage

from napari_lexicon.analysis.nuclear_channel import nuclei_channel
from napari_lexicon.analysis.reading import ReadField
from napari_lexicon.analysis.segmentation import NUCLEUS_PX, NUCLEUS_UM, segmented_nuclei

BRIGHTNESS, SHARPNESS, NUCLEI = "brightness", "sharpness", "nuclei"
_SMALL_NUCLEUS_PX = 9.0  # nuclei are counted on pictures in which they are not larger than this


def field_measurements(field: ReadField, planes: np.ndarray | None = None, *, nuclei: bool = True) -> dict[str, float]:
    """Measurements of one field opened with its pixels.

    Parameters
    ----------
    field : ReadField
        With its pixels.
    planes : numpy.ndarray, optional
        ``field.windowed``, where it is at hand.
    nuclei : bool
        Count nuclei as well, in the channel whose name says that it is a nuclear stain.

    Returns
    -------
    dict of str to float
        ``brightness:CHANNEL`` (mean, in units of the plate's intensity window), ``sharpness:CHANNEL`` (logarithm of the
        variance of the Laplacian over the variance: falls out of focus) and ``nuclei`` (count).
    """
    planes = field.windowed if planes is None else planes
    names = [field.plate.header.channels[c].name for c in field.header.channels]
    found: dict[str, float] = {}
    for name, plane in zip(names, planes, strict=True):
        found[f"{BRIGHTNESS}:{name}"] = float(plane.mean(dtype=np.float64))
        found[f"{SHARPNESS}:{name}"] = _sharpness(plane)
    if nuclei:
        found[NUCLEI] = float(_count(field, planes[nuclei_channel(names)]))
    return found


def _sharpness(plane: np.ndarray) -> float:
    variance = float(plane.var(dtype=np.float64))
    edges = float(ndimage.laplace(plane).var(dtype=np.float64))
    return float(np.log(max(edges, 1e-12) / max(variance, 1e-12)))


def _count(field: ReadField, plane: np.ndarray) -> int:
    pixel = field.header.pixel_size_um
    diameter = NUCLEUS_UM / pixel[1] if pixel else NUCLEUS_PX
    step = max(1, int(diameter / _SMALL_NUCLEUS_PX))
    small = plane[: plane.shape[0] // step * step, : plane.shape[1] // step * step]
    small = small.reshape(small.shape[0] // step, step, small.shape[1] // step, step).mean(axis=(1, 3))
    return int(segmented_nuclei(small, diameter / step).max(initial=0))


class WellMeasurements:
    """Means of field measurements over wells, gathered field by field."""

    def __init__(self) -> None:
        self._sums: dict[tuple[str, str], dict[str, list[float]]] = {}

    def add(self, field: ReadField, measured: dict[str, float]) -> None:
        """Add the measurements of a field."""
        well = self._sums.setdefault((field.plate.header.name, field.header.well), {})
        for name, value in measured.items():
            well.setdefault(name, []).append(value)

    def table(self, wells: pd.DataFrame) -> pd.DataFrame:
        """One row per row of ``wells`` (columns ``plate`` and ``well``), NaN where no field was measured."""
        keys = zip(wells["plate"], wells["well"], strict=True)
        rows = [{name: float(np.mean(v)) for name, v in self._sums.get(key, {}).items()} for key in keys]
        return pd.DataFrame(rows, index=wells.index)


Measured = Callable[[ReadField], dict[str, float]]
"""From a field to named numbers."""


def of_channel(measured: pd.DataFrame, channel: str) -> pd.DataFrame:
    """Brightness and sharpness of one channel (their means over channels for ``"all"``), and the nuclei."""
    columns = {}
    for kind in (BRIGHTNESS, SHARPNESS):
        own = [c for c in measured.columns if c == f"{kind}:{channel}"] or [
            c for c in measured.columns if c.startswith(f"{kind}:")
        ]
        if own:
            columns[kind] = measured[own].mean(axis=1)
    if NUCLEI in measured:
        columns[NUCLEI] = measured[NUCLEI]
    return pd.DataFrame(columns, index=measured.index)
