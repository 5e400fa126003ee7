"""What layers tell, whether edited features arrive, and whether effects come back, on simulated plates of known truth.

    python benchmarks/analysis/network.py WORK [--quick] [--json FILE]

Plates with three planted phenotypes, compounds that do nothing, plate-wise shifts of brightness and focus, and an edge
that lacks cells and light. Plates and lexicons are made in WORK, or used where they lie there already.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from napari_lexicon import api
from napari_lexicon.samples.plate import PlateSettings, simulate_plate

PHENOTYPES = ("mitotic_arrest", "mito_fragmentation", "stress_fibres")
CHANNELS = ("DNA", "AGP", "Mito")


def lexicon_of(work: Path, plates: int, wells: int, side: int) -> Path:
    out = work / f"network-{plates}x{wells}.lexicon"
    made = []
    for n in range(plates):
        path = work / f"network{n}-{wells}.zarr"
        settings = PlateSettings(
            name=path.stem,
            wells=wells,
            shape=(side, side),
            channels=CHANNELS,
            phenotypes=PHENOTYPES,
            batch=f"batch_{n}",
            batch_effect=1.5,
            edge_effect=0.3,
            seed=20 + n,
        )
        made.append(path if path.exists() else simulate_plate(path, settings, workers=1))
    if not out.exists():
        api.apply(made, out, device="cpu", keep_tokens=0)
    return out


def edits(lexicon: Path, features: int) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Features drawn at random among those that fire often enough, edited."""
    table = api.features(lexicon)
    often = table.index[(table["fires"] > 0.002) & (table["wells"] > 8)].to_numpy()
    chosen = np.random.default_rng(0).permutation(often)[:features]
    found = api.ask(lexicon, "edits", features=tuple(int(m) for m in chosen))
    rows = []
    for edit, one in found.groupby("edit", sort=False):
        rows.append(
            {
                "task": f"edit: {edit}",
                "size": f"{len(one)} features, {int(one['n_patches'].sum())} patches",
                "metric": "median part of the way asked (quartiles over features)",
                "unit": "",
                "ours": round(float(one["moved"].median()), 2),
                "low": round(float(one["moved"].quantile(0.25)), 2),
                "high": round(float(one["moved"].quantile(0.75)), 2),
                "peer": "another feature moved as much",
                "peer_value": round(float(one["moved_by_other"].median()), 2),
                "ratio": None,
                "right_way": round(float(one["right_way"].mean()), 2),
                "moves_most": round(float(one["first"].mean()), 2),
                "others": round(float(one["others"].median()), 2),
                "along_atom": round(float(one["moved_along"].median()), 2),
            }
        )
    return found, rows


def layers(lexicon: Path) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    found = api.ask(lexicon, "depth", across="plate")
    rows = []
    for (asked, network), one in found.groupby(["asked", "network"], sort=False):
        best = one[one["best"]].iloc[0]
        rows.append(
            {
                "task": f"layers: {asked}",
                "size": f"{int(best['n_wells'])} wells, {network}",
                "metric": str(best["metric"]),
                "unit": "",
                "ours": round(float(best["score"]), 2),
                "low": round(float(best["low"]), 2),
                "high": round(float(best["high"]), 2),
                "peer": "chance, 95th percentile",
                "peer_value": round(float(best["chance_high"]), 2),
                "ratio": None,
                "by_layer": [round(float(score), 2) for score in one["score"]],
                "best_layer": int(best["layer"]) + 1,
                "turn": [int(layer) + 1 for layer in one.loc[one["turn"], "layer"]],
            }
        )
    return found, rows


def transfer(lexicon: Path) -> list[dict[str, Any]]:
    """Do effects on one plate come back on another: those that were planted, and those of compounds that do nothing."""
    found = api.ask(lexicon, "transfer")
    planted = found["treatment"].isin(PHENOTYPES)
    rows = []
    for name, one in (("planted phenotypes", found[planted]), ("compounds that do nothing", found[~planted])):
        rows.append(
            {
                "task": f"transfer to another plate: {name}",
                "size": f"{one['treatment'].nunique()} treatments, {len(one)} pairs of plates",
                "metric": "correlation of effects over features, median (quartiles)",
                "unit": "",
                "ours": round(float(one["r"].median()), 2),
                "low": round(float(one["r"].quantile(0.25)), 2),
                "high": round(float(one["r"].quantile(0.75)), 2),
                "peer": "",
                "peer_value": None,
                "ratio": None,
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--quick", action="store_true", help="2 plates of 24 wells, 384 px")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    lexicon = lexicon_of(options.work, 2 if options.quick else 4, 24 if options.quick else 96, 384)
    rows: list[dict[str, Any]] = []
    for name, part in (
        ("transfer", lambda: (None, transfer(lexicon))),
        ("layers", lambda: layers(lexicon)),
        ("edits", lambda: edits(lexicon, 16 if options.quick else 64)),
    ):
        table, more = part()
        rows += more
        if table is not None:
            table.to_csv(options.work / f"{name}.csv", index=False)
        print(json.dumps(more, indent=1), flush=True)
        if options.json is not None:
            options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
