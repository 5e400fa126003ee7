"""What can be done about a job that failed, as a button beside its sentence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QAbstractButton

from napari_lexicon.viewer.napari_compat import show_preferences
from napari_lexicon.widgets.workspace.front import bring_to_front
from napari_lexicon.widgets.workspace.job_status import JobPhase

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_lexicon.widgets.workspace.job_status import JobStatus
    from napari_lexicon.widgets.workspace.workspace import Workspace


@dataclass(frozen=True)
class Remedy:
    """A button: what it says and what it does."""

    text: str
    act: Callable[[], None]


def remedy_of(status: JobStatus, workspace: Workspace) -> Remedy | None:
    """What helps where a job failed, None where only its sentence does."""
    request, sentence = status.request, status.sentence
    if status.phase is not JobPhase.FAILED or request is None:
        return None
    if "smaller batch" in sentence or "lower the batch size" in sentence:
        batch = int(request.settings.get("batch", 1))
        if batch > 1:
            fewer = replace(request, settings={**request.settings, "batch": max(1, batch // 2)})
            return Remedy(f"Try {max(1, batch // 2)} tiles at a time", lambda: workspace.jobs.start(fewer))
    if status.error == "BackboneError" and ("HF_TOKEN" in sentence or "download" in sentence):
        return Remedy("Token, mirror, cache…", lambda: open_preferences(workspace))
    if status.error == "DictionaryError" and request.kind == "apply":
        return Remedy("Train one here", lambda: open_training(workspace))
    return None


def open_preferences(workspace: Workspace) -> None:
    """Open napari's preferences, which have a page of ours; say what to set where this napari has none."""
    if not show_preferences(workspace.viewer()):
        workspace.state.notice(
            "This napari has no preferences for plugins (0.9 has): set the environment variables HF_HUB_CACHE, "
            "HF_ENDPOINT and HF_TOKEN before starting it."
        )


def open_features(workspace: Workspace) -> None:
    """Bring the Features dock to the front."""
    if bring_to_front(workspace.viewer(), "Features") is None:
        workspace.state.notice("The Features dock is closed: Plugins, napari-lexicon, Features opens it.")


def open_teaching(workspace: Workspace) -> None:
    """Bring the Dictionary dock to the front, ready to teach by what was pointed at."""
    dock = bring_to_front(workspace.viewer(), "Dictionary")
    if dock is None:
        workspace.state.notice("Open the Dictionary dock (Plugins, napari-lexicon): Teach lists what you point at.")
        return
    for name in ("source_teach", "teach_by_places"):
        button = dock.findChild(QAbstractButton, name)
        if button is not None:
            button.click()


def open_training(workspace: Workspace) -> None:
    """Bring the Dictionary dock to the front, ready to train."""
    dock = bring_to_front(workspace.viewer(), "Dictionary")
    if dock is None:
        workspace.state.notice("Open the Dictionary dock (Plugins, napari-lexicon) and choose to train one.")
        return
    button = dock.findChild(QAbstractButton, "source_train")
    if button is not None:
        button.click()
