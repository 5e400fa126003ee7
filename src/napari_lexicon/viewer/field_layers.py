"""The shown field as napari layers: one per channel, reused from field to field."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from napari_lexicon.viewer import napari_compat
from napari_lexicon.viewer.conversion import OPACITY, OWNER, ImageLayer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from napari.components import ViewerModel
    from napari.layers import Layer

_ROLE = "channel"


class FieldLayers:
    """Adds, changes and removes the channel layers of one viewer.

    Layers are looked up in the viewer each time, so one that a person removed, renamed or moved by hand is no
    surprise. What they changed on a layer (contrast, colour, visibility) stays when the field changes.

    Parameters
    ----------
    viewer : napari.Viewer
        Kept weakly.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = ref(viewer)
        self._extent: tuple[float, ...] | None = None
        self._fit_zoom: float | None = None
        self._bar_is_ours = False

    def current(self) -> dict[str, Layer]:
        """Our channel layers that are in the viewer now, by channel name."""
        return dict(self._ours())

    def ranges(self, *, visible: bool = False) -> dict[str, tuple[float, float]]:
        """Contrast limits in use, by channel name; of the channels that are seen only, with ``visible``."""
        return {
            name: (float(layer.contrast_limits[0]), float(layer.contrast_limits[1]))
            for name, layer in self._ours()
            if not getattr(layer, "rgb", False) and (layer.visible or not visible)
        }

    def remove_others(self, keep: Sequence[ImageLayer]) -> None:
        """Remove channel layers that the field to be shown does not have."""
        viewer = self._viewer()
        if viewer is None:
            return
        wanted = {layer.metadata[_ROLE]: layer for layer in keep}
        for name, old in list(self._ours()):
            new = wanted.get(name)
            if new is None or old.rgb != new.rgb or old.multiscale != new.multiscale:
                viewer.layers.remove(old)

    def hold(self) -> None:
        """Draw nothing until :meth:`release`: a field of which half the channels are there is no picture of anything.

        Without a graphics card drawing takes longer than all channels together. An empty canvas is not held: napari's
        welcome lies on it, and would stay on the screen.
        """
        viewer = self._viewer()
        if viewer is not None and len(viewer.layers):
            napari_compat.draw_canvas(viewer, False)

    def release(self) -> None:
        """Draw what has changed since :meth:`hold`."""
        viewer = self._viewer()
        if viewer is not None:
            napari_compat.draw_canvas(viewer, True)

    def many_at_once(self) -> AbstractContextManager[None]:
        """In which many of our layers may go as one."""
        viewer = self._viewer()
        if viewer is None or not any(OWNER in layer.metadata for layer in viewer.layers):
            return nullcontext()
        return napari_compat.many_at_once(viewer)

    def put(self, layer: ImageLayer) -> None:
        """Show one channel, in the layer that already shows it or in a new one under the overlay."""
        viewer = self._viewer()
        if viewer is None:
            return
        old = self.current().get(layer.metadata[_ROLE])
        if old is None:
            self._add(viewer, layer)
            return
        usual = old.metadata[OWNER][OPACITY]
        if usual != layer.opacity and np.isclose(old.opacity, usual):  # as we made it, not as a person wants it
            old.opacity = layer.opacity
        old.metadata = {**old.metadata, **layer.as_kwargs()["metadata"]}
        if not np.array_equal(old.scale, layer.placement.scale) or not np.array_equal(
            old.translate, layer.placement.translate
        ):
            old.scale, old.translate = layer.placement.scale, layer.placement.translate
            old.units = (layer.placement.units,) * 2
        old.data = layer.data

    def look_at(self, layer: ImageLayer) -> None:
        """Fit the view when the field has another size than the one before; else leave zoom and position alone."""
        viewer = self._viewer()
        if viewer is None:
            return
        shape = layer.data[0].shape if layer.multiscale else layer.data.shape
        extent = (*shape[:2], *layer.placement.scale)
        if extent != self._extent:
            first = self._extent is None
            self._extent = extent
            # the map on top may still be as wide as the wells that were side by side
            napari_compat.fit_view(viewer, [each for each in viewer.layers if not _lies_on_top(each)])
            self._fit_zoom = napari_compat.camera(viewer).zoom
            if first:
                self._show_scale_bar(layer.placement.units != "pixel")

    def _show_scale_bar(self, sized: bool) -> None:
        """Over a plate that says how large its pixels are; over another one it stays where a person put it there."""
        viewer = self._viewer()
        if viewer is None or not (sized or self._bar_is_ours):
            return
        bar = napari_compat.scale_bar(viewer)
        self._bar_is_ours = sized and (self._bar_is_ours or not bar.visible)
        bar.visible = sized

    def center_on(self, point: tuple[float, float], around: float) -> None:
        """Look at a point of the world from near by; a view that is nearer already only moves.

        Parameters
        ----------
        point : (float, float)
            ``(y, x)`` in the world.
        around : float
            How much of the world to see at least, up and down or left and right, whichever is shorter.
        """
        viewer = self._viewer()
        if viewer is None or self._extent is None:
            return
        camera = napari_compat.camera(viewer)
        near = camera.zoom
        if self._fit_zoom is not None:
            whole = max(n * s for n, s in zip(self._extent[:2], self._extent[2:], strict=True))
            near = max(near, self._fit_zoom * max(1.0, whole / around))
        camera.zoom = near
        camera.center = point

    def clear(self) -> None:
        """Remove all channel layers."""
        self.remove_others(())
        self._extent = None

    def caption(self, text: str) -> None:
        """Say on the canvas which well and field is shown; an empty text takes the line away."""
        viewer = self._viewer()
        if viewer is None:
            return
        overlay = napari_compat.text_overlay(viewer)
        overlay.text, overlay.position, overlay.font_size = text, "top_left", 9
        if hasattr(overlay, "box"):  # since napari 0.9: read over any image, in either theme
            overlay.box = True
        overlay.visible = bool(text)

    def _ours(self) -> Iterator[tuple[str, Any]]:
        viewer = self._viewer()
        for layer in () if viewer is None else viewer.layers:
            mine = layer.metadata.get(OWNER)
            if isinstance(mine, dict) and _ROLE in mine:
                yield mine[_ROLE], layer

    def _add(self, viewer: ViewerModel, layer: ImageLayer) -> None:
        from napari.layers import Image
        from napari.utils import Colormap

        kwargs = layer.as_kwargs()
        if "colormap" in kwargs:
            name, colors = kwargs["colormap"]
            kwargs["colormap"] = Colormap(colors, name=name)
        new = Image(**kwargs)
        if layer.contrast_limits is not None and not layer.multiscale:
            low, high = layer.contrast_limits
            new.contrast_limits_range = (min(0.0, low), max(high * 2, float(np.max(layer.data)), 1.0))
        others = [index for index, old in enumerate(viewer.layers) if _lies_on_top(old)]
        viewer.layers.insert(others[0] if others else len(viewer.layers), new)


def _lies_on_top(layer: Any) -> bool:
    """Whether a layer is ours and no channel: the map and the frame."""
    mine = layer.metadata.get(OWNER)
    return isinstance(mine, dict) and _ROLE not in mine
