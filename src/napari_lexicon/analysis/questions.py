"""The questions by name, each from a lexicon to one tidy table: what ``napari-lexicon ask`` calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from napari_lexicon.analysis import activity
from napari_lexicon.analysis.associations import best_features, measurements_from_csv
from napari_lexicon.analysis.cells import cell_features
from napari_lexicon.analysis.channels import StainCorrelations
from napari_lexicon.analysis.conditions import CONTROLS
from napari_lexicon.analysis.confounds import confounds
from napari_lexicon.analysis.corrected_probes import corrected_probes
from napari_lexicon.analysis.doses import dose_response
from napari_lexicon.analysis.edited_places import edited_features
from napari_lexicon.analysis.effects import treatment_effects
from napari_lexicon.analysis.lexicon_tables import plate_statistics
from napari_lexicon.analysis.matching import kept_effects, matched_features
from napari_lexicon.analysis.measurements import WellMeasurements, field_measurements
from napari_lexicon.analysis.pooled_names import MODEL, RANDOM
from napari_lexicon.analysis.probes import probes
from napari_lexicon.analysis.question_words import WORDS
from napari_lexicon.analysis.reading import Told, chosen_plates, finished_fields, untold
from napari_lexicon.analysis.report.extras import depth_of, wells_at
from napari_lexicon.analysis.segmentation import labels_from
from napari_lexicon.analysis.selectivity import selectivity
from napari_lexicon.analysis.well_table import WellTable, well_table
from napari_lexicon.errors import LexiconError, LexiconFolderError, PlateMapError
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
    across : str, optional
        Column whose values stay on one side of a split, or between which effects must come back.
    kind : str, optional
        Column of targets or mechanisms.
    measurements : path, optional
        CSV of numbers per well; brightness, sharpness and nuclei are measured where None.
    other : path, optional
        Second lexicon.
    labels : str, optional
        Folder of label images, or name of labels inside the plate; nuclei are segmented where None.
    features : tuple of int
        Which features, for cells and edits.
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
    across: str | None = None
    kind: str | None = None
    measurements: Path | None = None
    other: Path | None = None
    labels: str | None = None
    features: tuple[int, ...] = ()
    pixels: bool = True
    seed: int = 0
    beyond: float | None = None


_PROBED_WELLS = 384  # wells whose images are embedded again, at most
_EDITED = 8  # features that are edited where none is named

Answer = Callable[[Lexicon, Asked, Told], pd.DataFrame]


@dataclass(frozen=True)
class Question:
    """A question with its words for people."""

    words: str
    answer: Answer


def _table(lexicon: Lexicon, asked: Asked) -> WellTable:
    return well_table(plate_statistics(lexicon, asked.beyond), lexicon.names, asked.channel)


def _effects(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    found = treatment_effects(_table(lexicon, asked), asked.by, controls=asked.controls, seed=asked.seed)
    return found.sort_values(["q", "p"], kind="stable", ignore_index=True)


def _selectivity(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    found = selectivity(_table(lexicon, asked), asked.by, seed=asked.seed).table
    return found.sort_values("selectivity", ascending=False, kind="stable", ignore_index=True)


def _activity(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    table = _table(lexicon, asked)
    if asked.kind is not None:
        return activity.consistency(
            table, asked.kind, asked.by, controls=asked.controls, across=asked.across, seed=asked.seed
        )
    return activity.replicate_activity(table, asked.by, controls=asked.controls, across=asked.across, seed=asked.seed)


def _alike(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    return activity.similar_treatments(_table(lexicon, asked), asked.by, controls=asked.controls)


def _doses(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    found = dose_response(_table(lexicon, asked), asked.by, asked.dose, controls=asked.controls, seed=asked.seed)
    return found.sort_values(["q", "p"], kind="stable", ignore_index=True)


def _confounds(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    table = _table(lexicon, asked)
    found = confounds(table, asked.by, measurements=_measured(lexicon, asked, table, told)).table
    if found.empty:
        return found
    return found.sort_values(["flagged", "explained"], ascending=False, kind="stable", ignore_index=True)


def _corrections(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    return corrected_probes(
        _table(lexicon, asked), asked.by, asked.across or "plate", controls=asked.controls, seed=asked.seed
    )


def _probes(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    table = _table(lexicon, asked)
    measured = _measured(lexicon, asked, table, told)
    beside: dict[str, np.ndarray] = {}
    if measured is not None:
        full = measured.dropna(axis=1)
        bright = full[[name for name in full if str(name).startswith("brightness")]]
        if bright.shape[1]:
            beside["brightness of all channels"] = bright.to_numpy(dtype=float)
        rest = [name for name in full if not str(name).startswith(("brightness", "sharpness"))]
        beside |= {str(name): full[name].to_numpy(dtype=float) for name in rest}
    if asked.pixels:
        table, more, kept = _beside_network(lexicon, asked, table, told)
        beside = {name: values[kept] for name, values in beside.items()} | more
    return probes(table, asked.by, across=asked.across, beside=beside, seed=asked.seed)


def _beside_network(
    lexicon: Lexicon, asked: Asked, table: WellTable, told: Told
) -> tuple[WellTable, dict[str, np.ndarray], np.ndarray]:
    """Wells that could be embedded again, what stands beside their features, and their rows in the table."""
    if any(plate.joint for plate in lexicon.plates.values()):
        return table, {}, np.arange(len(table))
    from napari_lexicon.analysis.pooled_tokens import pooled_tokens

    layer = lexicon.backbone.layer
    try:
        control = table.where(asked.controls)
    except PlateMapError:
        control = np.zeros(len(table), dtype=bool)
    pooled = pooled_tokens(
        lexicon, table.wells, control, layers=[layer], most_wells=_PROBED_WELLS, seed=asked.seed, told=told
    )
    kept = wells_at(table, pooled.wells)
    beside = {"embeddings": pooled.layers[MODEL][0]}
    if pooled.reconstructed.shape[1]:
        beside["reconstructions"] = pooled.reconstructed
    if RANDOM in pooled.layers:
        beside["random network"] = pooled.layers[RANDOM][0]
    morphology = pooled.measured.drop(columns=["brightness", "sharpness"])
    if morphology.shape[1]:
        beside["classical morphology"] = morphology.to_numpy(dtype=float)
    return table.take(wells=kept), beside, kept


def _depth(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    table = _table(lexicon, asked)
    return depth_of(
        lexicon,
        table,
        table.where(asked.controls),
        asked.by,
        across=asked.across,
        most_wells=_PROBED_WELLS,
        seed=asked.seed,
        told=told,
    )


def _counts(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    table = _table(lexicon, asked)
    measured = _measured(lexicon, asked, table, told)
    if measured is None or not measured.shape[1]:
        raise LexiconError("There is nothing to hold features against: give --measurements, or let images be opened.")
    return best_features(table, measured, across=asked.across, seed=asked.seed)


def _measured(lexicon: Lexicon, asked: Asked, table: WellTable, told: Told) -> pd.DataFrame | None:
    """Measurements of the table's wells: from the CSV, or from all images."""
    if asked.measurements is not None:
        return measurements_from_csv(asked.measurements, table.wells)
    if not asked.pixels:
        return None
    wells = WellMeasurements()
    for one in finished_fields(chosen_plates(lexicon), pixels=True, told=told):
        wells.add(one, field_measurements(one, nuclei=not one.plate.header.rgb))
    return wells.table(table.wells)


