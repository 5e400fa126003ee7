"""A backbone by its name or path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from napari_lexicon.backbones.bfloat16 import BF16, Bfloat16Backbone
from napari_lexicon.backbones.builtin import BUILTIN, CARD_FORMAT, load_builtin, load_random
from napari_lexicon.backbones.checkpoints import Checkpoint, find_checkpoint, read_config
from napari_lexicon.backbones.devices import resolve_device
from napari_lexicon.backbones.downloads import CONFIG, HUB, Watch, cached, downloaded
from napari_lexicon.backbones.openphenom import load_openphenom
from napari_lexicon.backbones.presets import Preset, find_preset, preset_of_repository, recipe_of
from napari_lexicon.backbones.rgb import RGB
from napari_lexicon.backbones.spec import Backbone, BackboneSpec
from napari_lexicon.backbones.timm_models import licence_of, load_local, load_recipe, load_timm, pretrained_config
from napari_lexicon.errors import BackboneError


def load_backbone(name: str = "builtin", *, layer: int | None = None, device: str = "auto") -> Backbone:
    """A backbone, ready to run.

    Parameters
    ----------
    name : str
        ``builtin``; ``random`` (the built-in architecture with seeded random weights); another name in
        :data:`~napari_lexicon.backbones.presets.PRESETS`; ``timm:NAME`` or ``NAME`` of a timm model;
        ``hf-hub:OWNER/NAME`` of a repository with a config of timm; or a path: a
        folder with ``config.json`` and ``model.safetensors``, or a ``.safetensors`` file with a ``.json`` of the same
        name beside it. With ``rgb:`` before a timm model, a preset of one or a path, it reads red, green and blue
        together, as stained sections want it, instead of every channel by itself. With ``bf16:`` before all that,
        products are done in bfloat16.
    layer : int, optional
        Block whose output is read, from 0, negative from the end; the backbone's own choice where left out.
    device : {"auto", "cpu", "cuda", "mps"}
        Where it runs.

    Returns
    -------
    Backbone

    Raises
    ------
    BackboneError
        If it cannot be found, downloaded, read, or run on that device.
    """
    if name.startswith(BF16):
        return Bfloat16Backbone(load_backbone(name.removeprefix(BF16), layer=layer, device=device))
    place = resolve_device(device)
    if name.startswith(RGB):
        return _load_rgb(_plain(name.removeprefix(RGB)), layer, place)
    name = _plain(name)
    if name.startswith(HUB):
        return load_local(_hub_checkpoint(name.removeprefix(HUB)), layer=layer, device=place, identity=name)
    if name == "builtin":
        return load_builtin(layer=layer, device=place)
    if name == "random":
        return load_random(layer=layer, device=place)
    if name.startswith("timm:"):
        return load_timm(name.removeprefix("timm:"), layer=layer, device=place)
    preset = find_preset(name)
    if preset is not None:
        if preset.recipe is None:
            return load_timm(preset.timm, layer=layer, device=place)
        return _load_preset(preset, None, layer, place)
    path = Path(name).expanduser()
    if path.exists() or _looks_like_path(name):
        if not path.exists():
            raise BackboneError(f"--backbone {name}: there is no such file or folder.")
        checkpoint = find_checkpoint(path)
        config = read_config(checkpoint.config)
        if "preset" in config:
            return _load_preset(recipe_of(config, str(checkpoint.config)), checkpoint, layer, place)
        if config.get("format") == CARD_FORMAT:
            own = checkpoint.weights.resolve() == BUILTIN.weights.resolve()
            return load_builtin(
                checkpoint, name="builtin" if own else f"file:{checkpoint.name}", layer=layer, device=place
            )
        return load_local(checkpoint, layer=layer, device=place)
    return load_timm(name, layer=layer, device=place)


def bring_weights(name: str, watch: Watch | None = None) -> None:
    """Download the weights of a backbone that are not on this computer; nothing to do for any other.

    Parameters
    ----------
    name : str
        As for :func:`load_backbone`.
    watch : Watch, optional
        Who is told of the download, and who may stop it.

    Raises
    ------
    BackboneError
        If there is no such backbone, or its weights cannot be had; the sentence says which file to put where.
    """
    name = _plain(name.removeprefix(BF16).removeprefix(RGB))
    preset = find_preset(name)
    if name in ("builtin", "random"):
        return
    if name.startswith(HUB):
        _hub_checkpoint(name.removeprefix(HUB), watch)
        return
    if preset is not None and preset.recipe is not None:
        downloaded(preset.name, preset.recipe.repository, preset, watch)
    elif (
        preset is not None
        or name.startswith("timm:")
        or not (Path(name).expanduser().exists() or _looks_like_path(name))
    ):
        timm_name = preset.timm if preset else name.removeprefix("timm:")
        downloaded(timm_name, str(pretrained_config(timm_name).get("hf_hub_id", "")), None, watch)


def _load_rgb(name: str, layer: int | None, place: torch.device) -> Backbone:
    """A model of red, green and blue, with its three channels."""
    preset, path = find_preset(name), Path(name).expanduser()
    family = None if preset is None or preset.recipe is None else preset.recipe.family
    if name.startswith(HUB):
        checkpoint = _hub_checkpoint(name.removeprefix(HUB))
        return load_local(checkpoint, layer=layer, device=place, rgb=True, identity=name)
    if name in ("builtin", "random") or family == "openphenom":
        raise BackboneError(f"Backbone {name} has no red, green and blue: leave the rgb: out.")
    if preset is not None and preset.recipe is not None:
        return load_recipe(preset, None, layer=layer, device=place, rgb=True)
    if path.exists():
        checkpoint = find_checkpoint(path)
        config = read_config(checkpoint.config)
        if "preset" in config:
            return load_recipe(
                recipe_of(config, str(checkpoint.config)), checkpoint, layer=layer, device=place, rgb=True
            )
        return load_local(checkpoint, layer=layer, device=place, rgb=True)
    return load_timm(preset.timm if preset else name.removeprefix("timm:"), layer=layer, device=place, rgb=True)


def load_like(
    spec: BackboneSpec, name: str | None = None, *, device: str = "auto", watch: Watch | None = None
) -> Backbone:
    """The backbone that a spec describes, checked to be the same one.

    Parameters
    ----------
    spec : BackboneSpec
        From a lexicon or a dictionary.
    name : str, optional
        Where to find it; needed where ``spec.id`` is ``file:NAME``.
    device : {"auto", "cpu", "cuda", "mps"}
        Where it runs.
    watch : Watch, optional
        Who is told of the download where the weights are not on this computer.

    Raises
    ------
    BackboneError
        If what is found differs; the sentence names the first difference.
    """
    if name is None and spec.id.startswith("file:"):
        raise BackboneError(f"Backbone {spec.id} was a local file: give its path with --backbone.")
    bring_weights(name or spec.id, watch)
    backbone = load_backbone(name or spec.id, layer=spec.layer, device=device)
    found, wanted = backbone.spec.to_json(), spec.to_json()
    for key in wanted.keys() - {"licence", "id"}:
        if found[key] != wanted[key]:
            raise BackboneError(
                f"Backbone {backbone.spec.id} has {key} {found[key]}, and {wanted[key]} is needed: it is another "
                "model or version than the one this was made with."
            )
    return backbone


def licence(name: str) -> str:
    """Licence of a backbone's weights, known without a download.

    Raises
    ------
    BackboneError
        If there is no such backbone.
    """
    name = _plain(name.removeprefix(BF16).removeprefix(RGB))
    preset = find_preset(name)
    if preset is not None:
        return preset.licence
    if name.startswith(HUB):
        return _hub_licence(name.removeprefix(HUB))
    if not name.startswith("timm:") and (Path(name).expanduser().exists() or _looks_like_path(name)):
        place = find_checkpoint(Path(name).expanduser()).config
        config: dict[str, Any] = read_config(place)
        if "preset" in config:
            return recipe_of(config, str(place)).licence
        return str(config.get("licence") or licence_of(dict(config.get("pretrained_cfg") or {})))
    return licence_of(pretrained_config(name.removeprefix("timm:")))


def _plain(name: str) -> str:
    """The name of a preset for its repository, ``hf-hub:NAME`` however timm writes it, any other as it is."""
    bare = name.removeprefix("timm:").replace("hf_hub:", HUB, 1)
    if not bare.startswith(HUB):
        return name
    preset = preset_of_repository(bare.removeprefix(HUB))
    return bare if preset is None else preset.name


def _hub_checkpoint(repository: str, watch: Watch | None = None) -> Checkpoint:
    """Weights and config of a repository, from the cache or the net."""
    config = downloaded(f"{HUB}{repository}", repository, None, None, CONFIG)
    if not isinstance(read_config(config).get("architecture"), str):
        raise BackboneError(
            f"--backbone {HUB}{repository}: its config.json names no architecture of timm. Put its model.safetensors "
            'into a folder, beside it a config.json with {"architecture": "NAME"}, and give the folder.'
        )
    return Checkpoint(repository, downloaded(f"{HUB}{repository}", repository, None, watch), config)


def _hub_licence(repository: str) -> str:
    """Licence in a config that is on this computer, or where to read it."""
    config = cached(repository, CONFIG)
    stated = {} if config is None else read_config(config)
    described = stated.get("pretrained_cfg")
    found = stated.get("license") or (described.get("license") if isinstance(described, dict) else None)
    return str(found or f"as stated at huggingface.co/{repository}")


def _load_preset(preset: Preset, checkpoint: Checkpoint | None, layer: int | None, device: torch.device) -> Backbone:
    assert preset.recipe is not None
    load = load_openphenom if preset.recipe.family == "openphenom" else load_recipe
    return load(preset, checkpoint, layer=layer, device=device)


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "~")) or "/" in name or "\\" in name or name.endswith(".safetensors")
