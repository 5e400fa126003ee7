"""ICFL beside the principal directions: these stay what they are, the other atoms learn."""

from __future__ import annotations

import torch

from napari_lexicon.dictionaries.anchored import n_anchors
from napari_lexicon.dictionaries.token_source import ArrayTokens
from napari_lexicon.dictionaries.train import train_dictionary
from napari_lexicon.dictionaries.train_settings import TrainSettings
from napari_lexicon.dictionaries.whitening import WhiteningAccumulator

SETTINGS = TrainSettings(
    algorithm="icfl-anchored", features=48, iterations=3, per_iteration=2, steps=60, batch=256, warmup=5,
    evaluate_every=30, checkpoint_every=30, reset_every=20, reset_cosine=0.5,
)  # fmt: skip


def tokens() -> torch.Tensor:
    """Tokens that differ most along a few directions."""
    draw = torch.Generator().manual_seed(0)
    return torch.randn(4000, 24, generator=draw) * torch.linspace(4, 0.2, 24) + torch.rand(24, generator=draw)


def test_principal_directions_stay_and_the_rest_learns():
    raw = tokens()
    sums = WhiteningAccumulator(24)
    sums.update(raw)
    whitening = sums.fit("pca")
    result = train_dictionary(SETTINGS, ArrayTokens(raw), whitening)
    atoms, held = result.dictionary.atoms, n_anchors(48, 24)
    assert held == 6
    torch.testing.assert_close(atoms[:held], torch.eye(24)[:held], rtol=0, atol=0)
    torch.testing.assert_close(atoms[held : 2 * held], -torch.eye(24)[:held], rtol=0, atol=0)
    started = train_dictionary(
        TrainSettings.from_json({**SETTINGS.to_json(), "steps": 1, "evaluate_every": 1}), ArrayTokens(raw), whitening
    ).dictionary.atoms
    assert (atoms[2 * held :] - started[2 * held :]).abs().max() > 0.05
    coordinate = whitening.whiten(raw)[:, 2]
    torch.testing.assert_close(whitening.whiten(raw) @ atoms[2], coordinate)
    torch.testing.assert_close(whitening.whiten(raw) @ atoms[held + 2], -coordinate)


def test_few_features_hold_few_directions():
    assert n_anchors(256, 48) == 16
    assert n_anchors(64, 48) == 8
    assert n_anchors(256, 10) == 5
    assert n_anchors(7, 10) == 0
