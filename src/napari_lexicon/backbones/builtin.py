"""The built-in model: a small channel-wise ViT, in timm's Eva class, that comes with the package.

Rotary positions and no position embedding: a token knows where its neighbours are, not where it is in the tile. In
each block it looks at the patches within reach only, so that a whole field is read in one piece, and where it must be
cut the tokens do not show it.
What it was trained on and how is in ``weights/builtin.json``; ``scripts/pretrain_backbone.py`` makes it anew.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from napari_lexicon.backbones.channelwise import ChannelwiseBackbone, chosen_layer
from napari_lexicon.backbones.checkpoints import Checkpoint, load_weights, read_config, read_weights, weights_hash
from napari_lexicon.backbones.near_attention import through_near_blocks
from napari_lexicon.backbones.preprocessing import PREPROCESSING
from napari_lexicon.backbones.quick_timm import Eva
from napari_lexicon.backbones.spec import BackboneSpec
from napari_lexicon.errors import BackboneError

CARD_FORMAT = "napari-lexicon-backbone/1"
BUILTIN = Checkpoint(
    "builtin",
    Path(__file__).parent / "weights" / "builtin.safetensors",
    Path(__file__).parent / "weights" / "builtin.json",
)
BUILTIN_PREPROCESSING = f"{PREPROCESSING}+asinh4"
TILE, MARGIN = 256, 32

_STEEPNESS = 4.0
_SCALE = math.asinh(_STEEPNESS)


@dataclass(frozen=True)
class Shape:
    """Size of the network.

    Parameters
    ----------
    patch : int
        Side of a patch, pixels.
    dim, depth, heads : int
        Length of a token, number of blocks, attention heads per block.
    mlp_ratio : float
        Width of the hidden layer of a block, in units of ``dim``.
    reach : int
        How many patches away a token looks in each block, up, down and sideways; 0 for the whole tile.
    """

    patch: int = 16
    dim: int = 192
    depth: int = 6
    heads: int = 3
    mlp_ratio: float = 4.0
    reach: int = 2


def compressed(windowed: torch.Tensor) -> torch.Tensor:
    """``asinh(4 v) / asinh(4)``: 0 and 1 stay, dim structure is spread, very bright structure is not cut off.

    Close to a square root where there is signal, which is also what evens out shot noise, and linear around the
    dark level, where a square root would blow up the camera's noise.
    """
    return torch.asinh(windowed * _STEEPNESS) / _SCALE


def expanded(pixels: torch.Tensor) -> torch.Tensor:
    """Inverse of :func:`compressed`."""
    return torch.sinh(pixels * _SCALE) / _STEEPNESS


def architecture(shape: Shape) -> Eva:
    """The network with fresh random weights."""
    return Eva(
        img_size=TILE,
        patch_size=shape.patch,
        in_chans=1,
        num_classes=0,
        global_pool="avg",
        embed_dim=shape.dim,
        depth=shape.depth,
        num_heads=shape.heads,
        mlp_ratio=shape.mlp_ratio,
        class_token=False,
        use_abs_pos_emb=False,
        use_rot_pos_emb=True,
        dynamic_img_size=True,
    )


@lru_cache(maxsize=16)
def neighbourhood(grid: tuple[int, int], reach: int) -> torch.Tensor:
    """What is added to the attention scores: 0 within reach, minus infinity beyond; ``(T, T)`` float32."""
    row, column = (place.reshape(-1, 1) for place in torch.meshgrid(*map(torch.arange, grid), indexing="ij"))
    distance = torch.maximum((row - row.T).abs(), (column - column.T).abs())
    near = distance <= (reach or max(grid))
    return torch.zeros(near.shape).masked_fill(~near, -torch.inf)


def all_blocks(model: Eva, pictures: torch.Tensor, reach: int, last: int) -> list[torch.Tensor]:
    """Tokens ``(N, T, dim)`` of every block up to and with ``last``; ``reach`` as in :class:`Shape`."""
    patches = model.patch_embed(pictures)  # (N, gh, gw, dim)
    grid = int(patches.shape[1]), int(patches.shape[2])
    x, rope = model._pos_embed(patches)
    blocks = list(model.blocks)[: last + 1]
    if reach:
        return through_near_blocks(blocks, x, rope, grid, reach)
    return through_blocks(blocks, x, rope, neighbourhood(grid, reach))


def through_blocks(
    blocks: Sequence[torch.nn.Module], x: torch.Tensor, rope: torch.Tensor | None, mask: torch.Tensor
) -> list[torch.Tensor]:
    """What ``(N, T, dim)`` tokens become after each of some blocks."""
    mask = mask.to(x.device, x.dtype)
    found = []
    for block in blocks:
        x = block(x, rope=rope, attn_mask=mask)
        found.append(x)
    return found


def load_builtin(
    checkpoint: Checkpoint = BUILTIN,
    *,
    name: str = "builtin",
    layer: int | None = None,
    device: torch.device | None = None,
) -> ChannelwiseBackbone:
    """A model of the built-in family from its two files.

    Parameters
    ----------
    checkpoint : Checkpoint
        The files; those in the package where left out.
    name : str
        Becomes the spec's id.
    layer : int, optional
        Block to read; the one that its card recommends where left out.
    device : torch.device, optional
        Where to run; the CPU where left out.

    Raises
    ------
    BackboneError
        If a file is missing or does not fit.
    """
    if not checkpoint.weights.is_file() or not checkpoint.config.is_file():
        raise BackboneError(
            f"{checkpoint.weights} or its .json is missing: install napari-lexicon again, or run "
            "scripts/pretrain_backbone.py."
        )
    card = read_config(checkpoint.config)
    shape = shape_of(card, checkpoint.config)
    weights = read_weights(checkpoint.weights)
    model = architecture(shape)
    load_weights(model, weights, str(checkpoint.weights))
    spec = _spec(name, weights, shape, chosen_layer(layer, shape.depth, int(card["layer"]), name), card["licence"])
    return _backbone(spec, model, shape, device)


def load_random(*, layer: int | None = None, device: torch.device | None = None, seed: int = 0) -> ChannelwiseBackbone:
    """The built-in architecture with random weights from a seed: the control that a trained model has to beat."""
    shape = Shape()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = architecture(shape)
    name = "random" if seed == 0 else f"random-{seed}"
    default = model_card()["layer"] if BUILTIN.config.is_file() else shape.depth - 1
    spec = _spec(name, model.state_dict(), shape, chosen_layer(layer, shape.depth, int(default), name), "BSD-3-Clause")
    return _backbone(spec, model, shape, device)


def model_card() -> dict[str, Any]:
    """The built-in model's card: architecture, data with licences, settings, seed, curves, scores, limits."""
    card: dict[str, Any] = json.loads(BUILTIN.config.read_text(encoding="utf-8"))
    return card


