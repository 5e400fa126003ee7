"""The second lexicon of a report: the same features in another dictionary, or the same dictionary on other plates."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from napari_lexicon.analysis.lexicon_tables import plate_statistics
from napari_lexicon.analysis.matching import matched_features, transferred
from napari_lexicon.analysis.reading import Told
from napari_lexicon.analysis.well_table import well_table
from napari_lexicon.lexicons import Lexicon

if TYPE_CHECKING:
    from napari_lexicon.analysis.report.findings import Findings


def beside_other(found: Findings, told: Told) -> Findings:
    """What a second lexicon says: its features matched, or, of the same dictionary, whether effects come back there.

    Raises
    ------
    LexiconError
        If the second lexicon cannot be read, or has neither fields nor treatments in common with the first.
    """
    if found.settings.other is None:
        return found
    other, mine = Lexicon.open(found.settings.other), found.lexicon.header.dictionary
    theirs = other.header.dictionary
    if theirs is None or mine is None or theirs.hash != mine.hash:
        return replace(found, matched=matched_features(found.lexicon, other, told), other=other.name)
    joint = any(plate.joint for plate in other.plates.values())
    there = well_table(plate_statistics(other, found.settings.beyond), other.names, None if joint else "each")
    settings = found.settings
    more = transferred(found.table, there, settings.by, controls=settings.controls, seed=settings.seed)
    more = more.assign(first=found.lexicon.name, second=other.name)
    known = found.beside.transfer
    both = more if known is None else pd.concat([more, known], ignore_index=True)
    return replace(found, beside=replace(found.beside, transfer=both), other=other.name)
