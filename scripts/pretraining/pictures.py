"""Where the pictures come from: simulated plates with their truth, real sets without labels, drawn textures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import numpy.typing as npt
import tifffile
from scipy.ndimage import gaussian_filter, zoom

from napari_lexicon.backbones.preprocessing import IntensityWindow, apply_windows, estimate_windows
from napari_lexicon.samples.blood import SmearSettings, render_smear
from napari_lexicon.samples.brightfield import render_brightfield
from napari_lexicon.samples.cells import Crowd
from napari_lexicon.samples.field import CHANNELS, FieldSettings, RenderedField, render_field
from napari_lexicon.samples.markers import PAINTERS
from napari_lexicon.samples.optics import Optics
from napari_lexicon.samples.phenotypes import PHENOTYPES
from napari_lexicon.samples.stained import TissueSettings, render_tissue

from .truths import MARKERS

Array = npt.NDArray[np.float32]

FIELD = 384
"""Side of the pictures that crops are cut from, pixels."""


@dataclass(frozen=True, eq=False)
class Picture:
    """One channel of one field.

    Parameters
    ----------
    pixels : (FIELD, FIELD) float32
        Windowed intensities.
    source : str
        Set or generator it comes from.
    marker : int
        Index of the simulated marker, -1 where there is none.
    truth : RenderedField, optional
        Of the whole field.
    """

    pixels: Array
    source: str
    marker: int = -1
    truth: RenderedField | None = None


def simulated_pictures(seed: int) -> Iterator[Picture]:
    """Endless: small plates with one look each, untreated and treated fields in them, windows per plate.

    Six in ten are fluorescence, the rest unstained cells, stained sections and blood smears.
    """
    rng = np.random.default_rng([seed, 1])
    while True:
        kind = rng.choice(["fluorescence", "unstained", "tissue", "smear"], p=[0.62, 0.12, 0.13, 0.13])
        yield from _KINDS[str(kind)](rng)


def _fluorescence(rng: np.random.Generator) -> Iterator[Picture]:
    look = look_of_a_plate(rng)
    fields = [render_field(treated(look, rng), rng) for _ in range(6)]
    windows = estimate_windows(field.image for field in fields)
    for field in fields:
        for name, pixels in zip(look.channels, apply_windows(field.image, windows), strict=True):
            yield Picture(pixels, "simulator", MARKERS.index(name), field)


def _unstained(rng: np.random.Generator) -> Iterator[Picture]:
    settings = look_of_a_plate(rng)
    look = str(rng.choice(["brightfield", "phase", "dic"]))
    contrast = rng.uniform(0.5, 1.6)
    fields = [render_brightfield(treated(settings, rng), rng, look, contrast) for _ in range(6)]  # type: ignore[arg-type]
    windows = estimate_windows(field.image for field in fields)
    for field in fields:
        yield Picture(apply_windows(field.image, windows)[0], "simulator", MARKERS.index(look), field)


def _tissue(rng: np.random.Generator) -> Iterator[Picture]:
    settings = TissueSettings(
        shape=(FIELD, FIELD),
        cell_diameter_px=float(np.exp(rng.normal(np.log(32), 0.4)).clip(12, 90)),
        stain="he" if rng.random() < 0.6 else "ihc",
        cellularity=rng.uniform(0.3, 1.2),
        amount=(rng.uniform(0.6, 1.5), rng.uniform(0.5, 1.6)),
        positive=rng.uniform(0.02, 0.6),
        blur_px=rng.uniform(0.5, 1.6),
        noise=rng.uniform(1.0, 5.0),
    )
    for _ in range(3):
        yield from _coloured(render_tissue(settings, rng), settings.stain)


def _smear(rng: np.random.Generator) -> Iterator[Picture]:
    settings = SmearSettings(
        shape=(FIELD, FIELD),
        red_diameter_px=float(np.exp(rng.normal(np.log(75), 0.4)).clip(20, 140)),
        density=rng.uniform(0.2, 0.9),
        white=rng.uniform(0.02, 0.2),
        amount=rng.uniform(0.6, 1.5),
        blur_px=rng.uniform(0.7, 2.5),
        noise=rng.uniform(1.0, 5.0),
    )
    for _ in range(3):
        yield from _coloured(render_smear(settings, rng), "smear")


def _coloured(field: RenderedField, look: str) -> Iterator[Picture]:
    """Red, green and blue, in the fixed window of colour images."""
    for pixels in apply_windows(field.image, [IntensityWindow(0.0, 255.0)] * 3):
        yield Picture(pixels, "simulator", MARKERS.index(look), field)


_KINDS = {"fluorescence": _fluorescence, "unstained": _unstained, "tissue": _tissue, "smear": _smear}


def look_of_a_plate(rng: np.random.Generator) -> FieldSettings:
    """One look: cell line, microscope, camera, staining."""
    crowd = Crowd(
        cell_diameter_px=float(np.exp(rng.normal(np.log(55), 0.5)).clip(12, 130)),
        confluence=rng.uniform(0.2, 1.2),
        unevenness=rng.uniform(0.1, 1.0),
        size_spread=rng.uniform(0.1, 0.3),
        spindles=rng.uniform(0.0, 0.5) if rng.random() < 0.4 else rng.uniform(0.0, 0.15),
        nucleus_fraction=rng.uniform(0.33, 0.55),
        mitotic=rng.uniform(0.01, 0.08),
        dead=rng.uniform(0.0, 0.04),
        stain_spread=rng.uniform(0.1, 0.4),
    )
    optics = Optics(
        blur_px=rng.uniform(0.5, 1.8),
        defocus_px=rng.uniform(0.0, 2.0) if rng.random() < 0.3 else 0.0,
        haze=rng.uniform(0.05, 0.45),
        photons_per_grey=float(10 ** rng.uniform(-1.3, 1.2)),
        read_noise=rng.uniform(2.0, 30.0),
        offset=rng.uniform(0, 300),
        background=rng.uniform(30, 700),
        vignette=rng.uniform(0.0, 0.3),
        illumination_seed=int(rng.integers(2**31)),
        dust=rng.uniform(0.0, 2.0),
        bit_depth=int(rng.choice([8, 12, 16])),
    )
    every = list(PAINTERS)
    channels = CHANNELS if rng.random() < 0.5 else tuple(str(name) for name in rng.choice(every, 5, replace=False))
    gain = tuple(float(g) for g in np.exp(rng.normal(0, 0.5, len(channels))))
    if optics.bit_depth == 8:  # a camera of few levels is set to use them
        gain = tuple(min(2.0 * g, 8.0) for g in gain)
    reporter = str(rng.choice(channels)) if rng.random() < 0.7 else None
    return FieldSettings((FIELD, FIELD), channels=channels, crowd=crowd, optics=optics, gain=gain, reporter_in=reporter)


def treated(plate: FieldSettings, rng: np.random.Generator) -> FieldSettings:
    if rng.random() < 0.3:
        return plate
    phenotype = PHENOTYPES[int(rng.integers(len(PHENOTYPES)))]
    return replace(plate, phenotype=phenotype, strength=rng.uniform(0.3, 1.0), penetrance=rng.uniform(0.3, 1.0))


@dataclass(frozen=True)
class RealSet:
    """A set of images with its licence.

    Parameters
    ----------
    name : str
        Folder under ``LEXICON_DATA``.
    pattern : str
        Which files, as for ``Path.glob``.
    licence : str
        For the model card.
    rgb : bool
        Colour images: three channels with fixed windows.
    """

    name: str
    pattern: str
    licence: str
    rgb: bool = False


REAL_SETS = (
    RealSet(
        "bbbc016_transfluor_gfp", "images/*.TIF", "CC BY 3.0 (BBBC016v1, provided by Ilya Ravkin; Ljosa et al. 2012)"
    ),
    RealSet("cytodataframe_cellpainting_mini", "*.tif", "BSD-3-Clause (cytomining/CytoDataFrame)"),
    RealSet("cellprofiler_examples", "*.tif", "BSD-3-Clause, human field CC0 (CellProfiler/examples)"),
    RealSet("dsb2018_fluorescence", "images/*.png", "CC0 1.0 (Data Science Bowl 2018, BBBC038)"),
    RealSet("bccd_blood", "images/*.jpg", "MIT (Shenggan/BCCD_Dataset)", rgb=True),
    RealSet("openslide_qupath_crops", "images/*.tif", "free to use and distribute (OpenSlide test data)", rgb=True),
)

BUNDLED = [
    "brick.png",
    "camera.png",
    "cell.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "ihc.png",
    "microaneurysms.png",
    "moon.png",
    "page.png",
    "retina.jpg",
    "text.png",
]
"""Pictures that come with scikit-image (public domain, CC0 or the library's own BSD licence)."""


def real_pictures(leave_out: tuple[str, ...], seed: int) -> Iterator[Picture]:
    """Endless: crops of the real sets, all sets equally often, at changing scale; nothing where there is no data."""
    rng = np.random.default_rng([seed, 2])
    root = os.environ.get("LEXICON_DATA")
    sets = [_planes(Path(root) / real.name, real) for real in REAL_SETS if root and real.name not in leave_out]
    groups = [(name, plates) for name, plates in sets if plates] + [_bundled_planes()]
    while groups:
        name, plates = groups[int(rng.integers(len(groups)))]
        planes = plates[int(rng.integers(len(plates)))]
        yield Picture(_scaled_crop(planes[int(rng.integers(len(planes)))], rng), name)


def _planes(folder: Path, real: RealSet) -> tuple[str, list[list[Array]]]:
    """Per plate, all channels of all images, windowed per plate and channel; plates are told by the file names."""
    plates: dict[tuple[Any, ...], list[Any]] = {}
    for path in sorted(folder.glob(real.pattern)):
        if "_mask_" in path.name:
            continue
        image = _channels_first(
            iio.imread(path) if path.suffix in (".png", ".jpg") else tifffile.imread(path), real.rgb
        )
        # Loose images of unlike instruments are plates of their own; series of one instrument share a window.
        loose = real.name == "dsb2018_fluorescence"
        key = (path.name,) if loose else (path.name[:10], str(image.dtype), len(image))
        plates.setdefault(key, []).append(image)
    result: list[list[Array]] = []
    for images in plates.values():
        if images[0].shape[0] > 8:  # a film of one channel
            images = [frame[None] for film in images for frame in film]
        windows = estimate_windows(images, rgb=real.rgb)
        result.append([plane for image in images for plane in apply_windows(image, windows)])
    return real.name, result


def _channels_first(image: npt.NDArray[Any], rgb: bool) -> npt.NDArray[Any]:
    if image.ndim == 2:
        return image[None]
    return np.moveaxis(image[..., :3], -1, 0) if rgb else image


def _bundled_planes() -> tuple[str, list[list[Array]]]:
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    images = [iio.imread(folder / name) for name in BUNDLED if (folder / name).is_file()]
    return "scikit-image", [list(_channels_first(image, image.ndim == 3).astype(np.float32) / 255) for image in images]


def _scaled_crop(plane: Array, rng: np.random.Generator) -> Array:
    """A square of ``FIELD`` pixels at 0.5 to 2 times the scale; small images are mirrored outwards."""
    scale = float(2 ** rng.uniform(-1, 1)) if rng.random() < 0.6 else 1.0
    side = int(np.ceil(FIELD / scale))
    y, x = (int(rng.integers(max(1, size - side + 1))) for size in plane.shape)
    crop = plane[y : y + side, x : x + side]
    crop = np.pad(crop, [(0, side - size) for size in crop.shape], mode="symmetric")
    if scale < 1:
        crop = gaussian_filter(crop, 0.35 / scale)
    return zoom(crop, FIELD / side, order=1, grid_mode=True, mode="nearest")[:FIELD, :FIELD] if scale != 1 else crop


def drawn_pictures(seed: int) -> Iterator[Picture]:
    """Endless: spots, rings, threads, patches and clouds of random size, alone and on top of each other."""
    rng = np.random.default_rng([seed, 3])
    while True:
        picture = np.zeros((FIELD, FIELD), np.float32)
        for _ in range(int(rng.integers(1, 4))):
            layer = _LAYERS[int(rng.integers(len(_LAYERS)))](rng)
            picture = picture + rng.uniform(0.2, 1.2) * layer
        yield Picture(gaussian_filter(picture, rng.uniform(0.4, 1.5)), "textures")


def _spots(rng: np.random.Generator) -> Array:
    """Gaussian spots of one size, in clusters or evenly, some as rings."""
    sigma, count = 2 ** rng.uniform(0, 3.5), int(2 ** rng.uniform(2, 9))
    points = np.zeros((FIELD, FIELD), np.float32)
    y, x = rng.integers(0, FIELD, (2, count))
    if rng.random() < 0.4:
        centre = rng.integers(0, count, count)
        y, x = (np.mod(v[centre] + rng.normal(0, 25, count), FIELD).astype(int) for v in (y, x))
    np.add.at(points, (y, x), rng.lognormal(0, 0.5, count))
    spots = gaussian_filter(points, sigma) * 6.3 * sigma**2
    if rng.random() < 0.3:
        spots = np.maximum(spots - gaussian_filter(points, 0.6 * sigma) * 6.3 * (0.6 * sigma) ** 2, 0)
    return np.asarray(np.clip(spots, 0, 3), np.float32)


def _threads(rng: np.random.Generator) -> Array:
    """Ridges of a smooth random field: a mesh of threads, in one direction or in all."""
    width = 2 ** rng.uniform(1, 4)
    sigma = (width, width * 2 ** rng.uniform(0, 2)) if rng.random() < 0.5 else (width, width)
    cloud = gaussian_filter(rng.normal(size=(FIELD, FIELD)), sigma)
    return np.asarray(np.exp(-((cloud / (0.3 * cloud.std())) ** 2)), np.float32)


def _patches(rng: np.random.Generator) -> Array:
    """Regions of even brightness with sharp borders."""
    from scipy.spatial import cKDTree

    seeds = rng.uniform(0, FIELD, (int(2 ** rng.uniform(3, 8)), 2))
    grid = np.argwhere(np.ones((FIELD, FIELD), bool))
    distance, owner = cKDTree(seeds).query(grid, k=2)
    level = np.where(rng.random(len(seeds)) < rng.uniform(0.2, 1), rng.uniform(0.1, 1, len(seeds)), 0)
    gap = distance[:, 1] - distance[:, 0] > rng.uniform(0, 6)
    return np.asarray((level[owner[:, 0]] * gap).reshape(FIELD, FIELD), np.float32)


def _cloud(rng: np.random.Generator) -> Array:
    """Noise with a power-law spectrum."""
    f = np.hypot(np.fft.fftfreq(FIELD)[:, None], np.fft.rfftfreq(FIELD)[None, :])
    f[0, 0] = 1
    spectrum = np.fft.rfft2(rng.normal(size=(FIELD, FIELD))) * f ** -rng.uniform(0.5, 2)
    cloud = np.fft.irfft2(spectrum, (FIELD, FIELD))
    return np.asarray(np.clip(0.5 + 0.25 * cloud / cloud.std(), 0, 2), np.float32)


_LAYERS = (_spots, _spots, _threads, _patches, _cloud)
