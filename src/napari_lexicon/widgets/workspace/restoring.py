"""Keeps where a person is in a plate, and goes back there when the plate is opened again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_lexicon.errors import LexiconError
from napari_lexicon.widgets.basic.later import later
from napari_lexicon.widgets.workspace.last_view import LastView, keep_view, read_views, view_of
from napari_lexicon.widgets.workspace.state import FieldPlace

if TYPE_CHECKING:
    from napari_lexicon.widgets.workspace.background import Background
    from napari_lexicon.widgets.workspace.canvas import Canvas
    from napari_lexicon.widgets.workspace.opening import Opening
    from napari_lexicon.widgets.workspace.reading import LexiconReading
    from napari_lexicon.widgets.workspace.state import WorkspaceState

PAUSE_MS = 700
"""How long nothing may change before it is written: walking through a plate writes nothing."""


class Restoring(QObject):
    """Writes the view of the open plate soon after it changed, and shows the last view of a plate that opens.

    Signals
    -------
    restored(LastView)
        A plate was opened that has been open before: docks show their part.
    """

    restored = Signal(object)

    def __init__(
        self,
        state: WorkspaceState,
        reading: LexiconReading,
        opening: Opening,
        canvas: Canvas,
        background: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._reading, self._canvas, self._background = state, reading, canvas, background
        self._to_keep: tuple[tuple[int, int | None], ...] = ()
        self._path = opening.memory.views_path()
        self._docks: dict[str, Any] = {}
        self._held = True  # until a plate is open there is nothing to keep
        self._pause = later(self, PAUSE_MS, self._keep)
        for signal in (
            *(state.fieldChanged, state.selectionChanged, state.besideChanged, state.featureChanged),
            *(state.channelChanged, state.picksChanged, state.styleChanged, state.lookChanged),
            *(state.lexiconChanged, state.shownChanged, reading.changed),
        ):
            signal.connect(self._changed)
        opening.replacing.connect(self._make_way)
        opening.opened.connect(self._restore)
        canvas.sideShown.connect(self._keep_maps)

    def note(self, **changes: Any) -> None:
        """Note what a dock shows, under the names of :class:`LastView`."""
        self._docks.update(changes)
        self._changed()

    def value(self) -> LastView | None:
        """What would be kept now, None without a plate."""
        state = self._state
        if state.origin is None:
            return None
        return LastView(
            plate=state.origin.path,
            lexicon="" if state.lexicon is None else str(state.lexicon.path),
            well="" if state.field is None else state.field.well,
            field=0 if state.field is None else state.field.index,
            selection=tuple(sorted(state.selection)),
            beside=state.beside,
            feature=state.feature,
            channel=state.channel,
            picks=state.picks,
            kept=self._to_keep or tuple((each.feature, each.channel) for each, _ in self._canvas.overlay.kept()),
            compare_by=self._reading.compare_by,
            compared_by_hand=self._reading.by_hand,
            beyond=self._reading.beyond,
            style=state.style,
            look=state.look,
            **self._docks,
        )

    def hold(self) -> None:
        """Write what has changed, and nothing of what goes while the window closes."""
        self.flush()
        self._held = True

    def go_on(self) -> None:
        """The window stays open after all."""
        self._held = self._state.origin is None

    def flush(self) -> None:
        """Write at once what has changed; the window is closing."""
        if self._pause.isActive():
            self._pause.stop()
            view = self.value()
            if view is not None:
                self._write(view)

    def _changed(self, _: object = None) -> None:
        if not self._held:
            self._pause.start()

    def _keep(self) -> None:
        view = self.value()
        if view is not None:
            self._background.start("view", lambda: self._write(view), lambda _: None, lambda error: None)

    def _write(self, view: LastView) -> None:
        try:
            keep_view(self._path, view)
        except LexiconError:  # a full disk must not stop the work; the plate opens as it did before
            return

    def _make_way(self) -> None:
        """Another plate is about to take the place of this one."""
        self.hold()
        self._to_keep = ()

    def _restore(self, _: object = None) -> None:
        state = self._state
        if state.origin is None:
            return
        lexicon = "" if state.lexicon is None else str(state.lexicon.path)
        view = view_of(read_views(self._path), state.origin.path, lexicon)
        if view is not None:
            self._show(view)
            self.restored.emit(view)
        else:
            self._reading.set_beyond(None)  # how features of the plate before were read says nothing of this one
        self._held = False
        self._changed()

    def _show(self, view: LastView) -> None:
        state, plate = self._state, self._state.plate
        assert plate is not None
        self._docks = {name: getattr(view, name) for name in ("sort", "search", "silent", "color_by", "color_by_hand")}
        state.set_style(view.style)
        state.set_look(view.look)
        if view.compared_by_hand and view.compare_by in (None, *plate.map.columns):
            self._reading.set_compare_by(view.compare_by)
        self._reading.set_beyond(view.beyond)
        state.set_selection(frozenset(view.selection) & frozenset(plate.wells))
        if view.well in plate.wells and any(field.index == view.field for field in plate.wells[view.well].fields):
            state.set_field(FieldPlace(view.well, view.field), asked=False)
            state.set_beside(view.beside)
        part = state.lexicon_plate
        if part is not None and state.lexicon is not None and state.lexicon.header.dictionary is not None:
            known = view.feature is not None and 0 <= view.feature < part.n_features
            state.set_feature(view.feature if known else None)
            in_range = view.channel is not None and 0 <= view.channel < len(part.header.channels)
            state.set_channel(view.channel if in_range else None)
            state.set_picks(view.picks)
            self._to_keep = tuple(which for which in view.kept if 0 <= which[0] < part.n_features)

    def _keep_maps(self) -> None:
        """The first computed field is on the screen: the maps that stayed on the image come back."""
        if self._to_keep and self._canvas.codes is not None:
            wanted, self._to_keep = self._to_keep, ()
            for feature, channel in wanted:
                self._canvas.keep_map(feature, channel)
