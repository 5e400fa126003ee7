"""Loading: the built-in model, timm models by file, and the sentences when something is wrong. No downloads."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import safetensors.torch
import timm
import torch

from napari_lexicon.backbones import BackboneSpec, load_backbone, load_like
from napari_lexicon.backbones.builtin import (
    BUILTIN,
    CARD_FORMAT,
    Shape,
    all_blocks,
    architecture,
    architecture_json,
    compressed,
    expanded,
    load_builtin,
    model_card,
    neighbourhood,
    shape_of,
)
from napari_lexicon.backbones.checkpoints import weights_hash
from napari_lexicon.backbones.decoder import load_decoder
from napari_lexicon.backbones.loading import licence
from napari_lexicon.backbones.timm_models import fold_rgb
from napari_lexicon.errors import BackboneError

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
SMALL = {"embed_dim": 32, "depth": 4, "num_heads": 2}


def tiles(size: int = 64, channels: int = 2, seed: int = 0) -> torch.Tensor:
    return torch.rand((3, channels, size, size), generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def vit_folder(tmp_path: Path) -> Path:
    """A ViT of timm with random weights, saved the way timm saves to the hub."""
    torch.manual_seed(1)
    model = timm.create_model("vit_tiny_patch16_224", num_classes=5, img_size=64, **SMALL)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    folder = tmp_path / "tiny"
    folder.mkdir()
    safetensors.torch.save_file(model.state_dict(), folder / "model.safetensors")
    config = {
        "architecture": "vit_tiny_patch16_224",
        "model_args": {**SMALL, "img_size": 64},
        "pretrained_cfg": {**IMAGENET, "input_size": [3, 64, 64], "license": "mit"},
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize("name", ["builtin", "random"])
def test_tokens_have_the_promised_shape(name: str) -> None:
    backbone = load_backbone(name, device="cpu")
    tokens = backbone.tokens(tiles(256))
    spec = backbone.spec
    assert tokens.shape == (3, 2, 256 // spec.patch, 256 // spec.patch, spec.dim)
    assert tokens.dtype == torch.float32
    assert torch.isfinite(tokens).all()


def test_every_layer_is_reachable_by_index() -> None:
    x = tiles(64, 1)
    seen = []
    for layer in range(Shape().depth):
        backbone = load_builtin(layer=layer)
        assert backbone.spec.layer == layer
        seen.append(backbone.tokens(x))
    assert all(not torch.allclose(a, b) for a, b in pairwise(seen))
    assert load_builtin(layer=-1).spec.layer == Shape().depth - 1
    torch.testing.assert_close(load_builtin(layer=-1).tokens(x), seen[-1])


def test_layer_output_equals_running_the_blocks_by_hand() -> None:
    backbone = load_builtin(layer=2)
    x = tiles(64, 1)
    model = backbone.model
    with torch.no_grad():
        y, rope = model._pos_embed(model.patch_embed(compressed(x)))
        for block in list(model.blocks)[:3]:
            y = block(y, rope=rope, attn_mask=neighbourhood((4, 4), shape_of(model_card(), BUILTIN.config).reach))
    torch.testing.assert_close(backbone.tokens(x).flatten(0, 3), y.flatten(0, 1), rtol=1e-4, atol=1e-5)


def test_without_a_bound_on_attention_the_network_is_timms_own() -> None:
    shape = Shape(dim=32, depth=2, heads=2, reach=0)
    model = architecture(shape).eval()
    x = tiles(64, 1)[:, :1]
    with torch.no_grad():
        expected = model.forward_intermediates(x, indices=[1], output_fmt="NLC", intermediates_only=True)[0]
        torch.testing.assert_close(all_blocks(model, x, 0, 1)[-1], expected, rtol=1e-4, atol=1e-5)


def test_a_token_sees_only_what_is_within_reach() -> None:
    model = architecture(Shape(dim=32, depth=2, heads=2)).eval()
    x = tiles(192, 1)[:1, :1]
    changed = x.clone()
    changed[:, :, :, 160:] = 0  # the last two of twelve columns of patches
    with torch.no_grad():
        moved = (all_blocks(model, x, 2, 1)[-1] - all_blocks(model, changed, 2, 1)[-1]).reshape(12, 12, -1)
    assert (moved[:, :6] == 0).all()  # two blocks reach four patches
    assert (moved[:, 6:].abs().amax((0, 2)) > 0).all()


def test_each_channel_is_seen_by_itself() -> None:
    backbone = load_builtin()
    both = tiles(64, 2)
    other = both.clone()
    other[:, 1] = 0
    torch.testing.assert_close(backbone.tokens(both)[:, 0], backbone.tokens(other)[:, 0])


def test_compression_keeps_zero_and_one_and_can_be_undone() -> None:
    v = torch.linspace(-1, 10, 111)
    torch.testing.assert_close(expanded(compressed(v)), v, rtol=1e-4, atol=1e-5)
    assert compressed(torch.tensor([0.0, 1.0])).tolist() == pytest.approx([0.0, 1.0])
    assert (compressed(v).diff() > 0).all()


def test_random_backbone_is_the_same_every_time_and_leaves_the_generator_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    a, b = load_backbone("random", device="cpu"), load_backbone("random", device="cpu")
    assert torch.equal(torch.rand(1), expected)
    assert a.spec == b.spec
    assert a.spec.weights_hash != load_builtin().spec.weights_hash


def test_tokens_can_be_trained_on() -> None:
    w = torch.zeros(Shape().dim, requires_grad=True)
    (load_builtin().tokens(tiles(64, 1)) @ w).sum().backward()
    assert w.grad is not None


def test_decoder_turns_tokens_of_any_layer_into_pixels() -> None:
    for layer in (2, Shape().depth - 1):
        backbone = load_builtin(layer=layer)
        pixels = load_decoder(layer=layer).pixels(backbone.tokens(tiles(64, 1))[:, 0])
        assert pixels.shape == (3, 64, 64)
        assert torch.isfinite(pixels).all()


def test_folded_patch_embedding_equals_the_rgb_path() -> None:
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(3, 48, 16, 16)
    mean, std = (torch.tensor(IMAGENET[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    gray = torch.rand(4, 1, 64, 64)
    expected = conv((gray.expand(-1, 3, -1, -1) - mean) / std)
    torch.testing.assert_close(fold_rgb(conv, IMAGENET["mean"], IMAGENET["std"])(gray), expected, rtol=0, atol=1e-5)


def test_rgb_model_from_a_folder_computes_what_timm_computes_on_replicated_channels(vit_folder: Path) -> None:
    backbone = load_backbone(str(vit_folder), layer=1, device="cpu")
    spec = backbone.spec
    assert (spec.id, spec.patch, spec.dim, spec.depth, spec.licence) == ("file:tiny", 16, 32, 4, "mit")
    reference = timm.create_model("vit_tiny_patch16_224", num_classes=5, img_size=64, **SMALL).eval()
    reference.load_state_dict(safetensors.torch.load_file(vit_folder / "model.safetensors"))
    x = tiles(64, 2)
    mean, std = (torch.tensor(IMAGENET[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    rgb = (x.reshape(6, 1, 64, 64).expand(-1, 3, -1, -1) - mean) / std
    with torch.no_grad():
        (expected,) = reference.forward_intermediates(
            rgb, indices=[1], norm=False, output_fmt="NLC", intermediates_only=True
        )
    torch.testing.assert_close(backbone.tokens(x).reshape(6, 16, 32), expected, rtol=1e-4, atol=1e-5)


def test_one_channel_timm_model_loads_from_a_single_file(tmp_path: Path) -> None:
    torch.manual_seed(2)
    model = timm.create_model("eva02_tiny_patch14_224", num_classes=0, in_chans=1, img_size=28, **SMALL).eval()
    path = tmp_path / "mine.safetensors"
    safetensors.torch.save_file(model.state_dict(), path)
    config = {
        "architecture": "eva02_tiny_patch14_224",
        "model_args": {**SMALL, "in_chans": 1, "img_size": 28},
        "pretrained_cfg": {"mean": [0.5], "std": [0.25]},
    }
    path.with_suffix(".json").write_text(json.dumps(config))
    backbone = load_backbone(str(path), layer=3, device="cpu")
    x = tiles(28, 1)
    with torch.no_grad():
        (expected,) = model.forward_intermediates(
            (x - 0.5) / 0.25, indices=[3], norm=True, output_fmt="NLC", intermediates_only=True
        )
    torch.testing.assert_close(backbone.tokens(x).reshape(3, 4, 32), expected, rtol=1e-4, atol=1e-5)


def test_own_checkpoint_of_the_builtin_family_loads_by_path(tmp_path: Path) -> None:
    shape = Shape(patch=8, dim=32, depth=2, heads=2)
    model = architecture(shape)
    path = tmp_path / "own.safetensors"
    safetensors.torch.save_file({k: v.half() for k, v in model.state_dict().items()}, path)
    card = {"format": CARD_FORMAT, "architecture": architecture_json(shape), "layer": 1, "licence": "MIT"}
    path.with_suffix(".json").write_text(json.dumps(card))
    backbone = load_backbone(str(path), device="cpu")
    assert (backbone.spec.id, backbone.spec.patch, backbone.spec.licence) == ("file:own", 8, "MIT")
    assert licence(str(path)) == "MIT"


def test_weights_hash_sees_every_number() -> None:
    weights = {"a": torch.zeros(3), "b": torch.ones(2, 2)}
    assert weights_hash(weights) == weights_hash(dict(reversed(weights.items())))
    changed = {**weights, "b": weights["b"] + torch.tensor([[0, 0], [0, 1e-6]])}
    assert weights_hash(changed) != weights_hash(weights)


def test_backbone_is_found_again_by_its_spec_and_another_is_refused() -> None:
    spec = load_builtin(layer=1).spec
    assert load_like(spec, device="cpu").spec == spec
    wrong = BackboneSpec.from_json({**spec.to_json(), "weights_hash": "0" * 16})
    with pytest.raises(BackboneError, match="weights_hash"):
        load_like(wrong, device="cpu")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("no_such_model", "no pretrained model of this name"),
        ("timm:vit_small_patch99", "no pretrained model of this name"),
        ("./nowhere", "no such file or folder"),
    ],
)
def test_unknown_names_are_named(name: str, sentence: str) -> None:
    with pytest.raises(BackboneError, match=sentence):
        load_backbone(name, device="cpu")


def test_a_layer_that_is_not_there_is_named() -> None:
    with pytest.raises(BackboneError, match="layers 0 to 5"):
        load_backbone("builtin", layer=6, device="cpu")


def test_bad_files_are_named(vit_folder: Path) -> None:
    weights, config = vit_folder / "model.safetensors", vit_folder / "config.json"
    content, text = weights.read_bytes(), config.read_text()

    def sentence() -> str:
        with pytest.raises(BackboneError) as caught:
            load_backbone(str(vit_folder), device="cpu")
        return str(caught.value)

    weights.write_bytes(content[:1000])
    assert "cannot be read as safetensors" in sentence()
    weights.unlink()
    assert "model.safetensors is missing" in sentence()
    weights.write_bytes(content)
    config.write_text("{")
    assert "not valid JSON" in sentence()
    config.write_text(text.replace('"depth": 4', '"depth": 5'))
    assert "lacks blocks.4" in sentence()
    config.write_text(text.replace("vit_tiny_patch16_224", "vit_imaginary"))
    assert "does not have" in sentence()
    config.write_text(json.dumps({"architecture": "resnet18"}))
    assert "not a plain vision transformer" in sentence()


def test_pickled_checkpoints_are_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    path.write_bytes(b"cos\nsystem\n")
    with pytest.raises(BackboneError, match="pickled"):
        load_backbone(str(path), device="cpu")


def test_offline_download_says_which_files_to_put_where(tmp_path: Path) -> None:
    code = (
        "from napari_lexicon.backbones import load_backbone\n"
        "from napari_lexicon.errors import BackboneError\n"
        "try: load_backbone('vit_small_patch14_reg4_dinov2.lvd142m')\n"
        "except BackboneError as e: print(e)\n"
    )
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert "config.json and model.safetensors of huggingface.co/timm/vit_small_patch14_reg4_dinov2" in result.stdout


def test_builtin_files_are_small() -> None:
    assert sum(path.stat().st_size for path in BUILTIN.weights.parent.iterdir()) < 12e6
