"""Tokens of every layer in one pass: what questions about depth start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from napari_lexicon.backbones.channelwise import ChannelwiseBackbone
from napari_lexicon.backbones.spec import Backbone, BackboneSpec
from napari_lexicon.errors import BackboneError


class LayeredBackbone:
    """A backbone whose tokens are those of several layers laid end to end: ``dim`` is their number times the model's.

    Parameters
    ----------
    backbone : ChannelwiseBackbone
        The model; the layer that it reads does not matter.
    layers : sequence of int
        Blocks, from 0.
    """

    def __init__(self, backbone: ChannelwiseBackbone, layers: Sequence[int]) -> None:
        self.layers = tuple(layers)
        self._backbone = backbone
        self.spec: BackboneSpec = replace(backbone.spec, dim=backbone.spec.dim * len(self.layers))

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        return self._backbone.device

    def reading(self, layers: Sequence[int]) -> LayeredBackbone:
        """The same model with other layers."""
        return LayeredBackbone(self._backbone, layers)

    def tokens(self, tiles: torch.Tensor) -> torch.Tensor:
        """``(B, C, gh, gw, layers * dim)``; see :meth:`napari_lexicon.backbones.spec.Backbone.tokens`."""
        count, channels, height, width = tiles.shape
        grid = height // self.spec.patch, width // self.spec.patch
        found = self._backbone.layers_tokens(tiles.reshape(count * channels, 1, height, width), self.layers)
        return torch.cat(found, dim=-1).reshape(count, channels, *grid, self.spec.dim)


def every_layer(backbone: Backbone) -> LayeredBackbone:
    """All layers of a model that reads channels one by one.

    Raises
    ------
    BackboneError
        If the model takes all channels at once: its layers cannot be read here.
    """
    if not isinstance(backbone, ChannelwiseBackbone):
        raise BackboneError(f"The layers of {backbone.spec.id} cannot be compared: it takes all channels at once.")
    return LayeredBackbone(backbone, range(backbone.spec.depth))
