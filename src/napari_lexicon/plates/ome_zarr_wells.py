"""Lists the wells and fields of an OME-Zarr plate from its small metadata documents; what is broken is named."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.model import Problem
from napari_lexicon.plates.natural_order import natural
from napari_lexicon.plates.ngff_metadata import ImageMetadata, Repeating, channels_of, image_metadata, is_inside
from napari_lexicon.plates.storage import Storage
from napari_lexicon.plates.well_names import canonical_well, well_name, well_position

_Q = TypeVar("_Q")
_A = TypeVar("_A")

MOST_WELLS = 100_000
MOST_FIELDS = 1_000_000
# On a network drive each small file costs a round trip. A local disk answers at once; there threads only wait for the
# interpreter's lock, above all while a window wants it too.
_THREADS, _FIRST, _AT_ONCE = 16, 8, 0.001


@dataclass(frozen=True)
class ListedImage:
    """One field of a well: its name, what its metadata say, and the acquisition that it belongs to."""

    name: str
    metadata: ImageMetadata
    acquisition: str | None = None


@dataclass
class ListedWell:
    """One entry of the plate's list, and what was found there."""

    path: str
    name: str
    row: int | None
    column: int | None
    images: list[ListedImage] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


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


def listed_wells(
    storage: Storage, stated: Mapping[str, Any], wanted: str | None = None
) -> tuple[list[ListedWell], list[Problem]]:
    """Wells of a plate with their fields.

    Parameters
    ----------
    storage : Storage
        Of the plate.
    stated : mapping
        The plate's metadata.
    wanted : str, optional
        Acquisition whose fields are wanted, by its name or number; all by default.

    Returns
    -------
    list of ListedWell
        Also those without a readable field.
    list of Problem
        Everything that is wrong.

    Raises
    ------
    PlateError
        If the list is none, or nothing like a plate's, or there is no such acquisition.
    """
    names = acquisitions(stated)
    chosen = _chosen(names, wanted, storage.address)
    wells, problems = _entries(stated, storage.address)
    storage.fetch(well.path for well in wells)
    images = _of_all(lambda well: _images(storage, well, chosen), wells)
    places = list(zip(wells, images, strict=True))
    storage.fetch(f"{well.path}/{name}" for well, listed in places for name, _ in listed if is_inside(name))
    _of_all(lambda place: _look_into(storage, *place, names), places)
    for well in wells:
        problems += well.problems
    if sum(len(well.images) for well in wells) > MOST_FIELDS:
        raise PlateError(f"{storage.address} lists more than {MOST_FIELDS} fields; its metadata must be broken.")
    return wells, problems


def _of_all(answer: Callable[[_Q], _A], questions: Sequence[_Q]) -> list[_A]:
    """An answer to each question, in threads where the first few show that the disk takes its time."""
    start = time.perf_counter()
    first = [answer(question) for question in questions[:_FIRST]]
    rest = questions[_FIRST:]
    if time.perf_counter() - start < _AT_ONCE * len(first):
        return first + [answer(question) for question in rest]
    with ThreadPoolExecutor(_THREADS) as pool:
        return first + list(pool.map(answer, rest))


def acquisitions(stated: Mapping[str, Any]) -> dict[int, str]:
    """Names of a plate's acquisitions by their numbers; the number where there is no name."""
    listed = stated.get("acquisitions")
    names: dict[int, str] = {}
    for item in listed[:10_000] if isinstance(listed, list) else []:
        number = item.get("id") if isinstance(item, Mapping) else None
        if isinstance(number, int):
            name = item.get("name")
            names[number] = name.strip() if isinstance(name, str) and name.strip() else str(number)
    return names


def _chosen(names: Mapping[int, str], wanted: str | None, address: str) -> int | None:
    if wanted is None:
        return None
    for number, name in names.items():
        if wanted in (name, str(number)):
            return number
    there = ", ".join(f"{number} ({name})" if name != str(number) else name for number, name in names.items())
    raise PlateError(f"{address} has no acquisition {wanted!r}; it has {there or 'none that are listed'}.")


def _entries(stated: Mapping[str, Any], address: str) -> tuple[list[ListedWell], list[Problem]]:
    entries = stated.get("wells")
    if not isinstance(entries, list):
        raise PlateError(f"{address} is an OME-Zarr plate whose metadata list no wells.")
    if len(entries) > MOST_WELLS:
        raise PlateError(f"{address} lists {len(entries)} wells; its metadata must be broken.")
    listed: dict[str, ListedWell] = {}
    problems = []
    for entry in entries:
        key = entry.get("path") if isinstance(entry, Mapping) else None
        if not isinstance(key, str) or not is_inside(key) or key.count("/") != 1:
            problems.append(Problem(f"The plate lists a well at {str(key)[:80]!r}, which is no place inside it."))
            continue
        well = ListedWell(key, *_named(entry, key))
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


def _images(storage: Storage, well: ListedWell, chosen: int | None) -> Sequence[tuple[str, Any]]:
    """Fields that a well lists, with the numbers of their acquisitions; why there are none is noted."""
    row = well.path.split("/")[0]
    if storage.leads_out(row) or storage.leads_out(well.path):
        well.problems.append(Problem(f"Well {well.name} is a link that leads out of the plate.", well.name))
        return ()
    attributes = group_attributes(storage, well.path)
    stated = attributes.get("well") if attributes is not None else None
    images = stated.get("images") if isinstance(stated, Mapping) else None
    if not isinstance(images, list):
        said = _why_none(storage, well.path) if attributes is None else "has no list of fields"
        well.problems.append(Problem(f"Well {well.name} {said}.", well.name))
        return ()
    listed = {
        str(image.get("path")): image.get("acquisition")
        for image in images[:MOST_FIELDS]
        if isinstance(image, Mapping) and (chosen is None or image.get("acquisition") == chosen)
    }
    return sorted(listed.items(), key=lambda item: natural(item[0]))


def _why_none(storage: Storage, key: str) -> str:
    """Why a group has no attributes: it is not there, or what describes it is broken."""
    there = isinstance(storage.place, Path) and (storage.place / key).is_dir()
    return "has no metadata that can be read, and is taken as absent" if there else "is listed but absent"


def _look_into(storage: Storage, well: ListedWell, images: Iterable[tuple[str, Any]], names: Mapping[int, str]) -> None:
    """Read the metadata of a well's fields. A broken one is named and does not stop the others."""
    read_channels = Repeating(channels_of)
    for name, number in images:
        trouble = ""
        key = f"{well.path}/{name}"
        if not is_inside(name) or storage.leads_out(key):
            trouble = "lies outside of the plate"
        elif (attributes := group_attributes(storage, key)) is None:
            trouble = _why_none(storage, key)
        else:
            try:
                metadata = image_metadata(attributes, read_channels)
            except PlateError as error:
                trouble = str(error)
            else:
                acquisition = names.get(number, str(number)) if isinstance(number, int) else None
                well.images.append(ListedImage(name, metadata, acquisition))
        if trouble:
            well.problems.append(Problem(f"Field {well.name}/{name[:80]} {trouble}.", well.name, name))
