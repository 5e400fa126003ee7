"""Are false discoveries as rare as promised, are planted confounds flagged, and how many wells does an effect need?

    python benchmarks/analysis/calibration.py [--quick] [--json FILE]

Wells are simulated as in the tests: features share causes (half of the variation between wells is common to all), 400
patches per well. A null is a plate on which nothing differs; a false alarm is a null with any feature called at 5 %.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.analysis.wells import wells_of

from napari_lexicon.analysis.activity import replicate_activity
from napari_lexicon.analysis.confounds import confounds
from napari_lexicon.analysis.doses import dose_response
from napari_lexicon.analysis.effects import treatment_effects
from napari_lexicon.analysis.selectivity import selectivity

CONTROLS = "Metadata_x == 'DMSO'"
FEATURES = 300


def false_alarms(nulls: int) -> list[dict[str, Any]]:
    labels = ["DMSO"] * 12 + ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    doses = [0.0] * 12 + [0.1, 1.0, 10.0, 100.0] * 3

    def alarms(answer: Callable[[Any, int], np.ndarray]) -> list[bool]:
        found = []
        for seed in range(nulls):
            table = wells_of(labels, features=FEATURES, seed=seed, columns={"dose": doses})
            found.append(bool((answer(table, seed) <= 0.05).any()))
        return found

    asked: dict[str, Callable[[Any, int], np.ndarray]] = {
        "effects (one treatment of three)": lambda table, seed: _first(
            treatment_effects(table, "x", controls=CONTROLS, permutations=100, seed=seed)
        ),
        "selectivity": lambda table, seed: selectivity(table, "x", permutations=100, seed=seed).table["q"].to_numpy(),
        "doses (one treatment of three)": lambda table, seed: _first(
            dose_response(table, "x", "dose", controls=CONTROLS, permutations=100, seed=seed)
        ),
        "replicate mAP": lambda table, seed: replicate_activity(table, "x", controls=CONTROLS, null_size=2000)[
            "q"
        ].to_numpy(),
        "confounds (edge)": lambda table, seed: _flags(table),
    }
    rows = []
    for name, answer in asked.items():
        found = alarms(answer)
        low, high = stats.binomtest(sum(found), nulls).proportion_ci()
        rows.append(_row(f"false alarms, {name}", f"{nulls} nulls", 100 * float(np.mean(found)), "nominal", 5.0))
        rows[-1]["low"], rows[-1]["high"] = round(100 * low, 1), round(100 * high, 1)
    return rows


def _first(frame: Any) -> np.ndarray:
    return np.asarray(frame.loc[frame["treatment"] == "a", "q"])


def _flags(table: Any) -> np.ndarray:
    flagged = confounds(table, "x", nuisances=["edge"]).table["flagged"].to_numpy()
    return np.where(flagged, 0.0, 1.0)


def planted_edge(repeats: int) -> list[dict[str, Any]]:
    """A quarter of the features follow the edge of a plate whose treatments lie at random."""
    found, false = [], []
    for seed in range(repeats):
        rng = np.random.default_rng(seed)
        labels = rng.permutation(["DMSO"] * 16 + ["a", "b", "c", "d", "e"] * 16).tolist()
        edge = wells_of(labels, features=2).wells["edge"].to_numpy()
        shift = np.zeros((96, FEATURES))
        shift[:, :75] = 1.0 * edge[:, None]
        table = wells_of(labels, features=FEATURES, shift=shift, seed=seed)
        flagged = confounds(table, "x", nuisances=["edge"]).table["flagged"].to_numpy()
        found.append(flagged[:75].mean())
        false.append(flagged[75:].mean())
    size = f"{repeats} plates of 96 wells"
    return [
        _row("planted edge effect, features flagged", size, 100 * float(np.mean(found))),
        _row("the same plates, other features flagged", size, 100 * float(np.mean(false))),
    ]


def power(repeats: int) -> list[dict[str, Any]]:
    """Part of planted features that is called, by wells and by the size of the effect between wells."""
    rows = []
    for n_control in (4, 8, 16, 32):
        for n_treated in (2, 3, 4, 8):
            for size in (1.0, 2.0, 4.0):
                called, false = [], []
                for seed in range(repeats):
                    labels = ["DMSO"] * n_control + ["a"] * n_treated
                    shift = np.zeros((len(labels), FEATURES))
                    shift[n_control:, :30] = 0.4 * size  # the spread between wells is 0.4 on the scale of log odds
                    table = wells_of(labels, features=FEATURES, shift=shift, seed=seed)
                    q = treatment_effects(table, "x", controls=CONTROLS, permutations=100, seed=seed)["q"].to_numpy()
                    called.append((q[:30] <= 0.05).mean())
                    false.append((q[30:] <= 0.05).sum() / max(1, (q <= 0.05).sum()))
                rows.append(
                    _row(
                        f"called, effect of {size:g} standard deviations",
                        f"{n_treated} wells against {n_control}",
                        100 * float(np.mean(called)),
                    )
                )
                rows[-1]["false"] = round(100 * float(np.mean(false)), 1)
    return rows


def _row(task: str, size: str, ours: float, peer: str = "", peer_value: float | None = None) -> dict[str, Any]:
    ratio = None if not peer_value else round(ours / peer_value, 2)
    return {
        "task": task,
        "size": size,
        "metric": "share",
        "unit": "%",
        "ours": round(ours, 1),
        "peer": peer,
        "peer_value": peer_value,
        "ratio": ratio,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = false_alarms(20 if options.quick else 200)
    rows += planted_edge(2 if options.quick else 20)
    rows += power(2 if options.quick else 20)
    for one in rows:
        more = f"  ({one['low']} to {one['high']})" if "low" in one else ""
        more += f"  false among called {one['false']} %" if "false" in one else ""
        print(f"{one['task']:<52}{one['size']:<26}{one['ours']:>6} %{more}")
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
