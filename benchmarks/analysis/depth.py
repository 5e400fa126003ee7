"""Question 5 on simulated plates: at which layer planted phenotypes appear, and where planted nuisances fade.

    python benchmarks/analysis/depth.py WORK [--quick] [--json FILE] [--figure FILE.svg]

Plates with three planted phenotypes, compounds that do nothing, plate-wise shifts of brightness and focus, and an edge
that lacks cells and light. Each phenotype is told from the controls on plates that the probe has not seen; so are the
compounds that do nothing, which no layer may tell. All layers, the model and a random network, in one run and one
figure. Plates and lexicons are made in WORK, or used where they lie there already.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from network import PHENOTYPES, lexicon_of

from napari_lexicon.analysis.depth import depth
from napari_lexicon.analysis.lexicon_tables import plate_statistics
from napari_lexicon.analysis.pooled_tokens import pooled_tokens
from napari_lexicon.analysis.report.network import depth_chart
from napari_lexicon.analysis.well_table import well_table, wells_at
from napari_lexicon.lexicons import Lexicon

NOTHING = "compounds that do nothing"
COLORS = {"more": "#c8441b", "still": "#7d8791", "axis": "#9aa3ad", "ink": "#1b2026", "rule": "#e3e6ea"}
STYLE = (
    "svg .t{font:11.5px system-ui,'Segoe UI',Roboto,Arial,sans-serif;fill:#1b2026}.faint{fill:#626b76}"
    ".h{font:600 13px system-ui,'Segoe UI',Roboto,Arial,sans-serif;fill:#1b2026}"
    ".axis{stroke:#9aa3ad}.rule{stroke:#e3e6ea}.more{fill:#c8441b}.still{fill:#7d8791}"
)


def answered(path: Path, seed: int = 0) -> pd.DataFrame:
    """The table of all concepts and nuisances at all layers."""
    lexicon = Lexicon.open(path)
    table = well_table(plate_statistics(lexicon))
    control = table.where("Metadata_pert_type == 'negcon'")
    pooled = pooled_tokens(lexicon, table.wells, control, most_wells=384, seed=seed)
    own = table.take(wells=wells_at(table, pooled.wells))
    treatment = own.labels("perturbation").astype(object)
    is_control = own.where("Metadata_pert_type == 'negcon'")

    def against_controls(chosen: np.ndarray) -> pd.Series:
        said = pd.Series(np.where(is_control, "control", "treated"), dtype=object)
        return said.where(chosen | is_control)

    concepts = {name.replace("_", " "): against_controls((treatment == name).to_numpy()) for name in PHENOTYPES}
    planted = treatment.isin(PHENOTYPES).to_numpy()
    concepts[NOTHING] = against_controls(~planted & ~is_control)
    nuisances = {
        "plate": own.labels("plate").astype(object),
        "edge of the plate": own.labels("edge").map({True: "edge", False: "inner", "True": "edge", "False": "inner"}),
        "brightness": pooled.measured["brightness"],
        "sharpness": pooled.measured["sharpness"],
    }
    return depth(
        pooled.layers, concepts, nuisances, numbers=pooled.numbers, together=own.labels("plate"), repeats=5,
        permutations=60, seed=seed,
    )  # fmt: skip


def rows_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per question: the best layer of the model beside the best of the random network, and chance."""
    rows = []
    for (kind, asked), both in table.groupby(["kind", "asked"], sort=False):
        by_network = {network: one.sort_values("layer") for network, one in both.groupby("network")}
        model, beside = by_network["model"], by_network.get("random network")
        best = model[model["best"]].iloc[0]
        other = None if beside is None else round(float(beside["score"].max()), 3)
        rows.append(
            {
                "task": f"{kind}: {asked}",
                "size": f"{int(best['n_wells'])} wells",
                "metric": str(best["metric"]),
                "unit": "",
                "ours": round(float(best["score"]), 3),
                "low": round(float(best["low"]), 3),
                "high": round(float(best["high"]), 3),
                "by_chance": round(float(best["chance_high"]), 3),
                "by_layer": [round(float(score), 2) for score in model["score"]],
                "best_layer": int(best["layer"]) + 1,
                "turn": [int(layer) + 1 for layer in model.loc[model["turn"], "layer"]],
                "peer": "random network, its best layer",
                "peer_value": other,
                "ratio": None if not other or other <= 0 else round(float(best["score"]) / other, 2),
            }
        )
    return rows


def figure(table: pd.DataFrame) -> str:
    """All questions in one SVG, concepts above nuisances."""
    charts = [(f"{kind}: {asked}", depth_chart(rows)) for (kind, asked), rows in table.groupby(["kind", "asked"])]
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', charts[0][1])
    assert size is not None
    wide, tall = float(size[1]), float(size[2])
    across = 4
    parts = []
    for n, (title, chart) in enumerate(charts):
        x, y = n % across * (wide + 24) + 12, n // across * (tall + 44) + 38
        parts.append(f'<text class="h" x="{x}" y="{y - 16}">{title}</text>')
        parts.append(
            chart.replace("<svg", f'<svg overflow="visible" x="{x}" y="{y}" width="{wide}" height="{tall}"', 1)
        )
    width, height = across * (wide + 24), -(-len(charts) // across) * (tall + 44) + 42
    below = height - 12

    def said(x: int, words: str) -> str:
        return f'<text class="t" x="{x}" y="{below}">{words}</text>'

    key = "".join(
        f'<circle cx="{x}" cy="{below - 4}" r="4" class="{kind}"/>' for x, kind in ((20, "more"), (110, "still"))
    )
    key += said(30, "the model") + said(120, "the same network with random weights")
    key += said(
        400, "dashed: chance (95th percentile), ring: a concept appears or a nuisance fades, bands: five splits"
    )
    drawn = "".join(parts) + key
    for name, color in COLORS.items():
        drawn = drawn.replace(f"var(--{name})", color)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}">'
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>{drawn}</svg>\n'
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--quick", action="store_true", help="2 plates of 24 wells instead of 4 of 48")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    table = answered(lexicon_of(options.work, 2 if options.quick else 4, 24 if options.quick else 48, 384))
    rows = rows_of(table)
    print(json.dumps(rows, indent=1))
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    if options.figure is not None:
        options.figure.write_text(figure(table))


if __name__ == "__main__":
    main()
