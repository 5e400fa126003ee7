"""ICFL, iterative codebook feature learning (Donhauser et al., arXiv 2412.16247, section 4, Algorithm 1).

Alternates a pursuit on the current atoms with a gradient step on atoms and bias, codes held fixed. The final residual
of the pursuit is the gradient, so no graph is kept and nothing is decoded. Where the paper is silent: unit rows, Adam
(in the trainer), optimiser state cleared for redrawn atoms, bias from 0.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from napari_lexicon.dictionaries.atoms import doubled_atoms, initial_atoms, unit_rows_
from napari_lexicon.dictionaries.codes import Codes
from napari_lexicon.dictionaries.encoder import EncoderSettings
from napari_lexicon.dictionaries.learners import Gradients
from napari_lexicon.dictionaries.linear import LinearMap
from napari_lexicon.dictionaries.pursuit import Pursuit, active_features, order_of, refitted
from napari_lexicon.dictionaries.pursuit_encoder import PursuitEncoder, fastest_route, prepared, pursuit_along
from napari_lexicon.dictionaries.token_source import seeded
from napari_lexicon.dictionaries.train_settings import TrainSettings


class IcflLearner:
    """ICFL behind the trainer's contract.

    Parameters
    ----------
    settings : TrainSettings
        Of the run.
    sample : torch.Tensor
        ``(S, dim_w)`` prepared training tokens, from which atoms may start.
    """

    sample_tokens = 0

    def __init__(self, settings: TrainSettings, sample: torch.Tensor) -> None:
        self._settings = settings
        self._encoder = EncoderSettings(
            iterations=settings.iterations,
            per_iteration=settings.per_iteration,
            selection=settings.selection,
            refit=settings.refit,
            ridge=settings.ridge,
        )
        self._route: str | None = None
        self._held = 0  # atoms, the first ones, that are not redrawn
        bias = torch.zeros(sample.shape[1], device=sample.device)
        self.parameters = {"atoms": initial_atoms(settings, sample), "bias": bias}
        self.buffers: dict[str, torch.Tensor] = {}

    def gradients(self, unit: torch.Tensor) -> Gradients:
        """Closed form: ``-2/B * sum(z r)`` for each atom, ``-2 * mean(r)`` for the bias."""
        atoms, bias = self.parameters["atoms"], self.parameters["bias"]
        pursuit = self._pursuit(unit - bias)
        count = len(unit)
        by_parameter = {"atoms": weighted_sums(pursuit.indices, pursuit.values * (-2 / count), pursuit.residual, atoms)}
        by_parameter["bias"] = -2 * pursuit.residual.mean(dim=0) * float(self._settings.bias)
        loss = float(pursuit.residual.square().sum(dtype=torch.float64)) / count
        return Gradients(by_parameter, loss, active_features(pursuit.codes, len(atoms)))

    def _pursuit(self, centred: torch.Tensor) -> Pursuit:
        atoms, s = self.parameters["atoms"], self._encoder
        if self._route is None:  # those that race differ in speed and not in result: a resumed run may choose another
            self._route = fastest_route(centred, atoms, s, preparation=True)
        found = pursuit_along(prepared(self._route, atoms, s), centred, atoms, s)
        if not s.refit:
            return found
        codes = refitted(centred, atoms, found.codes, s.ridge)
        rebuilt = F.embedding_bag(codes.indices, atoms, per_sample_weights=codes.values, mode="sum")
        return Pursuit(codes.indices, codes.values, centred - rebuilt)

    def after_step(self, step: int, active: torch.Tensor, tokens: int) -> torch.Tensor | None:
        """Unit rows; every ``reset_every`` steps one atom of each close pair is redrawn on the sphere."""
        atoms, s = self.parameters["atoms"], self._settings
        unit_rows_(atoms)
        if not s.reset_every or (step + 1) % s.reset_every:
            return None
        doubled = doubled_atoms(atoms, s.reset_cosine)
        doubled = doubled[doubled >= self._held]
        if len(doubled):
            fresh = torch.randn(len(doubled), atoms.shape[1], generator=seeded(s.seed, "redraw", step))
            atoms[doubled] = unit_rows_(fresh).to(atoms.device)
        return doubled

    def encode(self, unit: torch.Tensor) -> Codes:
        """Codes of prepared tokens."""
        encoder = PursuitEncoder(self._encoder, self.parameters["atoms"])
        return encoder.encode(unit - self.parameters["bias"], path=self._route)

    def encoder(self) -> EncoderSettings:
        """Rounds and picks as in training."""
        return self._encoder

    def linear(self, parameters: dict[str, torch.Tensor] | None = None) -> LinearMap | None:
        """A pursuit has no matrix of its own."""
        return None


def weighted_sums(
    indices: torch.Tensor, weights: torch.Tensor, rows: torch.Tensor, features: torch.Tensor
) -> torch.Tensor:
    """For every feature the sum of ``weight * row`` over its picks, ``(M, dim_w)``.

    Picks are sorted by feature and each feature becomes a bag of tokens: ``embedding_bag`` then adds up in a fixed
    order on all cores, where ``index_add_`` is serial on a CPU and in no fixed order on a GPU.
    """
    flat = indices.flatten()
    order = order_of(flat, len(features))
    bags = torch.searchsorted(flat[order], torch.arange(len(features), device=flat.device))
    tokens = torch.div(order, indices.shape[1], rounding_mode="floor")
    return F.embedding_bag(tokens, rows, bags, mode="sum", per_sample_weights=weights.flatten()[order])
