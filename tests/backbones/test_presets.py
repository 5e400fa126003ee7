"""Presets: their architectures are built, and checkpoints with their authors' names and shapes load whole."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import timm
import torch

from napari_lexicon.backbones import PRESETS, Preset, load_backbone
from napari_lexicon.backbones.builtin import load_builtin, model_card
from napari_lexicon.backbones.checkpoints import Checkpoint
from napari_lexicon.backbones.loading import licence
from napari_lexicon.backbones.pixel_sizes import model_um_per_pixel, stated_um_per_pixel
from napari_lexicon.backbones.presets import find_preset
from napari_lexicon.backbones.timm_models import (
    fold_rgb,
    licence_of,
    load_recipe,
    pretrained_config,
    timm_arguments,
    timm_names,
)
from napari_lexicon.errors import BackboneError

NARROW = {"embed_dim": 32, "depth": 3, "num_heads": 2}
PLAIN = [preset.name for preset in PRESETS if preset.recipe is not None and preset.recipe.family == "vit"]


def preset_named(name: str) -> Preset:
    preset = find_preset(name)
    assert preset is not None
    return preset


def narrow(preset: Preset) -> Preset:
    """The same architecture with few and small blocks, and a small tile."""
    assert preset.recipe is not None
    arguments = {**preset.recipe.arguments, **NARROW, "img_size": 4 * preset.patch}
    return replace(preset, recipe=replace(preset.recipe, arguments=arguments, tile=4 * preset.patch))


def reference(preset: Preset) -> torch.nn.Module:
    """timm's model of a recipe, every number random."""
    assert preset.recipe is not None
    torch.manual_seed(3)
    model = timm.create_model(preset.recipe.architecture, num_classes=0, **timm_arguments(preset.recipe.arguments))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model.eval()


def as_transformers(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """timm's tensors under the names that transformers' Dinov2Model gives them."""
    found = {"embeddings.mask_token": torch.zeros(1, weights["cls_token"].shape[-1])}
    top = {"cls_token": "embeddings.cls_token", "pos_embed": "embeddings.position_embeddings"}
    if "reg_token" in weights:  # there the class token has a position of its own, registers have none
        place = torch.randn(1, 1, weights["cls_token"].shape[-1], generator=torch.Generator().manual_seed(2))
        weights = {
            **weights,
            "cls_token": weights["cls_token"] - place,
            "pos_embed": torch.cat([place, weights["pos_embed"]], dim=1),
        }
        top["reg_token"] = "embeddings.register_tokens"
        swiglu = {"mlp.fc1": "mlp.weights_in", "mlp.fc2": "mlp.weights_out"}
    else:
        swiglu = {}
    for name, tensor in weights.items():
        if ".attn.qkv." in name:
            block, kind = name.split(".")[1], name.split(".")[-1]
            for part, third in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                found[f"encoder.layer.{block}.attention.attention.{part}.{kind}"] = third.clone()
        elif name.startswith("blocks."):
            _, block, rest = name.split(".", 2)
            rest = rest.replace("attn.proj", "attention.output.dense")
            for ours, theirs in swiglu.items():
                rest = rest.replace(ours, theirs)
            rest = rest.replace("ls1.gamma", "layer_scale1.lambda1").replace("ls2.gamma", "layer_scale2.lambda1")
            found[f"encoder.layer.{block}.{rest}"] = tensor
        elif name.startswith("patch_embed.proj."):
            found[name.replace("patch_embed.proj", "embeddings.patch_embeddings.projection")] = tensor
        else:
            found[top.get(name, name.replace("norm.", "layernorm."))] = tensor
    return found


def saved(folder: Path, preset: Preset, model: torch.nn.Module) -> Checkpoint:
    assert preset.recipe is not None
    weights = model.state_dict()
    if preset.recipe.naming == "dinov2-transformers":
        weights = as_transformers(weights)
    folder.mkdir(exist_ok=True)
    safetensors.torch.save_file(weights, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"preset": preset.name}))
    return Checkpoint(folder.name, folder / "model.safetensors", folder / "config.json")


def tiles(preset: Preset, count: int = 3, channels: int = 2) -> torch.Tensor:
    assert preset.recipe is not None
    side = preset.recipe.tile
    return torch.rand((count, channels, side, side), generator=torch.Generator().manual_seed(1)) * 1.4 - 0.2


