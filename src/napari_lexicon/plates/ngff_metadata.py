"""Reads NGFF metadata as found in the wild, versions 0.1 to 0.5: the unusual is tolerated, the wrong is named.

Listing a plate means thousands of small documents, so they are read here as plain JSON. The strict models of ngio and
ome-zarr-models refuse a whole image for one missing display window, and ngio says micrometre where no unit is
written; tests compare with them where both can read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.model import Channel

MICROMETRES: Mapping[str, float] = {
    "angstrom": 1e-4,
    "nanometer": 1e-3,
    "micrometer": 1.0,
    "micron": 1.0,
    "um": 1.0,
    "µm": 1.0,
    "millimeter": 1e3,
    "centimeter": 1e4,
    "meter": 1e6,
    "inch": 25400.0,
}
"""How many micrometres a unit has."""

_INSIDE = re.compile(r"(?:(?!\.{1,2}(?:/|$))[^/\\:\0]+/)*(?!\.{1,2}$)[^/\\:\0]+")

AXES = ("t", "c", "z", "y", "x")


@dataclass(frozen=True)
class ImageMetadata:
    """What the metadata of one multiscale image say.

    Parameters
    ----------
    version : str
        NGFF version, ``"?"`` where it is not said.
    axes : tuple of str
        Out of ``t c z y x``, in the order of the array.
    levels : tuple of str
        Array paths, full resolution first.
    channels : tuple of Channel
        Empty where nothing is said.
    pixel_size_um, position_um : tuple of float or None
        ``(y, x)``.
    """

    version: str
    axes: tuple[str, ...]
    levels: tuple[str, ...]
    channels: tuple[Channel, ...]
    pixel_size_um: tuple[float, float] | None
    position_um: tuple[float, float] | None


class Repeating:
    """A function that remembers its last answer: a plate's fields say the same thousands of times."""

    def __init__(self, answer: Callable[[Any], tuple[Channel, ...]]) -> None:
        self._answer = answer
        self._last: tuple[Any, tuple[Channel, ...]] | None = None

    def __call__(self, question: Any) -> tuple[Channel, ...]:
        last = self._last
        if last is None or last[0] != question:
            last = self._last = (question, self._answer(question))
        return last[1]


def image_metadata(
    attributes: Mapping[str, Any], read_channels: Callable[[Any], tuple[Channel, ...]] | None = None
) -> ImageMetadata:
    """Metadata of one image.

    Parameters
    ----------
    attributes : mapping
        NGFF attributes of the image's group (0.5: what is under ``ome``).
    read_channels : callable, optional
        Gives the channels of the ``omero`` block, `channels_of` by default.

    Raises
    ------
    PlateError
        If there is no multiscale image, its axes are not understood or a level leads out of the image.
    """
    multiscale = _first(attributes.get("multiscales"))
    if multiscale is None:
        raise PlateError("has no multiscales metadata")
    axes, units = _axes(multiscale.get("axes"))
    levels, scale, translation = _datasets(multiscale, len(axes))
    y, x = axes.index("y"), axes.index("x")
    size = _micrometres((scale[y], scale[x]), (units[y], units[x])) if scale else None
    position = None
    if translation and size is not None:
        position = _lengths((translation[y], translation[x]), (units[y], units[x]))
    version = attributes.get("version") or multiscale.get("version") or "?"
    channels = (read_channels or channels_of)(attributes.get("omero"))
    return ImageMetadata(str(version), axes, levels, channels, size, position)


def _first(items: Any) -> Mapping[str, Any] | None:
    return items[0] if isinstance(items, list) and items and isinstance(items[0], Mapping) else None


def _axes(stated: Any) -> tuple[tuple[str, ...], tuple[str | None, ...]]:
    """Names and units of the axes. 0.4 and later describe them, 0.3 names them, 0.1 and 0.2 always have five."""
    if stated is None:
        return AXES, (None,) * 5
    if not isinstance(stated, list) or not 2 <= len(stated) <= 5:
        raise PlateError("has axes that are not understood")
    names, units = [], []
    for axis in stated:
        described = axis if isinstance(axis, Mapping) else {"name": axis}
        names.append(str(described.get("name", "")).lower())
        unit = described.get("unit")
        units.append(unit.lower() if isinstance(unit, str) else None)
    if len(set(names)) != len(names) or not {"y", "x"} <= set(names) <= set(AXES):
        raise PlateError(f"has axes {', '.join(names)}; only t, c, z, y and x are understood")
    return tuple(names), tuple(units)


