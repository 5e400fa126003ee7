"""Backbones: from tiles to tokens. Names are loaded on first use, so that a look at a plate does not load torch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_lexicon.backbones.builtin import model_card
    from napari_lexicon.backbones.cards import card_text
    from napari_lexicon.backbones.devices import Device, available_devices, resolve_device
    from napari_lexicon.backbones.loading import licence, load_backbone, load_like
    from napari_lexicon.backbones.preprocessing import IntensityWindow, WindowEstimator, apply_windows, estimate_windows
    from napari_lexicon.backbones.presets import PRESETS, Preset
    from napari_lexicon.backbones.spec import Backbone, BackboneSpec
    from napari_lexicon.backbones.tiling import field_grid, field_tokens, fine_field_tokens

_HOMES = {
    "Device": "devices",
    "available_devices": "devices",
    "card_text": "cards",
    "model_card": "builtin",
    "resolve_device": "devices",
    "PRESETS": "presets",
    "Preset": "presets",
    "licence": "loading",
    "load_backbone": "loading",
    "load_like": "loading",
    "IntensityWindow": "preprocessing",
    "WindowEstimator": "preprocessing",
    "apply_windows": "preprocessing",
    "estimate_windows": "preprocessing",
    "Backbone": "spec",
    "BackboneSpec": "spec",
    "field_grid": "tiling",
    "field_tokens": "tiling",
    "fine_field_tokens": "tiling",
}

__all__ = [
    "PRESETS",
    "Backbone",
    "BackboneSpec",
    "Device",
    "IntensityWindow",
    "Preset",
    "WindowEstimator",
    "apply_windows",
    "available_devices",
    "card_text",
    "estimate_windows",
    "field_grid",
    "field_tokens",
    "fine_field_tokens",
    "licence",
    "load_backbone",
    "load_like",
    "model_card",
    "resolve_device",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
