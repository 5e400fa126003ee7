"""Fills the page of evidence that is in front, for the chosen feature; the others wait until they are looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lexicon.widgets.features.evidence.pages import CONDITIONS, DOSE, NEAR, SPREAD, STAINS
from napari_lexicon.widgets.features.evidence.reading import (
    NearEvidence,
    StainEvidence,
    condition_rows,
    dose_series,
    near_evidence,
    one_feature,
    own_treatment,
    read_atoms,
    stability_words,
    stain_evidence,
    strongest_rows,
)
from napari_lexicon.widgets.features.spot_list import FiringFeature
from napari_lexicon.widgets.features.tile_reading import TileReading
from napari_lexicon.widgets.features.tiles import tile_of
from napari_lexicon.widgets.plate.coloring import column_title
from napari_lexicon.widgets.workspace.field_reading import dose_column, treatment_column
from napari_lexicon.widgets.workspace.figures import channels_of
from napari_lexicon.widgets.workspace.links import Controller

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_lexicon.analysis.field_sample import FieldSample, QuantileBin
    from napari_lexicon.lexicons import Example
    from napari_lexicon.widgets.features.tiles import Tile
    from napari_lexicon.widgets.features.view import FeaturesView
    from napari_lexicon.widgets.workspace.workspace import Workspace

_ERRAND = "evidence"


class EvidenceController(Controller):
    """Feature, channel, selection and figures to the pages; clicks in the pages to the state.

    Parameters
    ----------
    workspace : Workspace
        What is current.
    view : FeaturesView
        With the pages.
    go_to : callable
        Shows the place of a tile.
    ranges : callable
        Display ranges of tiles by channel name.
    """

    def __init__(
        self,
        workspace: Workspace,
        view: FeaturesView,
        go_to: Callable[[Tile], None],
        ranges: Callable[[], dict[str, tuple[float, float]]],
    ) -> None:
        super().__init__(workspace, view)
        self._view, self._pages, self._ranges = view, view.evidence, ranges
        self._shown: dict[str, tuple[object, ...]] = {}
        self._sample: FieldSample | None = None
        self._sample_of: tuple[object, ...] | None = None
        self._atoms: tuple[object, np.ndarray | None] | None = None
        self._tiles = TileReading(workspace.background, "spread")
        state, pages = workspace.state, view.evidence
        for signal in (
            workspace.reading.changed,
            state.featureChanged,
            state.channelChanged,
            state.selectionChanged,
            state.shownChanged,
            state.nameChanged,
            view.tabs.currentChanged,
            view.galleryStyleChanged,
            pages.by_median.toggled,
        ):
            self.link(signal, self._refresh)
        self.link(pages.conditions.wellClicked, workspace.walking.open_well)
        self.link(pages.dose.wellClicked, workspace.walking.open_well)
        self.link(pages.conditions.wellsSelected, state.set_selection)
        self.link(pages.dose.wellsSelected, state.set_selection)
        self.link(pages.near.featureClicked, state.set_feature)
        self.link(pages.spread.tileClicked, go_to)
        self._refresh()

    def _refresh(self, _: object = None) -> None:
        """Fill the page in front where it does not show what is current."""
        state, figures, key = self.workspace.state, self.workspace.reading.figures, self._pages.current()
        plate, lexicon, feature = state.lexicon_plate, state.lexicon, state.feature
        if plate is None or lexicon is None or figures is None or feature is None or not key:
            if feature is None or figures is None:
                self._shown.clear()
                self._pages.clear()
            return
        if feature >= len(figures.table):
            return
        self._pages.conditions.setSelected(state.selection)
        self._pages.dose.setSelected(state.selection)
        of: tuple[object, ...] = (
            *(plate.folder, len(figures.numbers), feature, state.channel, state.color_of(feature), figures.beyond),
        )
        if key == CONDITIONS:
            of = (*of, self.workspace.reading.compare_by, self._pages.by_median.isChecked())
        elif key == DOSE:
            of = (*of, self._own_treatment(feature))
        elif key == SPREAD:
            of = (*of, state.selection, self._view.all_channels.isChecked())
        elif key == NEAR:
            of = (*of, tuple(lexicon.names), tuple(state.shown_colors.items()))
        if self._shown.get(key) == of:
            return
        self._shown[key] = of
        fill = {
            CONDITIONS: self._conditions,
            DOSE: self._dose,
            SPREAD: self._spread,
            STAINS: self._stains,
            NEAR: self._near,
        }
        fill[key](feature)

    def _start(
        self, key: str, work: Callable[[], Any], take: Callable[[Any], None], say: Callable[[str], None]
    ) -> None:
        def failed(error: Exception) -> None:
            self._shown.pop(key, None)
            say(str(error))

        self.workspace.background.start(_ERRAND, work, take, failed)

    def _field_sample(self) -> FieldSample:
        from napari_lexicon.analysis.field_sample import FieldSample

        plate, figures = self.workspace.state.lexicon_plate, self.workspace.reading.figures
        assert plate is not None and figures is not None
        of = (plate.folder, len(figures.numbers))
        if self._sample is None or self._sample_of != of:
            self._sample, self._sample_of = FieldSample(plate, figures.statistics.n_features), of
        return self._sample

    # pages ----------------------------------------------------------------------------------------------------------

    def _conditions(self, feature: int) -> None:
        state, reading = self.workspace.state, self.workspace.reading
        plate, figures, line = state.plate, reading.figures, self._pages.lines[CONDITIONS]
        assert figures is not None
        column = reading.compare_by or (None if plate is None else treatment_column(plate) or dose_column(plate))
        if plate is None or column is None or column not in plate.map.columns:
            line.setText(state.said("Add a plate map that says what was done to each well: the wells are shown by it."))
            self._pages.conditions.setValue([])
            return
        control = reading.controls()
        wells = figures.statistics.wells
        named = (
            frozenset(w for w, is_control in zip(wells, control, strict=True) if is_control)
            if control is not None
            else frozenset()
        )
        rows = condition_rows(
            *(figures.read, feature, state.channel, plate.map[column], named),
            by_median=self._pages.by_median.isChecked(),
        )
        shown = strongest_rows(rows)
        rest = "" if len(rows) == len(shown) else f" The {len(shown)} of {len(rows)} with the highest medians."
        dashes = " Dashed: median of controls." if any(row.control for row in rows) else ""
        one = state.said("One dot per well")
        line.setText(f"{one}, by {column_title(column)}; a bar for the median.{dashes}{rest}")
        self._pages.conditions.setValue(shown, state.color_of(feature))

    def _dose(self, feature: int) -> None:
        state, figures = self.workspace.state, self.workspace.reading.figures
        plate, known = state.lexicon_plate, state.plate
        assert plate is not None and figures is not None and known is not None
        by, dose = treatment_column(known), dose_column(known)
        color, page = state.color_of(feature), self._pages.dose
        if dose is None:
            page.setValue([], why_not="The plate map has no column of doses (concentration, dose).")
            return
        channels = channels_of(plate)
        if state.channel is not None:
            channels = (channels[state.channel],)
        said, alone, own = state.said, one_feature(figures.read, feature, state.channel), self._own_treatment(feature)
        self._start(
            DOSE,
            lambda: dose_series(plate, alone, by, dose, channels),
            lambda series: page.setValue([replace(s, sentence=said(s.sentence)) for s in series], color, own=own),
            lambda why: page.setValue([], why_not=why),
        )

    def _own_treatment(self, feature: int) -> str:
        plate, figures = self.workspace.state.plate, self.workspace.reading.figures
        return "" if plate is None or figures is None else own_treatment(figures, treatment_column(plate), feature)

    def _stains(self, feature: int) -> None:
        state, figures, line = self.workspace.state, self.workspace.reading.figures, self._pages.lines[STAINS]
        plate, lexicon = state.plate, state.lexicon
        assert plate is not None and lexicon is not None and figures is not None
        if plate.rgb or len(plate.channels) < 2:
            line.setText("This plate has one stain: there is nothing to tell apart.")
            self._pages.stains.setValue([])
            return
        sample, patch, channel = self._field_sample(), lexicon.backbone.patch, state.channel
        main, color = str(figures.table["channel"].iloc[feature]), state.color_of(feature)
        line.setText("Reading a sample of fields…")

        def take(found: StainEvidence) -> None:
            line.setText(state.said(found.sentence))
            self._pages.stains.setValue(found.bars, color)

        self._start(STAINS, lambda: stain_evidence(sample, plate, feature, patch, channel, main), take, line.setText)

    def _near(self, feature: int) -> None:
        state, figures = self.workspace.state, self.workspace.reading.figures
        lexicon = state.lexicon
        assert lexicon is not None and figures is not None
        sample, known, path = self._field_sample(), self._atoms, lexicon.path
        mark = (path, lexicon.header.dictionary)
        match = figures.table["stability"].iloc[feature] if "stability" in figures.table else None

        def work() -> tuple[np.ndarray | None, NearEvidence]:
            atoms = known[1] if known is not None and known[0] == mark else read_atoms(path)
            return atoms, near_evidence(sample, atoms, feature)

        def take(found: tuple[np.ndarray | None, NearEvidence]) -> None:
            self._atoms = (mark, found[0])
            near = found[1]
            self._pages.near.setValue(
                self._named(near.together), self._named(near.alike), near.line, stability_words(match)
            )

        self._start(NEAR, work, take, lambda why: self._pages.near.setValue([], [], why, ""))

    def _named(self, features: tuple[tuple[int, float], ...]) -> list[FiringFeature]:
        state = self.workspace.state
        assert state.lexicon is not None
        names = state.lexicon.names
        return [FiringFeature(m, names.label(m), state.color_of(m), "", value) for m, value in features]

    def _spread(self, feature: int) -> None:
        from napari_lexicon.analysis.field_sample import activation_quantiles

        state, line = self.workspace.state, self._pages.lines[SPREAD]
        sample, channel, wells, color = self._field_sample(), state.channel, state.selection, state.color_of(feature)
        which = state.said("the selected well" if len(wells) == 1 else f"the {len(wells)} selected wells")
        where = f" in {which}" if wells else ""

        def take(bins: list[QuantileBin]) -> None:
            if bins:
                line.setText(
                    f"Places{where} by how strongly it fires, chosen at random; the last row shows where it is silent."
                )
            else:
                line.setText(f"Does not fire in the sample of fields{where}.")
            self._pages.spread.setValue(bins, color)
            self._read_tiles(bins)

        self._start(
            SPREAD, lambda: activation_quantiles(sample, feature, channel=channel, wells=wells), take, line.setText
        )

    def _read_tiles(self, bins: list[QuantileBin]) -> None:
        state = self.workspace.state
        plate, lexicon_plate, lexicon = state.plate, state.lexicon_plate, state.lexicon
        self._tiles.forget()
        if plate is None or lexicon_plate is None or lexicon is None:
            return
        patch, every, ranges = lexicon.backbone.patch, self._view.all_channels.isChecked(), self._ranges()

        def read(place: Example) -> Tile | None:
            return tile_of(plate, lexicon_plate, place, patch, ranges, all_channels=every)

        places = [
            ((number, position), place) for number, one in enumerate(bins) for position, place in enumerate(one.places)
        ]
        self._tiles.read(places, read, self._pages.spread.setTiles)

    def close(self) -> None:
        """Cut every connection, and drop what is still being read."""
        self.workspace.background.forget(_ERRAND)
        self._tiles.forget()
        super().close()
