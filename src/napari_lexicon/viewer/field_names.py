"""Names of the fields that stand side by side, written on the canvas, and a frame around the current one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lexicon.viewer.conversion import OWNER
from napari_lexicon.viewer.own_layer import OwnLayer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_lexicon.viewer.side_by_side import SideBySide

_NAME = "field names"
_MARKED, _OTHER = ("#FFFFFF", "#000000"), "#6E7681"


class FieldNames(OwnLayer):
    """Adds, changes and removes the layer with the names in one viewer."""

    key = _NAME

    def show(self, side: SideBySide, names: Sequence[str], current: int, *, bright: bool = False) -> None:
        """Name every field, and frame the current one.

        Parameters
        ----------
        side : SideBySide
            Where the fields lie.
        names : sequence of str
            One for each.
        current : int
            Which of them is current.
        bright : bool
            The images have a bright background.
        """
        viewer = self._viewer()
        if viewer is None:
            return
        n, of = len(side.fields), (side, tuple(names))
        marked, other = (_MARKED[::-1] if bright else _MARKED)[0], _OTHER
        colors = [marked if number == current else other for number in range(n)] + ["transparent"] * n
        layer = self.layer()
        if layer is not None and layer.metadata[OWNER][_NAME] == of:
            layer.edge_color = colors
            return
        self.clear()
        active = viewer.layers.selection.active
        viewer.layers.append(_layer(side, names, colors, marked, of))
        viewer.layers.selection.active = active

    def clear(self) -> None:
        """Take the names away."""
        viewer, layer = self._viewer(), self.layer()
        if viewer is not None and layer is not None:
            viewer.layers.remove(layer)


def _layer(side: SideBySide, names: Sequence[str], colors: list[str], ink: str, of: object) -> Any:
    from napari.layers import Shapes

    frames, corners = [], []
    for number, field in enumerate(side.fields):
        low = np.array(side.offset(number)) - 0.5
        high = low + field.shape
        frames.append(np.array([low, [low[0], high[1]], high, [high[0], low[1]]]))
        # a text hangs down from the lower left of its shape: the name of a field from its upper left corner
        corners.append(np.array([low, low + np.array([0.0, 1.0])]))
    placement = side.whole
    return Shapes(
        [*frames, *corners],
        shape_type=["polygon"] * len(frames) + ["line"] * len(corners),
        name="fields",
        scale=placement.scale,
        translate=placement.translate,
        units=(placement.units,) * 2,
        face_color="transparent",
        edge_color=colors,
        edge_width=max(1.0, max(side.shape) / 400),
        features={"name": [""] * len(frames) + ["\n".join(f" {line}" for line in name.split("\n")) for name in names]},
        text={"string": "{name}", "color": ink, "size": 9, "anchor": "lower_left"},
        metadata={OWNER: {_NAME: of}},
    )
