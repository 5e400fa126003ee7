"""How many tiles of 256 px and one channel a backbone reads in a second, and with the codes of its dictionary.

    python benchmarks/backbone/throughput.py [--quick] [--json FILE] [--threads 2] [--backbone builtin]

Best and median of several runs on the clock, and tiles per second of processor time, which other work on the machine
changes less. The target is 60 tiles per second on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from napari_lexicon.backbones import load_backbone
from napari_lexicon.dictionaries.file_format import load_dictionary
from napari_lexicon.jobs.applying import dictionary_path

TARGET = 60.0


def main() -> None:
    """Measure and print."""
    arguments = _parser().parse_args()
    torch.set_num_threads(arguments.threads)
    backbone = load_backbone(arguments.backbone, device="cpu")
    dictionary = load_dictionary(dictionary_path("builtin"))
    tiles = torch.rand((16, 1, 256, 256), generator=torch.Generator().manual_seed(0))
    tokens = backbone.tokens(tiles).reshape(-1, backbone.spec.dim)
    rounds = 3 if arguments.quick else 15
    rows = []
    for task, act in (
        ("tokens of the backbone", lambda: backbone.tokens(tiles)),
        ("codes of its dictionary", lambda: dictionary.encode(tokens)),
        ("both", lambda: dictionary.encode(backbone.tokens(tiles).reshape(-1, backbone.spec.dim))),
    ):
        wall, processor = _timed(act, rounds)
        best, median, per_cpu = len(tiles) / min(wall), len(tiles) / np.median(wall), len(tiles) / np.median(processor)
        print(f"{task}: best {best:.0f}, median {median:.0f} tiles/s; {per_cpu:.0f} per second of processor time")
        rows.append(
            {
                "task": task,
                "size": f"{len(tiles)} tiles of 256 px, {arguments.threads} threads",
                "metric": "tiles per second, best",
                "unit": "1/s",
                "ours": round(best, 1),
                "peer": "target",
                "peer_value": TARGET,
                "ratio": round(best / TARGET, 3),
                "median": round(float(median), 1),
                "per_processor_second": round(float(per_cpu), 1),
            }
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


def _timed(act: Callable[[], object], rounds: int) -> tuple[list[float], list[float]]:
    act()
    wall, processor = [], []
    for _ in range(rounds):
        started, used = time.perf_counter(), time.process_time()
        act()
        wall.append(time.perf_counter() - started)
        processor.append(time.process_time() - used)
    return wall, processor


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--backbone", default="builtin")
    return parser


if __name__ == "__main__":
    main()
