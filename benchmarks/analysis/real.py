"""What the built-in features say of public images, on splits that do not leak, beside plain measurements.

    LEXICON_DATA=... python benchmarks/analysis/real.py WORK [--images N] [--only NAME] [--quick] [--json FILE]

BBBC016 (dose of an agonist, 24 wells), DSB 2018 (number of nuclei), BCCD (red and white cells, platelets), each image
of these two a well of its own, and crops of three slides (nuclei of 128 px tiles by colour deconvolution; the best
feature is chosen on two slides and scored on the third). Features by their code and by their direction; splits and
shuffles from three seeds. Lexicons are made in WORK, or used where they lie there already.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from slides import slide_rows

from napari_lexicon import api
from napari_lexicon.analysis.associations import best_features
from napari_lexicon.analysis.lexicon_tables import plate_statistics
from napari_lexicon.analysis.measurements import WellMeasurements, field_measurements
from napari_lexicon.analysis.pooled_names import MODEL, RANDOM
from napari_lexicon.analysis.pooled_tokens import pooled_tokens
from napari_lexicon.analysis.probed_readings import other_readings
from napari_lexicon.analysis.probes import probes
from napari_lexicon.analysis.reading import finished_fields
from napari_lexicon.analysis.well_table import WellTable, well_table, wells_at
from napari_lexicon.lexicons import Lexicon

SEEDS = (0, 1, 2)


def opened(data: Path, work: Path, name: str, images: Path, **more: Any) -> tuple[Lexicon, WellTable, pd.DataFrame]:
    """A lexicon, its wells, and brightness, sharpness and nuclei of each."""
    path = work / f"{name}.lexicon"
    if not path.exists():
        api.apply(images, path, device="cpu", keep_tokens=0, **more)
    lexicon = Lexicon.open(path)
    table = well_table(plate_statistics(lexicon))
    wells = WellMeasurements()
    for one in finished_fields(lexicon.plates.values(), pixels=True):
        wells.add(one, field_measurements(one, nuclei=not one.plate.header.rgb))
    return lexicon, table, wells.table(table.wells)


def directions_of(lexicon: Lexicon, table: WellTable) -> WellTable:
    """The table with every feature's mean direction as its ``mean``, one column per feature over all channels."""
    profiles = api.profiles(lexicon.path)
    keys = pd.Index(profiles.obs_names.astype(str))
    wells = table.wells["well"].astype(str)
    if len(lexicon.plates) > 1:
        wells = table.wells["plate"].astype(str) + "/" + wells
    values = np.asarray(profiles.layers["direction"], np.float32)[keys.get_indexer(wells)]
    features = pd.DataFrame({"feature": np.arange(values.shape[1]), "channel": "all", "name": ""})
    return replace(table, features=features, fires=values, mean=values, tokens=np.ones((len(values), 1)))


def rows_of(
    data_set: str, lexicon: Lexicon, table: WellTable, truth: pd.DataFrame, plain: pd.DataFrame
) -> list[dict[str, Any]]:
    """Every truth by the best feature (chosen on one half, scored on the other) and by each plain measurement."""
    rows = []
    readings = {"code": (table, "fires"), "direction": (directions_of(lexicon, table), "mean")}
    for reading, (values, statistic) in readings.items():
        found = [
            best_features(values, truth, statistic=statistic, splits=50, permutations=200, seed=seed).set_index(
                "measurement"
            )
            for seed in SEEDS
        ]
        rows += [_row(data_set, reading, name, [one.loc[name] for one in found], truth, plain) for name in truth]
    return rows


def _row(
    data_set: str, reading: str, name: str, found: list[pd.Series], truth: pd.DataFrame, plain: pd.DataFrame
) -> dict[str, Any]:
    base = plain.apply(lambda column: abs(stats.spearmanr(column, truth[name], nan_policy="omit").statistic))
    base = base.drop(index=[name], errors="ignore").dropna()
    rho = [float(one["rho"]) for one in found]
    return {
        "task": f"{data_set}: {name}, by {reading}",
        "size": f"{int(found[0]['n_wells'])} wells",
        "metric": "Spearman, held out (5 to 95 % of splits)",
        "unit": "",
        "ours": round(float(np.mean(rho)), 3),
        "by_seed": [round(one, 3) for one in rho],
        "low": round(float(min(one["low"] for one in found)), 3),
        "high": round(float(max(one["high"] for one in found)), 3),
        "where_chosen": round(abs(float(found[0]["rho_chosen"])), 3),
        "by_chance": round(float(max(one["chance_high"] for one in found)), 3),
        "same_feature": round(float(np.mean([one["same_feature"] for one in found])), 2),
        "plain": {str(k): round(float(v), 3) for k, v in base.items()},
        "peer": str(base.idxmax()),
        "peer_value": round(float(base.max()), 3),
        "ratio": round(float(np.mean(rho)) / float(base.max()), 2),
    }


