"""Leaves what stays as long as the window does out of the search for garbage.

Python looks for garbage among all objects there are, with everybody waiting. napari, its libraries and the docks are
300,000 objects before anything is opened: a quarter of a second for every search, several times while a plate is
opened, and once for every layer that napari takes away. What is made afterwards (plates, layers, tables) is searched
as before.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def settle(viewers: Iterable[Any]) -> bool:
    """Search what is there now no more, until :func:`unsettle`.

    Parameters
    ----------
    viewers : iterable of napari.Viewer
        All that are open.

    Returns
    -------
    bool
        False where nothing was done: a layer is open, whose pixels may have to go, or somebody else has done the same.
    """
    if gc.get_freeze_count() or any(len(viewer.layers) for viewer in viewers):
        return False
    gc.collect()
    gc.freeze()
    return True


def unsettle() -> None:
    """Search everything again: the window is closing, and all that belongs to it is to go."""
    gc.unfreeze()
