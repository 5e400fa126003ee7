"""Draws docs/images/closer.jpg: one feature over one field, in whole patches and closer.

    [LEXICON_DATA=...] python scripts/draw_closer_maps.py [--work FOLDER]

The field is of the 24-well simulated plate, the feature the one whose mean in the well is the most standard deviations
above the plate's. With LEXICON_DATA a second row shows a real field, of Cell Painting, and a feature that has a name.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from napari_lexicon import api
from napari_lexicon.analysis.lexicon_tables import atoms_of
from napari_lexicon.analysis.maps import activation_map, direction_map
from napari_lexicon.analysis.pictures import Panel, figure, heated, on_pixels, stretched
from napari_lexicon.jobs.plates import plate_field
from napari_lexicon.jobs.refining import RefineJob, run_refine
from napari_lexicon.jobs.simulating import SimulateJob, run_simulate
from napari_lexicon.lexicons import Lexicon

OUT = Path(__file__).resolve().parent.parent / "docs" / "images" / "closer.jpg"
SIDE = 320  # pixels of the field that are shown
REAL = "cytodataframe_cellpainting_mini"
NAMED = 17


def main() -> None:
    """Apply, read closer, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="folder for plate and lexicon, kept between runs")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="lexicon-closer-"))
    work.mkdir(parents=True, exist_ok=True)
    plate = work / "simulated.zarr"
    if not plate.exists():
        run_simulate(SimulateJob(plate=str(plate)))
    rows = [row(plate, work / "simulated.lexicon", "B03", "RNA")]
    data = os.environ.get("LEXICON_DATA")
    if data:
        rows.append(row(Path(data) / REAL, work / "real.lexicon", "D06", "Channel 1", NAMED))
    sheet = Image.new("RGB", (max(r.width for r in rows), sum(r.height for r in rows)))
    top = 0
    for picture in rows:
        sheet.paste(picture, (0, top))
        top += picture.height
    sheet.save(options.out, quality=86)
    print(options.out)


def row(plate: Path, folder: Path, well: str, channel: str, feature: int | None = None) -> Image.Image:
    """Four maps of one feature over a part of one field; the feature that sets the well apart where none is given."""
    api.apply(plate, folder, device="cpu")
    lexicon = Lexicon.open(folder)
    one = next(iter(lexicon.plates.values()))
    number = one.field_number(well)
    field = one.fields[number]
    group = [one.header.channels[c].name for c in field.channels].index(channel)
    if feature is None:
        mean = one.statistics().mean(field.channels[group])
        apart = (mean[one.wells.index(field.well)] - np.nanmean(mean, axis=0)) / (np.nanstd(mean, axis=0) + 0.02)
        feature = int(np.nanargmax(apart))
    window = one.header.channels[field.channels[group]]
    grey = stretched(np.asarray(plate_field(one, number).image())[group], window.low, window.high)
    codes = one.codes(number)
    assert codes is not None
    maps = [("code, 16 px", activation_map(codes, feature, field.channels[group]), 1)]
    for finer in (2, 4):
        run_refine(RefineJob(str(folder), one.id, (number,), finer, device="cpu"))
        one.refresh()
        fine = one.fine(number)
        assert fine is not None
        if finer == 2:
            maps.append(("code, 8 px", activation_map(fine.codes, feature, field.channels[group]), 2))
        along = direction_map(fine.whitened, fine.codes.channels, atoms_of(lexicon)[feature], field.channels[group])
        maps.append((f"direction, {lexicon.backbone.patch // finer} px", along.clip(min=0), finer))
    part = np.s_[:SIDE, :SIDE]
    panels = [Panel(f"{field.well}, {lexicon.names.label(feature)}", np.repeat(grey[part][..., None], 3, axis=2))]
    for title, values, finer in maps:
        heat = on_pixels(values, lexicon.backbone.patch // finer, field.shape)
        panels.append(Panel(title, heated(grey[part], heat[part], float(values.max()))))
    pixel = field.pixel_size_um[1] if field.pixel_size_um else None
    return figure(panels, "", pixel_size_um=pixel, side=SIDE)


if __name__ == "__main__":
    main()
