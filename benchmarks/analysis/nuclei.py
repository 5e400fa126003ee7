"""The built-in segmentation against nuclei that people outlined (DSB 2018) and white blood cells they boxed (BCCD).

    LEXICON_DATA=FOLDER python benchmarks/analysis/nuclei.py

Prints a line for each: F1 at an overlap of half, part of the nuclei that were split, and mean error of the count; for
white cells the part that is one object, at several diameters. Three minutes on one core.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pandas as pd

from napari_lexicon.analysis.segmentation import segmented_nuclei, stained

DIAMETER = 20
SMEARS = ((20, 1), (40, 1), (60, 1), (80, 1), (80, 0))
"""Diameter in pixels, and which of red, green and blue is segmented."""


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("LEXICON_DATA"))
    parser.add_argument("--every", type=int, default=1, help="every n-th image")
    options = parser.parse_args()
    if options.data is None:
        raise SystemExit("Where are the images? Give --data, or set LEXICON_DATA.")
    print(outlined(options.data / "dsb2018_fluorescence", options.every))
    for diameter, channel in SMEARS:
        print(boxed(options.data / "bccd_blood", diameter, channel, options.every), flush=True)


def outlined(folder: Path, every: int) -> str:
    """Nuclei against outlines."""
    hits, wrong, split, known, errors = 0, 0, 0, 0, []
    for row in pd.read_csv(folder / "labels.csv").iloc[::every].itertuples():
        truth = imageio.imread(folder / str(row.label_map)).astype(int)
        labels = segmented_nuclei(imageio.imread(folder / str(row.image)), DIAMETER)
        shared = np.zeros((truth.max() + 1, labels.max() + 1))
        np.add.at(shared, (truth.ravel(), labels.ravel()), 1)
        areas, sizes, shared = shared.sum(axis=1)[1:], shared.sum(axis=0)[1:], shared[1:, 1:]
        hit = int((shared / np.maximum(areas[:, None] + sizes - shared, 1) > 0.5).sum())
        n = int((areas > 0).sum())
        hits, wrong = hits + hit, wrong + n + len(sizes) - 2 * hit
        split, known = split + int(((shared / sizes > 0.5).sum(axis=1) > 1).sum()), known + n
        errors.append(abs(n - len(sizes)))
    f1 = 2 * hits / (2 * hits + wrong)
    return f"{known} nuclei: F1 {f1:.3f}, {split / known:.1%} split, count off by {np.mean(errors):.2f}"


def boxed(folder: Path, diameter: int, channel: int, every: int) -> str:
    """White cells: how many are one object, of which more than half lies in the box."""
    pieces: list[int] = []
    for name, boxes in list(pd.read_csv(folder / "boxes.csv").groupby("image_id"))[::every]:
        plane = imageio.imread(folder / "images" / f"{name}.jpg")[..., channel]
        labels = segmented_nuclei(stained(plane, colour=True), diameter)
        areas = np.bincount(labels.ravel())
        for box in boxes[boxes["class"] == "WBC"].itertuples():
            inside = np.bincount(labels[box.ymin : box.ymax, box.xmin : box.xmax].ravel(), minlength=len(areas))
            pieces.append(int((inside[1:] > 0.5 * areas[1:]).sum()))
    one = float(np.mean(np.array(pieces) == 1))
    words = f"{('red', 'green', 'blue')[channel]}, {diameter} px"
    return f"{len(pieces)} white cells in {words}: {one:.1%} one object, {np.mean(pieces):.2f} objects each"


if __name__ == "__main__":
    main()
