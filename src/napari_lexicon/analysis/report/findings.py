"""What a report says: every question that the plate map allows, asked once, before anything is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_lexicon.analysis.activity import replicate_activity, similar_treatments
from napari_lexicon.analysis.conditions import CONTROLS
from napari_lexicon.analysis.confounds import Confounds
from napari_lexicon.analysis.corrections import control_places, control_problems
from napari_lexicon.analysis.doses import dose_response
from napari_lexicon.analysis.edited_places import EditsMade
from napari_lexicon.analysis.effects import treatment_effects
from napari_lexicon.analysis.features import PlateStatistics, features_table
from napari_lexicon.analysis.lexicon_tables import plate_statistics, stability_of, treatment_column
from napari_lexicon.analysis.reading import Told, untold
from napari_lexicon.analysis.report.beside import Beside, Circumstances, beside
from napari_lexicon.analysis.report.confounded import confounded
from napari_lexicon.analysis.report.extras import Pooled
from napari_lexicon.analysis.report.frequent import frequent_rows
from napari_lexicon.analysis.report.read_again import of_network, read_along, without_channels
from napari_lexicon.analysis.report.second import beside_other
from napari_lexicon.analysis.report.stains import MOST_READ_AGAIN, measured_stains
from napari_lexicon.analysis.well_table import ALL_CHANNELS, WellTable, well_table, wells_at
from napari_lexicon.errors import LexiconError, PlateMapError
from napari_lexicon.lexicons import Lexicon
from napari_lexicon.plates.plate_map_columns import PERT_TYPE

if TYPE_CHECKING:
    from napari_lexicon.analysis.along import FieldsAlong

LEAST_PATCHES = 20  # a feature that fires in fewer patches of a channel over all wells is not tested
GROUND = -0.1  # correlation with its own stain below which a feature is one of empty ground, and shown last
_SHOWN = 28  # rows of the heat map
_ALIKE = 0.97  # correlation over wells from which two features count as the same for the pictures


@dataclass(frozen=True)
class ReportSettings:
    """What a report is asked.

    Parameters
    ----------
    by : str
        Column of the plate map that names the treatment.
    controls : str
        Question that chooses the negative controls.
    dose : str
        Column of doses; no dose curves where the plate map has none.
    features : int
        How many features are shown with pictures.
    tiles : int
        Strongest places shown of each.
    fdr : float
        False-discovery rate up to which a difference is called.
    permutations : int
        Shuffles behind each null.
    seed : int
        Of the shuffles.
    pixels : bool
        Open the images, for pictures, stains and measurements.
    network : bool
        Run the model again, for layers and edited features (with ``pixels``, and a model that allows it).
    beyond : float, optional
        Read features by their direction: a feature fires in a patch that lies more than so many standard deviations of
        control patches along it (1, 2 or 3). By the sparse code where None.
    other : path, optional
        Second lexicon: of another dictionary over the same plate, or of the same dictionary over other plates.
    """

    by: str = "Metadata_perturbation"
    controls: str = CONTROLS
    dose: str = "Metadata_concentration"
    features: int = 8
    tiles: int = 8
    fdr: float = 0.05
    permutations: int = 200
    seed: int = 0
    pixels: bool = True
    network: bool = True
    beyond: float | None = None
    other: Path | None = None


@dataclass(frozen=True)
class Chosen:
    """A feature that is shown in full, and the treatment that it was chosen for (empty without treatments)."""

    row: int  # of the table of features
    feature: int
    channel: str
    name: str
    treatment: str = ""

    @property
    def label(self) -> str:
        """Its name, its number and its channel."""
        named = self.name if self.name == f"#{self.feature}" else f"{self.name} (#{self.feature})"
        return named if self.channel == ALL_CHANNELS else f"{named} in {self.channel}"


@dataclass(frozen=True)
class Findings:
    """Everything a report draws; parts that the lexicon does not allow are None, and ``notes`` says why."""

    lexicon: Lexicon
    settings: ReportSettings
    plates: tuple[PlateStatistics, ...]
    table: WellTable  # features that fire often enough, in every channel by itself
    n_features: int
    features: pd.DataFrame
    shown: tuple[Chosen, ...] = ()  # rows of the heat map
    chosen: tuple[Chosen, ...] = ()  # the first of them, shown in full
    effects: pd.DataFrame | None = None
    activity: pd.DataFrame | None = None
    alike: pd.DataFrame | None = None
    doses: pd.DataFrame | None = None
    confounds: Confounds | None = None
    measured: pd.DataFrame | None = None
    n_measured: int = 0
    stains: pd.DataFrame | None = None
    channels: pd.DataFrame | None = None
    edits: EditsMade | None = None
    depth: pd.DataFrame | None = None
    beside: Beside = field(default_factory=Beside)
    matched: pd.DataFrame | None = None
    other: str = ""  # name of the second lexicon
    along: FieldsAlong | None = None  # reads fields again, where features are read by direction and the model is there
    notes: tuple[str, ...] = field(default=())

    @property
    def reading(self) -> str:
        """When a feature fires in a patch, to follow "A feature fires in a patch"."""
        if self.settings.beyond is None:
            return "where its coefficients add up to more than 0"
        return (
            f"that lies more than {self.settings.beyond:g} "
            f"standard deviation{'' if self.settings.beyond == 1 else 's'} of control patches along it, whether or "
            "not its code is there"
        )

    @property
    def control(self) -> np.ndarray:
        """``(W,)`` bool: control wells; none where the plate map does not say."""
        try:
            return self.table.where(self.settings.controls)
        except PlateMapError:
            return np.zeros(len(self.table), dtype=bool)

    @property
    def labels(self) -> pd.Series | None:
        """Treatment of every well, None without such a column."""
        try:
            return self.table.names(self.settings.by)
        except PlateMapError:
            return None

    def hits(self) -> pd.DataFrame:
        """Rows of ``effects`` that pass the false-discovery rate."""
        assert self.effects is not None
        return self.effects[self.effects["q"] <= self.settings.fdr]

    def placed(self) -> np.ndarray:
        """``(F,)`` bool: features that follow where a well lies, beyond its treatment."""
        rows = self.table.features
        if self.confounds is None or not len(self.confounds.table):
            return np.zeros(len(rows), dtype=bool)
        tested = self.confounds.nuisances.set_index("nuisance")["tested"]
        own = self.confounds.table
        bad = own[own["flagged"] & (own["nuisance"].map(tested) == "beyond")]
        keys = pd.MultiIndex.from_frame(bad[["feature", "channel"]])
        return np.asarray(pd.MultiIndex.from_frame(rows[["feature", "channel"]]).isin(keys))

    def told_apart(self) -> dict[str, int]:
        """For every treatment the number of features that tell it from controls, most first."""
        assert self.effects is not None
        called = (self.effects["q"] <= self.settings.fdr).groupby(self.effects["treatment"]).sum()
        return {str(name): int(n) for name, n in called.sort_values(ascending=False, kind="stable").items()}


def gathered(lexicon: Lexicon, settings: ReportSettings | None = None, told: Told = untold) -> Findings:
    """Ask a lexicon everything that a report says.

    Parameters
    ----------
    lexicon : Lexicon
        With codes.
    settings : ReportSettings, optional
        What is asked.
    told : callable
        Told of every field that is read.

    Raises
    ------
    LexiconError
        If the lexicon has no codes, or a column that was asked for by name is missing.
    """
    settings = settings or ReportSettings()
    column = treatment_column(lexicon, settings.by)
    told_by = () if column == settings.by else (f"The plate map names no treatment: {column} stands in its place.",)
    settings = replace(settings, by=column)
    plates = tuple(plate_statistics(lexicon, settings.beyond))
    joint = any(plate.joint for plate in lexicon.plates.values())
    full = well_table(plates, lexicon.names, None if joint else "each")
    patches = (full.fires.astype(np.float64) * full.tokens).sum(axis=0)
    table = full.take(features=patches >= LEAST_PATCHES)
    found = Findings(
        lexicon=lexicon,
        settings=settings,
        plates=plates,
        table=table,
        n_features=plates[0].statistics.n_features,
        features=features_table(plates, lexicon.names, stability_of(lexicon)),
        notes=told_by,
    )
    done = sum(int((plate.statistics.tokens.sum(axis=1) > 0).sum()) for plate in plates)
    if done > len(table):
        sentence = f"{done - len(table)} wells have a channel in which every patch is dark, and are left out."
        found = replace(found, notes=(*found.notes, sentence))
    told(0, 0, "comparing treatments with controls")
    found = _compared(found)
    if settings.pixels:
        found = _measured(found, told)
    if settings.beyond is not None and found.n_measured:
        found = read_along(found, told)
    found = confounded(found)
    shown = tuple(_chosen(found))
    found = replace(found, shown=shown, chosen=shown[: settings.features])
    pooled = None
    if settings.pixels and settings.network and found.n_measured:
        found, pooled = of_network(found, told)
        if joint:
            found = without_channels(found, told)
    return beside_other(_beside(found, pooled, told), told)


def _beside(found: Findings, pooled: Pooled | None, told: Told) -> Findings:
    """The questions beside treatments."""
    settings, rgb = found.settings, any(plate.header.rgb for plate in found.lexicon.plates.values())
    asked = Circumstances(
        lexicon=found.lexicon,
        every=_over_channels(found),
        single=found.table,
        by=settings.by,
        controls=settings.controls,
        compared=found.effects is not None,
        measured=found.measured,
        pooled=pooled,
        features=[(one.feature, one.channel, one.name) for one in found.chosen],
        cells=bool(found.n_measured) and not rgb,
        permutations=settings.permutations,
        seed=settings.seed,
        beyond=settings.beyond,
        along=found.along if len(found.table) <= MOST_READ_AGAIN else None,
    )
    more = beside(asked, told)
    return replace(found, beside=more, notes=(*found.notes, *more.notes))


def _compared(found: Findings) -> Findings:
    """Effects, activity, likeness and doses, as far as the plate map goes."""
    settings, table, notes = found.settings, found.table, []
    every = _over_channels(found)
    try:
        effects = treatment_effects(
            table,
            settings.by,
            controls=settings.controls,
            permutations=settings.permutations,
            seed=settings.seed,
        )
    except PlateMapError as error:
        if settings.by not in (ReportSettings.by, PERT_TYPE) or settings.controls != ReportSettings.controls:
            raise
        return replace(found, notes=(*found.notes, f"Treatments were not compared with controls. {error}"))
    notes += control_problems(table.wells, found.control) + control_places(table.wells, found.control)
    activity = alike = doses = None
    try:
        activity = replicate_activity(every, settings.by, controls=settings.controls, seed=settings.seed)
    except PlateMapError as error:
        notes.append(f"Replicates were not compared with each other. {error}")
    if effects["treatment"].nunique() > 1:
        alike = similar_treatments(every, settings.by, controls=settings.controls)
    try:
        doses = dose_response(
            table,
            settings.by,
            settings.dose,
            controls=settings.controls,
            permutations=settings.permutations,
            seed=settings.seed,
        )
    except PlateMapError as error:
        if settings.dose != ReportSettings.dose:
            raise
        notes.append(f"No dose curves. {error}")
    return replace(found, effects=effects, activity=activity, alike=alike, doses=doses, notes=(*found.notes, *notes))


def _over_channels(found: Findings) -> WellTable:
    """The same wells with every feature over all channels: what profiles are made of."""
    every = well_table(found.plates, found.lexicon.names)
    return every.take(wells=wells_at(every, found.table.wells))


def _chosen(found: Findings) -> list[Chosen]:
    """Features to show: of each treatment in turn the largest difference among those called, no two alike."""
    most = max(_SHOWN, found.settings.features)
    rows = found.table.features.reset_index(drop=True)
    if found.effects is None:
        order = frequent_rows(found.table, found.lexicon if found.n_measured else None)
        picked = _unlike(found.table.fires, [(int(row), "") for row in order], most)
    else:
        picked = _unlike(found.table.fires, _by_treatment(found, len(rows), most), most)
    return [
        Chosen(row, int(rows["feature"][row]), str(rows["channel"][row]), str(rows["name"][row]), treatment)
        for row, treatment in picked
    ]


def _by_treatment(found: Findings, n_rows: int, most: int) -> list[tuple[int, str]]:
    """``(row, treatment)`` in the order in which features are shown: the best of every treatment, then the second…"""
    effects = found.effects
    assert effects is not None
    size = np.abs(np.arcsin(np.sqrt(effects["treated"])) - np.arcsin(np.sqrt(effects["control"]))).to_numpy()
    ground = _ground(found) * 1 + found.placed() * 2  # shown after what neither place nor empty ground explains
    called = (effects["q"] <= found.settings.fdr).to_numpy()
    turns: dict[str, list[int]] = {}
    best: dict[str, float] = {}
    for treatment in effects["treatment"].unique():
        use = np.flatnonzero((effects["treatment"] == treatment).to_numpy() & called)
        if not len(use):
            continue
        order = use[np.lexsort((-size[use], ground[use % n_rows]))]
        turns[str(treatment)] = [int(one % n_rows) for one in order[: 4 * most]]
        best[str(treatment)] = float(size[order[0]])
    if not turns:
        # nothing is called: what follows the dose most surely, else what comes nearest to being called
        doses = found.doses
        rows = doses if doses is not None and (doses["q"] <= found.settings.fdr).any() else effects
        order = np.lexsort((rows["p"].to_numpy(), rows["q"].to_numpy()))[: 4 * most]
        return [(int(one % n_rows), str(rows["treatment"].iloc[one])) for one in order]
    treatments = sorted(turns, key=lambda name: -best[name])
    longest = max(len(rows) for rows in turns.values())
    pairs = [(turns[name][turn], name) for turn in range(longest) for name in treatments if turn < len(turns[name])]
    return sorted(pairs, key=lambda pair: int(ground[pair[0]]))


def _ground(found: Findings) -> np.ndarray:
    """``(F,)`` bool: features that fire where their own stain is dark; nobody where no pixels were read."""
    rows = found.table.features
    if found.stains is None:
        return np.zeros(len(rows), dtype=bool)
    own = found.stains[found.stains["channel"] == found.stains["stain"]].set_index(["feature", "channel"])["r"]
    keys = pd.MultiIndex.from_frame(rows[["feature", "channel"]])
    return np.asarray(own.reindex(keys).to_numpy() < GROUND)


def _unlike(fires: np.ndarray, candidates: Sequence[tuple[int, str]], most: int) -> list[tuple[int, str]]:
    picked: list[tuple[int, str]] = []
    kept: list[np.ndarray] = []
    for row, treatment in candidates:
        if len(picked) == most:
            break
        values = fires[:, row].astype(np.float64)
        values = values - values.mean()
        unit = values / max(float(np.linalg.norm(values)), 1e-12)
        if all(abs(float(unit @ other)) < _ALIKE for other in kept):
            picked.append((row, treatment))
            kept.append(unit)
    return picked


def _measured(found: Findings, told: Told) -> Findings:
    """Brightness, sharpness, nuclei and stains, from the pixels of one field per well."""
    try:
        measured, stains, n_read = measured_stains(found, told)
    except LexiconError as error:
        return replace(found, notes=(*found.notes, f"No pictures and no measurements. {error}"))
    return replace(found, measured=measured, n_measured=n_read, stains=stains)
