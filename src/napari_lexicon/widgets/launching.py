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

    from napari_lexicon.widgets.workspace.docking import open_workspace
    from napari_lexicon.widgets.workspace.workspace import workspace_of

    viewer = napari.Viewer()
    open_workspace(viewer, front="Features")
    QTimer.singleShot(0, lambda: workspace_of(viewer).opening.lexicon(lexicon))
    napari.run()
