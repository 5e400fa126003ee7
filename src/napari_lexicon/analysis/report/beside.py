"""What a report asks beside treatments: selectivity, probes, corrections, counts, cells, other plates, names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import pandas as pd

from napari_lexicon.analysis.associations import best_features
from napari_lexicon.analysis.corrected_probes import corrected_probes
from napari_lexicon.analysis.enrichment import named_groups, treatment_enrichment
from napari_lexicon.analysis.matching import transferred_between
from napari_lexicon.analysis.meanings import meanings
from napari_lexicon.analysis.morphology import plain_baselines
from napari_lexicon.analysis.plate_cells import cells_of
from napari_lexicon.analysis.pooled_names import MODEL, RANDOM
from napari_lexicon.analysis.probed_readings import other_readings
from napari_lexicon.analysis.probes import probes
from napari_lexicon.analysis.reading import Told
from napari_lexicon.analysis.report.extras import Pooled
from napari_lexicon.analysis.responders import composition, responders
from napari_lexicon.analysis.segmentation import labels_from
from napari_lexicon.analysis.selectivity import Selectivity, selectivity
from napari_lexicon.analysis.well_table import WellTable
from napari_lexicon.errors import LexiconError
from napari_lexicon.lexicons import Lexicon

if TYPE_CHECKING:
    from napari_lexicon.analysis.along import FieldsAlong

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Beside:
    """Tables of the questions beside treatments; None where the lexicon does not allow one."""

    selective: Selectivity | None = None
    probes: pd.DataFrame | None = None
    corrections: pd.DataFrame | None = None
    counts: pd.DataFrame | None = None
    meanings: pd.DataFrame | None = None
    responders: pd.DataFrame | None = None
    transfer: pd.DataFrame | None = None
    enrichment: pd.DataFrame | None = None
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Circumstances:
    """What the questions are put to.

    Parameters
    ----------
    lexicon : Lexicon
        With codes.
    every : WellTable
        Features over all channels together.
    single : WellTable
        Features in every channel by itself.
    by, controls : str
        Column of treatments, and question that chooses the controls.
    compared : bool
        Whether treatments could be compared with controls.
    measured : pandas.DataFrame, optional
        Brightness, sharpness and nuclei of the wells.
    pooled : Pooled, optional
        Mean tokens of wells.
    features : sequence of tuple
        Number, channel and name of the features that are read in cells.
    cells : bool
        Segment nuclei and read features in them.
    permutations, seed : int
        Shuffles.
    beyond : float, optional
        How features are read, as in :class:`~napari_lexicon.analysis.report.findings.ReportSettings`.
    along : FieldsAlong, optional
        Reads cells by direction; by code where None.
    """

    lexicon: Lexicon
    every: WellTable
    single: WellTable
    by: str
    controls: str
    compared: bool
    measured: pd.DataFrame | None
    pooled: Pooled | None
    features: Sequence[tuple[int, str, str]]
    cells: bool
    permutations: int
    seed: int
    beyond: float | None = None
    along: FieldsAlong | None = None


def beside(one: Circumstances, told: Told) -> Beside:
    """Ask every question that the lexicon allows; what it does not allow is said where a person could expect it."""
    told(0, 0, "selectivity, probes, counts")
    notes: list[str] = []
    plates = one.every.wells["plate"].nunique()

    def tried(ask: Callable[[], Answer], sentence: str = "") -> Answer | None:
        try:
            return ask()
        except LexiconError as error:
            if sentence:
                notes.append(f"{sentence} {error}")
            return None

    selective = found = corrections = transfer = enriched = reacting = None
    if one.compared:
        selective = tried(
            lambda: selectivity(one.single, one.by, permutations=one.permutations, seed=one.seed), "No selectivity."
        )
        found = tried(lambda: _probes(one), "No probes.")
        if len(one.lexicon.names):
            enriched = tried(
                lambda: treatment_enrichment(
                    one.every, named_groups(one.lexicon.names), one.by, controls=one.controls, seed=one.seed
                )
            )
        if plates > 1:
            corrections = tried(
                lambda: corrected_probes(one.every, one.by, "plate", controls=one.controls, seed=one.seed),
                "Corrections were not compared.",
            )
            transfer = tried(
                lambda: transferred_between(one.every, one.by, "plate", controls=one.controls, seed=one.seed),
                "Plates were not compared with each other.",
            )
        if one.cells and one.features:
            reacting = tried(lambda: _responders(one, told), "Cells were not looked at.")
    counts = about = None
    if one.measured is not None and one.measured.shape[1]:
        measured = one.measured
        counts = tried(lambda: best_features(one.every, measured, seed=one.seed))
        about = tried(lambda: meanings(one.lexicon, one.every, measured, seed=one.seed))
    return Beside(selective, found, corrections, counts, about, reacting, transfer, enriched, tuple(notes))


def _probes(one: Circumstances) -> pd.DataFrame:
    """The probe of features, beside embeddings, a random network and morphology where wells were embedded again."""
    table = one.every
    beside = other_readings(one.lexicon, table, one.beyond)
    measured = one.measured
    if one.pooled is not None:
        table, pooled = one.every.take(wells=one.pooled.rows), one.pooled.tokens
        beside = {name: values[one.pooled.rows] for name, values in beside.items()}
        measured = None if measured is None else measured.iloc[one.pooled.rows].reset_index(drop=True)
        own = pooled.numbers.index(one.lexicon.backbone.layer)
        beside["embeddings"] = pooled.layers[MODEL][own]
        if pooled.reconstructed.shape[1]:
            beside["reconstructions"] = pooled.reconstructed
        if RANDOM in pooled.layers:
            beside["random network"] = pooled.layers[RANDOM][own]
        beside |= plain_baselines(pooled.measured)
    if measured is not None:
        full = measured.dropna(axis=1)
        bright = full[[name for name in full if str(name).startswith("brightness")]]
        if bright.shape[1]:
            beside["brightness"] = bright.to_numpy(dtype=float)
        if "nuclei" in full:
            beside["number of nuclei"] = full["nuclei"].to_numpy(dtype=float)
    return probes(table, one.by, beside=beside, seed=one.seed)


def _responders(one: Circumstances, told: Told) -> pd.DataFrame:
    numbers = tuple(dict.fromkeys(feature for feature, _, _ in one.features))
    cells = cells_of(one.lexicon, numbers, labels_from(None), fields_per_well=1, along=one.along, told=told)
    columns = [f"#{feature} {channel}" for feature, channel, _ in one.features]
    composed = composition(
        cells[["plate", "well", *columns]].fillna(0.0), one.features, one.every, one.by, one.controls
    )
    return responders(composed, seed=one.seed)
