"""Plate maps that lie in a study's folders: platemaps of the Cell Painting Gallery, the metadata of RxRx.

JUMP and the Cell Painting Gallery keep ``barcode_platemap.csv`` (which plate has which map), ``platemap/NAME.txt``
(what is in each well) and ``external_metadata.tsv`` (what is known of each substance); RxRx keeps one ``metadata.csv``
for all experiments.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from napari_lexicon.errors import PlateMapError
from napari_lexicon.plates.natural_order import natural
from napari_lexicon.plates.pattern import listed
from napari_lexicon.plates.plate_map_columns import squeezed

BARCODES = "barcode_platemap.csv"
_BARCODE = ("assayplatebarcode", "platebarcode", "barcode", "plate")
_MAP_NAME = ("platemapname", "platemap")
_EXTERNAL = "external_metadata.tsv"
# What joins a platemap to what is known of the substances, the surest first.
_JOINS = ("broadsample", "jcp2022", "pertid", "compoundid", "sampleid")


def is_study_map(path: Path) -> bool:
    """True for a folder of platemaps with their barcodes, and for the table of barcodes itself."""
    return path.name == BARCODES if path.is_file() else (path / BARCODES).is_file()


def study_map(path: Path, plate: str) -> pd.DataFrame:
    """The map of one plate of a study.

    Parameters
    ----------
    path : pathlib.Path
        Folder with ``barcode_platemap.csv`` and ``platemap``, or that table.
    plate : str
        Barcode.

    Raises
    ------
    PlateMapError
        If a table cannot be read, or the barcode is not among those that are listed.
    """
    from napari_lexicon.plates.table_files import text_table

    folder = path.parent if path.is_file() else path
    barcodes = text_table(folder / BARCODES)
    barcode, name = _column(barcodes, _BARCODE, folder / BARCODES), _column(barcodes, _MAP_NAME, folder / BARCODES)
    mine = barcodes[barcodes[barcode].astype(str).str.strip().str.lower() == plate.strip().lower()]
    if mine.empty:
        there = listed(sorted(barcodes[barcode].dropna().astype(str), key=natural))
        raise PlateMapError(f"{folder / BARCODES} does not list plate {plate}, but {there}: give the plate's name.")
    wanted = str(mine[name].iloc[0]).strip()
    files = [folder / sub / f"{wanted}{ending}" for sub in ("platemap", ".") for ending in (".txt", ".tsv", ".csv")]
    file = next((file for file in files if Path(wanted).name == wanted and file.is_file()), None)
    if file is None:
        said = f"{folder / BARCODES} names the map {wanted} for plate {plate}"
        raise PlateMapError(f"{said}, which is not in the folder 'platemap' beside it.")
    table = text_table(file)
    described = next((text_table(place) for place in _external(folder) if place.is_file()), None)
    return table if described is None else _joined(table, described)


def _external(folder: Path) -> list[Path]:
    """Where the gallery keeps what is known of the substances: beside the platemaps of all batches."""
    above = [folder, *folder.parents[:3]]
    return [place / sub / _EXTERNAL for place in above for sub in (".", "external_metadata")]


def _column(table: pd.DataFrame, names: tuple[str, ...], file: Path) -> str:
    words = {squeezed(str(column)): str(column) for column in table.columns}
    found = next((words[name] for name in names if name in words), None)
    if found is None:
        raise PlateMapError(f"{file} has no column {names[0]!r}: it has {', '.join(map(str, table.columns))}.")
    return found


def _joined(table: pd.DataFrame, described: pd.DataFrame) -> pd.DataFrame:
    """Wells with what is known of their substance; a substance that is described twice keeps its first row."""
    mine = {squeezed(str(column)): str(column) for column in table.columns}
    theirs = {squeezed(str(column)): str(column) for column in described.columns}
    key = next((word for word in _JOINS if word in mine and word in theirs), None)
    if key is None:
        return table
    once = described.dropna(subset=[theirs[key]]).drop_duplicates(theirs[key])
    new = [column for column in once.columns if squeezed(str(column)) not in mine]
    return table.merge(once[[theirs[key], *new]], how="left", left_on=mine[key], right_on=theirs[key])[
        [*table.columns, *new]
    ]


def rxrx_map(folder: Path) -> pd.DataFrame | None:
    """Rows of RxRx's ``metadata.csv`` for the plate in a folder such as ``U2OS-01/Plate1``; None where there are none.

    Raises
    ------
    PlateMapError
        If there is such a table and it cannot be read.
    """
    from napari_lexicon.plates.table_files import text_table

    digits = "".join(letter for letter in folder.name if letter.isdigit())
    file = next((place / "metadata.csv" for place in folder.parents[:3] if (place / "metadata.csv").is_file()), None)
    if file is None or not folder.name.lower().startswith("plate") or not digits:
        return None
    table = text_table(file)
    if not {"experiment", "plate", "well"} <= set(table.columns):
        return None
    numbers = table["plate"].astype(str).str.extract(r"(\d+)", expand=False)
    mine = table[(table["experiment"] == folder.parent.name) & (numbers == str(int(digits)))]
    return None if mine.empty else mine.drop(columns=["experiment", "plate"])
