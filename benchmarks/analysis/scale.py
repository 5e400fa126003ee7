"""How long questions 1 to 4 take on 10 million codes of k = 32 over 8192 features in 384 wells, and in how much memory.

    python benchmarks/analysis/scale.py [--quick] [--json FILE]

Codes are drawn well by well (that time is not counted), gathered into statistics, and thrown away, as apply does with
fields. Every question then starts from the statistics. One process, one thread. Where a peer answers the same question,
it is timed on the same numbers: SciPy's permutation test for effects, scikit-learn's pipeline for probes, and counting
one well with pandas for the statistics (scaled up). Peers run last, so that the memory is ours alone. Times are
processor time of one thread, which does not depend on what else the machine does.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from napari_lexicon.analysis.activity import replicate_activity
from napari_lexicon.analysis.associations import best_features
from napari_lexicon.analysis.confounds import confounds
from napari_lexicon.analysis.doses import dose_response
from napari_lexicon.analysis.effects import treatment_effects
from napari_lexicon.analysis.features import PlateStatistics
from napari_lexicon.analysis.probes import probes
from napari_lexicon.analysis.selectivity import selectivity
from napari_lexicon.analysis.well_table import WellTable, well_table
from napari_lexicon.lexicons import WellStatistics
from napari_lexicon.lexicons.statistics import field_statistics
from napari_lexicon.plates.well_names import well_name

TREATMENTS = 20  # 16 wells each on 384, controls 64


@dataclass(frozen=True)
class Size:
    """What is simulated."""

    codes: int
    k: int
    features: int
    rows: int
    columns: int

    @property
    def wells(self) -> int:
        return self.rows * self.columns

    def __str__(self) -> str:
        return f"{self.codes:,} codes, k {self.k}, {self.features} features, {self.wells} wells"


FULL, QUICK = Size(10_000_000, 32, 8192, 16, 24), Size(200_000, 16, 1024, 8, 12)


def plate_map(size: Size) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n_control = size.wells // 6
    labels = ["DMSO"] * n_control + [f"drug{n % TREATMENTS:02d}" for n in range(size.wells - n_control)]
    doses = [0.0] * n_control + [10.0 ** (n // TREATMENTS % 4 - 2) for n in range(size.wells - n_control)]
    order = rng.permutation(size.wells)
    wells = [well_name(r, c) for r in range(size.rows) for c in range(size.columns)]
    return pd.DataFrame(
        {
            "Metadata_perturbation": np.array(labels)[order],
            "Metadata_concentration": np.array(doses)[order],
            "Metadata_pert_type": np.where(np.array(labels)[order] == "DMSO", "negcon", "trt"),
        },
        index=pd.Index(wells, name="well"),
    )


def codes_of(well: int, size: Size, treatment: str) -> tuple[np.ndarray, np.ndarray]:
    """``(1, tokens, 1, k)`` indices, distinct within a token, and values; treatments favour features of their own."""
    rng = np.random.default_rng([7, well])
    tokens = size.codes // size.wells
    step = size.features // size.k  # one feature from each of k ranges: distinct without a search
    own = 0 if treatment == "DMSO" else 1 + int(treatment[-2:])
    skew = rng.beta(1 + 0.02 * own, 2, (tokens, size.k))
    indices = (skew * step).astype(np.int64).clip(max=step - 1) + np.arange(size.k) * step
    values = rng.standard_exponential((tokens, size.k), dtype=np.float32)
    return indices.reshape(1, tokens, 1, size.k), values.reshape(1, tokens, 1, size.k)


def gathered(size: Size, said: pd.DataFrame) -> tuple[PlateStatistics, float, float]:
    """Statistics, the seconds that gathering them took, and those of a pandas count of one well scaled to all."""
    one = WellStatistics.empty(tuple(said.index), 1, size.features)
    seconds = peer = 0.0
    for w, treatment in enumerate(said["Metadata_perturbation"]):
        indices, values = codes_of(w, size, treatment)
        start = time.process_time()
        one.add(w, w, (0,), field_statistics(indices, values, size.features))
        seconds += time.process_time() - start
        if w == 0:
            start = time.process_time()
            frame = pd.DataFrame({"feature": indices.ravel(), "value": values.ravel()})
            frame[frame["value"] > 0].groupby("feature")["value"].agg(["sum", "size", "max", "idxmax"])
            peer = (time.process_time() - start) * size.wells
    return PlateStatistics("plate", one, said, ("all",), (size.rows, size.columns)), seconds, peer


def timed(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def effects_of_scipy(table: WellTable, permutations: int = 200) -> float:
    """Seconds of SciPy's permutation t-test of one treatment, times the number of treatments."""
    labels = table.labels("perturbation").to_numpy()
    rooted = np.arcsin(np.sqrt(table.fires.astype(float)))
    own, control = rooted[labels == "drug00"], rooted[labels == "DMSO"]
    method = stats.PermutationMethod(n_resamples=permutations, rng=np.random.default_rng(0))
    return timed(lambda: stats.ttest_ind(own, control, method=method)) * TREATMENTS


