"""The Questions dock."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QFileDialog

from napari_lexicon.analysis.question_words import WORDS
from napari_lexicon.widgets.questions.controller import OWNER, QuestionsController
from napari_lexicon.widgets.questions.view import QuestionsView
from napari_lexicon.widgets.workspace.links import Dock
from napari_lexicon.widgets.workspace.workspace import workspace_of

if TYPE_CHECKING:
    from napari_lexicon.widgets.workspace.links import Controller


class QuestionsDock(Dock):
    """Ask what features mean: a table, its figure, and from each row to the image."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(workspace_of(napari_viewer), OWNER)
        self.view = QuestionsView(WORDS)
        self.set_content(self.view)

    def make_controller(self) -> Controller:
        controller = QuestionsController(self.workspace, self.view)
        controller.link(self.view.saveClicked, self.ask_where_to_save)
        return controller

    def ask_where_to_save(self) -> None:
        """Ask where the table goes; returns at once."""
        if not isinstance(self.controller, QuestionsController) or self.workspace.state.lexicon is None:
            return
        controller, name = self.controller, self.controller.answer_name()
        dialog = QFileDialog(self, "Save the table", str(self.workspace.state.lexicon.path.parent), "Tables (*.csv)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.selectFile(name)
        dialog.fileSelected.connect(lambda path: controller.save(Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