def _datasets(
    multiscale: Mapping[str, Any], ndim: int
) -> tuple[tuple[str, ...], list[float] | None, list[float] | None]:
    """Paths of the levels; scale and translation of the finest, with those of the whole image applied after it."""
    stated = multiscale.get("datasets")
    datasets = [item for item in stated if isinstance(item, Mapping)] if isinstance(stated, list) else []
    levels = [path for item in datasets if isinstance(path := item.get("path"), str) and is_inside(path)]
    if not levels or len(levels) != len(datasets):
        raise PlateError("has no image data listed, or lists it outside of itself")
    scale: list[float] | None = None
    translation: list[float] | None = None
    for steps in (datasets[0].get("coordinateTransformations"), multiscale.get("coordinateTransformations")):
        for step in steps if isinstance(steps, list) else ():
            factors = _numbers(step, "scale", ndim)
            if factors:
                scale = [a * b for a, b in zip(scale or [1.0] * ndim, factors, strict=True)]
                translation = translation and [a * b for a, b in zip(translation, factors, strict=True)]
            shifts = _numbers(step, "translation", ndim)
            if shifts:
                translation = [a + b for a, b in zip(translation or [0.0] * ndim, shifts, strict=True)]
    return tuple(levels), scale, translation


def _numbers(step: Any, kind: str, ndim: int) -> list[float] | None:
    values = step.get(kind) if isinstance(step, Mapping) else None
    if not isinstance(values, list) or len(values) != ndim:
        return None
    numbers = [number(value) for value in values]
    return None if None in numbers else [value for value in numbers if value is not None]


def _micrometres(values: tuple[float, float], units: tuple[str | None, str | None]) -> tuple[float, float] | None:
    """A pixel size in micrometres. Without a unit, 1 means "not known", anything else is taken as micrometres."""
    if units == (None, None) and values == (1.0, 1.0):
        return None
    lengths = _lengths(values, units)
    return lengths if lengths is not None and sane_pixel_size(lengths) else None


def _lengths(values: tuple[float, float], units: tuple[str | None, str | None]) -> tuple[float, float] | None:
    factors = [MICROMETRES.get(unit or "micrometer") for unit in units]
    if factors[0] is None or factors[1] is None:  # "pixel", or a unit nobody knows
        return None
    return values[0] * factors[0], values[1] * factors[1]


def sane_pixel_size(size: Sequence[float]) -> bool:
    """True for sizes that a microscope can have: a nanometre to a millimetre per pixel."""
    return all(1e-3 <= value <= 1e3 for value in size)


def number(value: Any) -> float | None:
    """A finite number from JSON, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        real = float(value)
    except OverflowError:  # JSON has integers of any length
        return None
    return real if math.isfinite(real) else None


def is_inside(path: str) -> bool:
    """True for a relative path that does not climb."""
    return _INSIDE.fullmatch(path) is not None


def channels_of(omero: Any) -> tuple[Channel, ...]:
    """Channels that an ``omero`` block describes; what it does not say is left out, never refused."""
    stated = omero.get("channels") if isinstance(omero, Mapping) else None
    if not isinstance(stated, list):
        return ()
    channels: list[Channel] = []
    for index, item in enumerate(stated[:1000]):
        described = item if isinstance(item, Mapping) else {}
        label = described.get("label")
        name = label.strip() if isinstance(label, str) and label.strip() else f"Channel {index + 1}"
        channels.append(
            Channel(
                unique(name, [channel.name for channel in channels]),
                color=hex_color(described.get("color")),
                window=_window(described.get("window")),
                wavelength_nm=number(described.get("wavelength_nm")),
            )
        )
    return tuple(channels)


def unique(name: str, taken: Sequence[str]) -> str:
    """The name, or the name with a number where two channels carry the same."""
    if name not in taken:
        return name
    count = 2
    while f"{name} ({count})" in taken:
        count += 1
    return f"{name} ({count})"


def hex_color(text: Any) -> str | None:
    """``"#RRGGBB"`` from what writers put as a colour, with or without ``#`` and alpha; None where it is none."""
    if not isinstance(text, str):
        return None
    digits = text.strip().lstrip("#")
    if len(digits) not in (6, 8) or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
        return None
    return f"#{digits[:6].upper()}"


def _window(stated: Any) -> tuple[float, float] | None:
    if not isinstance(stated, Mapping):
        return None
    start, end = number(stated.get("start")), number(stated.get("end"))
    return (start, end) if start is not None and end is not None and start < end else None
