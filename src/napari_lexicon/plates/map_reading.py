"""How the columns of a plate map are read, for a person to look at and to correct before it is used."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from napari_lexicon.errors import PlateMapError
from napari_lexicon.plates.model import Plate
from napari_lexicon.plates.plate_map import best_match, rows_of_plate, with_plate_map
from napari_lexicon.plates.plate_map_columns import (
    CONCENTRATION,
    CONCENTRATION_UNIT,
    PERT_TYPE,
    PERTURBATION,
    normalised_columns,
    renamings,
    stated_unit,
)
from napari_lexicon.plates.table_files import text_table

WELL, OWN, OUT = "well", "own", "out"
MEANINGS: Mapping[str, str] = {
    WELL: "well",
    PERTURBATION: "treatment",
    CONCENTRATION: "concentration",
    CONCENTRATION_UNIT: "unit of the concentration",
    PERT_TYPE: "control type",
    "Metadata_cell_line": "cell line",
    "Metadata_moa": "mechanism of action",
    "Metadata_Plate": "plate",
    "Metadata_Batch": "batch",
    "Metadata_replicate": "replicate",
    OWN: "kept as it is called",
    OUT: "left out",
}
"""What a column can be, in the words of a person."""

ENDING = "_as_read.csv"
_EXAMPLES = 3


@dataclass(frozen=True)
class MapColumn:
    """A column of a table, its first values, and what it is taken for: a key of `MEANINGS`."""

    name: str
    examples: str
    meaning: str


@dataclass(frozen=True)
class Controls:
    """Treatments of a table with the number of their rows, and those that are controls."""

    treatments: tuple[tuple[str, int], ...] = ()
    negative: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()


@dataclass(frozen=True)
class MapReading:
    """How a plate map is read: its columns, and its controls."""

    columns: tuple[MapColumn, ...]
    controls: Controls

    @property
    def meanings(self) -> dict[str, str]:
        """Meaning of each column."""
        return {column.name: column.meaning for column in self.columns}


def guessed_reading(path: str | os.PathLike[str], plate: Plate) -> MapReading:
    """How a plate map would be read for a plate without further words.

    Raises
    ------
    PlateMapError
        If it cannot be read.
    """
    table = rows_of_plate(text_table(path), plate.name, Path(path).name)
    matched = best_match(table, plate)
    wells = matched.columns if matched is not None else ()
    others = [str(column) for column in table.columns if column not in wells]
    names = renamings(others)
    columns = tuple(
        MapColumn(
            str(column),
            ", ".join(table[column].dropna().astype(str).unique()[:_EXAMPLES]),
            WELL if column in wells else next((key for key, name in names.items() if name == column), OWN),
        )
        for column in table.columns
    )
    return MapReading(columns, controls_of(table, {column.name: column.meaning for column in columns}))


def controls_of(table: pd.DataFrame, meanings: Mapping[str, str]) -> Controls:
    """Treatments and controls of a table whose columns are read in a certain way."""
    column = next((name for name, meaning in meanings.items() if meaning == PERTURBATION and name in table), None)
    if column is None:
        return Controls()
    frame, _ = normalised_columns(_renamed(table, meanings).drop(columns=WELL, errors="ignore"))
    treatments = table[column].astype(object)
    kinds = frame[PERT_TYPE] if PERT_TYPE in frame else pd.Series(index=table.index, dtype=object)
    counted = tuple((str(name), int(count)) for name, count in treatments.value_counts(sort=False).items())
    found = {
        kind: tuple(dict.fromkeys(treatments[kinds == kind].dropna().astype(str))) for kind in ("negcon", "poscon")
    }
    return Controls(counted, found["negcon"], found["poscon"])


def read_as(
    path: str | os.PathLike[str], plate: Plate, meanings: Mapping[str, str], controls: Controls
) -> pd.DataFrame:
    """The table of a plate map with its columns under the names that they are taken for, and its control types."""
    table = rows_of_plate(text_table(path), plate.name, Path(path).name)
    found = _renamed(table, meanings)
    if PERTURBATION not in found or controls == controls_of(table, meanings):
        return found
    kinds = dict.fromkeys(controls.positive, "poscon") | dict.fromkeys(controls.negative, "negcon")
    known = found[PERTURBATION].notna()
    found[PERT_TYPE] = found[PERTURBATION].map(lambda name: kinds.get(str(name), "trt")).where(known)
    return found


def said_of(plate: Plate, table: pd.DataFrame) -> str:
    """What a table says of a plate, in a line: wells, controls, and what does not fit by row.

    Raises
    ------
    PlateMapError
        If it says nothing of it.
    """
    mapped = with_plate_map(replace(plate, problems=(), map=pd.DataFrame()), table)
    described = int(mapped.map.notna().any(axis=1).sum())
    kinds = mapped.map[PERT_TYPE] if PERT_TYPE in mapped.map else pd.Series(dtype=object)
    negative, positive = int((kinds == "negcon").sum()), int((kinds == "poscon").sum())
    parts = [f"{described} of {len(plate.wells)} wells described, {negative} of them negative controls"]
    parts += [f"{positive} positive"] if positive else []
    return " ".join([", ".join(parts) + ".", *(problem.sentence for problem in mapped.problems)])


def written_map(path: str | os.PathLike[str], table: pd.DataFrame) -> Path:
    """Write a table beside the one that it was made from, as ``NAME_as_read.csv``.

    Raises
    ------
    PlateMapError
        If it cannot be written there.
    """
    source = Path(path)
    place = source.with_name(source.stem.removesuffix(ENDING.removesuffix(".csv")) + ENDING)
    try:
        table.to_csv(place, index=False)
    except OSError as error:
        raise PlateMapError(
            f"{place} cannot be written ({error.strerror or error}): copy the table to a folder where you may write."
        ) from error
    return place


def _renamed(table: pd.DataFrame, meanings: Mapping[str, str]) -> pd.DataFrame:
    """The table with its columns under the names of their meanings; several of wells stay as they are called."""
    wells = [name for name, meaning in meanings.items() if meaning == WELL]
    known = renamings([str(column) for column in table.columns]).values()
    names: dict[str, str] = {}
    for name, meaning in meanings.items():
        if meaning == WELL:
            names[name] = WELL if len(wells) == 1 else name
        elif meaning == OWN:
            names[name] = f"own {name}" if name in known else name
        elif meaning != OUT:
            names[name] = meaning if meaning not in names.values() else name
    found = table[[column for column in table.columns if str(column) in names]].rename(columns=names)
    unit = next((stated_unit(name) for name, said in names.items() if said == CONCENTRATION), None)
    if unit is not None and CONCENTRATION_UNIT not in found:
        found[CONCENTRATION_UNIT] = unit
    return found
