from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from tests.dictionaries.planted import World, make_world

from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.file_format import load_dictionary, save_dictionary
from napari_lexicon.dictionaries.stability import matched_cosines, stability_of, train_seeds
from napari_lexicon.dictionaries.token_source import ArrayTokens
from napari_lexicon.dictionaries.train_settings import TrainSettings
from napari_lexicon.errors import DictionaryError


def with_atoms(dictionary: Dictionary, atoms: torch.Tensor) -> Dictionary:
    return Dictionary(atoms, dictionary.bias, dictionary.whitening, dictionary.encoder, dictionary.header)


def test_an_order_of_atoms_does_not_matter_and_noise_does(dictionary: Dictionary) -> None:
    draw = torch.Generator().manual_seed(0)
    shuffled = dictionary.atoms[torch.randperm(96, generator=draw)]
    assert torch.allclose(stability_of(dictionary, [with_atoms(dictionary, shuffled)]), torch.ones(96), atol=1e-5)
    changed = dictionary.atoms.clone()
    changed[:48] = F.normalize(torch.randn(48, 32, generator=draw), dim=1)
    stability = stability_of(dictionary, [with_atoms(dictionary, changed)])
    assert float(stability[48:].min()) > 0.999
    assert float(stability[:48].max()) < 0.9


def test_the_match_is_the_best_one_to_one(dictionary: Dictionary) -> None:
    draw = torch.Generator().manual_seed(1)
    one, other = (F.normalize(torch.randn(5, 8, generator=draw), dim=1) for _ in range(2))
    best = max(float((one * other[list(order)]).sum()) for order in itertools.permutations(range(5)))
    assert float(matched_cosines(one, other).sum()) == pytest.approx(best, abs=1e-5)
    doubled = torch.cat([one[:1], one[:1], one[2:]])
    assert float(matched_cosines(doubled, one)[:2].min()) < 0.99  # two atoms cannot both claim the same partner


def test_dictionaries_of_different_spaces_are_not_matched(dictionary: Dictionary) -> None:
    other = make_world(seed=9).whitening()
    stranger = Dictionary(dictionary.atoms, dictionary.bias, other, dictionary.encoder, dictionary.header)
    with pytest.raises(DictionaryError, match="different whitening"):
        stability_of(dictionary, [stranger])
    with pytest.raises(DictionaryError, match="two seeds"):
        stability_of(dictionary, [])


def test_several_seeds_in_one_command_keep_the_stability_of_every_feature(tmp_path: Path) -> None:
    world: World = make_world(dim=24, atoms=48, tokens=6000, active=3)
    settings = TrainSettings(
        features=96, iterations=3, per_iteration=1, steps=150, batch=512, learning_rate=1e-2, evaluate_every=150
    )
    told: list[tuple[int, int]] = []
    result = train_seeds(
        settings,
        3,
        ArrayTokens(world.tokens),
        world.whitening(),
        report=lambda step, total, figures: told.append((step, total)),
    )
    dictionary = load_dictionary(save_dictionary(result.dictionary, tmp_path / "d.safetensors"))
    assert dictionary.stability is not None
    assert dictionary.stability.shape == (96,)
    assert dictionary.header.metrics["seeds"] == [0, 1, 2]
    assert told[-1] == (450, 450)
    assert [step for step, _ in told] == sorted(step for step, _ in told)
    # planted features are found by every seed, and the others are where the seeds differ
    planted = F.normalize(world.atoms @ dictionary.whitening.matrix.T, dim=1)
    real = (dictionary.atoms @ planted.T).amax(dim=1) > 0.95
    assert float(dictionary.stability[real].median()) > 0.9
    assert float(dictionary.stability[~real].median()) < float(dictionary.stability[real].median()) - 0.1
