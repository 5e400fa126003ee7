"""Features as points."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from napari_lexicon.analysis.feature_layout import FeatureLayoutError, can_make, feature_layout


def grouped_atoms(seed: int = 0) -> np.ndarray:
    """(60, 16) unit rows in three tight groups."""
    rng = np.random.default_rng(seed)
    atoms = np.repeat(rng.normal(size=(3, 16)), 20, axis=0) + 0.1 * rng.normal(size=(60, 16))
    return (atoms / np.linalg.norm(atoms, axis=1, keepdims=True)).astype(np.float32)


def test_principal_components_are_those_of_scikit_learn():
    atoms = grouped_atoms()
    known = PCA(2).fit(atoms.astype(np.float64))
    made = feature_layout(atoms)
    expected = known.transform(atoms.astype(np.float64))
    for axis in range(2):
        sign = np.sign(made.points[:, axis] @ expected[:, axis])
        np.testing.assert_allclose(made.points[:, axis], sign * expected[:, axis], atol=1e-5)
    assert f"{100 * known.explained_variance_ratio_[0]:.2g} %" in made.titles[0]


def test_neighbours_stay_neighbours_on_a_map_of_neighbours():
    points = feature_layout(grouped_atoms(), "tsne").points
    distance = np.linalg.norm(points[:, None] - points[None], axis=2) + 1e9 * np.eye(60)
    group = np.repeat(np.arange(3), 20)
    assert (group[distance.argmin(axis=1)] == group).all()


def test_what_cannot_be_made_says_why():
    with pytest.raises(FeatureLayoutError, match="unknown"):
        feature_layout(grouped_atoms(), "mds")
    with pytest.raises(FeatureLayoutError, match="too few"):
        feature_layout(grouped_atoms()[:3])
    if not can_make("umap"):
        with pytest.raises(FeatureLayoutError, match="umap-learn"):
            feature_layout(grouped_atoms(), "umap")
