"""From fields and activation maps to what a napari layer is made of. Pure functions, no viewer.

A napari layer is centred on the middle of its pixel 0. A map whose pixels are ``p`` pixels of the image wide lies
right when its scale is ``p`` times the image's and its origin sits in the middle of the first ``p`` pixels:
``translate = t + s * (p - 1) / 2``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_lexicon.viewer.colors import channel_color, rgb_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_lexicon.plates.model import Channel, Field

OWNER = "napari-lexicon"
"""Key in ``layer.metadata`` by which our layers know each other."""
OPACITY = "opacity"
"""Key under it for the opacity that a channel was given, to tell it from what a person chose."""


@dataclass(frozen=True)
class Placement:
    """Where an image lies in the world: ``world = translate + scale * pixel``, both ``(y, x)``."""

    scale: tuple[float, float]
    translate: tuple[float, float] = (0.0, 0.0)
    units: str = "pixel"

    @classmethod
    def of(cls, field_: Field) -> Placement:
        """Placement of a field shown by itself: micrometres where the plate gives them, else pixels."""
        if field_.pixel_size_um is None:
            return cls((1.0, 1.0))
        return cls(field_.pixel_size_um, units="um")

    def of_patches(self, patch: int) -> Placement:
        """Placement of a map with one value per ``patch`` × ``patch`` pixels."""
        (sy, sx), (ty, tx) = self.scale, self.translate
        return Placement((sy * patch, sx * patch), (ty + sy * (patch - 1) / 2, tx + sx * (patch - 1) / 2), self.units)

    def pixel_at(self, world: Sequence[float]) -> tuple[int, int]:
        """``(y, x)`` of the pixel that holds a point of the world; may lie outside the image."""
        y, x = ((w - t) / s for w, t, s in zip(world[-2:], self.translate, self.scale, strict=True))
        return int(np.floor(y + 0.5)), int(np.floor(x + 0.5))

    def world_of(self, pixel: Sequence[float]) -> tuple[float, float]:
        """Point of the world in the middle of a pixel ``(y, x)``."""
        y, x = (t + s * p for p, t, s in zip(pixel, self.translate, self.scale, strict=True))
        return y, x


@dataclass(frozen=True)
class ImageLayer:
    """What one napari Image layer is made of."""

    name: str
    data: Any
    placement: Placement
    contrast_limits: tuple[float, float] | None
    color: str | None
    rgb: bool = False
    multiscale: bool = False
    opacity: float = 1.0
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def as_kwargs(self) -> dict[str, Any]:
        """Arguments of ``napari.layers.Image``."""
        kwargs: dict[str, Any] = {
            "name": self.name,
            "data": self.data,
            "scale": self.placement.scale,
            "translate": self.placement.translate,
            "units": (self.placement.units,) * 2,
            "rgb": self.rgb,
            "multiscale": self.multiscale,
            "opacity": self.opacity,
            "metadata": {OWNER: {**self.metadata, OPACITY: self.opacity}},
            "blending": "translucent_no_depth" if self.rgb else "additive",
        }
        if not self.rgb:
            kwargs["contrast_limits"] = self.contrast_limits
            kwargs["colormap"] = black_to(self.color or "#FFFFFF")
        return kwargs


def black_to(color: str) -> tuple[str, npt.NDArray[np.float64]]:
    """Name and colours of a ramp from black to a colour; the name is short, napari's controls are as wide as it."""
    return color, np.array([[0.0, 0.0, 0.0], np.array(rgb_of(color)) / 255])


def composite_opacity(n_channels: int) -> float:
    """Opacity of each channel so that many of them added up do not drown in white."""
    return 1.0 if n_channels <= 3 else round(max(0.4, 2.6 / n_channels), 2)


