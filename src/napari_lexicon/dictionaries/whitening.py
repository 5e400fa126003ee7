"""Whitening on control tokens: zero mean and unit covariance where nothing was done to the cells (ICFL, section 4.1).

Statistics are gathered in one pass in float64 and merge exactly, so that chunks, their order and the number of workers
do not matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from napari_lexicon.errors import DictionaryError

FORMS = ("pca", "zca", "none")


@dataclass(frozen=True)
class Whitening:
    """An affine map from raw tokens to whitened ones, and back.

    Parameters
    ----------
    mean : torch.Tensor
        ``(dim,)`` float32, mean of the control tokens.
    matrix : torch.Tensor
        ``(dim_w, dim)`` float32: ``whitened = matrix @ (token - mean)``.
    inverse : torch.Tensor
        ``(dim, dim_w)`` float32, pseudo-inverse of ``matrix``.
    """

    mean: torch.Tensor
    matrix: torch.Tensor
    inverse: torch.Tensor

    @property
    def dim(self) -> int:
        """Length of a raw token."""
        return int(self.matrix.shape[1])

    @property
    def dim_whitened(self) -> int:
        """Length of a whitened token."""
        return int(self.matrix.shape[0])

    def to(self, device: torch.device | str) -> Whitening:
        """The same map with its tensors on ``device``."""
        return Whitening(self.mean.to(device), self.matrix.to(device), self.inverse.to(device))

    def whiten(self, tokens: torch.Tensor) -> torch.Tensor:
        """``(N, dim)`` raw tokens to ``(N, dim_w)`` whitened ones, not yet of unit norm."""
        return (tokens - self.mean) @ self.matrix.T

    def unwhiten(self, whitened: torch.Tensor) -> torch.Tensor:
        """``(N, dim_w)`` whitened tokens to ``(N, dim)`` raw ones; directions cut away come back as the mean."""
        return whitened @ self.inverse.T + self.mean

    def prepared(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What an encoder sees: centred on controls, whitened, scaled to unit norm.

        Parameters
        ----------
        tokens : torch.Tensor
            ``(N, dim)`` float32, raw.

        Returns
        -------
        unit : torch.Tensor
            ``(N, dim_w)`` of norm 1; a token equal to the control mean stays 0.
        norms : torch.Tensor
            ``(N,)`` norms before the scaling.

        Raises
        ------
        DictionaryError
            If the tokens have another length, or hold NaN or infinity.
        """
        if tokens.ndim != 2 or tokens.shape[1] != self.dim:
            raise DictionaryError(
                f"The dictionary expects tokens of length {self.dim}, and these have shape {tuple(tokens.shape)}: "
                "use the backbone, layer and channel mode that the dictionary was trained on."
            )
        whitened = self.whiten(tokens)
        norms = torch.linalg.vector_norm(whitened, dim=1)
        if not bool(torch.isfinite(norms).all()):
            raise DictionaryError("Tokens hold NaN or infinite numbers: check the images for broken pixels.")
        return whitened / norms.clamp_min(torch.finfo(whitened.dtype).tiny).unsqueeze(1), norms

    @classmethod
    def identity(cls, dim: int) -> Whitening:
        """The map that leaves tokens as they are."""
        return cls(torch.zeros(dim), torch.eye(dim), torch.eye(dim))


