"""A whole plate: batch effect, wells, fields; written as OME-Zarr with the truth of every cell beside it.

Every field is drawn from ``(seed, row, column, field)`` alone, so that it can be rendered by itself, in any order, and
a plate that was interrupted ends equal to one that was not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_lexicon.errors import SampleError
from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.well_names import canonical_well, well_position
from napari_lexicon.plates.writing import PlateWriter

from .cells import Crowd
from .field import BRIGHTNESS, CHANNELS, USUAL_BRIGHTNESS, FieldSettings, RenderedField, render_field
from .layout import FORMATS, WellContent, effect, plate_contents, plate_map
from .optics import Optics
from .phenotypes import PHENOTYPES

if TYPE_CHECKING:
    import os

    import pandas as pd

Report = Callable[[int, int, str], None]
"""Called with fields done, fields in all, and a message."""

COLORS = {"DNA": "#4D7CFE", "ER": "#3FD16B", "RNA": "#F2C230", "AGP": "#FF8A3D", "Mito": "#F0484E"}
_TOXICITY = {"apoptosis": 0.4, "mitotic_arrest": 0.2, "multinucleation": 0.35}
_FORMAT = 1  # raise it when the same settings come to give other pixels


@dataclass(frozen=True)
class PlateSettings:
    """Description of a simulated plate.

    Parameters
    ----------
    name : str
        Plate name or barcode.
    wells : int
        Plate format: 6, 12, 24, 48, 96, 384 or 1536 wells.
    only : tuple of str
        Wells to render; empty for all. More can be added later.
    fields : int
        Fields per well.
    shape : tuple of int
        ``(Y, X)`` of a field in pixels.
    pixel_size_um : float
        Micrometres per pixel.
    cell_diameter_um : float
        Diameter of a resting cell that has room.
    confluence : float
        Part of the ground that cells would cover.
    channels : tuple of str
        Markers to render.
    phenotypes : tuple of str
        Planted phenotypes, a dose series each.
    poscon : str, optional
        Phenotype of the positive control, where one is wanted.
    nulls : bool
        Whether to add compounds that do nothing.
    shuffled : bool
        Whether treatments lie at random places.
    confounds : tuple of (str, float)
        Perturbations whose wells are brighter or dimmer by a factor in all channels, as a stain that went with them.
    batch : str
        Name of the batch.
    batch_effect : float
        Size of the plate's own shifts of brightness, focus and illumination; 0 for none, 1 for usual.
    edge_effect : float
        Part of the cells and of the brightness that the outermost wells lack.
    well_spread : float
        Standard deviation of the logarithm of brightness between wells.
    seed : int
        Of everything.
    version : {"0.5", "0.4"}
        NGFF version to write.
    """

    name: str = "simulated"
    wells: int = 24
    only: tuple[str, ...] = ()
    fields: int = 1
    shape: tuple[int, int] = (512, 512)
    pixel_size_um: float = 0.65
    cell_diameter_um: float = 43.0
    confluence: float = 0.75
    channels: tuple[str, ...] = CHANNELS
    phenotypes: tuple[str, ...] = PHENOTYPES
    poscon: str | None = None
    nulls: bool = True
    shuffled: bool = True
    confounds: tuple[tuple[str, float], ...] = ()
    batch: str = "batch_1"
    batch_effect: float = 1.0
    edge_effect: float = 0.0
    well_spread: float = 0.04
    seed: int = 0
    version: Literal["0.5", "0.4"] = "0.5"
    optics: Optics = field(default_factory=Optics)


def silent(done: int, total: int, message: str) -> None:
    """A report that goes nowhere."""


def never() -> bool:
    """A stop that never comes."""
    return False


def contents(settings: PlateSettings) -> dict[str, WellContent]:
    """What is in which well of this plate."""
    return plate_contents(
        settings.wells,
        phenotypes=settings.phenotypes,
        poscon=settings.poscon,
        nulls=settings.nulls,
        shuffled=settings.shuffled,
        seed=settings.seed,
    )


def field_settings(settings: PlateSettings, well: str) -> FieldSettings:
    """Settings of the fields of one well: the plate's batch effect, the well's own, and its treatment."""
    rng = np.random.default_rng([settings.seed, 1])
    shift = settings.batch_effect
    gain = np.exp(0.18 * shift * rng.standard_normal(len(settings.channels)) + 0.1 * shift * rng.standard_normal())
    defocus = abs(rng.normal(0, 0.7)) * shift
    background = settings.optics.background * np.exp(0.25 * shift * rng.standard_normal())
    stain_spread = 0.22 * np.exp(0.15 * shift * rng.standard_normal())
    row, column = well_position(well)
    rng = np.random.default_rng([settings.seed, 2, row, column])
    gain = gain * np.exp(settings.well_spread * rng.standard_normal(len(gain)))
    gain = gain * np.exp(settings.well_spread * rng.standard_normal())
    confluence = settings.confluence * np.exp(0.12 * rng.standard_normal())
    defocus = float(np.hypot(defocus, 0.25 * shift * rng.standard_normal()))
    rows, columns = FORMATS[settings.wells]
    if row in (0, rows - 1) or column in (0, columns - 1):
        gain, confluence = gain * (1 - settings.edge_effect), confluence * (1 - settings.edge_effect)
    content = contents(settings)[well]
    gain = gain * dict(settings.confounds).get(content.perturbation, 1.0)
    much = effect(content.dose) if content.phenotype else 0.0
    confluence *= 1 - _TOXICITY.get(content.phenotype or "", 0.0) * much
    crowd = Crowd(
        cell_diameter_px=settings.cell_diameter_um / settings.pixel_size_um,
        confluence=float(confluence),
        stain_spread=float(stain_spread),
    )
    optics = replace(
        settings.optics,
        blur_px=max(0.5, settings.optics.blur_px * 0.65 / settings.pixel_size_um),
        defocus_px=float(defocus) * 0.65 / settings.pixel_size_um,
        background=float(background),
        illumination_seed=settings.seed,
    )
    return FieldSettings(
        shape=settings.shape,
        pixel_size_um=settings.pixel_size_um,
        channels=settings.channels,
        crowd=crowd,
        optics=optics,
        gain=tuple(float(value) for value in gain),
        phenotype=content.phenotype,
        strength=0.2 + 0.8 * much,
        penetrance=0.95 * much,
    )


def render_plate_field(settings: PlateSettings, well: str, index: int) -> RenderedField:
    """One field of a plate by itself, equal to the one that ``simulate_plate`` writes."""
    row, column = well_position(well)
    return render_field(field_settings(settings, well), np.random.default_rng([settings.seed, 3, row, column, index]))


def truth_folder(path: str | os.PathLike[str]) -> Path:
    """Folder of the truth beside a plate: ``NAME.truth`` for ``NAME.zarr``."""
    plate = Path(path)
    return plate.with_name(f"{plate.name.removesuffix('.zarr').removesuffix('.ome')}.truth")


def simulate_plate(
    path: str | os.PathLike[str],
    settings: PlateSettings,
    report: Report = silent,
    should_stop: Callable[[], bool] = never,
    *,
    workers: int = 1,
) -> Path:
    """Write a simulated plate as OME-Zarr HCS, and the truth of its cells beside it.

    Finished fields are kept: call it again with the same settings after an interruption.

    Parameters
    ----------
    path : path-like
        Folder of the plate, usually ``NAME.zarr``.
    settings : PlateSettings
        What to simulate.
    report : callable
        Called with fields done, fields in all, and a message.
    should_stop : callable
        Asked between fields.
    workers : int
        Processes that render. With more than one the caller's script needs the usual ``__main__`` guard.

    Returns
    -------
    pathlib.Path
        The plate. ``NAME.truth/cells.csv`` beside it has one row per cell, ``settings.json`` the settings.

    Raises
    ------
    SampleError
        If the folder holds a plate of other settings, or the settings make no plate.
    """
    target = Path(path)
    truth = truth_folder(target)
    wells = _chosen_wells(settings)
    _claim(truth, settings)
    rows, columns = FORMATS[settings.wells]
    channels = [Channel(name, COLORS.get(name), channel_window(name, settings)) for name in settings.channels]
    size = (settings.pixel_size_um, settings.pixel_size_um)
    tasks = [(well, index) for well in wells for index in range(settings.fields)]
    with PlateWriter(target, settings.name, rows, columns, channels, size, settings.version) as writer:
        # Only wells that are or will be there: a map of others would be reported as not fitting the plate.
        held = {
            well: content
            for well, content in contents(settings).items()
            if well in wells or any(writer.has_field(well, str(index)) for index in range(settings.fields))
        }
        writer.write_plate_map(plate_map(held, settings.name, settings.batch))
        missing = [
            (well, index)
            for well, index in tasks
            if not (writer.has_field(well, str(index)) and _truth_file(truth, well, index).exists())
        ]
        done = len(tasks) - len(missing)
        report(done, len(tasks), f"{done} of {len(tasks)} fields were there")
        for (well, index), rendered in _rendered(settings, missing, workers, should_stop):
            labels = {"cells": rendered.cells, "nuclei": rendered.nuclei}
            writer.write_field(well, str(index), rendered.image, labels)
            _write_whole(_truth_file(truth, well, index), _truth_table(rendered.table, well, index))
            done += 1
            report(done, len(tasks), f"Well {well}, field {index}")
    if done == len(tasks):
        _merge(truth, settings)
    return target


def _rendered(
    settings: PlateSettings, tasks: list[tuple[str, int]], workers: int, should_stop: Callable[[], bool]
) -> Iterator[tuple[tuple[str, int], RenderedField]]:
    if workers <= 1 or len(tasks) < 2:
        for well, index in tasks:
            if should_stop():
                return
            yield (well, index), render_plate_field(settings, well, index)
        return
    render = partial(render_plate_field, settings)
    with ProcessPoolExecutor(min(workers, len(tasks)), mp_context=get_context("spawn")) as pool:
        # A few fields ahead: rendering never waits for the disk, and memory does not grow with the plate.
        ahead = 2 * workers
        futures = {task: pool.submit(render, *task) for task in tasks[:ahead]}
        for position, task in enumerate(tasks):
            if should_stop():
                pool.shutdown(cancel_futures=True)
                return
            yield task, futures.pop(task).result()
            if position + ahead < len(tasks):
                following = tasks[position + ahead]
                futures[following] = pool.submit(render, *following)


def _chosen_wells(settings: PlateSettings) -> list[str]:
    known = contents(settings)
    if not settings.only:
        return list(known)
    chosen = {canonical_well(well) or well for well in settings.only}
    for well in sorted(chosen):
        if well not in known:
            raise SampleError(f"Well {well} is not on a plate of {settings.wells} wells.")
    return [well for well in known if well in chosen]


def channel_window(name: str, settings: PlateSettings) -> tuple[float, float]:
    """Display range of a channel in grey values; the same for every plate, so that a batch effect can be seen."""
    low = settings.optics.offset + settings.optics.background
    scale = (2**settings.optics.bit_depth - 1) / 65535
    return low * scale, (low + 2.4 * BRIGHTNESS.get(name, USUAL_BRIGHTNESS)) * scale


def description(settings: PlateSettings) -> str:
    """Settings as JSON, as in ``settings.json``; plates of one description have the same pixels."""
    # Which wells are rendered is no property of the plate: more may be added later.
    return json.dumps({"format": _FORMAT, "settings": asdict(replace(settings, only=()))}, indent=1)


def _claim(truth: Path, settings: PlateSettings) -> None:
    """Note the settings, or check that the plate that is there was made from the same."""
    text = description(settings)
    note = truth / "settings.json"
    if note.exists():
        if json.loads(note.read_text(encoding="utf-8")) != json.loads(text):
            raise SampleError(f"{truth} is of a plate with other settings: choose another folder or remove it.")
        return
    (truth / "fields").mkdir(parents=True, exist_ok=True)
    _write_whole(note, text)


def _truth_file(truth: Path, well: str, index: int) -> Path:
    return truth / "fields" / f"{well}_{index}.csv"


def _truth_table(table: pd.DataFrame, well: str, index: int) -> str:
    placed = table.reset_index()
    placed.insert(0, "Metadata_Well", well)
    placed.insert(1, "field", index)
    text: str = placed.to_csv(index=False, lineterminator="\n")
    return text


def _merge(truth: Path, settings: PlateSettings) -> None:
    """One table of all fields that are there, in the order of the plate."""
    files = [_truth_file(truth, well, index) for well in contents(settings) for index in range(settings.fields)]
    parts = [file.read_text(encoding="utf-8") for file in files if file.exists()]
    header = parts[0].partition("\n")[0] if parts else ""
    _write_whole(truth / "cells.csv", header + "\n" + "".join(part.partition("\n")[2] for part in parts))


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all."""
    partial_file = path.with_name(path.name + ".partial")
    partial_file.write_text(text, encoding="utf-8")
    partial_file.replace(path)
