"""Vision transformers from timm, by name or from a local checkpoint, applied to each channel by itself.

A model made for RGB sees the channel three times. Replicating the channel and normalising it are both linear, as is
the patch embedding, so all three are folded into a patch embedding of one channel: the same numbers at a third of
the memory.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from napari_lexicon.backbones.channelwise import ChannelwiseBackbone, Prepare, chosen_layer
from napari_lexicon.backbones.checkpoints import (
    Checkpoint,
    load_weights,
    read_config,
    read_weights,
    weights_hash,
    without_prefix,
)
from napari_lexicon.backbones.downloads import downloaded
from napari_lexicon.backbones.preprocessing import PREPROCESSING
from napari_lexicon.backbones.presets import Naming, Preset
from napari_lexicon.backbones.quick_timm import timm
from napari_lexicon.backbones.rgb import RGB, RgbBackbone
from napari_lexicon.backbones.spec import Backbone, BackboneSpec
from napari_lexicon.errors import BackboneError

_PREFERRED_TILE = 256
_PROJECTIONS = ("query", "key", "value")
_DINOV2_NAMES = (
    ("embeddings.patch_embeddings.projection.", "patch_embed.proj."),
    ("embeddings.position_embeddings", "pos_embed"),
    ("embeddings.register_tokens", "reg_token"),
    ("embeddings.", ""),
    ("encoder.layer.", "blocks."),
    (".attention.output.dense.", ".attn.proj."),
    (".layer_scale1.lambda1", ".ls1.gamma"),
    (".layer_scale2.lambda1", ".ls2.gamma"),
    (".mlp.weights_in.", ".mlp.fc1."),
    (".mlp.weights_out.", ".mlp.fc2."),
    ("layernorm.", "norm."),
)
"""What the transformers library calls the parts of a DINOv2, and timm."""


@dataclass(frozen=True)
class _Source:
    """Where a model comes from, resolved before any weights are read."""

    id: str
    architecture: str
    arguments: dict[str, Any]
    config: dict[str, Any]  # timm's pretrained_cfg: mean, std, input_size, licence
    weights: Path
    naming: Naming = "timm"
    tile: int | None = None  # where a recipe fixes it
    standardise: float | None = None


def load_timm(
    name: str, *, layer: int | None = None, device: torch.device | None = None, rgb: bool = False
) -> Backbone:
    """A pretrained timm model by name; downloads its weights on first use.

    Parameters
    ----------
    name : str
        As in ``timm.list_pretrained()``, for example ``vit_small_patch14_reg4_dinov2.lvd142m``.
    layer : int, optional
        Block to read; three quarters of the way where left out.
    device : torch.device, optional
        Where to run; the CPU where left out.
    rgb : bool
        Read red, green and blue together, instead of every channel by itself.

    Raises
    ------
    BackboneError
        If there is no such model, it cannot be downloaded now, or it is no plain vision transformer.
    """
    config = pretrained_config(name)
    weights = downloaded(name, str(config.get("hf_hub_id", "")))
    source = _Source(f"timm:{name}", name.split(".")[0], {}, config, weights)
    return _load(source, layer, device or torch.device("cpu"), rgb)


def load_local(
    checkpoint: Checkpoint,
    *,
    layer: int | None = None,
    device: torch.device | None = None,
    rgb: bool = False,
    identity: str = "",
) -> Backbone:
    """A timm model from files: weights as safetensors, and the ``config.json`` that timm writes to the hub.

    The config needs ``architecture``; ``model_args`` and ``pretrained_cfg`` (``mean``, ``std``, ``input_size``,
    ``license``) are used where they are there. ``identity`` is its name in lexicons, ``file:NAME`` where left out.

    Raises
    ------
    BackboneError
        If the architecture is unknown or the weights do not belong to it.
    """
    config = read_config(checkpoint.config)
    if not isinstance(config.get("architecture"), str):
        raise BackboneError(f'{checkpoint.config} does not name its "architecture": add timm\'s name of the model.')
    if not timm.is_model(config["architecture"]):
        raise BackboneError(
            f"{checkpoint.config} asks for the architecture {config['architecture']!r}, which the installed timm "
            f"{timm.__version__} does not have: correct the name or upgrade timm."
        )
    source = _Source(
        id=identity or f"file:{checkpoint.name}",
        architecture=config["architecture"],
        arguments=_object(config, "model_args", checkpoint.config),
        config=_object(config, "pretrained_cfg", checkpoint.config),
        weights=checkpoint.weights,
    )
    return _load(source, layer, device or torch.device("cpu"), rgb)


def load_recipe(
    preset: Preset,
    checkpoint: Checkpoint | None = None,
    *,
    layer: int | None = None,
    device: torch.device | None = None,
    rgb: bool = False,
) -> Backbone:
    """The model of a preset, from its authors' repository or from a local copy of their weights.

    Parameters
    ----------
    preset : Preset
        One with a recipe.
    checkpoint : Checkpoint, optional
        Local files; the download, or what was downloaded before, where left out.
    layer : int, optional
        Block to read; three quarters of the way where left out.
    device : torch.device, optional
        Where to run; the CPU where left out.
    rgb : bool
        As in :func:`load_timm`.

    Raises
    ------
    BackboneError
        If the weights cannot be had or do not belong to the recipe.
    """
    recipe = preset.recipe
    assert recipe is not None
    if checkpoint is None:
        weights = downloaded(preset.name, recipe.repository, preset)
    else:
        weights = checkpoint.weights
    source = _Source(
        id=preset.name if checkpoint is None else f"file:{checkpoint.name}",
        architecture=recipe.architecture,
        arguments=timm_arguments(recipe.arguments),
        config={"mean": recipe.mean, "std": recipe.std, "license": preset.licence},
        weights=weights,
        naming=recipe.naming,
        tile=recipe.tile,
        standardise=recipe.standardise,
    )
    return _load(source, layer, device or torch.device("cpu"), rgb)


def timm_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a recipe with the class that ``mlp_layer`` names."""
    found = dict(arguments)
    if "mlp_layer" in found:
        found["mlp_layer"] = getattr(timm.layers, found["mlp_layer"])
    return found


