"""The main job from nothing: simulate a plate, read its features, show which tell the treatments from control."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from napari_lexicon import api
from napari_lexicon.analysis.conditions import CONTROLS, wells_where
from napari_lexicon.analysis.pictures import heated, stretched, tiles_sheet
from napari_lexicon.errors import JobError
from napari_lexicon.jobs.contract import Progress, Report, ShouldStop
from napari_lexicon.lexicons import Lexicon, WellStatistics

WELLS, FIELDS, SIDE = 24, 2, 512
_TILES = 16  # strongest places in one gallery
_CONTEXT = 3  # patches on each side of a place in the gallery


@dataclass(frozen=True)
class Finding:
    """The feature that tells one treatment best from control wells.

    Parameters
    ----------
    perturbation : str
        Name of the treatment.
    feature : int
        Number of the feature.
    label : str
        Its name, or its number.
    channel, well : str
        Where it fires most.
    treated, control : float
        Part of the patches of that channel where it fires, in that well and in the control wells.
    """

    perturbation: str
    feature: int
    label: str
    channel: str
    well: str
    treated: float
    control: float


@dataclass(frozen=True)
class DemoResult:
    """Where everything is, and what was found, as text for a person."""

    lexicon: Path
    text: str


def screen_available() -> bool:
    """Whether a window can be shown here."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def run_demo(out: Path, report: Report, should_stop: ShouldStop) -> DemoResult:
    """Do the main job in ``out``; what is there from an earlier run is kept and not done again.

    Raises
    ------
    JobError
        If asked to stop before the end, or the folder cannot be written.
    """
    plate = _simulated(out, report, should_stop)
    lexicon_path = out / "demo.lexicon"
    start = time.monotonic()
    result = api.apply(plate, lexicon_path, report=report, should_stop=should_stop)
    seconds = time.monotonic() - start
    if result.stopped:
        raise JobError("Stopped; what was finished is kept: run the same command to go on.")
    report(Progress(0, 0, "writing tables and pictures"))
    table = api.features(lexicon_path, by="Metadata_perturbation")
    table.to_csv(out / "features.csv")
    api.profiles(lexicon_path).write_h5ad(out / "profiles.h5ad")
    lexicon = Lexicon.open(lexicon_path)
    found = strongest_by_treatment(lexicon)
    for one in found:
        name = f"{one.perturbation}_feature{one.feature}"
        api.overlay(lexicon_path, one.well, one.feature, channel=one.channel).save(out / f"overlay_{name}.png")
        gallery(lexicon, one.feature).save(out / f"tiles_{name}.png")
    return DemoResult(lexicon_path, _text(out, found, result.finished + result.kept, seconds))


def _simulated(out: Path, report: Report, should_stop: ShouldStop) -> Path:
    from napari_lexicon.samples.plate import PlateSettings, simulate_plate

    def told(done: int, total: int, message: str) -> None:
        report(Progress(done, total, f"simulating a plate: {message}"))

    settings = PlateSettings(name="demo", wells=WELLS, fields=FIELDS, shape=(SIDE, SIDE), seed=7)
    try:
        plate = simulate_plate(out / "demo.zarr", settings, told, should_stop, workers=min(4, os.cpu_count() or 1))
    except OSError as error:
        why = error.strerror or error
        raise JobError(f"The sample plate cannot be written to {out} ({why}): choose another --out.") from error
    if should_stop():
        raise JobError("Stopped; what was finished is kept: run the same command to go on.")
    return plate


