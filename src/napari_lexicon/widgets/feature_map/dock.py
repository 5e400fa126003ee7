"""The Feature map dock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QStackedWidget

from napari_lexicon.widgets.basic.empty import EmptyPage
from napari_lexicon.widgets.feature_map.controller import FeatureMapController
from napari_lexicon.widgets.feature_map.view import FeatureMapView
from napari_lexicon.widgets.workspace.links import Dock
from napari_lexicon.widgets.workspace.requests import apply_reason
from napari_lexicon.widgets.workspace.workspace import workspace_of

if TYPE_CHECKING:
    from napari_lexicon.widgets.feature_map.controller import Layouts
    from napari_lexicon.widgets.workspace.links import Controller


class FeatureMapDock(Dock):
    """All features in two dimensions, brushed together with the table."""

    def __init__(self, napari_viewer: Any) -> None:
        super().__init__(workspace_of(napari_viewer), "feature_map")
        self.made: Layouts = {}
        self.view = FeatureMapView()
        self.empty = EmptyPage(
            "No features yet",
            "When a dictionary has been applied to the plate, all its features are points here, similar ones close "
            "together. Colour them by what they are selective for, draw a line round a group, and the table shows it.",
        )
        self.pages = QStackedWidget()
        self.pages.addWidget(self.empty)
        self.pages.addWidget(self.view)
        self.set_content(self.pages)

    def make_controller(self) -> Controller:
        controller = FeatureMapController(self.workspace, self.view, self.made)
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
            note = "" if reason else self.workspace.compute.estimate_sentence()
            self.empty.setButton("Apply the built-in dictionary", reason, note)
