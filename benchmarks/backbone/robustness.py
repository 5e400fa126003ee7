"""How far do the features of the built-in model move when a picture is taken differently?

    LEXICON_DATA=... python benchmarks/backbone/robustness.py [--quick] [--json FILE]

Fields are disturbed (exposure, focus, pixel size, bit depth, a missing channel) and described again. Compared is every
feature patch by patch, and its means over fields, by its sparse code and by its direction; beside the patches stands
how far a move of the field by half a patch gets, beside the fields intensity statistics under the same disturbance.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import numpy as np
import numpy.typing as npt
import pandas as pd
import tifffile
import torch
from handmade import intensities
from real import data_folder
from scipy import ndimage
from simulated import chosen_wells, plate_settings, rendered_fields

from napari_lexicon.backbones import Backbone, apply_windows, estimate_windows, field_tokens, load_backbone
from napari_lexicon.backbones.background import lit_patches
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.file_format import load_dictionary
from napari_lexicon.jobs.applying import dictionary_path

Image = npt.NDArray[Any]
Array = npt.NDArray[np.float64]

SEED = 101
"""Of the simulated plate: the one that the other benchmarks render, unseen in training."""
LEAST_SHARE = 0.01
"""A feature counts in a channel where it is positive on so many of the patches that show something."""
READINGS = ("code", "direction")


@dataclass(frozen=True)
class Disturbance:
    """Another way to have taken the same picture.

    Parameters
    ----------
    name : str
    change : callable
        Grey values ``(C, Y, X)`` and the dark level of each channel to other grey values.
    windows : bool
        Estimate the plate's windows again.
    scale, shift : float
        Pixel ``p`` of the original is pixel ``scale * p - shift`` afterwards.
    """

    name: str
    change: Callable[[Image, Array], Image]
    windows: bool = True
    scale: float = 1.0
    shift: float = 0.0


def brighter(gain: float) -> Callable[[Image, Array], Image]:
    """Exposure times ``gain``: what lies above the dark level; the range of the camera stays."""

    def change(image: Image, dark: Array) -> Image:
        return _as_stored(dark[:, None, None] + (image - dark[:, None, None]) * gain, image.dtype)

    return change


def blurred(sigma: float) -> Callable[[Image, Array], Image]:
    """Out of focus: a Gaussian of ``sigma`` pixels."""
    return lambda image, _: _as_stored(
        np.stack([ndimage.gaussian_filter(plane.astype(np.float32), sigma) for plane in image]), image.dtype
    )


def resampled(pixel_size: float) -> Callable[[Image, Array], Image]:
    """Pixels of ``pixel_size`` times the length: below 1, everything takes more pixels."""

    def change(image: Image, _: Array) -> Image:
        wide = image.astype(np.float32)
        if pixel_size > 1:  # what the larger pixel averages over
            wide = np.stack([ndimage.gaussian_filter(plane, 0.4 * pixel_size) for plane in wide])
        zoomed = ndimage.zoom(wide, (1, 1 / pixel_size, 1 / pixel_size), order=1, mode="nearest", grid_mode=True)
        return _as_stored(zoomed, image.dtype)

    return change


def in_8_bits(of: float) -> Callable[[Image, Array], Image]:
    """Saved as 8 bits, with grey value ``of`` becoming 255."""
    return lambda image, _: np.clip(np.rint(image.astype(np.float32) * (255 / of)), 0, 255).astype(np.uint8)


REFERENCE = Disturbance("moved by half a patch", lambda image, _: image[:, 8:, 8:], False, shift=8.0)
DISTURBANCES = [
    Disturbance("moved by a whole patch", lambda image, _: image[:, 16:, 16:], False, shift=16.0),
    Disturbance("exposure x 0.5, windows kept", brighter(0.5), False),
    Disturbance("exposure x 0.5, windows anew", brighter(0.5)),
    Disturbance("exposure x 2, windows kept", brighter(2.0), False),
    Disturbance("exposure x 2, windows anew", brighter(2.0)),
    Disturbance("blur of 1 px", blurred(1.0)),
    Disturbance("blur of 2 px", blurred(2.0)),
    Disturbance("pixel size x 0.75", resampled(0.75), scale=1 / 0.75),
    Disturbance("pixel size x 1.33", resampled(1.33), scale=1 / 1.33),
]
FEWER_BITS = [Disturbance("8 bits, whole range", in_8_bits(65535.0))]


@dataclass(frozen=True, eq=False)
class Seen:
    """A set of fields as one reading of the features and intensity statistics see it.

    Parameters
    ----------
    maps : list of (C, gh, gw, F) tensor
        Activations, or how far patches lie along features; 0 where a patch is dark.
    lit : list of (C, gh, gw) bool
    fields : (N, C, F)
        Means over the patches that show something.
    statistics : (N, C, S)
        Intensity statistics of the fields.
    """

    maps: list[torch.Tensor]
    lit: list[torch.Tensor]
    fields: Array
    statistics: Array


@dataclass(frozen=True, eq=False)
class Model:
    """Backbone and dictionary."""

    backbone: Backbone
    dictionary: Dictionary

    def maps(self, image: npt.NDArray[np.float32]) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """``(C, gh, gw, F)`` by each reading, and ``(C, gh, gw)`` which patches show something."""
        tokens = field_tokens(self.backbone, image, batch=32)
        lit = torch.from_numpy(lit_patches(image, self.backbone.spec.patch))
        flat = tokens.flatten(0, 2)
        codes = self.dictionary.encode(flat).merged()
        dense = torch.zeros((len(codes.indices), self.dictionary.n_features))
        dense.scatter_add_(1, codes.indices, codes.values.clamp(min=0))
        along = self.dictionary.whitening.whiten(flat) @ self.dictionary.atoms.T
        found = dict(zip(READINGS, (dense, along), strict=True))
        return {name: values.reshape(*tokens.shape[:3], -1) * lit[..., None] for name, values in found.items()}, lit


def seen(model: Model, images: Sequence[Image], how: Disturbance | None = None) -> dict[str, Seen]:
    """Describe fields of one plate by each reading, disturbed or as they are."""
    windows = estimate_windows(images)
    taken = list(images)
    if how is not None:
        dark = np.array([window.low for window in windows])
        taken = [how.change(image, dark) for image in images]
        windows = estimate_windows(taken) if how.windows else windows
    maps: dict[str, list[torch.Tensor]] = {reading: [] for reading in READINGS}
    lit, statistics = [], []
    for image in taken:
        windowed = apply_windows(image, windows)
        values, shows = model.maps(windowed)
        for reading in READINGS:
            maps[reading].append(values[reading])
        lit.append(shows)
        statistics.append([intensities(plane) for plane in windowed])
    result = {}
    for reading, own in maps.items():
        means = [v.sum((1, 2)) / s.sum((1, 2)).clamp(min=1)[:, None] for v, s in zip(own, lit, strict=True)]
        result[reading] = Seen(own, lit, torch.stack(means).double().numpy(), np.array(statistics))
    return result


def compared(before: Seen, after: Seen, how: Disturbance, patch: int) -> dict[str, float]:
    """How much of what was seen before is seen afterwards."""
    shown = torch.cat([lit.flatten(1) for lit in before.lit], 1)
    first = torch.cat([values.flatten(1, 2) for values in before.maps], 1)
    second = torch.cat(
        [
            _laid_on(values, old.shape[1:3], how, patch).flatten(1, 2)
            for old, values in zip(before.maps, after.maps, strict=True)
        ],
        1,
    )
    correlations, cosines, strangers = [], [], []
    counts = np.zeros(before.fields.shape[1:], bool)
    shuffle = np.random.default_rng(0)
    for channel, here in enumerate(shown):
        a, b = first[channel][here].double(), second[channel][here].double()
        common = (a > 0).double().mean(0) >= LEAST_SHARE
        counts[channel] = common.numpy()
        correlations.append(_correlations(a[:, common].numpy(), b[:, common].numpy()))
        cosines.append(torch.cosine_similarity(a, b).numpy())
        strangers.append(torch.cosine_similarity(a, a[shuffle.permutation(len(a))]).numpy())
    return {
        "patch correlation": float(np.median(np.concatenate(correlations))),
        "patch cosine": float(np.concatenate(cosines).mean()),
        "cosine of unlike patches": float(np.concatenate(strangers).mean()),
        **_of_fields(before.fields[:, counts], after.fields[:, counts], "features"),
        **_of_fields(_flat(before.statistics), _flat(after.statistics), "intensity statistics"),
    }


def _of_fields(before: Array, after: Array, what: str) -> dict[str, float]:
    """Correlation over fields, offset in units of the spread between fields, and fields that are found again."""
    spread = before.std(0)
    varies = spread > 1e-9
    before, after, spread = before[:, varies], after[:, varies], spread[varies]
    offset = np.abs((after - before).mean(0)) / spread
    apart = np.linalg.norm((after[:, None] - before[None]) / spread, axis=2)
    return {
        f"{what}: field correlation": float(np.median(_correlations(before, after))),
        f"{what}: offset": float(np.median(offset)),
        f"{what}: found again": float((apart.argmin(1) == np.arange(len(before))).mean()),
    }


def _flat(values: Array) -> Array:
    return values.reshape(len(values), -1)


def _correlations(a: Array, b: Array) -> Array:
    """Of every column with its own; 0 where one does not vary any more."""
    a, b = a - a.mean(0), b - b.mean(0)
    norm = np.sqrt((a**2).sum(0) * (b**2).sum(0))
    return np.asarray(np.divide((a * b).sum(0), norm, out=np.zeros(a.shape[1]), where=norm > 1e-12))


def _laid_on(values: torch.Tensor, grid: Sequence[int], how: Disturbance, patch: int) -> torch.Tensor:
    """``(C, gh', gw', F)`` activations read at the centres of the original's patches, linearly in between."""
    if how.scale == 1 and how.shift == 0:
        return values
    places = [((torch.arange(n) + 0.5) * patch * how.scale - how.shift) / patch for n in grid]
    y, x = (2 * place / size - 1 for place, size in zip(places, values.shape[1:3], strict=True))
    where = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1).float()
    read = torch.nn.functional.grid_sample(
        values.permute(0, 3, 1, 2), where.expand(len(values), -1, -1, -1), padding_mode="border", align_corners=False
    )
    return read.permute(0, 2, 3, 1)


