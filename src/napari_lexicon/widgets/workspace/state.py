"""What is current in one viewer: plate, lexicon, field, feature, selected wells. One truth for all docks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from qtpy.QtCore import QObject, Signal

from napari_lexicon.analysis.image_words import of_images
from napari_lexicon.viewer.colors import feature_color
from napari_lexicon.viewer.overlay import OverlayStyle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_lexicon.lexicons import Lexicon, LexiconPlate
    from napari_lexicon.lexicons.headers import PlateOrigin
    from napari_lexicon.plates.model import Field, Plate


@dataclass(frozen=True)
class FieldPlace:
    """A field by its well's name and its index within the well."""

    well: str
    index: int


@dataclass(frozen=True)
class Spot:
    """A patch of the shown field, or no patch: what was clicked in the image."""

    row: int
    column: int


@dataclass(frozen=True)
class Notice:
    """Something to tell a person: a sentence, and how bad it is (``"info"``, ``"warning"``, ``"error"``)."""

    sentence: str
    kind: str = "info"


@dataclass(frozen=True)
class MapLook:
    """What an activation map is made of.

    Parameters
    ----------
    kind : {"auto", "code", "direction"}
        The sparse code, or how far every patch lies along the feature in standard deviations of control patches;
        ``"auto"`` is one of the two for each feature (:meth:`LexiconReading.look_of`).
    finer : int
        By how much the map is finer than the patches along each side.
    """

    kind: Literal["auto", "code", "direction"] = "auto"
    finer: int = 1

    @property
    def plain(self) -> bool:
        """Whether the codes of the plate are enough for it."""
        return self.kind == "code" and self.finer == 1


