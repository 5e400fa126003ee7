"""Column names and control types of plate maps, brought to one vocabulary without guessing more than the words say.

The names are those of pycytominer and JUMP: ``Metadata_perturbation``, ``Metadata_concentration``,
``Metadata_pert_type`` with ``negcon``, ``poscon`` and ``trt``. Unknown columns keep their own names behind the prefix.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

PREFIX = "Metadata_"
PERT_TYPE = "Metadata_pert_type"
PERTURBATION = "Metadata_perturbation"
CONCENTRATION = "Metadata_concentration"
CONCENTRATION_UNIT = "Metadata_concentration_unit"
_CONTROL_TYPE, _SOLVENT = "Metadata_control_type", "Metadata_solvent"

# What a column is called, as its words without punctuation, for each name of the vocabulary; the surest first.
_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    PERTURBATION: (
        "perturbation",
        "perturbationname",
        "pertname",
        "pertiname",
        "compound",
        "compoundname",
        "drug",
        "drugname",
        "treatment",
        "treatmentname",
        "gene",
        "genesymbol",
        "sirna",
        "sgrna",
        "symbol",
        "jcp2022",
        "broadsample",
    ),
    CONCENTRATION: ("concentration", "conc", "dose", "mmolesperliter", "micromolar"),
    CONCENTRATION_UNIT: ("concentrationunit", "concunit", "doseunit", "unit", "units"),
    PERT_TYPE: ("perttype", "controltype", "welltype", "welrole", "wellrole", "role", "control", "perturbationtype"),
    "Metadata_cell_line": ("cellline", "celltype", "cells", "cellid"),
    "Metadata_moa": ("moa", "mechanismofaction", "mechanism"),
    "Metadata_Plate": ("plate", "platename", "barcode", "platebarcode", "assayplatebarcode", "plateid"),
    "Metadata_Batch": ("batch", "batchname"),
    "Metadata_replicate": ("replicate", "rep"),
}
# Columns that hold control types where their values say so.
_CLASSES = frozenset(("type", "class", "category", "content", "group", "sampletype", "treatmenttype", "compoundtype"))
_SAID_CONTROL = r"(?:neg|negative|pos|positive)(?:con|control|ctrl)"
# What else names a substance, squeezed.
_SUBSTANCES = frozenset(("broadsample", "jcp2022", "pertid", "compoundid", "sampleid", "inchikey", "smiles"))
# A word after the name that adds nothing, or is the unit: dose_reported, conc_uM.
_UNITS = {"um": "uM", "µm": "uM", "nm": "nM", "mm": "mM", "pm": "pM", "ugml": "ug/mL", "mgml": "mg/mL"}
_WORDS = re.compile(r"[^\W_]+")

# Control types and perturbations, squeezed.
_NEGATIVE = (
    r"neg(?:ative)?(?:con|control|ctrl)?|nc|control|ctrl|untreated|mock|vehicle(?:control)?|dmso|solvent(?:control)?"
)
_POSITIVE = r"pos(?:itive)?(?:con|control|ctrl)?|poscon(?:cp|diverse|orf)|pc"
_TREATED = r"trt|treatment|treated|sample|compound|test|dose(?:series)?"
# Perturbations that are controls by their name alone.
_NEGATIVE_PERTURBATION = (
    r"dmso|vehicle|mock|untreated|neg(?:con|ativecontrol)|nontargeting(?:control)?|scrambled?|emptyvector"
)


def normalised_columns(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Columns under the names of the vocabulary, and what was done, as sentences.

    Parameters
    ----------
    frame : pandas.DataFrame
        Texts as read from the file.

    Returns
    -------
    frame : pandas.DataFrame
        ``Metadata_*`` columns; numbers where all values of a column are numbers.
    said : list of str
    """
    names, said = _names([str(column) for column in frame.columns])
    renamed = frame.set_axis(names, axis=1)
    for column, name in zip(frame.columns, names, strict=True):
        unit = stated_unit(str(column)) if name == CONCENTRATION else None
        if unit is not None and CONCENTRATION_UNIT not in renamed:
            renamed[CONCENTRATION_UNIT] = unit
    controls = _column_of_controls(renamed) if PERT_TYPE not in renamed else None
    if controls is not None:
        renamed = renamed.rename(columns={controls: PERT_TYPE})
        said.append(f"{controls.removeprefix(PREFIX)} read as {PERT_TYPE}")
    said += _name_solvents(renamed) + _add_control_types(renamed)
    return with_numbers(renamed), said


