from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from tests.dictionaries.planted import World, make_world

from napari_lexicon.dictionaries.atoms import doubled_atoms
from napari_lexicon.dictionaries.checkpoint import read_checkpoint, write_checkpoint
from napari_lexicon.dictionaries.file_format import read_metadata, read_tensors, write_tensors
from napari_lexicon.dictionaries.icfl import IcflLearner, weighted_sums
from napari_lexicon.dictionaries.learners import algorithm
from napari_lexicon.dictionaries.token_source import ArrayTokens, BatchOrder, split_tokens
from napari_lexicon.dictionaries.train import TrainResult, train_dictionary
from napari_lexicon.dictionaries.train_settings import TrainSettings
from napari_lexicon.errors import DictionaryError

SMALL = TrainSettings(
    features=128, iterations=3, per_iteration=2, steps=60, batch=256, evaluate_every=20, checkpoint_every=15
)


def trained(world: World, settings: TrainSettings = SMALL, **options) -> TrainResult:
    return train_dictionary(settings, ArrayTokens(world.tokens), world.whitening(), **options)


def changed(settings: TrainSettings, **values) -> TrainSettings:
    return TrainSettings.from_json({**settings.to_json(), **values})


def test_planted_atoms_are_found() -> None:
    world = make_world(dim=32, atoms=64, tokens=8000, active=3)
    settings = changed(SMALL, steps=500, evaluate_every=250, learning_rate=3e-3)
    result = trained(world, settings)
    planted = F.normalize(world.atoms @ result.dictionary.whitening.matrix.T, dim=1)
    found = (planted @ result.dictionary.atoms.T).max(dim=1).values > 0.9
    assert float(found.float().mean()) > 0.9
    assert result.metrics["explained_variance"] > 0.9
    assert result.stopped == "finished"


def test_the_closed_form_gradient_is_that_of_autograd(world: World) -> None:
    unit = world.whitening().prepared(world.tokens[:400])[0]
    with torch.no_grad():
        learner = IcflLearner(SMALL, unit)
        learner.parameters["bias"].normal_(std=0.02)
        mine = learner.gradients(unit).by_parameter
        codes = learner.encode(unit)
    atoms = learner.parameters["atoms"].clone().requires_grad_()
    bias = learner.parameters["bias"].clone().requires_grad_()
    rebuilt = F.embedding_bag(codes.indices, atoms, per_sample_weights=codes.values, mode="sum") + bias
    (unit - rebuilt).square().sum(dim=1).mean().backward()
    assert torch.allclose(mine["atoms"], atoms.grad, atol=1e-6)
    assert torch.allclose(mine["bias"], bias.grad, atol=1e-6)


def test_weighted_sums_add_repeated_picks() -> None:
    draw = torch.Generator().manual_seed(0)
    indices = torch.randint(0, 10, (50, 6), generator=draw)
    weights, rows = torch.randn(50, 6, generator=draw), torch.randn(50, 4, generator=draw)
    expected = torch.zeros(12, 4)
    for token in range(50):
        for place in range(6):
            expected[indices[token, place]] += weights[token, place] * rows[token]
    assert torch.allclose(weighted_sums(indices, weights, rows, torch.zeros(12, 4)), expected, atol=1e-5)


def test_atoms_stay_unit_and_one_of_each_close_pair_is_redrawn(world: World) -> None:
    unit = world.whitening().prepared(world.tokens[:400])[0]
    learner = IcflLearner(changed(SMALL, reset_every=1), unit)
    atoms = learner.parameters["atoms"]
    atoms[5], atoms[9] = atoms[2], F.normalize(atoms[2] + 0.01, dim=0)
    atoms[11] = -atoms[2]
    kept, close = atoms[2].clone(), set(doubled_atoms(atoms, 0.9).tolist())
    assert {5, 9} <= close
    assert 11 not in close
    redrawn = learner.after_step(0, torch.zeros(128, dtype=torch.bool), 256)
    assert redrawn is not None
    assert set(redrawn.tolist()) == close
    assert torch.allclose(atoms[2], kept)
    assert torch.allclose(atoms.norm(dim=1), torch.ones(128), atol=1e-5)
    assert len(doubled_atoms(atoms, 0.9)) < len(close)


