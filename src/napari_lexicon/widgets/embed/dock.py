"""The Embed dock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_lexicon.widgets.basic.scroll import TallContent
from napari_lexicon.widgets.embed.controller import EmbedController
from napari_lexicon.widgets.embed.view import EmbedView
from napari_lexicon.widgets.workspace.links import Dock
from napari_lexicon.widgets.workspace.workspace import workspace_of

if TYPE_CHECKING:
    from napari_lexicon.widgets.workspace.links import Controller


class EmbedDock(Dock):
    """Read a plate with a vision model and a dictionary: what is computed, what is stale, one button."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(workspace_of(napari_viewer), "embed")
        self.view = EmbedView()
        self.set_content(TallContent(self.view))

    def make_controller(self) -> Controller:
        return EmbedController(self.workspace, self.view)
