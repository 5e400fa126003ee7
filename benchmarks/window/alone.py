"""The same changes of the canvas in a napari window that knows nothing of this plugin: what of a wait is napari's.

Five channels of a field and a map over them, as large and in the same colours as the plugin shows them, changed by
napari's own calls. What the plugin does beside (the table, the card, the gallery, the plate) is missing here.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtWidgets import QApplication

DOCKS = 500
"""Pixels that the plugin's docks take from the canvas on a laptop; drawing takes as long as the canvas is large."""
PATCH, CHANNEL_COLORS = 16, ((0.3, 0.5, 1), (0.2, 0.9, 0.5), (0.9, 0.9, 0.3), (1, 0.65, 0.2), (1, 0.3, 0.6))


class Alone:
    """A window with one field and a map.

    Parameters
    ----------
    viewer : napari.Viewer
        Shown and empty.
    plate : Path
        Written by ``large_plate.py``; only its pixels are looked at.
    repeats : int
        Of every wait.
    """

    def __init__(self, viewer: Any, plate: Path, repeats: int) -> None:
        self.viewer, self.repeats = viewer, repeats
        window = viewer.window._qt_window
        window.resize(window.width() - DOCKS, window.height())
        self._rng = np.random.default_rng(0)
        self._fields = images_of(plate, 3)
        height, width = self._fields[0].shape[1:]
        self._maps = [self._rng.random((height // PATCH, width // PATCH), dtype=np.float32) for _ in range(8)]
        self._channels = [
            viewer.add_image(plane, colormap=ramp(color), blending="additive", contrast_limits=(0, 3000))
            for plane, color in zip(self._fields[0], CHANNEL_COLORS, strict=True)
        ]
        self._map = viewer.add_image(
            self._maps[0].copy(),
            scale=(PATCH, PATCH),
            translate=((PATCH - 1) / 2,) * 2,
            colormap=self._over(),
            contrast_limits=(0, 1),
            blending="translucent_no_depth",
            opacity=0.7,
        )
        if hasattr(self._map, "colorbar"):  # napari >= 0.6.5
            self._map.colorbar.visible = True
        self._draws = 0
        self._scene = viewer.window._qt_viewer.canvas._scene_canvas
        self._scene.events.draw.connect(self._drawn, position="last")
        self.draw()

    def _drawn(self, event: Any = None) -> None:
        self._draws += 1

    def draw(self) -> None:
        """Draw the canvas now and wait until that is done."""
        before = self._draws
        self._scene.update()
        while self._draws == before:
            QApplication.processEvents()

    def change_map(self, number: int) -> None:
        """Another map in another colour with other limits."""
        layer, top = self._map, 0.5 + 0.1 * (number % 7)
        layer.data[...] = self._maps[number % len(self._maps)]
        layer.refresh(extent=False, highlight=False)
        layer.colormap = self._over()
        with layer.events.contrast_limits.blocker():
            layer.contrast_limits_range = (0.0, top)
        layer.contrast_limits = (0.0, top)

    def change_field(self, number: int) -> None:
        """Other pixels in all channels."""
        for layer, plane in zip(self._channels, self._fields[number % len(self._fields)], strict=True):
            layer.data = plane

    def waits(self) -> dict[str, tuple[list[float], list[float]]]:
        """Seconds and the main thread's processor time of each wait, by what is changed; all until they are drawn."""
        return {
            "drawing the canvas, nothing changed": self._timed(lambda number: None),
            "another map, colour and limits": self._timed(self.change_map),
            "other pixels in five channels": self._timed(self.change_field),
        }

    def pauses(self, seconds: float) -> list[float]:
        """Pauses of the main thread, in seconds, while the map is changed every second."""
        from benchmarks.window.heart import Heart

        heart, end = Heart(), time.monotonic() + seconds
        for number in itertools.count():
            if time.monotonic() > end:
                break
            self.change_map(number)
            self._breathe(1.0)
        heart.stop()
        return heart.pauses

    def _timed(self, change: Callable[[int], None]) -> tuple[list[float], list[float]]:
        seconds, at_work = [], []
        for number in range(self.repeats + 1):
            self._breathe(0.2)
            start, worked = time.perf_counter(), time.thread_time()
            change(number)
            self.draw()
            if number:
                seconds.append(time.perf_counter() - start)
                at_work.append(time.thread_time() - worked)
        return seconds, at_work

    def _over(self) -> Any:
        from napari.utils import Colormap

        at = np.linspace(0, 1, 64)[:, None]
        name = f"map {self._rng.random()}"
        return Colormap(np.hstack([np.repeat(self._rng.random((1, 3)), 64, axis=0), np.sqrt(at)]), name=name)

    @staticmethod
    def _breathe(seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            QApplication.processEvents()
            time.sleep(0.002)


def images_of(plate: Path, n: int) -> list[np.ndarray]:
    """``(C, Y, X)`` pixels of the first large fields."""
    from napari_lexicon.plates import open_plate

    large = (field for field in open_plate(plate).fields() if field.shape[0] == 2048)
    return [np.asarray(field.image()) for field in itertools.islice(large, n)]


def ramp(color: tuple[float, float, float]) -> Any:
    """From black to a colour."""
    from napari.utils import Colormap

    return Colormap(np.array([(0, 0, 0), color]), name=str(color))


def alone_rows(viewer: Any, work: Path, quick: bool) -> list[dict[str, Any]]:
    """Rows of every wait, and the longest pause."""
    from benchmarks.window.run import row

    alone, rows = Alone(viewer, work / "large.zarr", 8 if quick else 20), []
    size = f"5 channels of {alone._fields[0].shape[1]} x {alone._fields[0].shape[2]} pixels"
    for what, (seconds, at_work) in alone.waits().items():
        for metric, q, values in (("median", 50, seconds), ("p95", 95, seconds), ("main thread at work", 50, at_work)):
            figure = 1000 * float(np.percentile(values, q))
            rows.append(row(f"napari alone: {what}", size, f"{metric}, n = {len(values)}", "ms", figure, None))
    longest = 1000 * max(alone.pauses(6 if quick else 30))
    return [*rows, row("napari alone: a map every second", size, "longest pause", "ms", longest, None)]
