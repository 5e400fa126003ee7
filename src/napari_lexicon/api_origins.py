"""Plates as the Python API is given them: as a lexicon notes them, and open."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from napari_lexicon.api_plates import Pages, PathLike, TChoice, ZChoice
from napari_lexicon.errors import JobError
from napari_lexicon.jobs.contract import Progress, Report

if TYPE_CHECKING:
    from napari_lexicon.lexicons.headers import PlateOrigin
    from napari_lexicon.plates.model import Plate

UmPerPixel = float | Literal["model"] | None


def opened_plates(origins: Sequence[PlateOrigin], report: Report) -> dict[PlateOrigin, Plate]:
    """Plates, opened before torch is loaded: a path where no plate is gets its sentence at once."""
    from napari_lexicon.plates import open_plate

    plates = {}
    for origin in origins:
        report(Progress(0, 0, f"opening {Path(origin.path).name}"))
        plates[origin] = open_plate(origin.path, **origin.choices())
    return plates


def sized(
    origins: tuple[PlateOrigin, ...], um_per_pixel: UmPerPixel, backbone: Callable[[], str]
) -> tuple[PlateOrigin, ...]:
    """The origins with the micrometres per pixel that the model states, where they are asked for."""
    if um_per_pixel != "model":
        return origins
    from napari_lexicon.backbones.pixel_sizes import model_um_per_pixel

    size = model_um_per_pixel(backbone())
    return tuple(origin.model_copy(update={"um_per_pixel": size}) for origin in origins)


def plate_origins(
    plates: PathLike | Sequence[PathLike],
    pattern: str | None,
    plate_map: PathLike | None,
    name: str | None,
    z: ZChoice,
    t: TChoice,
    acquisition: str | int | None,
    tile: int,
    pages: Pages | None,
    um_per_pixel: UmPerPixel,
    enlarge: float | None,
) -> tuple[PlateOrigin, ...]:
    """What a lexicon notes of the plates given to :func:`napari_lexicon.api.apply`, which says what the others are.

    Raises
    ------
    LexiconError
        If what is given names no plates.
    """
    from napari_lexicon.lexicons.origins import plate_origin
    from napari_lexicon.plates.plane_choices import check_wanted

    check_wanted(z, t, pages)
    paths = _paths(plates)
    if plate_map is not None and not isinstance(plate_map, (str, os.PathLike)):
        raise JobError(
            "A lexicon notes where its plate map lies, so that it opens again: write the table to a CSV file, and give "
            "the path of the file as plate_map."
        )
    wanted = None if acquisition is None else str(acquisition)
    if name is not None and len(paths) > 1:
        raise JobError(f"The name {name} is that of one plate, and {len(paths)} are given: give them one at a time.")
    return tuple(
        plate_origin(
            path,
            pattern=pattern,
            plate_map=plate_map,
            name=name,
            z=z,
            t=t,
            acquisition=wanted,
            tile=tile,
            pages=pages,
            um_per_pixel=None if um_per_pixel == "model" else um_per_pixel,
            enlarge=enlarge,
        )
        for path in paths
    )


def _paths(plates: Any) -> list[str]:
    """One path, or several, as a list of texts.

    Raises
    ------
    JobError
        If there is none, or something else stands among them.
    """
    paths = list(plates) if isinstance(plates, Iterable) and not isinstance(plates, (str, bytes)) else [plates]
    if not paths:
        raise JobError("No plate is given: the list of paths is empty, so look where they were to come from.")
    for path in paths:
        if not isinstance(path, (str, os.PathLike)):
            raise JobError(
                f"Plates are given by their paths, not as {type(path).__name__}: give the path, such as plate.path "
                "of a plate that is open."
            )
    return [str(os.fspath(path)) for path in paths]