def strongest_by_treatment(lexicon: Lexicon) -> list[Finding]:
    """For each treatment of the lexicon's plate the feature that tells it best from control wells.

    Best is the largest difference in the part of lit patches where it fires, in the treatment's best well, over the
    binomial spread in control wells. Sorted by that difference, largest first.
    """
    plate = lexicon.only_plate()
    statistics = plate.statistics()
    controls = _rows(statistics, wells_where(plate.map, CONTROLS))
    active, tokens = statistics.active.astype(np.float64), statistics.tokens.clip(min=1).astype(np.float64)
    base = active[controls].sum(axis=0) / tokens[controls].sum(axis=0)[:, None]  # (C, M)
    spread = np.sqrt(base * (1 - base)) + 1e-2  # a hundredth: rare features must fire often to count
    found = []
    for value in sorted(plate.map["Metadata_perturbation"].unique()):
        treated = _rows(statistics, list(plate.map.index[plate.map["Metadata_perturbation"] == value]))
        if set(treated) & set(controls):
            continue
        fires = active[treated] / tokens[treated][:, :, None]  # (wells, C, M)
        channel, feature = divmod(int(((fires.max(axis=0) - base) / spread).argmax()), base.shape[1])
        best = int(fires[:, channel, feature].argmax())
        found.append(
            Finding(
                perturbation=str(value),
                feature=feature,
                label=lexicon.names.label(feature),
                channel=plate.header.channels[channel].name,
                well=statistics.wells[treated[best]],
                treated=float(fires[best, channel, feature]),
                control=float(base[channel, feature]),
            )
        )
    return sorted(found, key=lambda one: one.control - one.treated)


def _rows(statistics: WellStatistics, wells: list[str]) -> list[int]:
    position = {well: w for w, well in enumerate(statistics.wells)}
    return [position[well] for well in wells if well in position]


def gallery(lexicon: Lexicon, feature: int) -> Image.Image:
    """Picture of the strongest places of a feature, each with its surroundings."""
    from napari_lexicon.analysis.maps import activation_map
    from napari_lexicon.analysis.pictures import on_pixels
    from napari_lexicon.jobs.plates import opened

    plate = lexicon.only_plate()
    fields = {field.key: field for field in opened(plate.header.origin).fields()}
    patch = lexicon.backbone.patch
    statistics = plate.statistics()
    tiles, captions = [], []
    for example in plate.examples(statistics.places, feature, _TILES):
        header = plate.fields[example.field_index]
        channel = plate.header.channels[example.channel]
        plane = fields[f"{header.well}/{header.name}"].image()[header.channels.index(example.channel)]
        grey = stretched(np.asarray(plane), channel.low, channel.high)
        codes = plate.codes(example.field_index)
        assert codes is not None  # it has an example
        heat = on_pixels(activation_map(codes, feature, example.channel), patch, header.shape)
        y, x = example.gy * patch + patch // 2, example.gx * patch + patch // 2
        reach = (2 * _CONTEXT + 1) * patch // 2
        top, left = (
            int(np.clip(c - reach, 0, max(0, n - 2 * reach))) for c, n in zip((y, x), header.shape, strict=True)
        )
        window = np.s_[top : top + 2 * reach, left : left + 2 * reach]
        pair = np.concatenate(
            [np.repeat(grey[window][..., None], 3, axis=2), heated(grey, heat, example.value)[window]]
        )
        tiles.append(np.concatenate(np.split(pair, 2), axis=1))
        captions.append(f"{example.well} {channel.name} {example.value:.2f}")
    return tiles_sheet(tiles, captions, columns=4, size=(300, 150))


def _text(out: Path, found: list[Finding], n_fields: int, seconds: float) -> str:
    lines = [
        f"Read the features of {n_fields} fields in {seconds:.0f} s. What tells treatments best from controls:",
        "",
        f"  {'treatment':<28}{'feature':<10}{'channel':<9}{'well':<6}{'fires there':>12}{'in controls':>13}",
    ]
    lines += [
        f"  {one.perturbation:<28}{one.label:<10}{one.channel:<9}{one.well:<6}"
        f"{100 * one.treated:>10.1f} %{100 * one.control:>11.1f} %"
        for one in found
    ]
    lines += [
        "",
        f"  {out / 'demo.zarr'}: the plate (truth of every cell in {out / 'demo.truth'})",
        f"  {out / 'demo.lexicon'}: the lexicon; look at it with: napari-lexicon open {out / 'demo.lexicon'}",
        f"  {out / 'features.csv'}, {out / 'profiles.h5ad'}: tables for statistics",
        f"  {out}/overlay_*.png, {out}/tiles_*.png: pictures",
    ]
    return "\n".join(lines)