def prepared(preset: Preset, x: torch.Tensor) -> torch.Tensor:
    """What the authors feed their model, written out: (N, 1, H, W) in units of the window to (N, 1 or 3, H, W)."""
    assert preset.recipe is not None
    cut = x.clamp(0, 1)
    if preset.name == "morphem":  # 0..255, then InstanceNorm2d with eps 1e-7
        return torch.nn.InstanceNorm2d(1, eps=1e-7)(255 * cut)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (preset.recipe.mean, preset.recipe.std))
    return (cut.expand(-1, 3, -1, -1) - mean) / std


def hidden_states(model: torch.nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """Patch tokens after each block by running the blocks one by one; the last with the final norm."""
    x = model.norm_pre(model.patch_drop(model._pos_embed(model.patch_embed(x))))
    found = []
    for block in model.blocks:
        x = block(x)
        found.append(x)
    found[-1] = model.norm(x)
    return [states[:, model.num_prefix_tokens :] for states in found]


@pytest.mark.parametrize("name", PLAIN)
def test_every_layer_is_the_hidden_state_of_the_authors_model(name: str, tmp_path: Path) -> None:
    preset = narrow(preset_named(name))
    model = reference(preset)
    checkpoint = saved(tmp_path / "copy", preset, model)
    x = tiles(preset)
    with torch.no_grad():
        expected = hidden_states(model, prepared(preset, x.reshape(6, 1, *x.shape[-2:])))
    for layer, states in enumerate(expected):
        backbone = load_recipe(preset, checkpoint, layer=layer)
        tokens = backbone.tokens(x)
        assert tokens.shape == (3, 2, 4, 4, 32)
        torch.testing.assert_close(tokens.reshape(6, 16, 32), states, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", PLAIN)
def test_tokens_do_not_depend_on_the_batch_or_the_order_of_tiles(name: str, tmp_path: Path) -> None:
    preset = narrow(preset_named(name))
    backbone = load_recipe(preset, saved(tmp_path / "copy", preset, reference(preset)))
    x = tiles(preset, 5)
    together = backbone.tokens(x)
    order = torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(backbone.tokens(x[order]), together[order], rtol=1e-4, atol=1e-5)
    for one, expected in zip(x, together, strict=True):
        torch.testing.assert_close(backbone.tokens(one[None])[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", [preset.name for preset in PRESETS if preset.timm])
def test_the_patch_embedding_of_timms_models_is_folded_exactly(name: str) -> None:
    config = pretrained_config(preset_named(name).timm)
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(3, 48, preset_named(name).patch, preset_named(name).patch)
    gray = torch.rand(4, 1, 112, 112)
    mean, std = (torch.tensor(config[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    expected = conv((gray.expand(-1, 3, -1, -1) - mean) / std)
    torch.testing.assert_close(fold_rgb(conv, config["mean"], config["std"])(gray), expected, rtol=0, atol=1e-5)


SHAPES = {  # what follows from the authors' settings: one telling tensor each
    "morphem": ("pos_embed", (1, 197, 384)),
    "uni2-h": ("blocks.23.mlp.fc1.weight", (8192, 1536)),
    "virchow2": ("blocks.31.mlp.fc1.weight", (6832, 1280)),
    "phikon-v2": ("pos_embed", (1, 197, 1024)),
    "hibou-b": ("blocks.11.mlp.fc2.weight", (768, 2048)),
    "h-optimus-0": ("reg_token", (1, 4, 1536)),
}


@pytest.mark.parametrize("name", PLAIN)
def test_the_full_architecture_has_the_published_shape(name: str) -> None:
    preset = preset_named(name)
    recipe = preset.recipe
    assert recipe is not None
    with torch.device("meta"):
        arguments = {**timm_arguments(recipe.arguments), "weight_init": "skip"}
        model = timm.create_model(recipe.architecture, num_classes=0, **arguments)
    tensor, shape = SHAPES[name]
    assert model.state_dict()[tensor].shape == shape
    assert model.patch_embed.patch_size == (preset.patch, preset.patch)
    assert recipe.tile == preset.tile
    assert preset.tile % preset.patch == 0


def test_a_wrong_checkpoint_names_the_key(tmp_path: Path) -> None:
    preset = narrow(preset_named("phikon-v2"))
    checkpoint = saved(tmp_path / "copy", preset, reference(preset))
    weights = safetensors.torch.load_file(checkpoint.weights)

    def sentence(changed: dict[str, torch.Tensor]) -> str:
        safetensors.torch.save_file(changed, checkpoint.weights)
        with pytest.raises(BackboneError) as caught:
            load_recipe(preset, checkpoint)
        assert str(caught.value).count(". ") == 0
        return str(caught.value)

    assert "lacks norm.bias" in sentence({k: v for k, v in weights.items() if k != "layernorm.bias"})
    assert "lacks blocks.1.attn.qkv.bias" in sentence(
        {k: v for k, v in weights.items() if ".1.attention.attention.key.b" not in k}
    )
    assert "has the unknown surprise" in sentence({**weights, "surprise": torch.zeros(1)})
    assert "in another shape blocks.0.norm1.weight" in sentence(
        {**weights, "encoder.layer.0.norm1.weight": torch.zeros(3)}
    )


@pytest.mark.parametrize("name", ["phikon-v2", "hibou-b"])
def test_names_of_transformers_become_timms_and_nothing_is_lost(name: str) -> None:
    model = reference(narrow(preset_named(name)))
    found = timm_names(as_transformers(model.state_dict()))
    assert found.pop("mask_token").shape == (1, 32)
    assert found.keys() == model.state_dict().keys()
    assert all(torch.allclose(found[name], tensor, atol=1e-6) for name, tensor in model.state_dict().items())


def test_hibou_has_the_size_of_its_published_file_and_gates_the_first_half() -> None:
    recipe = preset_named("hibou-b").recipe
    assert recipe is not None
    with torch.device("meta"):
        model = timm.create_model(recipe.architecture, num_classes=0, **timm_arguments(recipe.arguments))
    assert round(sum(tensor.numel() for tensor in model.state_dict().values()) * 4 / 1e6) == 343  # MB on its page
    small = reference(narrow(preset_named("hibou-b"))).blocks[0].mlp
    x = torch.randn(5, 32, generator=torch.Generator().manual_seed(0))
    gate, value = small.fc1(x).chunk(2, dim=-1)  # as Dinov2SwiGLUFFN of transformers, written out
    torch.testing.assert_close(small(x), small.fc2(torch.nn.functional.silu(gate) * value))


def test_the_pixel_size_of_a_model_is_stated_or_refused_with_a_sentence(tmp_path: Path) -> None:
    assert model_um_per_pixel("uni2-h") == model_um_per_pixel("rgb:hibou-b") == 0.5
    for name in ("builtin", "virchow2", "timm:vit_tiny_patch16_224", str(tmp_path)):
        assert stated_um_per_pixel(name) is None
        with pytest.raises(BackboneError, match=r"does not state a pixel size .* give a number of µm per pixel"):
            model_um_per_pixel(name)
    (tmp_path / "config.json").write_text('{"preset": "phikon-v2"}')
    assert model_um_per_pixel(str(tmp_path)) == 0.5
    (tmp_path / "config.json").write_text('{"architecture": "x", "um_per_pixel": 0.65}')
    assert model_um_per_pixel(str(tmp_path)) == 0.65
    (tmp_path / "config.json").write_text('[{"um_per_pixel": 1')
    assert stated_um_per_pixel(str(tmp_path)) is None


def test_morphem_of_full_width_loads_by_path_and_by_its_preset(tmp_path: Path) -> None:
    preset = preset_named("morphem")
    torch.manual_seed(0)
    model = timm.create_model("vit_small_patch16_224", in_chans=1, num_classes=0)
    saved(tmp_path / "MorphEm", preset, model)
    backbone = load_backbone(str(tmp_path / "MorphEm"), layer=0, device="cpu")
    spec = backbone.spec
    assert (spec.id, spec.patch, spec.tile, spec.dim, spec.depth) == ("file:MorphEm", 16, 224, 384, 12)
    assert spec.licence == licence(str(tmp_path / "MorphEm")) == "MIT"
    bright, dim = torch.rand(1, 1, 224, 224) * 0.5, 0.2
    torch.testing.assert_close(backbone.tokens(bright), backbone.tokens(bright * dim), rtol=1e-3, atol=1e-4)


def test_names_behind_the_prefix_of_training_code_are_the_models_own(tmp_path: Path) -> None:
    preset = narrow(preset_named("morphem"))
    model = reference(preset)
    checkpoint = saved(tmp_path / "copy", preset, model)
    expected = load_recipe(preset, checkpoint)
    weights = {f"module.backbone.{name}": tensor for name, tensor in model.state_dict().items()}
    safetensors.torch.save_file({**weights, "head.mlp.0.weight": torch.zeros(2)}, checkpoint.weights)
    found = load_recipe(preset, checkpoint)
    x = tiles(preset)
    torch.testing.assert_close(found.tokens(x), expected.tokens(x))
    assert found.spec == expected.spec
    weights.pop("module.backbone.blocks.1.norm1.weight")
    safetensors.torch.save_file(weights, checkpoint.weights)
    with pytest.raises(BackboneError, match=r"it lacks blocks\.1\.norm1\.weight;"):
        load_recipe(preset, checkpoint)


def test_weights_that_are_no_numbers_are_refused_with_a_sentence(tmp_path: Path) -> None:
    preset = narrow(preset_named("morphem"))
    checkpoint = saved(tmp_path / "copy", preset, reference(preset))
    weights = safetensors.torch.load_file(checkpoint.weights)
    for bad in (torch.full((32,), float("nan")), torch.ones(32, dtype=torch.int32)):
        safetensors.torch.save_file({**weights, "norm.weight": bad}, checkpoint.weights)
        with pytest.raises(BackboneError, match=r"values in norm\.weight that are no finite decimal numbers"):
            load_recipe(preset, checkpoint)


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"model_args": [1]}, 'a JSON object under "model_args"'),
        ({"model_args": {"depth": -1}}, "timm cannot build vit_tiny_patch16_224"),
        ({"model_args": {"embed_dim": "wide"}}, "timm cannot build vit_tiny_patch16_224"),
        ({"pretrained_cfg": {"mean": "bright"}}, "its mean should be 3 numbers"),
        ({"pretrained_cfg": {"std": [0, 1, 1]}}, "its std should be above 0"),
        ({"pretrained_cfg": {"input_size": [3]}}, "its input_size should be"),
    ],
)
def test_a_config_that_makes_no_sense_is_one_sentence(config: dict[str, object], says: str, tmp_path: Path) -> None:
    model = timm.create_model("vit_tiny_patch16_224", num_classes=0, depth=1)
    safetensors.torch.save_file(model.state_dict(), tmp_path / "model.safetensors")
    stated = {"architecture": "vit_tiny_patch16_224", "model_args": {"depth": 1}, **config}
    (tmp_path / "config.json").write_text(json.dumps(stated))
    with pytest.raises(BackboneError, match=says):
        load_backbone(str(tmp_path), device="cpu")


def test_an_unknown_preset_in_a_config_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"preset": "morphemm"}')
    safetensors.torch.save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    with pytest.raises(BackboneError, match=r"'morphemm': choose one of morphem"):
        load_backbone(str(tmp_path), device="cpu")


def test_presets_show_their_licence_without_a_download() -> None:
    for preset in PRESETS:
        assert preset.licence == licence(preset.name)
        if preset.timm:
            assert preset.licence == licence_of(pretrained_config(preset.timm))


def test_presets_that_need_a_licence_text_and_a_place_say_so_offline(tmp_path: Path) -> None:
    code = (
        "from napari_lexicon.backbones import PRESETS, load_backbone\n"
        "from napari_lexicon.errors import BackboneError\n"
        "for preset in PRESETS:\n"
        "    if not preset.download: continue\n"
        "    try: load_backbone(preset.name)\n"
        "    except BackboneError as e: print(preset.name, '|', e)\n"
    )
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    said = dict(line.split(" | ", 1) for line in result.stdout.splitlines())
    for preset in PRESETS:
        if preset.download:
            assert "model.safetensors" in said[preset.name]
            assert "huggingface.co/" in said[preset.name]
            if preset.recipe is not None:
                assert f'{{"preset": "{preset.name}"}}' in said[preset.name]
            assert ("converted to" in said[preset.name]) == preset.pickled


def test_the_built_in_models_identity_is_what_its_card_says() -> None:
    assert load_builtin().spec.weights_hash == model_card()["weights_hash"]


def test_the_page_of_models_lists_every_preset_with_its_licence() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "models.md"
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    for preset in PRESETS:
        sheet, use = (row for row in rows if f"`{preset.name}`" in row.split("|")[1])
        assert preset.licence in sheet
        assert f"| {preset.patch} px | {preset.tile} px | {preset.channels} | {preset.preprocessing} |" in use
