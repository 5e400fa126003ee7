"""OpenPhenom: a masked autoencoder whose tokens attend to all channels of a tile, of up to eleven.

Its encoder is timm's vision transformer with parallel blocks, one patch embedding for every channel, and fixed
sine-cosine positions that are the same for every channel. Rebuilt from the description in Kraus et al., "Masked
Autoencoders for Microscopy are Scalable Learners of Cellular Biology" (CVPR 2024) and the names in its checkpoint;
the decoder is left out.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from napari_lexicon.backbones.channelwise import chosen_layer
from napari_lexicon.backbones.checkpoints import Checkpoint, load_weights, read_weights, weights_hash
from napari_lexicon.backbones.downloads import downloaded
from napari_lexicon.backbones.memory import ShrinkingBatch
from napari_lexicon.backbones.preprocessing import PREPROCESSING
from napari_lexicon.backbones.presets import Preset
from napari_lexicon.backbones.quick_timm import ParallelScalingBlock, VisionTransformer, timm
from napari_lexicon.backbones.spec import BackboneSpec
from napari_lexicon.backbones.timm_models import standardised
from napari_lexicon.errors import BackboneError

MOST_CHANNELS = 11

_ENCODER = "encoder.vit_backbone."
_DECODER = ("decoder.", "decoder_pred.", "encoder_decoder_proj.")
_WAVELENGTH = 10_000.0


def architecture(tile: int = 256, **arguments: Any) -> VisionTransformer:
    """The encoder with fresh random weights; ``arguments`` are timm's and make a smaller one."""
    model = timm.create_model(
        "vit_small_patch16_224",
        img_size=tile,
        in_chans=1,
        num_classes=0,
        global_pool="avg",
        init_values=1e-4,
        block_fn=ParallelScalingBlock,
        qkv_bias=False,
        qk_norm=True,
        **arguments,
    )
    assert isinstance(model, VisionTransformer)
    one = sine_cosine(model.patch_embed.grid_size[0], model.embed_dim)
    every = torch.cat([torch.zeros(1, model.embed_dim), one.repeat(MOST_CHANNELS, 1)])
    model.pos_embed = nn.Parameter(every[None], requires_grad=False)
    return model


def sine_cosine(side: int, dim: int) -> torch.Tensor:
    """``(side * side, dim)`` positions: a quarter each of sine and cosine of the row, sine and cosine of the column."""
    rates = _WAVELENGTH ** -(torch.arange(dim // 4) / (dim // 4))
    row, column = (place.reshape(-1, 1) * rates for place in torch.meshgrid(*[torch.arange(side)] * 2, indexing="ij"))
    return torch.cat([row.sin(), row.cos(), column.sin(), column.cos()], dim=1)


def block_tokens(model: VisionTransformer, tiles: torch.Tensor, layer: int) -> torch.Tensor:
    """Patch tokens ``(N, C * T, dim)`` after a block, channel by channel, for ``(N, C, H, W)`` tiles."""
    count, channels = tiles.shape[:2]
    patches = model.patch_embed(tiles.reshape(count * channels, 1, *tiles.shape[2:]))
    patches = patches.reshape(count, -1, model.embed_dim)
    assert model.cls_token is not None
    assert model.pos_embed is not None
    x = torch.cat([model.cls_token.expand(count, -1, -1), patches], dim=1)
    x = x + model.pos_embed[:, : x.shape[1]]
    for block in list(model.blocks)[: layer + 1]:
        x = block(x)
    return x[:, 1:]  # the published features have no norm after the last block


class OpenPhenom:
    """Tokens of every channel, each of them computed from all channels: G = C.

    Parameters
    ----------
    spec : BackboneSpec
        What it is; ``spec.layer`` is the block that is read.
    model : timm.models.vision_transformer.VisionTransformer
        From :func:`architecture`.
    standardise : float
        Added to the variance of a tile and channel, in units of the window.
    device : torch.device
        Where the model runs.
    """

    def __init__(self, spec: BackboneSpec, model: VisionTransformer, standardise: float, device: torch.device) -> None:
        self.spec = spec
        self.model = model.to(device).eval().requires_grad_(False)
        self.device = device
        self._prepare = standardised(standardise)
        self._in_parts = ShrinkingBatch(self._tiles_tokens, device.type)

    def tokens(self, tiles: torch.Tensor) -> torch.Tensor:
        """See :meth:`napari_lexicon.backbones.spec.Backbone.tokens`.

        Raises
        ------
        BackboneError
            If there are more channels than the model knows, tiles of another size, or too little memory for one.
        """
        count, channels, height, width = tiles.shape
        if channels > MOST_CHANNELS:
            raise BackboneError(
                f"Backbone {self.spec.id} takes at most {MOST_CHANNELS} channels together, and there are {channels}: "
                "choose a backbone that sees each channel by itself."
            )
        if (height, width) != (self.spec.tile, self.spec.tile):
            raise BackboneError(f"Backbone {self.spec.id} takes tiles of {self.spec.tile} px, not {height} x {width}.")
        side = self.spec.tile // self.spec.patch
        return self._in_parts(tiles).reshape(count, channels, side, side, self.spec.dim)

    def _tiles_tokens(self, tiles: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            x = self._prepare(tiles.to(self.device, torch.float32))
            return block_tokens(self.model, x, self.spec.layer).float().cpu()


def load_openphenom(
    preset: Preset,
    checkpoint: Checkpoint | None = None,
    *,
    layer: int | None = None,
    device: torch.device | None = None,
    model: VisionTransformer | None = None,
) -> OpenPhenom:
    """OpenPhenom from its authors' repository or from a local copy of their weights.

    Parameters
    ----------
    preset : Preset
        Of this family.
    checkpoint : Checkpoint, optional
        Local files; the download, or what was downloaded before, where left out.
    layer : int, optional
        Block to read; three quarters of the way where left out.
    device : torch.device, optional
        Where to run; the CPU where left out.
    model : timm.models.vision_transformer.VisionTransformer, optional
        The network to fill; the published size where left out.

    Raises
    ------
    BackboneError
        If the weights cannot be had or do not fit.
    """
    assert preset.recipe is not None
    assert preset.recipe.standardise is not None
    epsilon = preset.recipe.standardise
    path = checkpoint.weights if checkpoint else downloaded(preset.name, preset.recipe.repository, preset)
    weights = encoder_weights(read_weights(path))
    model = model or architecture(preset.recipe.tile)
    load_weights(model, weights, str(path))
    name = f"file:{checkpoint.name}" if checkpoint else preset.name
    depth, patch = len(model.blocks), int(model.patch_embed.patch_size[0])
    spec = BackboneSpec(
        id=name,
        weights_hash=weights_hash(weights),
        layer=chosen_layer(layer, depth, max(0, 3 * depth // 4 - 1), name),
        depth=depth,
        patch=patch,
        tile=int(model.patch_embed.img_size[0]),
        margin=2 * patch,
        dim=model.embed_dim,
        preprocessing=f"{PREPROCESSING}+clip01+standard{epsilon:.4g}",
        licence=preset.licence,
    )
    return OpenPhenom(spec, model, epsilon, device or torch.device("cpu"))


def encoder_weights(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors of the encoder under timm's names; those of the decoder are dropped, others keep their names."""
    kept = {name: tensor for name, tensor in weights.items() if not name.startswith(_DECODER)}
    return {name.removeprefix(_ENCODER): tensor for name, tensor in kept.items()}
