"""A cache of crops with their targets on the local disk, so that drawing them is not what training waits for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from napari_lexicon.backbones.builtin import compressed

from .disturbances import disturbed
from .measures import measures
from .pictures import FIELD, Picture, drawn_pictures, real_pictures, simulated_pictures
from .truths import AMOUNTS, STATES, truths

Array = npt.NDArray[np.float32]

CROP = 192
SHARD_PICTURES = 240


@dataclass(frozen=True)
class CacheSettings:
    """What a cache holds.

    Parameters
    ----------
    shards : int
        Number of shards of ``SHARD_PICTURES`` pictures; each picture gives four crops.
    leave_out : tuple of str
        Real sets that must not be seen.
    simulated, real : float
        Share of simulated and of real pictures; the rest is drawn textures.
    patch : int
        Side of a patch, pixels.
    seed : int
        Of everything random.
    """

    shards: int
    leave_out: tuple[str, ...] = ()
    simulated: float = 0.62
    real: float = 0.25
    patch: int = 16
    seed: int = 0


def write_cache(folder: Path, settings: CacheSettings, workers: int = 1) -> None:
    """Write the shards that are not there yet. A shard depends on its number and the settings alone."""
    folder.mkdir(parents=True, exist_ok=True)
    description = folder / "settings.json"
    if description.is_file() and json.loads(description.read_text()) != json.loads(json.dumps(asdict(settings))):
        known = {**json.loads(description.read_text()), "shards": settings.shards}
        if known != json.loads(json.dumps(asdict(settings))):
            raise SystemExit(f"{folder} holds a cache of other settings; give another folder.")
    description.write_text(json.dumps(asdict(settings), indent=1))
    missing = [index for index in range(settings.shards) if not _shard(folder, index).is_file()]
    with ProcessPoolExecutor(workers) as pool:
        for index in pool.map(_write_shard, [(folder, settings, index) for index in missing]):
            print(f"shard {index} of {settings.shards}", flush=True)


def _shard(folder: Path, index: int) -> Path:
    return folder / f"shard{index:04d}.npz"


def _write_shard(job: tuple[Path, CacheSettings, int]) -> int:
    folder, settings, index = job
    torch.set_num_threads(1)
    pixels, made, known, markers, sources = [], [], [], [], []
    rng = np.random.default_rng([settings.seed, index])
    names: list[str] = []
    told_of: tuple[object, npt.NDArray[np.float32]] = (None, np.zeros(0, np.float32))
    grid = FIELD // settings.patch
    unknown = np.full((grid, grid, len(AMOUNTS) + len(STATES)), np.nan, np.float32)
    for picture in _mixed(settings, index):
        shown = disturbed(picture.pixels, rng)
        values = measures(compressed(torch.from_numpy(shown)).numpy(), settings.patch)
        names = list(values)
        stacked = np.stack(list(values.values()), -1)
        if picture.truth is not None and picture.truth is not told_of[0]:  # once for all channels of a field
            truth = truths(picture.truth, settings.patch)
            told_of = picture.truth, np.stack([truth[key] for key in (*AMOUNTS, *STATES)], -1)
        told = unknown if picture.truth is None else told_of[1]
        for y in range(0, FIELD, CROP):
            for x in range(0, FIELD, CROP):
                tokens = np.s_[
                    y // settings.patch : (y + CROP) // settings.patch,
                    x // settings.patch : (x + CROP) // settings.patch,
                ]
                pixels.append(shown[y : y + CROP, x : x + CROP].astype(np.float16))
                made.append(stacked[tokens].astype(np.float16))
                known.append(told[tokens].astype(np.float16))
                markers.append(picture.marker)
                sources.append(picture.source)
    part = folder / f"part{index:04d}.npz"
    np.savez(
        part,
        pixels=np.stack(pixels),
        measures=np.stack(made),
        truths=np.stack(known),
        markers=np.array(markers, np.int8),
        sources=np.array(sources),
        measure_names=np.array(names),
    )
    part.rename(_shard(folder, index))
    return index


def _mixed(settings: CacheSettings, index: int) -> Iterator[Picture]:
    """``SHARD_PICTURES`` pictures of all kinds in the settings' shares."""
    seed = settings.seed * 100_000 + index
    simulated = round(SHARD_PICTURES * settings.simulated)
    real = round(SHARD_PICTURES * settings.real)
    for pictures, count in (
        (simulated_pictures(seed), simulated),
        (real_pictures(settings.leave_out, seed), real),
        (drawn_pictures(seed), SHARD_PICTURES - simulated - real),
    ):
        for _, picture in zip(range(count), pictures, strict=False):
            yield picture


@dataclass(frozen=True, eq=False)
class Crops:
    """All crops of a cache in memory.

    Parameters
    ----------
    pixels : (N, CROP, CROP) float16
        Windowed intensities.
    measures : (N, g, g, H) float16
        Hand-made measures, not standardised.
    truths : (N, g, g, D) float16
        Amounts, then states; NaN where the picture is not simulated.
    markers : (N,) int8
        Simulated marker, -1 where there is none.
    sources : (N,) str
    measure_names : tuple of str
    """

    pixels: npt.NDArray[np.float16]
    measures: npt.NDArray[np.float16]
    truths: npt.NDArray[np.float16]
    markers: npt.NDArray[np.int8]
    sources: npt.NDArray[np.str_]
    measure_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.pixels)


def read_cache(folder: Path) -> Crops:
    """Every finished shard."""
    shards = [np.load(path) for path in sorted(folder.glob("shard*.npz"))]
    if not shards:
        raise SystemExit(f"{folder} holds no shards: run the cache stage first.")
    joined = {
        key: np.concatenate([shard[key] for shard in shards])
        for key in ("pixels", "measures", "truths", "markers", "sources")
    }
    return Crops(**joined, measure_names=tuple(str(name) for name in shards[0]["measure_names"]))
