"""One feature for each planted phenotype: how well does it tell single cells apart on a plate it was not chosen on?

    python benchmarks/backbone/planted.py [--quick] [--json FILE] [--backbone NAME|PATH] [--dictionary FILE]

For each of the eight planted phenotypes one feature (number, channel, and whether its mean or its largest value over
the cell is read) is chosen on the cells of all plates but one and scored on the cells of the plate that was left out:
other cells, layout, brightness, focus and illumination. The feature is the one whose worst AUROC on the plates to
choose on is best. Beside it the same for the built-in architecture at random, with several seeds, each with a
dictionary made by the same recipe from the same images.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from describers import TokenDescriber
from pretraining.dictionary_recipe import fitted, recipe
from pretraining.token_sample import SampleSettings, token_samples
from scoring import auroc, column_auroc
from simulated import PHENOTYPES, Described, cell_question, chosen_wells, described, plate_fields, plate_settings

from napari_lexicon.backbones import Backbone, load_backbone
from napari_lexicon.backbones.builtin import load_random
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.file_format import load_dictionary
from napari_lexicon.samples.field import CHANNELS

BUILTIN_DICTIONARY = Path(__file__).parents[2] / "src/napari_lexicon/dictionaries/builtin.safetensors"
OURS = "built-in"
STATISTICS = {"codes": "mean", "strongest": "largest"}


@dataclass(frozen=True)
class Found:
    """The feature that was chosen for one phenotype.

    Parameters
    ----------
    phenotype : str
    feature : int
    channel : str
    statistic : str
        ``mean`` or ``largest`` over the cell.
    chosen, held_out : float
        Worst AUROC on the plates it was chosen on, and AUROC on the other one.
    positive, cells : int
        Held-out cells that show the phenotype, and all.
    """

    phenotype: str
    feature: int
    channel: str
    statistic: str
    chosen: float
    held_out: float
    positive: int
    cells: int


def main() -> None:
    """Make plates, dictionaries and the table."""
    arguments = _parser().parse_args()
    torch.set_num_threads(arguments.threads)
    started = time.monotonic()
    plates = [_plate(101 + number, arguments) for number in range(2 if arguments.quick else arguments.plates)]
    print(f"plates: {time.monotonic() - started:.0f} s", flush=True)
    seeds = range(1 if arguments.quick else arguments.seeds)
    own, random = _dictionaries(arguments, seeds)
    print(f"dictionaries: {time.monotonic() - started:.0f} s", flush=True)
    results: dict[str, list[list[Found]]] = {}
    for label, pairs in ((OURS, own), ("random", random)):
        for backbone, dictionary in pairs:
            describer = TokenDescriber(label, backbone, dictionary, tuple(STATISTICS))
            seen = [described(fields, describer, 20 if arguments.quick else 40) for fields in plates]
            for held_out in range(len(seen)):
                others = seen[:held_out] + seen[held_out + 1 :]
                scored = [found(others, seen[held_out], phenotype) for phenotype in PHENOTYPES]
                results.setdefault(label, []).append(scored)
            print(f"{label}: {time.monotonic() - started:.0f} s", flush=True)
    print(table(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(json_rows(results), indent=1) + "\n")


def found(others: Sequence[Described], test: Described, phenotype: str) -> Found:
    """Choose on some plates, score on another."""
    questions = [cell_question(plate.cell_table, phenotype) for plate in others]
    use_test, shows_test = cell_question(test.cell_table, phenotype)
    truth = shows_test[use_test]
    best: Found | None = None
    for kind, statistic in STATISTICS.items():
        worst = np.min(
            [
                column_auroc(plate.cells[kind][use], shows[use])
                for plate, (use, shows) in zip(others, questions, strict=True)
            ],
            axis=0,
        )
        column = int(np.argmax(worst))
        if best is None or worst[column] > best.chosen:
            per_channel = len(worst) // len(CHANNELS)
            best = Found(
                phenotype,
                column % per_channel,
                CHANNELS[column // per_channel],
                statistic,
                float(worst[column]),
                auroc(truth, test.cells[kind][use_test][:, column]),
                int(truth.sum()),
                len(truth),
            )
    assert best is not None
    return best


def _plate(seed: int, arguments: argparse.Namespace) -> list[Any]:
    settings = plate_settings(seed)
    wells = chosen_wells(settings, *((1, 4) if arguments.quick else (2, 8)))
    return list(plate_fields(settings, wells, arguments.cache, arguments.threads))


def _dictionaries(
    arguments: argparse.Namespace, seeds: Sequence[int]
) -> tuple[list[tuple[Backbone, Dictionary]], list[tuple[Backbone, Dictionary]]]:
    """For each seed our backbone and the random one, each with its dictionary."""
    ours = load_backbone(arguments.backbone, layer=arguments.layer, device="cpu")
    packaged = load_dictionary(arguments.dictionary) if arguments.dictionary.is_file() else None
    if packaged is not None and not arguments.fresh:
        packaged.check_compatible({**ours.spec.to_json(), "id": packaged.header.backbone["id"]}, "separate")
    else:
        packaged = None
    layer = ours.spec.layer
    random = [load_random(seed=seed, layer=layer) for seed in seeds]
    about = replace(SampleSettings(), plates=arguments.sample_plates, real=arguments.real)
    steps, features, iterations = arguments.steps, 1024, 8
    if packaged is not None:  # the others are made as it was
        made = packaged.header.training
        sample = packaged.header.whitening["sample"]
        about = SampleSettings(**{**sample, "leave_out": tuple(sample["leave_out"])})
        steps, features, iterations = made["steps"], made["features"], made["iterations"]
    if arguments.quick:
        about, steps, features = replace(about, plates=3, real=20, drawn=5), min(steps, 150), min(features, 512)
    wanted: list[Backbone] = [*random] if packaged is not None else [*random, ours]
    samples = token_samples(wanted, about)

    def made_dictionary(backbone: Backbone, index: int, seed: int) -> Dictionary:
        return fitted(backbone.spec, samples[index], recipe(features, steps, seed, iterations), about).dictionary

    controls = [(b, made_dictionary(b, i, seed)) for i, (b, seed) in enumerate(zip(random, seeds, strict=True))]
    if packaged is not None:
        return [(ours, packaged)], controls
    return [(ours, made_dictionary(ours, len(random), seed)) for seed in seeds], controls


def table(results: dict[str, list[list[Found]]]) -> str:
    """Markdown: one line per phenotype, mean and range over plates and seeds."""
    lines = [
        "| phenotype | held-out cells | built-in: AUROC (range) | feature, channel | random: AUROC (range) |",
        "| --- | --- | --- | --- | --- |",
    ]
    for index, phenotype in enumerate(PHENOTYPES):
        own, random = ([scored[index] for scored in results[name]] for name in (OURS, "random"))
        where = "; ".join(dict.fromkeys(f"{f.feature} ({f.statistic}), {f.channel}" for f in own))
        cells = f"{sum(f.positive for f in own)} of {sum(f.cells for f in own)}"
        lines.append(f"| {phenotype} | {cells} | {_spread(own)} | {where} | {_spread(random)} |")
    means = [np.mean([f.held_out for scored in results[name] for f in scored]) for name in (OURS, "random")]
    lines.append(f"| mean | | {means[0]:.3f} | | {means[1]:.3f} |")
    return "\n".join(lines)


def _spread(scored: Sequence[Found]) -> str:
    values = [f.held_out for f in scored]
    return f"{np.mean(values):.3f} ({min(values):.2f} to {max(values):.2f})"


def json_rows(results: dict[str, list[list[Found]]]) -> list[dict[str, Any]]:
    """Rows task, size, metric, unit, ours, peer, peer_value, ratio; the single values beside them."""
    rows = []
    for index, phenotype in enumerate(PHENOTYPES):
        own, random = ([scored[index] for scored in results[name]] for name in (OURS, "random"))
        mine, peer = (float(np.mean([f.held_out for f in scored])) for scored in (own, random))
        rows.append(
            {
                "task": f"one feature for {phenotype}",
                "size": f"{sum(f.positive for f in own)} of {sum(f.cells for f in own)} cells",
                "metric": "AUROC per cell",
                "unit": "1",
                "ours": round(mine, 4),
                "peer": "random backbone, same dictionary recipe",
                "peer_value": round(peer, 4),
                "ratio": round(mine / peer, 4),
                "ours_each": [round(f.held_out, 4) for f in own],
                "peer_each": [round(f.held_out, 4) for f in random],
                "ours_when_chosen": [round(f.chosen, 4) for f in own],
                "features": [[f.feature, f.channel, f.statistic] for f in own],
            }
        )
    return rows


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed, few wells: for a look, not for claims")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--backbone", default="builtin", help="builtin, or the path of a model of its family")
    parser.add_argument("--layer", type=int, help="layer to read; the backbone's own where left out")
    parser.add_argument("--dictionary", type=Path, default=BUILTIN_DICTIONARY, help="the packaged one by default")
    parser.add_argument("--fresh", action="store_true", help="make a dictionary per seed for our backbone as well")
    parser.add_argument("--sample-plates", type=int, default=10, help="with --fresh: simulated plates to learn from")
    parser.add_argument("--real", type=int, default=80, help="with --fresh: real pictures to learn from")
    parser.add_argument("--steps", type=int, default=600, help="with --fresh: optimiser steps of a dictionary")
    parser.add_argument("--plates", type=int, default=4, help="at least 3")
    parser.add_argument("--seeds", type=int, default=3, help="random backbones; with --fresh our dictionaries as well")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    cache = Path(tempfile.gettempdir()) / "napari-lexicon-benchmark"
    parser.add_argument("--cache", type=Path, default=cache, help="where rendered plates are kept")
    return parser


if __name__ == "__main__":
    main()
