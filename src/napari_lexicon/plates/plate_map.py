"""Plate maps: a table with a row per well or image becomes ``plate.map``, and what does not fit is said by row."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from napari_lexicon.errors import OtherPlatesError, PlateMapError
from napari_lexicon.plates.folder_names import is_part_of_a_plate
from napari_lexicon.plates.grid_maps import GRID, UNNAMED
from napari_lexicon.plates.model import Plate, Problem
from napari_lexicon.plates.plate_map_columns import PREFIX, normalised_columns, squeezed
from napari_lexicon.plates.study_maps import is_study_map, study_map
from napari_lexicon.plates.table_files import COLUMN_COLUMNS, ROW_COLUMNS, WELL_COLUMNS, text_table
from napari_lexicon.plates.well_names import canonical_well

PLATE_MAP_NAMES = ("plate_map.csv", "plate_map.tsv")
_IMAGE_COLUMNS = (
    "image",
    "file",
    "filename",
    "imagename",
    "imagefile",
    "path",
    "imagepath",
    "imageid",
    "slide",
    "slidename",
    "sample",
    "samplename",
    "name",
    "id",
)
_FIELD_COLUMNS = frozenset({"field", "site", "fov", "fieldid", "siteid", *_IMAGE_COLUMNS[:8]})
_PLATE = "Metadata_Plate"
_SHOWN = 5
_RESULTS = ({"feature", "fires"}, {"feature", "control_like"})  # columns of tables that features and ask write
_MOST_TABLES, _LARGEST_TABLE = 12, 20_000_000  # tables looked at, and bytes of one, where no name says which it is


def read_plate_map(path: str | os.PathLike[str]) -> pd.DataFrame:
    """A plate map by itself, without a plate to hold it against.

    Parameters
    ----------
    path : path-like
        CSV, TSV or Excel file with a column of wells, or columns of rows and columns.

    Returns
    -------
    pandas.DataFrame
        Indexed by canonical well name, columns ``Metadata_*``; the first row of each well.

    Raises
    ------
    PlateMapError
        If it cannot be read or has no wells.
    """
    table = text_table(path)
    for keys in well_keys(table):
        wells = keys.map(lambda text: canonical_well(text) if isinstance(text, str) else None)
        if wells.notna().any():
            kept = table[wells.notna()].set_axis(pd.Index(wells.dropna(), name="Metadata_Well"))
            frame, _ = normalised_columns(kept.drop(columns=_key_columns(keys), errors="ignore"))
            return frame[~frame.index.duplicated()]
    raise PlateMapError(f"{path} has no column of well names such as A01: name one of its columns 'well'.")


def with_plate_map(plate: Plate, table: str | os.PathLike[str] | pd.DataFrame) -> Plate:
    """The plate with a plate map.

    Parameters
    ----------
    plate : Plate
        With or without a plate map, which is replaced.
    table : path-like or pandas.DataFrame
        Rows are matched by well in any style, by the names of free wells, or by the names of image files; the column
        that fits most rows is used. In a table with a row per image or field, values that differ within a well are
        left out.

    Returns
    -------
    Plate
        With ``map`` (one row per well of the plate) and ``problems`` of what did not fit.

    Raises
    ------
    PlateMapError
        If it cannot be read, or no row belongs to a well of this plate.
    """
    name = "The plate map" if isinstance(table, pd.DataFrame) else Path(table).name
    if not isinstance(table, pd.DataFrame) and is_study_map(Path(table)):
        table = study_map(Path(table), plate.name)
    if isinstance(table, pd.DataFrame):
        raw = table.copy()
        if not pd.api.types.is_numeric_dtype(table.index):
            raw.insert(0, "Metadata_Well" if "Metadata_Well" not in raw else "Metadata_Well_name", table.index)
        raw = raw.reset_index(drop=True)
    else:
        raw = text_table(table)
        if any(columns <= set(raw.columns) for columns in _RESULTS):
            raise PlateMapError(f"{name} is a table of features, not of wells: choose a table with a row per well.")
    rows = rows_of_plate(raw, plate.name, name)
    matched = best_match(rows, plate)
    if matched is None:
        shown = ", ".join(_some_keys(raw))
        raise PlateMapError(
            f"{name} describes no well of {plate.name}: its rows are for {shown or 'no well that can be told'}, the "
            f"plate has {', '.join(list(plate.wells)[:_SHOWN])}. Check the column of wells: a heading such as 'well' "
            "and one row per well."
        )
    problems = _unmatched(name, rows, matched, plate)
    body = rows.drop(columns=[column for column in matched.columns if column in rows])
    frame, said = normalised_columns(body)
    grouped, more = _one_row_per_well(frame, rows, matched, name)
    index = pd.Index(list(plate.wells), name="Metadata_Well", dtype=object)
    note = f"{plate.note}; plate map {name}" + (f" ({'; '.join(said)})" if said else "")
    return replace(plate, map=grouped.reindex(index), problems=(*plate.problems, *problems, *more), note=note)


def found_plate_map(path: Path, name: str) -> Path | None:
    """The plate map that lies in a plate's folder, or beside it under the plate's name."""
    folder = path if path.is_dir() else path.parent
    inside = [folder / file for file in PLATE_MAP_NAMES] if path.is_dir() else []
    stems = dict.fromkeys((name, path.name.removesuffix(".zarr")))
    beside = [path.parent / f"{stem}{link}{file}" for stem in stems for link in "_." for file in PLATE_MAP_NAMES]
    return next((file for file in (*inside, *beside) if file.is_file()), None)


@dataclass(frozen=True)
class LikelyMap:
    """What lies beside a plate without a plate map.

    Parameters
    ----------
    table : pathlib.Path, optional
        A table that describes at least half of the plate's wells.
    why_not : str
        Where there is none: why one that describes such wells is not taken, a sentence; else empty.
    """

    table: Path | None = None
    why_not: str = ""


def likely_plate_map(plate: Plate) -> LikelyMap:
    """A table, under whatever name, that describes at least half of the plate's wells.

    It is looked for in the plate's folder, and in the one above where the plate's is called ``images`` or the like.
    """
    folder = Path(plate.path).absolute()  # the one above has no name otherwise
    if not folder.is_dir():
        return LikelyMap()
    places = [folder, folder.parent] if is_part_of_a_plate(folder) else [folder]
    why_not = ""
    for table in (file for place in places for file in _tables_of(place)):
        try:
            described = with_plate_map(plate, table).map
        except OtherPlatesError as error:
            why_not = why_not or str(error)
        except PlateMapError:
            continue
        else:
            if described.shape[1] and float(described.notna().any(axis=1).mean()) >= 0.5:
                return LikelyMap(table)
    return LikelyMap(None, why_not)


def _tables_of(folder: Path) -> list[Path]:
    tables = sorted(file for file in folder.iterdir() if file.suffix.lower() in (".csv", ".tsv") and file.is_file())
    return [file for file in tables[:_MOST_TABLES] if file.name[0] != "." and file.stat().st_size <= _LARGEST_TABLE]


@dataclass(frozen=True)
class WellMatch:
    """Rows of a table matched to the wells of a plate.

    Parameters
    ----------
    columns : tuple of str
        Columns that were used.
    wells : pandas.Series
        For each row the well, None where there is none.
    """

    columns: tuple[str, ...]
    wells: pd.Series


def columns_named(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Columns whose names are among some words, in the order of the words."""
    words = {column: squeezed(str(column)) for column in table.columns}
    return [column for name in names for column, word in words.items() if word == name]


