"""The figures of the open lexicon as the docks need them: statistics of wells and the table of features.

Read in a thread; while a job runs, newly finished fields are added to what is known instead of reading all again.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_lexicon.errors import LexiconError

if TYPE_CHECKING:
    import pandas as pd

    from napari_lexicon.lexicons import Lexicon, LexiconPlate, WellStatistics
    from napari_lexicon.widgets.workspace.background import Background
    from napari_lexicon.widgets.workspace.state import MapLook, WorkspaceState

GROWTH_PAUSE_MS = 1500
MOST_SHUFFLES = 1000
NEARLY_SILENT = 0.0005
"""Part of the patches of a plate below which the code of a feature shows nothing of it."""
CALM_MS = 4000
"""How long the figures must stand still before their significance is computed, while fields are missing."""


@dataclass(frozen=True)
class Significance:
    """Whether selectivities are more than chance.

    Parameters
    ----------
    q : numpy.ndarray
        ``(M,)`` false-discovery rate of every feature for the value it is most selective for, NaN where it never fires.
    wells : numpy.ndarray
        ``(M,)`` wells with that value.
    n_wells : int
        Wells compared in all.
    shuffles : int
        Behind the null.
    """

    q: np.ndarray
    wells: np.ndarray
    n_wells: int
    shuffles: int


def n_shuffles(n_features: int, n_values: int) -> int:
    """As many shuffles as take about three seconds, 100 to 1,000.

    A shuffle of 384 wells with 8192 features takes 5 ms for 24 values and 11 ms for 96 on one core.
    """
    return int(np.clip(3000 / (2 + 1.2e-5 * n_features * n_values), 100, MOST_SHUFFLES))


def read_significance(figures: Figures, plate: LexiconPlate) -> Significance | None:
    """Test every feature for every value against shuffled wells; None where the comparison is no selectivity.

    See :func:`napari_lexicon.analysis.selectivity.selectivity`.
    """
    if figures.compared_by is None or "q" not in figures.table.columns:
        return None
    if "spearman" in figures.table.columns:
        return trend_significance(figures.table["spearman"].to_numpy(), figures.table["fires"].to_numpy() > 0, figures)
    from napari_lexicon.analysis.features import PlateStatistics
    from napari_lexicon.analysis.selectivity import selectivity
    from napari_lexicon.analysis.well_table import well_table

    one = PlateStatistics(plate.header.name, figures.read, plate.map, channels_of(plate))
    table = well_table([one])
    n_features = table.fires.shape[1]
    table = table.take(features=np.asarray(table.fires.any(axis=0)))
    labels = table.labels(figures.compared_by)
    shuffles = n_shuffles(len(table.features), labels.nunique())
    found = selectivity(table, figures.compared_by, permutations=shuffles).table
    best = figures.table["best_value"].to_numpy().astype(str)
    rows = found[found["value"].to_numpy() == best[found["feature"].to_numpy()]]
    q, wells = np.full(n_features, np.nan), np.zeros(n_features, dtype=int)
    q[rows["feature"]], wells[rows["feature"]] = rows["q"], rows["n_wells"]
    return Significance(q, wells, int(labels.notna().sum()), shuffles)


def trend_significance(rho: np.ndarray, fires: np.ndarray, figures: Figures) -> Significance:
    """False-discovery rate of rank correlations with a column of numbers, over the features that fire."""
    from scipy import stats

    from napari_lexicon.analysis.false_discovery import benjamini_hochberg

    n = figures.n_compared
    q = np.full(len(rho), np.nan)
    if n > 2 and fires.any():
        known = rho[fires]
        t = np.abs(known) * np.sqrt((n - 2) / np.maximum(1 - known**2, 1e-12))
        q[fires] = benjamini_hochberg(2 * stats.t.sf(t, n - 2))
    return Significance(q, np.full(len(rho), n), n, 0)


def read_flags(figures: Figures, plate: LexiconPlate, biology: str) -> np.ndarray:
    """``(M,)`` what every feature follows more than the biology, empty where nothing.

    See :func:`napari_lexicon.analysis.confounds.confounds`: place on the plate and batch, not what was measured.
    """
    from napari_lexicon.analysis.confounds import confounds
    from napari_lexicon.analysis.features import PlateStatistics
    from napari_lexicon.analysis.well_table import well_table

    one = PlateStatistics(
        plate.header.name, figures.read, plate.map, channels_of(plate), (plate.header.rows, plate.header.columns)
    )
    flags = confounds(well_table([one]), biology).flags()
    said = np.full(figures.statistics.n_features, "", dtype=object)
    said[flags["feature"].to_numpy()] = flags["because"].to_numpy()
    return said


def channels_of(plate: LexiconPlate) -> tuple[str, ...]:
    """Names of the channels whose tokens are counted apart."""
    return ("all channels",) if plate.joint else tuple(channel.name for channel in plate.header.channels)


@dataclass(frozen=True)
class Figures:
    """What is known of the finished fields of one plate.

    Parameters
    ----------
    statistics : WellStatistics
        Of the codes.
    read : WellStatistics
        As features are read: of the codes, or of how far patches lie along their directions.
    table : pandas.DataFrame
        One row per feature (:func:`napari_lexicon.analysis.features.features_table`), with the columns of the
        comparison where one was asked for and can be made.
    numbers : frozenset of int
        Fields that went into it.
    compared_by : str, optional
        Column of the plate map that the comparison is by.
    why_not : str
        Why there is no comparison, where one was asked for.
    significance : Significance, optional
        Of the comparison, None until it is computed or where it cannot be.
    n_compared : int
        Wells behind a rank correlation.
    beyond : float, optional
        Standard deviations of controls beyond which a patch counts along a feature; None where codes are read.
    """

    statistics: WellStatistics
    read: WellStatistics
    table: pd.DataFrame
    numbers: frozenset[int]
    compared_by: str | None = None
    why_not: str = ""
    significance: Significance | None = None
    n_compared: int = 0
    beyond: float | None = None


def read_figures(
    lexicon: Lexicon,
    plate: LexiconPlate,
    known: Figures | None,
    compare_by: str | None,
    beyond: float | None = None,
) -> Figures | None:
    """Figures of a plate, going on from what is known; None where no field is finished."""
    plate.refresh()
    done = frozenset(number for number in range(len(plate.fields)) if plate.mark("codes", number) is not None)
    if not done:
        return None
    if known is None or not known.numbers <= done or len(done) == len(plate.fields):
        statistics = plate.statistics()
    else:
        statistics = copy.deepcopy(known.statistics)
        for number in sorted(done - known.numbers):
            header = plate.fields[number]
            channels = (0,) if plate.joint else header.channels
            statistics.add(statistics.wells.index(header.well), number, channels, plate.field_statistics(number))
    read = statistics if beyond is None else _along(lexicon, plate, beyond)
    table, why_not, n_compared = _table(lexicon, plate, read, compare_by, beyond)
    by = None if why_not else compare_by
    return Figures(statistics, read, table, done, by, why_not, n_compared=n_compared, beyond=beyond)


def _along(lexicon: Lexicon, plate: LexiconPlate, beyond: float) -> WellStatistics:
    from napari_lexicon.analysis.lexicon_tables import statistics_along

    return statistics_along(lexicon, plate, beyond)


def _table(
    lexicon: Lexicon, plate: LexiconPlate, statistics: WellStatistics, compare_by: str | None, beyond: float | None
) -> tuple[pd.DataFrame, str, int]:
    from napari_lexicon.analysis.features import PlateStatistics, features_table, selectivity_table
    from napari_lexicon.analysis.lexicon_tables import stability_of

    one = PlateStatistics(plate.header.name, statistics, plate.map, channels_of(plate), beyond=beyond)
    table = features_table([one], lexicon.names, stability_of(lexicon))
    table["dead"] = np.where(table["fires"] > 0, "", "dead")
    if compare_by is None:
        return table, "", 0
    try:
        compared = selectivity_table([one], compare_by)
    except LexiconError as error:
        return table, str(error), 0
    wanted = [name for name in ("best_value", "selectivity", "spearman") if name in compared.columns]
    table = table.join(compared[wanted])
    if "selectivity" in wanted or "spearman" in wanted:
        table["q"] = np.nan  # until it is computed
    n_compared = int(compared["n_wells"].iloc[0]) if "spearman" in wanted and len(compared) else 0
    return table, "", n_compared


class LexiconReading(QObject):
    """Keeps the figures of the current plate in the current lexicon up to date.

    Signals
    -------
    changed(Figures or None)
        The figures as they are now.
    """

    changed = Signal(object)

    def __init__(self, state: WorkspaceState, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._background = state, background
        self._figures: Figures | None = None
        self._of: tuple[str, str] | None = None
        self._compare_by: str | None = None
        self._beyond: float | None = None
        self._asked = False
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(GROWTH_PAUSE_MS)
        self._pause.timeout.connect(self._read_if_asked)
        self._calm = QTimer(self)
        self._calm.setSingleShot(True)
        self._calm.timeout.connect(self._test)
        state.lexiconChanged.connect(self._reread)
        state.plateChanged.connect(self._reread)
        state.lexiconGrew.connect(self._grow)

    @property
    def figures(self) -> Figures | None:
        """Figures of the finished fields, None before the first is finished or read."""
        return self._figures

    @property
    def compare_by(self) -> str | None:
        """Column of the plate map that features are compared by."""
        return self._compare_by

    def set_compare_by(self, column: str | None) -> None:
        """Compare features by another column of the plate map."""
        if column != self._compare_by:
            self._compare_by = column
            self._read()

    @property
    def beyond(self) -> float | None:
        """How far along a feature a patch must lie to count, standard deviations of controls; None: by its code."""
        return self._beyond

    def set_beyond(self, beyond: float | None) -> None:
        """Read features by their direction, or by their code."""
        if beyond != self._beyond:
            self._beyond = beyond
            self._read()

    def strongest(self, feature: int) -> float:
        """The feature's largest value over the plate, 0 where it never fires or is not known."""
        if self._figures is None or feature >= self._figures.statistics.n_features:
            return 0.0
        return float(self._figures.statistics.strongest[:, :, feature].max())

    def look_of(self, feature: int) -> MapLook:
        """What the map of a feature is made of: as a person chose, else its code.

        A feature with a name that is in (nearly) no patch of the plate by its code is shown by its direction, which may
        mark every place that it is named for: other features took them in the pursuit.
        """
        look = self._state.look
        if look.kind != "auto":
            return look
        lexicon, figures = self._state.lexicon, self._figures
        if lexicon is None or figures is None or feature >= len(figures.table):
            return replace(look, kind="code")
        named = lexicon.names.get(feature)
        statistics = figures.statistics
        fires = statistics.active[:, :, feature].sum(dtype=np.float64) / max(1, statistics.tokens.sum())
        silent = named is not None and named.name and fires < NEARLY_SILENT
        return replace(look, kind="direction" if silent else "code")

    def controls(self) -> np.ndarray | None:
        """``(W,)`` bool: control wells among those of the figures; None where the plate map names none."""
        from napari_lexicon.analysis.conditions import control_wells

        figures, plate = self._figures, self._state.plate
        if figures is None or plate is None:
            return None
        control = control_wells(plate.map, figures.statistics.wells)
        return control if control.any() else None

    def usual_in_controls(self, feature: int, channel: int | None) -> float:
        """The feature's mean value where it fires in control wells, 0 where it never does or there are none."""
        control = self.controls()
        if control is None or self._figures is None:
            return 0.0
        return self._figures.statistics.mean_where_active(feature, channel, control)

    def _reread(self) -> None:
        plate = self._state.lexicon_plate
        of = None
        if plate is not None and self._state.lexicon is not None:
            of = (str(self._state.lexicon.path), plate.id)
        self._figures, self._of = None, of
        self._calm.stop()
        self._background.forget("significance")
        self.changed.emit(None)
        self._read()

    def _grow(self) -> None:
        self._asked = True
        if not self._pause.isActive() and not self._background.busy("figures"):
            self._read()

    def _read_if_asked(self) -> None:
        if self._asked:
            self._read()

    def _read(self) -> None:
        lexicon, plate = self._state.lexicon, self._state.lexicon_plate
        self._asked = False
        if lexicon is None or plate is None or lexicon.header.dictionary is None:
            self._background.forget("figures")
            return
        known, column, beyond = self._figures, self._compare_by, self._beyond
        self._background.start(
            "figures",
            lambda: read_figures(lexicon, plate, known, column, beyond),
            self._take,
            lambda error: self._not_read(error, beyond),
        )

    def _take(self, figures: Figures | None) -> None:
        self._figures = figures
        self._background.forget("significance")
        self._background.forget("flags")
        plate = self._state.lexicon_plate
        if figures is not None and plate is not None:
            self._calm.start(0 if len(figures.numbers) == len(plate.fields) else CALM_MS)
        self.changed.emit(figures)
        self._pause.start()

    def _test(self) -> None:
        figures, plate = self._figures, self._state.lexicon_plate
        if figures is None or plate is None or figures.significance is not None:
            return
        if figures.compared_by is None:
            self._flag()
            return
        self._background.start(
            "significance", lambda: read_significance(figures, plate), self._take_significance, self._not_tested
        )

    def _take_significance(self, found: Significance | None) -> None:
        if found is not None and self._figures is not None:
            table = self._figures.table.assign(q=found.q)
            self._figures = replace(self._figures, table=table, significance=found)
            self.changed.emit(self._figures)
        self._flag()

    def _flag(self) -> None:
        """Find features that follow the place of the well; only for whole plates, and after all else is known."""
        from napari_lexicon.widgets.workspace.field_reading import treatment_column

        figures, plate, known = self._figures, self._state.lexicon_plate, self._state.plate
        biology = None if known is None else treatment_column(known)
        if figures is None or plate is None or biology is None or "flag" in figures.table.columns:
            return
        if len(figures.numbers) < len(plate.fields):
            return
        self._background.start("flags", lambda: read_flags(figures, plate, biology), self._take_flags, self._not_tested)

    def _take_flags(self, flags: np.ndarray) -> None:
        if self._figures is not None and len(flags) == len(self._figures.table):
            self._figures = replace(self._figures, table=self._figures.table.assign(flag=flags))
            self.changed.emit(self._figures)

    def _not_tested(self, error: Exception) -> None:
        """The selectivities stand; a column that cannot be tested (every well another value) keeps its dash."""

    def _not_read(self, error: Exception, beyond: float | None) -> None:
        self._state.notice(str(error), "error")
        if beyond is not None and beyond == self._beyond:  # an earlier lexicon has no directions: codes are there
            self.set_beyond(None)
            return
        self._pause.start()
