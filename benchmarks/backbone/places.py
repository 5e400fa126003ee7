"""Do the places farthest along a taught direction lie in cells? What a map of it shows first.

    LEXICON_DATA=... python benchmarks/backbone/places.py [--json FILE] [--dictionary FILE]

For every feature that whole cells taught: of the patches that are not dark, which lie farthest along its direction,
and what part of them lies in cells, which cover a quarter of the patch or more. Simulated plates (cells, in the stain
that the feature is about, or the nearest there is), DSB 2018 (outlines of nuclei), BBBC016 (Otsu's threshold of the
smoothed logarithm, as nobody drew outlines), blood smears (the ellipse in each box, green). Backbone and dictionary
have seen none of them. Beside it the part of all patches, which is what a direction that knows nothing of cells has.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import numpy.typing as npt
import pandas as pd
import tifffile
import torch
from planted import BUILTIN_DICTIONARY
from pretraining.whole_cells import TRAITS
from real import data_folder
from scipy.ndimage import gaussian_filter
from simulated import chosen_wells, plate_fields, plate_settings
from skimage.filters import threshold_otsu

from napari_lexicon.backbones import (
    Backbone,
    IntensityWindow,
    apply_windows,
    estimate_windows,
    field_tokens,
    load_backbone,
)
from napari_lexicon.backbones.background import lit_patches
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.file_format import load_dictionary
from napari_lexicon.samples.field import CHANNELS

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

FARTHEST = (0.01, 0.001)
COVERED = 0.25
NEAREST = {"Actin": "AGP", "Golgi": "AGP", "Reporter": "ER"}
"""Stain of a simulated plate that shows what another stain does."""


@dataclass(frozen=True, eq=False)
class Places:
    """Patches that are not dark.

    Parameters
    ----------
    tokens : (N, dim_w) float32
        Whitened.
    in_cell : (N,) bool
    """

    tokens: torch.Tensor
    in_cell: Mask

    def farthest(self, direction: torch.Tensor) -> list[float]:
        """Part in cells of the farthest places, for each of :data:`FARTHEST`."""
        order = torch.argsort(self.tokens @ direction, descending=True, stable=True).numpy()
        return [float(self.in_cell[order[: max(1, round(part * len(order)))]].mean()) for part in FARTHEST]


def main() -> None:
    """Gather the places, print the table, write the rows."""
    arguments = _parser().parse_args()
    torch.set_num_threads(arguments.threads)
    backbone = load_backbone("builtin", device="cpu")
    dictionary = load_dictionary(arguments.dictionary)
    simulated = {
        stain: places(_simulated(stain, arguments), backbone, dictionary)
        for stain in sorted({_stain(name) for name in TRAITS})
    }
    real = {title: places(planes, backbone, dictionary) for title, planes in _real(arguments.quick)}
    rows: list[dict[str, Any]] = []
    print(f"| feature | simulated, its stain | {' | '.join(real)} |\n| --- | --- |{' --- |' * len(real)}")
    for feature, name in dictionary.header.taught.items():
        if name not in TRAITS:
            continue
        sets = {f"simulated, {_stain(name)}": simulated[_stain(name)], **real}
        found = {title: seen.farthest(dictionary.atoms[feature]) for title, seen in sets.items()}
        print(f"| {feature}, {name} | {' | '.join(' / '.join(f'{v:.2f}' for v in f) for f in found.values())} |")
        for title, seen in sets.items():
            rows += [
                _row(f"{feature} {name}", title, part, seen, value)
                for part, value in zip(FARTHEST, found[title], strict=True)
            ]
    usual = [np.mean([seen.in_cell.mean() for seen in simulated.values()]), *(s.in_cell.mean() for s in real.values())]
    print(f"| all places | {' | '.join(f'{value:.2f}' for value in usual)} |")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


def places(planes: Iterator[tuple[Plane, Mask]], backbone: Backbone, dictionary: Dictionary) -> Places:
    """The patches of some windowed planes that are not dark."""
    tokens, in_cell = [], []
    for plane, cells in planes:
        patch = backbone.spec.patch
        lit = lit_patches(plane[None], patch)[0].ravel()
        seen = field_tokens(backbone, plane[None], batch=16)[0].flatten(0, 1)[torch.from_numpy(lit)]
        tokens.append(dictionary.whitening.whiten(seen))
        in_cell.append(_covered(cells, patch)[lit])
    return Places(torch.cat(tokens), np.concatenate(in_cell))


def _covered(cells: Mask, patch: int) -> Mask:
    height, width = cells.shape
    whole = np.pad(cells, ((0, -height % patch), (0, -width % patch)))
    blocks = whole.reshape(whole.shape[0] // patch, patch, whole.shape[1] // patch, patch)
    return np.asarray(blocks.mean((1, 3)).ravel() >= COVERED, bool)


def _stain(name: str) -> str:
    return NEAREST.get(TRAITS[name].stain, TRAITS[name].stain)


def _simulated(stain: str, arguments: argparse.Namespace) -> Iterator[tuple[Plane, Mask]]:
    """The plates of ``planted.py``."""
    for number in range(1 if arguments.quick else 4):
        settings = plate_settings(101 + number)
        wells = chosen_wells(settings, *((1, 4) if arguments.quick else (2, 8)))
        for field in plate_fields(settings, wells, arguments.cache, arguments.threads):
            yield field.image[CHANNELS.index(stain)], field.labels > 0


def _real(quick: bool) -> Iterator[tuple[str, Iterator[tuple[Plane, Mask]]]]:
    step = 4 if quick else 1
    for title, name, planes in (
        ("DSB 2018, nuclei", "dsb2018_fluorescence", _nuclei),
        ("BBBC016", "bbbc016_transfluor_gfp", _gfp),
        ("blood smears", "bccd_blood", _blood),
    ):
        folder = data_folder(name)
        if folder is not None:
            yield title, planes(folder, step)


def _nuclei(folder: Path, step: int) -> Iterator[tuple[Plane, Mask]]:
    for row in pd.read_csv(folder / "labels.csv").iloc[:: 5 * step].itertuples():
        image = iio.imread(folder / str(row.image))[None]
        yield apply_windows(image, estimate_windows([image]))[0], iio.imread(folder / str(row.label_map)) > 0


def _gfp(folder: Path, step: int) -> Iterator[tuple[Plane, Mask]]:
    images = [tifffile.imread(folder / name)[None] for name in pd.read_csv(folder / "labels.csv")["image"]]
    windows = estimate_windows(images)
    for image in images[:: 2 * step]:
        smooth = np.log1p(gaussian_filter(image[0].astype(np.float64), 3))
        yield apply_windows(image, windows)[0], smooth > threshold_otsu(smooth)


def _blood(folder: Path, step: int) -> Iterator[tuple[Plane, Mask]]:
    for name, boxes in list(pd.read_csv(folder / "boxes.csv").groupby("image_id"))[:: 6 * step]:
        image = np.moveaxis(iio.imread(folder / "images" / f"{name}.jpg")[..., :3], -1, 0)
        y, x = np.mgrid[: image.shape[1], : image.shape[2]]
        cells = np.zeros(image.shape[1:], bool)
        for box in boxes.itertuples():
            down, across = (y - (box.ymin + box.ymax) / 2) * 2, (x - (box.xmin + box.xmax) / 2) * 2
            height, width = max(1, box.ymax - box.ymin), max(1, box.xmax - box.xmin)
            cells |= (down / height) ** 2 + (across / width) ** 2 <= 1
        yield apply_windows(image, [IntensityWindow(0.0, 255.0)] * 3)[1], cells


def _row(task: str, title: str, part: float, seen: Places, value: float) -> dict[str, Any]:
    usual = float(seen.in_cell.mean())
    return {
        "task": task,
        "size": f"{title}, {len(seen.in_cell)} places",
        "metric": f"part in cells of the farthest {part:.1%}",
        "unit": "1",
        "ours": round(value, 4),
        "peer": "all places",
        "peer_value": round(usual, 4),
        "ratio": round(value / usual, 4),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer fields: for a look, not for claims")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--dictionary", type=Path, default=BUILTIN_DICTIONARY, help="the packaged one by default")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    cache = Path(tempfile.gettempdir()) / "napari-lexicon-benchmark"
    parser.add_argument("--cache", type=Path, default=cache, help="where rendered plates are kept")
    return parser


if __name__ == "__main__":
    main()
