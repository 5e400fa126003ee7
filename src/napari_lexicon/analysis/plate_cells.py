"""Question 8: chosen features in every cell of a lexicon, and which features are worth looking at cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_lexicon.analysis.asked import Asked
from napari_lexicon.analysis.cells import cell_features, mean_in_cells
from napari_lexicon.analysis.effects import treatment_effects
from napari_lexicon.analysis.lexicon_tables import plate_statistics
from napari_lexicon.analysis.reading import Told, chosen_plates, finished_fields, untold
from napari_lexicon.analysis.segmentation import Labels
from napari_lexicon.analysis.well_table import WellTable, well_table
from napari_lexicon.errors import LexiconError
from napari_lexicon.lexicons import Lexicon

if TYPE_CHECKING:
    from napari_lexicon.analysis.along import FieldsAlong

_MOST = 8  # features read in cells where none is named


def cells_of(
    lexicon: Lexicon,
    features: Sequence[int],
    labels: Labels,
    *,
    fields_per_well: int | None = None,
    along: FieldsAlong | None = None,
    told: Told = untold,
) -> pd.DataFrame:
    """Values of some features in every cell.

    Parameters
    ----------
    lexicon : Lexicon
        With codes, and its images where they were.
    features : sequence of int
        Their numbers.
    labels : callable
        Cells of a field.
    fields_per_well : int, optional
        Read so many fields of a well at most.
    along : FieldsAlong, optional
        Reads fields again: values are how far cells lie along the features, in standard deviations of control patches,
        and not their codes.
    told : callable
        Told of every field.

    Returns
    -------
    pandas.DataFrame
        One row per cell: ``plate``, ``well``, ``field``, ``cell`` (label), ``area_px``, ``y_px``, ``x_px``, and
        ``#FEATURE CHANNEL``, mean value over the area of the cell (``all`` for dictionaries of joined channels).

    Raises
    ------
    LexiconError
        If a feature does not exist.
    """
    reference = lexicon.header.dictionary
    wrong = [f for f in features if reference is None or not 0 <= f < reference.n_features]
    if wrong:
        raise LexiconError(f"There is no feature {wrong[0]}: see napari-lexicon features.")
    parts = []
    plates = chosen_plates(lexicon)
    for one in finished_fields(plates, pixels=True, fields_per_well=fields_per_well, told=told):
        cells, patch = labels(one), lexicon.backbone.patch
        found = cell_features(one.codes, cells, patch, features=features)
        mean = found.mean
        if along is not None:
            mean = mean_in_cells(along.scores(one, np.asarray(features)), cells, patch)
        frame = found.cells.reset_index()
        for c, channel in enumerate(found.channels):
            where = "all" if one.plate.joint else one.plate.header.channels[channel].name
            for f, feature in enumerate(features):
                frame[f"#{feature} {where}"] = mean[:, c, f]
        frame.insert(0, "field", one.header.name)
        frame.insert(0, "well", one.header.well)
        frame.insert(0, "plate", one.plate.header.name)
        parts.append(frame)
    return pd.concat(parts, ignore_index=True)


def responding_features(lexicon: Lexicon, table: WellTable, asked: Asked) -> list[tuple[int, str, str]]:
    """Number, channel and name of the features that are asked for, each in the channel where it fires most.

    Where none is named: the surest ones of the comparison of treatments with controls.
    """
    joint = any(plate.joint for plate in lexicon.plates.values())
    if asked.features:
        numbers = list(dict.fromkeys(asked.features))
    else:
        effects = treatment_effects(table, asked.by, controls=asked.controls, seed=asked.seed)
        order = effects.sort_values(["q", "p"], kind="stable")
        numbers = [int(n) for n in order["feature"].drop_duplicates().head(_MOST)]
    if joint or asked.channel not in (None, "each"):
        channel = "all" if joint else str(asked.channel)
        return [(n, channel, lexicon.names.label(n)) for n in numbers]
    every = well_table(plate_statistics(lexicon, asked.beyond), lexicon.names, "each")
    share = every.fires.mean(axis=0).reshape(-1, int(every.features["feature"].max()) + 1)  # (channels, M)
    channels = list(dict.fromkeys(every.features["channel"]))
    return [(n, channels[int(np.argmax(share[:, n]))], lexicon.names.label(n)) for n in numbers]
