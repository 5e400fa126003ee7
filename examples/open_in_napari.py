"""napari with the docks, at a well and a feature of your choice: for notebooks and scripts that end at the screen.

python examples/open_in_napari.py PLATE.lexicon WELL FEATURE
"""

import sys
from pathlib import Path

import napari

from napari_lexicon.widgets.workspace.docking import open_workspace
from napari_lexicon.widgets.workspace.workspace import workspace_of


def show(viewer: napari.Viewer, lexicon: Path, well: str, feature: int) -> None:
    """Dock everything, open the lexicon, and go to the well and the feature once it is open."""
    open_workspace(viewer, front="Features")
    workspace = workspace_of(viewer)

    def go(figures: object) -> None:
        if figures is not None:
            workspace.reading.changed.disconnect(go)
            workspace.state.set_feature(feature)
            workspace.walking.open_well(well)

    workspace.reading.changed.connect(go)
    workspace.opening.lexicon(lexicon)


if __name__ == "__main__":
    show(napari.Viewer(), Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    napari.run()
