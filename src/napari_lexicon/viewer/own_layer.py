"""A layer that belongs to us, found again by its metadata, however a person has named or moved it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from weakref import ref

from napari_lexicon.viewer.conversion import OWNER

if TYPE_CHECKING:
    from napari.components import ViewerModel


class OwnLayer:
    """One layer of ours in one viewer.

    Parameters
    ----------
    viewer : ViewerModel
        Held weakly: it is free to go.
    """

    key: ClassVar[str]
    """What its metadata hold under our own entry."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = ref(viewer)

    def layer(self) -> Any | None:
        """The layer, None where there is none or a person removed it."""
        viewer = self._viewer()
        for layer in () if viewer is None else viewer.layers:
            mine = layer.metadata.get(OWNER)
            if isinstance(mine, dict) and self.key in mine:
                return layer
        return None