def well_keys(table: pd.DataFrame) -> Iterable[pd.Series]:
    """Candidates for the well of each row, as texts; the series' name tells the columns, joined by a line feed."""
    for column in columns_named(table, WELL_COLUMNS):
        yield table[column].rename(column)
    rows, columns = columns_named(table, ROW_COLUMNS), columns_named(table, COLUMN_COLUMNS)
    if rows and columns:
        row = table[rows[0]].astype(str).str.strip()
        number = table[columns[0]].astype(str).str.strip().str.replace(r"\.0$", "", regex=True)
        written = ("r" + row + "c" + number).where(row.str.isdigit(), row + number)
        yield written.rename(f"{rows[0]}\n{columns[0]}")


def _key_columns(keys: pd.Series) -> list[str]:
    return str(keys.name).split("\n")


def rows_of_plate(table: pd.DataFrame, plate: str, name: str) -> pd.DataFrame:
    """Rows of this plate, where the table names plates.

    A table of one plate is taken whatever that plate is called. In one of several, none of them this one, a well
    would get the treatment of another plate's: that is refused.
    """
    if table.attrs.get(GRID):  # a grid for each plate, with the plate's name above it
        own = [column for column in table.columns if str(column).strip().lower() == plate.lower()]
        return table[["well", own[0]]].rename(columns={own[0]: UNNAMED}).dropna() if own else table
    for column in columns_named(table, ("plate", "platename", "barcode", "platebarcode", "assayplatebarcode")):
        plates = table[column].dropna().astype(str).str.strip()
        mine = plates.str.lower() == plate.lower()
        if mine.any():
            return table.loc[mine.index[mine]]
        others = plates.str.lower().nunique()
        if others > 1:
            raise OtherPlatesError(
                f"{name} describes several plates ({', '.join(plates.unique()[:_SHOWN])}"
                f"{', ...' if others > _SHOWN else ''}), none of them by this plate's name, {plate}: give the name, or "
                "the rows of this plate alone."
            )
    return table


