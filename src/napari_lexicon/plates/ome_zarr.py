"""Reads OME-Zarr: HCS plates and single images, NGFF 0.4 and 0.5 (and what can be read of older ones).

Listing a plate reads its small metadata files and nothing else; pixels are read through zarr when they are wanted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.gaps import gaps
from napari_lexicon.plates.model import Channel, Field, Plate, Problem, Well
from napari_lexicon.plates.natural_order import natural
from napari_lexicon.plates.ngff_metadata import (
    ImageMetadata,
    Repeating,
    channels_of,
    image_metadata,
    is_inside,
)
from napari_lexicon.plates.storage import LocalFolder, Storage
from napari_lexicon.plates.well_names import canonical_well, plate_format, well_name, well_position
from napari_lexicon.plates.zarr_field import ZarrField

ZChoice = int | Literal["max"]

MOST_WELLS = 100_000
MOST_FIELDS = 1_000_000
# Local disks are read as fast by one thread; on a network drive each small file costs a round trip.
_THREADS = 16


def is_ome_zarr(path: Path) -> bool:
    """True where a folder is a zarr group of any version (by its content, not by its name)."""
    return path.is_dir() and any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zattrs"))


def open_ome_zarr(path: Path, name: str | None = None, z: ZChoice = "max", t: int = 0) -> Plate:
    """A plate, or a single image as a plate with one free well.

    Parameters
    ----------
    path : pathlib.Path
        Folder of the plate or image.
    name : str, optional
        Instead of the name in the metadata.
    z : int or "max"
        Plane of a stack, or the maximum projection over all.
    t : int
        Time point of a series.

    Raises
    ------
    PlateError
        If the zarr is neither a plate nor an image, or lists nothing readable.
    """
    storage = LocalFolder(path)
    attributes = group_attributes(storage, "")
    if attributes is None:
        raise PlateError(f"{path} holds a zarr whose metadata cannot be read: its zarr.json or .zattrs is broken.")
    if isinstance(attributes.get("plate"), Mapping):
        return _plate(storage, path, attributes["plate"], _version(attributes), name, z, t)
    if "multiscales" in attributes:
        return _single_image(storage, path, name, z, t)
    if isinstance(attributes.get("well"), Mapping):
        raise PlateError(f"{path} is one well of an OME-Zarr plate: open the plate's folder, two levels up.")
    raise PlateError(
        f"{path} is a zarr, but neither an OME-Zarr plate nor an image: it has no plate or multiscales metadata."
    )


def group_attributes(storage: Storage, key: str) -> dict[str, Any] | None:
    """NGFF attributes of a group in either zarr version; None where there is no readable group."""
    lead = f"{key}/" if key else ""
    document = storage.document(f"{lead}zarr.json")
    if document is not None:
        attributes = document.get("attributes")
        if not isinstance(attributes, dict):
            return {} if document.get("node_type") == "group" else None
        ome = attributes.get("ome")
        return ome if isinstance(ome, dict) else attributes
    return storage.document(f"{lead}.zattrs")


@dataclass
class _ListedWell:
    """One entry of the plate's list, and what was found there."""

    path: str
    name: str
    row: int | None
    column: int | None
    images: list[tuple[str, ImageMetadata]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def _version(attributes: Mapping[str, Any]) -> str:
    plate = attributes.get("plate")
    stated = attributes.get("version") or (plate.get("version") if isinstance(plate, Mapping) else None)
    return str(stated or "?")


def _plate(
    storage: Storage, path: Path, stated: Mapping[str, Any], version: str, name: str | None, z: ZChoice, t: int
) -> Plate:
    listed, problems = _listed_wells(stated, path)
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(lambda well: _look_into(storage, well), listed))
    for well in listed:
        problems += well.problems
    found = [well for well in listed if well.images]
    if not found:
        raise PlateError(f"{path} is an OME-Zarr plate without a readable field. {_first_sentences(problems)}".strip())
    if sum(len(well.images) for well in found) > MOST_FIELDS:
        raise PlateError(f"{path} lists more than {MOST_FIELDS} fields; its metadata must be broken.")
    free = any(well.row is None for well in found)
    found.sort(key=lambda well: natural(well.name) if free else (well.row, well.column))
    title = name or _text(stated.get("name")) or path.name.removesuffix(".zarr")
    channels, order = _channel_union(storage, found, problems)
    wells = {
        well.name: Well(
            well.name,
            None if free else well.row,
            None if free else well.column,
            tuple(_field(storage, title, well, index, image, order, (z, t)) for index, image in enumerate(well.images)),
        )
        for well in found
    }
    rows, columns = (0, 0) if free else _size(stated, found, problems)
    problems += gaps(wells, channels)
    note = _note(version, stated, next(iter(wells.values())).fields[0], z, t)
    rgb = _is_rgb(channels, next(iter(wells.values())).fields[0])
    return Plate(path, title, wells, channels, rgb, rows, columns, problems=tuple(problems), note=note)


