"""How much of a planted fall-off of the light each correction takes out, beside BaSiC and two of the usual remedies.

    LEXICON_DATA=... python benchmarks/plates/illumination.py [--peers FOLDER] [--quick] [--json FILE]

Scenes without fall-off are multiplied with a planted light, a dark level is added, and photon noise. Scenes are drawn
(discs; the cells of the simulated plate) or cut at random places from real images and turned at random, so that the
light that these images were taken in averages out. *Removed* is 1 - s/s0, where s0 is the relative standard deviation
of the planted light over the field and s that of the light that is left after correction; below 0 the correction has
made it worse. Under even light, *invented* is the relative standard deviation of what was found. *Grey values* is the
part of the squared error of held-out images (against the same scenes in even light, each fitted with a gain and an
offset) that the correction takes away; it includes the dark level.

BaSiC (Peng et al. 2017) is installed by uv into an environment of its own, where ``--peers`` names a folder for it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from napari_lexicon.backbones.illumination import basis, estimate_illumination

SIDE = 256
BRIGHT = 4000.0  # grey value of the 99.5th percentile of a scene in even light
HELD_OUT = 12  # fields that no correction has seen
PEERS = ("torch", "basicpy>=2", "scipy>=1.11,<1.13", "numpy<2")
BINARIES = "scipy,numpy,scikit-learn,scikit-image,pandas"

WORKER = """
import logging, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np, torch
from basicpy import BaSiC
torch.set_num_threads(1)
for path in sys.stdin:
    images = np.load(path.strip())
    for dark in (False, True):
        start = time.perf_counter()
        model = BaSiC(get_darkfield=dark, device="cpu")
        try:
            model.fit(images)
            found = np.stack([model.flatfield, model.darkfield if dark else np.zeros_like(model.flatfield)])
        except Exception as error:
            print("failed", type(error).__name__, error, file=sys.stderr)
            found = np.full((2, 8, 8), np.nan)
        np.save(path.strip().replace(".npy", f".{int(dark)}.npy"), found)
        print(time.perf_counter() - start, flush=True)
