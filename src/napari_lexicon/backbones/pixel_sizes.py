"""The pixel size a model is made for, where one is stated. Nothing here loads torch."""

from __future__ import annotations

import json
from pathlib import Path

from napari_lexicon.backbones.presets import PRESETS, find_preset
from napari_lexicon.errors import BackboneError


def stated_um_per_pixel(name: str) -> float | None:
    """Micrometres per pixel of the images a backbone is made for.

    Parameters
    ----------
    name : str
        As for :func:`~napari_lexicon.backbones.loading.load_backbone`. A local checkpoint states it in the JSON beside
        it, as ``"um_per_pixel"`` or by the ``"preset"`` it names.

    Returns
    -------
    float or None
        None where none is stated.
    """
    bare = name.removeprefix("bf16:").removeprefix("rgb:")
    preset = find_preset(bare)
    if preset is None:
        config = _config(Path(bare).expanduser())
        stated = config.get("um_per_pixel")
        if isinstance(stated, (int, float)) and not isinstance(stated, bool) and stated > 0:
            return float(stated)
        preset = find_preset(str(config.get("preset", "")))
    return None if preset is None else preset.um_per_px


def model_um_per_pixel(name: str) -> float:
    """The same, for an option that asks for it.

    Raises
    ------
    BackboneError
        If none is stated.
    """
    found = stated_um_per_pixel(name)
    if found is None:
        known = ", ".join(preset.name for preset in PRESETS if preset.um_per_px is not None)
        raise BackboneError(
            f"Backbone {name} does not state a pixel size that it is made for: give a number of µm per pixel, or leave "
            f'the option out. These state one: {known}; a local checkpoint may in its JSON, as "um_per_pixel".'
        )
    return found


def _config(path: Path) -> dict[str, object]:
    """JSON object beside local weights, empty where there is none: whoever loads the model says what is wrong."""
    place = path / "config.json" if path.is_dir() else path.with_suffix(".json")
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
