"""The questions by name, each from a lexicon to one tidy table: what ``napari-lexicon ask`` calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_lexicon.analysis import activity
from napari_lexicon.analysis.asked import Asked, asked_table, measured_rows, measured_wells, other_lexicon
from napari_lexicon.analysis.associations import best_features
from napari_lexicon.analysis.channels import StainCorrelations
from napari_lexicon.analysis.confounds import confounds
from napari_lexicon.analysis.corrected_probes import corrected_probes
from napari_lexicon.analysis.corrections import control_places, control_problems
from napari_lexicon.analysis.doses import dose_response
from napari_lexicon.analysis.edit_pictures import edit_sheet
from napari_lexicon.analysis.edited_places import EditsMade, edited_features
from napari_lexicon.analysis.effects import treatment_effects
from napari_lexicon.analysis.enrichment import named_groups, treatment_enrichment
from napari_lexicon.analysis.image_words import made_of_images, of_images, words_of
from napari_lexicon.analysis.lexicon_tables import plate_statistics, treatment_column
from napari_lexicon.analysis.matching import matched_features, transferred, transferred_between
from napari_lexicon.analysis.meanings import meanings
from napari_lexicon.analysis.morphology import plain_baselines
from napari_lexicon.analysis.notes import noted, notes_of, renoted
from napari_lexicon.analysis.plate_cells import cells_of, responding_features
from napari_lexicon.analysis.pooled_names import MODEL, RANDOM
from napari_lexicon.analysis.probed_readings import other_readings
from napari_lexicon.analysis.probes import probes
from napari_lexicon.analysis.question_words import DRAWN, WORDS
from napari_lexicon.analysis.reading import Told, chosen_plates, finished_fields, untold
from napari_lexicon.analysis.report.extras import depth_of
from napari_lexicon.analysis.report.stains import add_along
from napari_lexicon.analysis.responders import composition, responders
from napari_lexicon.analysis.segmentation import labels_from
from napari_lexicon.analysis.selectivity import selectivity
from napari_lexicon.analysis.units import with_units
from napari_lexicon.analysis.well_table import WellTable, wells_at
from napari_lexicon.errors import LexiconError, LexiconFolderError, PlateMapError
from napari_lexicon.lexicons import Lexicon

if TYPE_CHECKING:
    from napari_lexicon.analysis.along import FieldsAlong

Answer = Callable[[Lexicon, Asked, Told], pd.DataFrame]

_PROBED_WELLS = 384  # wells whose images are embedded again, at most
_EDITED = 8  # features that are edited where none is named


@dataclass(frozen=True)
class Question:
    """A question with its words for people."""

    words: str
    answer: Answer


def _effects(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    table = asked_table(lexicon, asked, told)
    found = treatment_effects(table, asked.by, controls=asked.controls, seed=asked.seed)
    return noted(found.sort_values(["q", "p"], kind="stable", ignore_index=True), _said_of_controls(table, asked))


def _said_of_controls(table: WellTable, asked: Asked) -> list[str]:
    """What the control wells are too few for, and where they lie otherwise than the others."""
    control = table.where(asked.controls)
    return control_problems(table.wells, control) + control_places(table.wells, control)


def _selectivity(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    found = selectivity(asked_table(lexicon, asked, told), asked.by, seed=asked.seed)
    rows = found.table.sort_values("selectivity", ascending=False, kind="stable", ignore_index=True)
    return noted(rows, found.notes)


def _selective(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    table = asked_table(lexicon, asked, told)
    found = selectivity(table, asked.by, seed=asked.seed)
    n_wells = int(found.values["n_wells"].sum())
    return noted(found.distribution.assign(n_features=len(table.features), n_wells=n_wells), found.notes)


def _activity(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    table = asked_table(lexicon, asked, told)
    if asked.kind is not None:
        return activity.consistency(
            table, asked.kind, asked.by, controls=asked.controls, across=asked.across, seed=asked.seed
        )
    found = activity.replicate_activity(table, asked.by, controls=asked.controls, across=asked.across, seed=asked.seed)
    return noted(found, _said_of_controls(table, asked))


def _alike(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    table = asked_table(lexicon, asked, told)
    found = activity.similar_treatments(table, asked.by, controls=asked.controls, known=asked.known)
    return noted(found, _said_of_controls(table, asked))


def _enrichment(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    table = asked_table(lexicon, asked, told)
    return treatment_enrichment(table, named_groups(lexicon.names), asked.by, controls=asked.controls, seed=asked.seed)


def _doses(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    found = dose_response(
        asked_table(lexicon, asked, told), asked.by, asked.dose, controls=asked.controls, seed=asked.seed
    )
    return found.sort_values(["q", "p"], kind="stable", ignore_index=True)


def _confounds(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    table = asked_table(lexicon, asked, told)
    found = confounds(table, asked.by, measurements=measured_wells(lexicon, asked, table, told))
    if found.table.empty:
        return noted(found.table, found.notes)
    rows = found.table.sort_values(["flagged", "explained"], ascending=False, kind="stable", ignore_index=True)
    return noted(rows, found.notes)


def _corrections(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    return corrected_probes(
        asked_table(lexicon, asked, told), asked.by, asked.across or "plate", controls=asked.controls, seed=asked.seed
    )


def _probes(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    table = asked_table(lexicon, asked, told)
    measured = measured_wells(lexicon, asked, table, told)
    beside = {} if asked.channel is not None else other_readings(lexicon, table, asked.beyond)
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
    return table.take(wells=kept), beside | plain_baselines(pooled.measured), kept


def _depth(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    table = asked_table(lexicon, asked, told)
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
    table, measured = measured_rows(lexicon, asked, told)
    return best_features(table, measured, across=asked.across, seed=asked.seed)


def _meanings(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    table, measured = measured_rows(lexicon, asked, told)
    return meanings(lexicon, table, measured, seed=asked.seed)


def _edits(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    return _of_codes(edits_asked(lexicon, asked, told).table, asked)


def edits_asked(lexicon: Lexicon, asked: Asked, told: Told = untold) -> EditsMade:
    """The table of the question ``edits`` with its pictures: of the features asked for, or of the most frequent ones.

    Raises
    ------
    LexiconError
        If the lexicon's features cannot be drawn, or none fires.
    """
    features = asked.features
    if not features:
        fires = asked_table(lexicon, asked, told).fires.mean(axis=0)
        features = tuple(int(m) for m in np.argsort(-fires, kind="stable")[:_EDITED] if fires[m] > 0)
    return edited_features(lexicon, features, seed=asked.seed, told=told)


def _stains(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    plates = chosen_plates(lexicon)
    names = [channel.name for channel in plates[0].header.channels]
    reference = lexicon.header.dictionary
    assert reference is not None  # finished fields have codes
    gatherer, along = StainCorrelations(reference.n_features, names, plates[0].joint), _along(lexicon, asked, told)
    for one in finished_fields(plates, pixels=True, told=told):
        if [channel.name for channel in one.plate.header.channels] != names:
            continue
        if along is None:
            well = f"{one.plate.id}/{one.header.well}"
            gatherer.add(well, one.codes, one.windowed, one.header.channels, lexicon.backbone.patch)
        else:
            add_along(gatherer, along, one, asked.beyond or 0)
    return gatherer.table()


def _along(lexicon: Lexicon, asked: Asked, told: Told) -> FieldsAlong | None:
    """Reads fields again where features are read by direction, which no lexicon keeps patch by patch."""
    if asked.beyond is None:
        return None
    from napari_lexicon.analysis.along import FieldsAlong

    plate_statistics(lexicon, asked.beyond)  # says what is missing
    return FieldsAlong(lexicon, told)


def _of_codes(table: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """The answer of a question that is about codes, whatever reading was asked for."""
    return table if asked.beyond is None else noted(table, ["This question is about codes, however features are read."])


def _channels(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    from napari_lexicon.analysis.channel_removal import removed_channels

    found = removed_channels(lexicon, features=asked.features, again=asked.pixels, seed=asked.seed, told=told)
    return _of_codes(found, asked)


def _cells(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    if not asked.features:
        raise LexiconError("Say which features to read in every cell: --features 12,40.")
    channel = None if asked.channel == "each" else asked.channel
    labels = labels_from(asked.labels, channel)
    return cells_of(lexicon, asked.features, labels, along=_along(lexicon, asked, told), told=told)


def _composition(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    table = asked_table(lexicon, replace(asked, channel=None), told)
    features = responding_features(lexicon, table, asked)
    numbers, along = tuple(feature for feature, _, _ in features), _along(lexicon, asked, told)
    cells = cells_of(lexicon, numbers, labels_from(asked.labels), along=along, told=told)
    columns = [f"#{feature} {channel}" for feature, channel, _ in features]
    return composition(cells[["plate", "well", *columns]], features, table, asked.by, asked.controls)


def _responders(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    return responders(_composition(lexicon, asked, told), seed=asked.seed)


def _match(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    found = matched_features(lexicon, other_lexicon(asked), told)
    return _of_codes(found.sort_values("r", ascending=False, kind="stable", ignore_index=True), asked)


def _transfer(lexicon: Lexicon, asked: Asked, told: Told) -> pd.DataFrame:
    table = asked_table(lexicon, asked, told)
    if asked.other is not None:
        other = other_lexicon(asked)
        mine, theirs = lexicon.header.dictionary, other.header.dictionary
        if mine is None or theirs is None or mine.hash != theirs.hash:
            raise LexiconFolderError(
                "The two lexicons have other dictionaries: ask match, or apply the same one to both."
            )
        return transferred(table, asked_table(other, asked, told), asked.by, controls=asked.controls, seed=asked.seed)
    return transferred_between(table, asked.by, asked.across or "plate", controls=asked.controls, seed=asked.seed)


QUESTIONS: dict[str, Question] = {
    name: Question(WORDS[name], answered)
    for name, answered in {
        "effects": _effects,
        "selectivity": _selectivity,
        "selective": _selective,
        "activity": _activity,
        "alike": _alike,
        "enrichment": _enrichment,
        "doses": _doses,
        "confounds": _confounds,
        "corrections": _corrections,
        "probes": _probes,
        "depth": _depth,
        "counts": _counts,
        "meanings": _meanings,
        "stains": _stains,
        "channels": _channels,
        "cells": _cells,
        "responders": _responders,
        "composition": _composition,
        "edits": _edits,
        "match": _match,
        "transfer": _transfer,
    }.items()
}


def answer(lexicon: Lexicon, question: str, asked: Asked, told: Told = untold) -> pd.DataFrame:
    """One question's table, with the units of its columns; see :mod:`napari_lexicon.analysis.units`.

    Raises
    ------
    LexiconError
        If there is no such question, or the lexicon does not allow it.
    """
    if question not in QUESTIONS:
        raise LexiconError(f"There is no question {question}: there are {', '.join(QUESTIONS)}.")
    try:
        found = QUESTIONS[question].answer(lexicon, replace(asked, by=treatment_column(lexicon, asked.by)), told)
    except LexiconError as error:
        if not made_of_images(lexicon):
            raise
        raise type(error)(of_images(str(error), words_of(lexicon))) from error
    return _described(found, lexicon, question, along=asked.beyond is not None)


def _described(found: pd.DataFrame, lexicon: Lexicon, question: str, *, along: bool = False) -> pd.DataFrame:
    """The table with its units; units and notes speak of images where the lexicon is made of them."""
    images = made_of_images(lexicon)
    if images:
        found = renoted(found, [of_images(note, words_of(lexicon)) for note in notes_of(found)])
    return with_units(found, question, along=along, images=images)


def answer_in_picture(lexicon: Lexicon, question: str, asked: Asked, told: Told = untold) -> tuple[pd.DataFrame, bytes]:
    """One question's table, and the PNG that goes with it.

    Raises
    ------
    LexiconError
        As :func:`answer`, and if the question is none of :data:`DRAWN`.
    """
    if question not in DRAWN:
        raise LexiconError(f"There is no picture of {question}: only of {', '.join(DRAWN)}.")
    made = edits_asked(lexicon, asked, told)
    names = dict(zip(made.table["feature"], made.table["name"], strict=True))
    table = _described(_of_codes(made.table, asked), lexicon, question)
    return table, edit_sheet(made.shown, names, lexicon.backbone.patch)
