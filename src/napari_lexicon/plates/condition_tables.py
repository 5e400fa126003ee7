"""Plate maps that ngio and Fractal keep inside an OME-Zarr plate, as condition tables."""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from napari_lexicon.plates.well_names import row_letters, well_position

_log = logging.getLogger(__name__)

_NAME = "condition"


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


def write_condition_table(path: Path, frame: pd.DataFrame) -> None:
    """Keep a plate map with an OME-Zarr plate as ngio does, so that ngio, Fractal and what reads their tables find it.

    Parameters
    ----------
    path : pathlib.Path
        OME-Zarr plate.
    frame : pandas.DataFrame
        One row per well, wells in the index. Without a column nothing is written.
    """
    if not len(frame.columns):
        return
    from ngio import open_ome_zarr_plate
    from ngio.tables import ConditionTable
    from ngio.utils import NgioError

    places = [well_position(str(well)) for well in frame.index]
    table = frame.reset_index(drop=True)
    table.insert(0, "row", [row_letters(row) for row, _ in places])
    table.insert(1, "column", [column + 1 for _, column in places])
    try:
        plate = open_ome_zarr_plate(path, mode="r+")
        plate.add_table(_NAME, ConditionTable(table), backend="csv", overwrite=True)
    except (NgioError, OSError, ValueError, TypeError) as error:  # plate_map.csv has all of it
        _log.warning("The plate map of %s could not be kept as a condition table: %s", path, error)
