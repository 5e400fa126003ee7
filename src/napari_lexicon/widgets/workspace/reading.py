"""Keeps the figures of the open lexicon up to date.

They are read in a thread; while a job runs, newly finished fields are added to what is known, and not all read again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_lexicon.widgets.basic.later import later
from napari_lexicon.widgets.workspace.figures import Figures, Significance, read_figures, read_flags, read_significance

if TYPE_CHECKING:
    from napari_lexicon.widgets.workspace.background import Background
    from napari_lexicon.widgets.workspace.state import MapLook, WorkspaceState

GROWTH_PAUSE_MS = 1500
WhyDirection = Literal["counted", "taught", "silent"]
NEARLY_SILENT = 0.0005
"""Part of the patches of a plate below which the code of a feature shows nothing of it."""
CALM_MS = 4000
"""How long the figures must stand still before their significance is computed, while fields are missing."""


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
        self._by_hand = False
        self._beyond: float | None = None
        self._asked = False
        self._taught: dict[int, str] = {}
        self._taught_channels: dict[int, str] = {}
        self._pause = later(self, GROWTH_PAUSE_MS, self._read_if_asked)
        self._calm = later(self, 0, self._test)
        state.lexiconChanged.connect(self._learn_taught)
        state.lexiconChanged.connect(self._reread)
        state.plateChanged.connect(self._suggest)
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

    @property
    def by_hand(self) -> bool:
        """Whether a person chose that column; before they do, it is what the plate map suggests."""
        return self._by_hand

    def set_compare_by(self, column: str | None) -> None:
        """Compare features by another column of the plate map."""
        self._by_hand = True
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
        """What the map of a feature is made of: as a person chose, else by direction where there is reason to."""
        look = self._state.look
        if look.kind != "auto":
            return look
        return replace(look, kind="direction" if self.why_direction(feature) else "code")

    @property
    def drawn_from(self) -> float:
        """Standard deviations of controls over which a direction is drawn: where the table begins to count."""
        from napari_lexicon.analysis.maps import DRAWN_FROM

        beyond = None if self._figures is None else self._figures.beyond
        return DRAWN_FROM if beyond is None else beyond

    def taught(self, feature: int) -> str:
        """What a feature was taught, empty where it was learnt."""
        what, channel = self._taught.get(feature, ""), self._taught_channels.get(feature)
        return f"{what}, in {channel}" if what and channel else what

    def taught_channel(self, feature: int | None) -> int | None:
        """The channel of the open plate that a feature was taught in, None where it was not taught in one of them."""
        plate = self._state.lexicon_plate
        name = None if feature is None else self._taught_channels.get(feature)
        names = [] if plate is None or plate.joint else [channel.name for channel in plate.header.channels]
        return names.index(name) if name in names else None

    def why_direction(self, feature: int) -> WhyDirection | None:
        """Why *auto* shows a feature by its direction, None where it shows its code.

        A feature that was taught is a direction that tells patches with a property from those without, and one whose
        code is (nearly) nowhere may still mark every place that it is named for: other features took the patches of
        either in the pursuit.
        """
        lexicon, figures = self._state.lexicon, self._figures
        if lexicon is None or figures is None or feature >= len(figures.table):
            return None
        if figures.beyond is not None:
            return "counted"
        if feature in self._taught:
            return "taught"
        named, statistics = lexicon.names.get(feature), figures.statistics
        fires = statistics.active[:, :, feature].sum(dtype=np.float64) / max(1, statistics.tokens.sum())
        return "silent" if named is not None and named.name and fires < NEARLY_SILENT else None

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

    def _suggest(self) -> None:
        """Of a plate with a map, compare by its treatments until a person says otherwise."""
        plate = self._state.plate
        if plate is not None and (not self._by_hand or self._compare_by not in (None, *plate.map.columns)):
            from napari_lexicon.widgets.workspace.field_reading import telling_column

            self._compare_by, self._by_hand = telling_column(plate), False

    def _learn_taught(self) -> None:
        from napari_lexicon.analysis.lexicon_tables import taught_channels_of, taught_of

        lexicon = self._state.lexicon
        known = lexicon is not None and lexicon.header.dictionary is not None
        self._taught = taught_of(lexicon) if known and lexicon is not None else {}
        self._taught_channels = taught_channels_of(lexicon) if known and lexicon is not None else {}

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
        background = self._background
        background.start(
            "significance",
            lambda: read_significance(figures, plate, background.give_way),
            self._take_significance,
            self._not_tested,
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
