"""How good are a backbone's tokens, and the features of its dictionary? One command, one table.

    LEXICON_DATA=... python benchmarks/backbone/run.py [--quick] [--json FILE] [--keep FOLDER] [--backbone NAME|PATH]...

Compares the built-in backbone with its own architecture at random, with intensity statistics and with hand-made
features, on the same splits. Tasks are described in ``docs/benchmarks/backbone.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import real
import tasks
from controls import random_controls
from describers import HANDMADE, INTENSITY, Describer, TokenDescriber
from pretraining.dictionary_recipe import fitted, recipe
from pretraining.token_sample import SampleSettings, token_sample
from scoring import Score
from simulated import chosen_wells, described, joined, plate_fields, plate_settings

from napari_lexicon.backbones import load_backbone
from napari_lexicon.dictionaries.file_format import load_dictionary

SCORED_SETS = ("bbbc016_transfluor_gfp", "dsb2018_fluorescence", "bccd_blood")
BUILTIN_DICTIONARY = Path(__file__).parents[2] / "src/napari_lexicon/dictionaries/builtin.safetensors"


def main() -> None:
    """Run all tasks for all describers."""
    arguments = _parser().parse_args()
    torch.set_num_threads(arguments.threads)
    # A resample of wells may leave out a class that was answered.
    warnings.filterwarnings("ignore", message="y_pred contains classes not in y_true")
    started = time.monotonic()
    rows: list[tasks.Row] = []
    for describer in _describers(arguments):
        begun = time.monotonic()
        kept = _kept_rows(describer, arguments)
        new = kept if kept is not None else []
        for row in _scored(describer, arguments) if kept is None else kept:
            if kept is None:
                new.append(row)
            s = row.score
            print(
                f"{row.task:26} {row.metric:18} {row.describer:22} {row.kind:16} "
                f"{s.value:.3f} [{s.low:.3f}, {s.high:.3f}]  {row.size}",
                flush=True,
            )
        rows += new
        _keep_rows(describer, new, arguments)
        print(f"-- {describer.name}: {time.monotonic() - begun:.0f} s", flush=True)
    print(table(rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(_json_rows(rows), indent=1) + "\n")
    print(f"{time.monotonic() - started:.0f} s in all")


def _record(describer: Describer, arguments: argparse.Namespace) -> Path | None:
    """Where the rows of a describer are kept; its name says everything that they depend on."""
    if arguments.keep is None:
        return None
    parts = [describer.name, "quick" if arguments.quick else "full"]
    if isinstance(describer, TokenDescriber):
        spec, dictionary = describer.backbone.spec, describer.dictionary
        parts += [spec.weights_hash, f"layer{spec.layer}", dictionary.hash if dictionary else "none"]
    folder: Path = arguments.keep
    folder.mkdir(parents=True, exist_ok=True)
    return folder / ("-".join(parts).replace(" ", "_").replace("/", "_") + ".json")


def _kept_rows(describer: Describer, arguments: argparse.Namespace) -> list[tasks.Row] | None:
    path = _record(describer, arguments)
    if path is None or not path.is_file():
        return None
    return [tasks.Row(**{**row, "score": Score(**row["score"])}) for row in json.loads(path.read_text())]


def _keep_rows(describer: Describer, rows: list[tasks.Row], arguments: argparse.Namespace) -> None:
    path = _record(describer, arguments)
    if path is not None:
        path.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


def _describers(arguments: argparse.Namespace) -> Iterator[Describer]:
    if not arguments.only_backbones:  # in this order: the cheap ones first
        yield INTENSITY
        yield HANDMADE
    kinds = ("tokens", "codes", "directions")
    for name in [] if arguments.only_baselines else arguments.backbone or ["builtin"]:
        backbone = load_backbone(name, layer=arguments.layer, device="cpu")
        yield TokenDescriber(name, backbone, _dictionary(backbone, arguments), kinds)
    if not arguments.only_backbones and not arguments.only_baselines:
        packaged = load_dictionary(BUILTIN_DICTIONARY)
        pairs = random_controls(
            packaged, range(1 if arguments.quick else arguments.random), arguments.keep, arguments.quick
        )
        for seed, (backbone, dictionary) in enumerate(pairs):
            yield TokenDescriber(f"random {seed}", backbone, dictionary, kinds)


def _dictionary(backbone: Any, arguments: argparse.Namespace) -> Any:
    """The packaged dictionary where it belongs to this backbone; otherwise one made the same way, but smaller."""
    if BUILTIN_DICTIONARY.is_file() and not arguments.fresh_dictionary:
        packaged = load_dictionary(BUILTIN_DICTIONARY)
        own = backbone.spec.to_json()
        if all(packaged.header.backbone.get(key) == own[key] for key in ("weights_hash", "layer", "preprocessing")):
            return packaged
    about = SampleSettings(plates=8, fields=6, real=80, drawn=20, leave_out=SCORED_SETS)
    if arguments.quick:
        about = replace(about, plates=3, real=20, drawn=5)
    sample = token_sample(backbone, about)
    settings = recipe(steps=150 if arguments.quick else 400)
    return fitted(backbone.spec, sample, settings, about).dictionary


def _scored(describer: Describer, arguments: argparse.Namespace) -> Iterator[tasks.Row]:
    quick, seeds = arguments.quick, 1 if arguments.quick else 3
    *parts, test = (
        described(_plate(number, arguments), describer, 12 if quick else 40)
        for number in ((101, 102) if quick else (101, 102, 103))
    )
    train = joined(parts)
    yield from tasks.cell_rows(describer.name, train, test)
    yield from tasks.well_rows(describer.name, train, test)
    if not quick:
        yield from tasks.leak_rows(describer.name, test, seeds)
    sets: list[tuple[str, str, Callable[..., Iterator[real.RealField]], dict[str, bool]]] = [
        ("dose (BBBC016)", "bbbc016_transfluor_gfp", real.gfp_dose, {"counts": False, "merge": True}),
        ("nuclei count (DSB 2018)", "dsb2018_fluorescence", real.nuclei_count, {"counts": True, "merge": False}),
        ("red cell count (BCCD)", "bccd_blood", real.blood_count, {"counts": True, "merge": False}),
    ]
    for task, folder, fields, how in sets:
        if (place := real.data_folder(folder)) is not None:
            data = tasks.described_fields(fields(place, quick), describer)
            yield from tasks.regression_rows(task, describer.name, data, seeds, **how)
    if (place := real.data_folder("bccd_blood")) is not None:
        data = tasks.described_fields(real.white_cells(place, quick), describer)
        yield from tasks.region_rows("white or red cell (BCCD)", describer.name, data, seeds)


def _plate(seed: int, arguments: argparse.Namespace) -> list[Any]:
    settings = plate_settings(seed)
    wells = chosen_wells(settings, *((1, 4) if arguments.quick else (2, 8)))
    return list(plate_fields(settings, wells, arguments.cache, arguments.threads))


def table(rows: list[tasks.Row]) -> str:
    """Markdown: one line per task and kind of answer, one column per describer; random seeds are averaged."""
    names = list(
        dict.fromkeys(
            row.describer.split(" ")[0] if row.describer.startswith("random") else row.describer for row in rows
        )
    )
    lines = ["| task | metric | " + " | ".join(names) + " |", "| --- | --- |" + " --- |" * len(names)]
    for key in dict.fromkeys((row.task, row.metric, _readout(row)) for row in rows):
        cells = []
        for name in names:
            found = [r for r in rows if (r.task, r.metric, _readout(r)) == key and r.describer.startswith(name)]
            best = [f"{r.kind}: {r.score.value:.3f} [{r.score.low:.2f}, {r.score.high:.2f}]" for r in found]
            if name == "random" and found:
                kinds = dict.fromkeys(r.kind for r in found)
                best = [f"{k}: {np.mean([r.score.value for r in found if r.kind == k]):.3f}" for k in kinds]
            cells.append("<br>".join(best))
        lines.append(f"| {key[0]}, {key[2]} | {key[1]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _readout(row: tasks.Row) -> str:
    return "single feature" if row.kind.startswith("best of") else "linear probe"


def _json_rows(rows: list[tasks.Row]) -> list[dict[str, Any]]:
    """Rows task, size, metric, unit, ours, peer, peer_value, ratio: every peer on every task beside ours."""
    result = []
    ours = {
        (r.task, r.metric, _readout(r), r.kind): r
        for r in rows
        if r.describer not in ("intensity statistics", "hand-made features") and not r.describer.startswith("random")
    }
    for (task, metric, readout, kind), own in ours.items():
        for peer in rows:
            same = (peer.task, peer.metric, _readout(peer)) == (task, metric, readout)
            comparable = peer.kind == kind or not peer.describer.startswith("random")
            if same and comparable and peer.describer != own.describer:
                result.append(
                    {
                        "task": f"{task}, {readout} on {kind}",
                        "size": own.size,
                        "metric": metric,
                        "unit": "1",
                        "ours": round(own.score.value, 4),
                        "interval": [round(own.score.low, 4), round(own.score.high, 4)],
                        "peer": f"{peer.describer}, {peer.kind}",
                        "peer_value": round(peer.score.value, 4),
                        "ratio": round(own.score.value / peer.score.value, 4) if peer.score.value else None,
                    }
                )
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small part of everything, for a look: not for claims")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--backbone", action="append", help="builtin (default), a timm name or a path; repeatable")
    parser.add_argument("--layer", type=int, help="layer to read; the backbone's own where left out")
    parser.add_argument("--only-backbones", action="store_true", help="leave out the baselines")
    parser.add_argument("--only-baselines", action="store_true", help="leave out everything but the baselines")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="rows are kept there, and not measured again")
    parser.add_argument("--fresh-dictionary", action="store_true", help="make a dictionary instead of the packaged one")
    parser.add_argument("--random", type=int, default=3, help="how many random backbones")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    cache = Path(tempfile.gettempdir()) / "napari-lexicon-benchmark"
    parser.add_argument("--cache", type=Path, default=cache, help="where rendered plates are kept")
    return parser


if __name__ == "__main__":
    main()
