"""Several features over one field as a figure with legend and scale bar, drawn once and written as PNG or SVG."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from napari_lexicon.errors import JobError

_GROUND, _INK, _FAINT = "#121214", "#EBEBEB", "#A5A5AB"
_BARS_UM = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
_GAP, _HEAD, _ROW = 16, 34, 24


@dataclass(frozen=True)
class FeatureMap:
    """One feature of the figure.

    Parameters
    ----------
    label : str
        Its name.
    color : str
        ``"#RRGGBB"``.
    values : numpy.ndarray
        ``(Y, X)`` on the pixels of the field; 0 where nothing is to be drawn.
    top : float
        Value in full colour.
    bottom : float
        Value from which anything is seen.
    """

    label: str
    color: str
    values: np.ndarray
    top: float
    bottom: float = 0.0


@dataclass
class Sheet:
    """A figure as a list of things to draw; pixels from the upper left corner."""

    width: int
    height: int
    pictures: list[tuple[int, int, Image.Image]] = field(default_factory=list)
    boxes: list[tuple[float, float, float, float, str]] = field(default_factory=list)
    dots: list[tuple[float, float, float, str]] = field(default_factory=list)
    texts: list[tuple[float, float, int, str, str, str]] = field(default_factory=list)

    def save(self, path: str | Path) -> None:
        """Write as SVG or PNG, as the name ends.

        Raises
        ------
        JobError
            If it ends otherwise, or cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() not in (".svg", ".png"):
            raise JobError(f"{path} must end with .png or .svg: a figure is written as one of them.")
        try:
            if path.suffix.lower() == ".svg":
                path.write_text(self.svg(), encoding="utf-8")
            else:
                self.png().save(path, format="PNG")
        except OSError as error:
            raise JobError(f"{path} could not be written ({error.strerror or error}): choose another place.") from error

    def png(self) -> Image.Image:
        """The figure in pixels."""
        sheet = Image.new("RGB", (self.width, self.height), _GROUND)
        draw = ImageDraw.Draw(sheet)
        for left, top, picture in self.pictures:
            sheet.paste(picture, (left, top))
        for x, y, width, height, color in self.boxes:
            draw.rectangle((x, y, x + width - 1, y + height - 1), fill=color)
        for x, y, radius, color in self.dots:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)
        for x, base, size, anchor, color, text in self.texts:
            draw.text(
                (x, base), text.replace("µ", "u"), fill=color, font=ImageFont.load_default(size), anchor=f"{anchor}s"
            )
        return sheet

    def svg(self) -> str:
        """The figure with letters and shapes that can be edited, its pictures inside."""
        box = f'width="{self.width}" height="{self.height}" viewBox="0 0 {self.width} {self.height}"'
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {box} font-family="Helvetica, Arial, sans-serif">',
            f'<rect width="100%" height="100%" fill="{_GROUND}"/>',
        ]
        for left, top, picture in self.pictures:
            content = io.BytesIO()
            picture.save(content, format="PNG")
            data = base64.b64encode(content.getvalue()).decode()
            lines.append(
                f'<image x="{left}" y="{top}" width="{picture.width}" height="{picture.height}" '
                f'href="data:image/png;base64,{data}"/>'
            )
        for x, y, width, height, color in self.boxes:
            lines.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{color}"/>')
        for x, y, radius, color in self.dots:
            lines.append(f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{color}"/>')
        anchors = {"l": "start", "m": "middle", "r": "end"}
        for x, y, size, anchor, color, text in self.texts:
            lines.append(
                f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchors[anchor]}" fill="{color}">'
                f"{escape(text)}</text>"
            )
        return "\n".join([*lines, "</svg>"]) + "\n"


def painted(ground: np.ndarray, maps: Sequence[FeatureMap], opacity: float = 0.75) -> np.ndarray:
    """Maps in their colours over a picture, each the stronger the less it lets through.

    Parameters
    ----------
    ground : numpy.ndarray
        ``(Y, X, 3)`` from 0 to 1.
    maps : sequence of FeatureMap
        The last lies on top.
    opacity : float
        Of a map at full strength, 0 to 1.

    Returns
    -------
    numpy.ndarray
        ``(Y, X, 3)`` from 0 to 1.
    """
    mixed = ground.astype(np.float32)
    for each in maps:
        strength = (each.values - each.bottom) / max(each.top - each.bottom, 1e-9)
        alpha = opacity * np.sqrt(strength.clip(0, 1))[..., None]
        color = np.array([int(each.color[at : at + 2], 16) for at in (1, 3, 5)], np.float32) / 255
        mixed = mixed * (1 - alpha) + color * alpha
    return mixed


def overlay_sheet(
    ground: np.ndarray,
    maps: Sequence[FeatureMap],
    title: str,
    caption: str,
    *,
    pixel_size_um: float | None = None,
    side: int = 720,
    opacity: float = 0.75,
) -> Sheet:
    """The field and, beside it, the maps over it in grey, with a legend and a scale bar.

    Parameters
    ----------
    ground : numpy.ndarray
        ``(Y, X, 3)`` from 0 to 1.
    maps : sequence of FeatureMap
        Beside the field, over its grey picture.
    title, caption : str
        Above and beneath.
    pixel_size_um : float, optional
        Micrometres per pixel; no scale bar without it.
    side : int
        Longest side of the picture in pixels of the figure.
    opacity : float
        Of a map at full strength, 0 to 1.
    """
    grey = ground.mean(axis=-1, keepdims=True).repeat(3, axis=-1)
    scale = side / max(ground.shape[:2])
    size = (max(1, round(ground.shape[1] * scale)), max(1, round(ground.shape[0] * scale)))
    method = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST
    sheet = Sheet(3 * _GAP + 2 * size[0], _HEAD + size[1] + 36 + _ROW * len(maps) + _GAP)
    for number, pixels in enumerate((ground, painted(grey, maps, opacity))):
        picture = Image.fromarray((pixels.clip(0, 1) * 255).round().astype(np.uint8)).resize(size, method)
        sheet.pictures.append((_GAP + number * (size[0] + _GAP), _HEAD, picture))
    sheet.texts.append((_GAP, 23, 16, "l", _INK, title))
    if pixel_size_um is not None:
        _add_scale_bar(sheet, size, pixel_size_um / scale)
    top = _HEAD + size[1]
    sheet.texts.append((_GAP, top + 22, 13, "l", _FAINT, caption))
    for number, each in enumerate(maps):
        y = top + 36 + _ROW * (number + 0.5)
        sheet.dots.append((_GAP + 6, y, 6, each.color))
        sheet.texts.append((_GAP + 22, y + 5, 14, "l", _INK, f"{each.label}, full colour at {each.top:.2g}"))
    return sheet


def _add_scale_bar(sheet: Sheet, size: tuple[int, int], um_per_pixel: float) -> None:
    length = max((um for um in _BARS_UM if um / um_per_pixel <= size[0] / 4), default=_BARS_UM[0])
    pixels = length / um_per_pixel
    right, bottom = _GAP + size[0] - 14, _HEAD + size[1] - 14
    sheet.boxes.append((right - pixels, bottom - 5, pixels, 5, _INK))
    sheet.texts.append((right - pixels / 2, bottom - 10, 14, "m", _INK, f"{length} µm"))
