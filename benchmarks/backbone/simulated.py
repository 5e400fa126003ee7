"""Planted phenotypes, per cell and per well: trained on one plate, tested on others with another batch effect."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from describers import Array, Describer
from regions import Regions, whole

from napari_lexicon.backbones import apply_windows, estimate_windows
from napari_lexicon.samples.layout import WellContent
from napari_lexicon.samples.phenotypes import PHENOTYPES
from napari_lexicon.samples.plate import PlateSettings, contents, render_plate_field

STRONG = 0.5
"""Cells of at least this strength count as showing the phenotype; weaker ones are left out of the per-cell task."""
TOP_DOSE = 0.29
"""Wells of at least this relative dose count in the per-well task."""


@dataclass(frozen=True, eq=False)
class SimulatedField:
    """One field of a simulated plate.

    Parameters
    ----------
    well : str
    content : WellContent
        Its treatment.
    image : (C, Y, X) float32
        Windowed by the plate's own windows.
    labels : (Y, X) int32
        Cells.
    table : pandas.DataFrame
        One row per cell.
    """

    well: str
    content: WellContent
    image: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int32]
    table: pd.DataFrame


def plate_settings(seed: int, **changes: Any) -> PlateSettings:
    """A 96-well plate; its seed decides cells, layout, brightness, focus and illumination."""
    return PlateSettings(**{"name": f"plate{seed}", "wells": 96, "seed": seed, "batch_effect": 1.0, **changes})


def chosen_wells(settings: PlateSettings, per_condition: int, controls: int) -> dict[str, WellContent]:
    """The strongest wells of every phenotype, and some negative controls."""
    by_phenotype: dict[str | None, list[tuple[float, str]]] = {}
    every = contents(settings)
    for well, content in every.items():
        if content.phenotype is not None or content.pert_type == "negcon":
            by_phenotype.setdefault(content.phenotype, []).append((content.dose, well))
    wells: list[str] = []
    for phenotype, found in by_phenotype.items():
        count = controls if phenotype is None else per_condition
        wells += [well for _, well in sorted(found, reverse=True)[:count]]
    return {well: every[well] for well in wells}


def rendered_fields(
    settings: PlateSettings, wells: dict[str, WellContent], cache: Path, workers: int = 2
) -> dict[str, tuple[npt.NDArray[np.uint16], npt.NDArray[np.int32], pd.DataFrame]]:
    """Grey values, labels and cells of the chosen wells; rendered once, kept in ``cache``."""
    cache.mkdir(parents=True, exist_ok=True)
    description = json.dumps([asdict(settings), sorted(wells)], sort_keys=True, default=str)
    name = hashlib.sha256(description.encode()).hexdigest()[:16]
    folder = cache / name
    folder.mkdir(exist_ok=True)
    missing = [(settings, well, folder) for well in wells if not (folder / f"{well}.npz").is_file()]
    if missing:
        with ProcessPoolExecutor(workers) as pool:
            list(pool.map(_render, missing))
    return {well: _load(folder, well) for well in wells}


def plate_fields(
    settings: PlateSettings, wells: dict[str, WellContent], cache: Path, workers: int = 2
) -> Iterator[SimulatedField]:
    """Fields of the chosen wells with the plate's windows; rendered once, kept in ``cache``."""
    loaded = rendered_fields(settings, wells, cache, workers)
    windows = estimate_windows(image for image, _, _ in loaded.values())
    for well, (image, labels, table) in loaded.items():
        yield SimulatedField(well, wells[well], apply_windows(image, windows), labels, table)


def _render(job: tuple[PlateSettings, str, Path]) -> None:
    settings, well, folder = job
    rendered = render_plate_field(settings, well, 0)
    rendered.table.to_csv(folder / f"{well}.csv")
    np.savez_compressed(folder / f"part_{well}.npz", image=rendered.image, labels=rendered.cells)
    (folder / f"part_{well}.npz").rename(folder / f"{well}.npz")


