"""The truth of every patch, on a field small enough to be counted by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scripts.pretraining.truths import AMOUNTS, STATES, truths

from napari_lexicon.samples.field import RenderedField


def field(**columns: list[object]) -> RenderedField:
    """Four patches of 16 px in a row: a cell in the first and half of the second, one in the third, and ground."""
    cells = np.zeros((16, 64), np.int32)
    cells[:, :24], cells[:, 32:48] = 1, 2
    nuclei = np.zeros_like(cells)
    nuclei[:, :8], nuclei[4:8, 36:40] = 1, 2
    table = pd.DataFrame({"area_px": [384, 256], "y_px": [8.0, 8.0], "x_px": [12.0, 40.0], **columns}, index=[1, 2])
    return RenderedField(np.zeros((1, 16, 64), np.uint16), cells, nuclei, table)


def test_amounts_are_parts_of_a_patch():
    found = truths(field(), 16)
    assert set(found) == {*AMOUNTS, *STATES}
    assert all(values.shape == (1, 4) for values in found.values())
    np.testing.assert_allclose(found["cell"][0], [1, 0.5, 1, 0])
    np.testing.assert_allclose(found["nucleus"][0], [0.5, 0, 1 / 16, 0])


def test_sizes_are_of_the_cell_that_lies_there():
    found = truths(field(), 16)
    np.testing.assert_allclose(found["cell_size"][0, [0, 1, 2]], np.log([384, 384, 256]) / 2, rtol=1e-4)
    np.testing.assert_allclose(found["nucleus_size"][0, [0, 2]], np.log([128, 16]) / 2, rtol=1e-4)
    assert found["cell_size"][0, 3] == 0


def test_states_are_weighted_by_their_strength():
    plain = truths(field(), 16)
    assert not any(plain[name].any() for name in STATES)
    found = truths(
        field(phenotype=["golgi_scatter", "none"], strength=[0.6, 0.0], nuclei=[1, 2], dead=[False, True],
              cycle=["M", "G1"]),
        16,
    )  # fmt: skip
    np.testing.assert_allclose(found["golgi_scatter"][0], [0.6, 0.3, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(found["dividing"][0], [1, 0.5, 0, 0])
    np.testing.assert_allclose(found["dead"][0], [0, 0, 1, 0])
    np.testing.assert_allclose(found["several_nuclei"][0], [0, 0, 1, 0])
    assert not found["stress_fibres"].any()


def test_distances_change_sign_at_outlines():
    found = truths(field(), 16)
    assert found["cell_edge"][0, 0] > found["cell_edge"][0, 1]
    assert found["cell_edge"][0, 3] < 0 < found["cell_edge"][0, 0]
    assert found["nucleus_edge"][0, 3] < found["nucleus_edge"][0, 1] < found["nucleus_edge"][0, 0]


def test_crowding_counts_cells_around():
    found = truths(field(), 16)
    empty = truths(RenderedField(field().image, np.zeros((16, 64), np.int32), np.zeros((16, 64), np.int32),
                                 field().table.iloc[:0]), 16)  # fmt: skip
    assert not empty["crowd"].any()
    assert not empty["cell"].any()
    assert (empty["cell_edge"] < 0).all()
    assert (empty["nucleus_edge"] < 0).all()
    # two cells on 16 x 64 px, mirrored at the borders: about 20 in 100 x 100 px
    assert np.expm1(found["crowd"]).mean() == pytest.approx(2 / (16 * 64) * 100**2, rel=0.15)