def shape_of(card: dict[str, Any], path: Path) -> Shape:
    """Size of the network that a card describes.

    Raises
    ------
    BackboneError
        If the card is of another format or lacks something.
    """
    try:
        if card["format"] != CARD_FORMAT:
            raise BackboneError(f"{path} has format {card['format']!r}; this version reads {CARD_FORMAT!r}.")
        card["layer"], card["licence"]
        return Shape(**card["architecture"])
    except (KeyError, TypeError) as error:
        raise BackboneError(f"{path} is no complete model card ({error}): fetch it again.") from error


def architecture_json(shape: Shape) -> dict[str, Any]:
    """What a card holds under ``architecture``."""
    return asdict(shape)


def _backbone(spec: BackboneSpec, model: Eva, shape: Shape, device: torch.device | None) -> ChannelwiseBackbone:
    def read(model: torch.nn.Module, pictures: torch.Tensor, layer: int) -> torch.Tensor:
        assert isinstance(model, Eva)
        return all_blocks(model, pictures, shape.reach, layer)[-1]

    def read_layers(model: torch.nn.Module, pictures: torch.Tensor, layers: Sequence[int]) -> list[torch.Tensor]:
        assert isinstance(model, Eva)
        found = all_blocks(model, pictures, shape.reach, max(layers))
        return [found[layer] for layer in layers]

    return ChannelwiseBackbone(spec, model, compressed, device or torch.device("cpu"), read, read_layers)


def _spec(name: str, weights: dict[str, torch.Tensor], shape: Shape, layer: int, licence: str) -> BackboneSpec:
    return BackboneSpec(
        id=name,
        weights_hash=weights_hash(weights, architecture_json(shape)),
        layer=layer,
        depth=shape.depth,
        patch=shape.patch,
        tile=TILE,
        margin=MARGIN,
        dim=shape.dim,
        preprocessing=BUILTIN_PREPROCESSING,
        licence=licence,
        reach=shape.reach * (layer + 1),
    )
