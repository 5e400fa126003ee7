"""How a plate is opened, written down so that it opens again. Loads no torch: the window asks for it as well."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from napari_lexicon.lexicons.headers import PlateOrigin
from napari_lexicon.plates.locations import absolute_location


def plate_origin(
    path: str | Path,
    *,
    pattern: str | None = None,
    plate_map: str | Path | None = None,
    name: str | None = None,
    z: int | Literal["max", "all"] = "max",
    t: int | Literal["all"] = 0,
    acquisition: str | None = None,
    tile: int = 2048,
    pages: Literal["z", "t", "c"] | None = None,
    um_per_pixel: float | None = None,
    enlarge: float | None = None,
) -> PlateOrigin:
    """How to open a plate, with absolute paths so that the lexicon finds it again from anywhere.

    Parameters
    ----------
    path : str or Path
        A plate, a folder of images, or an address.
    pattern, plate_map, name, z, t, acquisition, tile, pages, um_per_pixel, enlarge
        As in :func:`napari_lexicon.plates.open_plate`.
    """
    return PlateOrigin(
        path=absolute_location(path),
        pattern=pattern,
        plate_map=None if plate_map is None else absolute_location(plate_map),
        name=name,
        z=z,
        t=t,
        acquisition=acquisition,
        tile=tile,
        pages=pages,
        um_per_pixel=um_per_pixel,
        enlarge=enlarge,
    )
