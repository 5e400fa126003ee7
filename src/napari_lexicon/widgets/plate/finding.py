"""Wells by what is typed into the search box: a condition such as ``dose > 1``, or words of the plate map."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from napari_lexicon.errors import LexiconError
from napari_lexicon.widgets.basic.words import counted
from napari_lexicon.widgets.plate.coloring import spoken

if TYPE_CHECKING:
    from napari_lexicon.plates.model import Plate

_COMPARES = re.compile(r"[<>=]|\bin\b\s*[\[(]")
_SHORT = {"dose": "concentration", "treatment": "perturbation", "control": "pert_type", "type": "pert_type"}
EXAMPLES = "concentration > 1, pert_type == 'negcon' and concentration < 10, DMSO, B03"


def found_wells(plate: Plate, text: str) -> tuple[frozenset[str], str]:
    """Wells that a text asks for, and a sentence about them.

    Parameters
    ----------
    plate : Plate
        The open plate.
    text : str
        A comparison of columns (see :func:`napari_lexicon.analysis.conditions.wells_where`: it is parsed, never run;
        one ``=`` will do, words need no quotes, and a column may be named by its beginning), or words that must all
        stand in a well's name or in its row of the plate map.

    Returns
    -------
    (frozenset of str, str)
        Empty, with the reason, where the text cannot be understood.
    """
    from napari_lexicon.analysis.conditions import wells_where

    asked = text.strip()
    if not asked:
        return frozenset(), ""
    if _COMPARES.search(asked):
        try:
            found = frozenset(wells_where(plate.map, _formal(plate, asked))) & frozenset(plate.wells)
        except LexiconError as error:
            return frozenset(), str(error)
    else:
        found = frozenset(name for name in plate.wells if _holds(plate, name, asked.casefold().split()))
    one = "image" if plate.free else "well"
    return found, f"{counted(len(found), one)} of {len(plate.wells):,}" if found else f"No {one} is like that."


def _holds(plate: Plate, well: str, words: list[str]) -> bool:
    row = plate.map.loc[well] if well in plate.map.index else ()
    said = " ".join([well, *(f"{value} {spoken(value)}" for value in row)]).casefold()
    return all(word in said for word in words)


def _formal(plate: Plate, text: str) -> str:
    """As :func:`wells_where` wants it: ``==``, columns by their names, words in quotes."""
    columns = [str(column).removeprefix("Metadata_") for column in plate.map.columns]
    pieces = re.split(r"('[^']*'|\"[^\"]*\")", text)
    for at in range(0, len(pieces), 2):  # between quotes
        piece = re.sub(r"(?<![<>=!])=(?!=)", "==", pieces[at])
        pieces[at] = re.sub(r"[^\W\d]\w*", lambda match: _word(match.group(), columns), piece)
    return "".join(pieces)


def _word(word: str, columns: list[str]) -> str:
    plain = word.removeprefix("Metadata_")
    if word in ("and", "or", "not", "in", "True", "False", "None"):
        return word
    if word.lower() in ("and", "or", "not", "in"):
        return word.lower()
    for wanted in (plain, _SHORT.get(plain.lower(), plain)):
        for column in columns:
            if column.lower() == wanted.lower():
                return column
        begins = [column for column in columns if column.lower().startswith(wanted.lower())]
        if len(begins) == 1:
            return begins[0]
    return repr(word)
