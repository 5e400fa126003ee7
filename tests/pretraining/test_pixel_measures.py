"""Measures of pixels say what their names say, and a feature that is taught one follows it."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scripts.pretraining.naming import named_by_measures
from scripts.pretraining.pixel_measures import MEASURED, MeasuredPatches, measured_patches, much, spots
from scripts.pretraining.taught import _of_amounts

from napari_lexicon.backbones import load_backbone
from napari_lexicon.dictionaries.file_format import load_dictionary
from napari_lexicon.dictionaries.whitening import Whitening

BUILTIN = str(files("napari_lexicon") / "dictionaries" / "builtin.safetensors")


def spotted(sign: float = 1.0) -> np.ndarray:
    """A spot in every patch of the left half of an even picture."""
    picture = np.zeros((96, 96))
    picture[8::16, 8:48:16] = 1
    picture = gaussian_filter(picture, 1.0)
    return (0.3 + sign * 0.5 * picture / picture.max()).astype(np.float32)


@pytest.mark.parametrize("dark", [False, True])
def test_spots_are_found_where_they_are_and_by_their_sign(dark: bool):
    picture = spotted(-0.5 if dark else 1.0)
    found = spots(picture, 16, dark=dark)
    assert found.shape == (6, 6)
    np.testing.assert_allclose(found[:, :3], 1, atol=0.35)
    assert found[:, 4:].max() < 1e-3
    assert spots(picture, 16, dark=not dark).max() < 0.2


def test_what_is_wider_is_no_spot():
    picture = np.full((96, 96), 0.3, np.float32)
    picture[30:50, 30:50] = 0.8
    assert spots(picture, 16).max() < 0.3
    assert spots(picture, 16, dark=True).max() < 0.3


def test_noise_on_dark_ground_is_hardly_a_spot():
    noise = np.abs(np.random.default_rng(0).normal(0, 0.01, (96, 96))).astype(np.float32)
    assert spots(noise, 16).mean() < 0.25  # a quarter of a clear spot in every patch


def test_lines_have_one_direction_and_noise_has_none():
    lines = np.tile(np.sin(np.arange(64) / 2), (64, 1)).astype(np.float32)
    noise = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    coherence = MEASURED["lines or edges in one direction"].of
    assert coherence(lines, 16)[1:3, 1:3].min() > 0.9
    assert coherence(noise, 16).max() < 0.5


def test_a_picture_with_more_lit_patches_has_the_say_of_one():
    rng = np.random.default_rng(0)
    tokens = rng.normal(size=(300, 4)).astype(np.float32)
    picture = np.repeat([0, 1, 2], 100)
    amount = (tokens[:, 0] + np.where(picture == 0, 2, 0.1) * tokens[:, 1]).astype(np.float32)
    few = MeasuredPatches(tokens, {"a": amount}, picture)
    rows = np.concatenate([np.arange(300), *[np.arange(100)] * 8])
    many = MeasuredPatches(tokens[rows], {"a": amount[rows]}, picture[rows])
    torch.testing.assert_close(_of_amounts(many, "a"), _of_amounts(few, "a"), rtol=0, atol=0.05)


def test_much_is_a_tenth():
    assert much(np.arange(200, dtype=np.float32)).sum() == 20


def test_the_built_in_features_follow_what_they_were_taught():
    backbone = load_backbone("builtin", device="cpu")
    dictionary = load_dictionary(BUILTIN)
    taught = {name for name in dictionary.header.taught.values() if name in MEASURED}
    assert taught == set(MEASURED)
    (patches,) = measured_patches([(backbone, dictionary.whitening)], 5, 10)
    for feature, name in dictionary.header.taught.items():
        if name in MEASURED:
            along = patches.tokens @ dictionary.atoms[feature].numpy()
            assert np.corrcoef(along, patches.amounts[name])[0, 1] > 0.6, name


def test_names_come_with_what_they_were_asked():
    dictionary = load_dictionary(BUILTIN)
    found = named_by_measures(load_backbone("builtin", device="cpu"), dictionary, 16)
    assert found
    for evidence in found:
        name = dictionary.header.taught[evidence.feature]
        assert evidence.name.rstrip("?") == name
        assert MEASURED[name].told in evidence.sentence
        assert f"AUROC of {evidence.score:.2f}" in evidence.sentence


def test_what_is_measured_does_not_depend_on_who_looks():
    backbone = load_backbone("builtin", device="cpu")
    plain = Whitening.identity(192)
    one, two = measured_patches([(backbone, plain), (backbone, plain)], 5, 2)
    np.testing.assert_array_equal(one.tokens, two.tokens)
    assert one.amounts is two.amounts
