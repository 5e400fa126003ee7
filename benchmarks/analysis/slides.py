"""Nuclei of tiles of three stained slides, by the best feature of the other two: split by slide, null within slides.

The truth is a machine's: haematoxylin by colour deconvolution (scikit-image), nuclei by threshold and size. It is not
what a pathologist would count, and plain measurements of colour come close to it by construction.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pandas as pd
import tifffile
from scipy import ndimage, stats
from skimage.color import rgb2gray, rgb2hed
from skimage.filters import gaussian, threshold_otsu

from napari_lexicon import api
from napari_lexicon.analysis.lexicon_tables import plate_statistics
from napari_lexicon.analysis.well_table import well_table
from napari_lexicon.lexicons import Lexicon

TILE = 128
SHUFFLES = 300
_LEAST_NUCLEUS = 40  # pixels


def tiles_of(folder: Path, out: Path) -> pd.DataFrame:
    """Write the tiles of every slide as images of their own; what is measured of each, one row per tile."""
    rows = []
    out.mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(sorted(folder.glob("*.tif"))):
        image = tifffile.imread(path)[..., :3]
        stain = gaussian(rgb2hed(image)[..., 0], 1.0)
        nuclei = stain > threshold_otsu(stain)
        labels, _ = ndimage.label(ndimage.binary_opening(nuclei, iterations=2))
        sizes = np.bincount(labels.ravel())
        centres = np.array(ndimage.center_of_mass(labels > 0, labels, np.flatnonzero(sizes[1:] >= _LEAST_NUCLEUS) + 1))
        grey = rgb2gray(image)
        for y in range(0, image.shape[0] - TILE + 1, TILE):
            for x in range(0, image.shape[1] - TILE + 1, TILE):
                name = f"{'abc'[number]}{len(rows):04d}"
                part = slice(y, y + TILE), slice(x, x + TILE)
                if not (out / f"{name}.png").exists():
                    imageio.imwrite(out / f"{name}.png", image[part])
                inside = ((centres >= (y, x)) & (centres < (y + TILE, x + TILE))).all(axis=1)
                rows.append(
                    {
                        "tile": name,
                        "slide": path.name.split(".")[0],
                        "nuclei": int(inside.sum()),
                        "nuclear area": float(nuclei[part].mean()),
                        "plain: brightness": float(grey[part].mean()),
                        "plain: sharpness": float(ndimage.laplace(grey[part]).std()),
                        "plain: contrast": float(grey[part].std()),
                    }
                )
    return pd.DataFrame(rows).set_index("tile")


def slide_rows(data: Path, work: Path) -> list[dict[str, Any]]:
    """Rows of the table: one per truth, reading and slide that chose nothing."""
    tiles = tiles_of(data / "openslide_qupath_crops" / "images", work / "slide_tiles")
    path = work / "slides.lexicon"
    if not path.exists():
        api.apply(work / "slide_tiles", path, pattern="{well}.png", device="cpu", keep_tokens=0)
    table = well_table(plate_statistics(Lexicon.open(path)))
    known = tiles.reindex(table.wells["well"].astype(str))
    profiles = api.profiles(path)
    order = pd.Index(profiles.obs_names.astype(str)).get_indexer(table.wells["well"].astype(str))
    readings = {"code": table.fires, "direction": np.asarray(profiles.layers["direction"])[order]}
    rows = []
    for truth in ("nuclei", "nuclear area"):
        for reading, values in readings.items():
            for slide in sorted(known["slide"].unique()):
                rows.append(_held_out(known, np.asarray(values, np.float64), truth, reading, slide))
    return rows


def _held_out(known: pd.DataFrame, values: np.ndarray, truth: str, reading: str, slide: str) -> dict[str, Any]:
    """Best feature of the other slides, correlated on this one; shuffles stay within slides."""
    slides, y = known["slide"].to_numpy(), known[truth].to_numpy(float)
    others = [name for name in np.unique(slides) if name != slide]
    test = slides == slide
    ranked = {name: _ranks(values[slides == name]) for name in [*others, slide]}

    def score(target: np.ndarray) -> tuple[int, float]:
        told = sum(ranked[name].T @ _ranks(target[slides == name, None])[:, 0] for name in others)
        best = int(np.abs(told).argmax())
        there = float(ranked[slide][:, best] @ _ranks(target[test, None])[:, 0])
        return best, there * float(np.sign(told[best]))

    best, rho = score(y)
    rng, null = np.random.default_rng(0), []
    for _ in range(SHUFFLES):
        shuffled = y.copy()
        for name in ranked:
            shuffled[slides == name] = rng.permutation(y[slides == name])
        null.append(score(shuffled)[1])
    plain = {
        column.removeprefix("plain: "): abs(float(stats.spearmanr(known[column][test], y[test]).statistic))
        for column in known
        if str(column).startswith("plain: ")
    }
    peer = max(plain, key=lambda name: plain[name])
    return {
        "task": f"slides: {truth}, by {reading}, on {slide}",
        "size": f"{int(test.sum())} tiles, chosen on {int((~test).sum())} of two other slides",
        "metric": "Spearman on the slide that chose nothing",
        "unit": "",
        "ours": round(rho, 3),
        "feature": best,
        "by_chance": round(float(np.percentile(null, 95)), 3),
        "plain": {name: round(value, 3) for name, value in plain.items()},
        "peer": peer,
        "peer_value": round(plain[peer], 3),
        "ratio": round(rho / plain[peer], 2),
    }


def _ranks(x: np.ndarray) -> np.ndarray:
    """Columns as ranks, centred, of length 1; 0 where nothing differs."""
    ranks = stats.rankdata(x, axis=0)
    ranks -= ranks.mean(axis=0)
    length = np.linalg.norm(ranks, axis=0)
    return np.asarray(np.divide(ranks, length, out=np.zeros_like(ranks), where=length > 0))
