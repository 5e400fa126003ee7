"""What does each choice in ICFL do? One change at a time, on the tokens of a simulated plate.

    python benchmarks/quality/ablations.py [--quick | --full] [--json FILE]

Every variant is trained with the same seeds. Measured: cosine of the reconstruction on held-out fields, mean AUROC of
the best feature per planted phenotype on a second plate (see ``planted.py``), stability of the features across seeds
(mean cosine of matched atoms), dead features, negative values. Cosines under different whitening are not comparable.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from planted import Contender, cell_features, planted_scores, settings_for, trained, two_plates
from table import Cell, add_options, finish

from napari_lexicon.dictionaries.stability import stability_of

DEFAULT = Contender("J 8, L 2 (default)")
VARIANTS = (
    DEFAULT,
    Contender("J 16, L 1", {"iterations": 16, "per_iteration": 1}),
    Contender("J 4, L 4", {"iterations": 4, "per_iteration": 4}),
    Contender("J 1, L 16", {"iterations": 1, "per_iteration": 16}),
    Contender("no resets", {"reset_every": 0}),
    Contender("refit", {"refit": True}),
    Contender("by magnitude", {"selection": "magnitude"}),
    Contender("from the sphere", {"initialisation": "sphere"}),
    Contender("64 of 192 directions", components=64),
    Contender("not whitened", form="none"),
)
MORE = (
    Contender("J 2, L 8", {"iterations": 2, "per_iteration": 8}),
    Contender("no bias", {"bias": False}),
    Contender("constant rate", {"schedule": "constant"}),
    Contender("rate 5e-4", {"learning_rate": 5e-4}),
    Contender("rate 8e-3", {"learning_rate": 8e-3}),
    Contender("32 of 192 directions", components=32),
    Contender("128 of 192 directions", components=128),
    Contender("zca", form="zca"),
    Contender("256 features", {"features": 256}),
    Contender("4096 features", {"features": 4096}),
)


def main() -> None:
    """Run, print the table, write the rows."""
    parser = add_options(argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    steps, seeds = (20, 2) if options.quick else (2000, 5) if options.full else (150, 3)
    plates = two_plates("built-in", 0, options.quick)
    cells: list[Cell] = []
    for variant in (*VARIANTS[: 4 if options.quick else None], *(MORE if options.full else ())):
        start = time.perf_counter()
        results = [trained(plates[0], variant, settings_for(variant, steps, seed)) for seed in range(seeds)]
        dictionaries = [result.dictionary for result in results]
        aurocs = []
        for dictionary in dictionaries:
            features = [cell_features(plate, dictionary) for plate in plates]
            aurocs.append(float(np.mean(list(planted_scores(*plates, (features[0], features[1])).values()))))
        stable = [
            float(stability_of(one, [other for other in dictionaries if other is not one]).mean())
            for one in dictionaries
        ]
        columns = {
            "cosine": [result.metrics["cosine"] for result in results],
            "mean AUROC": aurocs,
            "stability": stable,
            "dead": [result.metrics["dead_held_out"] for result in results],
            "negative values": [result.metrics["negative_share"] for result in results],
        }
        cells += [Cell(metric, variant.name, metric, np.array(values)) for metric, values in columns.items()]
        shown = {metric: round(float(np.mean(values)), 3) for metric, values in columns.items()}
        print(variant.name, shown, f"{time.perf_counter() - start:.0f} s", flush=True)
    print(variants_table(cells))
    finish(cells, options, ours=DEFAULT.name, lower_is_better=("dead", "negative values"))


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
