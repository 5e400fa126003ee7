"""What sparse autoencoders share: tied start, unit atoms, gradients by autograd, an encoder of their own."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from napari_lexicon.dictionaries import parallel
from napari_lexicon.dictionaries.atoms import initial_atoms, unit_rows_
from napari_lexicon.dictionaries.codes import Codes
from napari_lexicon.dictionaries.encoder import EncoderSettings
from napari_lexicon.dictionaries.learners import Gradients
from napari_lexicon.dictionaries.linear import LinearEncoder, LinearMap
from napari_lexicon.dictionaries.train_settings import TrainSettings


class Autoencoder:
    """Base of the sparse autoencoders; the code of a token is a cut product, ``cut(weight @ (x - bias) + offset)``.

    Parameters
    ----------
    settings : TrainSettings
        Of the run. Their number of nonzeros is ``iterations * per_iteration``.
    sample : torch.Tensor
        ``(S, dim_w)`` prepared training tokens.
    """

    sample_tokens = 0

    def __init__(self, settings: TrainSettings, sample: torch.Tensor) -> None:
        self._settings = settings
        self.k = min(settings.iterations * settings.per_iteration, settings.features)
        bias = sample.mean(dim=0) * float(settings.bias)
        atoms = initial_atoms(settings, sample)
        self.parameters = {
            "atoms": atoms,
            "bias": bias,
            "weight": atoms.clone(),  # tied at the start; a copy, because both are changed in place
            "offset": torch.zeros(settings.features, device=sample.device),
        }
        self.buffers: dict[str, torch.Tensor] = {"idle": torch.zeros(settings.features, device=sample.device)}

    def gradients(self, unit: torch.Tensor) -> Gradients:
        """Gradients of :meth:`objective`; the gradient of an atom along itself is dropped, its length being fixed."""
        leaves = {name: p.detach().requires_grad_() for name, p in self.parameters.items()}
        with torch.enable_grad():
            loss, squared_error, active = self.objective(unit, leaves)
            found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True, materialize_grads=True)
        by_parameter = dict(zip(leaves, found, strict=True))
        atoms = self.parameters["atoms"]
        along = (by_parameter["atoms"] * atoms).sum(dim=1, keepdim=True)
        by_parameter["atoms"] = by_parameter["atoms"] - along * atoms
        if not self._settings.bias:
            by_parameter["bias"].zero_()
        return Gradients(by_parameter, float(squared_error), active)

    def objective(
        self, unit: torch.Tensor, p: dict[str, torch.Tensor]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What is minimised, the mean squared error, and which features were active ``(M,)`` bool."""
        raise NotImplementedError

    def after_step(self, step: int, active: torch.Tensor, tokens: int) -> torch.Tensor | None:
        """Unit atoms; autoencoders revive dead features by their loss and redraw none."""
        unit_rows_(self.parameters["atoms"])
        self.buffers["idle"] += tokens
        self.buffers["idle"][active] = 0
        return None

    def encode(self, unit: torch.Tensor) -> Codes:
        """Codes of prepared tokens."""
        return LinearEncoder(self.encoder(), self.linear()).encode(unit - self.parameters["bias"])

    def encoder(self) -> EncoderSettings:
        """The largest ``k`` products, cut at 0."""
        return EncoderSettings(kind="linear", active=self.k, activation="topk")

    def linear(self, parameters: dict[str, torch.Tensor] | None = None) -> LinearMap:
        """The encoder's matrix, of the present or of given parameters."""
        p = self.parameters if parameters is None else parameters
        return LinearMap(p["weight"], p["offset"], torch.zeros_like(p["offset"]))


def products(unit: torch.Tensor, p: dict[str, torch.Tensor]) -> torch.Tensor:
    """``(B, M)`` products before they are cut."""
    return torch.addmm(p["offset"], unit - p["bias"], p["weight"].T)


def rebuilt(codes: Codes, p: dict[str, torch.Tensor]) -> torch.Tensor:
    """``(B, dim_w)`` tokens that the codes stand for."""
    return F.embedding_bag(codes.indices, p["atoms"], per_sample_weights=codes.values, mode="sum") + p["bias"]


def auxiliary_loss(
    settings: TrainSettings, scores: torch.Tensor, error: torch.Tensor, idle: torch.Tensor, atoms: torch.Tensor
) -> torch.Tensor:
    """AuxK (Gao et al., arXiv 2406.04093, appendix A.2): idle features learn to rebuild what the others left over.

    Parameters
    ----------
    settings : TrainSettings
        ``auxiliary`` is the weight, ``auxiliary_window`` the tokens after which a feature counts as idle.
    scores : torch.Tensor
        ``(B, M)`` products before they are cut.
    error : torch.Tensor
        ``(B, dim_w)`` what the active features left over.
    idle : torch.Tensor
        ``(M,)`` training tokens since each feature was active.
    atoms : torch.Tensor
        ``(M, dim_w)``.
    """
    dead = (idle >= settings.auxiliary_window).nonzero().flatten()
    if not len(dead) or not settings.auxiliary:
        return scores.new_zeros(())
    left = error.detach()
    best = scores[:, dead].topk(min(len(dead), max(atoms.shape[1] // 2, 1)), dim=1)
    guess = F.embedding_bag(dead[best.indices], atoms, per_sample_weights=best.values.relu(), mode="sum")
    scale = parallel.mean(left.square().sum(dim=1).mean(), len(left))
    return settings.auxiliary * (left - guess).square().sum(dim=1).mean() / scale
