"""A layer that belongs to us, found again by its metadata, however a person has named or moved it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from weakref import ref

from napari_lexicon.viewer.conversion import OWNER

if TYPE_CHECKING:
    from napari.components import ViewerModel

RESTING = "resting"
"""What our entry in its metadata holds of a layer that is hidden until it is needed again: whether it was seen."""


def rest(layer: Any) -> None:
    """Hide a layer of ours that is over, with what a person set on it, until :func:`wake`.

    Whenever a layer goes, napari has Python look for garbage: a tenth of a second, and more beside a job.
    """
    mine = layer.metadata[OWNER]
    if RESTING not in mine:
        layer.metadata = {**layer.metadata, OWNER: {**mine, RESTING: layer.visible}}
        layer.visible = False


def wake(layer: Any) -> None:
    """Show a layer that rested, unless a person had hidden it."""
    mine = dict(layer.metadata[OWNER])
    seen = mine.pop(RESTING, None)
    if seen is not None:
        layer.metadata = {**layer.metadata, OWNER: mine}
        layer.visible = seen


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
