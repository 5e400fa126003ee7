"""The part of the Python API that is about plates: what one is, and its copy as OME-Zarr; and the card of a model."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from napari_lexicon.errors import BackboneError, JobError, PlateError
from napari_lexicon.jobs.contract import Progress, Report, ShouldStop, never, silent

if TYPE_CHECKING:
    from napari_lexicon.plates.converting import Conversion
    from napari_lexicon.plates.model import Field, Plate

PathLike = str | Path
ZChoice = int | Literal["max", "all"]
TChoice = int | Literal["all"]
Pages = Literal["z", "t", "c"]
TILE = 2048
"""Side in pixels of the fields that slides are cut into."""


def info(
    path: PathLike,
    *,
    pattern: str | None = None,
    plate_map: PathLike | None = None,
    name: str | None = None,
    z: ZChoice = "max",
    t: TChoice = 0,
    acquisition: str | int | None = None,
    tile: int = TILE,
    pages: Pages | None = None,
    um_per_pixel: float | None = None,
    enlarge: float | None = None,
) -> dict[str, Any]:
    """What a plate is: wells, fields, channels, pixel size, what is missing, its plate map.

    Parameters
    ----------
    path : path
        OME-Zarr plate, folder of images or slides, image, or address of an OME-Zarr plate.
    pattern : str, optional
        File-name pattern, such as ``"{*}_{well}f{field}d{channel}.TIF"``.
    plate_map : path, optional
        CSV or TSV.
    name : str, optional
        Of the plate, where it does not bear its own: its barcode in a map of several plates.
    z : int, "max" or "all"
        Plane, maximum projection, or every plane as a field.
    t : int or "all"
        Time point, or every one as a field.
    acquisition : str or int, optional
        Name or number of one acquisition of several.
    tile : int
        Side in pixels of the fields that slides are cut into; 0 leaves them whole.
    pages : {"z", "t", "c"}, optional
        What the pages of TIFF files are that do not say it: planes in z, time points or channels.
    um_per_pixel : float, optional
        Resample every field to this size when it is read. None: as it is on disk, or as an earlier job on the plate
        did in the same lexicon; 0: as it is on disk.
    enlarge : float, optional
        Read every field with so many pixels for every one along y and x, 0.1 to 8; in place of ``um_per_pixel``.

    Returns
    -------
    dict
        JSON-able.

    Raises
    ------
    LexiconError
        If the plate or its map cannot be opened.
    """
    from napari_lexicon.plates import open_plate

    return plate_summary(
        open_plate(
            path,
            pattern=pattern,
            plate_map=plate_map,
            name=name,
            z=z,
            t=t,
            acquisition=acquisition,
            tile=tile,
            pages=pages,
            um_per_pixel=um_per_pixel,
            enlarge=enlarge,
        )
    )


def plate_summary(plate: Plate) -> dict[str, Any]:
    """The JSON-able summary of an opened plate; see :func:`info`."""
    from napari_lexicon.plates.plate_map import LikelyMap, likely_plate_map

    fields = list(plate.fields())
    first = fields[0] if fields else None
    looked_at = [_shape_of(field) for field in fields]
    shapes = [shape for shape in looked_at if not isinstance(shape, PlateError)]
    sentences = [problem.sentence for problem in plate.problems]
    sentences += [str(error) for error in looked_at if isinstance(error, PlateError)]
    likely = LikelyMap() if len(plate.map.columns) else likely_plate_map(plate)
    columns = {}
    for name in plate.map.columns:
        counts = plate.map[name].value_counts()
        columns[str(name)] = {str(value): int(n) for value, n in counts.items()} if len(counts) <= 24 else len(counts)
    return {
        "plate": plate.name,
        "path": str(plate.path),
        "read_as": plate.note,
        "rows": plate.rows,
        "columns": plate.columns,
        "wells": len(plate.wells),
        "fields": len(fields),
        "fields_per_well": sorted({len(well.fields) for well in plate.wells.values()}),
        "channels": [channel.name for channel in plate.channels],
        "rgb": plate.rgb,
        "field_shape": list(shapes[0]) if shapes else None,
        "field_shapes": [[*shape, count] for shape, count in Counter(shapes).most_common(24)],
        "pixel_size_um": list(first.pixel_size_um) if first and first.pixel_size_um else None,
        "problems": list(dict.fromkeys(sentences)),
        "plate_map": columns,
        "likely_plate_map": None if likely.table is None else str(likely.table),
        "why_no_plate_map": likely.why_not,
    }


def _shape_of(field: Field) -> tuple[int, int] | PlateError:
    """``(Y, X)`` of a field, or why its header cannot be read."""
    try:
        return field.shape
    except PlateError as error:
        return error


def model_card(name: str = "builtin") -> dict[str, Any]:
    """What a model was made from and with, how well it does, and what it is not for.

    Parameters
    ----------
    name : str
        ``builtin``: other models have their cards where they come from.

    Raises
    ------
    LexiconError
        If it is another model.
    """
    from napari_lexicon.backbones import model_card as card_of_builtin

    if name != "builtin":
        raise BackboneError(f"There is no card of {name} here: only the built-in model brings one (--model builtin).")
    return card_of_builtin()


def convert(
    path: PathLike,
    out: PathLike,
    *,
    plate_map: PathLike | None = None,
    pattern: str | None = None,
    name: str | None = None,
    z: ZChoice = "max",
    t: TChoice = 0,
    acquisition: str | int | None = None,
    tile: int = TILE,
    pages: Pages | None = None,
    um_per_pixel: float | None = None,
    enlarge: float | None = None,
    ngff: Literal["0.4", "0.5"] = "0.5",
    report: Report = silent,
    should_stop: ShouldStop = never,
) -> Conversion:
    """Write any plate that opens as an OME-Zarr HCS plate with pyramids, metadata and the plate map.

    Parameters
    ----------
    path, plate_map, pattern, name, z, t, acquisition, tile, pages, um_per_pixel, enlarge
        As in :func:`info`; what is chosen along z and t is what is written.
    out : path
        Folder of the new plate; one that an earlier conversion has begun is continued.
    ngff : {"0.4", "0.5"}
        Version of OME-Zarr.
    report, should_stop : callable
        Told after every field; asked before every field.

    Raises
    ------
    LexiconError
        If the plate cannot be opened, ``out`` holds something else, or no field could be read.
    """
    from napari_lexicon.plates import open_plate
    from napari_lexicon.plates.converting import convert_plate

    if ngff not in ("0.4", "0.5"):
        raise JobError(f"OME-Zarr is written in version 0.4 or 0.5, not {ngff!r}: correct the option.")

    def step(done: int, total: int, message: str) -> None:
        report(Progress(done, total, f"{message} written"))

    plate = open_plate(
        path,
        pattern=pattern,
        plate_map=plate_map,
        name=name,
        z=z,
        t=t,
        acquisition=acquisition,
        tile=tile,
        pages=pages,
        um_per_pixel=um_per_pixel,
        enlarge=enlarge,
    )
    return convert_plate(plate, out, version=ngff, step=step, should_stop=should_stop)
