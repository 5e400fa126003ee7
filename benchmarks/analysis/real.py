"""What the built-in features say of public images, on splits that do not leak, beside plain measurements.

    LEXICON_DATA=... python benchmarks/analysis/real.py WORK [--images N] [--json FILE]

BBBC016 (dose of an agonist, 24 wells) and DSB 2018 (number of nuclei, one image each a well of its own). Lexicons are
made in WORK, or used where they lie there already (``bbbc016.lexicon``, ``dsb2018.lexicon``).
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from napari_lexicon import api
from napari_lexicon.analysis.associations import best_features
from napari_lexicon.analysis.lexicon_tables import plate_statistics
from napari_lexicon.analysis.measurements import WellMeasurements, field_measurements
from napari_lexicon.analysis.reading import finished_fields
from napari_lexicon.analysis.well_table import WellTable, well_table
from napari_lexicon.lexicons import Lexicon


def opened(data: Path, work: Path, name: str, images: Path, **more: Any) -> tuple[Lexicon, WellTable, pd.DataFrame]:
    """A lexicon, its wells, and brightness, sharpness and nuclei of each."""
    path = work / f"{name}.lexicon"
    if not path.exists():
        api.apply(images, path, device="cpu", keep_tokens=0, **more)
    lexicon = Lexicon.open(path)
    table = well_table(plate_statistics(lexicon))
    wells = WellMeasurements()
    for one in finished_fields(lexicon.plates.values(), pixels=True):
        wells.add(one, field_measurements(one))
    return lexicon, table, wells.table(table.wells)


def rows_of(data_set: str, table: WellTable, truth: pd.DataFrame, plain: pd.DataFrame) -> list[dict[str, Any]]:
    """Every truth by the best feature (chosen on one half, scored on the other) and by each plain measurement."""
    rows = []
    found = best_features(table, truth, splits=50, permutations=200).set_index("measurement")
    for name in truth.columns:
        one = found.loc[name]
        base = plain.apply(
            lambda column, name=name: abs(stats.spearmanr(column, truth[name], nan_policy="omit").statistic)
        )
        base = base.drop(index=[name], errors="ignore").dropna()
        rows.append(
            {
                "task": f"{data_set}: {name}",
                "size": f"{int(one['n_wells'])} wells",
                "metric": "Spearman, held out (5 to 95 % of splits)",
                "unit": "",
                "ours": round(float(one["rho"]), 3),
                "low": round(float(one["low"]), 3),
                "high": round(float(one["high"]), 3),
                "where_chosen": round(abs(float(one["rho_chosen"])), 3),
                "by_chance": round(float(one["chance_high"]), 3),
                "same_feature": round(float(one["same_feature"]), 2),
                "plain": {str(k): round(float(v), 3) for k, v in base.items()},
                "peer": str(base.idxmax()),
                "peer_value": round(float(base.max()), 3),
                "ratio": round(float(one["rho"]) / float(base.max()), 2),
            }
        )
    return rows


def bbbc016(data: Path, work: Path) -> list[dict[str, Any]]:
    folder = data / "bbbc016_transfluor_gfp"
    _, table, plain = opened(data, work, "bbbc016", folder / "images", pattern="{*}_{well}f{field}d{channel}.TIF")
    said = pd.read_csv(folder / "labels.csv").groupby("well")[["dose_reported", "spot_count", "mean_gfp"]].mean()
    said = said.reindex(table.wells["well"]).reset_index(drop=True)
    column = table.wells["column"].to_numpy() + 1
    truth = pd.DataFrame({"dose": said["dose_reported"].where(column > 2), "spots": said["spot_count"]})
    plain = plain.drop(columns="nuclei").assign(mean_gfp=said["mean_gfp"], spots=said["spot_count"])
    return rows_of("BBBC016", table, truth, plain)


def dsb2018(data: Path, work: Path, images: int) -> list[dict[str, Any]]:
    folder = data / "dsb2018_fluorescence"
    labels = pd.read_csv(folder / "labels.csv").set_index("image_id")
    chosen = labels.sample(min(images, len(labels)), random_state=0)
    drawn = work / "dsb2018_images"
    drawn.mkdir(parents=True, exist_ok=True)
    for image in chosen["image"]:
        shutil.copy(folder / image, drawn)  # links are not followed by the reader
    _, table, plain = opened(data, work, "dsb2018", drawn)
    named = [next((k for k in (w, Path(w).stem) if k in labels.index), None) for w in table.wells["well"]]
    known = labels.reindex(named).reset_index(drop=True)
    area = known["height"] * known["width"]
    truth = pd.DataFrame(
        {"nuclei per area": known["nuclei_count"] / area, "median area of a nucleus": known["median_nucleus_area_px"]}
    )
    plain = plain.assign(**{"segmented nuclei per area": plain["nuclei"] / area}).drop(columns="nuclei")
    return rows_of("DSB 2018", table, truth, plain)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--images", type=int, default=150, help="of DSB 2018")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    data = Path(os.environ["LEXICON_DATA"])
    options.work.mkdir(parents=True, exist_ok=True)
    np.seterr(all="ignore")
    rows = []
    for part in (lambda: bbbc016(data, options.work), lambda: dsb2018(data, options.work, options.images)):
        rows += part()
        print(json.dumps(rows, indent=1), flush=True)
        if options.json is not None:
            options.json.write_text(json.dumps({"rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
