"""Where plates meet the lexicon: opening a job's plates and writing down how they were when the job began."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from napari_lexicon.backbones.illumination import Illumination
from napari_lexicon.backbones.preprocessing import IntensityWindow, estimate_windows
from napari_lexicon.backbones.spec import BackboneSpec
from napari_lexicon.backbones.tiling import field_grid
from napari_lexicon.errors import JobError, LexiconError, PlateError
from napari_lexicon.jobs.lights import Light, plate_lights
from napari_lexicon.lexicons import Lexicon, LexiconPlate
from napari_lexicon.lexicons.headers import (
    ChannelHeader,
    FieldHeader,
    IlluminationHeader,
    PlateHeader,
    PlateOrigin,
    ProblemHeader,
)
from napari_lexicon.lexicons.lock import locked
from napari_lexicon.lexicons.relinking import as_written
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.files_field import fetch_headers
from napari_lexicon.plates.model import Field, Plate

_WINDOW_FIELDS = 32  # fields that the intensity windows are estimated on
LIGHT_FIELDS = 128  # and the flat fields
_DEFAULT_COLORS = ("#00A0FF", "#39D353", "#FFB000", "#FF4B4B", "#C77DFF", "#00E5D0", "#F0F0F0", "#FF7AC6")


@contextmanager
def held_lexicon(path: str, backbone: BackboneSpec) -> Iterator[Lexicon]:
    """The lexicon folder of a job, opened or made, with its lock held.

    A folder that was made here and is left before a plate is in it goes again: a mistyped path leaves nothing behind.

    Raises
    ------
    LexiconFolderError
        If the folder belongs to another backbone, holds something else, or another job works in it.
    """
    folder = Path(path)
    new = not (folder / "lexicon.json").exists()
    lexicon = Lexicon.create(folder, backbone)
    with locked(lexicon.path):
        try:
            yield lexicon
        except BaseException:
            if new and not any(folder.glob("plates/*/plate.json")):
                shutil.rmtree(folder, ignore_errors=True)
            raise


def opened(origin: PlateOrigin) -> Plate:
    """Open the plate that a job names."""
    return open_plate(origin.path, **origin.choices())


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


def prepared_plate(
    lexicon: Lexicon,
    plate: Plate,
    origin: PlateOrigin,
    spec: BackboneSpec,
    *,
    anew: bool,
    light: Light | None = None,
) -> LexiconPlate:
    """Write the plate's description into the lexicon, keeping the intensity windows of an earlier job.

    Parameters
    ----------
    lexicon : Lexicon
        Folder to write into.
    plate : Plate
        The plate, opened.
    origin : PlateOrigin
        How to open it again.
    spec : BackboneSpec
        Decides the grid of tokens.
    anew : bool
        Estimate the windows again even if the lexicon has some.
    light : str, optional
        Whether the fall-off of the light is taken out; as an earlier job did where None.

    Raises
    ------
    PlateError
        If no field of the plate can be read.
    LexiconFolderError
        If another plate of the same name is in the lexicon already.
    """
    fields, problems = _readable_fields(plate, spec)
    if not fields:
        reasons = "; ".join(problem.sentence for problem in problems[:3])
        raise PlateError(f"No field of {plate.path} can be read: {reasons or 'it has no fields'}.")
    identifier = _free_id(lexicon, plate, origin)
    old = lexicon.plates.get(identifier)
    if not anew:
        _check_size(plate, old, origin)
    readable = [field for field, _ in fields]
    lights = plate_lights(plate, None if anew and light else old, light, lambda c: _planes(readable, c, LIGHT_FIELDS))
    windows = None if old is None or anew else _kept_windows(old, plate)
    if windows is None:
        windows = _estimated_windows(plate, readable, lights)
    channels = tuple(
        ChannelHeader(
            name=channel.name,
            color=channel.color or _DEFAULT_COLORS[c % len(_DEFAULT_COLORS)],
            low=windows[c].low,
            high=windows[c].high,
            illumination=lights[c],
        )
        for c, channel in enumerate(plate.channels)
    )
    header = PlateHeader(
        id=identifier,
        name=plate.name,
        origin=origin,
        note=plate.note,
        rgb=plate.rgb,
        rows=plate.rows,
        columns=plate.columns,
        channels=channels,
        fields=tuple(header for _, header in fields),
        problems=tuple(problems),
    )
    return lexicon.write_plate(header, plate.map)


def origin_as_before(lexicon: Lexicon, origin: PlateOrigin) -> PlateOrigin:
    """The origin with the path of an earlier job on the plate, and its size of fields where this one leaves it open."""
    origin = as_written(lexicon, origin)
    if origin.um_per_pixel is not None or origin.enlarge is not None:
        return origin
    for plate in lexicon.plates.values():
        if plate.header.origin.path == origin.path:
            return origin.sized_as(plate.header.origin)
    return origin


def _check_size(plate: Plate, old: LexiconPlate | None, origin: PlateOrigin) -> None:
    """Raise :class:`JobError` where finished fields were read at another pixel size than is asked for now."""
    if old is None or not (old.n_done("tokens") or old.n_done("codes")):
        return
    if old.header.origin.size != origin.size:
        um, times = old.header.origin.size
        was = f"resampled to {um:g} µm per pixel" if um else f"enlarged {times:g} times"
        was = was if um or times != 1 else "as it is on disk"
        raise JobError(f"{plate.name} was read {was} here: give --recompute to do its fields again, or another --out.")


def _free_id(lexicon: Lexicon, plate: Plate, origin: PlateOrigin) -> str:
    """Id of the plate; plates of one name from two places get ids of their own."""
    identifier = lexicon.plate_id(plate.name)
    old = lexicon.plates.get(identifier)
    if old is None or old.header.origin.path == origin.path:
        return identifier
    return f"{identifier}-{hashlib.sha256(origin.path.encode()).hexdigest()[:8]}"


def _readable_fields(plate: Plate, spec: BackboneSpec) -> tuple[list[tuple[Field, FieldHeader]], list[ProblemHeader]]:
    problems = [ProblemHeader(sentence=p.sentence, well=p.well, field=p.field) for p in plate.problems]
    readable = []
    fetch_headers(field.source for field in plate.fields())
    for field in plate.fields():
        try:
            field.source.dtype()  # reads the headers of all channels, of which what the identity needs is known then
            header = FieldHeader(
                well=field.well,
                name=field.name,
                index=field.index,
                shape=field.shape,
                grid=field_grid(field.shape, spec),
                channels=field.channels,
                pixel_size_um=field.pixel_size_um,
                identity=field.identity(),
            )
        except (LexiconError, OSError) as error:
            said = ProblemHeader(sentence=str(error), well=field.well, field=field.name)
            problems += [] if said in problems else [said]
            continue
        readable.append((field, header))
    return _of_one_pixel_type(plate, readable, problems)


def _of_one_pixel_type(
    plate: Plate, fields: list[tuple[Field, FieldHeader]], problems: list[ProblemHeader]
) -> tuple[list[tuple[Field, FieldHeader]], list[ProblemHeader]]:
    """The fields of the commonest pixel type, and the problems with the others: grey values of two cannot be compared.

    Colour images have fixed windows, and stay together.
    """
    types = [field.source.dtype() for field, _ in fields]
    counts = Counter(types)
    if plate.rgb or len(counts) < 2:
        return fields, problems
    usual, _ = counts.most_common(1)[0]
    kept = [one for one, own in zip(fields, types, strict=True) if own == usual]
    left_out = [
        ProblemHeader(
            sentence=f"Field {header.name} of {header.well} has pixels of {own}, most of {plate.name} have {usual}: "
            "they cannot share one window of brightness. Open the images of each kind in a folder of their own.",
            well=header.well,
            field=header.name,
        )
        for (_, header), own in zip(fields, types, strict=True)
        if own != usual
    ]
    return kept, [*problems, *left_out]


def _kept_windows(old: LexiconPlate, plate: Plate) -> list[IntensityWindow] | None:
    channels = old.header.channels
    if [channel.name for channel in channels] != [channel.name for channel in plate.channels]:
        return None
    return [IntensityWindow(channel.low, channel.high) for channel in channels]


def _estimated_windows(
    plate: Plate, fields: list[Field], lights: Sequence[IlluminationHeader | None]
) -> list[IntensityWindow]:
    """Windows of every channel, from fields spread over the plate; a channel's window uses the fields that have it."""
    windows = []
    for c in range(len(plate.channels)):
        light = lights[c]
        even = None if light is None else Illumination(light.dark, light.flat)
        planes = _planes(fields, c, _WINDOW_FIELDS)
        try:
            images = ((plane if even is None else even.apply(plane))[None] for plane in planes)
            windows.extend(estimate_windows(images, rgb=plate.rgb))
        except ValueError as error:
            raise JobError(
                f"The brightness of {plate.channels[c].name} in {plate.name} cannot be measured. {error} "
                "Open images of one kind at a time, in a folder of their own."
            ) from error
    return windows


def _planes(fields: Sequence[Field], channel: int, most: int) -> Iterator[np.ndarray]:
    """``(Y, X)`` pixels of one channel, from fields spread over the plate; the job names those that cannot be read."""
    having = [field for field in fields if channel in field.channels]
    if not having:
        return
    for n in np.unique(np.linspace(0, len(having) - 1, most).round().astype(int)):
        field = having[n]
        try:
            yield np.asarray(field.image()[field.channels.index(channel)])
        except (LexiconError, OSError):
            continue
