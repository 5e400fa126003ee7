"""Plain baselines that a dictionary has to beat: whitened PCA coordinates, ICA and k-means.

They are found at once, from a sample of training tokens, and the trainer only measures them.
"""

from __future__ import annotations

import torch

from napari_lexicon.dictionaries.atoms import unit_rows_
from napari_lexicon.dictionaries.codes import Codes
from napari_lexicon.dictionaries.encoder import EncoderSettings
from napari_lexicon.dictionaries.learners import Gradients
from napari_lexicon.dictionaries.linear import LinearEncoder, LinearMap
from napari_lexicon.dictionaries.token_source import seeded
from napari_lexicon.dictionaries.train_settings import TrainSettings
from napari_lexicon.errors import DictionaryError

_ROUNDS = 50  # of k-means and of ICA, at most


class Coordinates:
    """Directions and their opposites as features, coded by the products with them, largest first.

    Parameters
    ----------
    settings : TrainSettings
        Of the run. There are never more than ``2 * dim_w`` features, however many are asked for.
    sample : torch.Tensor
        ``(S, dim_w)`` prepared training tokens.
    """

    sample_tokens = 50_000

    def __init__(self, settings: TrainSettings, sample: torch.Tensor) -> None:
        directions = self.directions(sample, settings.seed)[: max(settings.features // 2, 1)]
        self._active = min(settings.iterations * settings.per_iteration, len(directions))
        atoms = unit_rows_(torch.cat([directions, -directions]))
        self.parameters = {"atoms": atoms, "bias": torch.zeros(sample.shape[1], device=sample.device)}
        self.buffers: dict[str, torch.Tensor] = {}

    def directions(self, sample: torch.Tensor, seed: int) -> torch.Tensor:
        """``(n, dim_w)`` directions."""
        raise NotImplementedError

    def gradients(self, unit: torch.Tensor) -> Gradients:
        """There is nothing to learn step by step."""
        raise DictionaryError("A baseline is found at once and has no training steps.")

    def after_step(self, step: int, active: torch.Tensor, tokens: int) -> torch.Tensor | None:
        """Nothing to restore."""
        return None

    def encode(self, unit: torch.Tensor) -> Codes:
        """Codes of prepared tokens."""
        return LinearEncoder(self.encoder(), self.linear()).encode(unit)

    def encoder(self) -> EncoderSettings:
        """The largest products."""
        return EncoderSettings(kind="linear", active=self._active, activation="topk")

    def linear(self, parameters: dict[str, torch.Tensor] | None = None) -> LinearMap:
        """Atoms are their own encoder."""
        atoms = (self.parameters if parameters is None else parameters)["atoms"]
        zeros = torch.zeros(len(atoms), device=atoms.device)
        return LinearMap(atoms.clone(), zeros, zeros.clone())


class PcaCoordinates(Coordinates):
    """The coordinates of whitened tokens themselves, in order of falling variance before the whitening."""

    def directions(self, sample: torch.Tensor, seed: int) -> torch.Tensor:
        """The axes."""
        return torch.eye(sample.shape[1], device=sample.device)


class IcaCoordinates(Coordinates):
    """Independent components by symmetric FastICA with the log cosh contrast (Hyvarinen 1999)."""

    def directions(self, sample: torch.Tensor, seed: int) -> torch.Tensor:
        """The axes along which tokens are least Gaussian."""
        values, vectors = torch.linalg.eigh(sample.T.cov())
        kept = values > 1e-6 * values.mean()
        whiten = vectors[:, kept] / values[kept].sqrt()
        white = (sample - sample.mean(dim=0)) @ whiten
        start = torch.randn(white.shape[1], white.shape[1], generator=seeded(seed, "ica")).to(sample.device)
        mixing = _orthogonal(start)
        for _ in range(_ROUNDS):
            contrast = torch.tanh(white @ mixing.T)
            slope = 1 - contrast.square().mean(dim=0)
            before, mixing = mixing, _orthogonal(contrast.T @ white / len(white) - slope.unsqueeze(1) * mixing)
            if float((mixing * before).sum(dim=1).abs().min()) > 1 - 1e-5:
                break
        directions: torch.Tensor = mixing @ whiten.T
        return directions


def _orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """The orthogonal matrix closest to ``matrix``."""
    left, _, right = torch.linalg.svd(matrix)
    product: torch.Tensor = left @ right
    return product


class KMeans(Coordinates):
    """Spherical k-means: the feature of a token is the centre closest to it, and no other."""

    sample_tokens = 200_000

    def __init__(self, settings: TrainSettings, sample: torch.Tensor) -> None:
        self.parameters = {
            "atoms": _centres(sample, settings),
            "bias": torch.zeros(sample.shape[1], device=sample.device),
        }
        self.buffers = {}
        self._active = 1


def _centres(sample: torch.Tensor, settings: TrainSettings) -> torch.Tensor:
    """``(M, dim_w)`` unit centres; one that loses its tokens moves to the token that fits worst."""
    draw = seeded(settings.seed, "k-means")
    sample = sample[torch.linalg.vector_norm(sample, dim=1) > 0.5]  # a token that equals the control mean lies nowhere
    if len(sample) < settings.features:
        raise DictionaryError(
            f"k-means finds no {settings.features} centres among {len(sample)} tokens: ask for fewer features."
        )
    centres = unit_rows_(sample[torch.randperm(len(sample), generator=draw)[: settings.features]].clone())
    before = None
    for _ in range(_ROUNDS):
        best = [(chunk @ centres.T).max(dim=1) for chunk in torch.split(sample, 8192)]
        nearest, fit = torch.cat([b.indices for b in best]), torch.cat([b.values for b in best])
        if before is not None and torch.equal(nearest, before):
            break
        before = nearest
        sums = torch.zeros_like(centres).index_add_(0, nearest, sample)
        empty = (torch.bincount(nearest, minlength=len(centres)) == 0).nonzero().flatten()
        if len(empty):
            sums[empty] = sample[fit.topk(len(empty), largest=False).indices]
        centres = unit_rows_(sums)
    return centres
