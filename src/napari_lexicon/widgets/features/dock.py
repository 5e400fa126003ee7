"""The Features dock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QStackedWidget

from napari_lexicon.widgets.basic.empty import EmptyPage
from napari_lexicon.widgets.features.controller import FeaturesController
from napari_lexicon.widgets.features.view import FeaturesView
from napari_lexicon.widgets.workspace.links import Dock
from napari_lexicon.widgets.workspace.requests import apply_reason
from napari_lexicon.widgets.workspace.workspace import workspace_of

if TYPE_CHECKING:
    from napari_lexicon.widgets.workspace.links import Controller


class FeaturesDock(Dock):
    """Which features fire where: table, map over the image, strongest places, names."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(workspace_of(napari_viewer), "features")
        self.view = FeaturesView()
        self.empty = EmptyPage(
            "No features yet",
            "When a dictionary has been applied to the plate, its features are listed here: how often each fires, in "
            "which channel, in which wells. Choosing one paints it over the image.",
        )
        self.pages = QStackedWidget()
        self.pages.addWidget(self.empty)
        self.pages.addWidget(self.view)
        self.set_content(self.pages)

    def make_controller(self) -> Controller:
        controller = FeaturesController(self.workspace, self.view)
        workspace = self.workspace
        for signal in (workspace.reading.changed, workspace.state.plateChanged, workspace.jobs.changed):
            controller.link(signal, self._turn_page)
        controller.link(self.empty.clicked, self.apply_builtin)
        self._turn_page()
        return controller

    def apply_builtin(self) -> None:
        """The one button: apply the built-in dictionary."""
        self.workspace.compute.apply_builtin(self.name)

    def _turn_page(self, _: object = None) -> None:
        ready = self.workspace.reading.figures is not None
        self.pages.setCurrentIndex(1 if ready else 0)
        if not ready:
            job = self.workspace.jobs.status
            reason = apply_reason(self.workspace.state, job)
            if job.busy and job.request is not None and job.request.kind == "apply":
                reason = "Features appear here as soon as the first fields are done."
            note = "" if reason else self.workspace.compute.estimate_sentence()
            self.empty.setButton("Apply the built-in dictionary", reason, note)
