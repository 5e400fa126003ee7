"""Tables that people make of their plates, as texts: CSV, TSV, Excel, Parquet; rows keep the numbers they had."""

from __future__ import annotations

import codecs
import csv
import gzip
import importlib.util
import io
import os
import re
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import IO, cast

import pandas as pd

from napari_lexicon.errors import PlateMapError
from napari_lexicon.plates.grid_maps import MOST_ROWS, grid_table
from napari_lexicon.plates.locations import remote_address
from napari_lexicon.plates.plate_map_columns import squeezed
from napari_lexicon.plates.remote_storage import RemoteFolder

LARGEST_FILE = 256 * 2**20
WELL_COLUMNS = ("well", "wellname", "wellposition", "wellpos", "wellid", "position", "wells", "assaywell")
ROW_COLUMNS = ("row", "wellrow", "rows", "rowname")
COLUMN_COLUMNS = ("column", "col", "wellcolumn", "wellcol", "columns")
_GRID_HEAD = re.compile(r"0*1[\"']?[\t;,][\"']?0*2[\"']?[\t;,]")
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_LONGEST_LINE = 2**20
# What zipfile and openpyxl raise on broken bytes, and on a password.
_BROKEN_WORKBOOK = (
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    OSError,
    EOFError,
    RuntimeError,
    SyntaxError,
    zipfile.BadZipFile,
    zlib.error,
)
_LAST_HEADING = 40  # rows of a sheet that are looked at for headings


def text_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    """A CSV, TSV or Excel file as texts; empty cells are missing. Of a plate drawn as a grid, a row per well."""
    address = remote_address(path)
    if address is not None:
        folder, _, name = address.rpartition("/")
        content_there = RemoteFolder(folder).contents([name])[0]
        if content_there is None:
            raise PlateMapError(f"The table {address} is not there: check the address.")
        return table_of(content_there, address)
    place = Path(path)
    try:
        if place.stat().st_size > LARGEST_FILE:
            raise PlateMapError(f"{place} is too large for a table of a plate.")
        content = place.read_bytes()
    except OSError as error:
        raise PlateMapError(f"The table {place} cannot be read: {error.strerror or error}.") from error
    return table_of(content, str(place))


