"""From tokens of the built-in model back to pixels: what a token, or a token with a feature changed, looks like.

The decoder is the one of masked autoencoding (He et al. 2022, https://arxiv.org/abs/2111.06377), trained with and
without masked patches, so that it decodes a full grid of tokens as well.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from napari_lexicon.backbones.builtin import (
    BUILTIN,
    Shape,
    architecture,
    expanded,
    neighbourhood,
    shape_of,
    through_blocks,
)
from napari_lexicon.backbones.checkpoints import Checkpoint, load_weights, read_config, read_weights
from napari_lexicon.backbones.quick_timm import Eva, EvaBlock, RotaryEmbeddingCat
from napari_lexicon.errors import BackboneError


class PixelDecoder(nn.Module):
    """Tokens of the encoder's last block to compressed pixels, with attention over the grid.

    Parameters
    ----------
    dim : int
        Length of an encoder token.
    patch : int
        Side of a patch, pixels.
    reach : int
        How many patches away it looks in each block; 0 for all.
    width, depth, heads : int
        Size of the decoder.
    """

    def __init__(self, dim: int, patch: int, reach: int = 0, width: int = 128, depth: int = 2, heads: int = 2) -> None:
        super().__init__()
        self.patch, self.reach = patch, reach
        self.embed = nn.Linear(dim, width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.rope = RotaryEmbeddingCat(width // heads, in_pixels=False, feat_shape=None)
        self.blocks = nn.ModuleList(
            [EvaBlock(width, heads, num_prefix_tokens=0, norm_layer=nn.LayerNorm) for _ in range(depth)]
        )
        self.norm = nn.LayerNorm(width)
        self.pixels = nn.Linear(width, patch * patch)

    def forward(self, tokens: torch.Tensor, grid: tuple[int, int], kept: torch.Tensor | None = None) -> torch.Tensor:
        """Pixels of every patch.

        Parameters
        ----------
        tokens : torch.Tensor
            ``(N, K, dim)``, the tokens there are.
        grid : tuple of int
            Rows and columns of the whole grid, T = rows * columns.
        kept : torch.Tensor, optional
            ``(N, K)`` int64, places of the tokens in the grid, row by row; the others were masked.
            Left out, all T are there in order.

        Returns
        -------
        torch.Tensor
            ``(N, T, patch * patch)`` compressed intensities.
        """
        x = self.embed(tokens)
        if kept is not None:
            full = self.mask_token.to(x.dtype).expand(len(x), grid[0] * grid[1], -1)
            x = full.scatter(1, kept.unsqueeze(2).expand(-1, -1, x.shape[2]), x)
        rope = self.rope.get_embed(shape=list(grid))
        x = through_blocks(list(self.blocks), x, rope, neighbourhood(grid, self.reach))[-1]
        pixels: torch.Tensor = self.pixels(self.norm(x))
        return pixels


class TokenDecoder:
    """Tokens of one layer to the picture they stand for.

    Parameters
    ----------
    encoder : timm.models.eva.Eva
        Of which the blocks behind ``layer`` are run first.
    decoder : PixelDecoder
        Takes the last block's tokens.
    layer : int
        Block that the tokens come from.
    reach : int
        Of the encoder's attention.
    """

    def __init__(self, encoder: Eva, decoder: PixelDecoder, layer: int, reach: int) -> None:
        self._rope, self._reach = encoder.rope, reach
        self._blocks = list(encoder.blocks)[layer + 1 :]
        self._decoder = decoder.eval().requires_grad_(False)
        encoder.eval().requires_grad_(False)

    def pixels(self, tokens: torch.Tensor) -> torch.Tensor:
        """Windowed intensities.

        Parameters
        ----------
        tokens : torch.Tensor
            ``(N, gh, gw, dim)``, best of whole tiles: the decoder looks at neighbours.

        Returns
        -------
        torch.Tensor
            ``(N, gh * patch, gw * patch)`` float32, 0 = low and 1 = high of the plate's window.
        """
        count, gh, gw, dim = tokens.shape
        patch = self._decoder.patch
        with torch.no_grad():
            x = tokens.reshape(count, gh * gw, dim)
            rope = self._rope.get_embed(shape=[gh, gw])  # type: ignore[operator]
            x = [x, *through_blocks(self._blocks, x, rope, neighbourhood((gh, gw), self._reach))][-1]
            patches = self._decoder(x, (gh, gw)).reshape(count, gh, gw, patch, patch)
        return expanded(patches.permute(0, 1, 3, 2, 4).reshape(count, gh * patch, gw * patch))


def load_decoder(checkpoint: Checkpoint = BUILTIN, *, layer: int | None = None) -> TokenDecoder:
    """Decoder of a model of the built-in family; its file lies beside the weights as ``NAME_decoder.safetensors``.

    Parameters
    ----------
    checkpoint : Checkpoint
        Files of the backbone.
    layer : int, optional
        Block that the tokens to decode come from; the card's own where left out.

    Raises
    ------
    BackboneError
        If the file is missing or belongs to another model.
    """
    path = decoder_path(checkpoint.weights)
    if not path.is_file():
        raise BackboneError(f"{path} is missing: this model came without a decoder, so its tokens have no picture.")
    card = read_config(checkpoint.config)
    shape = shape_of(card, checkpoint.config)
    encoder = architecture(shape)
    load_weights(encoder, read_weights(checkpoint.weights), str(checkpoint.weights))
    decoder = decoder_architecture(shape)
    load_weights(decoder, read_weights(path), str(path))
    return TokenDecoder(encoder, decoder, int(card["layer"]) if layer is None else layer, shape.reach)


def decoder_architecture(shape: Shape) -> PixelDecoder:
    """Decoder that fits a network of this size, with fresh weights."""
    return PixelDecoder(shape.dim, shape.patch, shape.reach)


def decoder_path(weights: Path) -> Path:
    """Where the decoder of a weights file lies."""
    return weights.with_name(f"{weights.stem}_decoder.safetensors")
