"""Colours of wells by what was computed: a figure of the current feature, or likeness to the well on the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from napari_lexicon.viewer.colors import feature_ramp, ramp
from napari_lexicon.widgets.plate.color_by import OVER_FIELDS, STATISTICS, ColorBy
from napari_lexicon.widgets.plate.coloring import ABOUT_ZERO, WellColoring, number_coloring
from napari_lexicon.widgets.workspace.beside import negative_controls
from napari_lexicon.widgets.workspace.map_making import feature_title

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from napari_lexicon.widgets.workspace.workspace import Workspace

Limits = tuple[float, float] | None
"""Clipped by hand; None where the values say it."""


class FigureColors:
    """What takes a moment is read in a thread and kept until it is forgotten.

    Parameters
    ----------
    workspace : Workspace
        With what is current.
    changed : callable
        Called when what was missing has come: the colours are to be asked for again.
    """

    def __init__(self, workspace: Workspace, changed: Callable[[], None]) -> None:
        self._workspace, self._changed = workspace, changed
        self._by_field: dict[tuple[int, int | None], pd.DataFrame] = {}
        self._directions: npt.NDArray[np.float32] | None = None

    def forget(self) -> None:
        """The plate or its figures are others now."""
        self._by_field.clear()
        self._directions = None

    def alike(self, limits: Limits) -> WellColoring:
        """How alike all wells are to the one on the image, by all features."""
        from napari_lexicon.analysis.wells import likeness

        figures, place = self._workspace.reading.figures, self._workspace.state.field
        if figures is None or place is None or place.well not in figures.statistics.wells:
            return WellColoring()
        if self._directions is None:
            self._find_directions()
            return WellColoring()
        values = likeness(self._directions, figures.statistics.wells, place.well)
        title = f"likeness to {place.well}"
        return number_coloring(values, title, ramp(ABOUT_ZERO), about_zero=True, limits=limits or (-1, 1))

    def _find_directions(self) -> None:
        """All features of all wells take a moment: in a thread, once."""
        from napari_lexicon.analysis.wells import directions_from_controls

        figures, plate, state = self._workspace.reading.figures, self._workspace.state.plate, self._workspace.state
        if figures is None or plate is None:
            return
        statistics, controls = figures.statistics, negative_controls(plate)

        def take(directions: npt.NDArray[np.float32]) -> None:
            if self._workspace.reading.figures is figures:
                self._directions = directions
                self._changed()

        self._workspace.background.start(
            "likeness of wells",
            lambda: directions_from_controls(statistics, controls),
            take,
            lambda error: state.notice(str(error), "error"),
        )

    def of_feature(self, by: ColorBy, background: str, limits: Limits) -> WellColoring:
        """A figure of the current feature, on a window of this background."""
        from napari_lexicon.analysis.wells import over_fields, well_values

        state, figures = self._workspace.state, self._workspace.reading.figures
        if figures is None or state.feature is None or state.lexicon is None:
            return WellColoring()
        statistic = "mean" if by.statistic in ("robust_z", *OVER_FIELDS) else by.statistic
        values = well_values(figures.read, state.feature, statistic, state.channel)
        title = f"{feature_title(state.lexicon, state.feature)}, {STATISTICS[by.statistic]}"
        if by.statistic == "robust_z":
            return self._z_colors(values, title, limits)
        if by.statistic in OVER_FIELDS:
            means = self._by_field.get((state.feature, state.channel))
            if means is None:
                self._read_fields(state.feature, state.channel)
                return WellColoring()
            values = over_fields(means, by.statistic)
            if values.dropna().empty:
                state.notice("A coefficient of variation needs two finished fields of a well.")
        if figures.beyond is not None and statistic == "mean":  # how far along: there is less than in controls, too
            return number_coloring(values, title, ramp(ABOUT_ZERO), about_zero=True, limits=limits)
        colors = feature_ramp(state.color_of(state.feature), background)
        return number_coloring(values, title, colors, from_zero=True, limits=limits)

    def _z_colors(self, values: pd.Series, title: str, limits: Limits) -> WellColoring:
        from napari_lexicon.analysis.wells import robust_z

        plate = self._workspace.state.plate
        scores = robust_z(values, [] if plate is None else negative_controls(plate))
        if scores.notna().any():
            return number_coloring(scores, title, ramp(ABOUT_ZERO), about_zero=True, limits=limits)
        self._workspace.state.notice(
            "A robust z needs three negative controls (Metadata_pert_type: negcon) that are not all alike in this "
            "feature: choose another figure."
        )
        return WellColoring()

    def _read_fields(self, feature: int, channel: int | None) -> None:
        """Figures of single fields are read from their files, in a thread, and kept."""
        from napari_lexicon.analysis.wells import field_means

        plate, state = self._workspace.state.lexicon_plate, self._workspace.state
        if plate is None:
            return

        def take(means: pd.DataFrame) -> None:
            self._by_field[feature, channel] = means
            self._changed()

        self._workspace.background.start(
            "fields of a feature",
            lambda: field_means(plate, feature, channel),
            take,
            lambda error: state.notice(str(error), "error"),
        )
