"""The maps of several features of a field as they are shown: as a figure, and as OME-Zarr labels beside the plate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from napari_lexicon.analysis.conditions import control_wells
from napari_lexicon.analysis.maps import DRAWN_FROM
from napari_lexicon.analysis.outlines import LINE, outline_map
from napari_lexicon.analysis.overlay_figure import FeatureMap, Sheet, overlay_sheet
from napari_lexicon.analysis.pictures import composite, on_pixels
from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.jobs.contract import Progress, Report, ShouldStop, never, silent
from napari_lexicon.jobs.overlays import Reading, full_color, map_values
from napari_lexicon.jobs.plates import opened
from napari_lexicon.jobs.reporting import WrittenFile
from napari_lexicon.lexicons import Lexicon, LexiconPlate
from napari_lexicon.plates.label_images import LabelImage, labels_place, write_alone, write_beside
from napari_lexicon.plates.model import Field
from napari_lexicon.plates.well_names import canonical_well

# Okabe and Ito's colours, told apart by colour-blind readers
COLORS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#D55E00", "#CC79A7", "#0072B2")
_READINGS = {"code": "code", "direction": "direction in standard deviations of controls", "cosine": "cosine"}


@dataclass(frozen=True)
class FigureJob:
    """Draw several features over one field as PNG or SVG.

    Parameters
    ----------
    lexicon, out : str
        ``NAME.lexicon``; file to write, ``.png`` or ``.svg``.
    well : str
    features : tuple of int
        At least one.
    field : int
        Index of the field within the well.
    channel : str, optional
        The strongest of all channels where None.
    plate : str, optional
        Needed where the lexicon has several.
    threshold : float
        Part of a feature's strongest value on the plate below which nothing is drawn.
    colors : tuple of str
        One for each feature; a person's own, else a palette, where empty.
    finer : int
    reading : str
        As in :func:`napari_lexicon.api.overlay`.
    readings : tuple of str
        One for each feature where they differ; ``reading`` for all where empty.
    picks : int, optional
        Use the first ``picks`` picks of the pursuit only.
    above_control : bool
        Draw by how much a code of whole patches is above its mean where it fires in control wells.
    drawn_from : float
        Standard deviations of controls over which a direction is drawn.
    outline, smooth : bool
        Outlines instead of areas; patches blended into each other.
    opacity : float
        Of a feature at full strength.
    ranges : dict, optional
        Channels to draw, by name, and their grey values for black and full colour; all, as in the lexicon, where None.
    """

    lexicon: str
    out: str
    well: str
    features: tuple[int, ...]
    field: int = 0
    channel: str | None = None
    plate: str | None = None
    threshold: float = 0.0
    colors: tuple[str, ...] = ()
    finer: int = 1
    reading: Reading = "code"
    readings: tuple[Reading, ...] = ()
    picks: int | None = None
    above_control: bool = False
    drawn_from: float = DRAWN_FROM
    outline: bool = False
    smooth: bool = False
    opacity: float = 0.75
    ranges: dict[str, tuple[float, float]] | None = None


@dataclass(frozen=True)
class LabelsJob:
    """Write where features fire as OME-Zarr labels, one label image per feature and field.

    Parameters
    ----------
    lexicon : str
        ``NAME.lexicon``.
    features : tuple of int
        At least one.
    well : str, optional
        All finished fields of the plate where None.
    field : int, optional
        All fields of the well where None.
    out : str, optional
        Folder for label images of their own; None for beside the images, in ``labels/`` of the plate.
    channel, plate, threshold, colors, finer, reading, readings, picks, above_control, drawn_from
        As in :class:`FigureJob`.
    """

    lexicon: str
    features: tuple[int, ...]
    well: str | None = None
    field: int | None = None
    out: str | None = None
    channel: str | None = None
    plate: str | None = None
    threshold: float = 0.0
    colors: tuple[str, ...] = ()
    finer: int = 1
    reading: Reading = "code"
    readings: tuple[Reading, ...] = ()
    picks: int | None = None
    above_control: bool = False
    drawn_from: float = DRAWN_FROM


def run_figure(job: FigureJob, report: Report = silent, should_stop: ShouldStop = never) -> WrittenFile:
    """Draw and write the figure; see :class:`FigureJob`.

    Raises
    ------
    LexiconError
        If well, field, feature or channel does not exist, or the file cannot be written.
    """
    report(Progress(0, 1, "drawing"))
    sheet = overlay_figure(job, report)
    sheet.save(job.out)
    return WrittenFile(job.out, f"Written to {job.out}")


def overlay_figure(job: FigureJob, report: Report = silent) -> Sheet:
    """The figure of :class:`FigureJob`, not yet written."""
    lexicon = Lexicon.open(job.lexicon)
    plate = lexicon.only_plate(job.plate)
    number = plate.field_number(_known_well(plate, job.well), index=job.field)
    header = plate.fields[number]
    ground = _ground(plate, number, job.ranges)
    patch = lexicon.backbone.patch // job.finer
    maps = [
        replace(each, values=_drawn(each, patch, header.shape, job))
        for each in _maps(lexicon, plate, number, job, report)
    ]
    pixel = header.pixel_size_um[1] if header.pixel_size_um else None
    title = f"{plate.header.name} · {header.well} · field {header.name}"
    return overlay_sheet(ground, maps, title, caption_of(job), pixel_size_um=pixel, opacity=job.opacity)


def caption_of(job: FigureJob) -> str:
    """What is drawn, so that the figure says what was chosen in the window."""
    kinds = dict.fromkeys(job.readings or (job.reading,))
    drawn = _READINGS | {"direction": f"{_READINGS['direction']}, over {job.drawn_from:g}"}
    words = [" and ".join(drawn[kind] for kind in kinds), job.channel or "strongest of all channels"]
    if job.picks is not None:
        words.append(f"first {job.picks} picks of a patch")
    if job.above_control and "code" in kinds and job.finer == 1:
        words.append("above the mean of control wells where it fires")
    said = f"{100 * job.threshold:.0f} % of full colour" if job.threshold else "0"
    return "; ".join([*words, f"{'outlines of what is' if job.outline else 'drawn'} from {said} upwards"])


def _ground(plate: LexiconPlate, number: int, ranges: dict[str, tuple[float, float]] | None) -> np.ndarray:
    """The field in its colours; only the channels that ``ranges`` names, where it is given."""
    image = np.asarray(_field(plate, number).image())
    channels = [plate.header.channels[c] for c in plate.fields[number].channels]
    if plate.header.rgb:
        return composite(image, [(c.low, c.high) for c in channels], ["#FF0000", "#00FF00", "#0000FF"])
    limits = {c.name: (c.low, c.high) for c in channels} if ranges is None else ranges
    rows = [row for row, channel in enumerate(channels) if channel.name in limits]
    colors = [channels[row].color or "#FFFFFF" for row in rows]
    return composite(image[rows], [limits[channels[row].name] for row in rows], colors)


def _drawn(shown: FeatureMap, patch: int, shape: tuple[int, int], job: FigureJob) -> np.ndarray:
    """A map on pixels as areas, blended areas or outlines."""
    if job.outline:
        lines, stride = outline_map(shown.values, patch, shape, shown.bottom + LINE * (shown.top - shown.bottom))
        return on_pixels(lines, stride, shape)
    if job.smooth:
        size = (shown.values.shape[1] * patch, shown.values.shape[0] * patch)
        blended = Image.fromarray(shown.values.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
        return np.asarray(blended)[: shape[0], : shape[1]]
    return on_pixels(shown.values, patch, shape)


def run_labels(job: LabelsJob, report: Report = silent, should_stop: ShouldStop = never) -> WrittenFile:
    """Write the labels; see :class:`LabelsJob`.

    Raises
    ------
    LexiconError
        If well, field, feature or channel does not exist, or nothing can be written there.
    """
    lexicon = Lexicon.open(job.lexicon)
    plate = lexicon.only_plate(job.plate)
    numbers = list(_numbers(plate, job))
    fields = {(field.well, field.name): field for field in opened(plate.header.origin).fields()}
    first: Path | None = None
    for done, number in enumerate(numbers):
        if should_stop():
            return WrittenFile(str(first or ""), f"{done} of {len(numbers)} fields written", stopped=True)
        header = plate.fields[number]
        report(Progress(done, len(numbers), f"{header.well}, field {header.name}"))
        field = fields.get((header.well, header.name))
        if field is None:
            raise LexiconFolderError(f"{plate.header.origin.path} no longer has field {header.name} of {header.well}.")
        group = None if job.out is not None else labels_place(field)
        if job.out is None and group is None:
            raise LexiconFolderError(
                f"Labels cannot be written beside {plate.header.origin.path}: it is no local OME-Zarr plate that may "
                "be written. Choose a folder for them (--out)."
            )
        for feature, shown in zip(job.features, _maps(lexicon, plate, number, job, report), strict=True):
            image = _label_image(lexicon, feature, shown, header.shape, job)
            if group is not None:
                written = write_beside(group, field, image)
            else:
                written = write_alone(Path(str(job.out)), field, image)
            first = first or written
    where = str(first) if len(numbers) == 1 else f"{plate.header.origin.path if job.out is None else job.out}"
    return WrittenFile(where, f"{len(numbers) * len(job.features)} label images written to {where}")


def _label_image(
    lexicon: Lexicon, feature: int, shown: FeatureMap, shape: tuple[int, int], job: LabelsJob
) -> LabelImage:
    named = lexicon.names.get(feature)
    name = f"feature-{feature}" + (f"-{named.name}" if named is not None and named.name else "")
    said = {
        "feature": feature,
        "name": "" if named is None else named.name,
        "threshold": job.threshold * shown.top,
        "reading": _reading_of(job, job.features.index(feature)),
        "channel": job.channel or "all",
        "picks": "all" if job.picks is None else job.picks,
        "above_control": job.above_control,
        **({"drawn_from": job.drawn_from} if _reading_of(job, job.features.index(feature)) == "direction" else {}),
    }
    fires = on_pixels(shown.values > 0, lexicon.backbone.patch // job.finer, shape)
    return LabelImage(name, fires.astype(np.uint8), shown.color, said)


def _reading_of(job: FigureJob | LabelsJob, place: int) -> Reading:
    return job.readings[place] if job.readings else job.reading


def _maps(
    lexicon: Lexicon, plate: LexiconPlate, number: int, job: FigureJob | LabelsJob, report: Report
) -> list[FeatureMap]:
    """Maps of whole patches, 0 below the threshold."""
    found = []
    channel = _channel_number(plate, number, job.channel)
    colors = _colors(lexicon, job.features, job.colors)
    for place, (feature, color) in enumerate(zip(job.features, colors, strict=True)):
        if not 0 <= feature < plate.n_features:
            raise LexiconFolderError(
                f"There is no feature {feature}: the dictionary has features 0 to {plate.n_features - 1}."
            )
        reading = _reading_of(job, place)
        asked = (feature, channel, job.finer, reading, None, report, job.picks, job.drawn_from)
        values = map_values(lexicon, plate, number, *asked)
        top, bottom = full_color(plate, feature, values, reading, job.drawn_from), 0.0
        if reading == "direction":
            bottom = job.drawn_from
        if job.above_control and reading == "code" and job.finer == 1:
            statistics = plate.statistics()
            usual = statistics.mean_where_active(feature, channel, control_wells(plate.map, statistics.wells))
            values, top = (values - usual).clip(min=0), max(top - usual, 1e-6)
        drawn = np.where(values >= job.threshold * top, values, 0)
        label = lexicon.names.label(feature)
        found.append(FeatureMap(label if label.startswith("#") else f"{label} (#{feature})", color, drawn, top, bottom))
    return found


def _colors(lexicon: Lexicon, features: Sequence[int], given: Sequence[str]) -> list[str]:
    if len(given) == len(features):
        return list(given)
    chosen = [named.color if (named := lexicon.names.get(feature)) else None for feature in features]
    return [color or COLORS[n % len(COLORS)] for n, color in enumerate(chosen)]


def _numbers(plate: LexiconPlate, job: LabelsJob) -> Iterator[int]:
    if job.well is None:
        yield from (n for n in range(len(plate.fields)) if plate.mark("codes", n) is not None)
        return
    well = _known_well(plate, job.well)
    if job.field is not None:
        number = plate.field_number(well, index=job.field)
        if plate.mark("codes", number) is None:
            raise LexiconFolderError(f"Field {job.field} of well {well} is not finished: run apply again.")
        yield number
        return
    plate.field_number(well, index=plate.fields[0].index)  # its sentence where there is no such well
    for number, header in enumerate(plate.fields):
        if header.well == well and plate.mark("codes", number) is not None:
            yield number


def _known_well(plate: LexiconPlate, well: str) -> str:
    return well if well in plate.wells else canonical_well(well) or well


def _field(plate: LexiconPlate, number: int) -> Field:
    from napari_lexicon.jobs.plates import plate_field

    if plate.mark("codes", number) is None:
        header = plate.fields[number]
        raise LexiconFolderError(f"Field {header.index} of well {header.well} is not finished: run apply again.")
    return plate_field(plate, number)


def _channel_number(plate: LexiconPlate, number: int, asked: str | None) -> int | None:
    if asked is None or plate.joint:
        return None
    names = [channel.name for channel in plate.header.channels]
    present = plate.fields[number].channels
    if asked not in names or names.index(asked) not in present:
        have = ", ".join(names[c] for c in present)
        raise LexiconFolderError(f"This field has no channel {asked}: it has {have}.")
    return names.index(asked)
