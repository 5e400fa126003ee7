"""Which docks were open and where, kept from one session to the next."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QByteArray, QObject, QTimer
from qtpy.QtWidgets import QDockWidget

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qtpy.QtWidgets import QMainWindow

    from napari_lexicon.widgets.workspace.preferences import Memory

_VERSION = 1
_PAUSE_MS = 600
"""How long nothing may move before it is written."""


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
        self._window, self._memory = window, memory
        self._names = {dock.objectName(): name for name, dock in docks.items()}
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self.write)
        for dock in docks.values():
            for signal in (dock.visibilityChanged, dock.dockLocationChanged, dock.topLevelChanged):
                signal.connect(self._changed)

    def write(self) -> None:
        """Write down what is there; a window that is closing has nothing to say."""
        if self._window.isVisible():
            state = base64.b64encode(bytes(self._window.saveState(_VERSION).data())).decode()
            there = [dock.objectName() for dock in self._window.findChildren(QDockWidget) if not dock.isHidden()]
            opened = sorted(self._names[name] for name in there if name in self._names)
            self._memory.note_layout({"open": opened, "state": state})

    def _changed(self, _: object = None) -> None:
        self._pause.start()


def wanted_docks(memory: Memory, names: Sequence[str]) -> tuple[str, ...]:
    """Docks that were open last; all where nothing is known, or none of them was."""
    opened = (memory.layout() or {}).get("open", [])
    return tuple(name for name in names if name in opened) or tuple(names)


def restore_layout(window: QMainWindow, layout: Mapping[str, Any]) -> bool:
    """Put docks where they were; False where what was written cannot be used."""
    try:
        state = base64.b64decode(str(layout["state"]), validate=True)
    except (KeyError, ValueError):
        return False
    return bool(window.restoreState(QByteArray(state), _VERSION))