def with_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Texts as numbers in the columns that hold nothing else; plates, batches and control types are always names."""
    typed = frame.copy()
    for column in typed.columns:
        if column not in (PERT_TYPE, "Metadata_Plate", "Metadata_Batch"):
            typed[column] = _as_numbers(typed[column])
    return typed


def squeezed(text: str) -> str:
    """Words of a text in small letters without what separates them: ``"Well Name"`` is ``"wellname"``."""
    return "".join(_WORDS.findall(text.removeprefix(PREFIX))).lower()


def renamings(columns: list[str]) -> dict[str, str]:
    """Which column comes under each name of the vocabulary."""
    taken: dict[str, str] = {}
    for meaning, words in _SYNONYMS.items():
        if meaning in columns:
            taken[meaning] = meaning
            continue
        candidates = [(column, _order(column, words)) for column in columns if column not in taken.values()]
        known = [(order, column) for column, order in candidates if order is not None]
        if known:
            taken[meaning] = min(known, key=lambda item: (item[0], columns.index(item[1])))[1]
    return taken


def _names(columns: list[str]) -> tuple[list[str], list[str]]:
    taken = renamings(columns)
    said = [
        f"{column} read as {meaning}" for meaning, column in taken.items() if meaning not in (column, PREFIX + column)
    ]
    meanings = {column: meaning for meaning, column in taken.items()}
    names: list[str] = []
    for column in columns:
        name = meanings.get(column) or (column if column.startswith(PREFIX) else PREFIX + "_".join(column.split()))
        while name in names:
            name += "_2"
        names.append(name)
    return names, said


def _order(column: str, words: tuple[str, ...]) -> int | None:
    """Place of a column's name among synonyms; None where it is none of them."""
    parts = [part.lower() for part in _WORDS.findall(column.removeprefix(PREFIX))]
    for name in ("".join(parts), "".join(parts[:-1]) if parts and parts[-1] in (*_UNITS, "reported", "name") else ""):
        if name in words:
            return words.index(name)
    return None


def stated_unit(column: str) -> str | None:
    """Unit at the end of a column's name: ``"conc_uM"`` is in ``"uM"``."""
    return _UNITS.get("".join(_WORDS.findall(column)[-1:]).lower())


def _column_of_controls(frame: pd.DataFrame) -> str | None:
    """A column called type or the like that says of some wells that they are controls."""
    for column in map(str, frame.columns):
        if squeezed(column) in _CLASSES and _words(frame[column]).str.fullmatch(_SAID_CONTROL).any():
            return column
    return None


def _name_solvents(frame: pd.DataFrame) -> list[str]:
    """Wells with a solvent and no substance, as platemaps of the Cell Painting Gallery have their negative controls."""
    if PERTURBATION not in frame or _SOLVENT not in frame:
        return []
    substances = [column for column in frame.columns if column == PERTURBATION or squeezed(str(column)) in _SUBSTANCES]
    alone = frame[substances].isna().all(axis=1) & _words(frame[_SOLVENT]).str.fullmatch(_NEGATIVE_PERTURBATION)
    if not alone.any():
        return []
    frame[PERTURBATION] = frame[PERTURBATION].where(~alone, frame[_SOLVENT])
    return [f"wells with {', '.join(frame[_SOLVENT][alone].unique())} and no substance are treated with it"]


def _words(column: pd.Series) -> pd.Series:
    return column.map(lambda value: squeezed(value) if isinstance(value, str) else "")


def _add_control_types(frame: pd.DataFrame) -> list[str]:
    """Bring control types to negcon, poscon and trt; derive them from the perturbation where there is no column."""
    if PERT_TYPE in frame:
        return _usual_control_types(frame)
    if PERTURBATION not in frame:
        return []
    words = _words(frame[PERTURBATION])
    negative = words.str.fullmatch(_NEGATIVE_PERTURBATION)
    if not negative.any():
        return []
    types = np.where(negative, "negcon", np.where(words == "", "", "trt"))
    frame[PERT_TYPE] = pd.Series(types, frame.index, dtype=object).replace("", np.nan)
    controls = ", ".join(dict.fromkeys(frame[PERTURBATION][negative].astype(str)))
    return [f"{PERT_TYPE} from {PERTURBATION}: {controls} is negcon, the others trt"]


def _usual_control_types(frame: pd.DataFrame) -> list[str]:
    """Control types in the usual words. JUMP says "control" there, and of which kind in a column of its own."""
    stated = frame[PERT_TYPE].fillna("").astype(str)
    if _CONTROL_TYPE in frame:
        kinds = _words(frame[_CONTROL_TYPE])
        known = kinds.str.fullmatch(f"{_NEGATIVE}|{_POSITIVE}")
        stated = stated.where(~known, frame[_CONTROL_TYPE])
    if PERTURBATION in frame:
        vehicle = _words(frame[PERTURBATION]).str.fullmatch(_NEGATIVE_PERTURBATION) & (stated == "")
        stated = stated.where(~vehicle, "negcon")
    words = _words(stated)
    negative, positive = words.str.fullmatch(_NEGATIVE), words.str.fullmatch(_POSITIVE)
    if not (negative | positive).any():
        return []
    types = np.select([negative, positive, words.str.fullmatch(_TREATED)], ["negcon", "poscon", "trt"], default=stated)
    changed = {old: new for old, new in zip(stated, types, strict=True) if old != new}
    frame[PERT_TYPE] = pd.Series(types, frame.index, dtype=object).replace("", np.nan)
    return [", ".join(f"{old} is {new}" for old, new in changed.items())] if changed else []


def _as_numbers(column: pd.Series) -> pd.Series:
    """Numbers where all values are numbers; texts such as "007" or "1e999" stay texts."""
    texts = column.dropna().astype(str).str.strip()
    if texts.empty or texts.str.fullmatch(r"0[0-9]+").any():
        return column
    numbers = pd.to_numeric(texts, errors="coerce")
    if numbers.isna().any() or not np.isfinite(numbers).all():
        return column
    if len(numbers) == len(column):
        return numbers
    found = pd.Series(np.nan, column.index, dtype=float)  # not reindexed: a well may have several rows
    found[column.notna().to_numpy()] = numbers.to_numpy(float)
    return found
