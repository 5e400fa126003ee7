"""Keeps the Feature map dock in step with what is current."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_lexicon.widgets.basic.ink import is_dark
from napari_lexicon.widgets.feature_map.coloring import OWN, choices, point_colors
from napari_lexicon.widgets.feature_map.view import METHODS
from napari_lexicon.widgets.features.columns import sentence_of
from napari_lexicon.widgets.workspace.links import Controller
from napari_lexicon.widgets.workspace.map_making import feature_title
from napari_lexicon.widgets.workspace.requests import layout_request

if TYPE_CHECKING:
    from napari_lexicon.analysis.feature_layout import FeatureLayout
    from napari_lexicon.lexicons import Lexicon
    from napari_lexicon.widgets.feature_map.view import FeatureMapView
    from napari_lexicon.widgets.workspace.job_status import JobStatus
    from napari_lexicon.widgets.workspace.workspace import Workspace

Layouts = dict[tuple[str, str], "FeatureLayout"]
"""Layouts that were made, by hash of the dictionary and method."""


class FeatureMapController(Controller):
    """Places and colours of the features to the view; choices in the view to the state.

    Parameters
    ----------
    made : dict
        Kept by the dock, so that a map that took its time is there when the dock is opened again.
    """

    def __init__(self, workspace: Workspace, view: FeatureMapView, made: Layouts) -> None:
        super().__init__(workspace, view)
        self._view, self._made = view, made
        self._color_by = OWN
        state = workspace.state
        self.link(workspace.reading.changed, self._show)
        self.link(state.lexiconChanged, self._show)
        self.link(state.featureChanged, view.plot.setCurrent)
        self.link(state.nameChanged, self._recolor)
        self.link(state.shownChanged, self._recolor)
        self.link(state.markedChanged, self._show_marked)
        self.link(state.onlyMarkedChanged, view.only.setChecked)
        self.link(workspace.jobs.ended, self._job_ended)
        self.link(workspace.jobs.changed, self._show_reasons)
        self.link(view.valueChanged, self._show)
        self.link(view.colorByChanged, self._color)
        self.link(view.themeChanged, self._recolor)
        self.link(view.plot.valueChanged, self._brushed)
        self.link(view.plot.pointClicked, state.set_feature)
        self.link(view.onlyMarkedChanged, state.set_only_marked)
        self.link(view.clearClicked, lambda: state.set_marked(frozenset()))
        view.plot.setTip(self._tip)
        view.only.setChecked(state.only_marked)
        self._show_reasons()
        self._show()

    def _dictionary(self) -> str:
        lexicon = self.workspace.state.lexicon
        return "" if lexicon is None or lexicon.header.dictionary is None else lexicon.header.dictionary.hash

    # layout ---------------------------------------------------------------------------------------------------------

    def _show(self, _: object = None) -> None:
        """Show the layout that is asked for, or have it made: PCA in a moment, a map of neighbours by a job."""
        lexicon, figures = self.workspace.state.lexicon, self.workspace.reading.figures
        dictionary, method = self._dictionary(), self._view.value()
        if lexicon is None or figures is None or not dictionary:
            return
        self._view.setChoices(choices(figures), self._color_by)
        layout = self._made.get((dictionary, method))
        if layout is None and method != "pca":
            self._ask_for(lexicon, method)
            layout = self._made.get((dictionary, "pca"))
        if layout is None:
            self._lay_out(lexicon, dictionary)
            return
        self._draw(layout)

    def _draw(self, layout: FeatureLayout) -> None:
        figures = self.workspace.reading.figures
        if figures is None or len(figures.table) != len(layout.points):
            return
        grey = np.full((len(layout.points), 3), 128, dtype=np.uint8)
        self._view.plot.setPoints(layout.points, grey, layout.titles, ticks=layout.method == "pca")
        self._view.plot.setCurrent(self.workspace.state.feature)
        self._recolor()
        self._show_marked()

    def _lay_out(self, lexicon: Lexicon, dictionary: str) -> None:
        from napari_lexicon.analysis.feature_layout import feature_layout
        from napari_lexicon.analysis.lexicon_tables import atoms_of

        def take(layout: FeatureLayout) -> None:
            self._made[dictionary, "pca"] = layout
            if dictionary == self._dictionary():
                self._draw(layout)

        state = self.workspace.state
        self.workspace.background.start(
            "feature map",
            lambda: feature_layout(atoms_of(lexicon)),
            take,
            lambda error: state.notice(str(error), "error"),
        )

    def _ask_for(self, lexicon: Lexicon, method: str) -> None:
        if self.workspace.jobs.status.busy:
            self._view.setValue("pca")
            self.workspace.state.notice(f"A job is running: choose {METHODS[method]} again when it has ended.")
            return
        self.workspace.jobs.start(layout_request(lexicon, method, "feature_map"))

    def _job_ended(self, status: JobStatus) -> None:
        from napari_lexicon.analysis.feature_layout import FeatureLayout

        if status.request is None or status.request.kind != "layout":
            return
        result = status.result
        if "x" in result:
            points = np.stack([np.asarray(result["x"], float), np.asarray(result["y"], float)], axis=1)
            method = str(result["method"])
            titles = (str(result["titles"][0]), str(result["titles"][1]))
            self._made[str(result["dictionary"]), method] = FeatureLayout(method, points, titles)
        elif (self._dictionary(), self._view.value()) not in self._made:
            self._view.setValue("pca")
        self.workspace.jobs.forget()
        self._show()

    def _show_reasons(self, _: object = None) -> None:
        from napari_lexicon.analysis.feature_layout import can_make

        job = self.workspace.jobs.status
        reasons: dict[str, str | None] = {}
        for method in ("tsne", "umap"):
            if not can_make(method):
                reasons[method] = "Install the package umap-learn to use UMAP."
            elif job.busy and (self._dictionary(), method) not in self._made:
                reasons[method] = "A job is running: this can be made when it has ended."
        self._view.setReasons(reasons)

    # colours --------------------------------------------------------------------------------------------------------

    def _color(self, key: str) -> None:
        self._color_by = key
        self._recolor()

    def _recolor(self, *_: object) -> None:
        lexicon, figures = self.workspace.state.lexicon, self.workspace.reading.figures
        if lexicon is None or figures is None or len(self._view.plot.points()) != len(figures.table):
            return
        title = dict(choices(figures)).get(self._color_by, "")
        found = point_colors(
            self._color_by, figures, lexicon.names, self.workspace.state.color_of, dark=is_dark(self._view), title=title
        )
        self._view.plot.setColors(found.rgb)
        self._view.scale.setValue(found.scale)
        self._view.scale.setVisible(found.scale is not None)

    # selection ------------------------------------------------------------------------------------------------------

    def _brushed(self, selected: np.ndarray) -> None:
        self.workspace.state.set_marked(frozenset(int(feature) for feature in np.flatnonzero(selected)))

    def _show_marked(self, _: object = None) -> None:
        marked, n = self.workspace.state.marked, len(self._view.plot.points())
        selected = np.zeros(n, dtype=bool)
        selected[[feature for feature in marked if feature < n]] = True
        self._view.plot.setValue(selected)
        self._view.setSelected(int(selected.sum()), n)

    def _tip(self, feature: int) -> str:
        lexicon, figures = self.workspace.state.lexicon, self.workspace.reading.figures
        if lexicon is None or figures is None or feature >= len(figures.table):
            return ""
        said = sentence_of(feature, figures.table.iloc[feature], figures.significance)
        return f"{feature_title(lexicon, feature)}\n{said}"
