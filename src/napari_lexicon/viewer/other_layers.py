"""Layers of people and of other plugins, put where their pixels say that they belong: on the field that is shown.

A layer without units beside layers in micrometres makes napari (0.7 to 0.9) draw all of them without units, and its
scale bar lose them. What another plugin made of a field most often has its pixels, or its scale, and only lacks the
units. napari says so before anybody else hears of the layer; a moment later it is no longer so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lexicon.viewer.conversion import OWNER

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.components import ViewerModel

_PIXEL = "pixel"


class OtherLayers:
    """Looks at every layer that is added to one viewer, once.

    Parameters
    ----------
    viewer : ViewerModel
        The viewer.
    shown : callable
        A channel layer of the field that is shown, None without one.
    """

    def __init__(self, viewer: ViewerModel, shown: Callable[[], Any | None]) -> None:
        self._shown = shown
        viewer.layers.events.inserted.connect(self._added)

    def _added(self, event: Any) -> None:
        shown = self._shown()
        if shown is not None and OWNER not in event.value.metadata:
            put_on_field(event.value, shown)


def put_on_field(layer: Any, shown: Any) -> None:
    """Give a layer without units those of the field, where it is of the field.

    It is where its scale is the field's; or where it has the field's pixels and nobody has placed it: then it is laid
    on the field. Of points and shapes nobody can tell in which unit they are: they stay as they are.

    Parameters
    ----------
    layer : napari.layers.Layer
        Of somebody else.
    shown : napari.layers.Image
        A channel of the field, in micrometres or in pixels.
    """
    unit = shown.units[-2:]
    if any(str(own) == _PIXEL for own in unit) or any(str(own) != _PIXEL for own in layer.units[-2:]):
        return
    if np.allclose(layer.scale[-2:], shown.scale[-2:]):
        layer.units = (*layer.units[:-2], *unit)
    elif _pixels(layer) == _pixels(shown) and _unplaced(layer):
        layer.scale = (*layer.scale[:-2], *shown.scale[-2:])
        layer.translate = (*layer.translate[:-2], *shown.translate[-2:])
        layer.units = (*layer.units[:-2], *unit)


def _pixels(layer: Any) -> tuple[int, ...] | None:
    """``(Y, X)`` of an image or of labels, None of other layers."""
    from napari.layers import Image, Labels

    if not isinstance(layer, (Image, Labels)):
        return None
    data = layer.data[0] if layer.multiscale else layer.data
    return tuple(data.shape[-3:-1] if getattr(layer, "rgb", False) else data.shape[-2:])


def _unplaced(layer: Any) -> bool:
    plain = np.allclose(layer.scale[-2:], 1) and np.allclose(layer.translate[-2:], 0)
    return bool(plain and np.allclose(layer.affine.affine_matrix, np.eye(layer.ndim + 1)))
