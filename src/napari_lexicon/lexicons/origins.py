"""How a plate is opened, written down so that it opens again. Loads no torch: the window asks for it as well."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_lexicon.lexicons.headers import PlateOrigin
from napari_lexicon.plates.locations import absolute_location, remote_address

if TYPE_CHECKING:
    from napari_lexicon.plates.model import Plate


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


def of_the_plate(origin: PlateOrigin, plate: Plate) -> PlateOrigin:
    """The origin with the path of the plate itself, where the folder above an OME-Zarr plate was given."""
    inner = str(plate.path)
    if remote_address(origin.path) or inner == origin.path or Path(inner).suffix != ".zarr":
        return origin
    return origin.model_copy(update={"path": inner})
