"""Keeps the bars of the rounds in step with what is current."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_lexicon.widgets.rounds.encoding import Encoding, found_by_step, read_encoding
from napari_lexicon.widgets.workspace.links import Controller

if TYPE_CHECKING:
    from napari_lexicon.widgets.rounds.bars import RoundBars
    from napari_lexicon.widgets.workspace.workspace import Workspace


class RoundsController(Controller):
    """Rounds of the current dictionary to the bars; the chosen number to the state."""

    def __init__(self, workspace: Workspace, view: RoundBars) -> None:
        super().__init__(workspace, view)
        self._view = view
        state = workspace.state
        self.link(state.lexiconChanged, self._show_encoding)
        self.link(state.picksChanged, self._show_picks)
        self.link(state.featureChanged, self._show_parts)
        self.link(state.nameChanged, self._show_parts)
        self.link(state.spotChanged, self._show_parts)  # also says that another field is on the screen
        self.link(view.valueChanged, self._chose)
        self._show_encoding()

    def _show_encoding(self, _: object = None) -> None:
        lexicon = self.workspace.state.lexicon
        known = None
        if lexicon is not None and lexicon.header.dictionary is not None:
            known = read_encoding(lexicon.path / "dictionary.safetensors")
        self._view.setEncoding(known or Encoding(1, 1))
        self._view.setVisible(known is not None and known.steps > 1)
        self._show_picks(self.workspace.state.picks)
        self._show_parts()

    def _show_picks(self, picks: int | None) -> None:
        self._view.setValue(self._view.encoding().step_of(picks))

    def _show_parts(self, _: object = None) -> None:
        feature, codes = self.workspace.state.feature, self.workspace.canvas.shown_codes()
        if feature is None or not codes:
            self._view.setParts(np.zeros(self._view.encoding().steps).tolist(), "#888888")
            return
        parts = found_by_step(codes, feature, self._view.encoding())
        self._view.setParts(parts.tolist(), self.workspace.state.color_of(feature))

    def _chose(self, rounds: int) -> None:
        self.workspace.state.set_picks(self._view.encoding().picks_until(rounds))
