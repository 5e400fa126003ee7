"""Regions that a person draws in Shapes layers, and cells of Labels layers, as pixels of the shown field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_lexicon.viewer.conversion import OWNER
from napari_lexicon.viewer.own_layer import OwnLayer

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_lexicon.viewer.conversion import Placement

_NAME = "region"
_AREAS = ("polygon", "rectangle", "ellipse")
Pixels = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]


@dataclass(frozen=True)
class Outline:
    """A closed shape in the world.

    Parameters
    ----------
    corners : numpy.ndarray
        ``(n, 2)`` points ``(y, x)``.
    """

    corners: npt.NDArray[np.float64]

    def pixels(self, placement: Placement, shape: tuple[int, int]) -> Pixels:
        """Rows and columns of the pixels of an image whose middles lie inside."""
        from skimage.draw import polygon

        at = (self.corners - np.asarray(placement.translate)) / np.asarray(placement.scale)
        rows, columns = polygon(at[:, 0], at[:, 1], shape)
        return rows, columns


@dataclass(frozen=True)
class LabelledCell:
    """One cell of a Labels layer.

    Parameters
    ----------
    layer : str
        Name of the layer.
    label : int
    labels : numpy.ndarray
        ``(Y, X)`` of the layer.
    scale, translate : (float, float)
        Where its pixels lie in the world.
    """

    layer: str
    label: int
    labels: npt.NDArray[Any]
    scale: tuple[float, float]
    translate: tuple[float, float]

    def pixels(self, placement: Placement, shape: tuple[int, int]) -> Pixels:
        """Rows and columns of the pixels of an image whose middles lie in the cell."""
        mine = self.labels == self.label
        steps = []
        for axis in (0, 1):
            world = placement.translate[axis] + placement.scale[axis] * np.arange(shape[axis])
            steps.append(np.floor((world - self.translate[axis]) / self.scale[axis] + 0.5).astype(np.intp))
        known = [(step >= 0) & (step < length) for step, length in zip(steps, mine.shape, strict=True)]
        first = [int(np.argmax(each)) if each.any() else 0 for each in known]
        inside = mine[np.ix_(steps[0][known[0]], steps[1][known[1]])]
        rows, columns = np.nonzero(inside)
        return rows + first[0], columns + first[1]


class Regions(OwnLayer):
    """Finds shapes and cells in one viewer, and lets a person draw."""

    key = _NAME

    def outline(self) -> Outline | None:
        """The shape that is meant: the selected one, else the last one, of the active Shapes layer before others."""
        from napari.layers import Shapes

        viewer = self._viewer()
        if viewer is None:
            return None
        layers = [layer for layer in reversed(viewer.layers) if isinstance(layer, Shapes) and not _is_frame(layer)]
        active = viewer.layers.selection.active
        for layer in sorted(layers, key=lambda layer: layer is not active):
            areas = [n for n, kind in enumerate(layer.shape_type) if kind in _AREAS]
            if areas:
                chosen = [n for n in areas if n in layer.selected_data]
                return _outline(layer, (chosen or areas)[-1])
        return None

    def cell_at(self, world: tuple[float, ...]) -> LabelledCell | None:
        """The cell under a point of the world, of the uppermost Labels layer that is seen and has one there."""
        from napari.layers import Labels

        viewer = self._viewer()
        for layer in reversed(() if viewer is None else tuple(viewer.layers)):
            if not isinstance(layer, Labels) or not layer.visible:
                continue
            label = layer.get_value(world, world=True)
            label = label[1] if isinstance(label, tuple) else label
            if not label:
                continue
            data = layer.data[0] if layer.multiscale else layer.data
            step = tuple(int(n) for n in viewer.dims.current_step[-layer.ndim : -2]) if viewer else ()
            scale, translate = tuple(layer.scale[-2:]), tuple(layer.translate[-2:])
            return LabelledCell(layer.name, int(label), np.asarray(data[step]), scale, translate)
        return None

    def has_labels(self) -> bool:
        """Whether there is a Labels layer."""
        from napari.layers import Labels

        viewer = self._viewer()
        return viewer is not None and any(isinstance(layer, Labels) for layer in viewer.layers)

    def draw(self, placement: Placement) -> None:
        """Let a person draw around something with the mouse button held."""
        from napari.layers import Shapes

        viewer, layer = self._viewer(), self.layer()
        if viewer is None:
            return
        if layer is not None:
            viewer.layers.remove(layer)
        before = viewer.layers.selection.active
        layer = Shapes(
            ndim=2,
            name="region",
            scale=placement.scale,
            translate=placement.translate,
            units=(placement.units,) * 2,
            face_color="transparent",
            edge_color="white",
            edge_width=1.2,
            metadata={OWNER: {_NAME: True}},
        )
        viewer.layers.append(layer)
        viewer.layers.selection.active = layer
        layer.mode = "add_polygon_lasso"

        def drawn(event: Any) -> None:
            if str(getattr(event.action, "value", event.action)) == "added" and layer.nshapes:
                layer.mode = "pan_zoom"  # the next click is a click again
                if before is not None and before in viewer.layers:
                    viewer.layers.selection.active = before

        layer.events.data.connect(drawn)

    def drawing(self) -> bool:
        """Whether the mouse draws shapes now."""
        from napari.layers import Shapes

        viewer = self._viewer()
        active = None if viewer is None else viewer.layers.selection.active
        return isinstance(active, Shapes) and str(active.mode) not in ("pan_zoom", "Mode.PAN_ZOOM", "transform")

    def watch(self, tell: Callable[[str], None]) -> Callable[[], None]:
        """Call ``tell("shapes")`` when a shape is drawn, moved or selected, ``tell("layers")`` when layers come or go.

        Returns
        -------
        callable
            Ends it.
        """
        from napari.layers import Shapes

        viewer = self._viewer()
        if viewer is None:
            return lambda: None
        watched: list[Any] = []

        def shapes(event: Any = None) -> None:
            tell("shapes")

        def layers(event: Any = None) -> None:
            for layer in viewer.layers:
                known = any(layer is each for each in watched)
                if isinstance(layer, Shapes) and not _is_frame(layer) and not known:
                    watched.append(layer)
                    layer.events.data.connect(shapes)
                    layer.events.highlight.connect(shapes)
            tell("layers")

        events = (viewer.layers.events.inserted, viewer.layers.events.removed)
        for each in events:
            each.connect(layers)
        layers()

        def stop() -> None:
            for each in events:
                each.disconnect(layers)
            for layer in watched:
                layer.events.data.disconnect(shapes)
                layer.events.highlight.disconnect(shapes)

        return stop


def _is_frame(layer: Any) -> bool:
    mine = layer.metadata.get(OWNER)
    return isinstance(mine, dict) and _NAME not in mine


def _outline(layer: Any, number: int) -> Outline:
    corners = np.asarray(layer.data[number])[:, -2:]
    if layer.shape_type[number] == "ellipse":
        middle, first, second = corners.mean(axis=0), (corners[1] - corners[0]) / 2, (corners[2] - corners[1]) / 2
        angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)[:, None]
        corners = middle + np.cos(angle) * first + np.sin(angle) * second
    before = np.zeros((len(corners), layer.ndim))
    before[:, -2:] = corners
    world = np.array([layer.data_to_world(corner)[-2:] for corner in before])
    return Outline(world)
