"""From a table of image files to a plate: what the pattern reader and the readers of vendor indices have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_lexicon.errors import PlateError
from napari_lexicon.plates.file_sources import FieldFiles, Key, Planes, Source, sources_of
from napari_lexicon.plates.gaps import gaps
from napari_lexicon.plates.image_entries import ImageEntry, present_files
from napari_lexicon.plates.model import Channel, Field, Plate, Problem, Well
from napari_lexicon.plates.natural_order import natural
from napari_lexicon.plates.plane_choices import Pages, TChoice, ZChoice, check_there, said_of_t, said_of_z
from napari_lexicon.plates.well_names import plate_format, well_position

# Above this many, files that mean the same place are counted in one sentence.
_MOST_NAMED = 20


@dataclass(frozen=True)
class TableFacts:
    """What a reader knows beside the files.

    Parameters
    ----------
    free : bool
        True where the wells have names of their own.
    channels : mapping of str to Channel
        By the entries' channel; a channel that is not there keeps its name.
    pixel_size_um : tuple of float or None
        Where the index says so; otherwise the files are asked.
    positions_um : mapping
        ``(y, x)`` of ``(well, field)``.
    shape : tuple of int or None
        Rows and columns of the plate; by default those of the smallest usual plate.
    """

    free: bool = False
    channels: Mapping[str, Channel] = field(default_factory=dict)
    pixel_size_um: tuple[float, float] | None = None
    positions_um: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    shape: tuple[int, int] | None = None


def plate_of_entries(
    root: Path | str,
    name: str,
    entries: Sequence[ImageEntry],
    facts: TableFacts,
    *,
    z: ZChoice = "max",
    t: TChoice = 0,
    pages: Pages | None = None,
    note: str,
    problems: Sequence[Problem] = (),
) -> Plate:
    """A plate from its files.

    Parameters
    ----------
    root : pathlib.Path or str
        Folder that the entries are relative to; the address of the table where all entries are addresses.
    name : str
        Of the plate.
    entries : sequence of ImageEntry
        One per file, in any order.
    facts : TableFacts
        What is known beside the files.
    z, t : int, "max" or "all"
        Plane and time point, counted from 0 in the order of the numbers.
    pages : {"z", "t", "c"}, optional
        What the pages of files are that do not say it.
    note : str
        How the plate was read; what was chosen along z and t is added.
    problems : sequence of Problem
        What is known to be wrong already.

    Raises
    ------
    PlateError
        If no field can be read, or the chosen plane or time point does not exist.
    """
    found = list(problems)
    present = present_files(root, entries)
    found += present.problems
    entries = present.entries
    within_names = len({entry.z for entry in entries}) > 1, len({entry.t for entry in entries}) > 1
    notes = [note]
    entries, origins = _chosen(entries, z, t, notes)
    files = _by_field(entries, found)
    if not files:
        raise PlateError(f"{root} has no readable image. {' '.join(problem.sentence for problem in found[:3])}".strip())
    # What the names have been asked for is not asked of the files again.
    inner_z: ZChoice = "max" if within_names[0] else z
    inner_t: TChoice = 0 if within_names[1] else t
    scenes = {(entry.well, entry.field): entry.scene for entry in entries if entry.scene is not None}
    known = facts.channels, facts.pixel_size_um
    sources = sources_of(FieldFiles(str(root), files, scenes, inner_z, inner_t, *known, pages, present.sizes))
    found += sources.problems
    wells = _wells(name, sources.fields, facts, origins)
    found += gaps(wells, sources.channels)
    rows, columns = (0, 0)
    if not facts.free:
        needed = plate_format(well_position(well) for well in wells)
        rows, columns = facts.shape if facts.shape is not None and _holds(facts.shape, wells) else needed
    note = "; ".join([*notes, *sources.notes])
    return Plate(root, name, wells, sources.channels, sources.rgb, rows, columns, problems=tuple(found), note=note)


def _holds(shape: tuple[int, int], wells: Mapping[str, Well]) -> bool:
    places = [well_position(well) for well in wells]
    return all(row < shape[0] and column < shape[1] for row, column in places)


def _chosen(
    entries: Sequence[ImageEntry], z: ZChoice, t: TChoice, notes: list[str]
) -> tuple[list[ImageEntry], dict[Key, Key]]:
    """The planes and time points that are wanted, and of fields that are one plane of a field, which field that is."""
    depths = {number: place for place, number in enumerate(sorted({entry.z for entry in entries}))}
    times = {number: place for place, number in enumerate(sorted({entry.t for entry in entries}))}
    if len(times) > 1:
        check_there("max", t, 1, len(times))
        notes.append(said_of_t(t, len(times)))
        entries = [entry for entry in entries if t == "all" or times[entry.t] == t]
    if len(depths) > 1:
        check_there(z, 0, len(depths), 1)
        notes.append(said_of_z(z, len(depths)))
        entries = [entry for entry in entries if not isinstance(z, int) or depths[entry.z] == z]
    if "all" not in (z, t):
        return list(entries), {}
    renamed, origins = [], {}
    for entry in entries:
        name = entry.field + (f"z{depths[entry.z]}" if z == "all" and len(depths) > 1 else "")
        name += f"t{times[entry.t]}" if t == "all" and len(times) > 1 else ""
        origins[entry.well, name] = entry.well, entry.field
        renamed.append(replace(entry, field=name))
    return renamed, origins


def _by_field(entries: Sequence[ImageEntry], problems: list[Problem]) -> dict[Key, Planes]:
    """Files of each channel of each field, in the order of z; a place that two files mean is named."""
    grouped: dict[Key, dict[str | None, dict[int, str]]] = {}
    twice: list[Problem] = []
    for entry in entries:
        planes = grouped.setdefault((entry.well, entry.field), {}).setdefault(entry.channel, {})
        other = planes.setdefault(entry.z, entry.path)
        if other != entry.path:
            said = f"{other} and {entry.path} are both {entry.well}/{entry.field}"
            said += f" channel {entry.channel}" if entry.channel is not None else ""
            twice.append(Problem(f"{said}; the first is used.", entry.well, entry.field))
    if len(twice) > _MOST_NAMED:
        said = f"{len(twice)} files mean a place that another file means as well, and are not used"
        twice = [Problem(f"{said}. For instance: {twice[0].sentence}")]
    problems += twice
    return {
        key: {channel: tuple(path for _, path in sorted(planes.items())) for channel, planes in channels.items()}
        for key, channels in grouped.items()
    }


def _wells(plate: str, sources: Mapping[Key, Source], facts: TableFacts, origins: Mapping[Key, Key]) -> dict[str, Well]:
    fields: dict[str, list[str]] = {}
    for well, name in sources:
        fields.setdefault(well, []).append(name)
    order = sorted(fields, key=natural) if facts.free else sorted(fields, key=well_position)
    wells = {}
    for well in order:
        row, column = (None, None) if facts.free else well_position(well)
        names = sorted(fields[well], key=natural)
        wells[well] = Well(
            well,
            row,
            column,
            tuple(
                Field(
                    plate,
                    well,
                    name,
                    index,
                    sources[well, name].channels,
                    sources[well, name].files,
                    sources[well, name].pixel_size_um,
                    facts.positions_um.get(
                        origins.get(sources[well, name].origin, sources[well, name].origin),
                        sources[well, name].position_um,
                    ),
                )
                for index, name in enumerate(names)
            ),
        )
    return wells
