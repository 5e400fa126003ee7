"""Keeps the Plate dock in step with what is current."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from napari_lexicon.viewer.colors import ramp
from napari_lexicon.widgets.basic.ink import ground
from napari_lexicon.widgets.plate import status
from napari_lexicon.widgets.plate.color_by import ColorBy, usual_statistic
from napari_lexicon.widgets.plate.coloring import (
    VIRIDIS,
    CategoryScale,
    WellColoring,
    column_coloring,
    number_coloring,
    spoken,
)
from napari_lexicon.widgets.plate.figure_colors import FigureColors
from napari_lexicon.widgets.plate.finding import found_wells
from napari_lexicon.widgets.plate.layout import PlateLayout, plate_layout
from napari_lexicon.widgets.plate.pattern_controller import PatternController
from napari_lexicon.widgets.plate.thumbnails import Thumbnails
from napari_lexicon.widgets.workspace.beside import control_reason, selection_reason, well_reason
from napari_lexicon.widgets.workspace.field_reading import caption_of, well_words
from napari_lexicon.widgets.workspace.links import Controller
from napari_lexicon.widgets.workspace.map_making import feature_title

if TYPE_CHECKING:
    from napari_lexicon.plates.model import Plate
    from napari_lexicon.plates.plate_map import LikelyMap
    from napari_lexicon.widgets.plate.view import PlateView
    from napari_lexicon.widgets.workspace.figures import Figures
    from napari_lexicon.widgets.workspace.last_view import LastView
    from napari_lexicon.widgets.workspace.workspace import Workspace

_FIRST_CHOICES = ("Metadata_pert_type", "Metadata_perturbation", "Metadata_treatment", "Metadata_compound")


class PlateController(Controller):
    """Plate, selection and shown well to the view; clicks in the view to the state."""

    def __init__(self, workspace: Workspace, view: PlateView) -> None:
        super().__init__(workspace, view)
        self._view = view
        self._chosen_by_hand = self._figure_by_hand = False
        self._coloring = WellColoring()
        self._layout = PlateLayout()
        self._hovered: str | None = None
        self._limits: tuple[float, float] | None = None
        self.likely_map: Path | None = None
        self._figures = FigureColors(workspace, self._recolor)
        self._thumbnails = Thumbnails(workspace.background, self)
        self._patterns = PatternController(workspace, view.pattern, self, "pattern preview")
        state = workspace.state
        self.link(state.plateChanged, self._show_plate)
        self.link(state.fieldChanged, self._show_field)
        self.link(state.selectionChanged, view.setValue)
        self.link(state.featureChanged, self._feature_changed)
        self.link(state.channelChanged, self._color_anew)
        self.link(state.nameChanged, self._offer_columns)
        self.link(state.shownChanged, self._recolor)
        self.link(workspace.reading.changed, self._figures_changed)
        self.link(view.valueChanged, state.set_selection)
        self.link(view.wellActivated, workspace.walking.open_well)
        self.link(view.wellHovered, self._hover)
        self.link(view.walked, self._walk)
        self.link(view.besideChosen, state.set_beside)
        self.link(state.besideChanged, self._show_beside)
        self.link(state.selectionChanged, self._show_beside)
        self.link(view.color_by.valueChanged, self._color_anew)
        self.link(view.color_by.chosen, self._chose)
        self.link(view.color_by.figureChosen, self._chose_figure)
        self.link(view.scale.categoryClicked, self._select_category)
        self.link(view.themeChanged, self._recolor)
        self.link(view.scale.limitsChanged, self._clip)
        self.link(view.searched, self._search)
        self.link(view.plateChosen, self._open_plate)
        self.link(state.lexiconChanged, self._offer_plates)
        self.link(self._thumbnails.read, self._show_pictures)
        self.link(workspace.restoring.restored, self._restore)
        self.link(view.color_by.valueChanged, self._note_colors)
        view.setTip(self._tip)
        self._show_plate(state.plate)
        view.setValue(state.selection)
        self._offer_plates()
        last = workspace.restoring.value()
        if last is not None:
            self._restore(last)

    def coloring(self) -> WellColoring:
        """Colours shown now."""
        return self._coloring

    def _show_plate(self, plate: Plate | None) -> None:
        self._chosen_by_hand = False
        self._thumbnails.stop()
        self._figures.forget()
        self._limits = None
        self._view.setSearchLine("")
        if plate is not None:
            self._layout = plate_layout(plate)
            self._view.setPlate(
                self._layout,
                plate.name,
                status.summary(plate),
                status.problems_line(plate, self._layout),
                status.problems_tip(plate),
            )
            self._show_note(plate)
            self._offer_map(plate)
        self._offer_columns()
        if plate is not None:
            first = next((name for name in _FIRST_CHOICES if name in plate.map.columns), None)
            self._view.color_by.setValue(ColorBy("column", first) if first else ColorBy("none"))
        self._feature_changed(self.workspace.state.feature)
        self._recolor()
        self._show_field()
        self._show_reasons()

    def _restore(self, last: LastView) -> None:
        """Colour the wells as they were when the plate was open last."""
        by = last.color_by
        self._chosen_by_hand = last.color_by_hand
        self._figure_by_hand = by.statistic != usual_statistic(last.beyond)
        self._view.color_by.setStatistic(by.statistic)
        if last.color_by_hand:
            self._view.color_by.setValue(by)

    def _note_colors(self, by: ColorBy) -> None:
        self.workspace.restoring.note(color_by=by, color_by_hand=self._chosen_by_hand)

    def _offer_map(self, plate: Plate) -> None:
        """Without a plate map, a table of the folder that could be it, else any."""
        from napari_lexicon.plates.plate_map import likely_plate_map

        self.likely_map = None
        self.workspace.background.forget("likely map")
        self._view.setMapOffer(None if len(plate.map.columns) else "")
        if len(plate.map.columns):
            return

        def take(found: LikelyMap) -> None:
            self.likely_map = found.table
            self._view.setMapOffer("" if found.table is None else found.table.name, found.why_not)

        self.workspace.background.start(
            "likely map", lambda: likely_plate_map(plate), take, lambda error: self.workspace.state.notice(str(error))
        )

    def _show_note(self, plate: Plate) -> None:
        """A folder of images says how its names were read, and where that can be changed."""
        by_pattern = plate.note.startswith("pattern ")
        read = f"ames read as {plate.note.removeprefix('pattern ')}"
        pages = next((said for said in plate.note.split("; ") if " pages a file taken as " in said), "")
        # The line is short, and what was guessed of the pages decides what is seen.
        self._view.setNote((f"{pages.partition(',')[0]}; n{read}" if pages else f"N{read}") if by_pattern else "")
        origin = self.workspace.state.origin
        if by_pattern and origin is not None:
            self._patterns.set_folder(Path(origin.path), origin.pattern, origin.pages)

    def _offer_columns(self, _: object = None) -> None:
        plate, lexicon, feature = self.workspace.state.plate, self.workspace.state.lexicon, self.workspace.state.feature
        columns = [] if plate is None else [str(c) for c in plate.map.columns if plate.map[c].nunique() > 1]
        title = None
        if feature is not None and lexicon is not None and self.workspace.reading.figures is not None:
            title = feature_title(lexicon, feature)
        plate, known = self.workspace.state.plate, self.workspace.reading.figures is not None
        self._view.color_by.setChoices(columns, title, alike=known, images=plate is not None and plate.free)

    def _feature_changed(self, feature: int | None) -> None:
        self._limits = None
        self._offer_columns()
        if feature is not None and not self._chosen_by_hand:
            self._view.color_by.setValue(ColorBy("feature", statistic=self._view.color_by.value().statistic))
        self._recolor()
        self._show_reasons()

    def _figures_changed(self, figures: Figures | None) -> None:
        if figures is not None and not self._figure_by_hand:
            self._view.color_by.setStatistic(usual_statistic(figures.beyond))
        self._figures.forget()
        self._feature_changed(self.workspace.state.feature)

    def _chose(self, value: ColorBy) -> None:
        self._chosen_by_hand = value.kind != "feature"
        self._note_colors(value)

    def _chose_figure(self) -> None:
        self._figure_by_hand = True

    def _recolor(self, _: object = None) -> None:
        plate = self.workspace.state.plate
        self._coloring = WellColoring() if plate is None else self._colors(plate, self._view.color_by.value())
        self._view.setColors(self._coloring.colors)
        self._view.scale.setValue(self._coloring.scale)
        self._view.scale.setToolTip(self.workspace.state.said(self._view.scale.toolTip()))
        self._view.scale.setVisible(self._coloring.scale is not None)
        if plate is not None and self._view.color_by.value().kind == "images":
            self._thumbnails.start(plate, self.workspace.canvas.layers.ranges())
        else:
            self._thumbnails.stop()
            self._view.grid.setPictures({})

    def _colors(self, plate: Plate, by: ColorBy) -> WellColoring:
        if by.kind == "column" and by.column in plate.map.columns:
            return column_coloring(plate.map[by.column])
        if by.kind == "fields":
            counts = pd.Series({name: len(well.fields) for name, well in plate.wells.items()}, dtype=float)
            title = self.workspace.state.said("fields per well")
            return number_coloring(counts, title, ramp(VIRIDIS), from_zero=True, limits=self._limits)
        if by.kind == "feature":
            return self._figures.of_feature(by, ground(self._view).name(), self._limits)
        if by.kind == "alike":
            return self._figures.alike(self._limits)
        return WellColoring()

    def _color_anew(self, _: object = None) -> None:
        self._limits = None
        self._recolor()

    def _clip(self, limits: tuple[float, float] | None) -> None:
        self._limits = limits
        self._recolor()

    def _show_pictures(self, pictures: dict[str, Any]) -> None:
        if self._view.color_by.value().kind == "images":
            self._view.grid.setPictures(pictures)

    def _search(self, text: str) -> None:
        plate = self.workspace.state.plate
        if plate is None:
            return
        wells, sentence = found_wells(plate, text)
        self._view.setSearchLine(sentence)
        if wells or not text.strip():
            self.workspace.state.set_selection(wells)

    def _offer_plates(self, _: object = None) -> None:
        state, lexicon = self.workspace.state, self.workspace.state.lexicon
        plates = [] if lexicon is None else list(lexicon.plates.values())
        current = state.lexicon_plate
        here = next((n for n, each in enumerate(plates) if current is not None and each.id == current.id), -1)
        self._view.setPlates([each.header.name for each in plates] if here >= 0 else [], here)

    def _open_plate(self, number: int) -> None:
        lexicon = self.workspace.state.lexicon
        if lexicon is None:
            return
        plate = list(lexicon.plates.values())[number]
        current = self.workspace.state.lexicon_plate
        if current is None or plate.id != current.id:
            self.workspace.opening.origin(plate.header.origin, lexicon.path)

    def _select_category(self, label: str) -> None:
        plate, by = self.workspace.state.plate, self._view.color_by.value()
        if plate is None or by.column not in plate.map.columns or not isinstance(self._coloring.scale, CategoryScale):
            return
        texts = plate.map[by.column].map(
            lambda value: spoken(float(value)) if isinstance(value, int) else spoken(value)
        )
        self.workspace.state.set_selection(frozenset(str(well) for well in plate.map.index[texts == label]))

    def _show_field(self, _: object = None) -> None:
        place = self.workspace.state.field
        self._view.setCurrent(place.well if place else None)
        if self._view.color_by.value().kind == "alike":
            self._recolor()
        self._say_well()
        self._show_beside()

    def _hover(self, well: str | None) -> None:
        self._hovered = well
        self._say_well()

    def _say_well(self) -> None:
        """The well under the mouse, else the one shown, else what to do."""
        plate, field = self.workspace.state.plate, self.workspace.state.current_field()
        if plate is None:
            return
        if self._hovered is not None and self._hovered in plate.wells:
            words = [self._hovered, *well_words(plate, self._hovered), self._coloring.words.get(self._hovered, "")]
            self._view.well_line.setText(" · ".join(word for word in words if word))
        elif field is not None:
            self._view.well_line.setText(caption_of(plate, field))
        else:
            hint = "Double-click an image to see it." if plate.free else "Double-click a well to see its images."
            self._view.well_line.setText(hint)

    def _tip(self, well: str) -> str:
        plate = self.workspace.state.plate
        return "" if plate is None else status.well_tip(plate, well, self._coloring.words.get(well, ""))

    def _walk(self, name: str) -> None:
        self.workspace.walking.actions()[name]()

    def _show_reasons(self) -> None:
        reason = status.walk_reason(self.workspace.state.plate)
        reasons = dict.fromkeys(self._view.walk_buttons, reason)
        if reason is None and self.workspace.state.feature is None:
            reasons["next_hit"] = self.workspace.state.said(
                "Choose a feature first: this goes to the well where it fires most."
            )
        self._view.setWalkReasons(reasons)
        self._show_beside()

    def _show_beside(self, _: object = None) -> None:
        state = self.workspace.state
        well = state.field.well if state.field else None
        reasons = {
            "well": well_reason(state.plate, well),
            "control": control_reason(state.plate, well),
            "selection": selection_reason(state.plate, state.selection),
        }
        self._view.setBeside(state.beside, reasons)
