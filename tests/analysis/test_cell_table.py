"""Cells × features."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import pytest
from skimage.measure import regionprops

from napari_lexicon.analysis.cell_table import cells_anndata, measure_cells
from napari_lexicon.analysis.cells import LabelsError, cell_features
from napari_lexicon.jobs.measuring_cells import CellsJob, run_cells
from napari_lexicon.lexicons import FieldCodes


def blobs() -> np.ndarray:
    labels = np.zeros((48, 64), np.int32)
    labels[2:10, 3:9], labels[20:33, 30:50], labels[40:48, 60:64] = 1, 4, 7
    return labels


def some_codes(features: int = 12) -> FieldCodes:
    rng = np.random.default_rng(1)
    indices = np.argsort(rng.random((2, 3, 4, features)), axis=-1)[..., :5].astype(np.uint16)
    return FieldCodes(indices, rng.random(indices.shape).astype(np.float16), (0, 1))


def test_shape_and_brightness_are_those_of_scikit_image():
    labels, image = blobs(), np.random.default_rng(0).random((2, 48, 64)) * 1000
    cells = measure_cells(labels, image, ("DNA", "Actin"), some_codes(), 16, n_features=12)
    for one in regionprops(labels, np.moveaxis(image, 0, -1)):
        row = cells.table.loc[one.label]
        assert row["area_px"] == one.area
        np.testing.assert_allclose((row["y_px"], row["x_px"]), one.centroid)
        np.testing.assert_allclose(row[["brightness of DNA", "brightness of Actin"]].astype(float), one.mean_intensity)
    assert cells.table["at_edge"].tolist() == [False, False, True]
    expected = cell_features(some_codes(), labels, 16, n_features=12)
    np.testing.assert_allclose(cells.feature(3), expected.table("mean")[3])
    np.testing.assert_allclose(cells.feature(3, 1), expected.table("mean", 1)[3])
    assert np.isnan(cells.feature(3, 5)).all()


def test_labels_of_another_size_are_refused():
    with pytest.raises(LabelsError, match="48 × 60"):
        measure_cells(blobs()[:, :60], np.zeros((1, 48, 64)), ("DNA",), None, 16)


def test_a_table_of_several_fields_carries_treatments_and_the_gate(tmp_path):
    parts = [
        measure_cells(blobs(), np.ones((1, 48, 64)), ("DNA",), some_codes(), 16, n_features=12, well=well, field="0")
        for well in ("A01", "B02")
    ]
    plate_map = pd.DataFrame({"Metadata_dose": [0.0, 2.0], "drug": ["none", None]}, index=["A01", "B02"])
    gates = [np.array([True, False, False]), np.array([False, False, True])]
    data = cells_anndata(parts, plate_map, gates=gates)
    data.write_h5ad(tmp_path / "cells.h5ad")
    read = anndata.read_h5ad(tmp_path / "cells.h5ad")
    assert read.shape == (6, 12)
    assert read.obs["Metadata_dose"].tolist() == [0, 0, 0, 2, 2, 2]
    assert read.obs_names[read.obs["gate"]].tolist() == ["A01/0/1", "B02/0/7"]
    np.testing.assert_allclose(read.X.toarray()[:3, 5], parts[0].feature(5), rtol=1e-6)


def test_the_cells_of_a_whole_plate_are_written_field_by_field(applied, tmp_path):
    told = []
    out = tmp_path / "plate.h5ad"
    result = run_cells(CellsJob(str(applied), str(out), channel="DNA", diameter_um=10.0), told.append)
    data = anndata.read_h5ad(out)
    assert f"{data.n_obs:,} cells" in result.message
    assert set(data.obs["Metadata_Well"]) == {"A01", "A02", "A03", "B01", "B02", "B03"}
    assert len(told) == 12
    assert run_cells(CellsJob(str(applied), str(tmp_path / "no.h5ad")), should_stop=lambda: True).stopped
    assert not (tmp_path / "no.h5ad").exists()
