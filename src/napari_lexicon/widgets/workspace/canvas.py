"""Between the current things and the layers: shows the current field, lays the current feature's map over it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer

from napari_lexicon.viewer.colors import feature_color
from napari_lexicon.viewer.conversion import ImageLayer, Placement, cropped_map, patch_at
from napari_lexicon.viewer.field_layers import FieldLayers
from napari_lexicon.viewer.overlay import ActivationMap, ActivationOverlay, KeptMap
from napari_lexicon.viewer.pointer import on_click
from napari_lexicon.viewer.spot_frame import SpotFrame
from napari_lexicon.widgets.workspace.field_reading import ReadField, caption_of, read_field
from napari_lexicon.widgets.workspace.state import FieldPlace, Spot, WorkspaceState

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_lexicon.lexicons import FieldCodes, Lexicon
    from napari_lexicon.plates.model import Field
    from napari_lexicon.widgets.workspace.background import Background
    from napari_lexicon.widgets.workspace.reading import LexiconReading

_PATCHES_AROUND = 20
"""Patches to be seen across when the view goes to one of them: a few cells."""


def feature_title(lexicon: Lexicon, feature: int) -> str:
    """``"#412 fragmented mitochondria"``, or ``"#412"`` without a name."""
    named = lexicon.names.get(feature)
    return f"#{feature} {named.name}" if named else f"#{feature}"


def color_of(lexicon: Lexicon | None, feature: int) -> str:
    """The colour of a feature: chosen by a person, or its own."""
    named = lexicon.names.get(feature) if lexicon is not None and lexicon.header.dictionary else None
    return feature_color(feature, named.color if named else None)


class Canvas(QObject):
    """Keeps one viewer's layers in step with its state."""

    def __init__(
        self,
        state: WorkspaceState,
        viewer: ViewerModel,
        background: Background,
        reading: LexiconReading,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._background, self._reading = state, background, reading
        self.layers = FieldLayers(viewer)
        self.overlay = ActivationOverlay(viewer)
        self.frame = SpotFrame(viewer)
        self._codes: FieldCodes | None = None
        self._codes_of: Field | None = None
        self._shown: Field | None = None
        self._center: tuple[int, int] | None = None
        self._queue: deque[ImageLayer] = deque()
        self._read: ReadField | None = None
        state.plateChanged.connect(self._forget_ranges)
        state.fieldChanged.connect(self._load)
        state.lexiconChanged.connect(self._drop_foreign_maps)
        state.lexiconChanged.connect(self._load_codes)
        state.lexiconGrew.connect(self._load_codes_if_missing)
        for signal in (state.featureChanged, state.channelChanged, state.styleChanged, state.nameChanged):
            signal.connect(self._show_map)
        state.nameChanged.connect(self._show_kept)
        reading.changed.connect(self._show_map)
        state.spotChanged.connect(self._show_frame)
        on_click(viewer, self._clicked)

    @property
    def codes(self) -> FieldCodes | None:
        """Codes of the field on the screen, None where it has none (yet)."""
        return self._codes if self._codes_of is self._shown else None

    def shown_field(self) -> Field | None:
        """The field whose pixels are on the screen."""
        return self._shown

    def changing(self) -> bool:
        """Whether a field is being read or put on the screen."""
        return self._read is not None or self._background.busy("field") or self._background.busy("codes")

    def show_patch(self, place: FieldPlace, row: int, column: int) -> None:
        """Show a field and look at one of its patches from near by."""
        self._center = (row, column)
        if place == self._state.field and self._shown is not None:
            self._look_at_center()
        else:
            self._state.set_field(place)
        self._state.set_spot(Spot(row, column))

    # field ----------------------------------------------------------------------------------------------------------

    def _forget_ranges(self) -> None:
        self._queue.clear()
        self.layers.clear()
        self.overlay.clear()
        self.overlay.clear_kept()
        self.frame.clear()
        self.layers.caption("")
        self._shown = self._codes = self._center = None

    def _load(self, place: FieldPlace | None) -> None:
        plate, field = self._state.plate, self._state.current_field()
        if plate is None or field is None:
            return
        ranges = self.layers.ranges()
        self._background.start("field", lambda: read_field(plate, field, ranges), self._take_field, self._field_failed)
        self._codes = None
        self._load_codes()

    def _field_failed(self, error: Exception) -> None:
        place = self._state.field
        where = f"{place.well}, field {place.index + 1}" if place else "The field"
        self._state.notice(f"{where} cannot be shown: {error}", "error")

    def _take_field(self, read: ReadField) -> None:
        """Put the channels on the screen one by one, so that napari can breathe between them."""
        self._read = read
        self._queue = deque(read.layers)
        self.layers.remove_others(read.layers)
        self._put_next()

    def _put_next(self) -> None:
        if self._read is None:
            return
        if self._queue:
            self.layers.put(self._queue.popleft())
            QTimer.singleShot(0, self._put_next)
            return
        read, self._read = self._read, None
        self._shown = read.field
        if read.layers:
            self.layers.look_at(read.layers[0])
        if self._state.plate is not None:
            self.layers.caption(caption_of(self._state.plate, read.field))
        self._look_at_center()
        self._show_map()
        self._show_kept()
        self._state.spotChanged.emit(self._state.spot)

    def _look_at_center(self) -> None:
        lexicon = self._state.lexicon
        if self._center is None or lexicon is None or self._shown is None:
            return
        patch = lexicon.backbone.patch
        row, column = self._center
        middle = ((row + 0.5) * patch - 0.5, (column + 0.5) * patch - 0.5)
        placement = Placement.of(self._shown)
        self.layers.center_on(placement.world_of(middle), _PATCHES_AROUND * patch * placement.scale[0])
        self._center = None

    # map ------------------------------------------------------------------------------------------------------------

    def _load_codes_if_missing(self) -> None:
        if self._codes is None:
            self._load_codes()

    def _load_codes(self) -> None:
        plate, number = self._state.lexicon_plate, self._state.field_number()
        self._codes, self._codes_of = None, self._state.current_field()
        if plate is None or number is None:
            self._background.forget("codes")
            self._show_map()
            return
        self._background.start("codes", lambda: plate.codes(number), self._take_codes, self._field_failed)

    def _take_codes(self, codes: FieldCodes | None) -> None:
        self._codes = codes
        self._show_map()
        self._show_kept()
        self._state.spotChanged.emit(self._state.spot)

    def _show_map(self) -> None:
        shown = self._map()
        if shown is not None:
            self.overlay.show(shown, self._state.style)
        elif self._state.feature is None or not self.changing():
            self.overlay.clear()
        elif self._read is None and not self._background.busy("field"):
            self.overlay.blank()  # the new field is there before its codes; the layer waits for them

    def keep_map(self) -> None:
        """Keep the map of the current feature as a layer of its own."""
        lexicon, feature, shown = self._state.lexicon, self._state.feature, self._map()
        if lexicon is not None and lexicon.header.dictionary is not None and feature is not None and shown is not None:
            which = KeptMap(feature, self._state.channel, self._state.style, lexicon.header.dictionary.hash)
            self.overlay.keep(which, shown)

    def _show_kept(self) -> None:
        """Draw the maps that stay over the field on the screen."""
        if self._read is not None or self._background.busy("codes"):
            return  # field and codes arrive in any order; the later one draws
        for which, layer in self.overlay.kept():
            self.overlay.redraw_kept(layer, which, self._map_of(which.feature, which.channel, which.style.smooth))

    def _drop_foreign_maps(self) -> None:
        """A number means another feature in another dictionary: its maps go."""
        lexicon = self._state.lexicon
        own = None if lexicon is None or lexicon.header.dictionary is None else lexicon.header.dictionary.hash
        if any(which.dictionary != own for which, _ in self.overlay.kept()):
            self.overlay.clear_kept()

    def _map(self) -> ActivationMap | None:
        feature, style = self._state.feature, self._state.style
        return None if feature is None else self._map_of(feature, self._state.channel, style.smooth)

    def _map_of(self, feature: int, channel: int | None, smooth: bool) -> ActivationMap | None:
        from napari_lexicon.analysis.maps import activation_map

        lexicon, codes, field = self._state.lexicon, self.codes, self._shown
        if lexicon is None or codes is None or field is None:
            return None
        values = activation_map(codes, feature, channel)
        top = self._reading.strongest(feature) or float(values.max())
        patch = lexicon.backbone.patch
        if not smooth:  # blending needs the patches themselves
            values, patch = cropped_map(values, patch, field.shape)
        placement = Placement.of(field).of_patches(patch)
        return ActivationMap(values, placement, feature_title(lexicon, feature), color_of(lexicon, feature), top)

    def _show_frame(self, spot: Spot | None) -> None:
        lexicon, field = self._state.lexicon, self._shown
        if spot is None or lexicon is None or field is None:
            self.frame.clear()
        elif self._read is None and self._codes_of is field:  # else the field on the screen is still the old one
            self.frame.show(Placement.of(field), spot.row, spot.column, lexicon.backbone.patch)

    def _clicked(self, world: tuple[float, ...]) -> None:
        lexicon, field, codes = self._state.lexicon, self._shown, self.codes
        if lexicon is None or field is None or codes is None:
            return
        grid = (codes.indices.shape[1], codes.indices.shape[2])
        place = patch_at(Placement.of(field), world, lexicon.backbone.patch, grid, field.shape)
        self._state.set_spot(None if place is None else Spot(*place))
