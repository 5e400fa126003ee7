"""Vision transformers from timm, by name or from a local checkpoint, applied to each channel by itself.

A model made for RGB sees the channel three times. Replicating the channel and normalising it are both linear, as is
the patch embedding, so all three are folded into a patch embedding of one channel: the same numbers at a third of
the memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
from torch import nn

from napari_lexicon.backbones.channelwise import ChannelwiseBackbone, chosen_layer
from napari_lexicon.backbones.checkpoints import Checkpoint, load_weights, read_config, read_weights, weights_hash
from napari_lexicon.backbones.preprocessing import PREPROCESSING
from napari_lexicon.backbones.spec import BackboneSpec
from napari_lexicon.errors import BackboneError

_PREFERRED_TILE = 256


@dataclass(frozen=True)
class _Source:
    """Where a model comes from, resolved before any weights are read."""

    id: str
    architecture: str
    arguments: dict[str, Any]
    config: dict[str, Any]  # timm's pretrained_cfg: mean, std, input_size, licence
    weights: Path


def load_timm(name: str, *, layer: int | None = None, device: torch.device | None = None) -> ChannelwiseBackbone:
    """A pretrained timm model by name; downloads its weights on first use.

    Parameters
    ----------
    name : str
        As in ``timm.list_pretrained()``, for example ``vit_small_patch14_reg4_dinov2.lvd142m``.
    layer : int, optional
        Block to read; three quarters of the way where left out.
    device : torch.device, optional
        Where to run; the CPU where left out.

    Raises
    ------
    BackboneError
        If there is no such model, it cannot be downloaded now, or it is no plain vision transformer.
    """
    config = pretrained_config(name)
    weights = _downloaded(name, str(config.get("hf_hub_id", "")))
    source = _Source(f"timm:{name}", name.split(".")[0], {}, config, weights)
    return _load(source, layer, device or torch.device("cpu"))


def load_local(
    checkpoint: Checkpoint, *, layer: int | None = None, device: torch.device | None = None
) -> ChannelwiseBackbone:
    """A timm model from files: weights as safetensors, and the ``config.json`` that timm writes to the hub.

    The config needs ``architecture``; ``model_args`` and ``pretrained_cfg`` (``mean``, ``std``, ``input_size``,
    ``license``) are used where they are there.

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
        id=f"file:{checkpoint.name}",
        architecture=config["architecture"],
        arguments=dict(config.get("model_args") or {}),
        config=dict(config.get("pretrained_cfg") or {}),
        weights=checkpoint.weights,
    )
    return _load(source, layer, device or torch.device("cpu"))


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


def _load(source: _Source, layer: int | None, device: torch.device) -> ChannelwiseBackbone:
    model, dynamic = _architecture(source)
    conv = getattr(getattr(model, "patch_embed", None), "proj", None)
    if not isinstance(conv, nn.Conv2d) or not hasattr(model, "forward_intermediates"):
        raise BackboneError(
            f"Backbone {source.id} is not a plain vision transformer (one patch embedding, one grid of tokens): "
            "choose a ViT, DeiT, BEiT, EVA or DINO model."
        )
    weights = _without_head(read_weights(source.weights), model)
    load_weights(model, weights, str(source.weights))
    mean = tuple(source.config.get("mean") or (0.0,) * conv.in_channels)
    std = tuple(source.config.get("std") or (1.0,) * conv.in_channels)
    if conv.in_channels == 3:
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
    native = int((source.config.get("input_size") or (3, _PREFERRED_TILE, _PREFERRED_TILE))[1])
    tile = round(_PREFERRED_TILE / patch) * patch if dynamic else native
    depth = len(model.blocks)  # type: ignore[arg-type]
    spec = BackboneSpec(
        id=source.id,
        weights_hash=weights_hash(weights),
        layer=chosen_layer(layer, depth, max(0, 3 * depth // 4 - 1), source.id),
        depth=depth,
        patch=patch,
        tile=tile,
        margin=2 * patch,
        dim=int(model.embed_dim),  # type: ignore[arg-type]
        preprocessing=f"{PREPROCESSING}+clip01+{_digits(mean)}/{_digits(std)}",
        licence=licence_of(source.config),
    )
    return ChannelwiseBackbone(spec, model, _clipped, device)


def _architecture(source: _Source) -> tuple[nn.Module, bool]:
    """Model with random weights, and whether its tile size is free."""
    arguments = {**source.arguments, "num_classes": 0}
    try:
        return timm.create_model(source.architecture, pretrained=False, dynamic_img_size=True, **arguments), True
    except TypeError:  # an architecture without that option
        return timm.create_model(source.architecture, pretrained=False, **arguments), False


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


def _digits(values: Sequence[float]) -> str:
    return ",".join(f"{value:.4g}" for value in values)


def _downloaded(name: str, repository: str) -> Path:
    """The safetensors file of a hub repository, from the cache or the net."""
    import huggingface_hub
    from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError

    if not repository:
        raise BackboneError(
            f"--backbone {name}: its weights exist only in a pickled form, which is not read here; convert them to "
            "model.safetensors, put a config.json beside them and give the folder."
        )
    place = (
        f"put config.json and model.safetensors of huggingface.co/{repository} into one folder and give that folder "
        "as --backbone"
    )
    try:
        return Path(huggingface_hub.hf_hub_download(repository, "model.safetensors"))
    except GatedRepoError as error:
        raise BackboneError(
            f"--backbone {name}: its authors ask you to accept their terms at huggingface.co/{repository} and to set "
            f"HF_TOKEN; or {place}."
        ) from error
    except LocalEntryNotFoundError as error:
        raise BackboneError(f"--backbone {name}: its weights cannot be downloaded now (offline?): {place}.") from error
    except EntryNotFoundError as error:
        raise BackboneError(
            f"--backbone {name}: {repository} has no model.safetensors; pickles are not read."
        ) from error
    except (HfHubHTTPError, OSError) as error:
        raise BackboneError(f"--backbone {name}: the download failed ({type(error).__name__}): {place}.") from error