def _edits(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    features = asked.features
    if not features:
        fires = _table(lexicon, asked).fires.mean(axis=0)
        features = tuple(int(m) for m in np.argsort(-fires, kind="stable")[:_EDITED] if fires[m] > 0)
    return edited_features(lexicon, features, seed=asked.seed, told=told)


def _stains(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    plates = chosen_plates(lexicon)
    names = [channel.name for channel in plates[0].header.channels]
    reference = lexicon.header.dictionary
    assert reference is not None  # finished fields have codes
    gatherer = StainCorrelations(reference.n_features, names, plates[0].joint)
    for one in finished_fields(plates, pixels=True, told=told):
        if [channel.name for channel in one.plate.header.channels] == names:
            well = f"{one.plate.id}/{one.header.well}"
            gatherer.add(well, one.codes, one.windowed, one.header.channels, lexicon.backbone.patch)
    return gatherer.table()


def _channels(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    from napari_lexicon.analysis.channel_removal import removed_channels

    return removed_channels(lexicon, features=asked.features, seed=asked.seed, told=told)


def _cells(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    if not asked.features:
        raise LexiconError("Say which features to read in every cell: --features 12,40.")
    labels = labels_from(asked.labels, None if asked.channel == "each" else asked.channel)
    parts = []
    for one in finished_fields(chosen_plates(lexicon), pixels=True, told=told):
        found = cell_features(one.codes, labels(one), lexicon.backbone.patch, features=asked.features)
        frame = found.cells.reset_index()
        for c, channel in enumerate(found.channels):
            where = "all" if one.plate.joint else one.plate.header.channels[channel].name
            for f, feature in enumerate(asked.features):
                frame[f"#{feature} {where}"] = found.mean[:, c, f]
        frame.insert(0, "field", one.header.name)
        frame.insert(0, "well", one.header.well)
        frame.insert(0, "plate", one.plate.header.name)
        parts.append(frame)
    return pd.concat(parts, ignore_index=True)


def _match(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    found = matched_features(lexicon, _other(asked), told)
    return found.sort_values("r", ascending=False, kind="stable", ignore_index=True)


def _transfer(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    table = _table(lexicon, asked)
    if asked.other is not None:
        other = _other(asked)
        mine, theirs = lexicon.header.dictionary, other.header.dictionary
        if mine is None or theirs is None or mine.hash != theirs.hash:
            raise LexiconFolderError(
                "The two lexicons have other dictionaries: ask match, or apply the same one to both."
            )
        return kept_effects(_effects_of(table, asked), _effects_of(_table(other, asked), asked))
    column = asked.across or "plate"
    values = list(table.labels(column).dropna().unique())
    if len(values) < 2:
        raise LexiconError(f"Effects come back from one value of {column} to another, and there is one: give --other.")
    parts = [_effects_of(table.take(wells=(table.labels(column) == value).to_numpy()), asked) for value in values]
    rows = [
        kept_effects(parts[a], parts[b]).assign(first=str(values[a]), second=str(values[b]))
        for a in range(len(values))
        for b in range(len(values))
        if a != b
    ]
    return pd.concat(rows, ignore_index=True)


def _effects_of(table: WellTable, asked: Asked) -> pd.DataFrame:
    return treatment_effects(table, asked.by, controls=asked.controls, seed=asked.seed)


def _other(asked: Asked) -> Lexicon:
    if asked.other is None:
        raise LexiconError("This question needs a second lexicon: give --other Y.lexicon.")
    return Lexicon.open(asked.other)


QUESTIONS: dict[str, Question] = {
    name: Question(WORDS[name], answered)
    for name, answered in {
        "effects": _effects,
        "selectivity": _selectivity,
        "activity": _activity,
        "alike": _alike,
        "doses": _doses,
        "confounds": _confounds,
        "corrections": _corrections,
        "probes": _probes,
        "depth": _depth,
        "counts": _counts,
        "stains": _stains,
        "channels": _channels,
        "cells": _cells,
        "edits": _edits,
        "match": _match,
        "transfer": _transfer,
    }.items()
}


def answer(lexicon: Lexicon, question: str, asked: Asked, told: Told = untold) -> pd.DataFrame:
    """One question's table.

    Raises
    ------
    LexiconError
        If there is no such question, or the lexicon does not allow it.
    """
    if question not in QUESTIONS:
        raise LexiconError(f"There is no question {question}: there are {', '.join(QUESTIONS)}.")
    return QUESTIONS[question].answer(lexicon, asked, told)