def timm_names(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of a DINOv2 saved by the transformers library, under timm's names.

    There the three projections of the attention are apart; timm has them in one tensor. With registers, timm has no
    position for the class token: it is added to the token. A projection without its two
    companions keeps its name, so that it is named when the weights are loaded.
    """
    found: dict[str, torch.Tensor] = {}
    for name, tensor in weights.items():
        part = next((part for part in _PROJECTIONS if f".attention.attention.{part}." in name), None)
        three = [name.replace(f".{part}.", f".{other}.") for other in _PROJECTIONS] if part is not None else []
        if part is None or any(other not in weights for other in three):
            found[_timm_name(name)] = tensor
        elif part == "query":
            joined = name.replace(".attention.attention.query.", ".attn.qkv.")
            found[_timm_name(joined)] = torch.cat([weights[other] for other in three])
    if {"reg_token", "cls_token", "pos_embed"} <= found.keys():  # timm gives the class token its position beforehand
        positions = found["pos_embed"]
        found["cls_token"], found["pos_embed"] = found["cls_token"] + positions[:, :1], positions[:, 1:].contiguous()
    return found


def _timm_name(name: str) -> str:
    for theirs, ours in _DINOV2_NAMES:
        name = name.replace(theirs, ours)
    return name


def pretrained_config(name: str) -> dict[str, Any]:
    """What timm knows of a pretrained model, its licence among it; no download.

    Raises
    ------
    BackboneError
        If timm has no pretrained model of that name.
    """
    config = timm.get_pretrained_cfg(name, allow_unregistered=False) if timm.is_model(name.split(".")[0]) else None
    if config is None:
        near = timm.list_pretrained(f"*{name.split('.')[0]}*")[:3]
        hint = f" Did you mean {' or '.join(near)}?" if near else " timm.list_pretrained() lists the names."
        raise BackboneError(f"--backbone {name}: timm has no pretrained model of this name.{hint}")
    found: dict[str, Any] = config.to_dict()  # type: ignore[no-untyped-call]
    return found


def licence_of(config: dict[str, Any]) -> str:
    """Licence in a timm config, or a sentence that it is not known."""
    return str(config.get("license") or "licence not stated")


def fold_rgb(conv: nn.Conv2d, mean: Sequence[float], std: Sequence[float]) -> nn.Conv2d:
    """The patch embedding of one channel that equals: replicate to RGB, normalise, embed.

    Parameters
    ----------
    conv : torch.nn.Conv2d
        Patch embedding of three channels.
    mean, std : sequence of three float
        Of the normalisation.

    Returns
    -------
    torch.nn.Conv2d
        One input channel, with bias.
    """
    weight = conv.weight.detach().double()  # (dim, 3, p, p)
    scale = torch.tensor(std, dtype=torch.float64)
    shift = torch.tensor(mean, dtype=torch.float64) / scale
    folded = nn.Conv2d(1, conv.out_channels, conv.kernel_size, conv.stride)  # type: ignore[arg-type]
    bias = conv.bias.detach().double() if conv.bias is not None else torch.zeros(conv.out_channels).double()
    with torch.no_grad():
        folded.weight.copy_((weight / scale.view(1, 3, 1, 1)).sum(1, keepdim=True))
        assert folded.bias is not None
        folded.bias.copy_(bias - (weight.sum((2, 3)) * shift).sum(1))
    return folded


def _load(source: _Source, layer: int | None, device: torch.device, rgb: bool) -> Backbone:
    model, dynamic = _architecture(source)
    conv = getattr(getattr(model, "patch_embed", None), "proj", None)
    if not isinstance(conv, nn.Conv2d) or not hasattr(model, "forward_intermediates"):
        raise BackboneError(
            f"Backbone {source.id} is not a plain vision transformer (one patch embedding, one grid of tokens): "
            "choose a ViT, DeiT, BEiT, EVA or DINO model."
        )
    weights = read_weights(source.weights)
    if source.naming == "dinov2-transformers":
        weights = timm_names(weights)
    weights = _without_head(without_prefix(weights, model.state_dict().keys()), model)
    load_weights(model, weights, str(source.weights))
    mean, std = _normalisation(source, conv.in_channels)
    if rgb and conv.in_channels != 3:
        raise BackboneError(f"Backbone {source.id} has no red, green and blue: leave the rgb: out.")
    if rgb:
        folded = conv
    elif conv.in_channels == 3:
        folded = fold_rgb(conv, mean, std)
    elif conv.in_channels == 1:
        folded = fold_rgb(_replicated(conv), (mean[0],) * 3, (std[0],) * 3)
    else:
        raise BackboneError(
            f"Backbone {source.id} takes {conv.in_channels} channels together: only models of one channel or of RGB "
            "can be applied to each channel by itself."
        )
    model.patch_embed.proj = folded  # type: ignore[union-attr]
    patch = int(conv.kernel_size[0])
    native = _input_side(source)
    tile = source.tile or (round(_PREFERRED_TILE / patch) * patch if dynamic else native)
    depth = len(model.blocks)  # type: ignore[arg-type]
    together = "+rgb" if rgb else ""
    spec = BackboneSpec(
        id=source.id if source.id.startswith("file:") or not rgb else f"{RGB}{source.id}",
        weights_hash=weights_hash(weights),
        layer=chosen_layer(layer, depth, max(0, 3 * depth // 4 - 1), source.id),
        depth=depth,
        patch=patch,
        tile=tile,
        margin=2 * patch,
        dim=int(model.embed_dim),  # type: ignore[arg-type]
        preprocessing=f"{PREPROCESSING}+clip01+{_numbers(source, mean, std)}{together}",
        licence=licence_of(source.config),
    )
    if rgb:
        return RgbBackbone(spec, model, standardised(source.standardise), device, (mean, std))
    return ChannelwiseBackbone(spec, model, standardised(source.standardise), device)


def _object(config: Mapping[str, Any], key: str, place: Path) -> dict[str, Any]:
    """What a config has under a key, an empty object where it has nothing."""
    stated = config.get(key) or {}
    if not isinstance(stated, dict):
        raise BackboneError(f'{place} should hold a JSON object under "{key}", and holds {stated!r:.40}: correct it.')
    return dict(stated)


def _architecture(source: _Source) -> tuple[nn.Module, bool]:
    """Model with random weights, and whether its tile size is free."""
    arguments = {**source.arguments, "num_classes": 0}
    try:
        try:
            return timm.create_model(source.architecture, pretrained=False, dynamic_img_size=True, **arguments), True
        except TypeError:  # an architecture without that option
            return timm.create_model(source.architecture, pretrained=False, **arguments), False
    except (TypeError, ValueError, RuntimeError, AssertionError, ZeroDivisionError) as error:
        reason = " ".join(str(error).split())[:120]
        raise BackboneError(
            f"Backbone {source.id}: timm cannot build {source.architecture} with the arguments in its config "
            f'({reason}): correct its "model_args".'
        ) from error


def _input_side(source: _Source) -> int:
    """Side of the images that a model was trained with."""
    stated = source.config.get("input_size") or (3, _PREFERRED_TILE, _PREFERRED_TILE)
    sound = isinstance(stated, list | tuple) and len(stated) == 3 and all(isinstance(side, int) for side in stated)
    if not sound or not 0 < stated[1] < 2**16:
        raise BackboneError(f"Backbone {source.id}: its input_size should be channels, height and width, not {stated}.")
    return int(stated[1])


def _normalisation(source: _Source, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of every channel, 0 and 1 where the config has none."""
    found = []
    for key, default in (("mean", 0.0), ("std", 1.0)):
        stated = source.config.get(key) or (default,) * channels
        # timm writes three numbers beside a model of one channel, too
        sound = isinstance(stated, list | tuple) and len(stated) in (channels, 3 if channels == 1 else channels)
        if not sound or not all(isinstance(value, int | float) and math.isfinite(value) for value in stated):
            raise BackboneError(f"Backbone {source.id}: its {key} should be {channels} numbers, not {stated!r:.60}.")
        found.append(tuple(float(value) for value in stated[:channels]))
    mean, std = found
    if min(std) <= 0:
        raise BackboneError(f"Backbone {source.id}: its std should be above 0, not {std}.")
    return mean, std


def _without_head(weights: dict[str, torch.Tensor], model: nn.Module) -> dict[str, torch.Tensor]:
    """Weights without the classifier, and without a norm that only the pooled output would use."""
    own = model.state_dict().keys()
    unused = ("head.", "head_dist.", "fc_norm.", "norm.", "mask_token")
    return {name: tensor for name, tensor in weights.items() if name in own or not name.startswith(unused)}


def _replicated(conv: nn.Conv2d) -> nn.Conv2d:
    """Three channels that each carry a third: turns the one-channel case into the RGB one."""
    triple = nn.Conv2d(3, conv.out_channels, conv.kernel_size, conv.stride)  # type: ignore[arg-type]
    with torch.no_grad():
        triple.weight.copy_(conv.weight.expand(-1, 3, -1, -1) / 3.0)
        assert triple.bias is not None
        triple.bias.copy_(conv.bias if conv.bias is not None else torch.zeros(conv.out_channels))
    return triple


def _clipped(windowed: torch.Tensor) -> torch.Tensor:
    """Natural-image models have never seen intensities outside of 0..1."""
    return windowed.clamp(0.0, 1.0)


def standardised(epsilon: float | None) -> Prepare:
    """Cut to 0..1 and, with an epsilon, bring every plane to mean 0 and variance 1."""

    def prepare(windowed: torch.Tensor) -> torch.Tensor:
        cut = _clipped(windowed)
        if epsilon is None:
            return cut
        variance, mean = torch.var_mean(cut, dim=(-2, -1), correction=0, keepdim=True)
        return (cut - mean) / torch.sqrt(variance + epsilon)

    return prepare


def _numbers(source: _Source, mean: Sequence[float], std: Sequence[float]) -> str:
    if source.standardise is not None:
        return f"standard{source.standardise:.4g}"
    return f"{_digits(mean)}/{_digits(std)}"


def _digits(values: Sequence[float]) -> str:
    return ",".join(f"{value:.4g}" for value in values)
