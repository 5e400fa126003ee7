"""What is timed of other libraries, each by its own code; runs in an environment of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def apply_saelens(tokens: torch.Tensor, atoms: torch.Tensor, rounds: int, per_round: int) -> Callable[[], Any]:
    """SAELens matching pursuit, one atom per step, as many steps as picks; its early stops are off."""
    from sae_lens.saes.matching_pursuit_sae import MatchingPursuitSAE, MatchingPursuitSAEConfig

    features, dim = atoms.shape
    config = MatchingPursuitSAEConfig(
        d_in=dim,
        d_sae=features,
        device="cpu",
        residual_threshold=0.0,
        stop_on_duplicate_support=False,
        max_iterations=rounds * per_round,
    )
    model = MatchingPursuitSAE(config)
    with torch.no_grad():
        model.W_dec.copy_(atoms)

    def run() -> None:
        with torch.no_grad():
            model.encode(tokens)

    return run


def apply_saelens_topk(tokens: torch.Tensor, atoms: torch.Tensor, rounds: int, per_round: int) -> Callable[[], Any]:
    """SAELens TopK."""
    from sae_lens.saes.topk_sae import TopKSAE, TopKSAEConfig

    features, dim = atoms.shape
    model = TopKSAE(TopKSAEConfig(d_in=dim, d_sae=features, device="cpu", k=rounds * per_round))
    with torch.no_grad():
        model.W_dec.copy_(atoms)
        model.W_enc.copy_(atoms.T)

    def run() -> None:
        with torch.no_grad():
            model.encode(tokens)

    return run


def apply_overcomplete(tokens: torch.Tensor, atoms: torch.Tensor, rounds: int, per_round: int) -> Callable[[], Any]:
    """overcomplete's MpSAE with as many steps as picks."""
    from overcomplete.sae import MpSAE

    features, dim = atoms.shape
    model = MpSAE(dim, features, k=rounds * per_round, device="cpu")
    with torch.no_grad():
        model.dictionary._weights.copy_(atoms)
    model = model.eval()  # it keeps a copy of the normalised atoms from here on

    def run() -> None:
        with torch.no_grad():
            model.encode(tokens)

    return run


def apply_dictionary_learning(
    tokens: torch.Tensor, atoms: torch.Tensor, rounds: int, per_round: int
) -> Callable[[], Any]:
    """dictionary_learning's TopK."""
    from dictionary_learning.trainers.top_k import AutoEncoderTopK

    model = AutoEncoderTopK(atoms.shape[1], len(atoms), rounds * per_round)
    with torch.no_grad():
        model.encoder.weight.copy_(atoms)

    def run() -> None:
        with torch.no_grad():
            model.encode(tokens)

    return run


def train_saelens_topk(tokens: torch.Tensor, atoms: torch.Tensor, rounds: int, per_round: int) -> Callable[[], Any]:
    """A step of SAELens TopK as its trainer does it: forward, backward, clipping, Adam."""
    from sae_lens.saes.sae import TrainStepInput
    from sae_lens.saes.topk_sae import TopKTrainingSAE, TopKTrainingSAEConfig

    features, dim = atoms.shape
    model = TopKTrainingSAE(TopKTrainingSAEConfig(d_in=dim, d_sae=features, device="cpu", k=rounds * per_round))
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-4)
    idle = torch.zeros(features, dtype=torch.bool)

    def run() -> None:
        step = TrainStepInput(
            sae_in=tokens, coefficients={}, dead_neuron_mask=idle, n_training_steps=0, is_logging_step=False
        )
        output = model.training_forward_pass(step)
        optimiser.zero_grad()
        output.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()

    return run


def train_dictionary_learning(
    tokens: torch.Tensor, atoms: torch.Tensor, rounds: int, per_round: int
) -> Callable[[], Any]:
    """A step of dictionary_learning's TopK trainer."""
    from dictionary_learning.trainers.top_k import TopKTrainer

    trainer = TopKTrainer(
        steps=10_000,
        activation_dim=atoms.shape[1],
        dict_size=len(atoms),
        k=rounds * per_round,
        layer=0,
        lm_name="none",
        device="cpu",
    )
    done = 1  # step 0 sets the bias and is slower

    def run() -> None:
        nonlocal done
        trainer.update(done, tokens)
        done += 1

    return run
