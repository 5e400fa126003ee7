"""The Dictionary dock."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QFileDialog

from napari_lexicon.widgets.basic.scroll import TallContent
from napari_lexicon.widgets.dictionary.controller import DictionaryController
from napari_lexicon.widgets.dictionary.view import DictionaryView
from napari_lexicon.widgets.workspace.links import Dock
from napari_lexicon.widgets.workspace.workspace import workspace_of

if TYPE_CHECKING:
    from napari_lexicon.widgets.workspace.links import Controller


class DictionaryDock(Dock):
    """Choose a dictionary, or train one and watch it learn."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(workspace_of(napari_viewer), "dictionary")
        self.view = DictionaryView()
        self.set_content(TallContent(self.view))

    def make_controller(self) -> Controller:
        controller = DictionaryController(self.workspace, self.view)
        controller.link(self.view.saveClicked, self.ask_where_to_save)
        return controller

    def ask_where_to_save(self) -> None:
        """Save a copy of the trained dictionary where a person says."""
        name = Path(self.workspace.training.trained or "dictionary.safetensors").name
        path, _ = QFileDialog.getSaveFileName(self, "Save the dictionary", name, "Dictionaries (*.safetensors)")
        if path and isinstance(self.controller, DictionaryController):
            self.controller.copy_to(Path(path))