def probe_of_sklearn(table: WellTable) -> float:
    """Seconds of one cross-validated probe of all features without turning them first."""
    labels = table.labels("perturbation").to_numpy().astype(str)
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=2000))
    split = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    groups = np.arange(len(table))
    return timed(lambda: cross_val_predict(model, table.fires.astype(float), labels, groups=groups, cv=split))


def measured(size: Size) -> list[dict[str, Any]]:
    said = plate_map(size)
    plate, seconds, peer = gathered(size, said)
    rows = [row("gather the codes (once, by apply)", size, seconds, "pandas groupby, scaled up", peer)]
    start = time.process_time()
    table = well_table([plate])
    rows.append(row("statistics to wells x features", size, time.process_time() - start))
    rng = np.random.default_rng(0)
    nuclei = pd.DataFrame({"nuclei": rng.poisson(900, len(table)).astype(float), "brightness": rng.random(len(table))})
    asked: dict[str, Callable[[], Any]] = {
        "1 selectivity, 200 shuffles": lambda: selectivity(table, "perturbation", permutations=200),
        "1 selectivity, 1000 shuffles": lambda: selectivity(table, "perturbation"),
        "2 probe of all features, one split": lambda: probes(table, "perturbation", best=(), repeats=1, permutations=0),
        "2 probes: all, best 1, 3, 5, 10; nuclei": lambda: probes(
            table, "perturbation", beside={"nuclei": nuclei["nuclei"].to_numpy()}, repeats=1, permutations=2
        ),
        "3 counts, held out, 20 splits": lambda: best_features(table, nuclei, permutations=20),
        "4 confounds": lambda: confounds(table, "perturbation", measurements=nuclei),
        "7 effects, 200 shuffles": lambda: treatment_effects(table, "perturbation"),
        "7 replicate mAP": lambda: replicate_activity(table, "perturbation"),
        "7 dose curves": lambda: dose_response(table, "perturbation", "concentration"),
    }
    for task, work in asked.items():
        rows.append(row(task, size, timed(work)))
        print(f"{task}: {rows[-1]['ours']} s", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    rows.append(row("all of it", size, peak, metric="peak memory", unit="GiB"))
    peers = {
        "2 probe of all features, one split": ("scikit-learn pipeline", probe_of_sklearn),
        "7 effects, 200 shuffles": ("scipy permutation t-test, one treatment x 20", effects_of_scipy),
    }
    for n, one in enumerate(rows):
        if one["task"] in peers:
            name, peer_work = peers[one["task"]]
            rows[n] = row(one["task"], size, one["ours"], name, peer_work(table))
    return rows


def row(
    task: str,
    size: Size,
    ours: float,
    peer: str = "",
    peer_value: float | None = None,
    *,
    metric: str = "time",
    unit: str = "s",
) -> dict[str, Any]:
    ratio = None if peer_value is None else round(peer_value / ours, 2)
    value = None if peer_value is None else round(peer_value, 2)
    return {
        "task": task,
        "size": str(size),
        "metric": metric,
        "unit": unit,
        "ours": round(ours, 2),
        "peer": peer,
        "peer_value": value,
        "ratio": ratio,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = measured(QUICK if options.quick else FULL)
    for one in rows:
        beside = "" if one["peer_value"] is None else f"   {one['peer']} {one['peer_value']} ({one['ratio']} x)"
        print(f"{one['task']:<44}{one['ours']:>9} {one['unit']}{beside}")
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
