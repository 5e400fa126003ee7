"""Reads a plate map for the page that shows how it is read, and opens the plate with what was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_lexicon.plates.map_reading import Controls, MapReading
    from napari_lexicon.plates.model import Plate
    from napari_lexicon.widgets.plate.map_page import MapPage
    from napari_lexicon.widgets.workspace.links import Controller
    from napari_lexicon.widgets.workspace.workspace import Workspace

_ERRAND = "plate map page"


class MapController:
    """Serves the page of a plate map.

    Parameters
    ----------
    workspace : Workspace
        Of the viewer.
    page : MapPage
        The page.
    owner : Controller
        Holds the connections.
    use : callable
        Opens the plate with a plate map at a path.
    """

    def __init__(self, workspace: Workspace, page: MapPage, owner: Controller, use: Callable[[Path], None]) -> None:
        self._workspace, self._page, self._use = workspace, page, use
        self._path: Path | None = None
        self._guess: MapReading | None = None
        owner.link(page.meaningsChanged, self._read_again)
        owner.link(page.controlsChanged, self._say)
        owner.link(page.accepted, self._accept)

    def set_table(self, path: Path, plate: Plate) -> None:
        """Show how a table would be read for a plate."""
        from napari_lexicon.plates.map_reading import MEANINGS, guessed_reading

        self._path, self._guess = path, None

        def show(reading: MapReading) -> None:
            self._guess = reading
            self._page.setReading(path.name, reading, MEANINGS)
            self._say()

        def fail(error: Exception) -> None:
            from napari_lexicon.plates.map_reading import Controls, MapReading

            self._page.setReading(path.name, MapReading((), Controls()), MEANINGS)
            self._page.setTrouble(str(error))

        self._workspace.background.start(_ERRAND, lambda: guessed_reading(path, plate), show, fail)

    def _controls(self) -> Controls:
        from napari_lexicon.plates.map_reading import Controls

        shown = self._guess.controls.treatments if self._guess is not None else ()
        return Controls(shown, self._page.negative.value(), self._page.positive.value())

    def _read_again(self) -> None:
        """Columns mean something else: other treatments, other controls."""
        from napari_lexicon.plates.map_reading import MapReading, controls_of
        from napari_lexicon.plates.plate_map import rows_of_plate
        from napari_lexicon.plates.table_files import text_table

        path, plate, guess, meanings = self._path, self._workspace.state.plate, self._guess, self._page.meanings()
        if path is None or plate is None or guess is None:
            return

        def show(controls: Controls) -> None:
            self._guess = MapReading(guess.columns, controls)
            self._page.setControls(controls)
            self._say()

        self._workspace.background.start(
            _ERRAND,
            lambda: controls_of(rows_of_plate(text_table(path), plate.name, path.name), meanings),
            show,
            lambda error: self._page.setTrouble(str(error)),
        )

    def _say(self) -> None:
        from napari_lexicon.plates.map_reading import read_as, said_of

        path, plate = self._path, self._workspace.state.plate
        if path is None or plate is None:
            return
        meanings, controls = self._page.meanings(), self._controls()
        self._workspace.background.start(
            _ERRAND,
            lambda: said_of(plate, read_as(path, plate, meanings, controls)),
            self._page.setSentence,
            lambda error: self._page.setTrouble(str(error)),
        )

    def _accept(self) -> None:
        """Use the table itself where nothing was changed, else what was chosen, written beside it."""
        from napari_lexicon.plates.map_reading import guessed_reading, read_as, written_map

        path, plate = self._path, self._workspace.state.plate
        if path is None or plate is None:
            return
        meanings, controls = self._page.meanings(), self._controls()

        def chosen() -> Path:
            guess = guessed_reading(path, plate)
            alike = guess.meanings == meanings and {*guess.controls.negative} == {*controls.negative}
            if alike and {*guess.controls.positive} == {*controls.positive}:
                return path
            return written_map(path, read_as(path, plate, meanings, controls))

        self._workspace.background.start(_ERRAND, chosen, self._use, lambda error: self._page.setTrouble(str(error)))
