"""Bringing a dock to the front by its name."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QDockWidget

from napari_lexicon.viewer.napari_compat import main_window


def dock_of(viewer: Any, name: str) -> QDockWidget | None:
    """A dock of the viewer's window by its name; None where it is closed."""
    window = main_window(viewer)
    docks = [] if window is None or not name else window.findChildren(QDockWidget)
    # a dock that was opened by itself carries the plugin's name too
    return next((dock for dock in docks if dock.windowTitle() in (name, f"{name} (napari-lexicon)")), None)


def bring_to_front(viewer: Any, name: str) -> QDockWidget | None:
    """Show a dock above the others of its tabs, and return it; None where it is closed."""
    dock = dock_of(viewer, name)
    if dock is not None:
        dock.show()
        dock.raise_()
    return dock
