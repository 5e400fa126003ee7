"""Classical morphology of wells: what anybody measures with scikit-image, and with cp_measure where it is installed.

Shape of nuclei, intensity and texture of every channel in them and around them, and how channels go together. It is the
baseline that features have to beat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec

import numpy as np
import pandas as pd
from skimage.measure import regionprops_table
from skimage.segmentation import expand_labels

from napari_lexicon.analysis.measurements import BRIGHTNESS, SHARPNESS, field_measurements
from napari_lexicon.analysis.nuclear_channel import nuclei_channel
from napari_lexicon.analysis.reading import ReadField
from napari_lexicon.analysis.segmentation import NUCLEUS_PX, NUCLEUS_UM, segmented_nuclei

MORPHOLOGY, CELLPROFILER = "classical morphology", "CellProfiler's measures"
_SHAPES = ("area", "eccentricity", "solidity", "extent", "axis_major_length", "axis_minor_length", "perimeter")
_CELLPROFILER = "CellProfiler: "  # how its measures' names begin
_RING = 0.5  # of a nucleus' diameter: how far its surroundings reach


def cell_measures(planes: np.ndarray, names: Sequence[str], labels: np.ndarray) -> pd.DataFrame:
    """Measures of every labelled nucleus and of the ring around it.

    Parameters
    ----------
    planes : numpy.ndarray
        ``(C, Y, X)`` intensities.
    names : sequence of str
        Of the channels.
    labels : numpy.ndarray
        ``(Y, X)``, 0 for background.

    Returns
    -------
    pandas.DataFrame
        One row per nucleus: its shape (pixels), and per channel mean, spread and 95th percentile inside, mean and
        spread in the ring, and the ratio of the two means; correlations between channels over nucleus and ring.
    """
    shape = regionprops_table(labels, properties=("label", *_SHAPES))
    found = {f"nucleus {name.replace('_', ' ')}": shape[name] for name in _SHAPES}
    whole = expand_labels(labels, distance=_RING * float(np.sqrt(np.median(shape["area"]) * 4 / np.pi)))
    ring = np.where(labels > 0, 0, whole)
    numbers = shape["label"]
    for name, plane in zip(names, planes, strict=True):
        inside, around = (_moments(plane, where, numbers) for where in (labels, ring))
        found |= {f"{name} {what} in nuclei": values for what, values in inside.items()}
        found |= {f"{name} {what} around": around[what] for what in ("mean", "spread")}
        found[f"{name} nuclei over ring"] = inside["mean"] / np.maximum(np.abs(around["mean"]), 1e-3)
    for a in range(len(names)):
        for b in range(a + 1, len(names)):
            found[f"{names[a]} with {names[b]}"] = _correlations(planes[a], planes[b], whole, numbers)
    return pd.DataFrame(found)


def _moments(plane: np.ndarray, labels: np.ndarray, numbers: np.ndarray) -> dict[str, np.ndarray]:
    flat, where = plane.ravel().astype(np.float64), labels.ravel()
    order = np.argsort(where, kind="stable")
    values, which = flat[order], where[order]
    first, last = np.searchsorted(which, numbers, "left"), np.searchsorted(which, numbers, "right")
    parts = [values[a:b] if b > a else np.array([np.nan]) for a, b in zip(first, last, strict=True)]
    return {
        "mean": np.array([part.mean() for part in parts]),
        "spread": np.array([part.std() for part in parts]),
        "top": np.array([np.percentile(part, 95) for part in parts]),
    }


def _correlations(a: np.ndarray, b: np.ndarray, labels: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    where = labels.ravel()
    size = int(max(where.max(), numbers.max())) + 1
    count = np.bincount(where, minlength=size)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.bincount(where, values.ravel().astype(np.float64), size) / np.maximum(count, 1))

    ma, mb = mean(a), mean(b)
    spread = np.sqrt(((mean(a * a) - ma**2) * (mean(b * b) - mb**2)).clip(min=0))
    r = np.divide(mean(a * b) - ma * mb, spread, out=np.zeros(size), where=spread > 1e-9)
    return np.asarray(r[numbers])


def field_morphology(planes: np.ndarray, names: Sequence[str], diameter_px: float = NUCLEUS_PX) -> dict[str, float]:
    """Mean and spread over the nuclei of a field of :func:`cell_measures`, their number, and each channel's quantiles.

    Parameters
    ----------
    planes : numpy.ndarray
        ``(C, Y, X)`` windowed intensities.
    names : sequence of str
        Of the channels.
    diameter_px : float
        Usual diameter of a nucleus.
    """
    labels = segmented_nuclei(planes[nuclei_channel(list(names))], diameter_px)
    found: dict[str, float] = {"nuclei": float(labels.max(initial=0))}
    for name, plane in zip(names, planes, strict=True):
        for q in (5, 50, 95, 99):
            found[f"{name} {q}th percentile"] = float(np.percentile(plane, q))
    if labels.any():
        cells = cell_measures(planes, names, labels)
        found |= {f"mean {name}": float(value) for name, value in cells.mean().items()}
        found |= {f"spread {name}": float(value) for name, value in cells.std(ddof=0).items()}
        found |= _cp_measures(planes, names, labels)
    return found


def _cp_measures(planes: np.ndarray, names: Sequence[str], labels: np.ndarray) -> Mapping[str, float]:
    """Means of CellProfiler's measures, where cp_measure is installed."""
    if find_spec("cp_measure") is None:
        return {}
    from cp_measure.bulk import get_core_measurements

    found = {}
    for name, plane in zip(names, planes, strict=True):
        for measure in get_core_measurements().values():
            for what, values in measure(labels, plane.clip(0, 1).astype(np.float64)).items():
                told = np.asarray(values, dtype=float)
                told = told[np.isfinite(told)]
                found[f"{_CELLPROFILER}{name} {what}"] = float(told.mean()) if told.size else np.nan
    return found


