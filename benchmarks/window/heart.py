"""Whether the main thread ever stops for long while a job runs and a person scrolls."""

from __future__ import annotations

import itertools
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QPoint, QPointF, Qt, QTimer
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication, QWidget

HEART_AIM = 100.0
_BEAT_MS = 5


class Heart:
    """Beats every 5 ms and notes every pause of the main thread.

    Where more wants to run than there are processors, everybody waits. Linux says how long this thread stood in line
    for one; that part of a pause is the machine's, and ``own`` leaves it out.
    """

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.own: list[float] = []
        self._last, self._line = time.perf_counter(), in_line()
        self._timer = QTimer()
        self._timer.setInterval(_BEAT_MS)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now, line = time.perf_counter(), in_line()
        self.pauses.append(now - self._last)
        self.own.append(max(0.0, now - self._last - (line - self._line)))
        self._last, self._line = now, line

    def stop(self) -> None:
        """No more beats."""
        self._timer.stop()


def in_line() -> float:
    """Seconds that the main thread has waited for a processor so far."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def scroll(widget: QWidget, notches: int) -> None:
    """Turn the wheel over a widget."""
    middle = QPointF(widget.rect().center())
    event = QWheelEvent(
        middle,
        QPointF(widget.mapToGlobal(middle.toPoint())),
        QPoint(),
        QPoint(0, -120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def scrolling(desk: Any, seconds: float) -> Heart:
    """Scroll the table up and down and choose a feature now and then, for so long."""
    viewport = desk.view.table.viewport()
    features = itertools.cycle(desk.features(64))
    heart, end = Heart(), time.monotonic() + seconds
    for turn in itertools.count():
        if time.monotonic() > end:
            break
        scroll(viewport, 3 if turn // 40 % 2 == 0 else -3)
        if turn % 50 == 49:
            desk.state.set_feature(next(features))
        desk.person.breathe(0.02)
    heart.stop()
    return heart


def heart_rows(desk: Any, quick: bool) -> list[dict[str, Any]]:
    """Longest pauses while nothing else runs, while the plate is embedded, and while a dictionary is trained."""
    from napari_lexicon.widgets.workspace.requests import ComputeSettings

    seconds = 6 if quick else 30
    desk.at_a_large_field()
    rows = _rows(desk, "scrolling", scrolling(desk, seconds))
    workspace, state = desk.person.workspace, desk.state
    with tempfile.TemporaryDirectory(prefix="lexicon-heart-") as folder:
        workspace.compute.set_settings(ComputeSettings(out=str(Path(folder) / "again.lexicon"), device="cpu"))
        workspace.compute.embed("embed")
        desk.until(lambda: workspace.jobs.status.done >= 1 or not workspace.jobs.status.busy, 300)
        rows += _rows(desk, "scrolling while the plate is embedded", scrolling(desk, seconds))
        rows += _end(desk)
        embedded = str(state.lexicon.path)  # the window has turned to what was embedded
        workspace.opening.lexicon(desk.lexicon)
        desk.until(lambda: state.lexicon.path == desk.lexicon and workspace.reading.figures is not None, 300)
        workspace.compute.set_settings(ComputeSettings(device="cpu"))
        settings = {
            "lexicon": embedded,
            "out": str(Path(folder) / "trained.safetensors"),
            "controls": "all",
            "features": 1024,
            "steps": 100_000,
        }
        workspace.compute.train(settings, "dictionary")
        watch = workspace.training
        desk.until(lambda: watch.curves.training or not workspace.jobs.status.busy, 300)
        rows += _rows(desk, "scrolling while a dictionary is trained", scrolling(desk, seconds))
        rows += _end(desk)
    return rows


def _end(desk: Any) -> list[dict[str, Any]]:
    """End the job; a job that had ended by itself would have made the measurement void."""
    jobs = desk.person.workspace.jobs
    assert jobs.status.busy, jobs.status.sentence or "the job ended before the measurement did"
    jobs.stop()
    jobs.stop()
    desk.until(lambda: not jobs.status.busy, 60)
    jobs.forget()
    return []


def _rows(desk: Any, task: str, heart: Heart) -> list[dict[str, Any]]:
    from benchmarks.window.run import row

    longest, own = max(heart.pauses) * 1000, max(heart.own) * 1000
    usual = float(np.percentile(heart.pauses, 95)) * 1000
    return [
        row(task, desk.size(), "longest pause", "ms", longest, HEART_AIM),
        row(task, desk.size(), "longest, in line left out", "ms", own, HEART_AIM),
        row(task, desk.size(), "p95 of pauses", "ms", usual, None),
    ]
