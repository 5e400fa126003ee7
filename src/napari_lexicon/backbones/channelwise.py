"""A model of one input channel, applied to every channel of a tile by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from napari_lexicon.backbones.memory import ShrinkingBatch
from napari_lexicon.backbones.spec import BackboneSpec
from napari_lexicon.errors import BackboneError

Prepare = Callable[[torch.Tensor], torch.Tensor]
"""From windowed intensities ``(N, 1, H, W)`` to what the model was trained on, same shape."""

Read = Callable[[torch.nn.Module, torch.Tensor, int], torch.Tensor]
"""Tokens ``(N, T, dim)`` of a block, by its number, for pictures ``(N, 1, H, W)``; T counts patches row by row."""

ReadLayers = Callable[[torch.nn.Module, torch.Tensor, Sequence[int]], list[torch.Tensor]]
"""Tokens ``(N, T, dim)`` of several blocks in one pass."""


def read_blocks(model: torch.nn.Module, pictures: torch.Tensor, layers: Sequence[int]) -> list[torch.Tensor]:
    """Read several blocks of any timm vision transformer in one pass, each as :func:`read_block` does."""
    last = len(model.blocks) - 1  # type: ignore[arg-type]
    inner = [layer for layer in layers if layer != last]
    found: dict[int, torch.Tensor] = {}
    if inner:
        tokens = model.forward_intermediates(  # type: ignore[operator]
            pictures, indices=inner, norm=False, stop_early=True, output_fmt="NLC", intermediates_only=True
        )
        found = dict(zip(inner, tokens, strict=True))
    if last in layers:
        found[last] = read_block(model, pictures, last)
    return [found[layer] for layer in layers]


def read_block(model: torch.nn.Module, pictures: torch.Tensor, layer: int) -> torch.Tensor:
    """Read one block of any timm vision transformer.

    Inner blocks are the residual stream as it is; the last one has the norm that the model ends with.
    """
    (tokens,) = model.forward_intermediates(  # type: ignore[operator]
        pictures,
        indices=[layer],
        norm=layer == len(model.blocks) - 1,  # type: ignore[arg-type]
        stop_early=True,
        output_fmt="NLC",
        intermediates_only=True,
    )
    found: torch.Tensor = tokens
    return found


class ChannelwiseBackbone:
    """Tokens of every channel by itself: G = C.

    Parameters
    ----------
    spec : BackboneSpec
        What it is; ``spec.layer`` is the block that is read.
    model : torch.nn.Module
        A timm model of one input channel.
    prepare : callable
        Last step of the preprocessing.
    device : torch.device
        Where the model runs.
    read : callable
        Gives a block's tokens.
    read_layers : callable
        Gives several blocks' tokens.
    """

    def __init__(
        self,
        spec: BackboneSpec,
        model: torch.nn.Module,
        prepare: Prepare,
        device: torch.device,
        read: Read = read_block,
        read_layers: ReadLayers = read_blocks,
    ) -> None:
        self.spec = spec
        self._read, self._read_layers = read, read_layers
        self.model = model.to(device).eval().requires_grad_(False)
        self.device = device
        self._prepare = prepare
        self._in_parts = ShrinkingBatch(self._planes_tokens, device.type)

    def tokens(self, tiles: torch.Tensor) -> torch.Tensor:
        """See :meth:`napari_lexicon.backbones.spec.Backbone.tokens`.

        A batch that does not fit into memory is halved, with a message in the log.

        Raises
        ------
        BackboneError
            If the device runs out of memory on a single tile.
        """
        count, channels, height, width = tiles.shape
        grid = height // self.spec.patch, width // self.spec.patch
        flat = self._in_parts(tiles.reshape(count * channels, 1, height, width))
        return flat.reshape(count, channels, *grid, self.spec.dim)

    def _planes_tokens(self, planes: torch.Tensor) -> torch.Tensor:
        """``(N, T, dim)`` float32 on the CPU for ``(N, 1, H, W)``."""
        # Not inference_mode: its tensors cannot take part in the training of a dictionary.
        with torch.no_grad():
            prepared = self._prepare(planes.to(self.device, torch.float32))
            return self._read(self.model, prepared, self.spec.layer).float().cpu()

    def layers_tokens(self, planes: torch.Tensor, layers: Sequence[int]) -> list[torch.Tensor]:
        """Tokens ``(N, T, dim)`` float32 on the CPU of several blocks, for ``(N, 1, H, W)`` planes, in one pass."""
        with torch.no_grad():
            prepared = self._prepare(planes.to(self.device, torch.float32))
            return [tokens.float().cpu() for tokens in self._read_layers(self.model, prepared, layers)]


def chosen_layer(layer: int | None, depth: int, default: int, name: str) -> int:
    """Index of a block from 0; negative ones count from the end.

    Raises
    ------
    BackboneError
        If the model has no such layer.
    """
    index = default if layer is None else layer
    if not -depth <= index < depth:
        raise BackboneError(f"--layer {layer}: backbone {name} has the layers 0 to {depth - 1}.")
    return index % depth
