"""Put simulated fields beside real ones and planted phenotypes beside their control, as PNG files.

    LEXICON_DATA=path/to/data python scripts/simulator_montage.py --out montages

Real fields are those of ``cytodataframe_cellpainting_mini`` (see its README for source and licence); without
``LEXICON_DATA`` only simulated ones are drawn. ``--statistics`` prints histograms and power spectra of both.
``--docs docs/images/simulator`` draws the pictures of the documentation instead.
"""

from __future__ import annotations

import argparse
import itertools
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import imageio.v3 as iio
import numpy as np
import numpy.typing as npt
import tifffile

from napari_lexicon.samples.blood import SmearSettings, render_smear
from napari_lexicon.samples.brightfield import Look, render_brightfield
from napari_lexicon.samples.cells import Crowd
from napari_lexicon.samples.field import BRIGHTNESS, CHANNELS, FieldSettings, render_field
from napari_lexicon.samples.optics import Optics
from napari_lexicon.samples.phenotypes import PHENOTYPES
from napari_lexicon.samples.stained import Stain, TissueSettings, render_tissue

Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Pair:
    """A real field, its channels as (plane, marker), and the settings that stand beside it."""

    file: str
    planes: tuple[tuple[int, str], ...]
    settings: FieldSettings


PAIRS = {
    "jump": Pair(
        "JUMP_BR00117006_A01_f1.tif",
        ((2, "DNA"), (1, "RNA"), (0, "AGP")),
        FieldSettings(
            shape=(1080, 1080),
            channels=("DNA", "RNA", "AGP"),
            crowd=Crowd(cell_diameter_px=70, confluence=0.95, unevenness=0.6),
        ),
    ),
    "nf1": Pair(
        "NF1_Plate2_D7_s1.tif",
        ((0, "DNA"), (1, "ER"), (2, "Actin")),
        FieldSettings(
            shape=(904, 1224),
            channels=("DNA", "ER", "Actin"),
            crowd=Crowd(
                cell_diameter_px=230, confluence=1.0, spindles=0.5, protrusions=3.0, nucleus_fraction=0.28, fibres=2.0
            ),
            optics=Optics(blur_px=1.0, haze=0.1, photons_per_grey=1.5),
        ),
    ),
    "pedcancer": Pair(
        "PedCancer_BR00143976_C03_f3.tif",
        ((4, "DNA"), (5, "RNA"), (2, "AGP"), (3, "Mito")),
        FieldSettings(
            shape=(1080, 1080),
            channels=("DNA", "RNA", "AGP", "Mito"),
            crowd=Crowd(cell_diameter_px=92, confluence=0.2, unevenness=0.35, spindles=0.2),
            optics=Optics(blur_px=1.6, haze=0.28, dust=1.5),
        ),
    ),
}


def stretched(image: npt.NDArray[np.float64], low: float = 0.5, high: float = 99.7) -> Grey:
    """Percentile stretch with the gamma of a viewer, uint8."""
    a, b = np.percentile(image, [low, high])
    return (np.clip((image - a) / max(b - a, 1), 0, 1) ** 0.7 * 255).astype(np.uint8)


def side_by_side(rows: list[list[Grey]], gap: int = 6) -> Grey:
    """Panels in rows, a grey line between."""
    lines = []
    for row in rows:
        parts = [np.pad(panel, ((gap, 0), (gap, 0)), constant_values=110) for panel in row]
        lines.append(np.concatenate(parts, axis=1))
    width = max(line.shape[1] for line in lines)
    return np.concatenate([np.pad(line, ((0, 0), (0, width - line.shape[1]))) for line in lines], axis=0)


def real_and_simulated(name: str, data: Path, out: Path, crop: int, seed: int, statistics: bool) -> None:
    """Full fields (halved) and a crop at 1:1, real above simulated."""
    pair = PAIRS[name]
    real = tifffile.imread(data / "cytodataframe_cellpainting_mini" / pair.file).astype(np.float64)
    simulated = render_field(pair.settings, np.random.default_rng(seed)).image.astype(np.float64)
    planes = [(real[index], simulated[place]) for place, (index, _) in enumerate(pair.planes)]
    top, left = (real.shape[1] - crop) // 2, (real.shape[2] - crop) // 2
    window = np.s_[top : top + crop, left : left + crop]
    crops = [[stretched(plane[side])[window] for plane in planes] for side in (0, 1)]
    fulls = [[stretched(plane[side])[::2, ::2] for plane in planes] for side in (0, 1)]
    iio.imwrite(out / f"{name}_crop.png", side_by_side(crops))
    iio.imwrite(out / f"{name}_full.png", side_by_side(fulls))
    if statistics:
        for (_, marker), (a, b) in zip(pair.planes, planes, strict=True):
            for side, plane in (("real", a), ("simulated", b)):
                print(
                    f"{name:10} {marker:5} {side:10} percentiles",
                    *np.percentile(plane, [1, 25, 50, 75, 95, 99, 99.9]).astype(int),
                )
                print(f"{name:10} {marker:5} {side:10} spectrum   ", *np.round(spectrum(plane), 2))


