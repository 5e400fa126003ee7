"""Draw the pictures of the built-in model's page: how it learnt, and what its features mark on real fields.

    LEXICON_DATA=... python scripts/pretrain_pictures.py --out docs/images/built-in

The features are not chosen by hand: on one page, for each field those that take the largest part of all activation, one
after the other, each on patches that the ones before leave out; on another those that have a name, by their direction.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import numpy.typing as npt
import tifffile
import torch
from PIL import Image, ImageDraw
from pretraining.pixel_measures import MEASURED

from napari_lexicon.backbones import Backbone, apply_windows, estimate_windows, field_tokens, load_backbone, model_card
from napari_lexicon.backbones.preprocessing import IntensityWindow
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.file_format import load_dictionary
from napari_lexicon.jobs.applying import dictionary_path

Colour = npt.NDArray[np.uint8]

SIDE = 256
FEATURES = 4
TAUGHT = (
    "nucleus, in a nuclear stain",
    "nucleus edge, in a nuclear stain",
    "crowded cells",
    "edge of a cell",
    "filaments in a cell",
    "small dense nucleus, in a nuclear stain",
    "stress fibres, in an actin stain",
    "tagged protein in the nucleus",
    "many nuclei around, in a nuclear stain",
)
"""Features that the page of what the simulator taught shows on every field; another page has what pixels taught."""
BEYOND = 3.0  # standard deviations of controls at which a direction is drawn in full
INKS = {"hidden": (214, 69, 65), "shown": (240, 150, 60), "measures": (60, 120, 200), "truth": (60, 160, 90)}


@dataclass(frozen=True)
class Shown:
    """A field for the page of maps.

    Parameters
    ----------
    folder, pattern : str
        Where; all files that match share their windows, the one with index ``number`` is shown.
    channel, number : int
    title : str
    rgb : bool
    """

    folder: str
    pattern: str
    channel: int
    number: int
    title: str
    rgb: bool = False


FIELDS = (
    Shown("cytodataframe_cellpainting_mini", "NF1_Plate2*.tif", 2, 0, "Cell Painting, actin"),
    Shown("cellprofiler_examples", "*.tif", 0, 0, "CellProfiler example"),
    Shown("bbbc016_transfluor_gfp", "images/*.TIF", 0, 30, "BBBC016, GFP (not seen in training)"),
    Shown("dsb2018_fluorescence", "images/*.png", 0, 5, "DSB 2018, nuclei (not seen in training)"),
    Shown("bccd_blood", "images/*.jpg", 1, 12, "BCCD, green (not seen in training)", rgb=True),
    Shown("openslide_qupath_crops", "images/*.tif", 0, 0, "H&E or Ki67 section, red", rgb=True),
)


def main() -> None:
    """Draw all pictures."""
    arguments = _parser().parse_args()
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    curves(model_card()).save(arguments.out / "curves.png", optimize=True)
    root = os.environ.get("LEXICON_DATA")
    if root is None:
        print("LEXICON_DATA is not set: no maps on real fields.")
        return
    backbone = load_backbone(arguments.backbone, device="cpu")
    dictionary = load_dictionary(arguments.dictionary)
    pages = {
        "maps.jpg": maps,
        "taught.jpg": partial(directions, names=TAUGHT),
        "measured.jpg": partial(directions, names=MEASURED),
    }
    for name, row in pages.items():
        rows = [row(plane, title, backbone, dictionary) for plane, title in _planes(Path(root))]
        Image.fromarray(np.concatenate(rows, axis=0)).save(arguments.out / name, quality=82)


def curves(card: dict[str, Any]) -> Image.Image:
    """Every part of the loss over the steps, as a share of its trivial loss."""
    width, height, left, bottom = 760, 340, 60, 40
    points = card["curves"]["points"]
    last, top = points[-1]["step"], 1.25
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)

    def place(step: float, value: float) -> tuple[float, float]:
        x = left + (width - left - 20) * step / last
        return x, height - bottom - (height - bottom - 15) * min(value, top) / top

    for value in (0, 0.25, 0.5, 0.75, 1.0):
        draw.line([place(0, value), place(last, value)], fill=(120, 120, 120) if value == 1 else (225, 225, 225))
        draw.text((20, place(0, value)[1] - 6), f"{value:.2f}", fill=(60, 60, 60))
    draw.text((place(0, 1)[0] + 6, place(0, 1)[1] - 14), "knowing nothing", fill=(90, 90, 90))
    for step in np.linspace(0, last, 6).round(-2):
        draw.text((place(step, 0)[0] - 12, height - bottom + 8), f"{int(step)}", fill=(60, 60, 60))
    draw.text((width // 2, height - 16), "step", fill=(60, 60, 60))
    for index, (name, ink) in enumerate(INKS.items()):
        line = [place(point["step"], point[name]) for point in points if name in point]
        draw.line(line, fill=ink, width=2)
        draw.text((width - 110, 60 + 16 * index), name, fill=ink)
    return image


def maps(plane: npt.NDArray[np.float32], title: str, backbone: Backbone, dictionary: Dictionary) -> Colour:
    """One row: the field, then its strongest features over it."""
    patch = backbone.spec.patch
    tokens = field_tokens(backbone, plane[None], batch=16)[0]
    gh, gw, dim = tokens.shape
    codes = dictionary.encode(tokens.reshape(-1, dim)).merged()
    dense = torch.zeros((gh * gw, dictionary.n_features))
    dense.scatter_add_(1, codes.indices, codes.values.clamp(min=0))
    shown = _grey(plane)
    tiles = [_titled(shown, title)]
    for feature in _leading(dense, FEATURES):
        value = dense[:, feature].reshape(gh, gw).numpy()
        label = f"feature {feature}"
        if dictionary.header.names.get(feature):
            label += f": {dictionary.header.names[feature]}"
        tiles.append(_titled(_painted(shown, value / value.max(), patch), label))
    return np.concatenate(tiles, axis=1)


def directions(
    plane: npt.NDArray[np.float32], title: str, backbone: Backbone, dictionary: Dictionary, names: Iterable[str]
) -> Colour:
    """One row: the field, then how far its patches lie along features that were taught something."""
    tokens = field_tokens(backbone, plane[None], batch=16)[0]
    whitened = dictionary.whitening.whiten(tokens.flatten(0, 1))
    along = (whitened @ dictionary.atoms.T).reshape(*tokens.shape[:2], -1)
    shown, number = _grey(plane), {name: feature for feature, name in dictionary.header.taught.items()}
    tiles = [_titled(shown, title)]
    for name in names:
        amount = (along[..., number[name]] / BEYOND).clamp(0, 1).numpy()
        tiles.append(_titled(_painted(shown, amount, backbone.spec.patch), dictionary.header.names[number[name]]))
    return np.concatenate(tiles, axis=1)


def _grey(plane: npt.NDArray[np.float32]) -> Colour:
    grey = np.sqrt(np.clip(plane, 0, 1))
    return np.repeat((grey[..., None] * 255).astype(np.uint8), 3, axis=2)


def _painted(shown: Colour, share: npt.NDArray[np.float32], patch: int) -> Colour:
    """A picture with ink over its patches, as much as their share of the most."""
    amount = np.kron(share, np.ones((patch, patch)))[: shown.shape[0], : shown.shape[1], None]
    ink = np.array([255, 40, 200], np.float32)
    return np.asarray((shown * (1 - 0.6 * amount) + ink * 0.6 * amount).astype(np.uint8))


def _leading(dense: torch.Tensor, count: int) -> list[int]:
    """Features with most activation, each where the ones before do not fire."""
    free = torch.ones(len(dense))
    chosen: list[int] = []
    for _ in range(count):
        weight = (dense * free[:, None]).sum(0)
        weight[chosen] = 0
        feature = int(weight.argmax())
        if weight[feature] <= 0:
            weight = dense.sum(0)  # nothing is left over: the next in size
            weight[chosen] = 0
            feature = int(weight.argmax())
        chosen.append(feature)
        free *= (dense[:, feature] <= 0.25 * dense[:, feature].max()).float()
    return chosen


def _titled(picture: Colour, title: str) -> Colour:
    image = Image.fromarray(picture)
    ImageDraw.Draw(image).rectangle((0, 0, SIDE, 15), fill=(0, 0, 0))
    ImageDraw.Draw(image).text((4, 2), title, fill=(255, 255, 255))
    return np.asarray(image)


def _planes(root: Path) -> list[tuple[npt.NDArray[np.float32], str]]:
    """Middle squares of ``SIDE`` pixels, windowed as a plate."""
    result = []
    for field in FIELDS:
        paths = [path for path in sorted((root / field.folder).glob(field.pattern)) if "_mask_" not in path.name]
        if not paths:
            continue
        if field.rgb:
            windows = [IntensityWindow(0.0, 255.0)] * 3
            image = _read(paths[field.number % len(paths)], True)
        else:
            alike = [paths[field.number % len(paths)]] if field.folder != "bbbc016_transfluor_gfp" else paths
            images = [_read(path, False) for path in alike]
            windows = estimate_windows(images)
            image = images[field.number % len(images)]
        plane = apply_windows(image, windows)[min(field.channel, len(image) - 1)]
        top, left = ((size - SIDE) // 2 for size in plane.shape)
        plane = plane[max(0, top) : max(0, top) + SIDE, max(0, left) : max(0, left) + SIDE]
        plane = np.pad(plane, [(0, SIDE - size) for size in plane.shape], mode="reflect")
        result.append((plane, field.title))
    return result


def _read(path: Path, rgb: bool) -> npt.NDArray[Any]:
    image = iio.imread(path) if path.suffix in (".png", ".jpg") else tifffile.imread(path)
    if image.ndim == 2:
        return np.asarray(image[None])
    return np.asarray(np.moveaxis(image[..., :3], -1, 0) if rgb else image)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--backbone", default="builtin")
    parser.add_argument("--dictionary", type=Path, default=dictionary_path("builtin"))
    return parser


if __name__ == "__main__":
    main()
