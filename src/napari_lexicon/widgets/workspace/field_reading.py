"""Reading the pixels of a field for the screen, in a thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_lexicon.viewer.conversion import ImageLayer, channel_layers, display_range
from napari_lexicon.widgets.basic.words import shortened
from napari_lexicon.widgets.plate.coloring import spoken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_lexicon.plates.model import Field, Plate
    from napari_lexicon.viewer.side_by_side import SideBySide

_ONE_LINE = 20  # letters
MOST_PIXELS = 64_000_000
"""Pixels of a channel up to which a field is read whole; beyond it napari reads the pyramid piece by piece."""


@dataclass(frozen=True)
class ReadFields:
    """Fields ready to be shown."""

    side: SideBySide
    layers: tuple[ImageLayer, ...]


def read_fields(plate: Plate, side: SideBySide, ranges: Mapping[str, tuple[float, float]]) -> ReadFields:
    """Read the fields that are shown together and make their layers, one per channel.

    Parameters
    ----------
    plate : Plate
        The plate they are of.
    side : SideBySide
        The fields.
    ranges : mapping of str to (low, high)
        Display ranges in use.
    """
    first = side.fields[0]
    height, width = first.shape
    if side.alone and height * width > MOST_PIXELS and first.source.levels() > 1:
        return ReadFields(side, _pyramid_layers(plate, first, ranges))
    images = [np.asarray(field.image()) for field in side.fields]
    if side.alone:
        return ReadFields(side, tuple(channel_layers(first, plate.channels, images[0], ranges, rgb=plate.rgb)))
    present = sorted({index for field in side.fields for index in field.channels})
    planes = [
        [
            image[field.channels.index(index)] if index in field.channels else None
            for image, field in zip(images, side.fields, strict=True)
        ]
        for index in present
    ]
    # from the pixels of a field: the dark room between the fields is no part of any image
    own = {
        plate.channels[index].name: display_range(next(plane for plane in each if plane is not None))
        for index, each in zip(present, planes, strict=True)
        if plate.channels[index].name not in ranges and plate.channels[index].window is None and not plate.rgb
    }
    pictures = [side.picture(each) for each in planes]
    layers = channel_layers(first, plate.channels, pictures, {**own, **ranges}, rgb=plate.rgb, present=present)
    return ReadFields(side, tuple(layers))


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


def broken_in_two(caption: str) -> str:
    """A caption of :func:`caption_of` in two lines where it is long: fields side by side are narrow."""
    parts = caption.split(" · ")
    if len(parts) < 3 or len(caption) <= _ONE_LINE:
        return caption
    return f"{' · '.join(parts[:2])}\n{' · '.join(parts[2:])}"


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
        number, unit = spoken(row[dose]), unit.replace("uM", "µM")
        words.append(f"{number} {unit}".strip() if unit or words else f"dose {number}")  # a number alone is of nothing
    kind = spoken(row.get("Metadata_pert_type"))
    if kind.endswith("control"):
        words.append(kind)
    return words


def treatment_column(plate: Plate) -> str | None:
    """Column of the plate map that names the treatment, None where there is none."""
    return next((name for name in _TREATMENT if name in plate.map.columns), None)


def telling_column(plate: Plate) -> str | None:
    """Column of the plate map that most people would compare by: treatments, then doses, then control types.

    None where each of them has one value, or another one in every well: then there is nothing to compare.
    """
    return next((name for name in (*_TREATMENT, *_DOSE, _TYPE) if _tells(plate, name)), None)


def _tells(plate: Plate, name: str) -> bool:
    if name not in plate.map.columns:
        return False
    values = plate.map[name].dropna()
    return 1 < values.nunique() < len(values)


def dose_column(plate: Plate) -> str | None:
    """Column of the plate map with doses as numbers, None where there is none."""
    return next((name for name in _DOSE if name in plate.map.columns and plate.map[name].dtype.kind in "if"), None)


_TREATMENT = tuple(
    f"Metadata_{name}" for name in ("pert_iname", "perturbation", "compound", "treatment", "gene", "pert_name")
)
_TYPE = "Metadata_pert_type"
_DOSE = tuple(f"Metadata_{name}" for name in ("concentration_um", "concentration", "dose_um", "dose"))
