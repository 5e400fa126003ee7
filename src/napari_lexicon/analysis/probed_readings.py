"""Question 2: the same features read in other ways, as sources of their own beside the probe of all features."""

from __future__ import annotations

import numpy as np

from napari_lexicon.analysis.lexicon_tables import plate_statistics
from napari_lexicon.analysis.well_table import WellTable, well_table, wells_at
from napari_lexicon.errors import LexiconFolderError, PlateMapError
from napari_lexicon.lexicons import Lexicon

BY_CHANNEL = "features, channel by channel"
DIRECTIONS = "directions, channel by channel"
CODES = "codes, channel by channel"
LEVEL = 2.0
"""Standard deviations of controls beyond which a patch counts along a direction, where features are read by code."""
_MOST_COLUMNS = 20_000  # a probe of more takes minutes with its shuffles


def other_readings(lexicon: Lexicon, table: WellTable, beyond: float | None) -> dict[str, np.ndarray]:
    """What features say when channels are kept apart, and when they are read by direction, or by code, instead.

    Parameters
    ----------
    lexicon : Lexicon
        With codes.
    table : WellTable
        Its features over all channels together, over W wells.
    beyond : float, optional
        How its features were read, as in :func:`napari_lexicon.analysis.lexicon_tables.plate_statistics`.

    Returns
    -------
    dict of str to numpy.ndarray
        ``(W, M * channels)`` parts of patches where features fire; without those that some well lacks a channel for,
        that were not counted, or that are too many.
    """
    other, name = (LEVEL, DIRECTIONS) if beyond is None else (None, CODES)
    found = {}
    for reading, called in ((beyond, BY_CHANNEL), (other, name)):
        try:
            apart = well_table(plate_statistics(lexicon, reading), channel="each")
        except (LexiconFolderError, PlateMapError):  # directions were not counted; no well has every channel
            continue
        rows = wells_at(apart, table.wells)
        same = reading == beyond and apart.fires.shape[1] == table.fires.shape[1]  # there is one channel
        if (rows >= 0).all() and not same and apart.fires.shape[1] <= _MOST_COLUMNS:
            found[called] = apart.fires[rows]
    return found