def _as_stored(values: Image, dtype: npt.DTypeLike) -> Image:
    top = np.iinfo(dtype).max
    return np.clip(np.rint(values), 0, top).astype(dtype)


def without_one_channel(model: Model, images: Sequence[Image]) -> dict[str, float]:
    """Leave out each channel in turn: how far do the activations of the others move at most?"""
    windows = estimate_windows(images)
    largest = 0.0
    for image in images:
        whole = model.maps(apply_windows(image, windows))[0]["code"]
        for missing in range(len(image)):
            rest = [c for c in range(len(image)) if c != missing]
            part = model.maps(apply_windows(image[rest], [windows[c] for c in rest]))[0]["code"]
            largest = max(largest, float((part - whole[rest]).abs().max() / whole.abs().max()))
    return {"largest change of the other channels": largest}


def sets(quick: bool, cache: Path, workers: int) -> Iterator[tuple[str, list[Image]]]:
    """Name and fields in grey values; those of one set have been taken as one plate."""
    settings = plate_settings(SEED)
    wells = chosen_wells(settings, *((1, 4) if quick else (2, 8)))
    rendered = rendered_fields(settings, wells, cache, workers).values()
    yield "simulated", _some([image for image, _, _ in rendered], quick)
    if (place := data_folder("bbbc016_transfluor_gfp")) is not None:
        names = pd.read_csv(place / "labels.csv").query("field == 0")["image"]
        yield "BBBC016", _some([tifffile.imread(place / name)[None] for name in names], quick)
    if (place := data_folder("dsb2018_fluorescence")) is not None:
        names = pd.read_csv(place / "labels.csv")["image"].iloc[::10]
        yield "DSB 2018", _some([iio.imread(place / name)[None] for name in names], quick)


