"""Tokens in bfloat16 are near those in float32, and never taken for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import safetensors.torch
import timm
import torch

from napari_lexicon.backbones import load_backbone, load_like
from napari_lexicon.backbones.bfloat16 import TOLERANCE
from napari_lexicon.backbones.loading import licence
from napari_lexicon.errors import BackboneError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    arguments = {"img_size": 64, "depth": 4, "embed_dim": 96, "num_heads": 3}
    model = timm.create_model("vit_tiny_patch16_224", num_classes=0, **arguments)
    safetensors.torch.save_file(model.state_dict(), tmp_path / "model.safetensors")
    described = {"architecture": "vit_tiny_patch16_224", "model_args": arguments, "pretrained_cfg": {"license": "mit"}}
    (tmp_path / "config.json").write_text(json.dumps(described))
    return tmp_path


def test_tokens_agree_within_the_stated_tolerance(folder: Path) -> None:
    exact = load_backbone(str(folder), layer=3, device="cpu")
    fast = load_backbone(f"bf16:{folder}", layer=3, device="cpu")
    tiles = torch.rand(3, 2, exact.spec.tile, exact.spec.tile, generator=torch.Generator().manual_seed(1))
    wanted, found = exact.tokens(tiles), fast.tokens(tiles)
    assert found.dtype == torch.float32
    assert found.shape == wanted.shape
    error = float((found - wanted).norm() / wanted.norm())
    assert 0 < error < TOLERANCE
    assert float(torch.cosine_similarity(found, wanted, dim=-1).min()) > 0.999


def test_it_is_another_backbone_with_the_same_licence(folder: Path) -> None:
    exact, fast = load_backbone(str(folder), device="cpu"), load_backbone(f"bf16:{folder}", device="cpu")
    assert fast.spec.fingerprint != exact.spec.fingerprint
    assert fast.spec.preprocessing == f"{exact.spec.preprocessing}+bf16"
    assert licence(f"bf16:{folder}") == licence(str(folder)) == "mit"
    with pytest.raises(BackboneError, match="has preprocessing"):
        load_like(fast.spec, str(folder), device="cpu")
    assert load_like(fast.spec, f"bf16:{folder}", device="cpu").spec == fast.spec
    assert load_backbone("bf16:builtin", device="cpu").spec.id == "bf16:builtin"
