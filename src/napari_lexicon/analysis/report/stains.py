"""What a report reads from the pixels of one field per well: measurements, and which stain features follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_lexicon.analysis.channels import StainCorrelations
from napari_lexicon.analysis.measurements import WellMeasurements, field_measurements
from napari_lexicon.analysis.reading import ReadField, Told, finished_fields
from napari_lexicon.lexicons.statistics import BEYOND

if TYPE_CHECKING:
    from napari_lexicon.analysis.along import FieldsAlong
    from napari_lexicon.analysis.report.findings import Findings

MOST_READ_AGAIN = 48  # wells of which a field is embedded again for stains and cells by direction
_MEASURED_FIELDS = 400  # fields whose pixels are measured


def measured_stains(found: Findings, told: Told) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    """Measurements of the wells, correlations of codes with stains, and the number of fields read.

    Raises
    ------
    LexiconError
        If the images cannot be read.
    """
    stains: dict[tuple[str, ...], StainCorrelations] = {}
    wells, n_read = WellMeasurements(), 0
    for one in finished_fields(found.lexicon.plates.values(), pixels=True, fields_per_well=1, told=told):
        planes = one.windowed
        wells.add(one, field_measurements(one, planes, nuclei=not one.plate.header.rgb))
        n_read += 1
        names = tuple(channel.name for channel in one.plate.header.channels)
        gatherer = stains.setdefault(names, StainCorrelations(found.n_features, names, one.plate.joint))
        well = f"{one.plate.id}/{one.header.well}"
        gatherer.add(well, one.codes, planes, one.header.channels, found.lexicon.backbone.patch)
        if n_read == _MEASURED_FIELDS:
            break
    first = next(iter(stains.values()))
    return wells.table(found.table.wells), first.table(), n_read


def stains_along(found: Findings, along: FieldsAlong, told: Told) -> pd.DataFrame:
    """Correlations with stains of how far patches lie along features, from one field of some wells drawn at random.

    Raises
    ------
    LexiconError
        If the images cannot be read.
    """
    wells = found.table.wells[["plate", "well"]].astype(str)
    rows = np.random.default_rng(found.settings.seed).permutation(len(wells))[:MOST_READ_AGAIN]
    drawn = set(wells.iloc[rows].itertuples(index=False, name=None))
    chosen: dict[tuple[str, ...], StainCorrelations] = {}
    for one in finished_fields(found.lexicon.plates.values(), pixels=True, fields_per_well=1, told=told):
        if (one.plate.header.name, one.header.well) not in drawn:
            continue
        names = tuple(channel.name for channel in one.plate.header.channels)
        gatherer = chosen.setdefault(names, StainCorrelations(found.n_features, names, one.plate.joint))
        add_along(gatherer, along, one, found.settings.beyond or 0)
    return next(iter(chosen.values())).table()


def add_along(gatherer: StainCorrelations, along: FieldsAlong, one: ReadField, level: float) -> None:
    """Add a field, read again, whose features fire beyond a level that the lexicon counted."""
    beyond = one.plate.field_beyond(one.number)
    assert beyond is not None  # the wells were counted
    gatherer.add_along(
        f"{one.plate.id}/{one.header.well}",
        *along.whitened(one),
        along.atoms,
        beyond[BEYOND.index(level)],
        one.codes.channels,
        one.windowed,
        one.header.channels,
        along.patch,
    )
