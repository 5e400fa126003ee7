"""Does embedding a plate keep up with the model alone, and does memory stay the same for a larger plate?

    python benchmarks/embed/pace.py [--quick | --full] [--json FILE] [--threads 2] [--backbone builtin] [--device cpu]

Pace: the job reads an OME-Zarr plate from the disk, windows its pixels, cuts tiles, runs the model and writes tokens.
Beside it the model alone reads as many tiles that lie in memory. They take turns; the job's time is from the first
field to the last, without the loading of the model and the estimate of the windows. On a machine that does other work
the clock tells little, so the processor time is taken as well: what the model alone takes of that of the job is the
least that the pace can be on cores that are free, since whatever is not the model runs beside it.
Memory: the peak of a process that embeds a plate, and of one that embeds a plate of ten times as many fields.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from napari_lexicon.backbones import Backbone, field_tokens, load_backbone
from napari_lexicon.jobs.contract import Progress
from napari_lexicon.jobs.embedding import EmbedJob, run_embed
from napari_lexicon.lexicons.origins import plate_origin
from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.writing import PlateWriter

PACE_AIM, GROWTH_AIM = 0.9, 1.1
CHANNELS = 3


def main() -> None:
    """Measure, print, write the rows."""
    options = _parser().parse_args()
    torch.set_num_threads(options.threads)
    if options.one_plate is not None:
        _embed(options.one_plate, options)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    side, turns = (512, 2) if options.quick else (1080, 5 if options.full else 3)
    with tempfile.TemporaryDirectory(prefix="embed-pace-") as scratch:
        rows = [
            *pace(Path(scratch), side, 4 if options.quick else 6, turns, options),
            *memory(Path(scratch), side, 2 if options.quick else 4, options),
        ]
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


def pace(scratch: Path, side: int, fields: int, turns: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Tiles per second of the job and of the model alone, in turns."""
    plate = written_plate(scratch / "pace.zarr", side, fields)
    backbone = load_backbone(options.backbone, device=options.device)
    image = np.random.default_rng(0).random((CHANNELS, side, side), dtype=np.float32)
    field_tokens(backbone, image, options.batch)
    passes = passes_of(backbone, image, options.batch)
    tiles = round(fields * CHANNELS * side**2 / backbone.spec.tile**2)
    ratios, ours, bare, shares = [], [], [], []
    for _ in range(turns):
        seconds, computing = alone(backbone, passes, fields)
        job_seconds, job_computing = _embed(plate, options)
        bare.append(tiles / seconds)
        ours.append(tiles / job_seconds)
        ratios.append(seconds / job_seconds)
        shares.append(computing / job_computing)
    size = f"{fields} fields of {CHANNELS} x {side} x {side} px, {options.threads} threads"
    print(f"{size}: embed {np.median(ours):.1f} tiles/s, the model alone {np.median(bare):.1f}")
    print(f"ratio {np.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f}); aim {PACE_AIM}")
    print(f"share of the model in the processor time {np.median(shares):.3f} ({min(shares):.3f} to {max(shares):.3f})")
    return [
        row("pace of embedding", size, "tiles per second", "1/s", np.median(ours), "the model alone", np.median(bare)),
        row("pace of embedding", size, "share of the processor time", "", np.median(shares), "the model alone", 1.0),
    ]


def passes_of(backbone: Backbone, image: np.ndarray, batch: int) -> list[tuple[int, ...]]:
    """Shapes of what the model is given for one field: the work that no way of embedding gets around."""
    shapes: list[tuple[int, ...]] = []

    class Recorder:
        spec = backbone.spec

        def tokens(self, tiles: torch.Tensor) -> torch.Tensor:
            shapes.append(tuple(tiles.shape))
            return backbone.tokens(tiles)

    field_tokens(Recorder(), image, batch)
    return shapes


def alone(backbone: Backbone, passes: list[tuple[int, ...]], fields: int) -> tuple[float, float]:
    """Seconds, and seconds of the processor, that the model takes for fields that lie in memory, cut and batched."""
    pixels = [torch.rand(shape) for shape in passes]
    started, computing = time.perf_counter(), time.process_time()
    for _ in range(fields):
        for part in pixels:
            backbone.tokens(part)
    return time.perf_counter() - started, time.process_time() - computing


def memory(scratch: Path, side: int, fields: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Peak memory for a plate, and for one ten times as large."""
    peaks = []
    for times in (1, 10):
        plate = written_plate(scratch / f"memory{times}.zarr", side, fields * times)
        command = [sys.executable, __file__, "--one-plate", str(plate), "--backbone", options.backbone]
        command += ["--device", options.device, "--threads", str(options.threads), "--batch", str(options.batch)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        peaks.append(float(done.stdout.split()[-1]))
    size = f"{fields} and {10 * fields} fields of {CHANNELS} x {side} x {side} px"
    print(f"{size}: {peaks[0]:.0f} and {peaks[1]:.0f} MiB, {peaks[1] / peaks[0]:.3f} times; aim {GROWTH_AIM}")
    return [
        row("memory of embedding", size, "peak memory", "MiB", peaks[1], "a plate of a tenth of the size", peaks[0])
    ]


def row(task: str, size: str, metric: str, unit: str, ours: float, peer: str, peer_value: float) -> dict[str, Any]:
    """One row of the results."""
    values = {"ours": round(float(ours), 2), "peer": peer, "peer_value": round(float(peer_value), 2)}
    return {"task": task, "size": size, "metric": metric, "unit": unit, **values, "ratio": round(ours / peer_value, 4)}


def written_plate(path: Path, side: int, fields: int) -> Path:
    """An OME-Zarr plate of noise."""
    rng = np.random.default_rng(0)
    channels = tuple(Channel(f"channel {number}", "#FFFFFF") for number in range(CHANNELS))
    with PlateWriter(path, path.stem, 1, 1, channels, (0.65, 0.65)) as writer:
        for number in range(fields):
            image = rng.integers(100, 4000, (CHANNELS, side, side), dtype=np.uint16)
            writer.write_field("A01", str(number), image)
    return path


def _embed(plate: Path, options: argparse.Namespace) -> tuple[float, float]:
    """Seconds, and seconds of the processor, from the first field to the last."""
    marks: list[tuple[float, float]] = []

    def heard(progress: Progress) -> None:
        if progress.message.startswith("embedding") or progress.extra:
            marks.append((time.perf_counter(), time.process_time()))

    with tempfile.TemporaryDirectory(prefix="embed-pace-out-") as out:
        job = EmbedJob(
            (plate_origin(plate),),
            str(Path(out) / "x.lexicon"),
            options.backbone,
            device=options.device,
            batch=options.batch,
        )
        run_embed(job, heard)
    return marks[-1][0] - marks[0][0], marks[-1][1] - marks[0][1]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="small fields, two turns")
    size.add_argument("--full", action="store_true", help="five turns")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--backbone", default="builtin")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--one-plate", type=Path, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    main()
