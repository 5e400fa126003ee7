"""Writes the plates that the listing benchmark opens: many small images, since listing must not read them.

    python benchmarks/plates/create_plates.py DIR [--wells 384] [--fields 9] [--channels 5]

makes ``DIR/ome_zarr_0.5.zarr``, ``DIR/ome_zarr_0.4.zarr``, ``DIR/phenix`` (index and files), ``DIR/names`` (the same
files without the index) and ``DIR/imagexpress`` (HTD, files with GUIDs). What is there already is kept.
"""

from __future__ import annotations

import argparse
import itertools
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile

from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.well_names import PLATE_FORMATS, well_name
from napari_lexicon.plates.writing import PlateWriter

IMAGE = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)


def places(wells: int, fields: int, channels: int) -> Iterator[tuple[int, int, int, int]]:
    """Row, column, field and channel of every image, counted from 0."""
    columns = shape(wells)[1]
    for well, field, channel in itertools.product(range(wells), range(fields), range(channels)):
        yield well // columns, well % columns, field, channel


def shape(wells: int) -> tuple[int, int]:
    """Rows and columns of the smallest plate with so many wells."""
    return next(size for size in PLATE_FORMATS if size[0] * size[1] >= wells)


def ome_zarr(path: Path, version: str, wells: int, fields: int, channels: int) -> None:
    """An OME-Zarr HCS plate."""
    names = [Channel(f"channel {n + 1}") for n in range(channels)]
    image = np.broadcast_to(IMAGE, (channels, *IMAGE.shape))
    rows, columns = shape(wells)
    with PlateWriter(path, path.stem, rows, columns, names, (0.65, 0.65), version) as writer:  # type: ignore[arg-type]
        for row, column, field, _ in places(wells, fields, 1):
            if not writer.has_field(well_name(row, column), str(field)):
                writer.write_field(well_name(row, column), str(field), image)


def vendor(folder: Path, names: Iterator[str]) -> None:
    """The same small TIFF under many names."""
    tifffile.imwrite(folder.parent / "one.tif", IMAGE, photometric="minisblack")
    content = (folder.parent / "one.tif").read_bytes()
    for name in names:
        path = folder / name
        os.makedirs(path.parent, exist_ok=True)
        path.write_bytes(content)


def phenix_name(row: int, column: int, field: int, channel: int) -> str:
    """As Harmony names it."""
    return f"r{row + 1:02d}c{column + 1:02d}f{field + 1:02d}p01-ch{channel + 1}sk1fk1fl1.tiff"


def harmony_index(path: Path, wells: int, fields: int, channels: int) -> None:
    """Harmony's index with the elements that it usually has for each image."""
    filler = "".join(
        f"<{name}>0</{name}>" for name in ("AcquisitionType", "BinningX", "BinningY", "CameraType", "AbsTime")
    )
    images = "".join(
        f"<Image Version='1'><id>{row}{column}K1F{field}P1R{channel}</id><State>Ok</State>"
        f"<URL>{phenix_name(row, column, field, channel)}</URL><Row>{row + 1}</Row><Col>{column + 1}</Col>"
        f"<FieldID>{field + 1}</FieldID><PlaneID>1</PlaneID><TimepointID>0</TimepointID>"
        f"<ChannelID>{channel + 1}</ChannelID>"
        f"<ChannelName>channel {channel + 1}</ChannelName><ImageResolutionX Unit='m'>6.5E-07</ImageResolutionX>"
        f"<ImageResolutionY Unit='m'>6.5E-07</ImageResolutionY><PositionX Unit='m'>{field * 1e-4}</PositionX>"
        f"<PositionY Unit='m'>0</PositionY><MainEmissionWavelength Unit='nm'>525</MainEmissionWavelength>"
        f"{filler}</Image>"
        for row, column, field, channel in places(wells, fields, channels)
    )
    rows, columns = shape(wells)
    path.write_text(
        "<?xml version='1.0' encoding='utf-8'?><EvaluationInputData xmlns='http://www.perkinelmer.com/PEHH/HarmonyV5'>"
        f"<Plates><Plate><PlateID>P1</PlateID><PlateRows>{rows}</PlateRows><PlateColumns>{columns}</PlateColumns>"
        f"</Plate></Plates><Images>{images}</Images></EvaluationInputData>",
        encoding="utf-8",
    )


def htd(path: Path, wells: int, fields: int, channels: int) -> None:
    """The HTD file of MetaXpress."""
    rows, columns = shape(wells)
    lines = [
        '"HTSInfoFile", Version 1.0',
        f'"XWells", {columns}',
        f'"YWells", {rows}',
        f'"XSites", {fields}',
        '"YSites", 1',
    ]
    for row in range(rows):
        lines.append(f'"WellsSelection{row + 1}", ' + ", ".join("TRUE" for _ in range(columns)))
    lines += [f'"SiteSelection1", {", ".join("TRUE" for _ in range(fields))}', f'"NWavelengths", {channels}']
    lines += [f'"WaveName{n + 1}", "channel {n + 1}"' for n in range(channels)]
    path.write_text("\r\n".join(lines), encoding="latin-1")


def create(folder: Path, wells: int, fields: int, channels: int) -> dict[str, Path]:
    """All plates, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    size = (wells, fields, channels)
    paths = {}
    for version in ("0.5", "0.4"):
        paths[f"OME-Zarr {version}"] = folder / f"ome_zarr_{version}.zarr"
        ome_zarr(paths[f"OME-Zarr {version}"], version, *size)
    paths["file names"] = folder / "names"
    paths["Harmony index"] = folder / "phenix"
    for name in ("names", "phenix"):
        if not (folder / name).exists():
            vendor(folder / name, (f"Images/{phenix_name(*place)}" for place in places(*size)))
    harmony_index(folder / "phenix" / "Images" / "Index.idx.xml", *size)
    paths["MetaXpress HTD"] = folder / "imagexpress"
    if not (folder / "imagexpress").exists():
        vendor(
            folder / "imagexpress",
            (
                f"TimePoint_1/plate_{well_name(row, column)}_s{field + 1}_w{channel + 1}{uuid.uuid4()}.TIF"
                for row, column, field, channel in places(*size)
            ),
        )
    htd(folder / "imagexpress" / "plate.HTD", *size)
    return paths


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--wells", type=int, default=384)
    parser.add_argument("--fields", type=int, default=9)
    parser.add_argument("--channels", type=int, default=5)
    options = parser.parse_args()
    for name, path in create(options.folder, options.wells, options.fields, options.channels).items():
        print(f"{name}: {path}")
