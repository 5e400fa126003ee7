"""A dictionary is taught anew: what it learnt stays as it was, bit for bit, and so do the numbers of its features."""

from __future__ import annotations

import pytest
import torch
from scripts.pretraining.dictionary_recipe import taught_anew
from scripts.pretraining.token_sample import TokenSample

from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.taught import with_taught
from napari_lexicon.dictionaries.token_source import ArrayTokens, split_tokens
from napari_lexicon.dictionaries.train import train_dictionary
from napari_lexicon.dictionaries.train_settings import TrainSettings
from napari_lexicon.dictionaries.whitening import WhiteningAccumulator


@pytest.fixture(scope="module")
def made() -> tuple[Dictionary, TokenSample]:
    """A small dictionary that was taught two things, and the sample that it was made from."""
    draw = torch.Generator().manual_seed(0)
    raw = torch.randn(1500, 12, generator=draw) * torch.linspace(4, 1, 12)
    sums = WhiteningAccumulator(12)
    sums.update(raw)
    settings = TrainSettings(
        algorithm="icfl", features=16, iterations=2, per_iteration=1, steps=30, batch=256, warmup=5,
        evaluate_every=30, checkpoint_every=30,
    )  # fmt: skip
    sample = TokenSample(raw, torch.arange(1500) // 50, torch.ones(1500, dtype=torch.bool))
    source = ArrayTokens(sample.tokens, sample.groups)
    learnt = train_dictionary(settings, source, sums.fit("pca")).dictionary
    split = split_tokens(source, settings.validation_fraction, settings.validation_tokens, settings.seed)
    taught = {"a thing": torch.randn(12, generator=draw), "another": torch.randn(12, generator=draw)}
    larger = with_taught(learnt, taught, source.tokens(split.held_out))
    stable = Dictionary(
        larger.atoms, larger.bias, larger.whitening, larger.encoder, larger.header, torch.linspace(0, 1, 18)
    )
    return stable, sample


def test_only_what_is_taught_anew_changes(made: tuple[Dictionary, TokenSample]):
    dictionary, sample = made
    again = taught_anew(dictionary, sample, {"another": -2 * torch.eye(12)[5]})
    torch.testing.assert_close(again.atoms[:17], dictionary.atoms[:17], rtol=0, atol=0)
    torch.testing.assert_close(again.atoms[17], -torch.eye(12)[5])
    assert again.header.taught == dictionary.header.taught == {16: "a thing", 17: "another"}
    torch.testing.assert_close(again.stability, dictionary.stability, rtol=0, atol=0)
    assert again.hash != dictionary.hash


def test_the_same_lesson_gives_the_same_dictionary(made: tuple[Dictionary, TokenSample]):
    dictionary, sample = made
    again = taught_anew(dictionary, sample, {})
    assert again.hash == dictionary.hash
    for name, figure in dictionary.header.metrics.items():
        assert again.header.metrics[name] == pytest.approx(figure, rel=1e-5), name


def test_what_is_new_takes_the_place_of_what_is_dropped_and_then_comes_last(made: tuple[Dictionary, TokenSample]):
    dictionary, sample = made
    new = {"third": torch.eye(12)[2], "fourth": torch.eye(12)[3]}
    again = taught_anew(dictionary, sample, new, dropped=["a thing"])
    assert again.header.taught == {16: "third", 17: "another", 18: "fourth"}
    kept = [*range(16), 17]
    torch.testing.assert_close(again.atoms[kept], dictionary.atoms[kept], rtol=0, atol=0)
    torch.testing.assert_close(again.atoms[[16, 18]], torch.eye(12)[[2, 3]])
    torch.testing.assert_close(again.stability, torch.cat([dictionary.stability, torch.ones(1)]), rtol=0, atol=0)