def _text(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) and value.strip() else None


def _first_sentences(problems: Sequence[Problem]) -> str:
    return " ".join(problem.sentence for problem in problems[:3])


def _listed_wells(stated: Mapping[str, Any], path: Path) -> tuple[list[_ListedWell], list[Problem]]:
    entries = stated.get("wells")
    if not isinstance(entries, list):
        raise PlateError(f"{path} is an OME-Zarr plate whose metadata list no wells.")
    if len(entries) > MOST_WELLS:
        raise PlateError(f"{path} lists {len(entries)} wells; its metadata must be broken.")
    listed: dict[str, _ListedWell] = {}
    problems = []
    for entry in entries:
        key = entry.get("path") if isinstance(entry, Mapping) else None
        if not isinstance(key, str) or not is_inside(key) or key.count("/") != 1:
            problems.append(Problem(f"The plate lists a well at {str(key)[:80]!r}, which is no place inside it."))
            continue
        well = _ListedWell(key, *_named(entry, key))
        if well.name in listed:
            problems.append(Problem(f"The plate lists well {well.name} twice; the first is used.", well.name))
        else:
            listed[well.name] = well
    return list(listed.values()), problems


def _named(entry: Mapping[str, Any], key: str) -> tuple[str, int | None, int | None]:
    """Name and position of a listed well: by the names in its path, or else by its indices."""
    row, column = key.split("/")
    canonical = canonical_well(row + column) if not row.isdigit() else canonical_well(f"r{row}c{column}")
    if canonical is not None:
        return canonical, *well_position(canonical)
    row_index, column_index = entry.get("rowIndex"), entry.get("columnIndex")
    if isinstance(row_index, int) and isinstance(column_index, int) and 0 <= row_index < 48 and 0 <= column_index < 72:
        return well_name(row_index, column_index), row_index, column_index
    return key, None, None


def _look_into(storage: Storage, well: _ListedWell) -> None:
    """Find the fields of a well and read their metadata. A broken one is named and does not stop the others."""
    row = well.path.split("/")[0]
    if storage.leads_out(row) or storage.leads_out(well.path):
        well.problems.append(Problem(f"Well {well.name} is a link that leads out of the plate.", well.name))
        return
    attributes = group_attributes(storage, well.path)
    stated = attributes.get("well") if attributes is not None else None
    images = stated.get("images") if isinstance(stated, Mapping) else None
    if not isinstance(images, list):
        said = "is listed but absent" if attributes is None else "has no list of fields"
        well.problems.append(Problem(f"Well {well.name} {said}.", well.name))
        return
    read_channels = Repeating(channels_of)
    names = dict.fromkeys(str(image.get("path")) for image in images if isinstance(image, Mapping))
    for name in sorted(names, key=natural):
        trouble = ""
        key = f"{well.path}/{name}"
        if not is_inside(name) or storage.leads_out(key):
            trouble = "lies outside of the plate"
        elif (attributes := group_attributes(storage, key)) is None:
            trouble = "is listed but absent"
        else:
            try:
                well.images.append((name, image_metadata(attributes, read_channels)))
            except PlateError as error:
                trouble = str(error)
        if trouble:
            well.problems.append(Problem(f"Field {well.name}/{name[:80]} {trouble}.", well.name, name))


