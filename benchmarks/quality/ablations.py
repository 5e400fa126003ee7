"""What does each choice in ICFL do? One change at a time, with the same seeds for all.

    python benchmarks/quality/ablations.py [--plate] [--quick | --full] [--json FILE]

By default in a world of known truth (``worlds.py``, eight atoms in every token, eight nonzeros; with ``--full`` in a
second one): atoms found, F1 of
supports, cosine of the reconstruction, stability of the features across seeds (mean cosine of matched atoms), dead
features, negative values. With ``--plate`` on the tokens of a simulated plate, with the AUROC of ``planted.py`` in
place of the truth; slower. Cosines under different whitening are not comparable.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace

import known_truth
import numpy as np
import torch
from planted import READINGS, Contender, cell_features, planted_scores, settings_for, trained, two_plates
from table import Cell, add_options, finish, write
from worlds import BASE, WORLDS, WorldSettings, make_world

from napari_lexicon.dictionaries.stability import stability_of
from napari_lexicon.dictionaries.token_source import ArrayTokens
from napari_lexicon.dictionaries.train import TrainResult, train_dictionary
from plates import PlateTokens

MEANS = "tokens are means of 4 x 4 patches"
DEFAULT = Contender("J 8, L 2 (default)")
VARIANTS = (
    DEFAULT,
    Contender("J 16, L 1", {"iterations": 16, "per_iteration": 1}),
    Contender("J 4, L 4", {"iterations": 4, "per_iteration": 4}),
    Contender("J 1, L 16", {"iterations": 1, "per_iteration": 16}),
    Contender("no resets", {"reset_every": 0}),
    Contender("resets of cosines over 0.7", {"reset_cosine": 0.7}),
    Contender("the same, memory not cleared", {"reset_cosine": 0.7, "clear_at_reset": False}),
    Contender("refit", {"refit": True}),
    Contender("by magnitude", {"selection": "magnitude"}),
    Contender("from the sphere", {"initialisation": "sphere"}),
    Contender("no bias", {"bias": False}),
    Contender("constant rate", {"schedule": "constant"}),
    Contender(MEANS),
    Contender("32 of 192 directions", components=32),
    Contender("48 of 192 directions", components=48),
    Contender("64 of 192 directions", components=64),
    Contender("not whitened", form="none"),
)
MORE = (
    Contender("J 2, L 8", {"iterations": 2, "per_iteration": 8}),
    Contender("SGD, rate 0.1", {"optimiser": "sgd", "learning_rate": 0.1}),
    Contender("SGD, rate 1", {"optimiser": "sgd", "learning_rate": 1.0}),
    Contender("rate 5e-4", {"learning_rate": 5e-4}),
    Contender("rate 8e-3", {"learning_rate": 8e-3}),
    Contender("128 of 192 directions", components=128),
    Contender("zca", form="zca"),
    Contender("256 features", {"features": 256}),
    Contender("4096 features", {"features": 4096}),
)

_PRESET = {"algorithm": "icfl-anchored", "features": 256, "iterations": 4, "per_iteration": 2, "batch": 1024}
RATES = tuple(
    Contender(f"rate {rate:g}", {**_PRESET, "learning_rate": rate}, components=48) for rate in (1e-3, 2e-3, 5e-3, 1e-2)
)


IN_WORLDS = (
    Contender("J 4, L 2 (default)"),
    Contender("J 8, L 1", {"iterations": 8, "per_iteration": 1}),
    Contender("J 2, L 4", {"iterations": 2, "per_iteration": 4}),
    Contender("J 1, L 8", {"iterations": 1, "per_iteration": 8}),
    Contender("no resets", {"reset_every": 0}),
    Contender("memory not cleared at a reset", {"clear_at_reset": False}),
    Contender("refit", {"refit": True}),
    Contender("by magnitude", {"selection": "magnitude"}),
    Contender("from the sphere", {"initialisation": "sphere"}),
    Contender("no bias", {"bias": False}),
    Contender("constant rate", {"schedule": "constant"}),
    Contender("SGD, rate 1", {"optimiser": "sgd", "learning_rate": 1.0}),
    Contender("SGD, rate 0.1", {"optimiser": "sgd", "learning_rate": 0.1}),
    Contender("rate 1e-3", {"learning_rate": 1e-3}),
    Contender("rate 1e-2", {"learning_rate": 1e-2}),
)
ABLATION_WORLDS = tuple(replace(world, active=8) for world in (BASE, WORLDS[-1]))


def main() -> None:
    """Run, print the table, write the rows."""
    parser = add_options(argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter))
    parser.add_argument("--plate", action="store_true", help="on a simulated plate instead of known truth")
    parser.add_argument("--rates", action="store_true", help="learning rates of the window's preset, on that plate")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cells: list[Cell] = []
    ours = ""
    for task, default, runs in (plate_runs if options.plate or options.rates else world_runs)(options):
        ours = default
        for name, columns in runs:
            cells += [Cell(task, name, metric, np.array(values)) for metric, values in columns.items()]
            print(task, name, {metric: round(float(np.mean(v)), 3) for metric, v in columns.items()}, flush=True)
            write(cells, options, ours=ours, lower_is_better=("dead", "negative values"))
        print(f"\n{task}\n\n{variants_table([cell for cell in cells if cell.task == task])}\n", flush=True)
    finish(cells, options, ours=ours, lower_is_better=("dead", "negative values"))


Columns = dict[str, list[float]]


def world_runs(options: argparse.Namespace) -> Iterator[tuple[str, str, Iterator[tuple[str, Columns]]]]:
    """Every variant in every world."""
    steps, seeds = (60, 2) if options.quick else (2000, 5) if options.full else (250, 3)
    for about in ABLATION_WORLDS[: None if options.full else 1]:
        yield about.name, IN_WORLDS[0].name, _in_world(about, steps, seeds)


def _in_world(about: WorldSettings, steps: int, seeds: int) -> Iterator[tuple[str, Columns]]:
    world = make_world(about, seed=0)  # one world, several seeds of the training: only so can features be matched
    whitening = known_truth.whitening_of(world)
    for variant in IN_WORLDS:
        changes = {"algorithm": "icfl", "iterations": 4, "per_iteration": 2, "learning_rate": 3e-3, **variant.changes}
        contender = known_truth.Contender(variant.name, changes)
        results = [
            train_dictionary(
                known_truth.settings_for(about, contender, steps, seed, 3e-3), ArrayTokens(world.tokens), whitening
            )
            for seed in range(seeds)
        ]
        scores = [known_truth.scores(world, result.dictionary, result.metrics) for result in results]
        columns = {name: [one[name] for one in scores] for name in ("found", "F1", "cosine")}
        yield variant.name, {**columns, **_of_results(results)}


def plate_runs(options: argparse.Namespace) -> Iterator[tuple[str, str, Iterator[tuple[str, Columns]]]]:
    """Every variant on the plate."""
    steps, seeds = (20, 2) if options.quick else (2000, 5) if options.full else (400, 3)
    if options.rates:
        steps = steps if options.quick else 1000
        yield "plate", RATES[0].name, _on_plate(RATES, steps, seeds, options.quick)
        return
    variants = VARIANTS[: 4 if options.quick else None] + (MORE if options.full else ())
    yield "plate", DEFAULT.name, _on_plate(variants, steps, seeds, options.quick)


def _on_plate(variants: Sequence[Contender], steps: int, seeds: int, quick: bool) -> Iterator[tuple[str, Columns]]:
    plates = two_plates("built-in", 0, quick)
    for variant in variants:
        learnt = block_means(plates[0]) if variant.name == MEANS else plates[0]
        results = [trained(learnt, variant, settings_for(variant, steps, seed)) for seed in range(seeds)]
        aurocs: Columns = {f"mean AUROC, {reading}": [] for reading in READINGS}
        for result in results:
            features = (cell_features(plates[0], result.dictionary), cell_features(plates[1], result.dictionary))
            for reading in READINGS:
                scores = planted_scores(plates, features, reading)
                aurocs[f"mean AUROC, {reading}"].append(float(np.mean(list(scores.values()))))
        cosines = [result.metrics["cosine"] for result in results]
        yield variant.name, {**aurocs, "cosine": cosines, **_of_results(results)}


def block_means(plate: PlateTokens, side: int = 4) -> PlateTokens:
    """The same plate with one token for each block of ``side`` x ``side`` patches, their mean."""
    fields, channels, patches, dim = plate.tokens.shape
    edge = round(patches**0.5)  # fields of simulated plates are square
    blocks = plate.tokens.reshape(fields, channels, edge // side, side, edge // side, side, dim).float().mean((3, 5))
    return replace(plate, tokens=blocks.flatten(2, 3).half())


def _of_results(results: Sequence[TrainResult]) -> Columns:
    dictionaries = [result.dictionary for result in results]
    stability = [
        float(stability_of(one, [other for other in dictionaries if other is not one]).mean()) for one in dictionaries
    ]
    return {
        "stability": stability,
        "dead": [result.metrics["dead_held_out"] for result in results],
        "negative values": [result.metrics["negative_share"] for result in results],
    }


def variants_table(cells: list[Cell]) -> str:
    """Markdown: one variant per row, one metric per column."""
    metrics = list(dict.fromkeys(cell.metric for cell in cells))
    lines = ["| variant | " + " | ".join(metrics) + " |", "| --- |" + " --- |" * len(metrics)]
    for name in dict.fromkeys(cell.contender for cell in cells):
        row = [cell.text() for cell in cells if cell.contender == name]
        lines.append(f"| {name} | " + " | ".join(row) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