class WhiteningAccumulator:
    """Mean and scatter of control tokens, gathered chunk by chunk.

    Chunks are centred on their own mean before they are added (Chan, Golub and LeVeque 1979), which keeps the
    covariance right when the mean is much larger than the spread.

    Parameters
    ----------
    dim : int
        Length of a token.
    """

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.count = 0
        self.mean = torch.zeros(dim, dtype=torch.float64)
        self.scatter = torch.zeros(dim, dim, dtype=torch.float64)  # sum of outer products about the mean

    def update(self, tokens: torch.Tensor) -> None:
        """Add ``(N, dim)`` control tokens.

        Raises
        ------
        DictionaryError
            If the tokens have another length, or hold NaN or infinity.
        """
        if tokens.ndim != 2 or tokens.shape[1] != self.dim:
            raise DictionaryError(f"Whitening expects tokens of length {self.dim}, not of shape {tuple(tokens.shape)}.")
        if tokens.shape[0] == 0:
            return
        chunk = tokens.detach().to("cpu", torch.float64)
        mean = chunk.mean(dim=0)
        if not bool(torch.isfinite(mean).all()):
            raise DictionaryError("Control tokens hold NaN or infinite numbers: check the images of the control wells.")
        centred = chunk - mean
        self._add(tokens.shape[0], mean, centred.T @ centred)

    def merge(self, other: WhiteningAccumulator) -> None:
        """Add what another accumulator has gathered, exactly as if its tokens had been given to this one."""
        if other.dim != self.dim:
            raise DictionaryError(f"Whitening statistics of length {other.dim} do not merge with length {self.dim}.")
        if other.count:
            self._add(other.count, other.mean, other.scatter)

    def _add(self, count: int, mean: torch.Tensor, scatter: torch.Tensor) -> None:
        total = self.count + count
        shift = mean - self.mean
        self.scatter = self.scatter + scatter + torch.outer(shift, shift) * (self.count * count / total)
        self.mean = self.mean + shift * (count / total)
        self.count = total

    @property
    def covariance(self) -> torch.Tensor:
        """``(dim, dim)`` float64 sample covariance."""
        return self.scatter / max(self.count - 1, 1)

    def fit(
        self,
        form: str = "pca",
        *,
        variance: float | None = None,
        components: int | None = None,
        floor: float = 1e-3,
        tokens_per_direction: float = 5.0,
    ) -> Whitening:
        """The whitening of the tokens seen so far.

        Parameters
        ----------
        form : {"pca", "zca", "none"}
            ``"pca"`` gives one coordinate per kept principal direction, largest variance first; ``"zca"`` rotates back
            into token space; ``"none"`` only subtracts the mean.
        variance : float, optional
            Keep the fewest directions that hold this share (0 to 1) of the variance.
        components : int, optional
            Keep at most this many directions.
        floor : float
            Added to every eigenvalue as a share of their mean, so that directions in which controls hardly vary are
            not blown up.
        tokens_per_direction : float
            Control tokens demanded per kept direction.

        Raises
        ------
        DictionaryError
            If there are too few control tokens for the directions kept.
        """
        if form not in FORMS:
            raise DictionaryError(f"Whitening form {form!r} is unknown: choose one of {', '.join(FORMS)}.")
        if self.count == 0:
            raise DictionaryError("There are no control tokens to whiten on: choose control wells.")
        if not 0 <= floor < math.inf:
            raise DictionaryError(f"The floor of whitening must be a share of at least 0, not {floor}.")
        if form == "none":
            plain = Whitening.identity(self.dim)
            return Whitening(self.mean.float(), plain.matrix, plain.inverse)
        values, vectors = torch.linalg.eigh(self.covariance)
        values, vectors = values.flip(0).clamp_min(0), _with_fixed_signs(vectors.flip(1))
        kept = _directions_kept(values, variance, components)
        self._refuse_too_few(kept, tokens_per_direction)
        scale = (values[:kept] + floor * values.mean()).sqrt()
        if not bool((scale > 0).all()):
            raise DictionaryError("Control tokens do not vary: choose control wells with cells in them.")
        matrix, inverse = vectors[:, :kept].T / scale.unsqueeze(1), vectors[:, :kept] * scale
        if form == "zca":
            matrix, inverse = vectors[:, :kept] @ matrix, inverse @ vectors[:, :kept].T
        return Whitening(self.mean.float(), matrix.float().contiguous(), inverse.float().contiguous())

    def _refuse_too_few(self, kept: int, tokens_per_direction: float) -> None:
        needed = math.ceil(kept * tokens_per_direction) + 1
        if self.count < needed:
            affordable = int((self.count - 1) / tokens_per_direction)
            remedy = "choose more control wells, or use patch tokens instead of means"
            if affordable:
                remedy = (
                    f"choose more control wells, use patch tokens instead of means, or keep at most {affordable} "
                    "components"
                )
            raise DictionaryError(
                f"Whitening {kept} directions needs at least {needed} control tokens, and there are {self.count}: "
                f"{remedy}."
            )


def _directions_kept(values: torch.Tensor, variance: float | None, components: int | None) -> int:
    """How many of the falling eigenvalues stay."""
    kept = len(values)
    if variance is not None:
        if not 0 < variance <= 1:
            raise DictionaryError(f"The share of variance kept in whitening must lie between 0 and 1, not {variance}.")
        share = values.cumsum(0) / values.sum().clamp_min(torch.finfo(values.dtype).tiny)
        kept = min(kept, int((share < variance - 1e-12).sum()) + 1)
    if components is not None:
        if components < 1:
            raise DictionaryError(f"Whitening must keep at least one component, not {components}.")
        kept = min(kept, components)
    return kept


def _with_fixed_signs(vectors: torch.Tensor) -> torch.Tensor:
    """Columns turned so that their largest entry is positive: an eigenvector's sign is otherwise left to chance."""
    largest = vectors.abs().argmax(dim=0)
    return vectors * vectors.gather(0, largest.unsqueeze(0)).sign()
