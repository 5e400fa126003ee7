"""Writes plates as OME-Zarr HCS, NGFF 0.5 (zarr v3) or 0.4 (zarr v2): https://ngff.openmicroscopy.org/0.5.

A field is written beside the plate's own folders and moved into place when it is whole, so that whoever looks, or
comes back after a crash, finds all of a field or nothing of it.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.ngff import LAYOUTS, Layout, replace_text
from napari_lexicon.plates.pyramid import label_pyramid, pyramid
from napari_lexicon.plates.well_names import canonical_well, row_letters, well_position

Pixels = npt.NDArray[Any]

PLATE_MAP_FILE = "plate_map.csv"
_CREATOR = {"name": "napari-lexicon"}
_DEFAULT_COLORS = ("0000FF", "00FF00", "FF0000", "FFFF00", "FF00FF", "00FFFF", "FF8000", "8000FF")
_FIELD_NAME = re.compile(r"[A-Za-z0-9]+")
_LONGEST_CHUNK = 1280
# The plate's own metadata lists every well. Rewriting it for each well would cost the square of the number of wells;
# a plate that is looked at while it is being written is at most this old.
_SECONDS_BETWEEN_LISTINGS = 2.0


class PlateWriter:
    """Writes a plate field by field; resumes where an earlier writer of the same plate was stopped.

    Parameters
    ----------
    path : path-like
        Folder of the plate, usually ``NAME.zarr``. Made if absent; continued if it is a plate of the same description.
    name : str
        Plate name or barcode.
    rows, columns : int
        Physical size of the plate.
    channels : sequence of Channel
        Name, colour and display window. Where a window is None the first field written decides it for the plate
        (0.1 and 99.9 percentiles), so that wells stay comparable on screen.
    pixel_size_um : tuple of float or None
        ``(y, x)`` in micrometres; None leaves the unit out.
    version : {"0.5", "0.4"}
        NGFF version.
    acquisitions : sequence of str
        Names of the acquisitions, where there are several; a field belongs to one of them.

    Examples
    --------
    >>> with PlateWriter("P1.zarr", "P1", 8, 12, [Channel("DNA")], (0.65, 0.65)) as writer:  # doctest: +SKIP
    ...     writer.write_field("B03", "0", image)

    Raises
    ------
    PlateError
        If the folder holds something else, or the disk does not take it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        name: str,
        rows: int,
        columns: int,
        channels: Sequence[Channel],
        pixel_size_um: tuple[float, float] | None,
        version: Literal["0.5", "0.4"] = "0.5",
        acquisitions: Sequence[str] = (),
    ) -> None:
        if version not in LAYOUTS:
            raise PlateError(f"OME-Zarr plates are written as version 0.5 or 0.4, not {version!r}.")
        self.path = Path(path)
        self.name = name
        self.rows, self.columns = rows, columns
        self.channels = tuple(channels)
        self.pixel_size_um = pixel_size_um
        self.version = version
        self._layout: Layout = LAYOUTS[version]
        self._lock = threading.Lock()
        self.acquisitions = tuple(acquisitions)
        self._images: dict[str, dict[str, int | None]] = {}  # well -> whole fields and their acquisitions
        self._windows: dict[int, dict[str, float]] = {}
        self._listed_at = 0.0
        try:
            begun = self.path.exists() and any(not file.name.endswith(".part") for file in self.path.iterdir())
            self._resume() if begun else self._begin()
        except OSError as error:
            raise PlateError(f"The plate {self.path} cannot be written: {error.strerror or error}.") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """List all wells in the plate's metadata."""
        with self._lock:
            self._list_wells()

    def has_field(self, well: str, field: str) -> bool:
        """True where this field has been written whole, now or before."""
        return field in self._images.get(canonical_well(well) or well, ())

    def fields(self) -> list[tuple[str, str]]:
        """Well and name of every field that has been written whole, now or before."""
        return [(well, name) for well, names in self._images.items() for name in names]

    def source_of(self, well: str, field: str) -> str | None:
        """What was written down of where a field's pixels are from; None where nothing was."""
        row, column = self._place(well)
        group = self._layout.read_group(self.path / row_letters(row) / f"{column + 1:02d}" / field) or {}
        described = group.get("multiscales") or [{}]
        stated = described[0].get("metadata", {}).get("source")
        return stated if isinstance(stated, str) else None

    def write_field(
        self,
        well: str,
        field_name: str,
        image: Pixels,
        labels: Mapping[str, Pixels] | None = None,
        *,
        position_um: tuple[float, float] | None = None,
        channels: Sequence[int] | None = None,
        pixel_size_um: tuple[float, float] | None = None,
        acquisition: str | None = None,
        source: str | None = None,
    ) -> None:
        """Write one field with its pyramid; replaces a field of the same name.

        Parameters
        ----------
        well : str
            Any way to write a well name.
        field_name : str
            Letters and digits only, as NGFF asks.
        image : (C, Y, X) array
            One plane for each of the plate's channels, or of ``channels``.
        labels : mapping of str to (Y, X) integer array, optional
            Label images, written to the field's ``labels`` group.
        position_um : tuple of float, optional
            Stage position ``(y, x)`` in micrometres, kept as the image's translation.
        channels : sequence of int, optional
            Which of the plate's channels this field has; all by default.
        pixel_size_um : tuple of float, optional
            Where it differs from the plate's.
        acquisition : str, optional
            One of the plate's, where it has several.
        source : str, optional
            Where the pixels are from, in a form that changes when they do.

        Raises
        ------
        PlateError
            If the well is not on the plate, the shape does not fit, or the disk is full.
        """
        row, column = self._place(well)
        if not _FIELD_NAME.fullmatch(field_name):
            raise PlateError(f"Field name {field_name!r} is not allowed in OME-Zarr: use letters and digits only.")
        present = tuple(range(len(self.channels))) if channels is None else tuple(channels)
        if image.ndim != 3 or image.shape[0] != len(present):
            raise PlateError(f"Field {well}/{field_name} has shape {image.shape}; expected ({len(present)}, Y, X).")
        name = f"{row_letters(row)}{column + 1:02d}"
        facts = _Facts(f"{name}/{field_name}", present, position_um, pixel_size_um or self.pixel_size_um, source)
        number = self.acquisitions.index(acquisition) if acquisition in self.acquisitions else None
        partial = self.path / f".partial-{name}-{field_name}"
        target = self.path / row_letters(row) / f"{column + 1:02d}" / field_name
        try:
            shutil.rmtree(partial, ignore_errors=True)
            self._write_image(partial, image, facts)
            if labels:
                self._write_labels(partial, labels, facts)
            with self._lock:
                self._move_into_place(partial, target)
                self._list_field(name, field_name, number)
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise PlateError(
                f"Field {name}/{field_name} of {self.path} cannot be written: {error.strerror or error}."
            ) from error

    def write_plate_map(self, frame: pd.DataFrame) -> None:
        """Keep a plate map with the plate, as ``plate_map.csv`` in its folder.

        Parameters
        ----------
        frame : pandas.DataFrame
            One row per well, wells in the index or in a column ``Metadata_Well``.
        """
        table = frame if "Metadata_Well" in frame.columns else frame.rename_axis("Metadata_Well").reset_index()
        order = ["Metadata_Well", *(column for column in table.columns if column != "Metadata_Well")]
        replace_text(self.path / PLATE_MAP_FILE, table[order].to_csv(index=False, lineterminator="\n"))

    def _place(self, well: str) -> tuple[int, int]:
        try:
            row, column = well_position(well)
        except ValueError as error:
            raise PlateError(f"{well!r} is not a well name such as B03.") from error
        if row >= self.rows or column >= self.columns:
            raise PlateError(f"Well {well} is not on a plate of {self.rows} x {self.columns} wells.")
        return row, column

    def _begin(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        self._list_wells()

    def _resume(self) -> None:
        """Continue a plate: check that it is the same one, drop what is half-written, find what is whole."""
        attributes = self._layout.read_group(self.path) or {}
        plate = attributes.get("plate")
        if plate is None:
            raise PlateError(
                f"{self.path} exists and is not an OME-Zarr {self.version} plate: choose another folder or remove it."
            )
        if plate.get("wells") and attributes.get("_creator") != _CREATOR:
            raise PlateError(
                f"{self.path} holds an OME-Zarr plate that was not written here: choose another folder or remove it."
            )
        if plate.get("name") != self.name:
            raise PlateError(
                f"{self.path} holds the plate {plate.get('name')}, not {self.name}: choose another folder or remove it."
            )
        described = (len(plate.get("rows", [])), len(plate.get("columns", [])))
        if described != (self.rows, self.columns):
            raise PlateError(
                f"{self.path} holds a plate of {described[0]} x {described[1]} wells, not {self.rows} x "
                f"{self.columns}: choose another folder or remove it."
            )
        for partial in self.path.glob(".partial-*"):
            shutil.rmtree(partial, ignore_errors=True)
        for folder in sorted(self.path.glob("[A-Z]*/[0-9][0-9]")):
            images = (self._layout.read_group(folder) or {}).get("well", {}).get("images", [])
            if images:
                listed = {image["path"]: image.get("acquisition") for image in images}
                self._images[f"{folder.parent.name}{folder.name}"] = listed
                self._take_windows(folder / images[0]["path"])
        self._list_wells()

    def _take_windows(self, field: Path) -> None:
        """Go on with the channels and display windows of the fields that are there."""
        if len(self._windows) == len(self.channels):
            return
        names = [channel.name for channel in self.channels]
        for channel in (self._layout.read_group(field) or {}).get("omero", {}).get("channels", []):
            if channel.get("label") not in names:
                raise PlateError(
                    f"{self.path} holds a channel {channel.get('label')}, which is none of {', '.join(names)}: choose "
                    "another folder or remove it."
                )
            self._windows.setdefault(names.index(channel["label"]), channel["window"])

    def _write_image(self, folder: Path, image: Pixels, facts: _Facts) -> None:
        levels = pyramid(image)
        with self._lock:
            for number, channel in enumerate(facts.channels):
                if channel not in self._windows:
                    self._windows[channel] = _window(self.channels[channel], [level[number] for level in levels])
        attributes = _multiscales(facts, len(levels), ("c", "y", "x"))
        attributes["omero"] = {"channels": [self._described(channel) for channel in facts.channels]}
        self._layout.write_group(folder, attributes)
        for level, pixels in enumerate(levels):
            # Small levels are thumbnails: one chunk with all channels saves files and reads.
            depth = len(pixels) if max(pixels.shape[1:]) <= 2 * 128 else 1
            chunks = (depth, _chunk(pixels.shape[1]), _chunk(pixels.shape[2]))
            self._layout.write_array(folder / str(level), pixels, chunks, ("c", "y", "x"))

    def _write_labels(self, folder: Path, labels: Mapping[str, Pixels], facts: _Facts) -> None:
        self._layout.write_group(folder / "labels", {"labels": list(labels)})
        for name, values in labels.items():
            levels = label_pyramid(values)
            attributes = _multiscales(replace(facts, name=name, source=None), len(levels), ("y", "x"))
            attributes["image-label"] = {
                "colors": [{"label-value": 0, "rgba": [0, 0, 0, 0]}],
                "source": {"image": "../../"},
            }
            self._layout.write_group(folder / "labels" / name, attributes)
            for level, pixels in enumerate(levels):
                chunks = (_chunk(pixels.shape[0]), _chunk(pixels.shape[1]))
                self._layout.write_array(folder / "labels" / name / str(level), pixels, chunks, ("y", "x"))

    def _described(self, index: int) -> dict[str, Any]:
        channel = self.channels[index]
        return {
            "label": channel.name,
            "color": (channel.color or _DEFAULT_COLORS[index % len(_DEFAULT_COLORS)]).lstrip("#"),
            "window": self._windows[index],
            "active": True,
            **({"wavelength_nm": channel.wavelength_nm} if channel.wavelength_nm else {}),
        }

    def _move_into_place(self, partial: Path, target: Path) -> None:
        for folder in (target.parent.parent, target.parent):
            if not folder.exists():
                self._layout.write_group(folder, {})
        if target.exists():  # a field whose writer was stopped before it could be listed, or one to be replaced
            shutil.rmtree(target)
        partial.rename(target)

    def _list_field(self, well: str, field: str, acquisition: int | None) -> None:
        images = self._images.setdefault(well, {})
        if field not in images:
            images[field] = acquisition
            row, column = well_position(well)
            folder = self.path / row_letters(row) / f"{column + 1:02d}"
            listed = [
                {"path": name, **({} if number is None else {"acquisition": number})}
                for name, number in sorted(images.items(), key=lambda item: (len(item[0]), item[0]))
            ]
            self._layout.write_group(folder, {"well": {"images": listed}})
        if time.monotonic() - self._listed_at > _SECONDS_BETWEEN_LISTINGS:
            self._list_wells()

    def _list_wells(self) -> None:
        wells = []
        for name in sorted(self._images, key=well_position):
            row, column = well_position(name)
            path = f"{row_letters(row)}/{column + 1:02d}"
            wells.append({"path": path, "rowIndex": row, "columnIndex": column})
        plate = {
            "name": self.name,
            "rows": [{"name": row_letters(row)} for row in range(self.rows)],
            "columns": [{"name": f"{column + 1:02d}"} for column in range(self.columns)],
            "wells": wells,
            "field_count": max((len(images) for images in self._images.values()), default=1),
        }
        if self.acquisitions:
            plate["acquisitions"] = [{"id": number, "name": name} for number, name in enumerate(self.acquisitions)]
        self._layout.write_group(self.path, {"plate": plate, "_creator": _CREATOR})
        self._listed_at = time.monotonic()


@dataclass(frozen=True)
class _Facts:
    """What the metadata of one field say beside its pixels."""

    name: str
    channels: tuple[int, ...]
    position_um: tuple[float, float] | None
    pixel_size_um: tuple[float, float] | None
    source: str | None = None


def _multiscales(facts: _Facts, levels: int, axes: tuple[str, ...]) -> dict[str, Any]:
    size = facts.pixel_size_um or (1.0, 1.0)
    unit = {"unit": "micrometer"} if facts.pixel_size_um else {}
    lead = [1.0] * (len(axes) - 2)
    datasets = []
    for level in range(levels):
        steps: list[dict[str, Any]] = [{"type": "scale", "scale": [*lead, size[0] * 2.0**level, size[1] * 2.0**level]}]
        if facts.position_um is not None:
            steps.append({"type": "translation", "translation": [0.0] * len(lead) + list(facts.position_um)})
        datasets.append({"path": str(level), "coordinateTransformations": steps})
    described = [
        {"name": axis, "type": "channel"} if axis == "c" else {"name": axis, "type": "space", **unit} for axis in axes
    ]
    source = {"metadata": {"source": facts.source}} if facts.source is not None else {}
    return {"multiscales": [{"name": facts.name, "axes": described, "datasets": datasets, **source}]}


def _chunk(length: int) -> int:
    """Side of chunks that divide a length evenly: 2160 pixels are two of 1080, not two of 1024 and a sliver."""
    count = -(-length // _LONGEST_CHUNK)
    return -(-length // count)


def _window(channel: Channel, levels: Sequence[Pixels]) -> dict[str, float]:
    """Display window of one channel, from its description or from the second level of the first field."""
    dtype = levels[0].dtype
    whole = np.issubdtype(dtype, np.integer)
    low, high = (0.0, float(np.iinfo(dtype).max)) if whole else (0.0, 1.0)
    if channel.window is not None:
        start, end = channel.window
    else:
        start, end = (float(value) for value in np.percentile(levels[min(1, len(levels) - 1)], (0.1, 99.9)))
        start, end = np.floor(start), np.ceil(max(end, start + 1))
    return {"min": min(low, start), "max": max(high, end), "start": float(start), "end": float(end)}
