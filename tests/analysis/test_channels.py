"""Channel attribution against correlations computed pixel by pixel, and channels that are taken away."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_lexicon.analysis.channels import StainCorrelations, channel_dependence, patch_means, sparse_codes
from napari_lexicon.analysis.maps import activation_map
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.encoder import EncoderSettings
from napari_lexicon.dictionaries.header import DictionaryHeader
from napari_lexicon.dictionaries.whitening import Whitening
from napari_lexicon.lexicons import FieldCodes

PATCH, SHAPE, GRID, M = 8, (60, 44), (8, 6), 6


def field(seed: int) -> tuple[FieldCodes, np.ndarray]:
    """Two channels; feature 2 of channel 0 follows stain 1, feature 4 runs against it, both on a noisy ground."""
    rng = np.random.default_rng(seed)
    image = rng.uniform(0, 1, (2, *SHAPE)) + rng.uniform(0, 3, (2, 1, 1))
    image[1] += np.kron(rng.uniform(0, 5, GRID), np.ones((PATCH, PATCH)))[: SHAPE[0], : SHAPE[1]]
    stain = patch_means(image, PATCH)[1]
    indices = np.stack([rng.permutation(M)[:4] for _ in range(2 * GRID[0] * GRID[1])]).reshape(2, *GRID, 4)
    values = rng.uniform(-0.2, 1, indices.shape)
    indices[0, ..., 0], indices[0, ..., 1], indices[0, ..., 2] = 2, 4, 2
    indices[0, ..., 3] = rng.choice([0, 1, 3, 5], GRID)
    values[0, ..., 0], values[0, ..., 2] = 0.1 * stain, 0.05 * stain
    values[0, ..., 1] = 1 - 0.1 * stain
    return FieldCodes(indices.astype(np.uint16), values.astype(np.float16), (0, 1)), image


def test_patches_at_the_border_count_what_lies_inside() -> None:
    _, image = field(0)
    means = patch_means(image, PATCH)
    assert means.shape == (2, *GRID)
    assert means[1, 7, 5] == pytest.approx(image[1, 56:, 40:].mean())


def test_sparse_codes_are_the_activation_maps() -> None:
    codes, _ = field(1)
    dense = sparse_codes(codes, 0, M).toarray()
    for m in range(M):
        np.testing.assert_allclose(dense[:, m].reshape(GRID), activation_map(codes, m, 0), atol=2e-3)


def test_correlations_are_those_within_fields() -> None:
    gathered = StainCorrelations(M, ["DNA", "ER"])
    maps, stains = [], []
    for seed in range(6):
        codes, image = field(seed)
        gathered.add(f"w{seed // 2}", codes, image, (0, 1), PATCH)
        one = np.stack([activation_map(codes, m, 0).ravel() for m in range(M)])
        maps.append(one - one.mean(axis=1, keepdims=True))
        means = patch_means(image, PATCH).reshape(2, -1)
        stains.append(means - means.mean(axis=1, keepdims=True))
    expected = np.corrcoef(np.concatenate(maps, axis=1), np.concatenate(stains, axis=1))[:M, M:]
    table = gathered.table().set_index(["channel", "feature", "stain"])
    for m in range(M):
        for s, stain in enumerate(["DNA", "ER"]):
            assert table.loc[("DNA", m, stain), "r"] == pytest.approx(expected[m, s], abs=2e-3)
    assert table.loc[("DNA", 2, "ER"), "r"] > 0.95
    assert table.loc[("DNA", 4, "ER"), "r"] < -0.95
    row = table.loc[("DNA", 2, "ER")]
    assert row["low"] - 1e-9 <= row["r"] <= row["high"] + 1e-9
    assert (row["n_fields"], row["n_wells"], row["n_patches"]) == (6, 3, 6 * 48)


def test_a_brighter_well_does_not_correlate_with_everything() -> None:
    """A feature that fires everywhere in bright wells, and a stain that is bright there: nothing within a field."""
    gathered = StainCorrelations(M, ["DNA", "ER"])
    for seed in range(8):
        codes, image = field(seed)
        codes.indices[0, ..., 3] = 5
        codes.values[0, ..., 3] = seed + np.random.default_rng(seed).uniform(0, 0.5, GRID)
        gathered.add(str(seed), codes, image + 10 * seed, (0, 1), PATCH)
    table = gathered.table().set_index(["channel", "feature", "stain"])
    assert abs(table.loc[("DNA", 5, "DNA"), "r"]) < 0.2


def test_a_missing_channel_leaves_the_others_right() -> None:
    whole, part = StainCorrelations(M, ["DNA", "ER"]), StainCorrelations(M, ["DNA", "ER"])
    for seed in range(3):
        codes, image = field(seed)
        whole.add(str(seed), codes, image, (0, 1), PATCH)
        one = FieldCodes(codes.indices[1:], codes.values[1:], (1,))
        part.add(str(seed), one, image[1:], (1,), PATCH)
    a = whole.table().set_index(["channel", "feature", "stain"])["r"]
    b = part.table().set_index(["channel", "feature", "stain"])["r"]
    np.testing.assert_allclose(a["ER"].xs("ER", level="stain"), b["ER"].xs("ER", level="stain"))


def concat_dictionary() -> Dictionary:
    """Four features over two channels of two numbers each: two per channel."""
    header = DictionaryHeader(channels_mode="concat", channel_names=("DNA", "ER"))
    settings = EncoderSettings(iterations=2, per_iteration=1)
    return Dictionary(torch.eye(4), torch.zeros(4), Whitening.identity(4), settings, header)


def test_a_feature_is_gone_with_its_channel() -> None:
    tokens = torch.rand(500, 2, 2, generator=torch.Generator().manual_seed(0))
    table = channel_dependence(concat_dictionary(), tokens, ["DNA", "ER"]).set_index(["feature", "channel"])
    for feature, own, other in ((0, "DNA", "ER"), (1, "DNA", "ER"), (2, "ER", "DNA"), (3, "ER", "DNA")):
        assert table.loc[(feature, own), "change"] == pytest.approx(-1)
        assert table.loc[(feature, other), "change"] > 0  # it has the unit norm for itself now


def test_a_shuffled_channel_moves_its_own_features_most() -> None:
    tokens = torch.rand(500, 2, 2, generator=torch.Generator().manual_seed(0))
    table = channel_dependence(concat_dictionary(), tokens, ["DNA", "ER"], shuffle=True)
    moved = table.set_index(["feature", "channel"])["moved"]
    assert moved[0, "DNA"] > 1.5 * moved[0, "ER"]
    assert moved[3, "ER"] > 1.5 * moved[3, "DNA"]
    assert (table["change"].abs() < 0.25).all()


def test_the_question_has_no_point_for_channels_by_themselves() -> None:
    one = concat_dictionary()
    separate = Dictionary(one.atoms, one.bias, one.whitening, one.encoder, DictionaryHeader(channels_mode="separate"))
    with pytest.raises(ValueError, match="own channel"):
        channel_dependence(separate, torch.rand(5, 2, 2), ["DNA", "ER"])
