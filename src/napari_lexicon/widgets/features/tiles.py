"""Small pictures of where a feature fires strongest, read in threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_lexicon.viewer.colors import channel_color, rgb_of
from napari_lexicon.viewer.conversion import display_range

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from napari_lexicon.lexicons import Example, LexiconPlate
    from napari_lexicon.plates.model import Field, Plate

PATCHES_ACROSS = 7
"""A tile shows the patch and three more on each side: about a cell."""


@dataclass(frozen=True)
class Tile:
    """One picture of the gallery.

    Parameters
    ----------
    example : Example
        The place.
    pixels : numpy.ndarray
        ``(y, x, 3)`` uint8.
    box : (float, float, float, float)
        The patch within the picture, as parts of its sides: left, top, width, height.
    caption : str
        Well and channel.
    tip : str
        What a tooltip says of it; empty for its caption and activation.
    """

    example: Example
    pixels: npt.NDArray[np.uint8]
    box: tuple[float, float, float, float]
    caption: str
    tip: str = ""


def field_of(plate: Plate, lexicon_plate: LexiconPlate, number: int) -> Field | None:
    """The plate's field behind a field of the lexicon, None where the plate has lost it."""
    header = lexicon_plate.fields[number]
    well = plate.wells.get(header.well)
    return next((field for field in well.fields if field.name == header.name), None) if well else None


def tile_of(
    plate: Plate,
    lexicon_plate: LexiconPlate,
    example: Example,
    patch: int,
    ranges: Mapping[str, tuple[float, float]],
    *,
    all_channels: bool,
) -> Tile | None:
    """Cut a tile out of its field; reads no more than the tile.

    Parameters
    ----------
    plate, lexicon_plate : Plate, LexiconPlate
        The plate and its part of the lexicon.
    example : Example
        The place.
    patch : int
        Pixels.
    ranges : mapping of str to (low, high)
        Display range by channel name.
    all_channels : bool
        All channels in their colours, else the one that fires, in grey.
    """
    field = field_of(plate, lexicon_plate, example.field_index)
    if field is None:
        return None
    half, (height, width) = PATCHES_ACROSS * patch // 2, field.shape
    middle = (example.gy * patch + patch // 2, example.gx * patch + patch // 2)
    side = min(2 * half, height, width)
    top = min(max(middle[0] - half, 0), height - side)
    left = min(max(middle[1] - half, 0), width - side)
    only = None if all_channels or plate.rgb or example.channel not in field.channels else example.channel
    channels = field.channels if only is None else (only,)
    at = slice(None) if only is None else slice(field.channels.index(only), field.channels.index(only) + 1)
    region = field.region(at, slice(top, top + side), slice(left, left + side))  # the other stains stay on the disk
    pixels = _colored(plate, channels, region, ranges, only)
    box = ((example.gx * patch - left) / side, (example.gy * patch - top) / side, patch / side, patch / side)
    told = len(plate.channels) < 2 or plate.rgb or lexicon_plate.joint
    channel = "" if told else plate.channels[example.channel].name
    return Tile(example, pixels, box, f"{example.well} {channel}".strip())


def _colored(
    plate: Plate,
    channels: tuple[int, ...],
    region: npt.NDArray[Any],
    ranges: Mapping[str, tuple[float, float]],
    only: int | None,
) -> npt.NDArray[np.uint8]:
    """``(y, x, 3)`` of ``(C, y, x)`` pixels."""
    if plate.rgb:
        colour = np.moveaxis(region[:3], 0, -1).astype(np.float32)
        return np.ascontiguousarray(np.clip(colour * (255 / _white(region)), 0, 255).astype(np.uint8))
    mixed = np.zeros((*region.shape[1:], 3), np.float32)
    for plane, index in zip(region, channels, strict=True):
        channel = plate.channels[index]
        low, high = ranges.get(channel.name) or channel.window or display_range(plane)
        grey = ((plane.astype(np.float32) - low) / max(high - low, 1e-6)).clip(0, 1)
        color = (
            "#FFFFFF" if only is not None else channel_color(channel.name, index, len(plate.channels), channel.color)
        )
        mixed += grey[..., None] * np.array(rgb_of(color), np.float32)
    return np.ascontiguousarray(mixed.clip(0, 255).astype(np.uint8))


def _white(region: npt.NDArray[Any]) -> float:
    return float(np.iinfo(region.dtype).max) if np.issubdtype(region.dtype, np.integer) else 1.0
