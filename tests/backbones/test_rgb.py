"""Models that read red, green and blue together, from the checkpoint to the map."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import timm
import torch
from skimage.io import imsave

from napari_lexicon import api
from napari_lexicon.backbones import load_backbone
from napari_lexicon.backbones.loading import licence
from napari_lexicon.errors import BackboneError, LexiconError
from napari_lexicon.lexicons import Lexicon

MEAN, STD = (0.7, 0.5, 0.6), (0.2, 0.3, 0.25)
ARGUMENTS = {"embed_dim": 32, "depth": 3, "num_heads": 2, "img_size": 64}


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    torch.manual_seed(5)
    return timm.create_model("vit_tiny_patch16_224", num_classes=0, **ARGUMENTS).eval()


@pytest.fixture(scope="module")
def checkpoint(model: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model as timm publishes one."""
    folder = tmp_path_factory.mktemp("rgb") / "stains"
    folder.mkdir()
    safetensors.torch.save_file(model.state_dict(), folder / "model.safetensors")
    config = {
        "architecture": "vit_tiny_patch16_224",
        "model_args": ARGUMENTS,
        "pretrained_cfg": {"mean": MEAN, "std": STD, "license": "mit", "input_size": (3, 64, 64)},
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of coloured pictures: violet and pink discs on white."""
    folder = tmp_path_factory.mktemp("slides")
    y, x = np.mgrid[:96, :128]
    for number in range(4):
        rng = np.random.default_rng(number)
        picture = np.full((96, 128, 3), 240.0)
        for _ in range(12):
            disc = (y - rng.uniform(0, 96)) ** 2 + (x - rng.uniform(0, 128)) ** 2 < rng.uniform(30, 150)
            picture[disc] = (110, 60, 150) if rng.random() < 0.5 else (220, 130, 170)
        noisy = np.clip(picture + rng.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)
        imsave(folder / f"slide{number}.png", noisy, check_contrast=False)
    return folder


def test_tokens_are_those_of_the_model_on_normalised_colours(checkpoint: Path, model: torch.nn.Module):
    backbone = load_backbone(f"rgb:{checkpoint}", layer=1, device="cpu")
    tiles = torch.rand((3, 3, 64, 64), generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(numbers).view(1, 3, 1, 1) for numbers in (MEAN, STD))
    with torch.no_grad():
        (expected,) = model.forward_intermediates(
            (tiles - mean) / std, indices=[1], norm=False, output_fmt="NLC", intermediates_only=True
        )
    found = backbone.tokens(tiles)
    assert found.shape == (3, 1, 4, 4, 32)
    torch.testing.assert_close(found.flatten(1, 3), expected, atol=1e-5, rtol=1e-5)


def test_it_is_another_backbone_than_channel_by_channel(checkpoint: Path):
    together, apart = (load_backbone(f"{before}{checkpoint}", device="cpu").spec for before in ("rgb:", ""))
    assert together.fingerprint != apart.fingerprint
    assert together.weights_hash == apart.weights_hash
    assert licence(f"rgb:{checkpoint}") == "mit"


@pytest.mark.parametrize("name", ["rgb:builtin", "rgb:random", "rgb:openphenom"])
def test_a_model_without_colours_is_refused(name: str):
    with pytest.raises(BackboneError, match="no red, green and blue"):
        load_backbone(name)


def test_other_images_are_refused(checkpoint: Path, tiny_plate: Path, tmp_path: Path):
    with pytest.raises(LexiconError, match="these images have 2 channels: leave the rgb: before its name out"):
        api.embed(tiny_plate, tmp_path / "x.lexicon", backbone=f"rgb:{checkpoint}", device="cpu")


def test_coloured_slides_go_the_whole_way_with_one_map_for_all_colours(checkpoint: Path, slides: Path, tmp_path: Path):
    name, lexicon = f"rgb:{checkpoint}", tmp_path / "x.lexicon"
    api.embed(slides, lexicon, backbone=name, device="cpu", keep_tokens="all")
    kept = next(iter(Lexicon.open(lexicon).plates.values())).tokens(0)
    assert kept is not None
    assert kept.tokens.shape == (6 * 8, 1, 32)
    dictionary = tmp_path / "d.safetensors"
    api.train(lexicon, dictionary, features=24, iterations=2, per_iteration=2, steps=20, batch=64, controls="all")
    api.apply(slides, lexicon, dictionary=str(dictionary), backbone=name, device="cpu")
    plate = next(iter(Lexicon.open(lexicon).plates.values()))
    codes = plate.codes(0)
    assert plate.joint
    assert codes is not None
    assert codes.indices.shape == (1, 6, 8, 4)
    assert plate.statistics().tokens.shape == (4, 1)
    feature = int(plate.statistics().total.sum(axis=(0, 1)).argmax())
    pictures = [
        np.asarray(api.overlay(lexicon, plate.wells[0], feature, finer=finer, backbone=name)) for finer in (1, 2)
    ]
    assert (pictures[0] != pictures[1]).any()
    assert set(api.profiles(lexicon).layers) - {None} == {"fraction_active", "direction", "fraction_beyond"}