def display_range(image: npt.NDArray[Any]) -> tuple[float, float]:
    """Range of grey values that shows a fluorescence image well: 0.5 to 99.8 percent, from every n-th pixel."""
    step = max(1, int(np.sqrt(image.size / 250_000)))
    low, high = np.percentile(image[..., ::step, ::step], (0.5, 99.8))
    if high <= low:
        high = low + 1
    return float(low), float(high)


def channel_layers(
    field_: Field,
    channels: Sequence[Channel],
    image: npt.NDArray[Any] | Sequence[npt.NDArray[Any]],
    ranges: Mapping[str, tuple[float, float]],
    *,
    rgb: bool = False,
    present: Sequence[int] | None = None,
) -> list[ImageLayer]:
    """One layer per channel of a field.

    Parameters
    ----------
    field_ : Field
        The field shown.
    channels : sequence of Channel
        Channels of the plate.
    image : numpy.ndarray
        ``(C, Y, X)`` pixels, C as in ``field_.channels``.
    ranges : mapping of str to (low, high)
        Display ranges already in use on this plate, by channel name: wells are compared by eye, so all fields of a
        plate share them. A channel that is not in it gets its stored window, else its range in this field.
    rgb : bool
        One colour image instead of three channels.
    present : sequence of int, optional
        Which of ``channels`` the image has, where it shows more than this field.
    """
    placement = Placement.of(field_)
    key = {"field": field_.key}
    if rgb:
        data = np.moveaxis(np.asarray(image[:3]), 0, -1)
        return [ImageLayer("colour", data, placement, None, None, rgb=True, metadata={**key, "channel": "rgb"})]
    layers: list[ImageLayer] = []
    shown = field_.channels if present is None else present
    for plane, index in zip(image, shown, strict=True):
        channel = channels[index]
        layers.append(
            ImageLayer(
                name=channel.name,
                data=plane,
                placement=placement,
                contrast_limits=ranges.get(channel.name) or channel.window or display_range(plane),
                color=channel_color(channel.name, index, len(channels), channel.color),
                opacity=composite_opacity(len(shown)),  # a field that lacks channels is as bright as the others
                metadata={**key, "channel": channel.name},
            )
        )
    return layers


def cropped_map(
    values: npt.NDArray[np.float32], patch: int, shape: tuple[int, int], most: int = 16_000_000
) -> tuple[npt.NDArray[np.float32], int]:
    """A map that ends where its image ends.

    The last patches may reach beyond the image. Where they do, the map is written on the coarsest grid that has a
    line at the image's edge, and cut there; every patch keeps its value and its place.

    Parameters
    ----------
    values : numpy.ndarray
        ``(gh, gw)``, one value per patch.
    patch : int
        Pixels.
    shape : (int, int)
        ``(Y, X)`` of the image.
    most : int
        Values that the finer grid may have at most; beyond, the map is left as it is.

    Returns
    -------
    (numpy.ndarray, int)
        The map, and the pixels per value.
    """
    stride = math.gcd(patch, *shape)
    height, width = shape[0] // stride, shape[1] // stride
    if stride == patch or height * width > most:
        return values, patch
    fine = np.repeat(np.repeat(values, patch // stride, axis=0), patch // stride, axis=1)
    return np.ascontiguousarray(fine[:height, :width]), stride


def patch_at(
    placement: Placement, world: Sequence[float], patch: int, grid: tuple[int, int], shape: tuple[int, int]
) -> tuple[int, int] | None:
    """Which patch ``(row, column)`` lies under a point of the world, None outside the image.

    Parameters
    ----------
    placement : Placement
        Of the image, not of the map.
    world : sequence of float
        ``(..., y, x)``.
    patch : int
        Pixels.
    grid : (int, int)
        Number of patches down and across.
    shape : (int, int)
        ``(Y, X)`` of the image; the last patches may reach beyond it.
    """
    y, x = placement.pixel_at(world)
    if not (0 <= y < shape[0] and 0 <= x < shape[1]):
        return None
    row, column = y // patch, x // patch
    return (row, column) if row < grid[0] and column < grid[1] else None
