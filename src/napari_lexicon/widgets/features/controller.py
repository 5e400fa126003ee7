"""Keeps the Features dock in step with what is current."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_lexicon.widgets.basic.image_words import tell_items
from napari_lexicon.widgets.features.columns import said_of
from napari_lexicon.widgets.features.evidence.controller import EvidenceController
from napari_lexicon.widgets.features.exporting import Exporting
from napari_lexicon.widgets.features.look_controls import LookController
from napari_lexicon.widgets.features.naming import NamingController
from napari_lexicon.widgets.features.place.alike import AlikeController
from napari_lexicon.widgets.features.place.controller import PlaceController
from napari_lexicon.widgets.features.tile_reading import TileReading
from napari_lexicon.widgets.features.tiles import Tile, tile_of
from napari_lexicon.widgets.rounds.controller import RoundsController
from napari_lexicon.widgets.workspace.links import Controller
from napari_lexicon.widgets.workspace.state import FieldPlace

if TYPE_CHECKING:
    from napari_lexicon.lexicons import Example
    from napari_lexicon.widgets.features.view import FeaturesView
    from napari_lexicon.widgets.workspace.figures import Figures
    from napari_lexicon.widgets.workspace.last_view import LastView
    from napari_lexicon.widgets.workspace.workspace import Workspace

GALLERY = 24
_WHY_DIRECTION = {
    "taught": "It was taught a direction ({}), so its direction is shown (Map).",
    "silent": "Its code is in (nearly) no patch of this plate, so its direction is shown (Map).",
}


class FeaturesController(Controller):
    """Table, card, gallery and clicked place to the view; choices in the view to the state."""

    def __init__(self, workspace: Workspace, view: FeaturesView) -> None:
        super().__init__(workspace, view)
        self._view = view
        self._tiles = TileReading(workspace.background, "tiles")
        self._gallery_of: tuple[object, ...] | None = None
        state = workspace.state
        self.link(workspace.reading.changed, self._show_figures)
        self.link(state.plateChanged, self._offer_columns)
        self.link(state.featureChanged, self._show_feature)
        self.link(state.channelChanged, view.card.setChannel)
        self._rounds = RoundsController(workspace, view.card.rounds)
        self.link(state.nameChanged, self._name_changed)
        self.link(state.lookChanged, lambda _: self._show_card())
        self.link(state.styleChanged, view.card.style_controls.setValue)
        self.link(state.shownChanged, self._shown_changed)
        self.link(view.valueChanged, state.set_feature)
        self.link(view.table.keepToggled, workspace.canvas.toggle_kept)
        self.link(view.card.dot.clicked, self._toggle_chosen)
        self.link(view.table.markedChanged, state.set_marked)
        self.link(state.markedChanged, self._show_marked)
        self.link(state.onlyMarkedChanged, self._show_marked)
        self.link(view.compareByChanged, workspace.reading.set_compare_by)
        self.link(view.beyondChanged, workspace.reading.set_beyond)
        self.link(view.galleryStyleChanged, self._gallery_again)
        self.link(view.card.channelChanged, state.set_channel)
        self.link(view.card.style_controls.valueChanged, state.set_style)
        self.link(view.gallery.tileClicked, self._go_to)
        self.link(view.gallery.alikeWanted, self._alike)
        self.link(view.evidence.spread.alikeWanted, self._alike)
        self._look = LookController(workspace, view.card.look)
        self.place = PlaceController(workspace, view.place)
        for gallery in (view.gallery, view.evidence.spread):
            self.link(gallery.teachWanted, self.place.point_at_tile)
        self.alike = AlikeController(workspace, view.place, view.showPlace, self._go_to, self._ranges)
        self.evidence = EvidenceController(workspace, view, self._go_to, self._ranges)
        self.naming = NamingController(workspace, view)
        self.exporting = Exporting(workspace, view.menu, view, "features", self.naming)
        view.card.style_controls.setValue(state.style)
        last = workspace.restoring.value()
        if last is not None:
            self._restore(last)
        self.link(workspace.restoring.restored, self._restore)
        self.link(view.table.table_model().layoutChanged, self._note_table)
        self.link(view.search.textChanged, self._note_table)
        self._offer_columns()
        self._show_figures(workspace.reading.figures)
        self._show_marked()

    # table ----------------------------------------------------------------------------------------------------------

    def _offer_columns(self, _: object = None) -> None:
        plate = self.workspace.state.plate
        columns = [] if plate is None else [str(c) for c in plate.map.columns if plate.map[c].nunique() > 1]
        self._view.setColumns(columns, self.workspace.reading.compare_by)
        tell_items(self._view.card.style_controls.look, images=plate is not None and plate.free)

    def _show_figures(self, figures: Figures | None) -> None:
        lexicon = self.workspace.state.lexicon
        names = lexicon.names if lexicon is not None and lexicon.header.dictionary is not None else None
        plate = self.workspace.state.lexicon_plate
        channels = [] if plate is None else [channel.name for channel in plate.header.channels]
        self._view.table.table_model().setFigures(figures, names, channels)
        self._view.setBeyond(self.workspace.reading.beyond)
        if plate is not None and figures is not None:
            self._view.setColour(plate.header.rgb)
            self._view.setFields(len(figures.numbers), len(plate.fields))
            self._view.card.setChannels([] if plate.joint else channels)
            self._view.card.setChannel(self.workspace.state.channel)
            self._view.card.style_controls.setControls(self.workspace.reading.controls() is not None)
            growing = len(figures.numbers) < len(plate.fields) and self.workspace.jobs.status.busy
            asked = self.workspace.reading.by_hand  # nobody asked for what was only suggested
            if figures.why_not and asked and not growing:
                self.workspace.state.notice(figures.why_not, "warning")
        self._show_feature(self.workspace.state.feature)

    def _toggle_chosen(self) -> None:
        feature = self._view.value()
        if feature is not None:
            self.workspace.canvas.toggle_kept(feature)

    def _shown_changed(self) -> None:
        """Other features are kept, or have other colours."""
        state = self.workspace.state
        self._view.table.table_model().setShown(state.kept, state.shown_colors)
        self._show_card()
        if state.feature is not None:
            self._view.gallery.setColor(state.color_of(state.feature))

    def _restore(self, last: LastView) -> None:
        """Sort and filter the table as it was when the plate was open last."""
        model = self._view.table.table_model()
        model.setSorting(*last.sort)
        model.setShowSilent(last.silent)
        self._view.search.setText(last.search)
        self._offer_columns()

    def _note_table(self, _: object = None) -> None:
        model = self._view.table.table_model()
        self.workspace.restoring.note(
            sort=model.sorting(), silent=model.shows_silent(), search=self._view.search.text()
        )

    def _show_marked(self, _: object = None) -> None:
        state, table = self.workspace.state, self._view.table
        only = state.only_marked and bool(state.marked)
        table.table_model().setOnly(state.marked if only else None)
        marked = frozenset[int]() if only else state.marked  # where there is nothing else, marking says nothing
        if marked != table.marked():
            table.setMarked(marked)
        self._view.count_rows()

    def _name_changed(self, feature: int) -> None:
        self._view.table.table_model().nameChanged()
        self._show_card()

    # card -----------------------------------------------------------------------------------------------------------

    def _show_feature(self, feature: int | None) -> None:
        state = self.workspace.state
        self._view.table.table_model().setShown(state.kept, state.shown_colors)
        self._view.setValue(feature)
        self._show_card()
        self._show_gallery()

    def _show_card(self) -> None:
        lexicon, figures, feature = self.workspace.state.lexicon, self.workspace.reading.figures, self._view.value()
        known = lexicon is not None and figures is not None and feature is not None and feature < len(figures.table)
        self._view.showCard(known)
        if not known or lexicon is None or figures is None or feature is None:
            return
        named = lexicon.names.get(feature)
        self._view.card.setFeature(
            feature,
            named.name if named else "",
            self.workspace.state.color_of(feature),
            feature in self.workspace.state.kept,
            said_of(feature, figures),
            self._why(feature),
        )

    def _why(self, feature: int) -> str:
        """Said where nobody chose the feature, or its direction."""
        first = self.workspace.state.said(self.workspace.first.why(feature))
        return " ".join(each for each in (first, self._why_direction(feature)) if each)

    def _why_direction(self, feature: int) -> str:
        """Said where nobody chose the direction."""
        reading = self.workspace.reading
        why = reading.why_direction(feature) if self.workspace.state.look.kind == "auto" else None
        if why == "counted" and reading.figures is not None:
            return f"Map and table read its direction: what lies over {reading.figures.beyond:g} SD of controls."
        return _WHY_DIRECTION.get(why or "", "").format(reading.taught(feature))

    # gallery --------------------------------------------------------------------------------------------------------

    def _gallery_again(self) -> None:
        self._gallery_of = None
        self._show_gallery()

    def _show_gallery(self) -> None:
        lexicon, plate = self.workspace.state.lexicon, self.workspace.state.lexicon_plate
        figures, feature = self.workspace.reading.figures, self._view.value()
        if lexicon is None or plate is None or figures is None or feature is None:
            self._fill_gallery([], "#FFFFFF")
            return
        places = figures.places(self.workspace.reading.look_of(feature).kind == "direction")
        examples = plate.examples(places, feature, GALLERY)
        of = (plate.folder, feature, tuple(examples), self._view.all_channels.isChecked())
        if of != self._gallery_of:
            self._gallery_of = of
            self._fill_gallery(examples, self.workspace.state.color_of(feature))

    def _fill_gallery(self, examples: list[Example], color: str) -> None:
        self._tiles.forget()
        if not examples:
            self._gallery_of = None
        self._view.gallery.setValue([None] * len(examples), color)
        state = self.workspace.state
        plate, lexicon_plate, lexicon = state.plate, state.lexicon_plate, state.lexicon
        if plate is None or lexicon_plate is None or lexicon is None:
            return
        patch, every = lexicon.backbone.patch, self._view.all_channels.isChecked()
        ranges = self._ranges()

        def read(example: Example) -> Tile | None:
            return tile_of(plate, lexicon_plate, example, patch, ranges, all_channels=every)

        self._tiles.read(list(enumerate(examples)), read, self._view.gallery.setTiles)

    def _ranges(self) -> dict[str, tuple[float, float]]:
        """Display ranges of the tiles: as on the canvas, else the intensity windows of the lexicon."""
        plate = self.workspace.state.lexicon_plate
        ranges = {} if plate is None else {c.name: (c.low, c.high) for c in plate.header.channels}
        return ranges | self.workspace.canvas.layers.ranges()

    def _alike(self, tile: Tile) -> None:
        self.alike.look_from(tile)

    def _go_to(self, tile: Tile) -> None:
        plate = self.workspace.state.lexicon_plate
        if plate is None:
            return
        header = plate.fields[tile.example.field_index]
        self.workspace.canvas.show_patch(FieldPlace(header.well, header.index), tile.example.gy, tile.example.gx)

    def close(self) -> None:
        """Cut every connection, and drop the tiles that are still being read."""
        self._tiles.forget()
        self.place.close()
        self.alike.close()
        self.evidence.close()
        self.naming.close()
        self.exporting.close()
        self._rounds.close()
        self._look.close()
        super().close()
