"""Which features are on the image at once, and in which colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

from napari_lexicon.viewer.distinct import MOST_KEPT, shown_colors
from napari_lexicon.viewer.overlay import KeptMap

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

    from napari_lexicon.viewer.overlay import ActivationMap, ActivationOverlay
    from napari_lexicon.widgets.workspace.state import WorkspaceState


class KeptMaps(QObject):
    """Keeps maps beside the chosen one, and tells the state of them.

    Parameters
    ----------
    state : WorkspaceState
        What is current.
    viewer : ViewerModel
        Of which a person may remove layers by hand.
    overlay : ActivationOverlay
        The layers.
    map_of : callable
        From a feature and a channel to its map, None where no computed field is shown.
    """

    def __init__(
        self,
        state: WorkspaceState,
        viewer: ViewerModel,
        overlay: ActivationOverlay,
        map_of: Callable[[int, int | None], ActivationMap | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._overlay, self._map_of = state, overlay, map_of
        # made before anybody else listens: whoever hears of a feature draws it in the right colour
        state.featureChanged.connect(lambda _: self.note(tell=False))
        state.nameChanged.connect(lambda _: self.note())
        viewer.layers.events.removed.connect(self._layer_removed)

    def toggle(self, feature: int) -> bool:
        """Keep the map of a feature as a layer of its own, or no longer; True where one was added."""
        if feature in self._state.kept:
            self._overlay.drop(feature)  # the viewer tells of it
            return False
        return self.keep(feature, self._state.channel)

    def keep(self, feature: int, channel: int | None) -> bool:
        """Keep the map of a feature as a layer of its own, in a colour that no other on the image is like."""
        state, lexicon = self._state, self._state.lexicon
        if lexicon is None or lexicon.header.dictionary is None:
            return False
        if len(set(state.kept) - {feature}) >= MOST_KEPT:
            state.notice(f"{MOST_KEPT} maps are kept: let one go first, more colours cannot be told apart.")
            return False
        if self._map_of(feature, channel) is None:
            state.notice("Open a field that has been computed first: there is no image to keep a map on.")
            return False
        self.note(feature, tell=False)
        shown = self._map_of(feature, channel)
        assert shown is not None
        self._overlay.keep(KeptMap(feature, channel, lexicon.header.dictionary.hash), shown, state.style)
        return True

    def note(self, adding: int | None = None, *, tell: bool = True) -> None:
        """Which features are on the image, and in which colours."""
        state, lexicon = self._state, self._state.lexicon
        kept = [which.feature for which, _ in self._overlay.kept()]
        kept += [adding] if adding is not None and adding not in kept else []
        features = [*kept, *([] if state.feature is None else [state.feature])]
        names = lexicon.names if lexicon is not None and lexicon.header.dictionary is not None else None
        chosen = {m: given.color for m in features if names is not None and (given := names.get(m)) is not None}
        before = {m: color for m, color in state.shown_colors.items() if m in kept}
        state.set_shown(tuple(kept), shown_colors(features, chosen, before), tell=tell)
        self._overlay.legend()

    def drop_foreign(self) -> None:
        """A number means another feature in another dictionary: its maps go."""
        lexicon = self._state.lexicon
        own = None if lexicon is None or lexicon.header.dictionary is None else lexicon.header.dictionary.hash
        if any(which.dictionary != own for which, _ in self._overlay.kept()):
            self._overlay.clear_kept()

    def _layer_removed(self, event: object = None) -> None:
        self.note()
