"""What a backbone is, and the contract between tiles and tokens."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # napari's process reads lexicons and their specs, and never loads torch
    import torch


@dataclass(frozen=True)
class BackboneSpec:
    """Everything that decides the tokens, and therefore the fingerprint of all that is computed from them.

    Parameters
    ----------
    id : str
        ``"builtin"``, ``"random"``, ``"timm:NAME"``, ``"hf-hub:OWNER/NAME"`` or ``"file:NAME"``.
    weights_hash : str
        First 16 hex digits of the SHA-256 of the weights.
    layer : int
        Index of the block whose output is read, from 0.
    depth : int
        Number of blocks, so that ``0 <= layer < depth``.
    patch, tile, margin : int
        Pixels. Tiles of ``tile`` px overlap by ``2 * margin``; tokens are kept of the inner part only. All
        three are multiples of ``patch``.
    dim : int
        Length of a token.
    preprocessing : str
        Name and version of the intensity treatment, for example ``"window-1"``.
    licence : str
        SPDX name of the licence of the weights, or its own name.
    reach : int
        How many patches away from it a token may look, through all blocks up to ``layer``. A model with a reach takes
        pictures of any whole number of patches, and a field is cut, where it must be, so that every token has all it
        looks at. 0 for a model that looks at the whole tile.
    """

    id: str
    weights_hash: str
    layer: int
    depth: int
    patch: int
    tile: int
    margin: int
    dim: int
    preprocessing: str
    licence: str
    reach: int = 0

    @property
    def fingerprint(self) -> str:
        """16 hex digits over every field but the licence, and the reach where there is one."""
        parts = asdict(self)
        parts.pop("licence")
        if not self.reach:
            parts.pop("reach")
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> BackboneSpec:
        """Inverse of :meth:`to_json`; raises ``TypeError`` on missing or unknown keys."""
        return cls(**data)


class Backbone(Protocol):
    """A vision model with one of its layers chosen. It may be asked by several threads at once."""

    spec: BackboneSpec

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        ...

    def tokens(self, tiles: torch.Tensor) -> torch.Tensor:
        """Tokens of a batch of tiles.

        Parameters
        ----------
        tiles : torch.Tensor
            ``(B, C, H, W)`` float32, intensities in units of the plate's window (0 = low, 1 = high). ``H = W = tile``,
            or any multiples of the patch where the spec has a reach.

        Returns
        -------
        torch.Tensor
            ``(B, G, gh, gw, dim)`` float32 on the CPU; G is C for a channel-wise model, 1 for a joint one;
            ``gh = H / patch``, ``gw = W / patch``.
        """
        ...
