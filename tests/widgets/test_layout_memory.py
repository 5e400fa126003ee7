"""A window's memory of its docks ends with the window, and with the next memory of the same window."""

from __future__ import annotations

import gc
import weakref

from qtpy.QtCore import QCoreApplication, QEvent, Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow

from napari_lexicon.widgets.workspace.layout_memory import LayoutMemory
from napari_lexicon.widgets.workspace.preferences import Memory


def shown_window(qtbot) -> tuple[QMainWindow, dict[str, QDockWidget]]:
    window, dock = QMainWindow(), QDockWidget()
    dock.setObjectName("plate")
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
    with qtbot.waitExposed(window):
        window.show()
    return window, {"Plate": dock}


def test_one_that_was_replaced_writes_no_more_and_keeps_no_window(qtbot):
    window, docks = shown_window(qtbot)
    memory = Memory()
    replaced = LayoutMemory(window, docks, memory)
    replaced.write()
    layout = memory.layout()
    assert layout is not None and layout["open"] == ["Plate"]
    replaced.setParent(None)
    docks["Plate"].hide()
    replaced.write()
    assert memory.layout() == layout
    gone = weakref.ref(window)
    window.deleteLater()
    del window, docks
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    gc.collect()
    assert gone() is None
