"""The Cells dock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_lexicon.widgets.basic.scroll import TallContent
from napari_lexicon.widgets.cells.controller import CellsController
from napari_lexicon.widgets.cells.view import CellsView
from napari_lexicon.widgets.workspace.links import Dock
from napari_lexicon.widgets.workspace.workspace import workspace_of

if TYPE_CHECKING:
    from napari_lexicon.widgets.workspace.links import Controller


class CellsDock(Dock):
    """Cells of the shown wells: found, measured, coloured by a feature, gated, saved."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(workspace_of(napari_viewer), "cells")
        self.view = CellsView()
        self.set_content(TallContent(self.view))

    def make_controller(self) -> Controller:
        return CellsController(self.workspace, self.view)