def _channel_union(
    storage: Storage, wells: Sequence[_ListedWell], problems: list[Problem]
) -> tuple[tuple[Channel, ...], dict[tuple[Channel, ...], tuple[int, ...]]]:
    """Channels of the plate, matched by label over the fields; and each field's channels as indices into them."""
    stated = dict.fromkeys(image.channels for well in wells for _, image in well.images)
    union: dict[str, Channel] = {}
    for channels in stated:
        for channel in channels:
            union.setdefault(channel.name, channel)
    order = {
        channels: tuple(list(union).index(channel.name) for channel in channels) for channels in stated if channels
    }
    if () in stated:
        # Fields that do not name their channels: count them, and take the plate's by position.
        unnamed = [(well, name, image) for well in wells for name, image in well.images if not image.channels]
        count = _channel_count(storage, f"{unnamed[0][0].path}/{unnamed[0][1]}", unnamed[0][2])
        for index in range(len(union), count):
            union[f"Channel {index + 1}"] = Channel(f"Channel {index + 1}")
        order[()] = tuple(range(count))
        if len(stated) > 1:
            problems += [
                Problem(
                    f"Field {well.name}/{name} does not name its channels; the plate's are taken in order.",
                    well.name,
                    name,
                )
                for well, name, _ in unnamed
            ]
    return tuple(union.values()), order


def _channel_count(storage: Storage, key: str, image: ImageMetadata) -> int:
    return ZarrField(storage, key, image, 0, "max", 0).channels_on_disk() if "c" in image.axes else 1


def _field(
    storage: Storage,
    plate: str,
    well: _ListedWell,
    index: int,
    image: tuple[str, ImageMetadata],
    order: Mapping[tuple[Channel, ...], tuple[int, ...]],
    planes: tuple[ZChoice, int],
) -> Field:
    name, metadata = image
    channels = order[metadata.channels]
    source = ZarrField(storage, f"{well.path}/{name}" if well.path else "", metadata, len(channels), *planes)
    return Field(plate, well.name, name, index, channels, source, metadata.pixel_size_um, metadata.position_um)


def _size(stated: Mapping[str, Any], wells: Sequence[_ListedWell], problems: list[Problem]) -> tuple[int, int]:
    """Physical rows and columns: as listed, and at least as many as the wells need."""
    rows, columns = stated.get("rows"), stated.get("columns")
    listed = (len(rows) if isinstance(rows, list) else 0, len(columns) if isinstance(columns, list) else 0)
    if listed[0] > 48 or listed[1] > 72:
        problems.append(Problem(f"The plate claims {listed[0]} x {listed[1]} wells; only those with images are shown."))
        listed = (0, 0)
    needed = plate_format((well.row or 0, well.column or 0) for well in wells)
    least = (max((well.row or 0) for well in wells) + 1, max((well.column or 0) for well in wells) + 1)
    # Some writers list only the rows and columns in use; then the smallest usual plate is the better guess.
    complete = listed[0] >= least[0] and listed[1] >= least[1]
    return listed if complete else needed


def _note(version: str, stated: Mapping[str, Any], first: Field, z: ZChoice, t: int) -> str:
    parts = [f"OME-Zarr {version}"]
    acquisitions = stated.get("acquisitions")
    if isinstance(acquisitions, list) and len(acquisitions) > 1:
        parts.append(f"{len(acquisitions)} acquisitions, all fields shown")
    assert isinstance(first.source, ZarrField)
    parts += first.source.choices()
    return "; ".join(parts)


def _is_rgb(channels: Sequence[Channel], first: Field) -> bool:
    """True for three 8-bit channels that are named red, green and blue and coloured so, or not at all."""
    names = tuple(channel.name.lower() for channel in channels)
    colors = tuple(channel.color for channel in channels)
    plain = colors in ((None, None, None), ("#FF0000", "#00FF00", "#0000FF"))
    if names not in (("red", "green", "blue"), ("r", "g", "b")) or not plain:
        return False
    try:
        return first.source.dtype().itemsize == 1
    except PlateError:
        return False


def _single_image(storage: Storage, path: Path, name: str | None, z: ZChoice, t: int) -> Plate:
    attributes = group_attributes(storage, "") or {}
    try:
        metadata = image_metadata(attributes)
    except PlateError as error:
        raise PlateError(f"The OME-Zarr image {path} {error}.") from error
    title = name or path.name.removesuffix(".zarr").removesuffix(".ome") or "image"
    well = _ListedWell("", title, None, None, [("0", metadata)])
    problems: list[Problem] = []
    channels, order = _channel_union(storage, [well], problems)
    only = _field(storage, title, well, 0, ("0", metadata), order, (z, t))
    note = _note(f"{metadata.version} image", {}, only, z, t)
    wells = {title: Well(title, None, None, (only,))}
    return Plate(path, title, wells, channels, _is_rgb(channels, only), problems=tuple(problems), note=note)