def probe_rows(data_set: str, lexicon: Lexicon, table: WellTable, high: pd.Series) -> list[dict[str, Any]]:
    """Probes of one column from features and from all that they have to beat, on wells not seen."""
    pooled = pooled_tokens(lexicon, table.wells, np.zeros(len(table), bool), layers=[lexicon.backbone.layer])
    kept = wells_at(table, pooled.wells)
    own = table.take(wells=kept)
    own.wells["Metadata_told"] = high.iloc[kept].to_numpy()
    apart = {name: values[kept] for name, values in other_readings(lexicon, table, None).items()}
    beside = apart | {
        "embeddings": pooled.layers[MODEL][0],
        "reconstructions": pooled.reconstructed,
        "random network": pooled.layers[RANDOM][0],
        "classical morphology": pooled.measured.to_numpy(dtype=float),
        "brightness": pooled.measured["brightness"].to_numpy(),
        "nuclei": pooled.measured["nuclei"].to_numpy(),
    }
    rows = []
    for _, one in probes(own, "told", beside=beside, repeats=10).iterrows():
        rows.append(
            {
                "task": f"{data_set}: {high.name}, probe from {one['source']}",
                "size": f"{int(one['n_wells'])} wells",
                "metric": "balanced accuracy, held out (lowest to highest of splits)",
                "unit": "",
                "ours": round(float(one["balanced_accuracy"]), 3),
                "low": round(float(one["low"]), 3),
                "high": round(float(one["high"]), 3),
                "peer": "chance, 95th percentile",
                "peer_value": round(float(one["chance_high"]), 3),
                "ratio": None,
            }
        )
    return rows


def bccd(data: Path, work: Path, images: int) -> list[dict[str, Any]]:
    folder = data / "bccd_blood"
    labels = pd.read_csv(folder / "labels.csv").set_index("image_id")
    chosen = labels.sample(min(images, len(labels)), random_state=0)
    drawn = work / "bccd_images"
    drawn.mkdir(parents=True, exist_ok=True)
    for image in chosen["image"]:
        shutil.copy(folder / image, drawn)
    lexicon, table, plain = opened(data, work, "bccd", drawn)
    named = [next((k for k in (w, Path(w).stem) if k in labels.index), None) for w in table.wells["well"]]
    truth = labels.reindex(named).reset_index(drop=True)[["n_rbc", "n_wbc", "n_platelets"]]
    return rows_of("BCCD", lexicon, table, truth, plain)


def bbbc016(data: Path, work: Path) -> list[dict[str, Any]]:
    folder = data / "bbbc016_transfluor_gfp"
    lexicon, table, plain = opened(data, work, "bbbc016", folder / "images", pattern="{*}_{well}f{field}d{channel}.TIF")
    said = pd.read_csv(folder / "labels.csv").groupby("well")[["dose_reported", "spot_count", "mean_gfp"]].mean()
    said = said.reindex(table.wells["well"]).reset_index(drop=True)
    column = table.wells["column"].to_numpy() + 1
    truth = pd.DataFrame({"dose": said["dose_reported"].where(column > 2), "spots": said["spot_count"]})
    plain = plain.drop(columns="nuclei").assign(mean_gfp=said["mean_gfp"], spots=said["spot_count"])
    dose = truth["dose"]
    high = pd.Series(np.where(dose > dose.median(), "high", "low"), name="high or low dose").where(dose.notna())
    return rows_of("BBBC016", lexicon, table, truth, plain) + probe_rows("BBBC016", lexicon, table, high)


def dsb2018(data: Path, work: Path, images: int) -> list[dict[str, Any]]:
    folder = data / "dsb2018_fluorescence"
    labels = pd.read_csv(folder / "labels.csv").set_index("image_id")
    chosen = labels.sample(min(images, len(labels)), random_state=0)
    drawn = work / "dsb2018_images"
    drawn.mkdir(parents=True, exist_ok=True)
    for image in chosen["image"]:
        shutil.copy(folder / image, drawn)  # links are not followed by the reader
    lexicon, table, plain = opened(data, work, "dsb2018", drawn)
    named = [next((k for k in (w, Path(w).stem) if k in labels.index), None) for w in table.wells["well"]]
    known = labels.reindex(named).reset_index(drop=True)
    area = known["height"] * known["width"]
    truth = pd.DataFrame(
        {"nuclei per area": known["nuclei_count"] / area, "median area of a nucleus": known["median_nucleus_area_px"]}
    )
    plain = plain.assign(**{"segmented nuclei per area": plain["nuclei"] / area}).drop(columns="nuclei")
    return rows_of("DSB 2018", lexicon, table, truth, plain)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--images", type=int, default=150, help="of DSB 2018")
    parser.add_argument("--only", choices=("bbbc016", "dsb2018", "bccd", "slides"), help="one data set")
    parser.add_argument("--quick", action="store_true", help="40 images of DSB 2018 and of BCCD")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    images = 40 if options.quick else options.images
    data = Path(os.environ["LEXICON_DATA"])
    options.work.mkdir(parents=True, exist_ok=True)
    np.seterr(all="ignore")
    rows: list[dict[str, Any]] = []
    parts = {
        "bbbc016": lambda: bbbc016(data, options.work),
        "dsb2018": lambda: dsb2018(data, options.work, images),
        "bccd": lambda: bccd(data, options.work, images),
        "slides": lambda: slide_rows(data, options.work),
    }
    for name, part in parts.items():
        if options.only not in (None, name):
            continue
        rows += part()
        print(json.dumps(rows, indent=1), flush=True)
        if options.json is not None:
            options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
