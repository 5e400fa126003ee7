"""Features that were taught are added to a dictionary, and leave alone what it learnt."""

from __future__ import annotations

import pytest
import torch

from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.taught import with_taught
from napari_lexicon.dictionaries.token_source import ArrayTokens
from napari_lexicon.dictionaries.train import train_dictionary
from napari_lexicon.dictionaries.train_settings import TrainSettings
from napari_lexicon.dictionaries.whitening import WhiteningAccumulator
from napari_lexicon.errors import DictionaryError


def trained(algorithm: str) -> tuple[Dictionary, torch.Tensor]:
    """A small dictionary and raw tokens for it."""
    draw = torch.Generator().manual_seed(0)
    raw = torch.randn(1500, 12, generator=draw) * torch.linspace(4, 1, 12)
    sums = WhiteningAccumulator(12)
    sums.update(raw)
    settings = TrainSettings(
        algorithm=algorithm, features=16, iterations=2, per_iteration=1, steps=30, batch=256, warmup=5,
        evaluate_every=30, checkpoint_every=30,
    )  # fmt: skip
    return train_dictionary(settings, ArrayTokens(raw), sums.fit("pca")).dictionary, raw


def test_taught_features_follow_the_learnt_ones_and_are_used():
    dictionary, raw = trained("icfl")
    direction = torch.zeros(12)
    direction[:3] = torch.tensor([3.0, 4.0, 12.0])
    larger = with_taught(dictionary, {"a thing": direction, "its opposite": -direction}, raw[:400])
    torch.testing.assert_close(larger.atoms[:16], dictionary.atoms, rtol=0, atol=0)
    torch.testing.assert_close(larger.atoms[16], direction / 13)
    assert larger.header.taught == {16: "a thing", 17: "its opposite"}
    shows = dictionary.whitening.unwhiten(5 * direction[None])
    assert int(larger.encode(shows).indices[0, 0]) == 16
    assert larger.header.metrics["held_out_tokens"] == 400
    unit, rebuilt = larger.prepared(raw[:400])[0], larger.decode(larger.encode(raw[:400]))
    left = (unit - rebuilt).square().sum() / (unit - unit.mean(0)).square().sum()
    assert larger.header.metrics["explained_variance"] == pytest.approx(1 - float(left), abs=1e-5)


@pytest.mark.parametrize(
    ("algorithm", "direction", "told"),
    [
        ("topk", torch.ones(12), "matrix"),
        ("icfl", torch.ones(8), "shape"),
        ("icfl", torch.full((12,), torch.nan), "finite"),
        ("icfl", torch.zeros(12), "no length"),
    ],
)
def test_directions_that_cannot_be_added_are_refused(algorithm: str, direction: torch.Tensor, told: str):
    dictionary, raw = trained(algorithm)
    with pytest.raises(DictionaryError, match=told):
        with_taught(dictionary, {"a thing": direction}, raw)
