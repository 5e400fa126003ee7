"""Real sets: dose of a GFP translocation assay, nuclei in many instruments, cells in blood smears."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import numpy.typing as npt
import pandas as pd
import tifffile
from regions import Regions, whole
from sklearn.cluster import KMeans

from napari_lexicon.backbones import IntensityWindow, apply_windows, estimate_windows


@dataclass(frozen=True, eq=False)
class RealField:
    """One image of a set.

    Parameters
    ----------
    image : (C, Y, X) float32
        Windowed.
    regions : Regions
        What is described: the field, or boxes.
    target : (R,) float
        Of each region.
    group : str
        Kept whole in splits.
    area : float
        Pixels of the field.
    """

    image: npt.NDArray[np.float32]
    regions: Regions
    target: npt.NDArray[np.float64]
    group: str
    area: float


def data_folder(name: str) -> Path | None:
    """Folder of a set, if the data is there."""
    root = os.environ.get("LEXICON_DATA")
    folder = Path(root) / name if root else None
    return folder if folder is not None and folder.is_dir() else None


def gfp_dose(folder: Path, quick: bool) -> Iterator[RealField]:
    """Logarithm of the dose; the columns with an irregular layout are left out, doses are kept whole in splits."""
    table = pd.read_csv(folder / "labels.csv")
    images = {name: tifffile.imread(folder / name)[None] for name in table["image"]}
    windows = estimate_windows(images.values())
    table = table[table["col"] >= 5]
    if quick:
        table = table[table["field"].astype(int) == 0]
    for row in table.itertuples():
        image = apply_windows(images[str(row.image)], windows)
        target = np.array([np.log10(float(row.dose_reported))])  # type: ignore[arg-type]
        yield RealField(image, whole(image.shape), target, str(row.well), image[0].size)


def nuclei_count(folder: Path, quick: bool) -> Iterator[RealField]:
    """Nuclei per field. Fields of one experiment look alike, so look-alikes are kept together in splits."""
    table = pd.read_csv(folder / "labels.csv")
    look = np.stack(
        [
            np.log(table["height"] * table["width"]),
            np.log1p(table["mean_intensity"]),
            np.log1p(table["fg_minus_bg"]),
            np.log(table["median_nucleus_area_px"]),
        ],
        1,
    )
    look = (look - look.mean(0)) / look.std(0)
    table["group"] = KMeans(15, n_init=4, random_state=0).fit_predict(look)
    table = table.iloc[:: 8 if quick else 4]
    images = [iio.imread(folder / str(name))[None] for name in table["image"]]
    windows = estimate_windows(images)
    for image, row in zip(images, table.itertuples(), strict=True):
        target = np.array([float(row.nuclei_count)])  # type: ignore[arg-type]
        yield RealField(apply_windows(image, windows), whole(image.shape), target, str(row.group), image[0].size)


def blood_count(folder: Path, quick: bool) -> Iterator[RealField]:
    """Red cells per field; neighbours in the numbering are kept together in splits, they are of one smear."""
    table = pd.read_csv(folder / "labels.csv")
    table = table[table["n_rbc"] > 3].iloc[:: 12 if quick else 6]  # fewer are unfinished annotations
    for row in table.itertuples():
        image = _colour(folder / str(row.image))
        number = int(str(row.image_id).rsplit("_", 1)[1])
        target = np.array([float(row.n_rbc)])  # type: ignore[arg-type]
        yield RealField(image, whole(image.shape), target, str(number // 20), image[0].size)


def white_cells(folder: Path, quick: bool) -> Iterator[RealField]:
    """White against red cells, by their boxes."""
    boxes = pd.read_csv(folder / "boxes.csv")
    names = sorted(boxes.loc[boxes["class"] == "WBC", "image_id"].unique())[:: 12 if quick else 6]
    for name in names:
        own = boxes[(boxes["image_id"] == name) & boxes["class"].isin(["WBC", "RBC"])]
        places = own[["ymin", "xmin", "ymax", "xmax"]].to_numpy(np.int64)
        white = (own["class"] == "WBC").to_numpy(np.float64)
        image = _colour(folder / "images" / f"{name}.jpg")
        yield RealField(image, Regions(places), white, name, image[0].size)


def _colour(path: Path) -> npt.NDArray[np.float32]:
    image: npt.NDArray[Any] = np.moveaxis(iio.imread(path)[..., :3], -1, 0)
    return apply_windows(image, [IntensityWindow(0.0, 255.0)] * 3)
