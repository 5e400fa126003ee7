"""Reading the pixels of a field for the screen, in a thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_lexicon.viewer.conversion import ImageLayer, channel_layers
from napari_lexicon.widgets.basic.words import shortened
from napari_lexicon.widgets.plate.coloring import spoken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_lexicon.plates.model import Field, Plate

MOST_PIXELS = 64_000_000
"""Pixels of a channel up to which a field is read whole; beyond it napari reads the pyramid piece by piece."""


@dataclass(frozen=True)
class ReadField:
    """A field ready to be shown."""

    field: Field
    layers: tuple[ImageLayer, ...]


def read_field(plate: Plate, field: Field, ranges: Mapping[str, tuple[float, float]]) -> ReadField:
    """Read a field and make its layers.

    Parameters
    ----------
    plate : Plate
        The plate it is of.
    field : Field
        The field.
    ranges : mapping of str to (low, high)
        Display ranges in use.
    """
    height, width = field.shape
    if height * width > MOST_PIXELS and field.source.levels() > 1:
        return ReadField(field, _pyramid_layers(plate, field, ranges))
    image = np.asarray(field.image())
    return ReadField(field, tuple(channel_layers(field, plate.channels, image, ranges, rgb=plate.rgb)))


def _pyramid_layers(plate: Plate, field: Field, ranges: Mapping[str, tuple[float, float]]) -> tuple[ImageLayer, ...]:
    from dataclasses import replace

    pyramid = [field.image(level) for level in range(field.source.levels())]
    small = np.asarray(pyramid[-1])
    found = []
    for number, layer in enumerate(channel_layers(field, plate.channels, small, ranges, rgb=plate.rgb)):
        if plate.rgb:
            data = [level[:3].transpose(1, 2, 0) for level in pyramid]
        else:
            data = [level[number] for level in pyramid]
        found.append(replace(layer, data=data, multiscale=True))
    return tuple(found)


def caption_of(plate: Plate, field: Field) -> str:
    """What the canvas says: ``"C04 · TMED2 · 3 µM · field 2 of 9"``."""
    n = len(plate.wells[field.well].fields)
    parts = [shortened(field.well, 36), *well_words(plate, field.well)]
    if n > 1:
        position = [each.index for each in plate.wells[field.well].fields].index(field.index) + 1
        parts.append(f"field {position} of {n}")
    return " · ".join(parts)


def well_words(plate: Plate, well: str) -> list[str]:
    """What the plate map says of a well, shortest form: its treatment, its dose, or that it is a control."""
    if well not in plate.map.index:
        return []
    row = plate.map.loc[well]
    words = []
    treatment = next((name for name in _TREATMENT if spoken(row.get(name))), None)
    if treatment is not None:
        words.append(spoken(row[treatment]))
    dose = next((name for name in _DOSE if spoken(row.get(name)) not in ("", "0")), None)
    if dose is not None:
        unit = "uM" if dose.endswith("_um") else spoken(row.get(f"{dose}_unit"))
        words.append(f"{spoken(row[dose])} {unit.replace('uM', 'µM')}".strip())
    kind = spoken(row.get("Metadata_pert_type"))
    if kind.endswith("control"):
        words.append(kind)
    return words


def treatment_column(plate: Plate) -> str | None:
    """Column of the plate map that names the treatment, None where there is none."""
    return next((name for name in _TREATMENT if name in plate.map.columns), None)


_TREATMENT = tuple(
    f"Metadata_{name}" for name in ("pert_iname", "perturbation", "compound", "treatment", "gene", "pert_name")
)
_DOSE = tuple(f"Metadata_{name}" for name in ("concentration_um", "concentration", "dose_um", "dose"))