def test_the_same_seed_gives_the_same_dictionary_and_another_seed_another(world: World) -> None:
    first, again, other = trained(world), trained(world), trained(world, changed(SMALL, seed=1))
    assert torch.equal(first.dictionary.atoms, again.dictionary.atoms)
    assert first.dictionary.hash != other.dictionary.hash


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_a_stopped_run_goes_on_bit_identically(world: World, tmp_path: Path, optimiser: str) -> None:
    settings = changed(SMALL, optimiser=optimiser, reset_every=25, reset_cosine=0.5)
    whole = trained(world, settings, checkpoint=tmp_path / "a.safetensors")
    steps = iter(range(10_000))
    part = trained(world, settings, checkpoint=tmp_path / "b.safetensors", should_stop=lambda: next(steps) == 37)
    assert part.stopped == "stopped"
    assert "37 of 60" in part.message
    resumed = trained(world, settings, checkpoint=tmp_path / "b.safetensors")
    assert torch.equal(resumed.dictionary.atoms, whole.dictionary.atoms)
    assert torch.equal(resumed.dictionary.bias, whole.dictionary.bias)
    assert resumed.history == whole.history
    assert resumed.dictionary.hash == whole.dictionary.hash


def test_a_run_paused_between_two_checkpoints_goes_on_from_where_it_was_paused(world: World, tmp_path: Path) -> None:
    settings, path = changed(SMALL, checkpoint_every=60), tmp_path / "c.safetensors"
    steps, begun = iter(range(10_000)), []
    trained(world, settings, checkpoint=path, should_stop=lambda: next(steps) == 7)
    assert path.exists()  # long before the first checkpoint was due
    again = iter(range(10_000))
    trained(
        world,
        settings,
        checkpoint=path,
        should_stop=lambda: next(again) == 1,
        report=lambda step, total, figures: begun.append(step),
    )
    assert begun and min(begun) == 8  # one step further, none learned twice


def test_a_killed_run_goes_on_bit_identically(world: World, tmp_path: Path) -> None:
    torch.save(world.tokens, tmp_path / "tokens.pt")
    script = textwrap.dedent(f"""
        import os, signal, sys, torch
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        torch.set_num_threads({torch.get_num_threads()})
        from pathlib import Path
        from tests.dictionaries import test_train
        from tests.dictionaries.planted import World
        world = World(torch.zeros(1), torch.load({str(tmp_path / "tokens.pt")!r}))
        def die(step, total, figures):
            if step == 40: os.kill(os.getpid(), signal.SIGKILL)
        test_train.trained(world, report=die, checkpoint=Path({str(tmp_path / "c.safetensors")!r}))
    """)
    died = subprocess.run([sys.executable, "-c", script], check=False, env=os.environ, timeout=120)
    assert died.returncode == -signal.SIGKILL
    assert (tmp_path / "c.safetensors").exists()
    resumed = trained(world, checkpoint=tmp_path / "c.safetensors")
    whole = trained(world)
    assert torch.equal(resumed.dictionary.atoms, whole.dictionary.atoms)
    assert resumed.history == whole.history


