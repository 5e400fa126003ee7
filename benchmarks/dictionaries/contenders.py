"""What is timed of ours, and the yardsticks: plain ICFL, scikit-learn, and one product with one top-k.

Each takes tokens ``(N, dim)`` and atoms ``(M, dim)`` of unit norm, J and L, and gives a function to be timed. The
names of those that apply a dictionary start with ``apply``; ``train`` does one step on all the tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

Codes = tuple[torch.Tensor, torch.Tensor]
BATCH = 1024  # tokens at a time in the plain formulation and the lower bound; the fastest of 256 to 4096


def apply_ours(tokens: torch.Tensor, atoms: torch.Tensor, rounds: int, per_round: int) -> Callable[[], Codes]:
    """The encoder of a dictionary; the choice of the route and what is prepared for it lie before the timing."""
    from napari_lexicon.dictionaries.encoder import EncoderSettings
    from napari_lexicon.dictionaries.pursuit_encoder import PursuitEncoder, fastest_route

    settings = EncoderSettings(iterations=rounds, per_iteration=per_round)
    route = fastest_route(tokens, atoms, settings)
    encoder = PursuitEncoder(settings, atoms)

    def run() -> Codes:
        with torch.no_grad():
            codes = encoder.encode(tokens, path=route)
        return codes.indices, codes.values

    run.note = route  # type: ignore[attr-defined]
    return run


def plain_pursuit(unit: torch.Tensor, atoms: torch.Tensor, rounds: int, per_round: int) -> Codes:
    """ICFL as one would write it down: all scores, top-k, a batched solve, the next residual."""
    residual, indices, values = unit, [], []
    ridge = 1e-6 * torch.eye(per_round)
    for _ in range(rounds):
        chosen = (residual @ atoms.T).topk(per_round, dim=1).indices
        rows = atoms[chosen]
        solved = torch.linalg.solve(rows @ rows.mT + ridge, rows @ residual.unsqueeze(2))
        residual = residual - (rows.mT @ solved).squeeze(2)
        indices.append(chosen)
        values.append(solved.squeeze(2))
    return torch.cat(indices, dim=1), torch.cat(values, dim=1)


def apply_plain(tokens: torch.Tensor, atoms: torch.Tensor, rounds: int, per_round: int) -> Callable[[], Codes]:
    """The plain formulation, batch by batch."""

    def run() -> Codes:
        with torch.no_grad():
            parts = [plain_pursuit(part, atoms, rounds, per_round) for part in tokens.split(BATCH)]
        return torch.cat([i for i, _ in parts]), torch.cat([v for _, v in parts])

    return run


def apply_bound(tokens: torch.Tensor, atoms: torch.Tensor, rounds: int, per_round: int) -> Callable[[], Any]:
    """What any encoder with as many features per token does at least: one product and one top-k."""

    def run() -> None:
        with torch.no_grad():
            for part in tokens.split(BATCH):
                (part @ atoms.T).topk(rounds * per_round, dim=1)

    return run


def apply_sklearn(tokens: torch.Tensor, atoms: torch.Tensor, rounds: int, per_round: int) -> Callable[[], Any]:
    """scikit-learn's orthogonal matching pursuit with a Gram matrix made beforehand."""
    from sklearn.linear_model import orthogonal_mp_gram

    gram, products = (atoms @ atoms.T).numpy(), (tokens @ atoms.T).numpy()

    def run() -> None:
        orthogonal_mp_gram(gram, products.T, n_nonzero_coefs=rounds * per_round)

    return run


def train_ours(tokens: torch.Tensor, atoms: torch.Tensor, rounds: int, per_round: int) -> Callable[[], Any]:
    """A step of the trainer: gradients, Adam, unit norms."""
    return _step("icfl", tokens, atoms, rounds, per_round)


def train_our_topk(tokens: torch.Tensor, atoms: torch.Tensor, rounds: int, per_round: int) -> Callable[[], Any]:
    """A step of our TopK with auxiliary loss."""
    return _step("topk", tokens, atoms, rounds, per_round)


def _step(name: str, tokens: torch.Tensor, atoms: torch.Tensor, rounds: int, per_round: int) -> Callable[[], Any]:
    from napari_lexicon.dictionaries.learners import algorithm
    from napari_lexicon.dictionaries.optimiser import Optimiser
    from napari_lexicon.dictionaries.train_settings import TrainSettings

    settings = TrainSettings(
        algorithm=name, features=len(atoms), iterations=rounds, per_iteration=per_round, batch=len(tokens)
    )
    with torch.no_grad():
        learner = algorithm(name).learner()(settings, atoms)
    optimiser = Optimiser("adam")
    done = 0

    def run() -> None:
        nonlocal done
        with torch.no_grad():
            found = learner.gradients(tokens)
            optimiser.step(learner.parameters, found.by_parameter, 1e-4)
            learner.after_step(done, found.active, len(tokens))
        done += 1

    return run


def train_plain(tokens: torch.Tensor, atoms: torch.Tensor, rounds: int, per_round: int) -> Callable[[], Any]:
    """The plain pursuit, then the error of its reconstruction through autograd."""
    own, bias = atoms.clone().requires_grad_(), torch.zeros(atoms.shape[1], requires_grad=True)
    optimiser = torch.optim.Adam([own, bias], lr=1e-4)

    def run() -> None:
        with torch.no_grad():
            indices, values = plain_pursuit(tokens - bias, own, rounds, per_round)
        rebuilt = F.embedding_bag(indices, own, per_sample_weights=values, mode="sum") + bias
        (tokens - rebuilt).square().sum(dim=1).mean().backward()
        optimiser.step()
        optimiser.zero_grad()
        with torch.no_grad():
            own.div_(torch.linalg.vector_norm(own, dim=1, keepdim=True))

    return run