def _some(images: list[Image], quick: bool) -> list[Image]:
    """Fields spread evenly over all; for a quick look only their first corners."""
    count, side = (6, 256) if quick else (16, 512)
    chosen = np.linspace(0, len(images) - 1, min(count, len(images))).astype(int)
    return [images[index][:, :side, :side] for index in chosen]


def main() -> None:
    """Measure and print."""
    arguments = _parser().parse_args()
    torch.set_num_threads(arguments.threads)
    started = time.monotonic()
    model = Model(load_backbone("builtin", device="cpu"), load_dictionary(dictionary_path("builtin")))
    rows: list[dict[str, Any]] = []
    for name, images in sets(arguments.quick, arguments.cache, arguments.threads):
        before = seen(model, images)
        size = f"{len(images)} fields, {sum(int(lit.sum()) for lit in before['code'].lit)} patches"
        trials = [REFERENCE, *DISTURBANCES, *(FEWER_BITS if images[0].dtype == np.uint16 else [])]
        reference: dict[str, dict[str, float]] = {}
        for how in trials:
            after = seen(model, images, how)
            for reading in READINGS:
                found = compared(before[reading], after[reading], how, model.backbone.spec.patch)
                reference.setdefault(reading, found)
                rows += list(_rows(f"{name}: {how.name}, {reading}", size, found, reference[reading]))
                print(_line(name, f"{how.name}, {reading}", found), flush=True)
        if len(images[0]) > 1:
            few = images[:3]
            for metric, value in without_one_channel(model, few).items():
                print(f"{name}, a channel left out: {metric} {value:.2g} of the largest activation", flush=True)
                rows.append(_row(f"{name}: a channel left out", f"{len(few)} fields", metric, value, "nothing", 0.0))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")
    print(f"{time.monotonic() - started:.0f} s in all")