"""


@dataclass(frozen=True)
class Trial:
    """One plate: its scenes, its planted light and what the camera adds."""

    world: str
    light: str
    fall_off: float  # share of the brightest light that the darkest place lacks
    dark: float
    fields: int
    seed: int


def discs(cells: int) -> Callable[[np.random.Generator, int], Iterator[np.ndarray]]:
    """Bright discs on an even ground, as in the unit tests."""

    def scenes(rng: np.random.Generator, n: int) -> Iterator[np.ndarray]:
        y, x = np.mgrid[:SIDE, :SIDE]
        for _ in range(n):
            image = np.full((SIDE, SIDE), 60.0)
            for cy, cx in rng.uniform(0, SIDE, (cells, 2)):
                image[(y - cy) ** 2 + (x - cx) ** 2 < rng.uniform(25, 100)] = rng.uniform(300, 900)
            yield image

    return scenes


def simulated(channel: str, confluence: float) -> Callable[[np.random.Generator, int], Iterator[np.ndarray]]:
    """Fields of the simulated plate in even light, brightness differing between wells."""

    def scenes(rng: np.random.Generator, n: int) -> Iterator[np.ndarray]:
        from napari_lexicon.samples.optics import Optics
        from napari_lexicon.samples.plate import PlateSettings, render_plate_field

        settings = PlateSettings(
            wells=384,
            shape=(SIDE, SIDE),
            channels=(channel,),
            confluence=confluence,
            phenotypes=(),  # compounds that do nothing
            seed=int(rng.integers(1 << 30)),
            optics=Optics(vignette=0.0, offset=0.0, read_noise=0.0, photons_per_grey=1e6),
        )
        wells = [f"{row}{column:02d}" for row in "ABCDEFGHIJKLMNOP" for column in range(1, 25)]
        for well in rng.permutation(wells)[:n]:
            yield render_plate_field(settings, str(well), 0).image[0].astype(np.float64)

    return scenes


def real(
    folder: str, shape: tuple[int, int] | None = None
) -> Callable[[np.random.Generator, int], Iterator[np.ndarray]]:
    """Pieces of real images from random places, turned at random."""

    def scenes(rng: np.random.Generator, n: int) -> Iterator[np.ndarray]:
        paths = sorted((Path(os.environ["LEXICON_DATA"]) / folder / "images").iterdir())
        images = [np.asarray(iio.imread(path), np.float64) for path in paths]
        images = [image for image in images if image.ndim == 2 and shape in (None, image.shape)]
        order = np.concatenate([rng.permutation(len(images)) for _ in range(-(-n // len(images)))])[:n]
        for k in order:
            image = images[k] - np.quantile(images[k], 0.001)
            y, x = (int(rng.integers(size - SIDE + 1)) for size in image.shape)
            piece = np.rot90(image[y : y + SIDE, x : x + SIDE], int(rng.integers(4)))
            yield piece[:, ::-1] if rng.random() < 0.5 else piece

    return scenes


WORLDS: dict[str, Callable[[np.random.Generator, int], Iterator[np.ndarray]]] = {
    "discs, 80 a field": discs(80),
    "discs, 8 a field": discs(8),
    "simulated DNA, dense": simulated("DNA", 0.75),
    "simulated DNA, sparse": simulated("DNA", 0.15),
    "simulated Mito, dense": simulated("Mito", 0.75),
    "BBBC016 (real)": real("bbbc016_transfluor_gfp"),
    "DSB 2018, 520 x 696 (real)": real("dsb2018_fluorescence", (520, 696)),
}

KINDS = [
    ("vignette", 0.3, 100.0),
    ("vignette", 0.6, 1000.0),
    ("lamp", 0.45, 0.0),
    ("tilted", 0.15, 100.0),
    ("even", 0.0, 100.0),
]
"""Planted lights: shape, fall-off, dark level."""


def planted(kind: str, fall_off: float, rng: np.random.Generator) -> np.ndarray:
    """``(Y, X)`` light with mean 1 that lacks ``fall_off`` of its maximum at its minimum."""
    y, x = ((np.arange(SIDE) + 0.5) / SIDE * 2 - 1 for _ in range(2))
    cy, cx = rng.normal(0, 0.2, 2)
    away = (y[:, None] - cy) ** 2 + (x[None] - cx) ** 2
    if kind == "vignette":
        light = -away
    elif kind == "lamp":  # a bright middle that falls off steeply, as of a laser or a badly centred lamp
        light = np.exp(-away / 0.8)
    else:  # tilted
        angle = rng.uniform(0, 2 * np.pi)
        light = np.cos(angle) * y[:, None] + np.sin(angle) * x[None] - 0.3 * away
    light = 1 - fall_off * (light.max() - light) / (light.max() - light.min())
    return np.asarray(light / light.mean())


def taken(trial: Trial) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images ``(n, Y, X)`` to learn from, held-out images and the same in even light, and the planted light."""
    rng = np.random.default_rng([trial.seed, 5])
    light = planted(trial.light, trial.fall_off, rng) if trial.fall_off else np.ones((SIDE, SIDE))
    scenes = np.stack(list(WORLDS[trial.world](rng, trial.fields + HELD_OUT)))
    scenes = np.maximum(scenes, 0) * (BRIGHT / np.quantile(scenes, 0.995))
    signal = scenes * light
    seen = trial.dark + signal + rng.standard_normal(signal.shape) * np.sqrt(signal / 5 + 25)
    seen = np.clip(np.round(seen), 0, 65535).astype(np.uint16)
    return seen[: trial.fields], seen[trial.fields :], scenes[trial.fields :], light


# What corrects: images to the flat field and the dark level, each (Y, X) of any size.


