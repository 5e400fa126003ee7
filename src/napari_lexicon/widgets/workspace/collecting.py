"""Garbage is looked for on the main thread only, while a window of ours is open.

Python looks for it in whichever thread happens to make an object: the one that reads Zarr as well. Where it finds what
is left of a window there, Qt objects are deleted in a thread that is not theirs, and the process ends. pyqtgraph
(``pyqtgraph.util.garbage_collector``) does the same in the same way; importing it takes a third of a second.
"""

from __future__ import annotations

import gc

from qtpy.QtCore import QObject, QTimer

from napari_lexicon.widgets.basic.later import later

_EVERY_MS = 500
_AFTERWARDS_MS = 5000
"""After the last window: by then threads that were still reading have ended."""


class MainThreadCollecting(QObject):
    """Looks for garbage by a timer while somebody wants it so; one for the whole process.

    Each tick looks at as many generations as are due by :func:`gc.get_threshold`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._users, self._before = 0, True
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self.collect_due)
        self._end = later(self, _AFTERWARDS_MS, self._hand_back)

    def begin(self) -> None:
        """One window more."""
        if not self._timer.isActive():
            self._before = gc.isenabled()
        self._users += 1
        self._end.stop()
        gc.disable()
        self._timer.start()

    def end(self) -> None:
        """One window less; after the last one Python looks for garbage by itself again, if the process goes on."""
        self._users -= 1
        if self._users <= 0:
            self._users = 0
            self._end.start()

    def collect_due(self) -> None:
        """Collect the oldest generation that is due, and all younger ones."""
        due = [
            generation
            for generation, (count, threshold) in enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True))
            if count > threshold > 0
        ]
        if due:
            gc.collect(max(due))

    def _hand_back(self) -> None:
        self._timer.stop()
        if self._before:
            gc.enable()


_COLLECTING: list[MainThreadCollecting] = []


def main_thread_collecting() -> MainThreadCollecting:
    """That of the process, made when it is asked for first."""
    if not _COLLECTING:
        _COLLECTING.append(MainThreadCollecting())
    return _COLLECTING[0]
