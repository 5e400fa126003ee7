"""Between the current things and the layers: shows the current field, lays the current feature's map over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_lexicon.errors import PlateError
from napari_lexicon.viewer.conversion import patch_at
from napari_lexicon.viewer.field_layers import FieldLayers
from napari_lexicon.viewer.field_names import FieldNames
from napari_lexicon.viewer.other_layers import OtherLayers
from napari_lexicon.viewer.overlay import ActivationMap, ActivationOverlay
from napari_lexicon.viewer.pointer import on_click
from napari_lexicon.viewer.side_by_side import SideBySide
from napari_lexicon.viewer.spot_frame import SpotFrame
from napari_lexicon.widgets.basic.later import later
from napari_lexicon.widgets.workspace.beside import SELECTION, fields_to_show
from napari_lexicon.widgets.workspace.drawn_later import DrawnLater
from napari_lexicon.widgets.workspace.field_putting import FieldPutting
from napari_lexicon.widgets.workspace.field_reading import ReadFields, broken_in_two, caption_of, read_fields
from napari_lexicon.widgets.workspace.kept_maps import KeptMaps
from napari_lexicon.widgets.workspace.map_making import MapMaking
from napari_lexicon.widgets.workspace.state import FieldPlace, Spot, WorkspaceState

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_lexicon.lexicons import FieldCodes, LexiconPlate
    from napari_lexicon.plates.model import Field
    from napari_lexicon.viewer.conversion import Placement
    from napari_lexicon.widgets.workspace.background import Background
    from napari_lexicon.widgets.workspace.figures import Figures
    from napari_lexicon.widgets.workspace.fine_reading import FineReading
    from napari_lexicon.widgets.workspace.reading import LexiconReading
    from napari_lexicon.widgets.workspace.trial import Trial

_SELECTION_PAUSE_MS = 150
_PATIENCE_MS = 80
"""How long the map of before may stay over an image whose codes are being read; drawing twice takes as long."""
_BREATH_MS = 40
"""How long a map that is over stays: what ended it is painted first, and may bring another."""
_PATCHES_AROUND = 20
"""Patches to be seen across when the view goes to one of them: a few cells."""


class Canvas(QObject):
    """Keeps one viewer's layers in step with its state.

    Signals
    -------
    sideShown()
        Other fields are on the screen, or their codes have come.
    pointed(tuple of float)
        A place of the shown field was clicked: its point of the world.
    """

    sideShown = Signal()
    pointed = Signal(object)

    def __init__(
        self,
        state: WorkspaceState,
        viewer: ViewerModel,
        background: Background,
        reading: LexiconReading,
        fine: FineReading,
        trial: Trial,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._background, self._reading, self._fine = state, background, reading, fine
        self.layers = FieldLayers(viewer)
        self.overlay = ActivationOverlay(viewer)
        self._others = OtherLayers(viewer, lambda: next(iter(self.layers.current().values()), None))
        self.frame = SpotFrame(viewer)
        self._making = MapMaking(state, reading, fine, trial)
        self._kept = KeptMaps(state, viewer, self.overlay, self._map_of, self)
        self.names = FieldNames(viewer)
        self._codes: dict[str, FieldCodes | None] = {}
        self._shown: Field | None = None
        self._side: SideBySide | None = None
        self._wanted: SideBySide | None = None
        self._center: tuple[int, int] | None = None
        self.putting = FieldPutting(self.layers, self)
        self.putting.done.connect(self._take_field)
        self._pause = later(self, _SELECTION_PAUSE_MS, self._load)
        self._figures: Figures | None = None
        self._patience = later(self, _PATIENCE_MS, self._blank_map)
        self._clearing = later(self, _BREATH_MS, self._clear_map)
        self._chosen = DrawnLater(self.layers, self.putting, self._show_map, self)
        state.plateChanged.connect(self._forget_ranges)
        state.fieldChanged.connect(self._load)
        state.besideChanged.connect(self._load)
        state.selectionChanged.connect(self._selection_changed)
        state.lexiconChanged.connect(self._kept.drop_foreign)
        state.lexiconChanged.connect(self._fit_to_patches)
        state.lexiconChanged.connect(self._load_codes)
        state.lexiconGrew.connect(self._lexicon_grew)
        for signal in (state.channelChanged, state.styleChanged):
            signal.connect(self._show_map)
        for signal in (state.featureChanged, state.nameChanged, state.shownChanged):
            signal.connect(self._feature_changed)
        reading.changed.connect(self._figures_changed)
        for signal in (state.nameChanged, state.styleChanged):
            signal.connect(self._show_kept)
        for draw in (self._show_map, self._show_kept):
            state.picksChanged.connect(draw)
        state.lookChanged.connect(self._look_closer)
        fine.changed.connect(self._draw_closer)
        trial.changed.connect(self._look_closer)
        state.spotChanged.connect(self._show_frame)
        on_click(viewer, self._clicked)

    @property
    def codes(self) -> FieldCodes | None:
        """Codes of the current field, None where it has none (yet)."""
        return None if self._shown is None else self._codes.get(self._shown.key)

    def codes_by_field(self) -> dict[str, FieldCodes]:
        """Codes of the fields on the screen, by the keys of the fields."""
        side = self._side
        known = {} if side is None else {field.key: self._codes.get(field.key) for field in side.fields}
        return {key: codes for key, codes in known.items() if codes is not None}

    def look_at(self, point: tuple[float, float]) -> None:
        """Look at a point of the world from near by."""
        if self._side is not None:
            scale = self._side.whole.scale[0]
            self.layers.center_on(point, min(self._side.largest) * scale / 4)

    def shown_codes(self) -> list[FieldCodes]:
        """Codes of all fields on the screen that have them."""
        return list(self.codes_by_field().values())

    def shown_field(self) -> Field | None:
        """The current field, once its pixels are on the screen."""
        return self._shown

    def shown_side(self) -> SideBySide | None:
        """All fields whose pixels are on the screen."""
        return self._side

    def placement(self) -> Placement | None:
        """Where the current field lies in the world, None before it is on the screen."""
        if self._side is None or self._shown is None:
            return None
        return self._side.placement(self._side.number_of(self._shown) or 0)

    def changing(self) -> bool:
        """Whether a field is being read or put on the screen."""
        return self.putting.busy() or self._background.busy("field") or self._background.busy("codes")

    def show_patch(self, place: FieldPlace, row: int, column: int) -> None:
        """Show a field and look at one of its patches from near by."""
        self._center = (row, column)
        if place == self._state.field and self._shown is not None:
            self._look_at_center()
        else:
            self._state.set_field(place)
        self._state.set_spot(Spot(row, column))

    def close(self) -> None:
        """Draw nothing any more; the window is closing."""
        self.putting.close()
        for pending in (self._pause, self._patience, self._clearing, self._chosen):
            pending.stop()

    # field ----------------------------------------------------------------------------------------------------------

    def _forget_ranges(self) -> None:
        for errand in ("field", "codes"):  # of the plate before: what still comes would be put under the new one
            self._background.forget(errand)
        self.putting.stop()
        with self.layers.many_at_once():
            self.layers.clear()
            self.overlay.clear()
            self.overlay.clear_kept()
            self.frame.clear()
            self.names.clear()
        self.layers.caption("")
        self._shown = self._side = self._wanted = self._center = None
        self._codes = {}

    def _load(self, _: object = None) -> None:
        try:
            plate, (wanted, reason) = self._state.plate, fields_to_show(self._state, self._wanted)
        except PlateError as error:  # the size of a field is read here; its file may be gone
            self._field_failed(error)
            return
        if plate is None or wanted is None:
            return
        if reason:
            self._state.notice(reason, "info")
        self._pause.stop()
        if self._wanted is not None and wanted == self._wanted:
            if self._side is self._wanted:  # all are on the screen: another of them is current
                self._mark_current()
            return
        self._wanted = wanted
        ranges = self.layers.ranges()
        self._background.start(
            "field", lambda: read_fields(plate, wanted, ranges), self.putting.put, self._field_failed
        )
        self._load_codes()

    def _selection_changed(self, _: object) -> None:
        if self._state.beside == SELECTION:
            self._pause.start()  # a frame that is being drawn selects many times

    def _fit_to_patches(self) -> None:
        """Fields side by side stand a whole number of patches apart."""
        if self._wanted is not None and not self._wanted.alone:
            self._load()

    def _field_failed(self, error: Exception) -> None:
        place = self._state.field
        where = f"{place.well}, field {place.index + 1}" if place else "The field"
        self._wanted = self._side
        self._state.notice(f"{where} cannot be shown: {error}", "error")

    def _take_field(self, read: ReadFields) -> None:
        """All channels of the field to be shown are in their layers."""
        self._side = read.side
        if read.layers:
            self.layers.look_at(read.layers[0])
        self._mark_current()

    def _mark_current(self) -> None:
        """The current field is on the screen: say so, and draw what belongs to it."""
        plate, side, field = self._state.plate, self._side, self._state.current_field()
        if plate is None or side is None:
            return
        number = None if field is None else side.number_of(field)
        self._shown = side.fields[number or 0]
        if side.alone:
            self.names.clear()
        else:
            said = [broken_in_two(caption_of(plate, each)) for each in side.fields]
            self.names.show(side, said, number or 0, bright=plate.rgb)
        self._look_at_center()
        self._look_closer()
        self._state.spotChanged.emit(self._state.spot)
        if not self._background.busy("codes"):
            self.sideShown.emit()

    def _look_at_center(self) -> None:
        lexicon, placement = self._state.lexicon, self.placement()
        if self._center is None or lexicon is None or placement is None:
            return
        patch = lexicon.backbone.patch
        row, column = self._center
        middle = ((row + 0.5) * patch - 0.5, (column + 0.5) * patch - 0.5)
        self.layers.center_on(placement.world_of(middle), _PATCHES_AROUND * patch * placement.scale[0])
        self._center = None

    # map ------------------------------------------------------------------------------------------------------------

    def _load_codes(self, _: object = None) -> None:
        self._codes = {}
        self._load_missing_codes()

    def _lexicon_grew(self) -> None:
        """A job has finished a field, most often one that is not on the screen."""
        plate = self._state.lexicon_plate
        if plate is not None and any(plate.mark("codes", number) for number in self._without_codes(plate).values()):
            self._load_missing_codes()

    def _without_codes(self, plate: LexiconPlate) -> dict[str, int]:
        """Fields to be shown whose codes are not known yet, by their keys, with their numbers in the lexicon."""
        fields = () if self._wanted is None else self._wanted.fields
        missing = {
            field.key: plate.number_of(field.well, field.name) for field in fields if not self._codes.get(field.key)
        }
        return {key: number for key, number in missing.items() if number is not None}

    def _load_missing_codes(self) -> None:
        """Codes of the fields to be shown, where they are computed and not known yet."""
        plate = self._state.lexicon_plate
        numbers = {} if plate is None else self._without_codes(plate)
        if plate is None or not numbers:
            self._background.forget("codes")
            self._show_map()
            return
        self._background.start(
            "codes",
            lambda: {key: plate.codes(number) for key, number in numbers.items()},
            self._take_codes,
            self._codes_failed,
        )

    def _codes_failed(self, error: Exception) -> None:
        """The image stays; there is no map over it."""
        self._state.notice(str(error), "error")
        self._show_map()

    def _take_codes(self, codes: dict[str, FieldCodes | None]) -> None:
        self._codes.update(codes)
        self._look_closer()
        self._state.spotChanged.emit(self._state.spot)
        if self._side is self._wanted:
            self.sideShown.emit()

    def _show_map(self) -> None:
        shown = self._map()
        self._say_where(shown)
        if shown is not None:
            self.overlay.show(shown, self._state.style)
            self.overlay.legend()
        elif self._state.feature is None or not self.changing():
            self._clearing.start()
        elif not self.putting.busy() and not self._background.busy("field"):
            self._patience.start()  # the new field is there before its codes, which are most often read at once

    def _clear_map(self) -> None:
        if self._map() is None and (self._state.feature is None or not self.changing()):
            self.overlay.rest()

    def _blank_map(self) -> None:
        """Codes are long in coming: the layer of the map waits for them with nothing in it."""
        if self._background.busy("codes") and not self._background.busy("field"):
            self.overlay.blank()

    def _say_where(self, shown: ActivationMap | None) -> None:
        """The well and field on the screen, unless they stand in the image, and how the map is read."""
        plate, side = self._state.plate, self._side
        if plate is None or side is None or self._shown is None:
            return
        if self._shown is not self._state.current_field():
            return  # of the field or the plate before, while the new one is read
        said = caption_of(plate, self._shown) if side.alone else ""
        remark = ""
        if shown is not None:
            remark = self._making.remark(side, self._codes, shown)
        self.layers.caption("\n".join(part for part in (said, remark) if part))

    def _look_closer(self, _: object = None) -> None:
        """Have the fields on the screen read finer where the look asks for it."""
        self._want_closer()
        self._draw_closer()

    def _feature_changed(self, _: object = None) -> None:
        """Another feature is shown, or its look is another."""
        self._want_closer()
        self._chosen.start()

    def _figures_changed(self, figures: Figures | None) -> None:
        """Figures that only the table shows (q, flags) leave the map as it is."""
        before, self._figures = self._figures, figures
        if before is None or figures is None or not figures.counts_as(before):
            self._feature_changed()

    def _want_closer(self) -> None:
        self._making.want(self._side, self._codes)

    def _draw_closer(self) -> None:
        self._show_map()
        self._show_kept()

    def toggle_kept(self, feature: int) -> None:
        """Keep the map of a feature as a layer of its own, or no longer."""
        if self._kept.toggle(feature):
            self._show_map()
            self._state.shownChanged.emit()

    def keep_map(self, feature: int, channel: int | None) -> None:
        """Keep the map of a feature in a channel, or the strongest of all, as a layer of its own."""
        if self._kept.keep(feature, channel):
            self._show_map()
            self._state.shownChanged.emit()

    def _show_kept(self) -> None:
        """Draw the maps that stay over the field on the screen."""
        if self.putting.busy() or self._background.busy("codes"):
            return  # field and codes arrive in any order; the later one draws
        for which, layer in self.overlay.kept():
            self.overlay.redraw_kept(layer, self._map_of(which.feature, which.channel), self._state.style)
        self.overlay.legend()

    def _map(self) -> ActivationMap | None:
        return None if self._side is None or self.codes is None else self._making.chosen(self._side, self._codes)

    def _map_of(self, feature: int, channel: int | None) -> ActivationMap | None:
        return (
            None
            if self._side is None or self.codes is None
            else self._making.map(self._side, self._codes, feature, channel)
        )

    def _show_frame(self, spot: Spot | None) -> None:
        lexicon, placement = self._state.lexicon, self.placement()
        if spot is None or lexicon is None or placement is None:
            self.frame.rest()
        elif self._shown is self._state.current_field():  # else the field on the screen is still the old one
            self.frame.show(placement, spot.row, spot.column, lexicon.backbone.patch)

    def _clicked(self, world: tuple[float, ...]) -> None:
        lexicon, side = self._state.lexicon, self._side
        number = None if side is None else side.at(world)
        if side is None or self.putting.busy():
            return
        if number is not None and side.fields[number] is not self._shown:
            self._state.set_field(FieldPlace(side.fields[number].well, side.fields[number].index))
        field, codes, placement = self._shown, self.codes, self.placement()
        if lexicon is None or field is None or codes is None or placement is None:
            return
        grid = (codes.indices.shape[1], codes.indices.shape[2])
        place = patch_at(placement, world, lexicon.backbone.patch, grid, field.shape)
        self._state.set_spot(None if place is None else Spot(*place))
        if place is not None:
            self.pointed.emit(world)
