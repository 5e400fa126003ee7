"""Which docks were open and where, kept from one session to the next."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QByteArray, QObject, QSize
from qtpy.QtWidgets import QDockWidget, QMainWindow

from napari_lexicon.widgets.basic.later import later

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_lexicon.widgets.workspace.preferences import Memory

LOW, HIGH = 620, 850
"""Pixels of height below which a column has room for one dock only, and above which it has room for all of them."""
NARROW = 1000
"""Pixels of width below which two columns of docks leave no room for the image."""
_VERSION = 1
_PAUSE_MS = 600
"""How long nothing may move before it is written."""


def room_of(size: QSize) -> str:
    """How much room a window of this size has for docks: what fits a large screen is of no use on a laptop."""
    if size.width() < NARROW:
        return "one column"
    return "low" if size.height() < LOW else "laptop" if size.height() < HIGH else "large"


class LayoutMemory(QObject):
    """Writes down the places of the docks soon after a person has changed them; gone with the window.

    Parameters
    ----------
    window : QMainWindow
        The window.
    docks : mapping of str to QDockWidget
        Ours, by name.
    memory : Memory
        Where it is kept.
    """

    def __init__(self, window: QMainWindow, docks: Mapping[str, QDockWidget], memory: Memory) -> None:
        super().__init__(window)
        self.setObjectName("lexicon_layout")
        self._memory = memory
        self._names = {dock.objectName(): name for name, dock in docks.items()}
        self._pause = later(self, _PAUSE_MS, self.write)
        for dock in docks.values():
            for signal in (dock.visibilityChanged, dock.dockLocationChanged, dock.topLevelChanged):
                signal.connect(self._changed)

    def write(self) -> None:
        """Write down what is there; a window that is closing has nothing to say, nor one whose memory is another."""
        # asked for each time: PySide6 keeps a replaced memory until the event loop turns, and it would keep the window
        window = self.parent()
        if isinstance(window, QMainWindow) and window.isVisible():
            state = base64.b64encode(bytes(window.saveState(_VERSION).data())).decode()
            there = [dock.objectName() for dock in window.findChildren(QDockWidget) if not dock.isHidden()]
            opened = sorted(self._names[name] for name in there if name in self._names)
            self._memory.note_layout({"open": opened, "state": state, "room": room_of(window.size())})

    def _changed(self, _: object = None) -> None:
        self._pause.start()


def wanted_docks(memory: Memory, names: Sequence[str]) -> tuple[str, ...]:
    """Docks that were open last; all where nothing is known, or none of them was."""
    opened = (memory.layout() or {}).get("open", [])
    return tuple(name for name in names if name in opened) or tuple(names)


def restore_layout(window: QMainWindow, layout: Mapping[str, Any]) -> bool:
    """Put docks where they were; False where what was written cannot be used, or is of a window with other room."""
    if layout.get("room") != room_of(window.size()):
        return False
    try:
        state = base64.b64decode(str(layout["state"]), validate=True)
    except (KeyError, ValueError):
        return False
    return bool(window.restoreState(QByteArray(state), _VERSION))
