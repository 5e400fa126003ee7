"""One feature for each planted phenotype: how well does it tell single cells apart on a plate it was not chosen on?

    LEXICON_DATA=... python benchmarks/backbone/planted.py [--quick] [--json FILE] [--keep FOLDER]

For each of the eight planted phenotypes one feature (number and channel) is chosen on the cells of all plates but one,
and scored on the cells of the plate that was left out:
other cells, layout, brightness, focus and illumination. The feature is the one whose worst AUROC on the plates to
choose on is best. Beside it the same for the built-in architecture at random, with several seeds, each with a
dictionary made by the same recipe from the same images. Two readings of a feature: its sparse code (mean or largest
value over the cell, whichever is better where it is chosen), and how far the patches of the cell lie along its
direction on average.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from controls import random_controls
from describers import TokenDescriber
from scoring import auroc, column_auroc
from simulated import PHENOTYPES, Described, cell_question, chosen_wells, described, plate_fields, plate_settings

from napari_lexicon.backbones import Backbone, load_backbone
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.file_format import load_dictionary
from napari_lexicon.samples.field import CHANNELS

BUILTIN_DICTIONARY = Path(__file__).parents[2] / "src/napari_lexicon/dictionaries/builtin.safetensors"
OURS = "built-in"
READINGS = {"code": {"codes": "mean", "strongest": "largest"}, "direction": {"directions": "mean"}}


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
    ours = load_backbone(arguments.backbone, layer=arguments.layer, device="cpu")
    packaged = load_dictionary(arguments.dictionary)
    packaged.check_compatible({**ours.spec.to_json(), "id": packaged.header.backbone["id"]}, "separate")
    random = random_controls(packaged, seeds, arguments.keep, arguments.quick)
    print(f"dictionaries: {time.monotonic() - started:.0f} s", flush=True)
    results: Results = {}
    for label, pairs in ((OURS, [(ours, packaged)]), ("random", random)):
        for backbone, dictionary in pairs:
            for reading, scored in _scored(plates, backbone, dictionary, arguments).items():
                results.setdefault((label, reading), []).extend(scored)
            print(f"{label}: {time.monotonic() - started:.0f} s", flush=True)
    print(table(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(json_rows(results), indent=1) + "\n")


Results = dict[tuple[str, str], list[list[Found]]]
"""By model and reading: for each plate left out, and each seed, the features of all phenotypes."""


def _scored(
    plates: list[list[Any]], backbone: Backbone, dictionary: Dictionary, arguments: argparse.Namespace
) -> dict[str, list[list[Found]]]:
    """For each reading and plate what was chosen on the others; from ``--keep`` where it was measured before."""
    kept: Path | None = None
    if arguments.keep is not None:
        arguments.keep.mkdir(parents=True, exist_ok=True)
        name = f"planted-{backbone.spec.weights_hash}-{backbone.spec.layer}-{dictionary.hash}-{len(plates)}.json"
        kept = arguments.keep / name
        if kept.is_file():
            return {
                reading: [[Found(**row) for row in rows] for rows in scored]
                for reading, scored in json.loads(kept.read_text()).items()
            }
    describer = TokenDescriber(OURS, backbone, dictionary, tuple(kind for kinds in READINGS.values() for kind in kinds))
    seen = [described(fields, describer, 20 if arguments.quick else 40) for fields in plates]
    results: dict[str, list[list[Found]]] = {}
    for reading, statistics in READINGS.items():
        for held_out, plate in enumerate(seen):
            others = seen[:held_out] + seen[held_out + 1 :]
            results.setdefault(reading, []).append(
                [found(others, plate, phenotype, statistics) for phenotype in PHENOTYPES]
            )
    if kept is not None:
        plain = {reading: [[asdict(row) for row in rows] for rows in scored] for reading, scored in results.items()}
        kept.write_text(json.dumps(plain, indent=1) + "\n")
    return results


def found(others: Sequence[Described], test: Described, phenotype: str, statistics: Mapping[str, str]) -> Found:
    """Choose on some plates, score on another."""
    questions = [cell_question(plate.cell_table, phenotype) for plate in others]
    use_test, shows_test = cell_question(test.cell_table, phenotype)
    truth = shows_test[use_test]
    best: Found | None = None
    for kind, statistic in statistics.items():
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


def table(results: Results) -> str:
    """Markdown: one line per phenotype, mean and range over plates and seeds."""
    columns = [(label, reading) for reading in READINGS for label in (OURS, "random")]
    lines = [
        "| phenotype | held-out cells | "
        + " | ".join(f"{label}, {reading}" for label, reading in columns)
        + " | chosen |",
        "| --- |" + " --- |" * (len(columns) + 2),
    ]
    for index, phenotype in enumerate(PHENOTYPES):
        by_column = {column: [scored[index] for scored in results[column]] for column in columns}
        own = by_column[OURS, "direction"]
        where = "; ".join(dict.fromkeys(f"{f.feature}, {f.channel}" for f in own))
        cells = f"{sum(f.positive for f in own)} of {sum(f.cells for f in own)}"
        spreads = " | ".join(_spread(scored) for scored in by_column.values())
        lines.append(f"| {phenotype} | {cells} | {spreads} | {where} |")
    means = [np.mean([f.held_out for scored in results[column] for f in scored]) for column in columns]
    lines.append("| mean | | " + " | ".join(f"{mean:.3f}" for mean in means) + " | |")
    return "\n".join(lines)


def _spread(scored: Sequence[Found]) -> str:
    values = [f.held_out for f in scored]
    return f"{np.mean(values):.3f} ({min(values):.2f} to {max(values):.2f})"


def json_rows(results: Results) -> list[dict[str, Any]]:
    """Rows task, size, metric, unit, ours, peer, peer_value, ratio; the single values beside them."""
    rows = []
    for reading in READINGS:
        for index, phenotype in enumerate(PHENOTYPES):
            own, random = ([scored[index] for scored in results[name, reading]] for name in (OURS, "random"))
            mine, peer = (float(np.mean([f.held_out for f in scored])) for scored in (own, random))
            rows.append(
                {
                    "task": f"one feature for {phenotype}, {reading}",
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
    parser.add_argument("--plates", type=int, default=4, help="at least 3")
    parser.add_argument("--seeds", type=int, default=3, help="of random backbones and their dictionaries")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="what was measured is kept there")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    cache = Path(tempfile.gettempdir()) / "napari-lexicon-benchmark"
    parser.add_argument("--cache", type=Path, default=cache, help="where rendered plates are kept")
    return parser


if __name__ == "__main__":
    main()
