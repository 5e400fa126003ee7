"""Models that read red, green and blue together, as stained sections and blood smears want it."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from napari_lexicon.backbones.channelwise import Prepare, read_block
from napari_lexicon.backbones.memory import ShrinkingBatch
from napari_lexicon.backbones.spec import BackboneSpec
from napari_lexicon.errors import BackboneError

RGB = "rgb:"
"""Before the name of a backbone: its three channels see red, green and blue."""


class RgbBackbone:
    """Tokens of three channels together: G = 1.

    Parameters
    ----------
    spec : BackboneSpec
        What it is; ``spec.layer`` is the block that is read.
    model : torch.nn.Module
        A timm model of three input channels.
    prepare : callable
        Last step of the preprocessing, before the model's own normalisation.
    device : torch.device
        Where the model runs.
    normalisation : (mean, std)
        Three numbers each.
    """

    def __init__(
        self,
        spec: BackboneSpec,
        model: torch.nn.Module,
        prepare: Prepare,
        device: torch.device,
        normalisation: tuple[Sequence[float], Sequence[float]],
    ) -> None:
        self.spec = spec
        self.model = model.to(device).eval().requires_grad_(False)
        self.device = device
        self._prepare = prepare
        self._mean, self._std = (torch.tensor(numbers, device=device).view(1, 3, 1, 1) for numbers in normalisation)
        self._in_parts = ShrinkingBatch(self._tile_tokens, device.type)

    def tokens(self, tiles: torch.Tensor) -> torch.Tensor:
        """See :meth:`napari_lexicon.backbones.spec.Backbone.tokens`; ``tiles`` are ``(B, 3, H, W)``.

        Raises
        ------
        BackboneError
            If there are not three channels, or the device runs out of memory on a single tile.
        """
        count, channels, height, width = tiles.shape
        if channels != 3:
            raise BackboneError(
                f"{self.spec.id} reads red, green and blue together, and these images have {channels} channels: leave "
                "the rgb: before its name out, and every channel is read by itself."
            )
        grid = height // self.spec.patch, width // self.spec.patch
        return self._in_parts(tiles).reshape(count, 1, *grid, self.spec.dim)

    def _tile_tokens(self, tiles: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            prepared = self._prepare(tiles.to(self.device, torch.float32))
            return read_block(self.model, (prepared - self._mean) / self._std, self.spec.layer).float().cpu()
