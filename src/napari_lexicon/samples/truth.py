"""What is true of a field: label images of cells and nuclei, and a table with a row for each cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .cells import CYCLE

if TYPE_CHECKING:
    from .anatomy import Scene
    from .field import FieldSettings
    from .textures import Array, IntArray


def label_images(scene: Scene) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], IntArray]:
    """Cell and nucleus labels from 1, and which cells these are."""
    seen, number = np.unique(scene.owner_of, return_inverse=True)
    labels = number.reshape(scene.shape).astype(np.int32)
    if len(seen) and seen[0] == -1:
        seen = seen[1:]
    else:
        labels += 1
    nuclei = np.zeros(scene.shape, np.int32)
    core = scene.body_cover > 0.5
    pixel = scene.body_fragments.pixel[core]
    owner = scene.bodies.owner[scene.body_fragments.owner[core]]
    mine = scene.owner_of.ravel()[pixel] == owner
    nuclei.ravel()[pixel[mine]] = labels.ravel()[pixel[mine]]
    return labels, nuclei, seen


def describe(
    scene: Scene,
    seen: IntArray,
    cell_labels: npt.NDArray[np.int32],
    nucleus_labels: npt.NDArray[np.int32],
    strength: Array,
    settings: FieldSettings,
) -> pd.DataFrame:
    """The truth of each cell: place, box, areas, cycle, state, phenotype and strength.

    Positions and boxes are of the cell's label; boxes are half-open, in pixels.
    """
    n = len(seen)
    y, x, area, box = places(cell_labels, n)
    nucleus_y, nucleus_x, nucleus_area, _ = places(nucleus_labels, n)
    height, width = settings.shape
    cells = scene.cells
    responds = strength[seen] > 0
    columns: dict[str, Any] = {
        "y_px": y,
        "x_px": x,
        "y_um": y * settings.pixel_size_um,
        "x_um": x * settings.pixel_size_um,
        "top": box[0],
        "left": box[1],
        "bottom": box[2],
        "right": box[3],
        "area_px": area,
        "nucleus_y_px": nucleus_y,
        "nucleus_x_px": nucleus_x,
        "nucleus_area_px": nucleus_area,
        "cut_by_border": (box[0] == 0) | (box[1] == 0) | (box[2] == height) | (box[3] == width),
        "nuclei": cells.nuclei[seen],
        "cycle": [CYCLE[phase] for phase in cells.cycle[seen]],
        "dead": cells.dying[seen] > 0.5,
        "phenotype": np.where(responds, settings.phenotype or "none", "none"),
        "strength": np.round(strength[seen].astype(np.float64), 4),
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(1, n + 1, name="cell"))


def places(labels: npt.NDArray[np.int32], n: int) -> tuple[Any, Any, Any, Any]:
    """Centroids, areas and boxes of labels 1 to n; NaN and 0 where a label has no pixel."""
    row, column = np.nonzero(labels)
    label = labels[row, column]
    area = np.bincount(label, minlength=n + 1)[1:]
    with np.errstate(invalid="ignore"):
        y = np.round(np.bincount(label, row, n + 1)[1:] / area, 3)
        x = np.round(np.bincount(label, column, n + 1)[1:] / area, 3)
    box = np.zeros((4, n + 1), np.int64)
    box[:2] = np.iinfo(np.int64).max
    np.minimum.at(box[0], label, row)
    np.minimum.at(box[1], label, column)
    np.maximum.at(box[2], label, row + 1)
    np.maximum.at(box[3], label, column + 1)
    return y, x, area, box[:, 1:]
