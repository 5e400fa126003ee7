from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from tests.dictionaries.planted import World, make_world

from napari_lexicon.dictionaries.file_format import load_dictionary, save_dictionary
from napari_lexicon.dictionaries.learners import ALGORITHMS
from napari_lexicon.dictionaries.token_source import ArrayTokens
from napari_lexicon.dictionaries.topk import TopK
from napari_lexicon.dictionaries.train import TrainResult, train_dictionary
from napari_lexicon.dictionaries.train_settings import TrainSettings

SETTINGS = TrainSettings(
    features=96, iterations=3, per_iteration=1, steps=300, batch=512, learning_rate=1e-2, evaluate_every=150,
    checkpoint_every=70, auxiliary_window=20_000,
)  # fmt: skip
LEARNED = [name for name, algorithm in ALGORITHMS.items() if algorithm.steps]
AT_ONCE = [name for name, algorithm in ALGORITHMS.items() if not algorithm.steps]


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(dim=24, atoms=48, tokens=8000, active=3)


def trained(world: World, name: str, **values) -> TrainResult:
    settings = TrainSettings.from_json({**SETTINGS.to_json(), "algorithm": name, **values})
    return train_dictionary(settings, ArrayTokens(world.tokens), world.whitening())


@pytest.fixture(scope="module")
def results(world: World) -> dict[str, TrainResult]:
    return {name: trained(world, name) for name in ALGORITHMS}


@pytest.mark.parametrize("name", LEARNED)
def test_every_algorithm_finds_most_planted_atoms(results: dict[str, TrainResult], world: World, name: str) -> None:
    dictionary = results[name].dictionary
    planted = F.normalize(world.atoms @ dictionary.whitening.matrix.T, dim=1)
    found = (planted @ dictionary.atoms.T).max(dim=1).values > 0.9
    assert float(found.float().mean()) > (0.2 if name == "relu-l1" else 0.6)
    # an L1 penalty shrinks what it keeps
    assert results[name].metrics["explained_variance"] > (0.2 if name == "relu-l1" else 0.6)


@pytest.mark.parametrize("name", LEARNED)
def test_every_algorithm_keeps_to_the_sparsity_asked_for(results: dict[str, TrainResult], name: str) -> None:
    assert 2 < results[name].metrics["l0"] < 4.5


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_every_dictionary_is_saved_and_loaded_whole(
    results: dict[str, TrainResult], world: World, name: str, tmp_path: Path
) -> None:
    dictionary = results[name].dictionary
    loaded = load_dictionary(save_dictionary(dictionary, tmp_path / "d.safetensors"))
    before, after = dictionary.encode(world.tokens[:500]), loaded.encode(world.tokens[:500])
    assert torch.equal(before.indices, after.indices)
    assert torch.equal(before.values, after.values)
    assert loaded.hash == dictionary.hash
    assert loaded.encoder == dictionary.encoder


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_the_dictionary_is_the_one_that_was_measured(results: dict[str, TrainResult], world: World, name: str) -> None:
    result = results[name]
    unit = result.dictionary.prepared(world.tokens)[0]
    rebuilt = result.dictionary.decode(result.dictionary.encode(world.tokens))
    explained = 1 - float((unit - rebuilt).square().sum() / (unit - unit.mean(0)).square().sum())
    assert explained == pytest.approx(result.metrics["explained_variance"], abs=0.05)


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_fewer_features_per_token_are_a_prefix(results: dict[str, TrainResult], world: World, name: str) -> None:
    dictionary = results[name].dictionary
    full, short = dictionary.encode(world.tokens[:50]), dictionary.encode(world.tokens[:50], rounds=1)
    count = short.indices.shape[1]
    assert torch.equal(short.indices, full.indices[:, :count])
    assert torch.equal(short.values, full.values[:, :count])


@pytest.mark.parametrize("name", ["topk", "batch-topk", "relu-l1", "mp-sae"])
def test_a_stopped_run_of_any_algorithm_goes_on_bit_identically(world: World, name: str, tmp_path: Path) -> None:
    settings = TrainSettings.from_json({**SETTINGS.to_json(), "algorithm": name, "steps": 40, "checkpoint_every": 15})
    steps = iter(range(1000))
    source, whitening, path = ArrayTokens(world.tokens), world.whitening(), tmp_path / "c.safetensors"
    train_dictionary(settings, source, whitening, checkpoint=path, should_stop=lambda: next(steps) == 33)
    resumed = train_dictionary(settings, source, whitening, checkpoint=path)
    whole = train_dictionary(settings, source, whitening)
    assert resumed.dictionary.hash == whole.dictionary.hash
    assert resumed.history == whole.history


