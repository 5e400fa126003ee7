"""The cells of the shown fields as one napari Labels layer, with their table in its features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lexicon.viewer.conversion import OWNER
from napari_lexicon.viewer.own_layer import OwnLayer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt
    import pandas as pd

    from napari_lexicon.viewer.conversion import Placement

_NAME = "cells"


class CellLayer(OwnLayer):
    """Adds, changes and removes the layer in one viewer."""

    key = _NAME

    def show(self, labels: npt.NDArray[np.integer[Any]], placement: Placement, features: pd.DataFrame) -> None:
        """Show cells.

        Parameters
        ----------
        labels : numpy.ndarray
            ``(Y, X)``, 0 for background.
        placement : Placement
            Of the labels.
        features : pandas.DataFrame
            One row per cell; the column ``index`` holds its label, by which napari finds it.
        """
        from napari.layers import Labels

        viewer, layer = self._viewer(), self.layer()
        if viewer is None:
            return
        if layer is not None:
            layer.scale, layer.translate = placement.scale, placement.translate
            layer.units = (placement.units,) * 2
            layer.data = labels
            layer.features = features
            return
        active = viewer.layers.selection.active
        layer = Labels(
            labels,
            name="cells",
            scale=placement.scale,
            translate=placement.translate,
            units=(placement.units,) * 2,
            features=features,
            opacity=0.9,
            metadata={OWNER: {_NAME: True}},
        )
        layer.contour = 2  # outlines: image and map stay seen inside
        viewer.layers.append(layer)
        viewer.layers.selection.active = active

    def paint(self, colors: Mapping[int, tuple[float, float, float, float]]) -> None:
        """Colour cells, each ``(r, g, b, a)`` from 0 to 1; one that is not named is not seen."""
        from napari.utils import DirectLabelColormap

        layer = self.layer()
        if layer is not None:
            clear = np.zeros(4, dtype=np.float32)
            table: dict[int | None, Any] = {None: clear, 0: clear}
            table.update({label: np.asarray(color, dtype=np.float32) for label, color in colors.items()})
            layer.colormap = DirectLabelColormap(color_dict=table)

    def set_features(self, features: pd.DataFrame) -> None:
        """Keep another table with the cells."""
        layer = self.layer()
        if layer is not None:
            layer.features = features

    def clear(self) -> None:
        """Take the cells away."""
        viewer, layer = self._viewer(), self.layer()
        if viewer is not None and layer is not None:
            viewer.layers.remove(layer)

    def others(self) -> list[str]:
        """Names of the Labels layers that are not ours."""
        from napari.layers import Labels

        viewer, mine = self._viewer(), self.layer()
        layers = () if viewer is None else viewer.layers
        return [layer.name for layer in layers if isinstance(layer, Labels) and layer is not mine]

    def labels_of(self, name: str) -> npt.NDArray[Any] | None:
        """Labels of a layer of the viewer as they are now, None where there is no such layer."""
        viewer = self._viewer()
        if viewer is None or name not in viewer.layers:
            return None
        data = viewer.layers[name].data
        return np.array(data[0] if getattr(viewer.layers[name], "multiscale", False) else data)

    def on_layers_changed(self, tell: Callable[[], None]) -> Callable[[], None]:
        """Call ``tell`` when layers come, go or are renamed; returns what takes it out again."""
        viewer = self._viewer()
        if viewer is None:
            return lambda: None

        def changed(event: Any = None) -> None:
            tell()

        events = (viewer.layers.events.inserted, viewer.layers.events.removed)
        for each in events:
            each.connect(changed)

        def stop() -> None:
            for each in events:
                each.disconnect(changed)

        return stop