class WellMorphology:
    """Means of :func:`field_morphology` over the fields of wells."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], list[dict[str, float]]] = {}

    def add(self, one: ReadField, planes: np.ndarray) -> None:
        """Add a field with its windowed ``(C, Y, X)`` pixels."""
        names = [one.plate.header.channels[c].name for c in one.header.channels]
        pixel = one.header.pixel_size_um
        measured = field_morphology(planes, names, NUCLEUS_UM / pixel[1] if pixel else NUCLEUS_PX)
        plain = field_measurements(one, planes, nuclei=False)
        for kind in (BRIGHTNESS, SHARPNESS):
            measured[kind] = float(np.mean([value for name, value in plain.items() if name.startswith(kind)]))
        self._rows.setdefault((one.plate.header.name, one.header.well), []).append(measured)

    def table(self, wells: pd.DataFrame) -> pd.DataFrame:
        """One row per row of ``wells`` (``plate``, ``well``); a measure that some well lacks is left out."""
        keys = list(zip(wells["plate"], wells["well"], strict=True))
        rows = [pd.DataFrame(self._rows.get(key, [{}])).mean() for key in keys]
        frame = pd.DataFrame(rows).reset_index(drop=True)
        return frame.replace([np.inf, -np.inf], np.nan).dropna(axis=1)


def plain_baselines(measured: pd.DataFrame) -> dict[str, np.ndarray]:
    """What features have to beat, apart: the thousand measures of CellProfiler would drown the hundred of scikit-image.

    Parameters
    ----------
    measured : pandas.DataFrame
        Of :meth:`WellMorphology.table`, one row per well.

    Returns
    -------
    dict of str to numpy.ndarray
        ``(n_wells, n_measures)`` by what a person calls it; without those that were not measured.
    """
    theirs = measured.columns.str.startswith(_CELLPROFILER)
    ours = ~theirs & ~measured.columns.isin([BRIGHTNESS, SHARPNESS])
    parts = {MORPHOLOGY: measured.loc[:, ours], CELLPROFILER: measured.loc[:, theirs]}
    return {name: part.to_numpy(dtype=float) for name, part in parts.items() if part.shape[1]}
