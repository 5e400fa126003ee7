"""A frame around the patch that was clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lexicon.viewer.conversion import OWNER
from napari_lexicon.viewer.own_layer import OwnLayer, rest, wake

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_lexicon.viewer.conversion import Placement

_NAME = "place"


class SpotFrame(OwnLayer):
    """Adds, moves and removes one square in one viewer."""

    key = _NAME

    def show(self, placement: Placement, row: int, column: int, patch: int) -> None:
        """Frame a patch.

        Parameters
        ----------
        placement : Placement
            Of the image.
        row, column : int
            The patch.
        patch : int
            Pixels.
        """
        viewer = self._viewer()
        if viewer is None:
            return
        top, left = row * patch - 0.5, column * patch - 0.5
        square = np.array([[top, left], [top, left + patch], [top + patch, left + patch], [top + patch, left]])
        layer = self.layer()
        flat = viewer.dims.ndisplay == 2  # in 3-D napari mixes corners of two and of three numbers
        if layer is not None and flat and np.allclose(layer.scale, placement.scale):
            layer.data = [square]
            if not np.array_equal(layer.translate, placement.translate):
                layer.translate = placement.translate
            wake(layer)
            return
        self.clear()
        self._add(viewer, placement, square, patch)

    def rest(self) -> None:
        """Frame nothing; the layer stays, hidden."""
        layer = self.layer()
        if layer is not None:
            rest(layer)

    def clear(self) -> None:
        """Take the frame away."""
        viewer, layer = self._viewer(), self.layer()
        if viewer is not None and layer is not None:
            viewer.layers.remove(layer)

    def _add(self, viewer: ViewerModel, placement: Placement, square: Any, patch: int) -> None:
        from napari.layers import Shapes

        active = viewer.layers.selection.active
        layer = Shapes(
            [square],
            shape_type="polygon",
            name="clicked patch",
            scale=placement.scale,
            translate=placement.translate,
            units=(placement.units,) * 2,
            face_color="transparent",
            edge_color="white",
            edge_width=max(0.6, patch / 14),
            metadata={OWNER: {_NAME: True}},
        )
        viewer.layers.append(layer)
        viewer.layers.selection.active = active
