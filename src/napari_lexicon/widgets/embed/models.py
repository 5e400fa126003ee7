"""Which models are offered, under which licence, what is in the way of those that cannot be used. No Qt, no torch."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from napari_lexicon.backbones.cards import card_text
from napari_lexicon.backbones.presets import PRESETS

if TYPE_CHECKING:
    from napari_lexicon.backbones.presets import Preset

_YES = {"1", "on", "yes", "true"}


@dataclass(frozen=True)
class ModelOffer:
    """A model as it is offered.

    Parameters
    ----------
    name : str
        For the job.
    label : str
        For people.
    note : str
        What it is good for, its licence, and where its weights come from.
    reason : str
        What is in the way, and what to do; empty where it can be used.
    """

    name: str
    label: str
    note: str
    reason: str = ""


def repository_of(preset: Preset) -> str:
    """Where its weights are on the Hugging Face hub, empty for what comes with the plugin."""
    if preset.recipe is not None:
        return preset.recipe.repository
    return f"timm/{preset.timm}" if preset.timm else ""


def hub_folder(wanted: str = "") -> Path:
    """Where downloads are kept: the folder that a person chose, else where huggingface keeps them, by its own rules."""
    if wanted:
        return Path(wanted).expanduser()
    if os.environ.get("HF_HUB_CACHE"):
        return Path(os.environ["HF_HUB_CACHE"]).expanduser()
    return _hub_home() / "hub"


def _hub_home() -> Path:
    if os.environ.get("HF_HOME"):
        return Path(os.environ["HF_HOME"]).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "huggingface"


def has_token() -> bool:
    """Whether a token for the hub is set or stored; it is not read."""
    if os.environ.get("HF_TOKEN"):
        return True
    return Path(os.environ.get("HF_TOKEN_PATH") or _hub_home() / "token").expanduser().is_file()


def is_offline() -> bool:
    """Whether downloads are switched off, by huggingface's own variable."""
    return os.environ.get("HF_HUB_OFFLINE", "").lower() in _YES


def downloaded(preset: Preset, model_folder: str = "") -> bool:
    """Whether the weights are on this computer."""
    folder = hub_folder(model_folder) / f"models--{repository_of(preset).replace('/', '--')}" / "snapshots"
    return any(folder.glob("*/model.safetensors"))


def model_offers(model_folder: str = "", token: str = "", mirror: str = "") -> list[ModelOffer]:
    """All presets, in their order.

    Parameters
    ----------
    model_folder, token, mirror : str
        As set in the preferences, empty where they are not.
    """
    return [_offer(preset, model_folder, bool(token), mirror) for preset in PRESETS]


def _offer(preset: Preset, model_folder: str, token: bool, mirror: str) -> ModelOffer:
    here = not preset.download or downloaded(preset, model_folder)
    place = mirror.rstrip("/").partition("://")[2] or "huggingface.co"
    parts = [preset.note, f"Licence: {preset.licence}."]
    if preset.download:
        parts.append("Downloaded." if here else f"Downloaded on first use from {place}/{repository_of(preset)}.")
    return ModelOffer(preset.name, preset.label, " ".join(parts), "" if here else _in_the_way(preset, token))


def _in_the_way(preset: Preset, token: bool) -> str:
    repository = repository_of(preset)
    copy = (
        f"put model.safetensors of huggingface.co/{repository} into a folder, beside it a config.json with "
        f'{{"preset": "{preset.name}"}}, and choose that folder with …'
    )
    if preset.recipe is None:
        copy = (
            f"put config.json and model.safetensors of huggingface.co/{repository} into a folder and choose it with …"
        )
    if preset.pickled:
        return f"Its authors publish a pickle, which is not read: convert it to model.safetensors, then {copy}"
    if is_offline():
        return f"Not on this computer, and downloads are off (HF_HUB_OFFLINE): {copy}"
    if preset.gated and not token and not has_token():
        return (
            f"Its authors ask you to accept their terms at huggingface.co/{repository}; then make a read token at "
            f"huggingface.co/settings/tokens and enter it under Token, mirror, cache folder… (or store it with: hf "
            f"auth login). Or {copy}"
        )
    return ""


def builtin_card() -> str:
    """The built-in model's card, as ``napari-lexicon info --model builtin`` prints it."""
    file = resources.files("napari_lexicon.backbones").joinpath("weights/builtin.json")
    return card_text(json.loads(file.read_text(encoding="utf-8")))
