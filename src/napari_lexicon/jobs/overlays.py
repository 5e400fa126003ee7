"""The picture of one feature over one field: pixels from the plate, the map from the lexicon."""

from __future__ import annotations

import numpy as np
from PIL import Image

from napari_lexicon.analysis.maps import activation_map
from napari_lexicon.analysis.pictures import Panel, composite, figure, heated, on_pixels, stretched
from napari_lexicon.errors import LexiconFolderError, PlateError
from napari_lexicon.jobs.plates import opened
from napari_lexicon.lexicons import FieldCodes, Lexicon, LexiconPlate
from napari_lexicon.plates.model import Field
from napari_lexicon.plates.well_names import canonical_well


def feature_overlay(
    lexicon: Lexicon,
    well: str,
    feature: int,
    *,
    field: int = 0,
    channel: str | None = None,
    plate: str | None = None,
) -> Image.Image:
    """See :func:`napari_lexicon.api.overlay`."""
    one = lexicon.only_plate(plate)
    if not 0 <= feature < one.n_features:
        raise LexiconFolderError(
            f"There is no feature {feature}: the dictionary has features 0 to {one.n_features - 1}."
        )
    name = well if well in one.wells else canonical_well(well) or well
    number = one.field_number(name, index=field)
    codes = one.codes(number)
    if codes is None:
        raise LexiconFolderError(f"Field {field} of well {name} is not finished: run apply on {one.header.name} again.")
    shown = _channel(one, number, codes, feature, channel)
    image = np.asarray(plate_field(one, number).image())
    header = one.fields[number]
    windows = [(one.header.channels[c].low, one.header.channels[c].high) for c in header.channels]
    colors = [one.header.channels[c].color or "#FFFFFF" for c in header.channels]
    if one.header.rgb:
        colors = ["#FF0000", "#00FF00", "#0000FF"]
    values = activation_map(codes, feature, None if one.joint else shown)
    heat = on_pixels(values, lexicon.backbone.patch, header.shape)
    row = header.channels.index(shown)
    grey = stretched(image[row], *windows[row])
    top = _shared_top(one, feature, values)
    label = lexicon.names.label(feature)
    title = label if label.startswith("#") else f"{label} (#{feature})"
    pixel = header.pixel_size_um[1] if header.pixel_size_um else None
    channel_name = one.header.channels[shown].name
    counted = int(one.field_statistics(number).tokens[0 if one.joint else codes.channels.index(shown)])
    return figure(
        [
            Panel(f"{one.header.name} · {name} · field {header.name}", composite(image, windows, colors)),
            Panel(f"{title} over {channel_name}", heated(grey, heat, top)),
        ],
        f"fires in {100 * int((values > 0).sum()) / max(1, counted):.1f} % of the patches of {channel_name} "
        "that are not dark; "
        f"strongest {values.max():.2f} here, {top:.2f} on the plate",
        pixel_size_um=pixel,
        top=top,
    )


def plate_field(plate: LexiconPlate, number: int) -> Field:
    """The field of the plate on disk that a lexicon's field was made from.

    Raises
    ------
    PlateError
        If the plate is no longer where it was, or lacks the field.
    """
    header = plate.fields[number]
    for field in opened(plate.header.origin).fields():
        if (field.well, field.name) == (header.well, header.name):
            return field
    raise PlateError(
        f"{plate.header.origin.path} no longer has field {header.name} of well {header.well}: put the images back."
    )


def _channel(plate: LexiconPlate, number: int, codes: FieldCodes, feature: int, asked: str | None) -> int:
    names = [channel.name for channel in plate.header.channels]
    present = plate.fields[number].channels
    if asked is not None:
        if asked not in names or names.index(asked) not in present:
            have = ", ".join(names[c] for c in present)
            raise LexiconFolderError(f"This field has no channel {asked}: it has {have}.")
        return names.index(asked)
    if plate.joint:
        return present[0]
    return max(codes.channels, key=lambda c: float(activation_map(codes, feature, c).sum()))


def _shared_top(plate: LexiconPlate, feature: int, values: np.ndarray) -> float:
    """Largest value of the feature on the plate, so that pictures of several wells compare."""
    top = float(plate.statistics().strongest[:, :, feature].max())
    return max(top, float(values.max()), 1e-6)
