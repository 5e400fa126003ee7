"""MP-SAE (Costa et al., From flat to hierarchical, arXiv 2506.03093): matching pursuit, with the gradient through it.

One atom per round, the one with the largest inner product with the residual; its coefficient is that product. Atoms
are chosen without gradient, and the products recomputed from the chosen rows, so that the graph holds k rows per token
and not k dictionaries.
"""

from __future__ import annotations

import torch

from napari_lexicon.dictionaries.atoms import initial_atoms, unit_rows_
from napari_lexicon.dictionaries.codes import Codes
from napari_lexicon.dictionaries.encoder import EncoderSettings
from napari_lexicon.dictionaries.learners import Gradients
from napari_lexicon.dictionaries.linear import LinearMap
from napari_lexicon.dictionaries.pursuit import active_features
from napari_lexicon.dictionaries.pursuit_encoder import PursuitEncoder, fastest_route, prepared, pursuit_along
from napari_lexicon.dictionaries.train_settings import TrainSettings


class MatchingPursuit:
    """Matching pursuit behind the trainer's contract.

    Parameters
    ----------
    settings : TrainSettings
        Of the run; the pursuit has ``iterations * per_iteration`` rounds of one pick.
    sample : torch.Tensor
        ``(S, dim_w)`` prepared training tokens.
    """

    sample_tokens = 0

    def __init__(self, settings: TrainSettings, sample: torch.Tensor) -> None:
        self._settings = settings
        self._encoder = EncoderSettings(
            iterations=settings.iterations * settings.per_iteration, per_iteration=1, ridge=settings.ridge
        )
        bias = torch.zeros(sample.shape[1], device=sample.device)
        self.parameters = {"atoms": initial_atoms(settings, sample), "bias": bias}
        self.buffers: dict[str, torch.Tensor] = {}
        self._route: str | None = None

    def gradients(self, unit: torch.Tensor) -> Gradients:
        """Gradient of the mean squared error through all rounds."""
        atoms, bias = self.parameters["atoms"], self.parameters["bias"]
        if self._route is None:
            self._route = fastest_route(unit - bias, atoms, self._encoder, preparation=True)
        route = prepared(self._route, atoms, self._encoder)
        picks = pursuit_along(route, unit - bias, atoms, self._encoder).indices
        leaves = [atoms.detach().requires_grad_(), bias.detach().requires_grad_()]
        with torch.enable_grad():
            residual = unit - leaves[1]
            values = []
            for indices in picks.T:
                rows = leaves[0][indices]
                value = (rows * residual).sum(dim=1, keepdim=True).relu()
                residual = residual - value * rows
                values.append(value.detach())
            squared = residual.square().sum(dim=1).mean()
            found = torch.autograd.grad(squared, leaves)
        codes = Codes(picks, torch.cat(values, dim=1))
        by_parameter = {"atoms": found[0], "bias": found[1] * float(self._settings.bias)}
        return Gradients(by_parameter, float(squared), active_features(codes, len(atoms)))

    def after_step(self, step: int, active: torch.Tensor, tokens: int) -> torch.Tensor | None:
        """Unit atoms."""
        unit_rows_(self.parameters["atoms"])
        return None

    def encode(self, unit: torch.Tensor) -> Codes:
        """Codes of prepared tokens."""
        encoder = PursuitEncoder(self._encoder, self.parameters["atoms"])
        return encoder.encode(unit - self.parameters["bias"], path=self._route)

    def encoder(self) -> EncoderSettings:
        """A pursuit of single picks."""
        return self._encoder

    def linear(self, parameters: dict[str, torch.Tensor] | None = None) -> LinearMap | None:
        """A pursuit has no matrix of its own."""
        return None