def ours(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = estimate_illumination(images)
    return found.field((SIDE, SIDE)), np.full((SIDE, SIDE), found.dark)


def mean_polynomial(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Polynomial through the mean image: CellProfiler's "Regular, All, Fit polynomial" (of degree two)."""
    mean = images.mean(axis=0, dtype=float)
    design = basis(SIDE)[:, :6]
    flat = (design @ np.linalg.lstsq(design, mean.ravel(), rcond=None)[0]).reshape(mean.shape)
    return flat / flat.mean(), np.zeros_like(flat)


def median_smoothed(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median image, smoothed by a Gaussian of an eighth of the field."""
    flat = gaussian_filter(np.median(images, axis=0), SIDE / 8)
    return flat / flat.mean(), np.zeros_like(flat)


METHODS = {"napari-lexicon": ours, "mean, polynomial": mean_polynomial, "median, Gaussian": median_smoothed}


def unevenness(light: np.ndarray) -> float:
    return float(np.std(light) / np.mean(light))


def grey_error(images: np.ndarray, even: np.ndarray) -> float:
    """Squared error after the best gain and offset for all images together."""
    design = np.stack([images.ravel(), np.ones(images.size)], axis=1)
    off = even.ravel() - design @ np.linalg.lstsq(design, even.ravel(), rcond=None)[0]
    return float(np.mean(off**2))


def scored(method: str, trial: Trial, flat: np.ndarray, dark: np.ndarray, seconds: float, data: Any) -> dict[str, Any]:
    _, held, even, light = data
    flat, dark = (
        zoom(one, SIDE / np.array(one.shape), order=1, grid_mode=True, mode="nearest") for one in (flat, dark)
    )
    left = light / np.maximum(flat, 1e-3)
    row = {"method": method, **asdict(trial), "seconds": seconds, "dark_found": float(np.mean(dark))}
    if not trial.fall_off:
        return {**row, "invented": unevenness(flat)}
    corrected = (held - dark) / np.maximum(flat, 1e-3)
    before, after = grey_error(held.astype(float), even), grey_error(corrected, even)
    return {**row, "removed": 1 - unevenness(left) / unevenness(light), "grey": 1 - after / before}


class Basic:
    """BaSiC in a process of its own."""

    def __init__(self, python: Path) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.process = subprocess.Popen(
            [str(python), "-c", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def rows(self, trial: Trial, data: Any) -> list[dict[str, Any]]:
        path = self.folder / "images.npy"
        np.save(path, data[0])
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        found = []
        for dark, name in enumerate(("BaSiC", "BaSiC, dark field")):
            seconds = float(self.process.stdout.readline())
            flat, offset = np.load(self.folder / f"images.{dark}.npy")
            found.append(scored(name, trial, flat, offset, seconds, data))
        return found


def peer_python(folder: Path) -> Path | None:
    """The interpreter of BaSiC's environment, made by uv where it is missing; None where that fails."""
    python = folder / "bin" / "python"
    if python.exists():
        return python
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        print("uv was not found: set UV to its place to compare with BaSiC.")
        return None
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    subprocess.run([uv, "venv", "--quiet", "--python", version, str(folder)], check=True)
    wanted = [*PEERS, "--only-binary", BINARIES]
    done = subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), *wanted], check=False)
    if done.returncode:
        shutil.rmtree(folder)
        print("BaSiC could not be installed.")
        return None
    return python


def trials(quick: bool) -> list[Trial]:
    worlds = [world for world in WORLDS if "real" not in world or "LEXICON_DATA" in os.environ]
    found = []
    for w, world in enumerate(worlds):
        for k, (light, fall_off, dark) in enumerate(KINDS[1:2] if quick else KINDS):
            for fields in (48,) if quick else (16, 64):
                found.append(Trial(world, light, fall_off, dark, fields, 10_000 + 100 * w + k))
    return found


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown: removed per world and method, median and worst, then totals."""
    methods = list(dict.fromkeys(row["method"] for row in rows))
    lines = ["| scenes | fields | " + " | ".join(methods) + " |", "| --- | --- |" + " --- |" * len(methods)]

    def line(name: str, number: str, chosen: Callable[[dict[str, Any]], bool], key: str = "removed") -> None:
        cells = []
        for method in methods:
            values = [row[key] for row in rows if row["method"] == method and key in row and chosen(row)]
            worst = np.max if key == "invented" else np.min
            cells.append(
                f"{np.median(values):.2f} ({worst(values):.2f})" if np.isfinite(values).all() and values else "-"
            )
        lines.append(f"| {name} | {number} | " + " | ".join(cells) + " |")

    for fields in dict.fromkeys(row["fields"] for row in rows):
        for world in dict.fromkeys(row["world"] for row in rows):
            line(world, str(fields), lambda row, w=world, n=fields: row["world"] == w and row["fields"] == n)  # type: ignore[misc]
        line("**all**", str(fields), lambda row, n=fields: row["fields"] == n)  # type: ignore[misc]
        line("all, grey values", str(fields), lambda row, n=fields: row["fields"] == n, "grey")  # type: ignore[misc]
        if any("invented" in row for row in rows):
            line("even light: invented", str(fields), lambda row, n=fields: row["fields"] == n, "invented")  # type: ignore[misc]
    seconds = [np.median([row["seconds"] for row in rows if row["method"] == method]) for method in methods]
    lines.append("| seconds, median | | " + " | ".join(f"{value:.2f}" for value in seconds) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, help="folder of BaSiC's environment, made where it is missing")
    parser.add_argument("--quick", action="store_true", help="one trial of each kind of scene")
    parser.add_argument("--json", type=Path, help="write a row per trial and method")
    options = parser.parse_args()
    python = None if options.peers is None else peer_python(options.peers)
    basic = None if python is None else Basic(python)
    rows = []
    for trial in trials(options.quick):
        data = taken(trial)
        for name, method in METHODS.items():
            start = time.perf_counter()
            flat, dark = method(data[0])
            rows.append(scored(name, trial, flat, dark, time.perf_counter() - start, data))
        if basic is not None:
            rows += basic.rows(trial, data)
        if options.json:
            options.json.write_text(json.dumps(rows, indent=1))
    print(table(rows))


if __name__ == "__main__":
    main()
