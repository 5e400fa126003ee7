"""OpenPhenom: a made checkpoint with the published names and shapes loads whole and computes what the paper's does."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F

from napari_lexicon.backbones import load_backbone
from napari_lexicon.backbones.checkpoints import Checkpoint
from napari_lexicon.backbones.openphenom import OpenPhenom, architecture, load_openphenom
from napari_lexicon.backbones.presets import find_preset
from napari_lexicon.backbones.tiling import field_tokens
from napari_lexicon.errors import BackboneError

Weights = dict[str, torch.Tensor]
DIM, DEPTH, HEADS, TILE = 32, 3, 2, 64


def positions(side: int, dim: int) -> torch.Tensor:
    """Number by number."""
    table = torch.zeros(side * side, dim)
    for place in range(side * side):
        for k in range(dim // 4):
            rate = 10_000 ** -(k / (dim // 4))
            row, column = place // side * rate, place % side * rate
            for part, value in enumerate((math.sin(row), math.cos(row), math.sin(column), math.cos(column))):
                table[place, part * (dim // 4) + k] = value
    return table


def made(dim: int = DIM, depth: int = DEPTH, heads: int = HEADS, tile: int = TILE) -> Weights:
    """Random numbers under the names of the published file, with its shapes, decoder and all."""
    generator = torch.Generator().manual_seed(7)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) * 0.3

    head, hidden, side = dim // heads, 4 * dim, tile // 16
    shapes = {
        "cls_token": (1, 1, dim),
        "patch_embed.proj.weight": (dim, 1, 16, 16),
        "patch_embed.proj.bias": (dim,),
        "fc_norm.weight": (dim,),
        "fc_norm.bias": (dim,),
    }
    for i in range(depth):
        shapes |= {
            f"blocks.{i}.mlp_bias": (hidden,),
            f"blocks.{i}.in_norm.weight": (dim,),
            f"blocks.{i}.in_norm.bias": (dim,),
            f"blocks.{i}.in_proj.weight": (hidden + 3 * dim, dim),
            f"blocks.{i}.q_norm.weight": (head,),
            f"blocks.{i}.q_norm.bias": (head,),
            f"blocks.{i}.k_norm.weight": (head,),
            f"blocks.{i}.k_norm.bias": (head,),
            f"blocks.{i}.attn_out_proj.weight": (dim, dim),
            f"blocks.{i}.attn_out_proj.bias": (dim,),
            f"blocks.{i}.mlp_out_proj.weight": (dim, hidden),
            f"blocks.{i}.mlp_out_proj.bias": (dim,),
            f"blocks.{i}.ls.gamma": (dim,),
        }
    weights = {f"encoder.vit_backbone.{name}": random(*shape) for name, shape in shapes.items()}
    every = torch.cat([torch.zeros(1, dim), positions(side, dim).repeat(11, 1)])
    weights["encoder.vit_backbone.pos_embed"] = every[None].contiguous()
    weights |= {"decoder.mask_token": random(1, 1, 8), "decoder.decoders.0.0.norm1.weight": random(8)}
    weights |= {"encoder_decoder_proj.weight": random(8, dim), "decoder_pred.bias": random(256)}
    return weights


def by_hand(weights: Weights, tiles: torch.Tensor, layer: int, heads: int = HEADS) -> torch.Tensor:
    """The encoder in plain arithmetic: instance norm, shared patch embedding, parallel blocks."""
    w = {name.removeprefix("encoder.vit_backbone."): tensor for name, tensor in weights.items()}
    count, channels, dim = tiles.shape[0], tiles.shape[1], w["cls_token"].shape[-1]
    x = tiles.clamp(0, 1)
    x = (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
    parts = [w["cls_token"].expand(count, -1, -1)]
    for c in range(channels):
        embedded = F.conv2d(x[:, c : c + 1], w["patch_embed.proj.weight"], w["patch_embed.proj.bias"], stride=16)
        parts.append(embedded.flatten(2).transpose(1, 2))
    x = torch.cat(parts, 1)
    x = x + w["pos_embed"][:, : x.shape[1]]
    for i in range(layer + 1):
        p = {name.removeprefix(f"blocks.{i}."): tensor for name, tensor in w.items() if name.startswith(f"blocks.{i}.")}
        y = F.layer_norm(x, (dim,), p["in_norm.weight"], p["in_norm.bias"], 1e-6) @ p["in_proj.weight"].T
        mlp, q, k, v = y.split([4 * dim, dim, dim, dim], -1)
        q, k, v = (t.reshape(count, -1, heads, dim // heads).transpose(1, 2) for t in (q, k, v))
        q = F.layer_norm(q, q.shape[-1:], p["q_norm.weight"], p["q_norm.bias"], 1e-6)
        k = F.layer_norm(k, k.shape[-1:], p["k_norm.weight"], p["k_norm.bias"], 1e-6)
        attended = (q @ k.transpose(-2, -1) / math.sqrt(dim // heads)).softmax(-1) @ v
        attended = attended.transpose(1, 2).reshape(count, -1, dim) @ p["attn_out_proj.weight"].T
        mixed = F.gelu(mlp + p["mlp_bias"]) @ p["mlp_out_proj.weight"].T
        x = x + p["ls.gamma"] * (attended + p["attn_out_proj.bias"] + mixed + p["mlp_out_proj.bias"])
    side = tiles.shape[-1] // 16
    return x[:, 1:].reshape(count, channels, side, side, dim)


def loaded(folder: Path, weights: Weights, layer: int | None = None) -> OpenPhenom:
    preset = find_preset("openphenom")
    assert preset is not None
    folder.mkdir(exist_ok=True)
    safetensors.torch.save_file(weights, folder / "model.safetensors")
    checkpoint = Checkpoint(folder.name, folder / "model.safetensors", folder / "config.json")
    model = architecture(TILE, embed_dim=DIM, depth=DEPTH, num_heads=HEADS)
    return load_openphenom(preset, checkpoint, layer=layer, model=model)


def tiles(count: int = 3, channels: int = 5) -> torch.Tensor:
    return torch.rand((count, channels, TILE, TILE), generator=torch.Generator().manual_seed(2)) * 1.4 - 0.2


@pytest.mark.parametrize("channels", [1, 5, 11])
def test_every_layer_is_what_the_published_encoder_computes(channels: int, tmp_path: Path) -> None:
    weights, x = made(), tiles(2, channels)
    for layer in range(DEPTH):
        tokens = loaded(tmp_path / "copy", weights, layer).tokens(x)
        assert tokens.shape == (2, channels, 4, 4, DIM)
        torch.testing.assert_close(tokens, by_hand(weights, x, layer), rtol=1e-4, atol=1e-4)


def test_a_channel_sees_the_others(tmp_path: Path) -> None:
    backbone = loaded(tmp_path / "copy", made())
    x = tiles()
    other = x.clone()
    other[:, 4] = x[:, 3]
    assert (backbone.tokens(x)[:, 0] - backbone.tokens(other)[:, 0]).abs().amax() > 1e-3


def test_tokens_do_not_depend_on_the_batch_or_the_order_of_tiles(tmp_path: Path) -> None:
    backbone = loaded(tmp_path / "copy", made())
    x = tiles(4)
    together = backbone.tokens(x)
    torch.testing.assert_close(backbone.tokens(x.flip(0)).flip(0), together, rtol=1e-4, atol=1e-5)
    for one, expected in zip(x, together, strict=True):
        torch.testing.assert_close(backbone.tokens(one[None])[0], expected, rtol=1e-4, atol=1e-5)


def test_a_field_of_any_size_has_a_token_per_patch_and_channel(tmp_path: Path) -> None:
    backbone = loaded(tmp_path / "copy", made())
    image = np.random.default_rng(0).random((3, 50, 100), np.float32)
    # two patches of margin would leave nothing of these small tiles
    backbone.spec = replace(backbone.spec, margin=16)
    assert field_tokens(backbone, image).shape == (3, 4, 7, DIM)


def test_the_published_size_loads_by_path_with_nothing_missing_and_nothing_left_over(tmp_path: Path) -> None:
    weights = made(384, 12, 6, 256)
    safetensors.torch.save_file(weights, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"preset": "openphenom"}))
    backbone = load_backbone(str(tmp_path), layer=0, device="cpu")
    spec = backbone.spec
    assert (spec.patch, spec.tile, spec.margin, spec.dim, spec.depth) == (16, 256, 32, 384, 12)
    assert "Non-Commercial" in spec.licence
    x = torch.rand(1, 2, 256, 256)
    torch.testing.assert_close(backbone.tokens(x), by_hand(weights, x, 0, 6), rtol=1e-4, atol=1e-4)


def test_a_wrong_checkpoint_names_the_key(tmp_path: Path) -> None:
    weights = made()
    key = "encoder.vit_backbone.blocks.2.ls.gamma"
    for changed, said in (
        ({k: v for k, v in weights.items() if k != key}, "lacks blocks.2.ls.gamma"),
        ({**weights, "encoder.vit_backbone.more": torch.zeros(1)}, "has the unknown more"),
        ({**weights, key: torch.zeros(3)}, "in another shape blocks.2.ls.gamma"),
    ):
        with pytest.raises(BackboneError, match=said):
            loaded(tmp_path / "copy", changed)


def test_more_channels_than_it_knows_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="at most 11 channels together, and there are 12"):
        loaded(tmp_path / "copy", made()).tokens(tiles(1, 12))
