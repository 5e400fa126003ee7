"""Pictures of edited features: as it is, edited, what changed; the edited one says on itself whether it arrived."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from napari_lexicon.analysis.pictures import BACKGROUND, FAINT, INK, inferno
from napari_lexicon.analysis.shown_edits import EDIT_WORDS, ShownEdit

SIDE = 216  # pixels of one picture
CELL = (3 * SIDE + 4 * 8, 372)  # width and height of one edit on a sheet: title, three pictures, its check
_AROUND = 3  # patches shown on each side of the one that is edited
_TITLE, _WORDS, _MARK = 26, 21, 25  # sizes of letters; a sheet is made to be shown at half its size or more
_MARKS = {"arrived": (24, 110, 66), "arrived, not alone": (150, 92, 0), "did not arrive": (176, 38, 38)}
_LEAST_REACH = 0.05  # change, in units of the intensity window, that is shown in the brightest colour at least


def edit_pictures(one: ShownEdit, patch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``(SIDE, SIDE, 3)`` pictures from 0 to 1: the original, the edited one with its mark, and what changed.

    Parameters
    ----------
    one : ShownEdit
        The edit.
    patch : int
        Pixels along the side of a patch.
    """
    change = np.abs(_middle(one.edited - one.original, patch))
    heat = inferno(change / max(float(change.max()), _LEAST_REACH))
    original, edited = (_grey(_middle(tile, patch)) for tile in (one.original, one.edited))
    return _sized(original), _marked(_sized(edited), one.mark), _sized(heat)


def edit_sheet(shown: Sequence[ShownEdit], names: Mapping[int, str], patch: int) -> bytes:
    """A PNG with one row per feature and one column per edit: pictures, figures, and whether it arrived.

    Parameters
    ----------
    shown : sequence of ShownEdit
        Edits; where one is missing, its place says so.
    names : mapping of int to str
        What features are called.
    patch : int
        Pixels along the side of a patch.
    """
    features, edits = list(dict.fromkeys(one.feature for one in shown)), list(EDIT_WORDS)
    sheet = Image.new("RGB", (CELL[0] * len(edits), CELL[1] * max(1, len(features))), BACKGROUND)
    known = {(one.feature, one.edit): one for one in shown}
    for row, feature in enumerate(features):
        for column, edit in enumerate(edits):
            one = known.get((feature, edit))
            cell = _missing(names[feature], edit) if one is None else edit_cell(one, names[feature], patch)
            sheet.paste(cell, (CELL[0] * column, CELL[1] * row))
    content = io.BytesIO()
    sheet.save(content, "PNG")
    return content.getvalue()


def edit_cell(one: ShownEdit, name: str, patch: int) -> Image.Image:
    """One edit in the size :data:`CELL`."""
    cell = Image.new("RGB", CELL, BACKGROUND)
    draw = ImageDraw.Draw(cell)
    title = f"{name} in {one.channel}, {EDIT_WORDS[one.edit]}"
    draw.text((8, 6), textwrap.shorten(title, 56, placeholder="..."), fill=INK, font=_font(_TITLE))
    for n, picture in enumerate(edit_pictures(one, patch)):
        pixels = Image.fromarray((picture.clip(0, 1) * 255).round().astype(np.uint8))
        cell.paste(pixels, (8 + n * (SIDE + 8), 40))
    words = "\n".join(textwrap.wrap(one.check, 62))
    draw.multiline_text((8, 46 + SIDE), words, fill=FAINT, font=_font(_WORDS), spacing=3)
    return cell


def _missing(name: str, edit: str) -> Image.Image:
    cell = Image.new("RGB", CELL, BACKGROUND)
    draw = ImageDraw.Draw(cell)
    draw.text((8, 6), f"{name}, {EDIT_WORDS[edit]}", fill=INK, font=_font(_TITLE))
    words = "No picture: cut out of their fields, none of the patches\ndrawn begins as this edit needs it."
    draw.multiline_text((8, 46), words, fill=FAINT, font=_font(_WORDS), spacing=3)
    return cell


def _middle(tile: np.ndarray, patch: int) -> np.ndarray:
    y, x = (side // 2 for side in tile.shape)
    half = _AROUND * patch + patch // 2
    return tile[y - half : y + half, x - half : x + half]


def _grey(tile: np.ndarray) -> np.ndarray:
    return np.repeat(np.sqrt(tile.clip(0, 1))[..., None], 3, axis=2)


def _sized(picture: np.ndarray) -> np.ndarray:
    image = Image.fromarray((picture.clip(0, 1) * 255).round().astype(np.uint8))
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float32) / 255


def _marked(picture: np.ndarray, mark: str) -> np.ndarray:
    """The picture with its outcome in a band along its lower edge."""
    image = Image.fromarray((picture * 255).round().astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, SIDE - _MARK - 9, SIDE, SIDE), fill=_MARKS[mark])
    draw.text((SIDE / 2, SIDE - 10), mark, fill=(255, 255, 255), font=_font(_MARK), anchor="ms")
    return np.asarray(image, dtype=np.float32) / 255


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