def test_a_checkpoint_of_another_run_is_refused_by_name(world: World, tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    trained(world, changed(SMALL, steps=5), checkpoint=path)
    with pytest.raises(DictionaryError, match=r"c\.safetensors.*seed 0.*3"):
        trained(world, changed(SMALL, steps=5, seed=3), checkpoint=path)
    with pytest.raises(DictionaryError, match="tokens and whitening"):
        trained(World(world.atoms, world.tokens + 1), changed(SMALL, steps=5), checkpoint=path)
    path.write_bytes(b"rubbish" * 40)
    with pytest.raises(DictionaryError, match=r"c\.safetensors"):
        read_checkpoint(path, {})


@pytest.mark.parametrize(
    ("part", "content"), [("progress", "[]"), ("progress", "{}"), ("identity", "null"), ("identity", "[]")]
)
def test_a_checkpoint_with_a_damaged_header_gets_a_sentence(
    world: World, tmp_path: Path, part: str, content: str
) -> None:
    path, settings = tmp_path / "c.safetensors", changed(SMALL, steps=5)
    trained(world, settings, checkpoint=path)
    metadata = {**read_metadata(path), part: content}
    write_tensors(read_tensors(path), metadata, path)
    with pytest.raises(DictionaryError, match=r"c\.safetensors.*delete it"):
        trained(world, settings, checkpoint=path)


@pytest.mark.parametrize("name", ["last_active", "parameters.atoms", "optimiser.bias.exp_avg", "best.bias"])
def test_a_checkpoint_with_other_tensors_gets_a_sentence(world: World, tmp_path: Path, name: str) -> None:
    path, settings = tmp_path / "c.safetensors", changed(SMALL, steps=5)
    trained(world, settings, checkpoint=path)
    whole = read_tensors(path)
    lacking = {key: tensor for key, tensor in whole.items() if key != name}
    for tensors in (lacking, {**whole, name: torch.zeros(3, 5)}):
        write_tensors(tensors, read_metadata(path), path)
        with pytest.raises(DictionaryError, match=r"c\.safetensors.*delete it"):
            trained(world, settings, checkpoint=path)


def test_a_checkpoint_from_before_a_setting_was_known_goes_on(world: World, tmp_path: Path) -> None:
    path, settings = tmp_path / "c.safetensors", changed(SMALL, steps=30)
    steps = iter(range(10_000))
    trained(world, settings, checkpoint=path, should_stop=lambda: next(steps) == 20)
    old = _identity_of(path)
    saved = read_checkpoint(path, old)
    assert saved is not None
    write_checkpoint(path, {k: v for k, v in old.items() if k not in ("optimiser", "clear_at_reset")}, saved)
    resumed = trained(world, settings, checkpoint=path)
    assert torch.equal(resumed.dictionary.atoms, trained(world, settings).dictionary.atoms)
    write_checkpoint(path, {k: v for k, v in old.items() if k != "seed"} | {"optimiser": "sgd"}, saved)
    with pytest.raises(DictionaryError, match="optimiser 'sgd'"):
        trained(world, settings, checkpoint=path)


def test_redrawn_atoms_lose_their_optimiser_state(world: World, tmp_path: Path) -> None:
    settings = changed(SMALL, steps=1, reset_every=1, reset_cosine=0.5, checkpoint_every=1)
    result = trained(world, settings, checkpoint=tmp_path / "c.safetensors")
    saved = read_checkpoint(tmp_path / "c.safetensors", {**_identity_of(tmp_path / "c.safetensors")})
    assert saved is not None
    assert result.metrics["resets"] > 0
    still = (saved.tensors["optimiser.atoms.exp_avg_sq"] == 0).all(dim=1)
    assert int(still.sum()) >= result.metrics["resets"]
    trained(world, changed(settings, clear_at_reset=False), checkpoint=tmp_path / "d.safetensors")
    kept = read_checkpoint(tmp_path / "d.safetensors", {**_identity_of(tmp_path / "d.safetensors")})
    assert kept is not None
    assert int((kept.tensors["optimiser.atoms.exp_avg_sq"] == 0).all(dim=1).sum()) < int(still.sum())


def _identity_of(path: Path) -> dict:
    import json

    from napari_lexicon.dictionaries.file_format import read_metadata

    return json.loads(read_metadata(path)["identity"])


def test_figures_equal_those_of_a_dense_float64_computation(world: World) -> None:
    result = trained(world)
    d = result.dictionary
    held_out = split_tokens(ArrayTokens(world.tokens), 0.05, 20_000, 0).held_out
    unit = d.prepared(world.tokens[held_out])[0].double()
    codes = d.encode(world.tokens[held_out])
    dense = torch.zeros(len(unit), 128, dtype=torch.float64).scatter_add(1, codes.indices, codes.values.double())
    rebuilt = dense @ d.atoms.double() + d.bias.double()
    error = (unit - rebuilt).square().sum()
    m = result.metrics
    assert m["explained_variance"] == pytest.approx(float(1 - error / (unit - unit.mean(0)).square().sum()), abs=1e-6)
    assert m["cosine"] == pytest.approx(float(F.cosine_similarity(unit, rebuilt, dim=1).mean()), abs=1e-6)
    assert m["l0"] == pytest.approx(float((dense != 0).sum(1).double().mean()))
    assert m["dead_held_out"] == pytest.approx(float((~(dense > 0).any(0)).double().mean()))
    off = (d.atoms @ d.atoms.T).fill_diagonal_(0)
    assert m["coherence"] == pytest.approx(float(off.abs().max()), abs=1e-5)


def test_whole_groups_are_held_out(world: World) -> None:
    groups = torch.arange(len(world.tokens)) // 100
    split = split_tokens(ArrayTokens(world.tokens, groups), 0.1, 20_000, seed=0)
    assert len(split.held_out) == 400
    assert not set(groups[split.train].tolist()) & set(groups[split.held_out].tolist())


def test_every_epoch_sees_every_token_once_in_a_new_order() -> None:
    order = BatchOrder(torch.arange(1000), 64, seed=0)
    seen = torch.cat([order.batch(step) for step in range(125)])  # 8 epochs
    for epoch in range(8):
        assert torch.equal(seen[epoch * 1000 : (epoch + 1) * 1000].sort().values, torch.arange(1000))
    assert not torch.equal(seen[:1000], seen[1000:2000])
    assert torch.equal(BatchOrder(torch.arange(1000), 64, seed=0).batch(77), seen[77 * 64 : 78 * 64])


def test_batches_are_as_mixed_as_random_draws() -> None:
    groups = torch.arange(20_000) // 250  # 80 fields, one after the other as they are on disk
    order = BatchOrder(torch.arange(len(groups)), 256, seed=0)
    batches = torch.stack([groups[order.batch(step)] for step in range(200)])
    alike = (batches[:, :, None] == batches[:, None, :]).double().mean(dim=(1, 2)) * 256 / 255 - 1 / 255
    chance = 249 / 19_999
    spread = float(alike.std()) / len(alike) ** 0.5
    assert abs(float(alike.mean()) - chance) < 4 * spread  # pairs of a batch that come from one field
    neighbours = (batches[:, 1:] == batches[:, :-1]).double().mean()
    assert abs(float(neighbours) - chance) < 4 * (chance / batches.numel()) ** 0.5  # and pairs next to each other


def test_early_stopping_keeps_the_best(world: World) -> None:
    settings = changed(SMALL, steps=400, patience=2, learning_rate=0.2, schedule="constant", warmup=0)
    result = trained(world, settings)
    assert result.stopped == "early"
    assert result.metrics["loss"] == min(figures["loss"] for figures in result.history)
    assert len(result.history) < 20


def test_divergence_is_said(world: World) -> None:
    with pytest.raises(DictionaryError, match=r"diverged.*learning rate"):
        trained(world, changed(SMALL, learning_rate=1e38))


@pytest.mark.parametrize("name", ["icfl", "topk"])
def test_divergence_in_the_last_step_is_said(world: World, name: str) -> None:
    with pytest.raises(DictionaryError, match=r"diverged.*learning rate"):
        trained(world, changed(SMALL, algorithm=name, steps=1, learning_rate=1e38))


def test_what_is_kept_of_a_run_that_diverges_is_what_was_before(world: World) -> None:
    with pytest.raises(DictionaryError, match="worse than by nothing"):
        trained(world, changed(SMALL, learning_rate=30.0, warmup=0, steps=20))


@pytest.mark.parametrize("name", ["topk", "batch-topk", "matryoshka"])
def test_a_start_with_many_features_per_token_is_no_divergence(world: World, name: str) -> None:
    result = trained(world, changed(SMALL, algorithm=name, iterations=20, per_iteration=5, evaluate_every=10))
    assert result.stopped == "finished"
    losses = [figures["loss"] for figures in result.history]
    assert losses[0] > 2  # twice as much as nothing would cost
    assert losses[-1] < losses[0] - 0.5


@pytest.mark.parametrize("name", ["icfl", "topk", "relu-l1"])
def test_few_tokens_that_lie_together_are_no_divergence(world: World, name: str) -> None:
    settings = changed(SMALL, algorithm=name, steps=12, evaluate_every=3, validation_fraction=0.01)
    for tokens in (world.tokens[:12], world.tokens[:1].repeat(200, 1)):
        result = train_dictionary(settings, ArrayTokens(tokens), world.whitening())
        assert result.stopped == "finished"
        assert all(abs(figures["explained_variance"]) < 1e9 for figures in result.history)


def test_tokens_that_all_equal_the_control_mean_are_refused(world: World) -> None:
    whitening = world.whitening()
    with pytest.raises(DictionaryError, match="mean of the controls"):
        train_dictionary(SMALL, ArrayTokens(whitening.mean.repeat(100, 1)), whitening)


def test_reports_carry_losses_and_figures(world: World) -> None:
    seen: list[tuple[int, int, dict]] = []
    trained(world, report=lambda step, total, figures: seen.append((step, total, figures)))
    assert {step for step, _, figures in seen if "explained_variance" in figures} == {20, 40, 60}
    assert all(total == 60 for _, total, _ in seen)
    assert any("training_loss" in figures for _, _, figures in seen)


def test_too_few_tokens_are_refused(world: World) -> None:
    with pytest.raises(DictionaryError, match="1 tokens"):
        train_dictionary(SMALL, ArrayTokens(world.tokens[:1]), world.whitening())


@pytest.mark.parametrize(
    "values",
    [
        {"algorithm": "magic"}, {"steps": 0}, {"per_iteration": 200}, {"colour": "red"}, {"patience": -1},
        {"seed": -1}, {"validation_tokens": 0}, {"reset_every": -100}, {"features": 64.0},
    ],
)  # fmt: skip
def test_impossible_settings_are_refused(world: World, values: dict) -> None:
    with pytest.raises(DictionaryError):
        trained(world, changed(SMALL, **values))


def test_the_algorithm_of_the_paper_is_found_by_either_name() -> None:
    assert algorithm("icfl-paper") is algorithm("icfl")
    assert TrainSettings(algorithm="icfl-paper") == TrainSettings(algorithm="icfl")
