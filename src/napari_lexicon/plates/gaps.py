"""What is missing from a plate, counted and said before anything runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from napari_lexicon.plates.model import Channel, Field, Problem, Well

# Above this many, fields that lack the same channels are counted in one sentence.
_MOST_NAMED = 20


def gaps(wells: Mapping[str, Well], channels: Sequence[Channel]) -> list[Problem]:
    """Missing fields and channels of the wells that are there.

    A field is missing where most wells have a field of that name and this one has fewer fields than they. A well
    that is not there at all is no gap: sparse plates are normal, and the plate grid shows them.

    Parameters
    ----------
    wells : mapping of str to Well
        The plate's, by name.
    channels : sequence of Channel
        Union over the fields.
    """
    return [*_missing_fields(wells), *_missing_channels(wells, channels)]


def missing_planes(
    files: Mapping[tuple[str, str], Mapping[str | None, Sequence[str]]], channels: Mapping[str, str]
) -> list[Problem]:
    """Stacks that have fewer planes than most stacks of their channel.

    Parameters
    ----------
    files : mapping
        Planes in z of each channel of each ``(well, field)``.
    channels : mapping of str to str
        Names of the channels.
    """
    counts: dict[str, Counter[int]] = {}
    for planes in files.values():
        for channel, names in planes.items():
            counts.setdefault(channel or "", Counter())[len(names)] += 1
    usual = {channel: max(count, key=lambda n: (count[n], n)) for channel, count in counts.items()}
    short = [
        (key, channel or "", len(names))
        for key, planes in files.items()
        for channel, names in planes.items()
        if len(names) < usual[channel or ""]
    ]
    if len(short) > _MOST_NAMED:
        (well, field), channel, _ = short[0]
        said = f"{len(short)} stacks have fewer planes in z than the others of their channel"
        return [Problem(f"{said}: {channels[channel]} of field {well}/{field} and others.")]
    return [
        Problem(f"Field {well}/{field} has {n} of {usual[channel]} planes in z of {channels[channel]}.", well, field)
        for (well, field), channel, n in short
    ]


def _missing_fields(wells: Mapping[str, Well]) -> Iterator[Problem]:
    counts = Counter(field.name for well in wells.values() for field in well.fields)
    usual = [name for name, count in counts.items() if count > len(wells) / 2] if len(wells) > 2 else []
    for well in wells.values():
        if len(well.fields) < len(usual):
            there = {field.name for field in well.fields}
            for name in usual:
                if name not in there:
                    yield Problem(f"Well {well.name} has no field {name}; most wells have one.", well.name, name)


def _missing_channels(wells: Mapping[str, Well], channels: Sequence[Channel]) -> Iterator[Problem]:
    lacking: dict[tuple[int, ...], list[Field]] = {}
    for well in wells.values():
        for field in well.fields:
            absent = tuple(index for index in range(len(channels)) if index not in field.channels)
            if absent:
                lacking.setdefault(absent, []).append(field)
    for absent, fields in lacking.items():
        names = [channels[index].name for index in absent]
        said = ", ".join(name if name.startswith("Channel ") else f"channel {name}" for name in names)
        if len(fields) <= _MOST_NAMED:
            for field in fields:
                yield Problem(f"Field {field.key} has no {said}.", field.well, field.name)
        else:
            yield Problem(f"{len(fields)} fields have no {said}: {fields[0].key}, {fields[1].key} and others.")
