"""Previews of patterns, and opening a folder with one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from napari_lexicon.plates.pattern import PatternPreview
    from napari_lexicon.plates.plane_choices import Pages
    from napari_lexicon.widgets.plate.pattern_form import PatternForm
    from napari_lexicon.widgets.workspace.links import Controller
    from napari_lexicon.widgets.workspace.workspace import Workspace


class PatternController:
    """Serves one pattern form with previews of one folder.

    Parameters
    ----------
    workspace : Workspace
        Of the viewer.
    form : PatternForm
        The form.
    owner : Controller
        Holds the connections.
    errand : str
        Name of the reading that it starts; one per form.
    """

    def __init__(self, workspace: Workspace, form: PatternForm, owner: Controller, errand: str) -> None:
        self._workspace, self._form, self._errand = workspace, form, errand
        self._folder: Path | None = None
        owner.link(form.valueChanged, self._preview)
        owner.link(form.accepted, self._open)

    def set_folder(self, folder: Path, pattern: str | None = None, pages: str | None = None) -> None:
        """Preview this folder, with a pattern or with a guess, and with what its pages were taken for."""
        from napari_lexicon.plates.image_folder import guess_pattern
        from napari_lexicon.plates.pattern import PRESETS

        self._folder = folder
        self._form.setChosenPages(pages)
        self._form.setPresets([(preset.name, preset.pattern) for preset in PRESETS])
        if pattern is not None:
            self._form.setValue(pattern)
            self._preview(pattern)
            return
        self._form.setValue("")
        self._workspace.background.start(
            self._errand,
            lambda: guess_pattern(folder),
            self._guessed,
            lambda error: self._form.setTrouble(str(error)),
        )

    def _guessed(self, preview: PatternPreview) -> None:
        self._form.setValue(preview.pattern)
        self._form.setPreview(preview)

    def _preview(self, pattern: str) -> None:
        from napari_lexicon.plates.pattern import preview_pattern

        folder = self._folder
        if folder is None:
            return
        if not pattern:
            self._form.setTrouble("Write a pattern first.")
            return
        self._workspace.background.start(
            self._errand,
            lambda: preview_pattern(folder, pattern),
            self._form.setPreview,
            lambda error: self._form.setTrouble(str(error)),
        )

    def _open(self, pattern: str) -> None:
        if self._folder is None:
            return
        from napari_lexicon.lexicons.origins import plate_origin

        before = self._workspace.state.origin
        plate_map = before.plate_map if before is not None and Path(before.path) == self._folder else None
        pages = cast("Pages | None", self._form.chosenPages())
        origin = plate_origin(self._folder, pattern=pattern, plate_map=plate_map, pages=pages)
        self._workspace.opening.origin(origin)
