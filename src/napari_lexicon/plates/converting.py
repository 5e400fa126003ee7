"""Writes any plate that opens as OME-Zarr, with pyramids, metadata and the plate map; resumes where it was stopped."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.condition_tables import write_condition_table
from napari_lexicon.plates.model import Field, Plate, Problem
from napari_lexicon.plates.pattern import listed
from napari_lexicon.plates.well_names import PLATE_FORMATS, well_name
from napari_lexicon.plates.writing import PlateWriter

Step = Callable[[int, int, str], None]
"""``step(done, total, message)``."""


@dataclass(frozen=True)
class Conversion:
    """What came of a conversion.

    Parameters
    ----------
    path : pathlib.Path
        The OME-Zarr plate.
    written, kept : int
        Fields written now, and those that were there already.
    problems : tuple of Problem
        Fields that could not be read. They are missing in the new plate; the others are whole.
    complete : bool
        False where it was stopped.
    """

    path: Path
    written: int
    kept: int
    problems: tuple[Problem, ...]
    complete: bool


def convert_plate(
    plate: Plate,
    out: str | os.PathLike[str],
    *,
    version: Literal["0.5", "0.4"] = "0.5",
    step: Step | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Conversion:
    """Write a plate as OME-Zarr.

    Free wells (slides, loose images) are given the wells of a plate in their order, and the plate map keeps their
    names as ``Metadata_sample``. Field names that OME-Zarr does not allow become numbers.

    Parameters
    ----------
    plate : Plate
        Of any layout. What was chosen along z and t when it was opened is what is written.
    out : path-like
        Folder of the new plate; one that an earlier conversion of the same plate has begun is continued, and fields
        whose images have changed since, or of which other planes are wanted now, are written anew.
    version : {"0.5", "0.4"}
        NGFF version.
    step : callable, optional
        Told after every field.
    should_stop : callable, optional
        Asked before every field.

    Raises
    ------
    PlateError
        If the folder holds something else, the disk is full, or no field could be read.
    """
    places = _places(plate)
    rows, columns = _size(plate)
    fields = list(plate.fields())
    names = {well.name: _field_names(well.fields) for well in plate.wells.values()}
    acquisitions = list(dict.fromkeys(field.acquisition for field in fields if field.acquisition is not None))
    size = next((field.pixel_size_um for field in fields if field.pixel_size_um is not None), None)
    problems: list[Problem] = []
    written = kept = 0
    _check_apart(plate, Path(out))
    with PlateWriter(out, plate.name, rows, columns, plate.channels, size, version, acquisitions) as writer:
        _check_same(writer, {(places[field.well], names[field.well][field.name]) for field in fields})
        for done, field in enumerate(fields):
            if should_stop is not None and should_stop():
                return Conversion(writer.path, written, kept, tuple(problems), complete=False)
            well, name = places[field.well], names[field.well][field.name]
            source = _source(field)
            if writer.has_field(well, name) and writer.source_of(well, name) in (None, source):
                kept += 1
            elif _write(writer, well, name, field, source, problems):
                written += 1
            if step is not None:
                step(done + 1, len(fields), f"{field.key}")
        if not written + kept:
            raise PlateError(f"No field of {plate.path} could be read: {problems[0].sentence if problems else ''}")
        table = _map(plate, places)
        writer.write_plate_map(table)
    write_condition_table(writer.path, table)
    return Conversion(writer.path, written, kept, tuple(problems), complete=True)


def _check_apart(plate: Plate, out: Path) -> None:
    if not isinstance(plate.path, str) and out.exists() and out.resolve() == plate.path.resolve():
        raise PlateError(f"{out} is the plate itself: choose another folder for what is written.")


def _check_same(writer: PlateWriter, expected: set[tuple[str, str]]) -> None:
    """Fields that this plate does not have are of another plate, or of other planes of it."""
    others = [f"{well}/{name}" for well, name in writer.fields() if (well, name) not in expected]
    if others:
        raise PlateError(
            f"{writer.path} holds fields that {writer.name} does not have ({listed(others)}): choose another folder or "
            "remove it."
        )


def _source(field: Field) -> str | None:
    """Digest of where the pixels of a field are from, with the choices along z and t; None where they are not there."""
    try:
        return hashlib.sha256(field.identity().encode()).hexdigest()[:24]
    except PlateError:
        return None


def _write(
    writer: PlateWriter, well: str, name: str, field: Field, source: str | None, problems: list[Problem]
) -> bool:
    """Write one field; one that cannot be read is named and left out, a disk that is full stops everything."""
    try:
        image = np.asarray(field.image())
    except PlateError as error:
        problems.append(Problem(str(error), field.well, field.name))
        return False
    writer.write_field(
        well,
        name,
        image,
        position_um=field.position_um,
        channels=field.channels,
        pixel_size_um=field.pixel_size_um,
        acquisition=field.acquisition,
        source=source,
    )
    return True


def _places(plate: Plate) -> Mapping[str, str]:
    """The well that each well is written to."""
    if not plate.free:
        return {name: name for name in plate.wells}
    _, columns = _size(plate)
    return {name: well_name(number // columns, number % columns) for number, name in enumerate(plate.wells)}


def _size(plate: Plate) -> tuple[int, int]:
    if not plate.free:
        return plate.rows, plate.columns
    for rows, columns in PLATE_FORMATS:
        if rows * columns >= len(plate.wells):
            return rows, columns
    raise PlateError(f"{plate.path} has {len(plate.wells)} images: more than the largest plate has wells.")


def _field_names(fields: tuple[Field, ...]) -> Mapping[str, str]:
    """Names as they are where all are letters and digits, numbers otherwise."""
    allowed = all(re.fullmatch(r"[A-Za-z0-9]+", field.name) for field in fields)
    return {field.name: field.name if allowed else str(field.index) for field in fields}


def _map(plate: Plate, places: Mapping[str, str]) -> pd.DataFrame:
    table = plate.map.reindex(list(plate.wells))
    if plate.free:
        column = "Metadata_sample" if "Metadata_sample" not in table else "Metadata_sample_name"
        table = table.assign(**{column: list(plate.wells)})
    return table.set_axis([places[name] for name in plate.wells], axis=0)