def best_match(rows: pd.DataFrame, plate: Plate) -> WellMatch | None:
    """The column, or pair of columns, that finds most wells of the plate."""
    names = _names_of_wells(plate)
    candidates = list(well_keys(rows))
    candidates += [rows[column].rename(column) for column in columns_named(rows, _IMAGE_COLUMNS)]
    best: WellMatch | None = None
    most = (0, 0)
    for keys in candidates:
        wells = keys.map(lambda text: _well_of(text, names) if isinstance(text, str) else None)
        score = wells.nunique(), int(wells.notna().sum())
        if score > most:
            most, best = score, WellMatch(tuple(_key_columns(keys)), wells)
    return best


def _names_of_wells(plate: Plate) -> Mapping[str, str]:
    """Every text by which a row may name a well: the well's name and its image files, in small letters."""
    names: dict[str, str] = {}
    for well in plate.wells.values():
        names[well.name.lower()] = well.name
        for field in well.fields:
            for planes in getattr(field.source, "files", ()):
                for file in planes:
                    path = PurePosixPath(file)
                    for text in (str(path), path.name, path.stem, path.stem.removesuffix(".ome")):
                        names.setdefault(text.lower(), well.name)
    return names


def _well_of(text: str, names: Mapping[str, str]) -> str | None:
    text = text.strip()
    canonical = canonical_well(text)
    if canonical is not None and canonical.lower() in names:
        return names[canonical.lower()]
    path = PurePosixPath(text.replace("\\", "/").lower())
    for candidate in (str(path), path.name, path.stem):
        if candidate in names:
            return names[candidate]
    return None


def _some_keys(table: pd.DataFrame) -> list[str]:
    for keys in well_keys(table):
        return [str(text) for text in keys.dropna().unique()[:_SHOWN]]
    return []


def _unmatched(name: str, rows: pd.DataFrame, matched: WellMatch, plate: Plate) -> list[Problem]:
    """What the table has that the plate has not, by row, and the other way round."""
    problems = []
    outside = matched.wells.index[matched.wells.isna()]
    if len(outside):
        drawn = bool(rows.attrs.get(GRID))
        places = [_place(rows, matched, number, drawn=drawn) for number in outside[:_SHOWN]]
        more = f" and {len(outside) - _SHOWN} more" if len(outside) > _SHOWN else ""
        problems.append(
            Problem(
                f"{name}: {len(outside)} {'wells of its grids are none' if drawn else 'rows are for wells'} that the "
                f"plate {'has' if drawn else 'does not have'}: {', '.join(places)}{more}."
            )
        )
    described = set(matched.wells.dropna())
    missing = [well for well in plate.wells if well not in described]
    if missing:
        more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        problems.append(
            Problem(
                f"{name} does not describe {len(missing)} of the plate's wells: {', '.join(missing[:_SHOWN])}{more}."
            )
        )
    return problems


def _place(rows: pd.DataFrame, matched: WellMatch, number: int, *, drawn: bool) -> str:
    key = _key_text(rows, matched, number)
    return key if drawn else f"row {number + 2} ({key})"


def _key_text(rows: pd.DataFrame, matched: WellMatch, number: int) -> str:
    cells: list[Any] = [rows.loc[number, column] for column in matched.columns]
    return " ".join("empty" if pd.isna(cell) else str(cell) for cell in cells)


def _one_row_per_well(
    frame: pd.DataFrame, rows: pd.DataFrame, matched: WellMatch, name: str
) -> tuple[pd.DataFrame, list[Problem]]:
    """One row per well; differing values are per field, or a mistake that is named."""
    wells = matched.wells.dropna()
    known = frame.loc[wells.index]
    columns = [str(column) for column in known.columns]
    differing = [column for column in columns if (known[column].groupby(wells).nunique(dropna=False) > 1).any()]
    kept = ~wells.duplicated()
    first = known[kept].set_axis(pd.Index(wells[kept], name="Metadata_Well", dtype=object))
    if not differing:
        return first, []
    per_image = any(squeezed(column) in _FIELD_COLUMNS for column in (*rows.columns, *matched.columns))
    if per_image:
        said = ", ".join(column.removeprefix(PREFIX) for column in differing)
        sentence = f"{name} has a row per image; values that differ within a well are left out: {said}."
        return first.drop(columns=differing), [Problem(sentence)]
    if _PLATE in differing:
        plates = ", ".join(known[_PLATE].dropna().astype(str).unique()[:_SHOWN])
        raise OtherPlatesError(
            f"{name} describes several plates ({plates}), none of them by this plate's name: give the name."
        )
    problems = []
    for well, group in wells.groupby(wells):
        numbers = list(group.index)
        which = [column for column in differing if known[column].loc[numbers].nunique(dropna=False) > 1]
        if which:
            places = ", ".join(str(number + 2) for number in numbers[:_SHOWN])
            said = ", ".join(column.removeprefix(PREFIX) for column in which)
            problems.append(
                Problem(
                    f"{name}: rows {places} are all for well {well} and differ in {said}; the first is used.", str(well)
                )
            )
    return first, problems
