"""Small cells: does enlarging a field help to tell dividing cells, which an antibody marks, by their DNA alone?

    LEXICON_DATA=... python benchmarks/backbone/cell_size.py [--quick] [--json FILE]

The HT29 field of CellProfiler's examples has a stain for DNA and one for phosphorylated histone H3, which dividing
cells carry. Nuclei are found by the built-in segmentation in the DNA stain; those whose mean antibody signal is over
Otsu's threshold are dividing. They are 11 px wide, less than a patch. The DNA plane is read as it is and enlarged; the
one feature with the best AUROC on half of the nuclei is scored on the other half, in 50 random halves that keep the
share of dividing cells. Beside it the mean DNA intensity and hand-made features, chosen in the same way.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
import torch
from describers import HANDMADE, INTENSITY, Array, Describer, TokenDescriber
from regions import Regions
from scipy import ndimage
from scoring import column_auroc
from skimage.filters import threshold_otsu

from napari_lexicon.analysis.segmentation import segmented_nuclei
from napari_lexicon.backbones import apply_windows, estimate_windows, load_backbone
from napari_lexicon.backbones.builtin import load_random
from napari_lexicon.dictionaries.file_format import load_dictionary
from napari_lexicon.plates.resampling import nearest, resampled

FIELD = "cellprofiler_examples/ExampleHuman_HT29_D03.tif"
BUILTIN_DICTIONARY = Path(__file__).parents[2] / "src/napari_lexicon/dictionaries/builtin.safetensors"
DNA, ANTIBODY = 0, 1
DIAMETER = 11.0  # px, of these nuclei
HALVES = 50
KINDS = ("directions", "codes", "tokens")


def main() -> None:
    """Run, print the table, write the rows."""
    arguments = _parser().parse_args()
    torch.set_num_threads(arguments.threads)
    planes = tifffile.imread(Path(os.environ["LEXICON_DATA"]) / FIELD)
    planes = np.moveaxis(planes, -1, 0) if planes.shape[-1] == 3 else planes
    labels = segmented_nuclei(planes[DNA].astype(np.float32), DIAMETER)
    numbers = np.arange(1, labels.max() + 1)
    signal = np.asarray(ndimage.mean(planes[ANTIBODY].astype(np.float64), labels, numbers))
    dividing = signal > threshold_otsu(signal)
    width = float(np.median(2 * np.sqrt(np.bincount(labels.ravel())[1:] / np.pi)))
    print(f"{len(numbers)} nuclei, {width:.0f} px wide in the median, {int(dividing.sum())} dividing")
    found: dict[str, dict[str, Array]] = {}
    for factor in (1, 3) if arguments.quick else (1, 2, 3, 4):
        shape = (planes.shape[1] * factor, planes.shape[2] * factor)
        large = resampled(planes[DNA].astype(np.float32), shape)[None]
        regions = _regions(nearest(labels, shape), numbers)
        image = apply_windows(large, estimate_windows([large]))
        for name, values in _described(image, regions, arguments.quick):
            found.setdefault(name, {})[f"x{factor}"] = _held_out(values, dividing)
    sizes = list(next(iter(found.values())))
    print("| one feature of | " + " | ".join(sizes) + " |\n| --- |" + " --- |" * len(sizes))
    for name, by_size in found.items():
        print(f"| {name} | " + " | ".join(_text(by_size[size]) for size in sizes) + " |")
    if arguments.json:
        arguments.json.write_text(json.dumps(list(_rows(found)), indent=1) + "\n")


def _regions(labels: npt.NDArray[np.int32], numbers: npt.NDArray[np.int64]) -> Regions:
    slices = ndimage.find_objects(labels)
    boxes = [(rows.start, columns.start, rows.stop, columns.stop) for rows, columns in slices]
    return Regions(np.array(boxes, np.int64), labels, numbers)


def _described(image: npt.NDArray[np.float32], regions: Regions, quick: bool) -> Iterator[tuple[str, Array]]:
    """``(R, F)`` descriptions by every contender, each with its name."""
    dictionary = load_dictionary(BUILTIN_DICTIONARY)
    models: list[Describer] = [TokenDescriber("built-in", load_backbone("builtin", device="cpu"), dictionary, KINDS)]
    if not quick:
        models += [TokenDescriber(f"random {seed}", load_random(seed=seed), None, ("tokens",)) for seed in range(3)]
    for describer in (*models, HANDMADE, INTENSITY):
        for kind, values in describer.describe(image, regions)[0].items():
            yield f"{describer.name}, {kind}" if describer in models else describer.name, values
    yield "mean intensity of DNA", ndimage.mean(image[0], regions.labels, regions.numbers)[:, None]


def _held_out(features: Array, truth: npt.NDArray[np.bool_]) -> Array:
    """AUROC on the half that did not choose, for each of `HALVES` splits."""
    rng = np.random.default_rng(0)
    scores = []
    for _ in range(HALVES):
        chooses = np.zeros(len(truth), bool)
        for members in (np.flatnonzero(truth), np.flatnonzero(~truth)):
            chooses[rng.permutation(members)[: len(members) // 2]] = True
        best = int(np.argmax(column_auroc(features[chooses], truth[chooses])))
        scores.append(column_auroc(features[~chooses][:, [best]], truth[~chooses])[0])
    return np.array(scores)


def _text(scores: Array) -> str:
    low, high = np.percentile(scores, (5, 95))
    return f"{scores.mean():.2f} ({low:.2f} to {high:.2f})"


def _rows(found: dict[str, dict[str, Array]]) -> Iterator[dict[str, Any]]:
    ours = found["built-in, directions"]
    for name, by_size in found.items():
        for size, scores in by_size.items():
            mine, theirs = float(ours[size].mean()), float(scores.mean())
            yield {"task": "dividing cells by DNA", "size": size, "metric": "AUROC", "unit": "1", "ours": mine,
                   "peer": name, "peer_value": theirs, "ratio": mine / theirs}  # fmt: skip


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two sizes, no random network")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows")
    return parser


if __name__ == "__main__":
    main()
