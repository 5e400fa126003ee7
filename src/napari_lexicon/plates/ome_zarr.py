"""Reads OME-Zarr: HCS plates and single images, NGFF 0.4 and 0.5 (and what can be read of older ones).

Listing a plate reads its small metadata files and nothing else; pixels are read through zarr when they are wanted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.gaps import gaps
from napari_lexicon.plates.model import Channel, Field, Plate, Problem, Well
from napari_lexicon.plates.natural_order import natural
from napari_lexicon.plates.ngff_metadata import ImageMetadata, image_metadata
from napari_lexicon.plates.ome_zarr_wells import ListedImage, ListedWell, acquisitions, group_attributes, listed_wells
from napari_lexicon.plates.plane_choices import TChoice, ZChoice, as_fields, check_there, said_of_t, said_of_z
from napari_lexicon.plates.storage import Storage
from napari_lexicon.plates.well_names import plate_format
from napari_lexicon.plates.zarr_field import ZarrField


@dataclass(frozen=True)
class Choices:
    """What is wanted of a plate: its name, planes, time points and acquisition; see `Request`."""

    name: str | None = None
    z: ZChoice = "max"
    t: TChoice = 0
    acquisition: str | None = None


def is_ome_zarr(path: Path) -> bool:
    """True where a folder is a zarr group of any version (by its content, not by its name)."""
    return path.is_dir() and any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zattrs"))


def open_ome_zarr(storage: Storage, choices: Choices) -> Plate:
    """A plate, or a single image as a plate with one free well.

    Parameters
    ----------
    storage : Storage
        Where the plate or image lies.
    choices : Choices
        What is wanted of it.

    Raises
    ------
    PlateError
        If the zarr is neither a plate nor an image, or lists nothing readable.
    """
    address = storage.address
    attributes = group_attributes(storage, "")
    if attributes is None:
        raise PlateError(f"{address} holds a zarr whose metadata cannot be read: its zarr.json or .zattrs is broken.")
    if isinstance(attributes.get("plate"), Mapping):
        return _plate(storage, attributes["plate"], _version(attributes), choices)
    if "multiscales" in attributes:
        return _single_image(storage, choices)
    if isinstance(attributes.get("well"), Mapping):
        raise PlateError(f"{address} is one well of an OME-Zarr plate: open the plate's folder, two levels up.")
    raise PlateError(
        f"{address} is a zarr, but neither an OME-Zarr plate nor an image: it has no plate or multiscales metadata."
    )


def _version(attributes: Mapping[str, Any]) -> str:
    plate = attributes.get("plate")
    stated = attributes.get("version") or (plate.get("version") if isinstance(plate, Mapping) else None)
    return str(stated or "?")


def _plate(storage: Storage, stated: Mapping[str, Any], version: str, choices: Choices) -> Plate:
    listed, problems = listed_wells(storage, stated, choices.acquisition)
    found = [well for well in listed if well.images]
    if not found:
        said = " ".join(problem.sentence for problem in problems[:3])
        raise PlateError(f"{storage.address} is an OME-Zarr plate without a readable field. {said}".strip())
    free = any(well.row is None for well in found)
    found.sort(key=lambda well: natural(well.name) if free else (well.row, well.column))
    title = choices.name or _text(stated.get("name")) or storage.name.removesuffix(".zarr")
    channels, order = _channel_union(storage, found, problems)
    wells = {
        well.name: Well(
            well.name,
            None if free else well.row,
            None if free else well.column,
            tuple(_fields(storage, title, well, order, choices)),
        )
        for well in found
    }
    storage.expect(key for well in wells.values() for field in well.fields for key in _headers(field))
    rows, columns = (0, 0) if free else _size(stated, found, problems)
    problems += gaps(wells, channels)
    first = next(iter(wells.values())).fields[0]
    note = "; ".join([f"OME-Zarr {version}", *_said_of_acquisitions(stated, choices), *_said_of_planes(first, choices)])
    rgb = _is_rgb(channels, first)
    return Plate(storage.place, title, wells, channels, rgb, rows, columns, problems=tuple(problems), note=note)


def _text(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) and value.strip() else None


def _channel_union(
    storage: Storage, wells: Sequence[ListedWell], problems: list[Problem]
) -> tuple[tuple[Channel, ...], dict[tuple[Channel, ...], tuple[int, ...]]]:
    """Channels of the plate, matched by label over the fields; and each field's channels as indices into them."""
    stated = dict.fromkeys(image.metadata.channels for well in wells for image in well.images)
    union: dict[str, Channel] = {}
    for channels in stated:
        for channel in channels:
            union.setdefault(channel.name, channel)
    order = {
        channels: tuple(list(union).index(channel.name) for channel in channels) for channels in stated if channels
    }
    if () in stated:
        # Fields that do not name their channels: count them, and take the plate's by position.
        unnamed = [(well, image) for well in wells for image in well.images if not image.metadata.channels]
        well, image = unnamed[0]
        count = _channel_count(storage, _key(well, image), image.metadata)
        for index in range(len(union), count):
            union[f"Channel {index + 1}"] = Channel(f"Channel {index + 1}")
        order[()] = tuple(range(count))
        if len(stated) > 1:
            said = "does not name its channels; the plate's are taken in order."
            problems += [
                Problem(f"Field {well.name}/{image.name} {said}", well.name, image.name) for well, image in unnamed
            ]
    return tuple(union.values()), order


