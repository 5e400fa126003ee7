"""The figures of a lexicon as the docks need them: statistics of wells, the table of features, what may be chance.

Plain functions, read in a thread. No Qt.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_lexicon.errors import LexiconError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from napari_lexicon.lexicons import Lexicon, LexiconPlate, WellStatistics
    from napari_lexicon.lexicons.statistics import StrongestPlaces

MOST_SHUFFLES = 1000


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


def read_significance(
    figures: Figures, plate: LexiconPlate, between: Callable[[], None] | None = None
) -> Significance | None:
    """Test every feature for every value against shuffled wells; None where the comparison is no selectivity.

    ``between`` is called between shuffles. See :func:`napari_lexicon.analysis.selectivity.selectivity`.
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
    found = selectivity(table, figures.compared_by, permutations=shuffles, between=between).table
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
    farthest : StrongestPlaces, optional
        Where patches lie farthest along each feature; None before the plate is whole, or where it was not kept.
    images : bool
        The wells are loose images.
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
    farthest: StrongestPlaces | None = None
    images: bool = False

    def places(self, by_direction: bool) -> StrongestPlaces:
        """The strongest places of every feature: by its code, or along its direction where these were kept."""
        return self.farthest if by_direction and self.farthest is not None else self.statistics.places

    def counts_as(self, other: Figures) -> bool:
        """Whether both count the same: what differs is of the table only."""
        return self.statistics is other.statistics and self.beyond == other.beyond


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
    farthest = plate.farthest_places() if len(done) == len(plate.fields) else None
    return Figures(
        *(statistics, read, table, done, by, why_not),
        n_compared=n_compared,
        beyond=beyond,
        farthest=farthest,
        images=plate.header.rows == 0,
    )


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
