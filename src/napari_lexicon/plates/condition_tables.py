"""Plate maps that ngio and Fractal keep inside an OME-Zarr plate, as condition tables."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

_log = logging.getLogger(__name__)


def condition_table(path: Path) -> pd.DataFrame | None:
    """The first condition table of a plate, None where it has none that can be read.

    Parameters
    ----------
    path : pathlib.Path
        OME-Zarr plate.
    """
    if not (path / "tables").is_dir():  # ngio takes a second to import
        return None
    from ngio import open_ome_zarr_plate
    from ngio.utils import NgioError

    try:
        plate = open_ome_zarr_plate(path, mode="r")
        names = plate.list_tables(filter_types="condition_table")
        frame: pd.DataFrame | None = plate.get_table(names[0]).dataframe.reset_index() if names else None
    except (NgioError, OSError, ValueError, KeyError) as error:
        _log.warning("The tables of %s cannot be read: %s", path, error)
        return None
    return None if frame is None else frame.drop(columns="index", errors="ignore").astype(object)