def test_the_auxiliary_loss_reaches_idle_features_and_nothing_else_does(world: World) -> None:
    unit = world.whitening().prepared(world.tokens[:256])[0]
    reached = {}
    for weight in (0.0, 1 / 32):
        with torch.no_grad():
            learner = TopK(TrainSettings.from_json({**SETTINGS.to_json(), "auxiliary": weight}), unit)
            learner.parameters["weight"][:8] *= 0.01  # far from being among the largest
            learner.buffers["idle"][:8] = SETTINGS.auxiliary_window
            found = learner.gradients(unit)
            learner.after_step(0, found.active, len(unit))
        assert not bool(found.active[:8].any())
        reached[weight] = int((found.by_parameter["atoms"][:8].norm(dim=1) > 0).sum())
        assert float(learner.buffers["idle"][:8].min()) == SETTINGS.auxiliary_window + 256
        assert float(learner.buffers["idle"][found.active].max()) == 0
    assert reached == {0.0: 0, 1 / 32: 8}


def test_early_atoms_of_a_matryoshka_rebuild_tokens_better_than_late_ones(
    results: dict[str, TrainResult], world: World
) -> None:
    def explained(name: str, share: slice) -> float:
        dictionary = results[name].dictionary
        unit, codes = dictionary.prepared(world.tokens)[0], dictionary.encode(world.tokens)
        dense = torch.zeros(len(unit), 96).scatter_add(1, codes.indices, codes.values)
        rebuilt = dense[:, share] @ dictionary.atoms[share] + dictionary.bias
        return 1 - float((unit - rebuilt).square().sum() / (unit - unit.mean(0)).square().sum())

    early, late = slice(0, 24), slice(72, 96)
    advantage = {name: explained(name, early) - explained(name, late) for name in ("matryoshka", "topk")}
    assert advantage["matryoshka"] > advantage["topk"]


def test_pca_features_are_the_whitened_coordinates(results: dict[str, TrainResult], world: World) -> None:
    dictionary, figures = results["pca"].dictionary, results["pca"].metrics
    assert (figures["dead"], figures["dead_window"]) == (figures["dead_held_out"], 0)  # no token was trained on
    unit = dictionary.prepared(world.tokens[:20])[0]
    dense = torch.zeros(20, 48).scatter_add(
        1, *(getattr(dictionary.encode(world.tokens[:20], rounds=3), part) for part in ("indices", "values"))
    )
    coordinates = dense[:, :24] - dense[:, 24:]
    kept = coordinates != 0
    assert torch.allclose(coordinates[kept], unit[kept], atol=1e-5)
    assert bool((kept.sum(dim=1) == 3).all())


def test_ica_unmixes_independent_sources() -> None:
    draw = torch.Generator().manual_seed(0)
    sources = torch.empty(20_000, 6).exponential_(generator=draw) * torch.randn(20_000, 6, generator=draw).sign()
    mixing = torch.randn(6, 6, generator=draw)
    from napari_lexicon.dictionaries.baselines import IcaCoordinates

    learner = IcaCoordinates(TrainSettings(features=12, iterations=2, per_iteration=1), sources @ mixing)
    unmixed = (sources @ mixing) @ learner.parameters["atoms"][:6].T
    correlation = torch.corrcoef(torch.cat([unmixed, sources], dim=1).T)[:6, 6:].abs()
    assert float(correlation.max(dim=0).values.min()) > 0.98


def test_k_means_gives_every_token_its_nearest_centre(results: dict[str, TrainResult], world: World) -> None:
    dictionary = results["kmeans"].dictionary
    codes = dictionary.encode(world.tokens[:300])
    nearest = (dictionary.prepared(world.tokens[:300])[0] @ dictionary.atoms.T).argmax(dim=1)
    assert codes.indices.shape == (300, 1)
    assert torch.equal(codes.indices[:, 0], nearest)


def test_tokens_that_equal_the_control_mean_make_no_centre(world: World, tmp_path: Path) -> None:
    tokens = world.tokens[:600].clone()
    whitening = world.whitening()
    tokens[::3] = whitening.mean
    settings = TrainSettings.from_json({**SETTINGS.to_json(), "algorithm": "kmeans"})
    result = train_dictionary(settings, ArrayTokens(tokens), whitening)
    load_dictionary(save_dictionary(result.dictionary, tmp_path / "d.safetensors"))
