"""Features of cells against pixels counted one by one."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from napari_lexicon.analysis.cells import (
    LabelsError,
    auroc,
    best_features_per_cell,
    cell_features,
    map_per_cell,
)
from napari_lexicon.analysis.maps import activation_map
from napari_lexicon.lexicons import FieldCodes

PATCH, SHAPE, M = 8, (60, 44), 9
GRID = (8, 6)  # the last row and column reach beyond the image


def field(seed: int = 0) -> tuple[FieldCodes, np.ndarray]:
    """Codes of two channels in which features stand twice, and cells with gaps in their numbers."""
    rng = np.random.default_rng(seed)
    codes = FieldCodes(
        rng.integers(0, M, (2, *GRID, 4)).astype(np.uint16),
        rng.uniform(-0.5, 1, (2, *GRID, 4)).astype(np.float16),
        (0, 3),
    )
    labels = np.zeros(SHAPE, np.int32)
    labels[3:20, 5:17], labels[30:59, 20:44], labels[50:53, 2:4] = 2, 7, 11
    return codes, labels


def test_mean_is_that_of_the_pixels_of_the_cell() -> None:
    codes, labels = field()
    found = cell_features(codes, labels, PATCH, n_features=M)
    assert found.cells.index.tolist() == [2, 7, 11]
    assert found.mean.shape == (3, 2, M)
    for m in range(M):
        for g, channel in enumerate(codes.channels):
            on_pixels = np.kron(activation_map(codes, m, channel), np.ones((PATCH, PATCH)))[: SHAPE[0], : SHAPE[1]]
            for c, cell in enumerate(found.cells.index):
                assert found.mean[c, g, m] == pytest.approx(on_pixels[labels == cell].mean(), abs=1e-5)
    assert found.cells["area_px"].tolist() == [(labels == cell).sum() for cell in (2, 7, 11)]


def test_strongest_looks_at_patches_that_the_cell_covers() -> None:
    codes, labels = field()
    found = cell_features(codes, labels, PATCH, n_features=M)
    values = activation_map(codes, 4, 0)
    covered = [
        (i, j)
        for i in range(GRID[0])
        for j in range(GRID[1])
        if (labels[i * PATCH : (i + 1) * PATCH, j * PATCH : (j + 1) * PATCH] == 7).sum() >= 0.25 * PATCH**2
    ]
    assert found.strongest[1, 0, 4] == pytest.approx(max(values[place] for place in covered))
    assert found.strongest[2, 0, 4] == pytest.approx(values[6, 0])  # a cell smaller than a quarter of a patch


def test_chosen_features_and_picks_are_columns_of_the_whole() -> None:
    codes, labels = field()
    whole = cell_features(codes, labels, PATCH, n_features=M)
    some = cell_features(codes, labels, PATCH, features=[7, 1])
    np.testing.assert_array_equal(some.mean, whole.mean[..., [7, 1]])
    assert some.table("strongest", channel=3).columns.tolist() == [7, 1]
    first = cell_features(codes, labels, PATCH, n_features=M, picks=1)
    assert first.mean.sum() < whole.mean.sum()


def test_one_map_gives_the_same_as_all_codes() -> None:
    codes, labels = field()
    whole = cell_features(codes, labels, PATCH, n_features=M)
    one = map_per_cell(activation_map(codes, 5, 3), labels, PATCH)
    np.testing.assert_allclose(one["mean"], whole.table("mean", channel=3)[5], rtol=1e-5)
    np.testing.assert_allclose(one["strongest"], whole.table("strongest", channel=3)[5], rtol=1e-5)


def test_a_field_without_cells_has_no_rows() -> None:
    codes, labels = field()
    assert len(cell_features(codes, np.zeros_like(labels), PATCH, n_features=M).table()) == 0


def test_labels_of_another_field_are_refused() -> None:
    codes, labels = field()
    with pytest.raises(LabelsError, match="60 × 90 pixels"):
        cell_features(codes, np.zeros((60, 90), int), PATCH)
    with pytest.raises(LabelsError):
        map_per_cell(activation_map(codes, 0), labels[::2, ::2], PATCH)


def test_auroc_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    values = np.round(rng.normal(size=(80, 5)), 1)  # with ties
    truth = rng.random(80) < 0.3
    np.testing.assert_allclose(auroc(values, truth), [roc_auc_score(truth, values[:, m]) for m in range(5)])
    assert np.isnan(auroc(values, np.ones(80, bool))).all()


def test_the_best_feature_is_scored_where_it_was_not_chosen() -> None:
    rng = np.random.default_rng(1)
    wells = np.repeat(np.arange(12), 40)
    truth = rng.random(480) < 0.4
    noise = rng.normal(size=(480, 500))
    flattered = best_features_per_cell(noise, truth, wells, n=1).iloc[0]
    assert flattered["auroc_chosen"] > 0.58
    assert abs(flattered["auroc"] - 0.5) < 0.1
    noise[:, 33] -= 2 * truth
    found = best_features_per_cell(noise, truth, wells, n=1).iloc[0]
    assert (found["column"], found["sign"], found["n_wells"]) == (33, -1, 6)
    assert found["auroc"] > 0.9


def test_wells_of_one_kind_only_are_said_to_be_too_few() -> None:
    with pytest.raises(LabelsError, match="2 wells are too few"):
        best_features_per_cell(np.zeros((4, 2)), np.array([True, True, False, False]), np.array([0, 0, 1, 1]))