def _channel_count(storage: Storage, key: str, image: ImageMetadata) -> int:
    return ZarrField(storage, key, image, 0).channels_on_disk() if "c" in image.axes else 1


def _key(well: ListedWell, image: ListedImage) -> str:
    return f"{well.path}/{image.name}" if well.path else ""


def _fields(
    storage: Storage,
    plate: str,
    well: ListedWell,
    order: Mapping[tuple[Channel, ...], tuple[int, ...]],
    choices: Choices,
) -> Iterator[Field]:
    """Fields of a well: one per image, or one per plane where all are wanted."""
    index = 0
    for image in well.images:
        metadata = image.metadata
        channels = order[metadata.channels]
        plain = ZarrField(storage, _key(well, image), metadata, len(channels))
        depth, times = plain.depth_and_times() if "all" in (choices.z, choices.t) else (1, 1)
        for name, (z, t) in as_fields(image.name, choices.z, choices.t, depth, times):
            source = ZarrField(storage, plain.key, metadata, len(channels), z, t)
            size, position = metadata.pixel_size_um, metadata.position_um
            yield Field(plate, well.name, name, index, channels, source, size, position, image.acquisition)
            index += 1


def _headers(field: Field) -> tuple[str, str]:
    """Where the header of a field's pixels may lie, in either zarr version."""
    assert isinstance(field.source, ZarrField)
    lead = f"{field.source.key}/{field.source.metadata.levels[0]}"
    return f"{lead}/zarr.json", f"{lead}/.zarray"


def _size(stated: Mapping[str, Any], wells: Sequence[ListedWell], problems: list[Problem]) -> tuple[int, int]:
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


def _said_of_acquisitions(stated: Mapping[str, Any], choices: Choices) -> list[str]:
    names = acquisitions(stated)
    if choices.acquisition is not None:
        return [f"acquisition {choices.acquisition} of {len(names)}"]
    if len(names) < 2:
        return []
    shown = ", ".join(list(names.values())[:4]) + (", ..." if len(names) > 4 else "")
    return [f"{len(names)} acquisitions ({shown}), all fields shown"]


def _said_of_planes(first: Field, choices: Choices) -> list[str]:
    """What was chosen along z and t; a plane that is not there is refused here, before anything is read."""
    source = first.source
    assert isinstance(source, ZarrField)
    depth, times = source.depth_and_times()
    check_there(choices.z, choices.t, depth, times, f"{source.name} has")
    return [said for said in (said_of_z(choices.z, depth), said_of_t(choices.t, times)) if said]


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


def _single_image(storage: Storage, choices: Choices) -> Plate:
    attributes = group_attributes(storage, "") or {}
    try:
        metadata = image_metadata(attributes)
    except PlateError as error:
        raise PlateError(f"The OME-Zarr image {storage.address} {error}.") from error
    title = choices.name or storage.name.removesuffix(".zarr").removesuffix(".ome") or "image"
    well = ListedWell("", title, None, None, [ListedImage("0", metadata)])
    problems: list[Problem] = []
    channels, order = _channel_union(storage, [well], problems)
    fields = tuple(_fields(storage, title, well, order, choices))
    note = "; ".join([f"OME-Zarr {metadata.version} image", *_said_of_planes(fields[0], choices)])
    wells = {title: Well(title, None, None, fields)}
    rgb = _is_rgb(channels, fields[0])
    return Plate(storage.place, title, wells, channels, rgb, problems=tuple(problems), note=note)
