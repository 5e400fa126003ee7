"""Classical morphology against scikit-image and numpy, on discs whose size and brightness are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from skimage.measure import label, regionprops
from skimage.segmentation import expand_labels

from napari_lexicon.analysis.morphology import (
    CELLPROFILER,
    MORPHOLOGY,
    cell_measures,
    field_morphology,
    plain_baselines,
)


def discs(radius: float, brightness: float) -> np.ndarray:
    """(2, Y, X): nine discs, and a second channel that is the first one upside down."""
    y, x = np.mgrid[:180, :180]
    plane = np.zeros((180, 180))
    for cy in (30, 90, 150):
        for cx in (30, 90, 150):
            plane[(y - cy) ** 2 + (x - cx) ** 2 <= radius**2] = brightness
    plane += np.random.default_rng(0).normal(0, 0.01, plane.shape)
    return np.stack([plane, 1 - plane]).astype(np.float32)


def test_shapes_and_moments_are_those_of_scikit_image_and_numpy() -> None:
    planes = discs(9, 0.8)
    labels = label(planes[0] > 0.4)
    found = cell_measures(planes, ["DNA", "Mito"], labels)
    whole = expand_labels(labels, distance=0.5 * np.sqrt(np.median(found["nucleus area"]) * 4 / np.pi))
    for row, region in zip(found.to_dict("records"), regionprops(labels, planes[0]), strict=True):
        inside, both = labels == region.label, whole == region.label
        assert row["nucleus area"] == region.area
        assert row["nucleus eccentricity"] == pytest.approx(region.eccentricity)
        assert row["DNA mean in nuclei"] == pytest.approx(region.mean_intensity, rel=1e-5)
        assert row["DNA top in nuclei"] == pytest.approx(np.percentile(planes[0][inside], 95), rel=1e-5)
        assert row["DNA mean around"] == pytest.approx(planes[0][both & ~inside].mean(), rel=1e-4)
        assert row["DNA with Mito"] == pytest.approx(np.corrcoef(planes[0][both], planes[1][both])[0, 1], abs=1e-4)


def test_a_field_is_told_by_count_size_and_brightness() -> None:
    small, large = (field_morphology(discs(radius, 0.8), ["DNA", "Mito"], 18.0) for radius in (8, 11))
    assert small["nuclei"] == large["nuclei"] == 9
    assert large["mean nucleus area"] > 1.5 * small["mean nucleus area"]
    dim = field_morphology(discs(8, 0.4), ["DNA", "Mito"], 18.0)
    assert dim["mean DNA mean in nuclei"] < 0.6 * small["mean DNA mean in nuclei"]
    nothing = field_morphology(np.zeros((2, 64, 64), np.float32), ["DNA", "Mito"], 18.0)
    assert nothing["nuclei"] == 0 and "mean nucleus area" not in nothing


def test_measures_of_cellprofiler_are_added_where_cp_measure_is_installed() -> None:
    pytest.importorskip(
        "cp_measure", reason="cp_measure is not installed"
    )  # it holds pillow back, so no extra brings it
    found = field_morphology(discs(9, 0.8), ["DNA", "Mito"], 18.0)
    area = found["CellProfiler: DNA Area"]
    assert area == pytest.approx(found["mean nucleus area"])
    beside = plain_baselines(pd.DataFrame([found]).dropna(axis=1))
    assert beside[MORPHOLOGY].shape[1] < 60 < beside[CELLPROFILER].shape[1]
    assert area in beside[CELLPROFILER] and set(beside) == {MORPHOLOGY, CELLPROFILER}


def test_baselines_without_measures_are_left_out() -> None:
    measured = field_morphology(discs(9, 0.8), ["DNA", "Mito"], 18.0)
    ours = {name: value for name, value in measured.items() if not name.startswith("CellProfiler")}
    assert list(plain_baselines(pd.DataFrame([ours]))) == [MORPHOLOGY]
    assert not plain_baselines(pd.DataFrame({"brightness": [1.0], "sharpness": [0.2]}))