def _load(folder: Path, well: str) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.int32], pd.DataFrame]:
    arrays = np.load(folder / f"{well}.npz")
    return arrays["image"], arrays["labels"], pd.read_csv(folder / f"{well}.csv", index_col="cell")


@dataclass(frozen=True, eq=False)
class Described:
    """Cells and wells of one plate as one describer sees them.

    Parameters
    ----------
    cells, wells : dict of (N, F) array
        By kind of description.
    cell_table : pandas.DataFrame
        One row per cell: well, phenotype, strength.
    well_table : pandas.DataFrame
        One row per well: well, phenotype, dose, column.
    """

    cells: dict[str, Array]
    wells: dict[str, Array]
    cell_table: pd.DataFrame
    well_table: pd.DataFrame


def described(fields: list[SimulatedField], describer: Describer, most: int) -> Described:
    """Describe up to ``most`` whole cells (not cut by the border) of every field, and every well."""
    cells: dict[str, list[Array]] = {}
    wells: dict[str, list[Array]] = {}
    cell_rows, well_rows = [], []
    for field in fields:
        table = field.table[~field.table["cut_by_border"] & (field.table["area_px"] > 60)]
        table = table.sample(min(most, len(table)), random_state=0).sort_index()
        boxes = table[["top", "left", "bottom", "right"]].to_numpy(np.int64)
        regions = Regions(boxes, field.labels, table.index.to_numpy(np.int64))
        both = describer.describe(field.image, regions, whole(field.image.shape))
        for store, found in zip((cells, wells), both, strict=True):
            for kind, values in found.items():
                store.setdefault(kind, []).append(values)
        cell_rows.append(table[["phenotype", "strength", "cycle", "dead", "nuclei"]].assign(well=field.well))
        content = field.content
        well_rows.append(
            {
                "well": field.well,
                "phenotype": content.phenotype or "control",
                "dose": content.dose,
                "column": int(field.well[1:]),
            }
        )
    return Described(
        {kind: np.concatenate(parts) for kind, parts in cells.items()},
        {kind: np.concatenate(parts) for kind, parts in wells.items()},
        pd.concat(cell_rows, ignore_index=True),
        pd.DataFrame(well_rows),
    )


def joined(plates: Sequence[Described]) -> Described:
    """Several plates as one; wells get the number of their plate before their name."""

    def table(frames: list[pd.DataFrame]) -> pd.DataFrame:
        named = [frame.assign(well=f"{number} " + frame["well"]) for number, frame in enumerate(frames)]
        return pd.concat(named, ignore_index=True)

    return Described(
        {kind: np.concatenate([plate.cells[kind] for plate in plates]) for kind in plates[0].cells},
        {kind: np.concatenate([plate.wells[kind] for plate in plates]) for kind in plates[0].wells},
        table([plate.cell_table for plate in plates]),
        table([plate.well_table for plate in plates]),
    )


def cell_question(table: pd.DataFrame, phenotype: str) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which cells take part in the question, and which of all cells show the phenotype.

    Cells of other phenotypes and weak responders are left out; cells that divide, die or have two nuclei by
    themselves in control wells stay in: telling them apart from planted ones is part of the question, except where
    they are the very same thing.
    """
    shows = ((table["phenotype"] == phenotype) & (table["strength"] >= STRONG)).to_numpy(bool)
    plain = (table["phenotype"] == "none").to_numpy(bool)
    same = {
        "mitotic_arrest": (table["cycle"] == "M").to_numpy(bool),
        "multinucleation": (table["nuclei"] > 1).to_numpy(bool),
        "apoptosis": table["dead"].to_numpy(bool),
    }.get(phenotype, np.zeros(len(table), bool))
    return shows | (plain & ~same), shows


__all__ = [
    "PHENOTYPES",
    "Described",
    "cell_question",
    "chosen_wells",
    "described",
    "joined",
    "plate_fields",
    "plate_settings",
    "rendered_fields",
]