def _line(name: str, how: str, found: dict[str, float]) -> str:
    parts = [f"{name:10} {how:41} patch r {found['patch correlation']:.2f} cos {found['patch cosine']:.2f}"]
    parts.append(f"(unlike {found['cosine of unlike patches']:.2f})")
    for what in ("features", "intensity statistics"):
        values = (found[f"{what}: {metric}"] for metric in ("field correlation", "offset", "found again"))
        parts.append("| {}: field r {:.2f} offset {:.2f} found again {:.2f}".format(what, *values))
    return " ".join(parts)


def _rows(task: str, size: str, found: dict[str, float], reference: dict[str, float]) -> Iterator[dict[str, Any]]:
    """Patches beside a move of half a patch, fields beside intensity statistics."""
    yield _row(task, size, *_beside("patch correlation", found, REFERENCE.name, reference["patch correlation"]))
    yield _row(task, size, *_beside("patch cosine", found, "unlike patches", found["cosine of unlike patches"]))
    for metric in ("field correlation", "offset", "found again"):
        peer = "intensity statistics"
        yield _row(task, size, metric, found[f"features: {metric}"], peer, found[f"{peer}: {metric}"])


def _beside(metric: str, found: dict[str, float], peer: str, value: float) -> tuple[str, float, str, float]:
    return metric, found[metric], peer, value


def _row(task: str, size: str, metric: str, ours: float, peer: str, peer_value: float) -> dict[str, Any]:
    return {
        "task": task,
        "size": size,
        "metric": metric,
        "unit": "standard deviations between fields" if metric == "offset" else "1",
        "ours": round(ours, 6),
        "peer": peer,
        "peer_value": round(peer_value, 6),
        "ratio": round(ours / peer_value, 4) if peer_value else None,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few fields, for a look: not for claims")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--threads", type=int, default=1)
    cache = Path(tempfile.gettempdir()) / "napari-lexicon-benchmark"
    parser.add_argument("--cache", type=Path, default=cache, help="where rendered plates are kept")
    return parser


if __name__ == "__main__":
    main()
