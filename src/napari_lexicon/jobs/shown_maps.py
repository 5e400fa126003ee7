"""The maps of several features of a field as they are shown: as a figure, and as OME-Zarr labels beside the plate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_lexicon.analysis.overlay_figure import FeatureMap, Sheet, overlay_sheet
from napari_lexicon.analysis.pictures import composite, on_pixels
from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.jobs.contract import Progress, Report, ShouldStop, never, silent
from napari_lexicon.jobs.overlays import Reading, map_values, shared_top
from napari_lexicon.jobs.plates import opened
from napari_lexicon.jobs.reporting import WrittenFile
from napari_lexicon.lexicons import Lexicon, LexiconPlate
from napari_lexicon.plates.label_images import LabelImage, labels_place, write_alone, write_beside
from napari_lexicon.plates.model import Field
from napari_lexicon.plates.well_names import canonical_well

# Okabe and Ito's colours, told apart by colour-blind readers
COLORS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#D55E00", "#CC79A7", "#0072B2")


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
    channel, plate, threshold, colors, finer, reading
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
    image = np.asarray(_field(plate, number).image())
    channels = [plate.header.channels[c] for c in header.channels]
    colors = ["#FF0000", "#00FF00", "#0000FF"] if plate.header.rgb else [c.color or "#FFFFFF" for c in channels]
    ground = composite(image, [(c.low, c.high) for c in channels], colors)
    maps = _maps(lexicon, plate, number, job, report)
    said = f"{100 * job.threshold:.0f} % of a feature's strongest value" if job.threshold else "0"
    caption = f"{job.channel or 'strongest of all channels'}; drawn from {said} upwards"
    pixel = header.pixel_size_um[1] if header.pixel_size_um else None
    title = f"{plate.header.name} · {header.well} · field {header.name}"
    return overlay_sheet(ground, maps, title, caption, pixel_size_um=pixel)


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
            image = _label_image(lexicon, feature, shown, job)
            if group is not None:
                written = write_beside(group, field, image)
            else:
                written = write_alone(Path(str(job.out)), field, image)
            first = first or written
    where = str(first) if len(numbers) == 1 else f"{plate.header.origin.path if job.out is None else job.out}"
    return WrittenFile(where, f"{len(numbers) * len(job.features)} label images written to {where}")


def _label_image(lexicon: Lexicon, feature: int, shown: FeatureMap, job: LabelsJob) -> LabelImage:
    named = lexicon.names.get(feature)
    name = f"feature-{feature}" + (f"-{named.name}" if named is not None and named.name else "")
    said = {
        "feature": feature,
        "name": "" if named is None else named.name,
        "threshold": job.threshold * shown.top,
        "reading": job.reading,
        "channel": job.channel or "all",
    }
    return LabelImage(name, (shown.values > 0).astype(np.uint8), shown.color, said)


def _maps(
    lexicon: Lexicon, plate: LexiconPlate, number: int, job: FigureJob | LabelsJob, report: Report
) -> list[FeatureMap]:
    header, found = plate.fields[number], []
    channel = _channel_number(plate, number, job.channel)
    colors = _colors(lexicon, job.features, job.colors)
    for feature, color in zip(job.features, colors, strict=True):
        if not 0 <= feature < plate.n_features:
            raise LexiconFolderError(
                f"There is no feature {feature}: the dictionary has features 0 to {plate.n_features - 1}."
            )
        values = map_values(lexicon, plate, number, feature, channel, job.finer, job.reading, None, report)
        top = shared_top(plate, feature, values) if job.reading == "code" else max(float(values.max()), 1e-6)
        drawn = np.where(values >= job.threshold * top, values, 0)
        pixels = on_pixels(drawn, lexicon.backbone.patch // job.finer, header.shape)
        label = lexicon.names.label(feature)
        found.append(FeatureMap(label if label.startswith("#") else f"{label} (#{feature})", color, pixels, top))
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
