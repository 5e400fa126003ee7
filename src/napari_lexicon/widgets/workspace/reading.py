"""The figures of the open lexicon as the docks need them: statistics of wells and the table of features.

Read in a thread; while a job runs, newly finished fields are added to what is known instead of reading all again.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer, Signal

from napari_lexicon.errors import LexiconError

if TYPE_CHECKING:
    import pandas as pd

    from napari_lexicon.lexicons import Lexicon, LexiconPlate, WellStatistics
    from napari_lexicon.widgets.workspace.background import Background
    from napari_lexicon.widgets.workspace.state import WorkspaceState

GROWTH_PAUSE_MS = 1500


@dataclass(frozen=True)
class Figures:
    """What is known of the finished fields of one plate.

    Parameters
    ----------
    statistics : WellStatistics
    table : pandas.DataFrame
        One row per feature (:func:`napari_lexicon.analysis.features.features_table`), with the columns of the
        comparison where one was asked for and can be made.
    numbers : frozenset of int
        Fields that went into it.
    compared_by : str, optional
        Column of the plate map that the comparison is by.
    why_not : str
        Why there is no comparison, where one was asked for.
    """

    statistics: WellStatistics
    table: pd.DataFrame
    numbers: frozenset[int]
    compared_by: str | None = None
    why_not: str = ""


def read_figures(
    lexicon: Lexicon, plate: LexiconPlate, known: Figures | None, compare_by: str | None
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
    table, why_not = _table(lexicon, plate, statistics, compare_by)
    return Figures(statistics, table, done, None if why_not else compare_by, why_not)


def _table(
    lexicon: Lexicon, plate: LexiconPlate, statistics: WellStatistics, compare_by: str | None
) -> tuple[pd.DataFrame, str]:
    from napari_lexicon.analysis.features import PlateStatistics, features_table, selectivity_table
    from napari_lexicon.analysis.lexicon_tables import stability_of

    channels = ("all channels",) if plate.joint else tuple(channel.name for channel in plate.header.channels)
    one = PlateStatistics(plate.header.name, statistics, plate.map, channels)
    table = features_table([one], lexicon.names, stability_of(lexicon))
    if compare_by is None:
        return table, ""
    try:
        compared = selectivity_table([one], compare_by)
    except LexiconError as error:
        return table, str(error)
    wanted = [name for name in ("best_value", "selectivity", "spearman") if name in compared.columns]
    return table.join(compared[wanted]), ""


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
        self._asked = False
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(GROWTH_PAUSE_MS)
        self._pause.timeout.connect(self._read_if_asked)
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

    def strongest(self, feature: int) -> float:
        """The feature's largest value over the plate, 0 where it never fires or is not known."""
        if self._figures is None or feature >= self._figures.statistics.n_features:
            return 0.0
        return float(self._figures.statistics.strongest[:, :, feature].max())

    def _reread(self) -> None:
        plate = self._state.lexicon_plate
        of = None
        if plate is not None and self._state.lexicon is not None:
            of = (str(self._state.lexicon.path), plate.id)
        self._figures, self._of = None, of
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
        known, column = self._figures, self._compare_by
        self._background.start(
            "figures", lambda: read_figures(lexicon, plate, known, column), self._take, self._not_read
        )

    def _take(self, figures: Figures | None) -> None:
        self._figures = figures
        self.changed.emit(figures)
        self._pause.start()

    def _not_read(self, error: Exception) -> None:
        self._state.notice(str(error), "error")
        self._pause.start()
