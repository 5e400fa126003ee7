"""Which reading of a feature tells treated wells: the patches that its code is in, or those that lie far along it?

    python benchmarks/quality/wells.py WORK [--quick | --full] [--seed N] [--json FILE]

Simulated plates with eight planted phenotypes in dose series, compounds that do nothing, and a batch effect each. On
one plate the feature and channel is chosen that tells each phenotype from the control wells of that plate best, by the
effect size; on every other plate it is scored, by the AUROC of treated wells and by the difference of the parts of
patches where it fires. *found*: phenotypes with a feature at a false-discovery rate of 5 %, on one plate by itself;
*called*: compounds that do nothing of which the same is said. Plates and lexicons are made in WORK, or used where they
lie there already. Wells are what is counted, so the spread is over pairs of plates (found, called: over plates).
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from table import Cell, add_options, finish

from napari_lexicon import api
from napari_lexicon.analysis.effects import treatment_effects
from napari_lexicon.analysis.lexicon_tables import plate_statistics
from napari_lexicon.analysis.well_table import well_table
from napari_lexicon.lexicons import BEYOND, Lexicon
from napari_lexicon.samples.phenotypes import PHENOTYPES
from napari_lexicon.samples.plate import PlateSettings, simulate_plate

READINGS = {"code": None, **{f"beyond {level:g} SD": level for level in BEYOND}}


def main() -> None:
    """Make plates, ask, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--seed", type=int, default=70, help="of the first plate; the others have the next ones")
    options = add_options(parser).parse_args()
    plates, wells = (2, 48) if options.quick else (4, 384) if options.full else (3, 96)
    lexicon = lexicon_of(options.work, plates, wells, options.seed, options.threads)
    cells: list[Cell] = []
    for reading, level in READINGS.items():
        effects = effects_of(lexicon, level)
        cells += [Cell(task, reading, metric, values) for (task, metric), values in scores(effects).items()]
    finish(cells, options, ours="beyond 1 SD", lower_is_better=("called",))


def lexicon_of(work: Path, plates: int, wells: int, seed: int, workers: int) -> Lexicon:
    """The plates with the built-in dictionary applied."""
    work.mkdir(parents=True, exist_ok=True)
    made = []
    for n in range(plates):
        path = work / f"wells{seed + n}-{wells}.zarr"
        settings = PlateSettings(
            name=path.stem, wells=wells, shape=(384, 384), batch=f"batch_{n}", batch_effect=1.5, seed=seed + n
        )
        made.append(path if path.exists() else simulate_plate(path, settings, workers=workers))
    out = work / f"wells-{plates}x{wells}-{seed}.lexicon"
    if not out.exists():
        api.apply(made, out, device="cpu", keep_tokens=0)
    return Lexicon.open(out)


def effects_of(lexicon: Lexicon, level: float | None) -> list[pd.DataFrame]:
    """Effects of every treatment on each plate by itself, features in each channel."""
    return [
        treatment_effects(well_table([plate], channel="each"), "perturbation")
        for plate in plate_statistics(lexicon, level)
    ]


def scores(effects: list[pd.DataFrame]) -> dict[tuple[str, str], np.ndarray]:
    """Every figure over pairs of plates, or over plates."""
    found: dict[tuple[str, str], list[float]] = {}
    keyed = [one.set_index(["treatment", "feature", "channel"]) for one in effects]
    for a, chosen_on in enumerate(keyed):
        for phenotype in PHENOTYPES:
            best = (phenotype, *chosen_on.loc[phenotype]["effect"].idxmax())
            for b, held_out in enumerate(keyed):
                if b != a:
                    row = held_out.loc[best]
                    for task in (phenotype, "mean"):
                        found.setdefault((task, "AUROC of wells"), []).append(float(row["auroc"]))
                        found.setdefault((task, "difference"), []).append(float(row["difference"]))
        called = chosen_on.groupby(level="treatment")["q"].min() <= 0.05
        planted = called.index.isin(PHENOTYPES)
        found.setdefault(("phenotypes", "found"), []).append(float(called[planted].sum()))
        found.setdefault(("compounds that do nothing", "called"), []).append(float(called[~planted].sum()))
    return {key: np.array(values) for key, values in found.items()}


if __name__ == "__main__":
    main()