def table_of(content: bytes, place: str) -> pd.DataFrame:
    """The bytes of a CSV, TSV (gzipped or not), Excel or Parquet file as texts; ``place`` is for sentences.

    Raises
    ------
    PlateMapError
        If they are no table.
    """
    if content[:2] == b"PK":
        return _workbook(content, place)
    if content[:4] == _PARQUET:
        return _parquet(content, place)
    if content[:2] == _GZIP:
        content = _unpacked(content, place)
    text = _decoded(content)
    if "\0" in text or not text.strip():
        raise PlateMapError(
            f"{place} is {'empty' if not text.strip() else 'no text'}: a table in CSV or TSV is wanted."
        )
    first = text.lstrip().splitlines()[0]
    delimiter = max("\t;,", key=first.count)
    drawn = _drawn(text)
    if drawn is not None:
        return drawn
    try:
        with warnings.catch_warnings():
            # Cells beyond the last heading, as delimiters at the end of rows make them, are left out.
            warnings.simplefilter("ignore", pd.errors.ParserWarning)
            table = pd.read_csv(
                io.StringIO(text),
                sep=delimiter,
                dtype=str,
                skipinitialspace=True,
                skip_blank_lines=False,  # so that a row keeps its number
                keep_default_na=False,
                na_values=["", "NA", "NaN", "nan", "N/A"],
                index_col=False,
            ).dropna(how="all")
    except (ValueError, csv.Error, IndexError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise PlateMapError(f"{place} cannot be read as a table: {reason}.") from error
    if delimiter != "," and any("," in line for line in text.splitlines()):
        table = _with_points(table)
    return table


def heading_of(path: Path) -> str:
    """The first line of a table, separated by commas where it is no text; empty where it cannot be read."""
    try:
        with open(path, "rb") as file:
            start = file.read(4)
            file.seek(0)
            if start == _PARQUET:
                from pyarrow import ArrowException
                from pyarrow.parquet import read_schema

                try:
                    return ",".join(read_schema(file).names)
                except ArrowException:
                    return ""
            text = cast("IO[bytes]", gzip.GzipFile(fileobj=file) if start[:2] == _GZIP else file)
            line = text.readline(_LONGEST_LINE)
            return line.replace(b"\0", b"").decode("latin-1")  # UTF-16 has one between the letters
    except (OSError, EOFError, zlib.error):
        return ""


def _unpacked(content: bytes, place: str) -> bytes:
    try:
        text = gzip.GzipFile(fileobj=io.BytesIO(content)).read(LARGEST_FILE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise PlateMapError(f"{place} cannot be unpacked ({error}): copy it again.") from error
    if len(text) > LARGEST_FILE:
        raise PlateMapError(f"{place} is too large for a table of a plate.")
    return text


def _parquet(content: bytes, place: str) -> pd.DataFrame:
    """The columns of a Parquet file as texts; lists and the like are no cells of a table and are left out."""
    from pyarrow import ArrowException, BufferReader, types
    from pyarrow.parquet import ParquetFile

    try:
        file = ParquetFile(BufferReader(content))
        if sum(file.metadata.row_group(n).total_byte_size for n in range(file.num_row_groups)) > LARGEST_FILE:
            raise PlateMapError(f"{place} is too large for a table of a plate.")
        names = [column.name for column in file.schema_arrow if not types.is_nested(column.type)]
        table = file.read(names).to_pandas()
    except (ArrowException, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise PlateMapError(f"{place} cannot be read as a table: {' '.join(str(error).split())}.") from error
    table = table.reset_index(drop=True)
    return pd.DataFrame({str(name): [None if pd.isna(c) else str(c) for c in table[name]] for name in table.columns})


def _with_points(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers with a decimal point, of a table where 1,5 is one and a half."""
    return table.replace(r"^\s*([-+]?\d+),(\d+)\s*$", r"\1.\2", regex=True)


def _drawn(text: str) -> pd.DataFrame | None:
    """The table of a text in which the plate is drawn as a grid, None where it is not."""
    line = next((line for line in text.splitlines() if _GRID_HEAD.search(line)), None)
    if line is None:
        return None
    delimiter = max("\t;,", key=line.count)
    try:
        cells = list(islice(csv.reader(io.StringIO(text), delimiter=delimiter), MOST_ROWS))
    except csv.Error:
        return None
    if any(_is_heading(row) for row in cells[:_LAST_HEADING]):
        return None
    table = grid_table({"": cells})
    return table if table is None or delimiter == "," else _with_points(table)


def _decoded(content: bytes) -> str:
    if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):  # Excel's "Unicode text"
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _workbook(content: bytes, place: str) -> pd.DataFrame:
    """The sheet of an Excel workbook that has a heading for wells, the first sheet where none has."""
    if importlib.util.find_spec("openpyxl") is None:
        raise PlateMapError(
            f"{place} is an Excel workbook: save its sheet as CSV, or install openpyxl "
            "(pip install 'napari-lexicon[excel]')."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            size = sum(part.file_size for part in packed.infolist())
        if size > LARGEST_FILE:
            raise PlateMapError(f"{place} is too large for a table of a plate.")
        sheets = pd.read_excel(io.BytesIO(content), dtype=str, header=None, sheet_name=None)
    except _BROKEN_WORKBOOK as error:
        raise PlateMapError(f"{place} cannot be read as a workbook: {' '.join(str(error).split())}.") from error
    filled = [sheet for sheet in sheets.values() if sheet.notna().any(axis=None)]
    if not filled:
        raise PlateMapError(f"{place} is an Excel workbook without a filled cell: choose another file.")
    found = [(sheet, row) for sheet in filled if (row := _heading(sheet)) is not None]
    if not found:
        cells = {str(name): _texts(sheet) for name, sheet in sheets.items()}
        drawn = grid_table(cells)
        if drawn is not None:
            return drawn
    sheet, row = found[0] if found else (filled[0], int(filled[0].notna().any(axis=1).to_numpy().argmax()))
    names = [f"column {n}" if pd.isna(name) else str(name) for n, name in enumerate(sheet.iloc[row], 1)]
    table = sheet.iloc[row + 1 :].set_axis(names, axis=1)
    table.index = table.index - 1  # sentences add 2, for counting from 1 and for a heading in the first row
    table = table.dropna(how="all")
    table = table.loc[:, table.notna().any() | ~table.columns.str.startswith("column ")]
    return table.replace(r"^(\d{4}-\d{2}-\d{2}) 00:00:00$", r"\1", regex=True)


def _heading(sheet: pd.DataFrame) -> int | None:
    """Number of the row that names a column of wells, or of rows and columns; titles may stand above it."""
    for number in range(min(len(sheet), _LAST_HEADING)):
        if _is_heading([str(cell) for cell in sheet.iloc[number].dropna()]):
            return number
    return None


def _is_heading(cells: Sequence[str]) -> bool:
    words = {squeezed(cell) for cell in cells}
    return bool(words & set(WELL_COLUMNS) or (words & set(ROW_COLUMNS) and words & set(COLUMN_COLUMNS)))


def _texts(sheet: pd.DataFrame) -> list[list[str | None]]:
    return [[cell if isinstance(cell, str) else None for cell in row] for row in sheet.itertuples(index=False)]
