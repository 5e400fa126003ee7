"""What ``napari-lexicon open`` shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from qtpy.QtCore import QTimer

from napari_lexicon.widgets.launching import open_in_napari
from napari_lexicon.widgets.workspace.workspace import workspace_of


@pytest.mark.timeout(120)
def test_open_shows_the_first_well_and_the_features_and_returns_when_closed(qapp, plate: Path):
    import napari

    seen = []

    def look() -> None:
        viewer = napari.current_viewer()
        workspace = workspace_of(viewer)
        field = workspace.canvas.shown_field()
        if field is None or workspace.reading.figures is None:
            QTimer.singleShot(50, look)
            return
        seen.append((field.well, workspace.state.lexicon.path, viewer.layers[0].name))
        workspace.close()
        viewer.close()
        qapp.quit()

    QTimer.singleShot(500, look)
    open_in_napari(plate.with_suffix(".lexicon"))
    assert seen == [("A01", plate.with_suffix(".lexicon"), "DNA")]
