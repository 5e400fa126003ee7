"""What a feature is taught by: the tokens of wells, or the patches of fields that somebody pointed at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from napari_lexicon.analysis.lessons import Lesson, PointedAt, lessons_of_patches, lessons_of_wells, wells_of
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.errors import JobError
from napari_lexicon.jobs.contract import Progress, Report, silent
from napari_lexicon.jobs.gathering import grouped_patches
from napari_lexicon.jobs.refining import FineReader
from napari_lexicon.lexicons import Lexicon, LexiconPlate
from napari_lexicon.lexicons.plate import fine_is_current


def lessons_of_asked_wells(
    lexicon: Lexicon,
    dictionary: Dictionary,
    wells: str,
    against: str,
    wanted_channel: str | None,
    plate: str | None = None,
) -> list[Lesson]:
    """One lesson for every channel, from the tokens that are kept of the wells of all plates, or of the one named."""
    plates = list(lexicon.plates.values()) if plate is None else [lexicon.only_plate(plate)]
    asked = [wells_of(one, wells, against) for one in plates]
    for wanted, question in ((True, wells), (False, against)):
        if not any(wanted in kinds.values() for kinds in asked):
            raise JobError(f"No well of {lexicon.path.name} fits {question!r}: correct the question.")
    if not any(set(kinds.values()) == {True, False} for kinds in asked):
        raise JobError(
            f"Wells that fit {wells!r} and wells that fit {against!r} are never on the same plate, "
            "so what tells them may be the plate: choose others."
        )
    channels = _channels(lexicon, dictionary, wanted_channel)
    found = lessons_of_wells(
        list(zip(plates, asked, strict=True)),
        channels,
        dictionary.atoms.numpy(),
        lambda one, number: _kept_tokens(one, number, dictionary),
    )
    if not found:
        raise JobError(
            f"{lexicon.path} keeps no tokens of these wells: run apply with --keep-tokens, or choose other wells."
        )
    return found


def _channels(lexicon: Lexicon, dictionary: Dictionary, wanted: str | None) -> list[str]:
    """Names of the channels to learn in; one empty name where channels share a token."""
    if dictionary.header.channels_mode != "separate" or any(plate.joint for plate in lexicon.plates.values()):
        return [""]
    names = list(dict.fromkeys(one.name for plate in lexicon.plates.values() for one in plate.header.channels))
    if wanted is None:
        return names
    if wanted not in names:
        raise JobError(f"There is no channel {wanted}: choose one of {', '.join(names)}.")
    return [wanted]


def _kept_tokens(plate: LexiconPlate, number: int, dictionary: Dictionary) -> dict[str, np.ndarray]:
    """Whitened tokens of a field by channel, ``(n, dim_w)`` each, as the dictionary takes them; without dark ones."""
    header = dictionary.header
    kept = grouped_patches(plate, number, header.channels_mode, header.channel_names)
    if kept is None:
        return {}
    tokens, lit, have = kept
    names = have if header.channels_mode == "separate" else [""]
    return {
        name: dictionary.whitening.whiten(torch.from_numpy(own[shown]).float()).numpy()
        for name, own, shown in zip(names, tokens, lit, strict=True)
    }


def lessons_of_places(
    lexicon: Lexicon,
    dictionary: Dictionary,
    places: Sequence[PointedAt],
    wanted_channel: str | None,
    reader: FineReader,
    report: Report = silent,
) -> list[Lesson]:
    """One lesson for every channel, from the fields that are pointed into."""
    if not any(one.like and one.places for one in places):
        raise JobError("Nothing is pointed at that the feature is to find: point at patches that have it.")
    fields = _pointed_fields(lexicon, places, reader, report)
    lessons = lessons_of_patches(fields, _channels(lexicon, dictionary, wanted_channel), dictionary.atoms.numpy())
    if not lessons:
        raise JobError(
            "All patches that are pointed at are dark, or there is nothing to tell them from: choose others."
        )
    return lessons


def _pointed_fields(
    lexicon: Lexicon, places: Sequence[PointedAt], reader: FineReader, report: Report
) -> list[tuple[LexiconPlate, int, list[PointedAt]]]:
    """Fields that are pointed into, with all their patches read."""
    by_field: dict[tuple[str, int], list[PointedAt]] = {}
    for one in places:
        plate = lexicon.only_plate(one.plate)
        if not 0 <= one.number < len(plate.fields):
            raise JobError(f"Plate {plate.header.name} has no field number {one.number}: point at one that it has.")
        rows, columns = plate.fields[one.number].grid
        if not all(0 <= row < rows and 0 <= column < columns for row, column in one.places):
            raise JobError(
                f"Fields of {plate.fields[one.number].well} have {rows} x {columns} patches, counted from 0: "
                "point at some of these."
            )
        by_field.setdefault((plate.id, one.number), []).append(one)
    found = []
    for done, ((plate_id, number), pointed) in enumerate(by_field.items()):
        plate = lexicon.plates[plate_id]
        report(Progress(done, len(by_field), f"reading the patches of {plate.fields[number].well}"))
        if not fine_is_current(plate, number, 1):
            reader.read(plate, number, 1)
        found.append((plate, number, pointed))
    return found
