"""A feature that was taught in one channel is shown in it, for as long as it is the chosen one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

if TYPE_CHECKING:
    from napari_lexicon.widgets.workspace.reading import LexiconReading
    from napari_lexicon.widgets.workspace.state import WorkspaceState


class TaughtChannel(QObject):
    """Chooses the channel of taught features, where a person has not chosen one; and takes the choice back."""

    def __init__(self, state: WorkspaceState, reading: LexiconReading, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._reading = state, reading
        self._own: int | None = None
        state.featureChanged.connect(self._chosen)
        state.channelChanged.connect(self._forget)

    def _chosen(self, feature: int | None) -> None:
        wanted = self._reading.taught_channel(feature)
        if self._state.channel is None or self._state.channel == self._own:
            self._state.set_channel(wanted)
            self._own = wanted

    def _forget(self, channel: int | None) -> None:
        if channel != self._own:
            self._own = None