class WorkspaceState(QObject):
    """The current things of one viewer, with a signal for each. Setting a thing to what it is says nothing.

    Signals
    -------
    plateChanged(Plate or None), lexiconChanged(Lexicon or None), fieldChanged(FieldPlace or None),
    featureChanged(int or None), channelChanged(int or None), selectionChanged(frozenset of str),
    spotChanged(Spot or None), styleChanged(OverlayStyle), lookChanged(MapLook), besideChanged(str),
    picksChanged(int or None), markedChanged(frozenset of int), onlyMarkedChanged(bool)
        The thing as it is now.
    fieldAsked()
        A person has asked for a field, perhaps the one that is shown already.
    lexiconGrew()
        More fields of the current plate are finished.
    nameChanged(int)
        A feature got another name.
    shownChanged()
        Other features are kept on the image, or their colours are others.
    noticed(Notice)
        Something to tell.
    """

    plateChanged = Signal(object)
    lexiconChanged = Signal(object)
    lexiconGrew = Signal()
    fieldChanged = Signal(object)
    fieldAsked = Signal()
    featureChanged = Signal(object)
    channelChanged = Signal(object)
    selectionChanged = Signal(object)
    spotChanged = Signal(object)
    styleChanged = Signal(object)
    lookChanged = Signal(object)
    besideChanged = Signal(str)
    picksChanged = Signal(object)
    markedChanged = Signal(object)
    onlyMarkedChanged = Signal(bool)
    nameChanged = Signal(int)
    shownChanged = Signal()
    noticed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._plate: Plate | None = None
        self._origin: PlateOrigin | None = None
        self._lexicon: Lexicon | None = None
        self._field: FieldPlace | None = None
        self._feature: int | None = None
        self._channel: int | None = None
        self._selection: frozenset[str] = frozenset()
        self._spot: Spot | None = None
        self._style = OverlayStyle()
        self._look = MapLook()
        self._beside = ""
        self._picks: int | None = None
        self._kept: tuple[int, ...] = ()
        self._colors: dict[int, str] = {}
        self._marked: frozenset[int] = frozenset()
        self._only_marked = False

    @property
    def plate(self) -> Plate | None:
        """The open plate."""
        return self._plate

    @property
    def origin(self) -> PlateOrigin | None:
        """How the open plate was opened."""
        return self._origin

    @property
    def lexicon(self) -> Lexicon | None:
        """The open lexicon folder."""
        return self._lexicon

    @property
    def lexicon_plate(self) -> LexiconPlate | None:
        """The open plate as it is in the open lexicon, None where the lexicon does not have it."""
        if self._lexicon is None or self._origin is None:
            return None
        for plate in self._lexicon.plates.values():
            if plate.header.origin.path == self._origin.path:
                return plate
        return None

    @property
    def field(self) -> FieldPlace | None:
        """The shown field."""
        return self._field

    @property
    def feature(self) -> int | None:
        """The chosen feature."""
        return self._feature

    @property
    def channel(self) -> int | None:
        """The channel whose activation is shown, None for the strongest of all."""
        return self._channel

    @property
    def selection(self) -> frozenset[str]:
        """The selected wells."""
        return self._selection

    @property
    def spot(self) -> Spot | None:
        """The patch that was clicked."""
        return self._spot

    @property
    def style(self) -> OverlayStyle:
        """How the activation map is drawn."""
        return self._style

    @property
    def look(self) -> MapLook:
        """What the activation map is made of."""
        return self._look

    @property
    def beside(self) -> str:
        """What is shown beside the current field: ``""``, ``"control"``, ``"selection"`` or ``"well"``."""
        return self._beside

    @property
    def picks(self) -> int | None:
        """How many features of every patch are shown, in the order of the pursuit; None for all."""
        return self._picks

    @property
    def marked(self) -> frozenset[int]:
        """Features selected together, on their map or in the table."""
        return self._marked

    @property
    def only_marked(self) -> bool:
        """Whether the table leaves out what is not among the features selected together."""
        return self._only_marked

    def said(self, text: str) -> str:
        """A text about wells as it is said of the open plate: of images, where it is made of loose ones."""
        return of_images(text) if self._plate is not None and self._plate.free else text

    def set_plate(self, plate: Plate | None, origin: PlateOrigin | None) -> None:
        """Make another plate current; field, selection, spot and neighbours go with the old one."""
        self.set_field(None, asked=False)
        self.set_beside("")
        self._plate, self._origin = plate, origin
        self._selection = frozenset()
        self.plateChanged.emit(plate)
        self.selectionChanged.emit(self._selection)

    def set_lexicon(self, lexicon: Lexicon | None) -> None:
        """Make another lexicon current; the feature goes with the old one."""
        self._lexicon = lexicon
        self.set_feature(None)
        self.set_channel(None)
        self.set_picks(None)
        self.set_marked(frozenset())
        self.lexiconChanged.emit(lexicon)

    def tell_growth(self) -> None:
        """Say that the current lexicon has more finished fields."""
        self.lexiconGrew.emit()

    def set_field(self, place: FieldPlace | None, *, asked: bool = True) -> None:
        """Show another field.

        One that is asked for by a person, perhaps the one that is shown already, is told as such.
        """
        if asked:
            self.fieldAsked.emit()
        if place != self._field:
            self._field = place
            self.set_spot(None)
            self.fieldChanged.emit(place)

    def set_feature(self, feature: int | None) -> None:
        """Choose another feature."""
        if feature != self._feature:
            self._feature = feature
            self.featureChanged.emit(feature)

    def set_channel(self, channel: int | None) -> None:
        """Choose the channel whose activation is shown."""
        if channel != self._channel:
            self._channel = channel
            self.channelChanged.emit(channel)

    def set_selection(self, wells: frozenset[str]) -> None:
        """Select wells."""
        if wells != self._selection:
            self._selection = frozenset(wells)
            self.selectionChanged.emit(self._selection)

    def set_spot(self, spot: Spot | None) -> None:
        """Note the patch that was clicked."""
        if spot != self._spot:
            self._spot = spot
            self.spotChanged.emit(spot)

    def set_style(self, style: OverlayStyle) -> None:
        """Draw the activation map otherwise."""
        if style != self._style:
            self._style = style
            self.styleChanged.emit(style)

    def set_look(self, look: MapLook) -> None:
        """Make the activation map of something else."""
        if look != self._look:
            self._look = look
            self.lookChanged.emit(look)

    def set_beside(self, kind: str) -> None:
        """Show other wells beside the current one."""
        if kind != self._beside:
            self._beside = kind
            self.besideChanged.emit(kind)

    def set_picks(self, picks: int | None) -> None:
        """Show only so many features of every patch."""
        if picks != self._picks:
            self._picks = picks
            self.picksChanged.emit(picks)

    @property
    def kept(self) -> tuple[int, ...]:
        """Features whose maps stay on the image while others are chosen."""
        return self._kept

    @property
    def shown_colors(self) -> dict[int, str]:
        """Colours of the features that are on the image."""
        return dict(self._colors)

    def set_shown(self, kept: tuple[int, ...], colors: Mapping[int, str], *, tell: bool = True) -> None:
        """Note which features stay on the image, and the colours of all that are on it."""
        changed = (kept, dict(colors)) != (self._kept, self._colors)
        self._kept, self._colors = kept, dict(colors)
        if changed and tell:
            self.shownChanged.emit()

    def color_of(self, feature: int) -> str:
        """The one colour of a feature everywhere: as on the image, else as a person chose, else its own."""
        if feature in self._colors:
            return self._colors[feature]
        named = self._lexicon.names.get(feature) if self._lexicon and self._lexicon.header.dictionary else None
        return feature_color(feature, named.color if named else None)

    def set_marked(self, features: frozenset[int]) -> None:
        """Select features together."""
        if features != self._marked:
            self._marked = frozenset(features)
            if not self._marked:
                self.set_only_marked(False)
            self.markedChanged.emit(self._marked)

    def set_only_marked(self, only: bool) -> None:
        """Leave other features out of the table."""
        if only != self._only_marked:
            self._only_marked = only
            self.onlyMarkedChanged.emit(only)

    def tell_name(self, feature: int) -> None:
        """Say that a feature got another name."""
        self.nameChanged.emit(feature)

    def notice(self, sentence: str, kind: str = "info") -> None:
        """Tell a person something."""
        self.noticed.emit(Notice(sentence, kind))

    def current_field(self) -> Field | None:
        """The shown field of the open plate."""
        if self._plate is None or self._field is None:
            return None
        well = self._plate.wells.get(self._field.well)
        if well is None:
            return None
        return next((field for field in well.fields if field.index == self._field.index), None)

    def field_number(self) -> int | None:
        """Number of the shown field in the lexicon, None where the lexicon does not have it."""
        plate, field = self.lexicon_plate, self.current_field()
        if plate is None or field is None:
            return None
        for number, header in enumerate(plate.fields):
            if header.well == field.well and header.name == field.name:
                return number
        return None
