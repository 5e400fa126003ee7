"""The dictionary: whitening, atoms and the encoder that belongs to them, from raw tokens to sparse codes and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

from napari_lexicon.dictionaries.codes import Codes
from napari_lexicon.dictionaries.encoder import Encoder, EncoderSettings
from napari_lexicon.dictionaries.header import DictionaryHeader
from napari_lexicon.dictionaries.linear import LinearEncoder, LinearMap
from napari_lexicon.dictionaries.pursuit_encoder import PursuitEncoder
from napari_lexicon.dictionaries.whitening import Whitening
from napari_lexicon.errors import DictionaryError

TokenArray = torch.Tensor | npt.NDArray[np.float32]
_BLOCK = 16384  # tokens prepared and coded at a time
_MUST_MATCH = {
    "id": "backbone",
    "weights_hash": "backbone weights",
    "layer": "layer",
    "patch": "patch size",
    "dim": "token length",
    "preprocessing": "preprocessing version",
}


class Dictionary:
    """Features of one backbone layer, and how to find them in tokens.

    Order of things, as in the ICFL paper: centre on controls, whiten, scale to unit norm, encode.

    Parameters
    ----------
    atoms : torch.Tensor
        ``(M, dim_w)`` float32, unit rows.
    bias : torch.Tensor
        ``(dim_w,)`` float32, subtracted before encoding.
    whitening : Whitening
        From raw tokens to whitened ones.
    encoder : EncoderSettings
        How codes are found.
    header : DictionaryHeader
        What made it.
    stability : torch.Tensor, optional
        ``(M,)`` float32, how well each atom is found again with other seeds: mean over the other seeds of the
        cosine with its matched atom.
    linear : LinearMap, optional
        What an encoder of kind ``"linear"`` needs.
    """

    def __init__(
        self,
        atoms: torch.Tensor,
        bias: torch.Tensor,
        whitening: Whitening,
        encoder: EncoderSettings,
        header: DictionaryHeader,
        stability: torch.Tensor | None = None,
        linear: LinearMap | None = None,
    ) -> None:
        _check_shapes(atoms, bias, whitening, encoder, stability, linear)
        self.atoms = atoms
        self.bias = bias
        self.whitening = whitening
        self.encoder = encoder
        self.header = header
        self.stability = stability
        self.linear = linear
        self._encoder: Encoder = PursuitEncoder(encoder, atoms) if linear is None else LinearEncoder(encoder, linear)

    @property
    def n_features(self) -> int:
        """Number of features, M."""
        return int(self.atoms.shape[0])

    @property
    def dim(self) -> int:
        """Length of the raw tokens it takes."""
        return self.whitening.dim

    @property
    def k(self) -> int:
        """Picks per token."""
        return self.encoder.k

    @cached_property
    def hash(self) -> str:
        """16 hex digits over everything that decides the codes: tensors and encoder settings, not the header."""
        digest = hashlib.sha256(json.dumps(self.encoder.to_json(), sort_keys=True).encode())
        w, linear = self.whitening, self.linear
        tensors = [self.atoms, self.bias, w.mean, w.matrix, w.inverse]
        if linear is not None:
            tensors += [linear.weight, linear.offset, linear.threshold]
        for tensor in tensors:
            digest.update(str(tuple(tensor.shape)).encode())
            digest.update(tensor.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def to(self, device: torch.device | str) -> Dictionary:
        """The same dictionary with its tensors on ``device``."""
        stability = None if self.stability is None else self.stability.to(device)
        return Dictionary(
            self.atoms.to(device),
            self.bias.to(device),
            self.whitening.to(device),
            self.encoder,
            self.header,
            stability,
            None if self.linear is None else self.linear.to(device),
        )

    def __repr__(self) -> str:
        width = f"{self.whitening.dim} numbers, {self.atoms.shape[1]} whitened"
        return f"<Dictionary {self.header.name}: {len(self.atoms)} features of {width}, {self.encoder.k} per token>"

    def encode(self, tokens: TokenArray, rounds: int | None = None, *, path: str | None = None) -> Codes:
        """Sparse codes of raw tokens.

        Parameters
        ----------
        tokens : torch.Tensor or numpy.ndarray
            ``(N, dim)`` float32, raw, on any device; codes come back on the device of the dictionary.
        rounds : int, optional
            Stop the pursuit after this many rounds (a linear encoder: after this many features): fewer, stronger
            features per token. At most ``encoder.rounds``.
        path : {"compiled", "direct", "gram", "bfloat16"}, optional
            How a pursuit is computed; by default the fastest way here. All choose the same features, except among such
            as float32 cannot tell apart, with values a rounding apart.

        Returns
        -------
        Codes
            ``k`` picks per token in pick order.

        Raises
        ------
        DictionaryError
            If the tokens do not fit, or are not finite.
        """
        parts = [
            self._encoder.encode(self.prepared(chunk)[0] - self.bias, rounds, path)
            for chunk in torch.split(torch.as_tensor(tokens), _BLOCK)
        ]
        if len(parts) == 1:
            return parts[0]
        return Codes(torch.cat([p.indices for p in parts]), torch.cat([p.values for p in parts]))

    def prepared(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Whitened tokens of unit norm, and their norms before that: see :meth:`Whitening.prepared`."""
        return self.whitening.prepared(tokens.to(self.atoms.device, torch.float32))

    def decode(self, codes: Codes, space: str = "whitened", norms: torch.Tensor | None = None) -> torch.Tensor:
        """Tokens that the codes stand for.

        Parameters
        ----------
        codes : Codes
            Of N tokens.
        space : {"whitened", "token"}
            ``"whitened"``: approximates the prepared token of unit norm. ``"token"``: undoes the whitening as well.
        norms : torch.Tensor, optional
            ``(N,)`` norms that the whitened tokens had (second result of :meth:`prepared`), for ``"token"``. Without
            them the norm of a typical control token, ``sqrt(dim_w)``, is used.

        Returns
        -------
        torch.Tensor
            ``(N, dim_w)`` or ``(N, dim)`` float32.
        """
        unit = F.embedding_bag(codes.indices, self.atoms, per_sample_weights=codes.values, mode="sum") + self.bias
        if space == "whitened":
            return unit
        if space != "token":
            raise DictionaryError(f"Space {space!r} is unknown: choose 'whitened' or 'token'.")
        scale = float(self.atoms.shape[1]) ** 0.5 if norms is None else norms.unsqueeze(1)
        return self.whitening.unwhiten(unit * scale)

    def cosine(self, tokens: TokenArray, features: Sequence[int]) -> torch.Tensor:
        """Cosine of raw tokens with feature directions, ``(N, F)``, after the same centring and whitening.

        Parameters
        ----------
        tokens : torch.Tensor or numpy.ndarray
            ``(N, dim)`` float32, raw.
        features : sequence of int
            F feature numbers.
        """
        chosen = self.atoms[torch.as_tensor(list(features), dtype=torch.int64, device=self.atoms.device)]
        parts = torch.split(torch.as_tensor(tokens), _BLOCK)
        return torch.cat([self.prepared(chunk)[0] @ chosen.T for chunk in parts])

    def check_compatible(self, backbone: dict[str, Any], channels_mode: str, channel_names: Sequence[str] = ()) -> None:
        """Refuse tokens that this dictionary was not made for.

        Parameters
        ----------
        backbone : dict
            ``BackboneSpec.to_json()`` of the model that makes the tokens.
        channels_mode : {"separate", "concat", "mean"}
            How channels become tokens.
        channel_names : sequence of str
            Channels in order; compared for ``"concat"`` only.

        Raises
        ------
        DictionaryError
            Naming the first thing that differs.
        """
        own, title = self.header.backbone, self.header.name or "This dictionary"
        for key, label in _MUST_MATCH.items():
            if own.get(key) != backbone.get(key):
                raise DictionaryError(
                    f"{title} was made for {label} {own.get(key)!r}, and these tokens come from {label} "
                    f"{backbone.get(key)!r}: choose the same, or train a dictionary on these tokens."
                )
        if channels_mode != self.header.channels_mode:
            raise DictionaryError(
                f"{title} was made for channel mode {self.header.channels_mode!r}, and these tokens are in mode "
                f"{channels_mode!r}: choose the same mode, or train a dictionary on these tokens."
            )
        if channels_mode == "concat" and tuple(channel_names) != self.header.channel_names:
            raise DictionaryError(
                f"{title} was made for the channels {', '.join(self.header.channel_names)} in this order, and the "
                f"plate has {', '.join(channel_names)}: choose these channels, or train a dictionary on this plate."
            )


def _check_shapes(
    atoms: torch.Tensor,
    bias: torch.Tensor,
    whitening: Whitening,
    encoder: EncoderSettings,
    stability: torch.Tensor | None,
    linear: LinearMap | None,
) -> None:
    features, dim_w = atoms.shape
    agree = (
        bias.shape == (dim_w,)
        and whitening.matrix.shape == (dim_w, whitening.dim)
        and whitening.inverse.shape == (whitening.dim, dim_w)
        and whitening.mean.shape == (whitening.dim,)
        and (stability is None or stability.shape == (features,))
        and (linear is None or linear.weight.shape == atoms.shape)
        and (linear is None or linear.offset.shape == linear.threshold.shape == (features,))
    )
    if not agree:
        raise DictionaryError("The parts of the dictionary do not fit together: their shapes disagree.")
    if (encoder.kind == "linear") != (linear is not None):
        raise DictionaryError(f"An encoder of kind {encoder.kind!r} does not go with the tensors given.")
    if features < encoder.fewest_features:
        raise DictionaryError(
            f"A dictionary of {features} features cannot give {encoder.fewest_features} per iteration: use fewer."
        )
