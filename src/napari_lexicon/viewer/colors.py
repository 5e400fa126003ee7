"""Colours of data: channels, features, categories and ramps, in Oklab so that equal steps look equal.

Oklab after B. Ottosson, "A perceptual color space for image processing" (2020). The categorical colours are those of
Okabe and Ito, which people with any of the common colour-vision deficiencies can tell apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

RGB = tuple[int, int, int]

OKABE_ITO: tuple[str, ...] = (
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
    "#999999",
)
# Bright enough to glow on fluorescence, far enough apart for colour-blind eyes. Neighbours in number differ most.
FEATURE_COLORS: tuple[str, ...] = (
    "#4CC9F0",
    "#F72585",
    "#B8F24B",
    "#FF9F1C",
    "#B388FF",
    "#2DD4A7",
    "#FF6B5E",
    "#FF8AD8",
)
_CHANNEL_COLORS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("dna", "dapi", "hoechst", "nuclei", "nucleus"), "#4D7CFE"),
    (("mito",), "#FF4FA3"),
    (("agp", "actin", "phalloidin", "golgi", "tubulin"), "#FFA630"),
    (("rna", "syto"), "#E8E34A"),
    (("er", "cona", "concanavalin", "gfp", "fitc"), "#3DDC84"),
)
_SPARE_CHANNEL_COLORS: tuple[str, ...] = ("#4CC9F0", "#FF4FA3", "#E8E34A", "#3DDC84", "#FFA630", "#B388FF")

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def rgb_of(color: str) -> RGB:
    """``"#RRGGBB"`` as three numbers from 0 to 255."""
    text = color.lstrip("#")
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def hex_of(rgb: Sequence[int]) -> str:
    """Inverse of :func:`rgb_of`."""
    return "#{:02X}{:02X}{:02X}".format(*rgb)


def to_oklab(rgb: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """``(..., 3)`` sRGB from 0 to 255 as Oklab."""
    c = np.asarray(rgb, dtype=np.float64) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _TO_LMS.T) @ _TO_LAB.T)


def from_oklab(lab: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Inverse of :func:`to_oklab`, clipped to what a screen can show."""
    lms = (np.asarray(lab, dtype=np.float64) @ np.linalg.inv(_TO_LAB).T) ** 3
    linear = np.clip(lms @ np.linalg.inv(_TO_LMS).T, 0, 1)
    c = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.clip(np.rint(c * 255), 0, 255), dtype=np.uint8)


def ramp(stops: Sequence[str], steps: int = 256) -> npt.NDArray[np.uint8]:
    """``(steps, 3)`` colours through the stops, even in Oklab."""
    lab = to_oklab([rgb_of(stop) for stop in stops])
    at = np.linspace(0, len(stops) - 1, steps)
    return from_oklab(np.stack([np.interp(at, np.arange(len(stops)), lab[:, axis]) for axis in range(3)], axis=1))


def feature_color(feature: int, chosen: str | None = None) -> str:
    """The one colour of a feature, the same in the overlay, the table and the plate.

    Parameters
    ----------
    feature : int
        Number of the feature.
    chosen : str, optional
        ``"#RRGGBB"`` that a person gave it; wins.
    """
    return chosen or FEATURE_COLORS[feature % len(FEATURE_COLORS)]


def feature_ramp(color: str, background: str) -> npt.NDArray[np.uint8]:
    """Plate heat map of a feature: from just off the background to the colour, brighter (or darker) all the way.

    The ends keep a distance in lightness so that the weakest well is still seen as a well with a value.
    """
    ground, full = to_oklab(rgb_of(background)), to_oklab(rgb_of(color))
    dark = ground[0] < 0.5
    low = ground * 0.85 + full * 0.15
    low[0] = ground[0] + (0.07 if dark else -0.07)
    high = full.copy()
    high[0] = max(full[0], 0.80) if dark else min(full[0], 0.48)
    at = np.linspace(0, 1, 256)[:, None]
    return from_oklab(low + (high - low) * at)


def channel_color(name: str, position: int, n_channels: int, stored: str | None = None) -> str:
    """Colour of a channel: as stored with the plate, else by what the name says, else by its position."""
    if stored:
        return stored
    if n_channels == 1:
        return "#FFFFFF"
    words = name.lower()
    for keys, color in _CHANNEL_COLORS:
        if any(words.startswith(key) or f" {key}" in words or (len(key) > 2 and key in words) for key in keys):
            return color
    return _SPARE_CHANNEL_COLORS[position % len(_SPARE_CHANNEL_COLORS)]
