"""Sample data for napari's *File > Open Sample*: a field of a simulated plate at once, the plate itself in the cache.

The functions return lists of layer data, ``(data, metadata, type)``, as npe2 asks of sample data, and know no napari.
They write the well that they show; ``write_sample`` writes the rest of the plate when somebody asks for it.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .plate import (
    COLORS,
    PlateSettings,
    Report,
    channel_window,
    contents,
    description,
    never,
    render_plate_field,
    silent,
    simulate_plate,
    truth_folder,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from .field import RenderedField

LayerData = tuple[Any, dict[str, Any], str]

SMALL_PLATE = PlateSettings(name="simulated_24_wells", wells=24, shape=(512, 512), seed=24)
"""24 wells, one field of 512 pixels each; about half a minute to write."""
LARGE_PLATE = PlateSettings(
    name="simulated_384_wells", wells=384, fields=2, shape=(768, 768), poscon="mitotic_arrest", seed=384
)
"""384 wells, two fields of 768 pixels each; to be written well by well, as far as it is needed."""


def cache_folder() -> Path:
    """Folder for sample plates in the user's cache."""
    import pooch

    return Path(pooch.os_cache("napari-lexicon")) / "samples"


def sample_path(settings: PlateSettings) -> Path:
    """Where a sample plate lies in the cache, whether or not it has been written.

    The folder carries a digest of the plate's description, so that another version of the simulator writes its own.
    """
    digest = hashlib.sha256(description(settings).encode()).hexdigest()[:8]
    return cache_folder() / digest / f"{settings.name}.zarr"


def small_plate() -> list[LayerData]:
    """A treated field of the 24-well plate; the plate, with this well, is in the cache and can be opened."""
    return _sample(SMALL_PLATE)


def large_plate() -> list[LayerData]:
    """A field of the 384-well plate; the plate, with this well, is in the cache and can be opened."""
    return _sample(LARGE_PLATE)


def write_sample(settings: PlateSettings, report: Report = silent, should_stop: Callable[[], bool] = never) -> Path:
    """Write the rest of a sample plate into the cache, as far as it is not there; returns its path."""
    return simulate_plate(sample_path(settings), settings, report, should_stop)


def _whole(settings: PlateSettings) -> bool:
    """Whether every field of a sample plate is in the cache."""
    written = len(list((truth_folder(sample_path(settings)) / "fields").glob("*.csv")))
    return written >= len(contents(settings)) * settings.fields


def _sample(settings: PlateSettings) -> list[LayerData]:
    held = contents(settings)
    treated = next(well for well, what in held.items() if what.phenotype == "mitotic_arrest" and what.dose == 1)
    path = simulate_plate(sample_path(settings), replace(settings, only=(treated,)))
    # The table of all cells stands for a whole plate: this one is not, and the next that writes it goes on from here.
    if not _whole(settings):
        (truth_folder(path) / "cells.csv").unlink(missing_ok=True)
    return field_layers(render_plate_field(settings, treated, 0), settings, treated, path)


def field_layers(
    rendered: RenderedField, settings: PlateSettings, well: str, path: Path | None = None
) -> list[LayerData]:
    """One image layer per channel, in micrometres and with the plate's colours and contrast, and two label layers."""
    size = (settings.pixel_size_um, settings.pixel_size_um)
    shared = {
        "scale": size,
        "units": ("um", "um"),
        "metadata": {"lexicon_plate": str(path) if path else "", "lexicon_well": well, "lexicon_field": "0"},
    }
    layers: list[LayerData] = []
    for index, name in enumerate(settings.channels):
        low, high = channel_window(name, settings)
        look = {
            "name": f"{settings.name} {well} {name}",
            "colormap": COLORS.get(name, "#FFFFFF"),
            "blending": "additive",
            "contrast_limits": (low, high),
        }
        layers.append((rendered.image[index], {**shared, **look}, "image"))
    for name, labels in (("cells", rendered.cells), ("nuclei", rendered.nuclei)):
        hidden = {"name": f"{settings.name} {well} {name}", "visible": False, "opacity": 0.5}
        layers.append((np.asarray(labels), {**shared, **hidden}, "labels"))
    return layers