def spectrum(plane: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Log10 power in octaves of spatial frequency, relative to the lowest."""
    side = min(plane.shape)
    window = np.hanning(side)[:, None] * np.hanning(side)[None, :]
    power = np.abs(np.fft.rfft2((plane[:side, :side] - plane.mean()) * window)) ** 2
    radius = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    edges = [0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.25, 0.35, 0.5]
    bands = [np.log10(power[(radius >= a) & (radius < b)].mean()) for a, b in itertools.pairwise(edges)]
    return np.array(bands) - bands[0]


def phenotypes(names: tuple[str, ...], out: Path, seed: int, size: int) -> None:
    """Each phenotype in five channels: control, then strength 0.3, 0.65 and 1 in the same cells."""
    base = FieldSettings(shape=(size, size))
    for name in names:
        rows = []
        for strength in (0.0, 0.3, 0.65, 1.0):
            settings = replace(base, phenotype=name, strength=strength, penetrance=1.0 if strength else 0.0)
            image = render_field(settings, np.random.default_rng(seed)).image.astype(np.float64)
            rows.append([_fixed(image[index], channel) for index, channel in enumerate(CHANNELS)])
        iio.imwrite(out / f"phenotype_{name}.png", side_by_side(rows))


def _fixed(image: npt.NDArray[np.float64], channel: str) -> Grey:
    """The same window for control and treated."""
    low = Optics().offset + Optics().background
    high = low + BRIGHTNESS[channel] * 2.4
    return (np.clip((image - low) / (high - low), 0, 1) ** 0.7 * 255).astype(np.uint8)


def looks(out: Path, seed: int, size: int) -> None:
    """Unstained and stained renderings in one row each."""
    field = FieldSettings(shape=(size, size), crowd=Crowd(cell_diameter_px=92, confluence=0.5))
    grey = [render_brightfield(field, np.random.default_rng(seed), look).image[0] for look in get_args(Look)]
    sections = [TissueSettings(shape=(size, size), cell_diameter_px=58, stain=stain) for stain in get_args(Stain)]
    colour = [render_tissue(section, np.random.default_rng(seed)).image for section in sections]
    colour.append(render_smear(SmearSettings(shape=(size, size), white=0.1), np.random.default_rng(seed)).image)
    top = np.concatenate([stretched(image.astype(np.float64), 0.3) for image in grey], axis=1)
    bottom = np.concatenate([image.transpose(1, 2, 0).astype(np.uint8) for image in colour], axis=1)
    iio.imwrite(out / "looks.png", np.concatenate([np.repeat(top[..., None], 3, axis=2), bottom]))


TELLING = {
    "mitotic_arrest": "DNA",
    "multinucleation": "DNA",
    "apoptosis": "RNA",
    "nuclear_shrinkage": "DNA",
    "mito_fragmentation": "Mito",
    "stress_fibres": "AGP",
    "golgi_scatter": "AGP",
    "translocation": "ER",
}


def documentation(out: Path) -> None:
    """The pictures of ``docs/explanation/simulated-plate.md``: nothing but simulated pixels."""
    field = render_field(FieldSettings(shape=(360, 360)), np.random.default_rng(12)).image.astype(np.float64)
    write_jpeg(out / "channels.jpg", side_by_side([[stretched(plane, 0.5, 99.8) for plane in field]]))
    columns = []
    for name, channel in TELLING.items():
        base = FieldSettings(shape=(230, 230), channels=tuple({channel: 0, "ER": 0}), phenotype=name)
        column = []
        for strength in (0.0, 0.3, 1.0):
            settings = replace(base, strength=strength, penetrance=1.0 if strength else 0.0)
            column.append(
                _fixed(render_field(settings, np.random.default_rng(12)).image[0].astype(np.float64), channel)
            )
        columns.append(column)
    write_jpeg(out / "phenotypes.jpg", side_by_side([list(row) for row in zip(*columns, strict=True)]))
    looks(out, 3, 360)
    picture = iio.imread(out / "looks.png")
    (out / "looks.png").unlink()
    write_jpeg(out / "looks.jpg", picture)


def write_jpeg(path: Path, picture: Grey) -> None:
    """A small file."""
    iio.imwrite(path, picture, quality=82)


def main() -> None:
    """Parse the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("montages"))
    parser.add_argument("--pairs", nargs="*", default=list(PAIRS))
    parser.add_argument("--phenotypes", nargs="*", default=list(PHENOTYPES))
    parser.add_argument("--crop", type=int, default=448)
    parser.add_argument("--size", type=int, default=320)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--statistics", action="store_true")
    parser.add_argument("--docs", type=Path)
    options = parser.parse_args()
    if options.docs:
        options.docs.mkdir(parents=True, exist_ok=True)
        documentation(options.docs)
        return
    options.out.mkdir(parents=True, exist_ok=True)
    data = os.environ.get("LEXICON_DATA")
    if data:
        for name in options.pairs:
            real_and_simulated(name, Path(data), options.out, options.crop, options.seed, options.statistics)
    phenotypes(tuple(options.phenotypes), options.out, options.seed, options.size)
    looks(options.out, options.seed, options.size)


if __name__ == "__main__":
    main()
