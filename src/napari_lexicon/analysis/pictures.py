"""Pictures without a window: a field in its colours, one feature's activation map over it, the strongest tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

# anchors of matplotlib's inferno (CC0), perceptually uniform and safe for colour-blind readers
_INFERNO = np.array(
    [
        (0, 0, 4), (22, 11, 57), (66, 10, 104), (106, 23, 110), (147, 38, 103), (188, 55, 84),
        (221, 81, 58), (243, 120, 25), (252, 165, 10), (246, 215, 70), (252, 255, 164),
    ],
    dtype=np.float32,
) / 255  # fmt: skip
BACKGROUND, INK, FAINT = (18, 18, 20), (235, 235, 235), (150, 150, 155)
_NICE_BARS_UM = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


def inferno(values: np.ndarray) -> np.ndarray:
    """``(..., 3)`` float32 colours of values from 0 to 1."""
    place = np.clip(np.nan_to_num(values), 0, 1) * (len(_INFERNO) - 1)
    low = np.minimum(place.astype(int), len(_INFERNO) - 2)
    part = (place - low)[..., None]
    return np.asarray(_INFERNO[low] * (1 - part) + _INFERNO[low + 1] * part, dtype=np.float32)


def composite(image: np.ndarray, windows: Sequence[tuple[float, float]], colors: Sequence[str]) -> np.ndarray:
    """Channels in their colours, one light over the other.

    Parameters
    ----------
    image : numpy.ndarray
        ``(C, Y, X)`` grey values.
    windows : sequence of (low, high)
        Grey values shown black and at full colour, per channel.
    colors : sequence of str
        ``"#RRGGBB"`` per channel.

    Returns
    -------
    numpy.ndarray
        ``(Y, X, 3)`` float32 from 0 to 1.
    """
    left = np.ones((*image.shape[1:], 3), np.float32)  # light not yet there: screen blending keeps many channels apart
    for plane, (low, high), color in zip(image, windows, colors, strict=True):
        rgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255
        left *= 1 - stretched(plane, low, high)[..., None] * rgb
    return 1 - left


def stretched(plane: np.ndarray, low: float, high: float) -> np.ndarray:
    """``(Y, X)`` float32 from 0 to 1 between two grey values."""
    return ((plane.astype(np.float32) - low) / max(high - low, 1e-6)).clip(0, 1)


def on_pixels(values: np.ndarray, patch: int, shape: tuple[int, int]) -> np.ndarray:
    """A ``(gh, gw)`` map on the pixels of its field, ``shape``: every patch fills its ``patch`` x ``patch`` pixels."""
    return np.repeat(np.repeat(values, patch, axis=0), patch, axis=1)[: shape[0], : shape[1]]


def heated(grey: np.ndarray, heat: np.ndarray, top: float) -> np.ndarray:
    """A grey field with a map over it.

    Parameters
    ----------
    grey : numpy.ndarray
        ``(Y, X)`` from 0 to 1.
    heat : numpy.ndarray
        ``(Y, X)`` values of the map, on pixels; 0 stays transparent.
    top : float
        Value shown in the brightest colour.

    Returns
    -------
    numpy.ndarray
        ``(Y, X, 3)`` float32 from 0 to 1.
    """
    strength = (heat / max(top, 1e-9)).clip(0, 1)
    alpha = (0.25 + 0.55 * strength)[..., None] * (strength > 0)[..., None]
    return np.asarray(grey[..., None] * (1 - alpha) + inferno(0.25 + 0.75 * strength) * alpha, dtype=np.float32)


@dataclass(frozen=True)
class Panel:
    """One picture of a figure with its title."""

    title: str
    pixels: np.ndarray  # (Y, X, 3) float from 0 to 1


def figure(
    panels: Sequence[Panel],
    caption: str,
    *,
    pixel_size_um: float | None = None,
    top: float | None = None,
    side: int = 640,
) -> Image.Image:
    """Panels side by side with titles, a caption, a scale bar where the pixel size is known and a colour bar.

    Parameters
    ----------
    panels : sequence of Panel
        Pictures of one shape.
    caption : str
        One line beneath.
    pixel_size_um : float, optional
        Micrometres per pixel of the panels.
    top : float, optional
        Value at the upper end of the colour bar; none drawn where None.
    side : int
        Longest side of a panel, in pixels of the figure.
    """
    pictures = [Image.fromarray((panel.pixels * 255).round().astype(np.uint8)) for panel in panels]
    scale = side / max(pictures[0].size)
    size = (max(1, round(pictures[0].width * scale)), max(1, round(pictures[0].height * scale)))
    gap, head, foot, bar = 16, 34, 40, 74 if top is not None else 0
    sheet = Image.new("RGB", (gap + len(panels) * (size[0] + gap) + bar, head + size[1] + foot), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    method = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST
    for p, (panel, picture) in enumerate(zip(panels, pictures, strict=True)):
        left = gap + p * (size[0] + gap)
        sheet.paste(picture.resize(size, method), (left, head))
        draw.text((left, 9), panel.title, fill=INK, font=_font(15))
    if pixel_size_um is not None:
        _draw_scale_bar(draw, gap, head, size, pixel_size_um / scale)
    if top is not None:
        _draw_color_bar(sheet, draw, sheet.width - bar, head, size[1], top)
    draw.text((gap, head + size[1] + 11), caption, fill=FAINT, font=_font(14))
    return sheet


def tiles_sheet(
    tiles: Sequence[np.ndarray], captions: Sequence[str], *, columns: int = 8, size: tuple[int, int] = (128, 128)
) -> Image.Image:
    """Small pictures in a grid, each ``(y, x, 3)`` from 0 to 1 and shown ``size`` (width, height), one line beneath."""
    rows = max(1, -(-len(tiles) // columns))
    gap, foot = 6, 18
    width, height = size
    sheet = Image.new("RGB", (gap + columns * (width + gap), gap + rows * (height + foot + gap)), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for n, (tile, caption) in enumerate(zip(tiles, captions, strict=True)):
        left, top = gap + (n % columns) * (width + gap), gap + (n // columns) * (height + foot + gap)
        picture = Image.fromarray((tile.clip(0, 1) * 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
        sheet.paste(picture, (left, top))
        draw.text((left, top + height + 1), caption, fill=FAINT, font=_font(12))
    return sheet


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _draw_scale_bar(draw: ImageDraw.ImageDraw, gap: int, head: int, size: tuple[int, int], um_per_px: float) -> None:
    length = max((um for um in _NICE_BARS_UM if um / um_per_px <= size[0] / 4), default=_NICE_BARS_UM[0])
    pixels = length / um_per_px
    right, bottom = gap + size[0] - 14, head + size[1] - 14
    draw.rectangle((right - pixels, bottom - 5, right, bottom), fill=INK)
    draw.text((right - pixels / 2, bottom - 9), f"{length} um", fill=INK, font=_font(14), anchor="ms")


def _draw_color_bar(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, left: int, head: int, height: int, top: float
) -> None:
    ramp = inferno(0.25 + 0.75 * np.linspace(1, 0, height))[:, None].repeat(18, axis=1)
    sheet.paste(Image.fromarray((ramp * 255).astype(np.uint8)), (left, head))
    draw.text((left + 24, head), f"{top:.2f}", fill=FAINT, font=_font(13))
    draw.text((left + 24, head + height), "0", fill=FAINT, font=_font(13), anchor="ls")
