"""The order in which features are shown where nothing was compared: frequent ones first, ground and floods last."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_lexicon.analysis.detail import detail_of_features
from napari_lexicon.analysis.first_feature import MOST, TO_SEE
from napari_lexicon.analysis.reading import OpenedPlates
from napari_lexicon.errors import LexiconError
from napari_lexicon.lexicons import Lexicon, LexiconPlate

if TYPE_CHECKING:
    from napari_lexicon.analysis.well_table import WellTable

_BEYOND = 2.0  # the order is that of codes; directions are only counted along with them


def frequent_rows(table: WellTable, lexicon: Lexicon | None) -> np.ndarray:
    """Rows of the features, most frequent first; last those of most patches and of places with little to see.

    Parameters
    ----------
    table : WellTable
        Features over wells.
    lexicon : Lexicon, optional
        Whose images are looked at; None where they are not at hand, and nothing is known of what is to be seen.
    """
    fires = table.fires.mean(axis=0)
    smooth = np.zeros(len(fires), dtype=bool)
    if lexicon is not None:
        smooth = ~(_detail(lexicon)[table.features["feature"].to_numpy()] >= TO_SEE)
    return np.lexsort((-fires, smooth, fires > MOST))


def _detail(lexicon: Lexicon) -> np.ndarray:
    """``(M,)`` detail of the codes of the first plate that can be read; 1 where none can."""
    opened = OpenedPlates()

    def pixels(plate: LexiconPlate, number: int) -> np.ndarray:
        return opened.field(plate, number).image

    for plate in lexicon.plates.values():
        try:
            return detail_of_features(lexicon, plate, _BEYOND, partial(pixels, plate)).by_code
        except (LexiconError, OSError):
            continue
    assert lexicon.dictionary is not None  # only what has codes is reported
    return np.ones(len(lexicon.dictionary.atoms))
