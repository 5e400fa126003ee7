"""What is asked of a lexicon: a question's options, and what all questions start from."""

from __future__ import annotations

from dataclasses import dataclass
from operator import index
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from napari_lexicon.analysis.active import POSITIVE, active_statistics
from napari_lexicon.analysis.associations import measurements_from_csv
from napari_lexicon.analysis.conditions import CONTROLS
from napari_lexicon.analysis.field_table import field_table, measurements_of_fields
from napari_lexicon.analysis.labelled_cells import labelled_cells
from napari_lexicon.analysis.lexicon_tables import plate_statistics
from napari_lexicon.analysis.measurements import WellMeasurements, field_measurements
from napari_lexicon.analysis.reading import Told, chosen_plates, finished_fields
from napari_lexicon.analysis.segmentation import labels_from
from napari_lexicon.analysis.well_table import WellTable, well_table
from napari_lexicon.errors import LexiconError
from napari_lexicon.lexicons import Lexicon


@dataclass(frozen=True)
class Asked:
    """A question's options; each question uses those that it knows.

    Parameters
    ----------
    by, dose : str
        Columns of the plate map: treatment (or whatever is to be told), and dose.
    controls : str
        Question that chooses the control wells.
    channel : str, optional
        One channel, or ``"each"``; all together where None.
    active : str
        When a feature counts as active in a patch: ``positive`` (its coefficients add up to more than 0), ``nonzero``,
        or a number that they must exceed.
    across : str, optional
        Column whose values stay on one side of a split, or between which effects must come back.
    kind : str, optional
        Column of targets or mechanisms.
    known : str, optional
        Question that chooses wells of known treatments, with which the others are compared.
    measurements : path, optional
        CSV of numbers per well (or per field, with a column ``field``); measured from the images where None.
    per : {"well", "field"}
        What a row of measurements is about.
    other : path, optional
        Second lexicon.
    labels : str, optional
        Folder of label images, or name of labels inside the plate; nuclei are segmented where None.
    features : tuple of int
        Which features, for cells and edits; a number, or any list or array of them, becomes one.
    pixels : bool
        Whether images may be opened for what goes beside.
    seed : int
        Of splits and shuffles.
    beyond : float, optional
        Read features by their direction: a patch fires where it lies more than 1, 2 or 3 standard deviations of
        control patches along the feature. By the sparse code where None.
    """

    by: str = "Metadata_perturbation"
    dose: str = "Metadata_concentration"
    controls: str = CONTROLS
    channel: str | None = None
    active: str = POSITIVE
    across: str | None = None
    kind: str | None = None
    known: str | None = None
    measurements: Path | None = None
    per: Literal["well", "field"] = "well"
    other: Path | None = None
    labels: str | None = None
    features: tuple[int, ...] = ()
    pixels: bool = True
    seed: int = 0
    beyond: float | None = None

    def __post_init__(self) -> None:
        if self.per not in ("well", "field"):
            raise LexiconError(f"Measurements are per 'well' or per 'field', not {self.per!r}: correct the option.")
        try:
            numbers = tuple(index(one) for one in np.atleast_1d(np.asarray(self.features, dtype=object)))
        except TypeError as error:
            raise LexiconError(
                f"Features are named by their numbers, such as (3, 12), not {self.features!r}."
            ) from error
        object.__setattr__(self, "features", numbers)


def asked_table(lexicon: Lexicon, asked: Asked, told: Told) -> WellTable:
    """Features over wells, with the definition of "active" that was asked for.

    Raises
    ------
    LexiconError
        If two definitions are asked for at once.
    """
    if asked.active == POSITIVE:
        return well_table(plate_statistics(lexicon, asked.beyond), lexicon.names, asked.channel)
    if asked.beyond is not None:
        raise LexiconError("Features are read by their code (--active) or by their direction (--beyond): choose one.")
    return well_table(active_statistics(lexicon, asked.active, told), lexicon.names, asked.channel)


def other_lexicon(asked: Asked) -> Lexicon:
    """The second lexicon.

    Raises
    ------
    LexiconError
        If none was given.
    """
    if asked.other is None:
        raise LexiconError("This question needs a second lexicon: give --other Y.lexicon.")
    return Lexicon.open(asked.other)


def measured_wells(lexicon: Lexicon, asked: Asked, table: WellTable, told: Told) -> pd.DataFrame | None:
    """Measurements of the table's wells: from the CSV, from labels, or from all images; None without any."""
    if asked.measurements is not None:
        return measurements_from_csv(asked.measurements, table.wells)
    if not asked.pixels:
        return None
    wells, labels = WellMeasurements(), None if asked.labels is None else labels_from(asked.labels)
    for one in finished_fields(chosen_plates(lexicon), pixels=True, told=told):
        measured = field_measurements(one, nuclei=labels is None and not one.plate.header.rgb)
        wells.add(one, measured if labels is None else measured | labelled_cells(labels(one)))
    return wells.table(table.wells)


def measured_rows(lexicon: Lexicon, asked: Asked, told: Told) -> tuple[WellTable, pd.DataFrame]:
    """Features and measurements, row by row, of wells or of single fields.

    Raises
    ------
    LexiconError
        If there is nothing to measure.
    """
    if asked.per == "well":
        table = asked_table(lexicon, asked, told)
        measured = measured_wells(lexicon, asked, table, told)
    else:
        table = field_table(lexicon, asked.channel, asked.beyond)
        if asked.measurements is not None:
            measured = measurements_from_csv(asked.measurements, table.wells)
        else:
            measured = measurements_of_fields(lexicon, table, asked.labels, told) if asked.pixels else None
    if measured is None or not measured.shape[1]:
        raise LexiconError("There is nothing to hold features against: give --measurements, or let images be opened.")
    return table, measured
