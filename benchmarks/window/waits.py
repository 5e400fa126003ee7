"""A person's waits, each from the call that a click makes to the drawing that shows its result."""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtWidgets import QApplication
from tests.gui.driver import Person

from napari_lexicon.widgets.features import controller as features_controller
from napari_lexicon.widgets.plate.color_by import ColorBy
from napari_lexicon.widgets.workspace.state import FieldPlace

TILES = 48


class Desk:
    """One window with the plate's lexicon open.

    Parameters
    ----------
    viewer : napari.Viewer
        Shown.
    lexicon : Path
        Written by ``large_plate.py``.
    repeats : int
        Of every wait; twice as many where the wait is short.
    """

    def __init__(self, viewer: Any, lexicon: Path, repeats: int) -> None:
        features_controller.GALLERY = TILES
        self.person = Person(viewer)
        self.person.open_workspace("Features")
        self.lexicon, self.repeats = lexicon, repeats
        self._rng = np.random.default_rng(0)
        self._draws = 0
        self.at_work: list[float] = []
        scene = viewer.window._qt_viewer.canvas._scene_canvas
        scene.events.draw.connect(self._drawn, position="last")
        self._scene = scene

    # the desk -------------------------------------------------------------------------------------------------------

    def _drawn(self, event: Any = None) -> None:
        self._draws += 1

    def draw(self) -> None:
        """Draw the canvas now and wait until that is done."""
        before = self._draws
        self._scene.update()
        while self._draws == before:
            QApplication.processEvents()

    def until(self, so: Callable[[], object], seconds: float = 60) -> None:
        """Let Qt work until something is so."""
        self.person.wait(so, seconds)

    @property
    def state(self) -> Any:
        """The current things."""
        return self.person.workspace.state

    @property
    def view(self) -> Any:
        """The Features dock's view."""
        return self.person.docks["Features"].view

    def size(self) -> str:
        """The plate in words."""
        state = self.state
        if state.plate is None:
            return ""
        fields = sum(len(well.fields) for well in state.plate.wells.values())
        dictionary = None if state.lexicon is None else state.lexicon.header.dictionary
        features = 0 if dictionary is None else dictionary.n_features
        return f"{len(state.plate.wells)} wells, {fields} fields, {features} features"

    def large_fields(self) -> list[FieldPlace]:
        """The 2048 x 2048 ones."""
        part = self.state.lexicon_plate
        return [FieldPlace(field.well, field.index) for field in part.fields if field.shape[0] == 2048]

    def features(self, n: int) -> list[int]:
        """Features to look at, in no order."""
        return [int(f) for f in self._rng.permutation(self.state.lexicon.header.dictionary.n_features)[:n]]

    def quiet(self) -> None:
        """Wait until nothing is read any more."""
        self.until(lambda: not self.person.workspace.background.busy(), 120)
        self.person.breathe(0.2)

    def at_a_large_field(self) -> None:
        """Show a large field and one feature over it."""
        self.show(self.large_fields()[0])
        self.state.set_feature(7)
        self.quiet()
        self.draw()

    def show(self, place: FieldPlace) -> None:
        """Show a field and wait until it is drawn with its map."""
        canvas = self.person.workspace.canvas
        self.state.set_field(place)
        self.until(lambda: not canvas.changing() and canvas.shown_field() is self.state.current_field())
        self.draw()

    def timed(self, n: int, act: Callable[[int], None], after: Callable[[], None] | None = None) -> list[float]:
        """Seconds of each of ``n`` acts, after one that is not counted; ``after`` is not counted either.

        ``at_work`` then holds the processor time of the main thread in each: what of a wait is our doing and does not
        depend on what else the machine does.
        """
        seconds, self.at_work = [], []
        for number in range(n + 1):
            start, worked = time.perf_counter(), time.thread_time()
            act(number)
            seconds.append(time.perf_counter() - start)
            if number:
                self.at_work.append(time.thread_time() - worked)
            if after is not None:
                after()
        return seconds[1:]

    # waits ----------------------------------------------------------------------------------------------------------

    def open(self) -> list[float]:
        """Lexicon to grid and table, five times as if for the first time: no view is restored, no memory is kept."""
        workspace = self.person.workspace

        def act(number: int) -> None:
            workspace.opening.lexicon(self.lexicon)
            self.until(lambda: self.state.lexicon is not None and workspace.reading.figures is not None, 300)
            self.person.docks["Plate"].view.grid.repaint()
            self.view.table.viewport().repaint()

        def let_go() -> None:
            self.quiet()
            self.state.set_field(None)
            self.state.set_lexicon(None)
            self.person.viewer.layers.clear()  # napari collects garbage for each layer that goes
            workspace.restoring.flush()
            workspace.opening.memory.views_path().unlink(missing_ok=True)
            gc.collect()

        seconds = self.timed(5, act, let_go)
        act(0)
        self.quiet()
        self.at_a_large_field()
        return seconds

    def choose(self, feature: int) -> None:
        """Another feature, and wait until its map is in its layer."""
        overlay = self.person.workspace.canvas.overlay
        self.state.set_feature(feature)
        self.until(lambda: overlay.layer() is not None and overlay.layer().name.split()[0] == f"#{feature}")

    def switch(self) -> list[float]:
        """Another feature, until its map is in its layer; the codes of the field are in memory."""
        chosen = self.features(2 * self.repeats + 1)
        return self.timed(2 * self.repeats, lambda n: self.choose(chosen[n]), self.quiet)

    def switch_drawn(self) -> list[float]:
        """The same, and the canvas drawn."""
        chosen = self.features(self.repeats + 1)

        def act(number: int) -> None:
            self.choose(chosen[number])
            self.until(self.person.canvas.updatesEnabled)
            self.draw()

        return self.timed(self.repeats, act, self.quiet)

    def drawing(self) -> list[float]:
        """The canvas as it is."""
        return self.timed(self.repeats, lambda number: self.draw())

    def switch_cold(self) -> list[float]:
        """Another feature; the codes of the field have to be read."""
        chosen, canvas = self.features(self.repeats + 1), self.person.workspace.canvas

        def act(number: int) -> None:
            canvas._load_codes()
            self.choose(chosen[number])
            self.until(lambda: canvas.codes is not None)

        return self.timed(self.repeats, act, self.quiet)

    def field(self) -> list[float]:
        """Another large field, its five channels and the map."""
        places = self.large_fields()
        return self.timed(self.repeats, lambda number: self.show(places[(number + 1) % len(places)]), self.quiet)

    def recolor(self) -> list[float]:
        """Another statistic of the feature on the plate."""
        dock = self.person.docks["Plate"]
        self.at_a_large_field()

        def act(number: int) -> None:
            dock.view.color_by.setValue(ColorBy("feature", statistic=("mean", "active", "max")[number % 3]))
            dock.controller._recolor()
            dock.view.grid.repaint()

        return self.timed(2 * self.repeats, act)

    def sort(self) -> list[float]:
        """By another column, or the other way."""
        table = self.view.table
        n = table.table_model().columnCount()

        def act(number: int) -> None:
            header = table.horizontalHeader()
            header.setSortIndicator(number % n, list(type(header.sortIndicatorOrder()))[number // n % 2])
            table.viewport().repaint()

        return self.timed(2 * self.repeats, act)

    def search(self) -> list[float]:
        """A word in the search box, without the pause that lets a person finish it."""
        model, table = self.view.table.table_model(), self.view.table
        words = ("41", "mito", "drug03", "b0", "")

        def act(number: int) -> None:
            model.setSearch(words[number % len(words)])
            table.viewport().repaint()

        seconds = self.timed(self.repeats, act)
        model.setSearch("")
        return seconds

    def gallery(self) -> list[float]:
        """A feature's tiles, from the choice to the last picture."""
        chosen, gallery = self.features(self.repeats + 1), self.view.gallery

        def act(number: int) -> None:
            self.state.set_feature(chosen[number])
            self.until(lambda: len(gallery.value()) == TILES and all(tile is not None for tile in gallery.value()))
            gallery.repaint()

        return self.timed(self.repeats, act, self.quiet)

    def memory_growth(self, switches: int, fields: int) -> float:
        """Megabytes more after that many features and fields than after a tenth of them."""
        places = self.large_fields()

        def walk(n_switches: int, n_fields: int) -> None:
            for number in range(n_fields):
                self.show(places[number % len(places)])
            for feature in self.features(n_switches):
                self.choose(feature)
                self.draw()
            self.quiet()
            gc.collect()

        walk(max(10, switches // 10), min(fields, len(places)))
        before = resident()
        walk(switches, fields)
        return (resident() - before) / 1e6


def resident() -> int:
    """Bytes of this process in memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
