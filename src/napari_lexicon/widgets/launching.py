"""napari with the workspace docked and a lexicon open: what the command line starts."""

from __future__ import annotations

from pathlib import Path


def open_in_napari(lexicon: Path) -> None:
    """Show a lexicon in a new napari window; returns when the window is closed.

    Parameters
    ----------
    lexicon : pathlib.Path
        ``NAME.lexicon``.
    """
    import napari
    from qtpy.QtCore import QTimer
    from qtpy.QtGui import QGuiApplication

    from napari_lexicon.viewer.napari_compat import main_window
    from napari_lexicon.widgets.workspace.docking import open_workspace
    from napari_lexicon.widgets.workspace.workspace import workspace_of

    viewer = napari.Viewer()
    window, screen = main_window(viewer), QGuiApplication.primaryScreen()
    if window is not None and screen is not None:
        window.setGeometry(screen.availableGeometry())
    workspace = workspace_of(viewer)

    def begin() -> None:
        open_workspace(viewer, front="Features")
        workspace.opening.lexicon(lexicon)

    QTimer.singleShot(0, begin)  # when the window has its size
    napari.run()
