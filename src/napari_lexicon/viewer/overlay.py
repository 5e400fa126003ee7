"""The activation map of a feature as one napari layer over the shown field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
import numpy.typing as npt

from napari_lexicon.viewer.colors import from_oklab, rgb_of, to_oklab
from napari_lexicon.viewer.conversion import OWNER, Placement
from napari_lexicon.viewer.field_names import FieldNames
from napari_lexicon.viewer.napari_compat import name_on_canvas
from napari_lexicon.viewer.own_layer import RESTING, rest, wake
from napari_lexicon.viewer.spot_frame import SpotFrame

if TYPE_CHECKING:
    from napari.components import ViewerModel


_CHOSEN = " (chosen)"
_ABOVE = {FieldNames.key, SpotFrame.key}


@dataclass(frozen=True)
class ActivationMap:
    """One feature over one field.

    Parameters
    ----------
    values : numpy.ndarray
        ``(gh, gw)`` float32, one value per patch.
    placement : Placement
        Of the map (see :meth:`Placement.of_patches`).
    title : str
        Name of the layer.
    color : str
        Colour of the feature.
    top : float
        Value shown in full colour: the feature's largest value over the plate, so that fields can be compared.
    bottom : float
        Value from which anything is seen; what is not drawn lies under it.
    """

    values: npt.NDArray[np.float32]
    placement: Placement
    title: str
    color: str
    top: float
    bottom: float = 0.0

    @property
    def limits(self) -> tuple[float, float]:
        """Values of the least and of the full colour."""
        return self.bottom, max(self.top, self.bottom + 1e-6)


@dataclass(frozen=True)
class OverlayStyle:
    """How a map is drawn.

    Parameters
    ----------
    threshold : float
        Part of ``top`` below which nothing is drawn, 0 to 1.
    opacity : float
        0 to 1.
    smooth : bool
        Interpolate between patches instead of showing each as a square.
    outline : bool
        Draw the outlines of what fires instead of filling it.
    above_control : bool
        Show only by how much a feature fires more strongly than where it fires in control wells.
    """

    threshold: float = 0.0
    opacity: float = 0.7
    smooth: bool = False
    outline: bool = False
    above_control: bool = False


@dataclass(frozen=True)
class KeptMap:
    """A map that stays while other features are chosen.

    Parameters
    ----------
    feature : int
        Its feature.
    channel : int, optional
        Its channel, None for the strongest of all.
    dictionary : str
        Hash of the dictionary that the feature is of.
    """

    feature: int
    channel: int | None
    dictionary: str


def see_through(color: str, steps: int = 64) -> npt.NDArray[np.float64]:
    """``(steps, 4)`` ramp: clear where the feature is silent, its colour where it fires, paler at the very top.

    Alpha rises with the square root so that weak firing is seen, and the last quarter turns lighter, so that the
    order of values is seen without telling hues apart.
    """
    at = np.linspace(0, 1, steps)
    base = to_oklab(rgb_of(color))
    pale = base * np.array([1.0, 0.45, 0.45]) + np.array([(0.97 - base[0]) * 0.8, 0, 0])
    mix = np.clip((at - 0.6) / 0.4, 0, 1)[:, None]
    rgb = from_oklab(base * (1 - mix) + pale * mix) / 255
    return np.column_stack([rgb, np.sqrt(at)])


class ActivationOverlay:
    """Adds, changes and removes the overlay layer of one viewer. One layer, reused for every feature and field."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = ref(viewer)

    def layer(self) -> Any | None:
        """The overlay layer, None where there is no map or a person removed it."""
        layer = self._own()
        return None if layer is None or RESTING in layer.metadata[OWNER] else layer

    def _own(self) -> Any | None:
        """The overlay layer, also while it rests."""
        viewer = self._viewer()
        for layer in () if viewer is None else viewer.layers:
            mine = layer.metadata.get(OWNER)
            if isinstance(mine, dict) and "overlay" in mine:
                return layer
        return None

    def show(self, shown: ActivationMap, style: OverlayStyle) -> None:
        """Show a map over the field."""
        viewer = self._viewer()
        if viewer is None:
            return
        values = _above(shown, style)
        layer = self._own()
        if layer is None:
            self._add(viewer, shown, style, values)
            return
        moved = not np.array_equal(layer.scale, shown.placement.scale)
        if moved:
            layer.scale, layer.units = shown.placement.scale, (shown.placement.units,) * 2
        if not np.array_equal(layer.translate, shown.placement.translate):
            layer.translate, moved = shown.placement.translate, True
        if moved or layer.data.shape != values.shape:
            layer.data = values
        else:  # the same place: the viewer need not measure its layers again
            layer.data[...] = values
            layer.refresh(extent=False, highlight=False)
        title = self._free_title(shown.title)
        if layer.name != title:
            layer.name = title
        if layer.metadata[OWNER]["overlay"] != shown.color:
            layer.colormap = _colormap(shown.color)
            layer.metadata = {OWNER: {**layer.metadata[OWNER], "overlay": shown.color}}
        if tuple(layer.contrast_limits) != shown.limits:
            with layer.events.contrast_limits.blocker():  # else everyone hears of the limits twice
                layer.contrast_limits_range = shown.limits
            layer.contrast_limits = shown.limits
        _restyle(layer, style)
        wake(layer)

    def blank(self) -> None:
        """Show nothing for a moment, keeping the layer and what a person did to it."""
        layer = self.layer()
        if layer is not None:
            layer.data = np.zeros_like(layer.data)

    def restyle(self, style: OverlayStyle) -> None:
        """Change how the map is drawn; the threshold belongs to :meth:`show`."""
        layer = self.layer()
        if layer is not None:
            _restyle(layer, style)

    def rest(self) -> None:
        """Show no map. The layer stays, hidden, with what a person set on it."""
        layer = self.layer()
        if layer is not None:
            rest(layer)
            layer.name = "no map"
            layer.data = np.zeros((1, 1), np.float32)  # nothing that the view would have to fit

    def clear(self) -> None:
        """Take the overlay away."""
        viewer, layer = self._viewer(), self._own()
        if viewer is not None and layer is not None:
            viewer.layers.remove(layer)

    # maps that stay -------------------------------------------------------------------------------------------------

    def kept(self) -> list[tuple[KeptMap, Any]]:
        """Maps that stay, with their layers; one that a person removed is not among them."""
        viewer = self._viewer()
        found = []
        for layer in () if viewer is None else viewer.layers:
            mine = layer.metadata.get(OWNER)
            if isinstance(mine, dict) and isinstance(mine.get("kept"), KeptMap):
                found.append((mine["kept"], layer))
        return found

    def keep(self, which: KeptMap, shown: ActivationMap, style: OverlayStyle) -> None:
        """Add a map that stays, under the one that is chosen; one that is kept already is drawn anew."""
        from napari.layers import Image

        viewer = self._viewer()
        if viewer is None:
            return
        self.drop(which.feature)
        chosen, active = self.layer(), viewer.layers.selection.active
        if chosen is not None and chosen.name == shown.title:
            chosen.name = f"{shown.title}{_CHOSEN}"
        mine = {OWNER: {"kept": which, "color": shown.color}}
        layer = Image(_above(shown, style), name=shown.title, metadata=mine, **_looks(shown, style))
        viewer.layers.insert(len(viewer.layers) if chosen is None else viewer.layers.index(chosen), layer)
        if active is not None:
            viewer.layers.selection.active = active

    def drop(self, feature: int) -> None:
        """Take the map of a feature that stays away."""
        viewer = self._viewer()
        for which, layer in self.kept():
            if which.feature == feature and viewer is not None:
                viewer.layers.remove(layer)

    def redraw_kept(self, layer: Any, shown: ActivationMap | None, style: OverlayStyle) -> None:
        """Show a map that stays over another field; nothing where that has not been computed."""
        if shown is None:
            layer.data = np.zeros_like(layer.data)
            return
        layer.scale, layer.translate = shown.placement.scale, shown.placement.translate
        layer.units = (shown.placement.units,) * 2
        layer.data = _above(shown, style)
        if tuple(layer.contrast_limits) != shown.limits:
            layer.contrast_limits_range = shown.limits
            layer.contrast_limits = shown.limits
        if layer.metadata[OWNER].get("color") != shown.color:
            layer.colormap = _colormap(shown.color)
            layer.metadata = {OWNER: {**layer.metadata[OWNER], "color": shown.color}}
        _restyle(layer, style)
        if layer.name != shown.title:
            layer.name = shown.title

    def clear_kept(self) -> None:
        """Take all maps that stay away."""
        viewer = self._viewer()
        for _, layer in self.kept():
            if viewer is not None:
                viewer.layers.remove(layer)

    def legend(self) -> None:
        """Name the maps on the canvas, each in its colour, as soon as there is more than the chosen one."""
        kept, chosen = self.kept(), self.layer()
        features = {layer.name for _, layer in kept}
        for _, layer in kept:
            name_on_canvas(layer, layer.metadata[OWNER].get("color") if layer.visible else None)
        if chosen is not None:
            alone = not kept or chosen.name.removesuffix(_CHOSEN) in features
            name_on_canvas(chosen, None if alone else chosen.metadata[OWNER]["overlay"])

    def _free_title(self, title: str) -> str:
        """The title, marked as chosen where a map that stays has it."""
        return f"{title}{_CHOSEN}" if any(layer.name == title for _, layer in self.kept()) else title

    def _add(
        self,
        viewer: ViewerModel,
        shown: ActivationMap,
        style: OverlayStyle,
        values: npt.NDArray[np.float32],
    ) -> None:
        from napari.layers import Image

        active = viewer.layers.selection.active
        layer = Image(
            values,
            name=self._free_title(shown.title),
            metadata={OWNER: {"overlay": shown.color}},
            **_looks(shown, style),
        )
        frames = [n for n, old in enumerate(viewer.layers) if _ABOVE & set(old.metadata.get(OWNER) or ())]
        viewer.layers.insert(frames[0] if frames else len(viewer.layers), layer)
        if hasattr(layer, "colorbar"):  # napari >= 0.6.5
            layer.colorbar.size, layer.colorbar.font_size = (12, 110), 8
            layer.colorbar.visible = True
        if active is not None:
            viewer.layers.selection.active = active


def _above(shown: ActivationMap, style: OverlayStyle) -> npt.NDArray[np.float32]:
    """Values of a map, 0 below the threshold; outlines know it already."""
    if style.outline:
        return shown.values
    return np.where(shown.values >= style.threshold * max(shown.top, 1e-6), shown.values, 0).astype(np.float32)


def _restyle(layer: Any, style: OverlayStyle) -> None:
    if layer.opacity != style.opacity:
        layer.opacity = style.opacity
    interpolation = "linear" if style.smooth else "nearest"
    if layer.interpolation2d != interpolation:
        layer.interpolation2d = interpolation


def _looks(shown: ActivationMap, style: OverlayStyle) -> dict[str, Any]:
    return {
        "scale": shown.placement.scale,
        "translate": shown.placement.translate,
        "units": (shown.placement.units,) * 2,
        "contrast_limits": shown.limits,
        "colormap": _colormap(shown.color),
        "blending": "translucent_no_depth",
        "opacity": style.opacity,
        "interpolation2d": "linear" if style.smooth else "nearest",
    }


def _colormap(color: str) -> Any:
    from napari.utils import Colormap

    return Colormap(see_through(color), name=f"{color} over")
