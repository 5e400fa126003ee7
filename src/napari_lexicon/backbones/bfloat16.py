"""A backbone whose matrix products are done in bfloat16: faster where the processor has them, a little less exact."""

from __future__ import annotations

from dataclasses import replace

import torch

from napari_lexicon.backbones.spec import Backbone
from napari_lexicon.errors import BackboneError

BF16 = "bf16:"
"""Before the name of a backbone. It is part of the fingerprint: such tokens are never mixed with float32 ones."""

TOLERANCE = 0.02
"""Relative error of a field's tokens against float32 (norm of the difference over norm) that is to be expected."""


class Bfloat16Backbone:
    """Another backbone under autocast; tokens are float32 again.

    Parameters
    ----------
    inner : Backbone
        On the CPU or an NVIDIA GPU.

    Raises
    ------
    BackboneError
        If it runs elsewhere.
    """

    def __init__(self, inner: Backbone) -> None:
        self.model: torch.nn.Module = inner.model  # type: ignore[attr-defined]
        self.device = inner.device
        if self.device.type not in ("cpu", "cuda"):
            raise BackboneError(f"bfloat16 is not offered on {self.device.type}: leave the {BF16} out.")
        spec = inner.spec
        named = spec.id if spec.id.startswith("file:") else f"{BF16}{spec.id}"
        self.spec = replace(spec, id=named, preprocessing=f"{spec.preprocessing}+bf16")
        self._inner = inner

    def tokens(self, tiles: torch.Tensor) -> torch.Tensor:
        """See :meth:`napari_lexicon.backbones.spec.Backbone.tokens`."""
        with torch.autocast(self.device.type, torch.bfloat16):
            return self._inner.tokens(tiles)
