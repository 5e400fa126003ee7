"""Draws ``icfl.png``: one patch of a simulated field as a sum of a few features, found round by round.

python docs/images/dictionaries/draw_icfl.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageDraw, ImageFont

import napari_lexicon.dictionaries as dictionaries
from napari_lexicon.backbones import apply_windows, estimate_windows, field_tokens, load_backbone
from napari_lexicon.samples.plate import PlateSettings, render_plate_field

CHANNEL, PATCH = 0, 16
INK, PALE, ACCENT = (40, 44, 52), (150, 156, 166), (214, 96, 32)
BUILTIN = Path(dictionaries.__file__).with_name("builtin.safetensors")


def gray(plane: npt.NDArray[np.float32], size: int) -> Image.Image:
    """A plane of 0 to 1 as a picture of so many pixels."""
    picture = Image.fromarray((255 * np.clip(plane, 0, 1) ** 0.7).astype(np.uint8))
    return picture.resize((size, size), Image.Resampling.BICUBIC).convert("RGB")


def around(plane: npt.NDArray[np.float32], row: int, column: int, half: int) -> npt.NDArray[np.float32]:
    """A square about a patch."""
    padded = np.pad(plane, half, mode="reflect")
    top, left = row * PATCH + PATCH // 2, column * PATCH + PATCH // 2
    return padded[top : top + 2 * half, left : left + 2 * half]


def frame(draw: ImageDraw.ImageDraw, x: float, y: float, reach: float) -> None:
    """Mark the patch about a point."""
    draw.rectangle((x - reach, y - reach, x + reach, y + reach), outline=ACCENT, width=2)


def main() -> None:
    """Compute and draw."""
    dictionary = dictionaries.load_dictionary(BUILTIN)
    raw = render_plate_field(PlateSettings(name="picture", wells=96, seed=5), "B03", 0).image
    image = apply_windows(raw, estimate_windows([raw]))
    plane = image[CHANNEL] / max(float(np.percentile(image[CHANNEL], 99.8)), 1e-6)
    tokens = field_tokens(load_backbone("builtin", device="cpu"), image)[CHANNEL]  # (gh, gw, dim)
    gh, gw, dim = tokens.shape
    flat = tokens.reshape(-1, dim).float()
    codes, unit = dictionary.encode(flat), dictionary.prepared(flat)[0]
    merged = codes.merged()
    maps = torch.zeros(len(flat), dictionary.n_features).scatter_add_(1, merged.indices, merged.values)
    inside = torch.zeros(gh, gw, dtype=torch.bool)
    inside[6:-6, 6:-6] = True
    bright = torch.from_numpy(plane[: gh * PATCH, : gw * PATCH].reshape(gh, PATCH, gw, PATCH).mean((1, 3)))
    patch = int((bright * inside).flatten().argmax())
    row, column = divmod(patch, gw)
    values, order = merged.values[patch].sort(descending=True)
    features = merged.indices[patch][order][:4]

    canvas = Image.new("RGB", (1240, 470), "white")
    draw = ImageDraw.Draw(canvas)
    large, small = ImageFont.load_default(18), ImageFont.load_default(14)

    half = 6 * PATCH + PATCH // 2
    canvas.paste(gray(around(plane, row, column, half), 300), (20, 60))
    scale = 300 / (2 * half)
    middle, reach = 150, PATCH * scale / 2
    frame(draw, 20 + middle, 60 + middle, reach)
    draw.text((20, 24), "one patch of the image …", INK, large)
    draw.text((20, 370), "The model describes it by 192 numbers:", INK, small)
    draw.text((20, 390), "its token.", INK, small)

    draw.text((360, 24), "… is a sum of a few features, each with its amount", INK, large)
    for place, (feature, value) in enumerate(zip(features.tolist(), values[:4].tolist(), strict=True)):
        top = 60 + 84 * place
        draw.text((360, top + 24), f"{'+' if place else '='} {value:.2f} of", INK, large)
        strongest = maps[:, feature].topk(40).indices.tolist()
        shown: list[tuple[int, int]] = []
        for other in strongest:  # patches apart from each other and from the patch itself
            r, c = divmod(other, gw)
            if all(abs(r - a) + abs(c - b) > 4 for a, b in [*shown, (row, column)]):
                shown.append((r, c))
        for n, (r, c) in enumerate(shown[:4]):
            canvas.paste(gray(around(plane, r, c, 24), 72), (450 + 78 * n, top))
            frame(draw, 450 + 78 * n + 36, top + 36, 12)
        draw.text((450 + 78 * 4 + 6, top + 28), f"feature {feature}", PALE, small)
    draw.text((360, 400), f"+ {dictionary.k - 4} weaker ones. Beside each: where else it is strong.", INK, small)

    draw.text((900, 24), "found round by round", INK, large)
    left, bottom, width, height = 930, 360, 280, 280
    per = dictionary.encoder.per_iteration
    shares = [0.0]
    for number in range(1, dictionary.encoder.iterations + 1):
        rest = unit[patch] - dictionary.decode(codes.head(number * per))[patch]
        shares.append(1 - float(rest.square().sum()))
    step = width / len(shares)
    for number, share in enumerate(shares):
        x = left + number * step
        draw.rectangle((x, bottom - height * max(share, 0.0), x + step - 6, bottom), fill=ACCENT if number else PALE)
        draw.text((x + step / 2 - 7, bottom + 6), str(number), PALE, small)
    draw.line((left - 6, bottom, left + width, bottom), INK, 1)
    draw.line((left - 6, bottom - height, left + width, bottom - height), PALE, 1)
    draw.text((left - 34, bottom - height - 8), "all", PALE, small)
    draw.text((900, 390), f"Share explained after each round of {per} features;", INK, small)
    draw.text((900, 410), "the next looks at what is left over.", INK, small)
    canvas.save(Path(__file__).with_name("icfl.png"), optimize=True)


if __name__ == "__main__":
    main()
