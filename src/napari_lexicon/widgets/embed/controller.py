"""Keeps the Embed dock in step with the plate, the lexicon and the job."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

from napari_lexicon.widgets.embed import status
from napari_lexicon.widgets.workspace.cache_state import CacheState, read_cache_state
from napari_lexicon.widgets.workspace.links import Controller
from napari_lexicon.widgets.workspace.remedies import open_features, open_preferences
from napari_lexicon.widgets.workspace.requests import apply_reason

if TYPE_CHECKING:
    from napari_lexicon.widgets.embed.model_form import ModelChoice
    from napari_lexicon.widgets.embed.view import EmbedView
    from napari_lexicon.widgets.workspace.job_status import JobStatus
    from napari_lexicon.widgets.workspace.requests import ComputeSettings
    from napari_lexicon.widgets.workspace.workspace import Workspace

_LATER_MS = 150
_REST, _LEAST_REST_S = 5, 2.0
"""While a job finishes fields, looking anew takes a sixth of the time at most: thousands of files are looked at."""


class EmbedController(Controller):
    """What is computed to the view; buttons and settings to the jobs."""

    def __init__(self, workspace: Workspace, view: EmbedView) -> None:
        super().__init__(workspace, view)
        self._view = view
        self._cache: CacheState | None = None
        self._was_busy = workspace.jobs.status.busy
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._rested = 0.0
        self.link(self._later.timeout, self._look)
        state = workspace.state
        self.link(state.plateChanged, self._look)
        self.link(state.lexiconChanged, self._look)
        self.link(state.lexiconGrew, self._look)
        self.link(workspace.jobs.changed, self._job_changed)
        self.link(workspace.compute.changed, self._show_settings)
        self.link(workspace.devices.found, self._show_devices)
        self.link(view.form.valueChanged, workspace.compute.set_settings)
        self.link(view.model.valueChanged, self._model_chosen)
        self.link(view.applyClicked, self.apply)
        self.link(view.embedClicked, self.embed)
        self.link(view.preferencesClicked, lambda: open_preferences(workspace))
        self._show_devices()
        workspace.devices.ask()
        self._show_settings(workspace.compute.settings)
        self._look()

    def apply(self) -> None:
        """Do what the one button offers."""
        offer, settings = self._offer(), self.workspace.compute.settings
        if offer.see:
            open_features(self.workspace)
            return
        if offer.recompute:
            self.workspace.compute.set_settings(replace(settings, recompute=True))
        self.workspace.compute.apply(offer.dictionary, "embed")
        self.workspace.compute.set_settings(replace(self.workspace.compute.settings, recompute=False))

    def embed(self) -> None:
        """Embed without a dictionary."""
        self.workspace.compute.embed("embed")

    def cache(self) -> CacheState | None:
        """What is known to be computed."""
        return self._cache

    def _model_chosen(self, choice: ModelChoice) -> None:
        settings = self.workspace.compute.settings
        self.workspace.compute.set_settings(replace(settings, backbone=choice.backbone, layer=choice.layer))
        self._show_offer()

    def _show_devices(self, _: object = None) -> None:
        self._view.form.setDevices(self.workspace.devices.choices)
        self._show_settings(self.workspace.compute.settings)

    def _show_settings(self, settings: ComputeSettings) -> None:
        self._view.form.setValue(settings)
        self._view.settings_fold.setText(status.settings_line(settings, self.workspace.devices.choices))
        self._show_offer()

    def _job_changed(self, job: JobStatus) -> None:
        if job.busy != self._was_busy:
            self._was_busy = job.busy
            self._look()
        self._show_offer()

    def _look(self, _: object = None) -> None:
        """Look anew what is computed."""
        state = self.workspace.state
        plate, lexicon, part = state.plate, state.lexicon, state.lexicon_plate
        if plate is None:
            self._take(None)
            return
        if self._cache is None:
            self._show()
        if self.workspace.jobs.status.busy:
            if self.workspace.background.busy("cache") or self._later.isActive():
                return  # a job that reports often must not keep pushing the answer back
            rest = self._rested - time.monotonic()
            if rest > 0:
                self._later.start(round(1000 * rest))
                return
        if self.workspace.background.busy("figures"):
            self._later.start(_LATER_MS)  # thousands of files are looked at, and the table is waited for
            return
        began = time.monotonic()

        def take(cache: CacheState) -> None:
            now = time.monotonic()
            self._rested = now + max(_LEAST_REST_S, _REST * (now - began))
            self._take(cache)

        self.workspace.background.start(
            "cache", lambda: read_cache_state(plate, lexicon, part), take, self.workspace.opening.tell_failure
        )

    def _take(self, cache: CacheState | None) -> None:
        self._cache = cache
        self._show()

    def _show(self) -> None:
        plate = self.workspace.state.plate
        self._view.setFacts("No plate is open" if plate is None else plate.name, status.cache_lines(self._cache))
        self._show_offer()

    def _offer(self) -> status.Offer:
        lexicon = self.workspace.state.lexicon
        reason = apply_reason(self.workspace.state, self.workspace.jobs.status)
        file, same = "", True
        if lexicon is not None:
            same = lexicon.backbone.id == "builtin"
            if lexicon.header.dictionary is not None:
                file = str(lexicon.path / "dictionary.safetensors")
        return status.offer(self._cache, reason, file, same, self.workspace.jobs.status.busy)

    def _show_offer(self) -> None:
        offer = self._offer()
        note = "" if offer.reason or offer.see else self.workspace.compute.estimate_sentence()
        if offer.see and not self.workspace.jobs.status.busy:
            note = "Every field is up to date."
        self._view.setOffer(offer, note)
        reason = apply_reason(self.workspace.state, self.workspace.jobs.status)
        self._view.setEmbedReason(reason or self._view.model.reason())
