"""napari's reader for ``NAME.lexicon`` folders: opens the workspace on them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def lexicon_reader(path: str | list[str]) -> Callable[[Any], list[tuple[Any]]] | None:
    """Reader for a lexicon folder, None for anything else.

    A lexicon is no image: the reader opens the workspace in the current viewer and gives napari ``[(None,)]``, npe2's
    word for "read, and there are no layers".
    """
    first = path if isinstance(path, str) else path[0]
    return _open if (Path(first) / "lexicon.json").is_file() else None


def _open(path: str | list[str]) -> list[tuple[Any]]:
    import napari

    viewer = napari.current_viewer()
    if viewer is not None:
        open_lexicon(viewer, Path(path if isinstance(path, str) else path[0]))
    return [(None,)]


def open_lexicon(napari_viewer: Any, path: Path) -> None:
    """Open the workspace in a viewer and a lexicon in the workspace.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        A viewer with a window.
    path : pathlib.Path
        ``NAME.lexicon``.
    """
    from napari_lexicon.widgets.workspace.docking import open_workspace
    from napari_lexicon.widgets.workspace.workspace import workspace_of

    open_workspace(napari_viewer, front="Features")
    workspace_of(napari_viewer).opening.lexicon(path)
