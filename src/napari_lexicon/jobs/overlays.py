"""The picture of one feature over one field: pixels from the plate, the map from the lexicon."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from PIL import Image

from napari_lexicon.analysis.maps import DRAWN_FROM, activation_map, direction_map, direction_top, drawn_along
from napari_lexicon.analysis.pictures import Panel, composite, figure, heated, on_pixels, stretched
from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.jobs.contract import Report, silent
from napari_lexicon.jobs.plates import plate_field
from napari_lexicon.jobs.refining import RefineJob, run_refine
from napari_lexicon.lexicons import FieldCodes, Lexicon, LexiconPlate
from napari_lexicon.plates.well_names import canonical_well

Reading = Literal["code", "direction", "cosine"]
"""What a map shows: the sparse code, or how far every token lies along the feature (see ``direction_map``)."""


def feature_overlay(
    lexicon: Lexicon,
    well: str,
    feature: int,
    *,
    field: int = 0,
    channel: str | None = None,
    plate: str | None = None,
    finer: int = 1,
    reading: Reading = "code",
    backbone: str | None = None,
    report: Report = silent,
) -> Image.Image:
    """See :func:`napari_lexicon.api.overlay`."""
    one = lexicon.only_plate(plate)
    if reading not in get_args(Reading):
        raise LexiconFolderError(f"A feature is read by 'code', 'direction' or 'cosine', not {reading!r}: choose one.")
    if not isinstance(feature, (int, np.integer)):
        raise LexiconFolderError(f"A feature is named by its number, such as 12, not {feature!r}.")
    well = str(well)
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
    values = map_values(lexicon, one, number, feature, None if one.joint else shown, finer, reading, backbone, report)
    image = np.asarray(plate_field(one, number).image())
    header = one.fields[number]
    windows = [(one.header.channels[c].low, one.header.channels[c].high) for c in header.channels]
    colors = [one.header.channels[c].color or "#FFFFFF" for c in header.channels]
    if one.header.rgb:
        colors = ["#FF0000", "#00FF00", "#0000FF"]
    heat = on_pixels(values, lexicon.backbone.patch // finer, header.shape)
    row = header.channels.index(shown)
    grey = stretched(image[row], *windows[row])
    top = full_color(one, feature, values, reading)
    label = lexicon.names.label(feature)
    title = label if label.startswith("#") else f"{label} (#{feature})"
    pixel = header.pixel_size_um[1] if header.pixel_size_um else None
    channel_name = one.header.channels[shown].name
    counted = int(one.field_statistics(number).tokens[0 if one.joint else codes.channels.index(shown)]) * finer**2
    return figure(
        [
            Panel(f"{one.header.name} · {name} · field {header.name}", composite(image, windows, colors)),
            Panel(f"{title} over {channel_name}", heated(grey, heat, top)),
        ],
        _caption(values, counted, channel_name, top, reading),
        pixel_size_um=pixel,
        top=top,
    )


def _caption(values: np.ndarray, counted: int, channel: str, top: float, reading: Reading) -> str:
    if reading == "cosine":
        return f"cosine of every patch of {channel} with the feature; strongest {values.max():.2f} here"
    if reading == "direction":
        return (
            f"patches of {channel} along the feature, over {DRAWN_FROM:g} standard deviation of control patches; "
            f"strongest {values.max():.1f} here"
        )
    return (
        f"fires in {100 * int((values > 0).sum()) / max(1, counted):.1f} % of the patches of {channel} "
        f"that are not dark; strongest {values.max():.2f} here, {top:.2f} on the plate"
    )


def map_values(
    lexicon: Lexicon,
    plate: LexiconPlate,
    number: int,
    feature: int,
    channel: int | None,
    finer: int,
    reading: Reading,
    backbone: str | None,
    report: Report,
    picks: int | None = None,
    drawn_from: float = DRAWN_FROM,
) -> np.ndarray:
    """The map as it was asked for; the field is read again where the codes of whole patches do not hold it."""
    if finer == 1 and reading == "code":
        codes = plate.codes(number)
        assert codes is not None
        return activation_map(codes, feature, channel, picks)
    run_refine(RefineJob(str(lexicon.path), plate.id, (number,), finer, backbone), report)
    plate.refresh()
    fine, dictionary = plate.fine(number), lexicon.dictionary
    assert fine is not None and dictionary is not None
    if reading == "code":
        return activation_map(fine.codes, feature, channel, picks)
    atom = dictionary.atoms[feature].numpy()
    along = direction_map(fine.whitened, fine.codes.channels, atom, channel, reading)
    return drawn_along(along, drawn_from) if reading == "direction" else along.clip(min=0)


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


def full_color(
    plate: LexiconPlate, feature: int, values: np.ndarray, reading: Reading, drawn_from: float = DRAWN_FROM
) -> float:
    """Value in full colour: the feature's largest on the plate, or a step, so that pictures of wells compare."""
    if reading != "code":
        largest = max(float(values.max()), 1e-6)
        return direction_top(largest, drawn_from) if reading == "direction" else largest
    top = float(plate.statistics().strongest[:, :, feature].max())
    return max(top, float(values.max()), 1e-6)
