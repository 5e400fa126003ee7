"""What a feature is taught by wells, or by patches: found without torch, so that a window can do it too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from napari_lexicon.analysis.conditions import wells_where
from napari_lexicon.analysis.teaching import (
    BESIDE_THE_REST,
    PARTS,
    SHRINKAGE,
    Check,
    GroupSums,
    check_fields,
    paired_parts,
    parts_of,
)
from napari_lexicon.lexicons import LexiconPlate

LeftOut = Literal["wells", "fields", "places"]
_NO_SAY = -1000
_REST_ROWS = 4  # the rest of a field is left out in squares of so many patches


@dataclass(frozen=True, eq=False)
class _Patches:
    """Patches of a field: ``(n, dim_w)`` whitened tokens, whether each is like, and the place it belongs to.

    Places below 0 are the parts of the rest of the field.
    """

    tokens: np.ndarray
    like: np.ndarray
    place: np.ndarray

    def groups(self) -> list[tuple[int, bool]]:
        """Places, and whether they are like."""
        places, first = np.unique(self.place, return_index=True)
        return [(int(place), bool(self.like[at])) for place, at in zip(places, first, strict=True)]


@dataclass(frozen=True)
class PointedAt:
    """Patches of one field that a feature is to be taught by.

    Parameters
    ----------
    plate : str
        Id or name of the plate in the lexicon.
    number : int
        Of the field on the plate.
    places : tuple of (int, int)
        Row and column of patches on the grid of the field.
    like : bool
        False for patches that are not what is meant.
    """

    plate: str
    number: int
    places: tuple[tuple[int, int], ...]
    like: bool = True


@dataclass(frozen=True, eq=False)
class Lesson:
    """What was found in one channel.

    Parameters
    ----------
    channel : str
        Its name; empty where channels share a token.
    direction : numpy.ndarray
        ``(dim_w,)`` unit direction among whitened tokens.
    check : Check, optional
        How it fares on what it was not learnt from; None where nothing could be left out.
    like, unlike : int
        Wells, or patches, that it was learnt from.
    distance : float
        How far apart these lie along the direction, in spreads of tokens.
    left_out : {"wells", "fields", "places"}
        What the check left out by turns.
    means : (float, float)
        Along the direction, of what has it and of what has it not.
    """

    channel: str
    direction: np.ndarray
    check: Check | None
    like: int
    unlike: int
    distance: float
    left_out: LeftOut
    means: tuple[float, float]


def best_lesson(lessons: Sequence[Lesson]) -> Lesson:
    """Of the channel in which it is told best.

    What is dark in a channel says nothing there: how far the AUROC lies above chance counts by the share of what was
    pointed at that has a say.
    """
    most = max(lesson.like for lesson in lessons)

    def rank(lesson: Lesson) -> tuple[float, float]:
        told = -1.0 if lesson.check is None else (lesson.check.auroc - 0.5) * lesson.like / most
        return told, lesson.distance

    return max(lessons, key=rank)


def lessons_of_patches(
    fields: Sequence[tuple[LexiconPlate, int, Sequence[PointedAt]]], channels: Sequence[str], atoms: np.ndarray
) -> list[Lesson]:
    """One lesson for every channel in which what is pointed at can be told from something.

    Parameters
    ----------
    fields : sequence of (LexiconPlate, int, sequence of PointedAt)
        Fields whose patches have all been read (:meth:`~napari_lexicon.lexicons.LexiconPlate.fine`), by their number
        on the plate, and what is pointed at in them. Where nothing is pointed at with ``like=False``, the rest of
        their patches is what it is told from.
    channels : sequence of str
        Names of the channels to learn in; one empty name where channels share a token.
    atoms : numpy.ndarray
        ``(M, dim_w)`` directions of the features that there are, to compare with.
    """
    against = any(not one.like for _, _, pointed in fields for one in pointed)
    seen: dict[str, list[_Patches]] = {channel: [] for channel in channels}
    for plate, number, pointed in fields:
        for channel, one in _patches(plate, number, pointed, channels, against).items():
            seen[channel].append(one)
    found = [_of_patches(channel, own, against, atoms) for channel, own in seen.items() if own]
    return [lesson for lesson in found if lesson is not None]


def wells_of(plate: LexiconPlate, wells: str, against: str) -> dict[str, bool]:
    """Wells of a plate that fit either question, and whether that is the first; one that fits both has it."""
    there = set(plate.wells)
    unlike = {well: False for well in wells_where(plate.map, against) if well in there}
    return unlike | {well: True for well in wells_where(plate.map, wells) if well in there}


def lessons_of_wells(
    plates: Sequence[tuple[LexiconPlate, Mapping[str, bool]]],
    channels: Sequence[str],
    atoms: np.ndarray,
    tokens_of: Callable[[LexiconPlate, int], Mapping[str, np.ndarray]],
) -> list[Lesson]:
    """One lesson for every channel in which tokens of either kind of well are kept on one plate.

    Parameters
    ----------
    plates : sequence of (LexiconPlate, mapping of str to bool)
        Plates with the wells that teach, and whether each has it (:func:`wells_of`). A plate with one kind only teaches
        nothing.
    channels, atoms
        As in :func:`lessons_of_patches`.
    tokens_of : callable
        From a plate and the number of a field to ``(n, dim_w)`` whitened tokens by channel, dark patches left out.
    """
    groups = [
        (block, well, like)
        for block, (_, kinds) in enumerate(plates)
        if set(kinds.values()) == {True, False}
        for well, like in kinds.items()
    ]
    if not groups:
        return []
    blocks, likes = [block for block, _, _ in groups], [like for _, _, like in groups]
    number = {(block, well): place for place, (block, well, _) in enumerate(groups)}
    parts = parts_of(likes, blocks)
    sums = {channel: GroupSums(likes, blocks, parts, atoms.shape[1]) for channel in channels}
    for block, (plate, _) in enumerate(plates):
        for place, field in enumerate(plate.fields):
            group = number.get((block, field.well))
            if group is not None:
                for channel, tokens in tokens_of(plate, place).items():
                    if channel in sums:
                        sums[channel].add(group, tokens)
    lessons = [_of_wells(channel, own, atoms) for channel, own in sums.items()]
    return [lesson for lesson in lessons if lesson is not None]


def _of_wells(channel: str, sums: GroupSums, atoms: np.ndarray) -> Lesson | None:
    """What the wells teach in one channel; None where no plate has tokens of both kinds."""
    direction = sums.direction()
    if direction is None:
        return None
    use = sums.comparable()
    like, unlike = int((use & sums.like).sum()), int((use & ~sums.like).sum())
    return Lesson(channel, direction, sums.check(atoms), like, unlike, sums.distance(), "wells", sums.means(direction))


def lesson_sentence(lesson: Lesson, channels: int, unit: str, asked: str = "", learnt: str = "Taught by") -> str:
    """What a feature was taught by, and how it fares on what it was not taught by.

    Parameters
    ----------
    lesson : Lesson
        The best of all channels.
    channels : int
        How many these are.
    unit : {"patch", "well"}
        What it was taught by.
    asked : str
        What the wells were asked for, in brackets.
    learnt : str
        How the sentence begins.
    """
    many = "patches" if unit == "patch" else "wells"
    where = f", in {lesson.channel}" if lesson.channel else ""
    chosen = f", the best of {channels} channels" if channels > 1 else ""
    taught = f"{lesson.like} {many if lesson.like > 1 else unit} beside {lesson.unlike}"
    said = f"{learnt} {taught}{asked}{where}{chosen}."
    check = lesson.check
    if check is None:
        return f"{said} Not checked: there are too few {lesson.left_out} to leave any out."
    p = "" if check.p is None else f" (p {min(1.0, check.p * channels):.2g} by shuffled wells)"
    return (
        f"{said} On {lesson.left_out} left out by turns, in {check.parts} parts: AUROC {check.auroc:.2f}{p}; "
        f"the best other feature, #{check.feature}, chosen likewise: {check.feature_auroc:.2f}."
    )


def _of_patches(channel: str, seen: Sequence[_Patches], against: bool, atoms: np.ndarray) -> Lesson | None:
    """What the patches of some fields teach; None where they are all of one kind."""
    groups = [(field, place, like) for field, one in enumerate(seen) for place, like in one.groups()]
    likes, of_field = [like for _, _, like in groups], np.array([field for field, _, _ in groups])
    block = np.zeros_like(of_field) if against else of_field
    part, left_out = _parts(seen, of_field, likes)
    sums = GroupSums(likes, block, part, atoms.shape[1])
    for number, (field, place, _) in enumerate(groups):
        sums.add(number, seen[field].tokens[seen[field].place == place])
    shrinkage = SHRINKAGE if against else BESIDE_THE_REST
    direction = sums.direction(shrinkage=shrinkage)
    if direction is None:
        return None
    whole = [
        _together(seen, [group for group, own in zip(groups, part, strict=True) if own == n]) for n in range(sums.parts)
    ]
    check = check_fields(sums, whole, atoms, shrinkage)
    taught = sum(int(one.like.sum()) for one in seen)
    others = sum(len(one.like) for one in seen) - taught
    distance, means = sums.distance(shrinkage), sums.means(direction)
    return Lesson(channel, direction, check, taught, others, distance, left_out, means)


def _parts(seen: Sequence[_Patches], of_field: np.ndarray, likes: Sequence[bool]) -> tuple[np.ndarray, LeftOut]:
    """Number of the part of every group: fields as wholes where two parts can hold both kinds, else places."""
    by_field = paired_parts([one.like.any() for one in seen], [not one.like.all() for one in seen])
    of_kind = [
        {int(by_field[field]) for field, one in zip(of_field, likes, strict=True) if one == kind}
        for kind in (True, False)
    ]
    if len(of_kind[0] & of_kind[1]) > 1:
        return by_field[of_field], "fields"
    return parts_of(likes, np.zeros(len(likes), int)), "places"


def _together(seen: Sequence[_Patches], groups: Sequence[tuple[int, int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    """Tokens of some groups, and which are like."""
    tokens = [seen[field].tokens[seen[field].place == place] for field, place, _ in groups]
    return np.concatenate(tokens), np.repeat([like for _, _, like in groups], [len(one) for one in tokens])


def _patches(
    plate: LexiconPlate, number: int, pointed: Sequence[PointedAt], channels: Sequence[str], against: bool
) -> dict[str, _Patches]:
    """The patches of a field that have a say, by channel; dark ones have none."""
    fine = plate.fine(number)
    if fine is None:
        return {}
    names = [plate.header.channels[c].name for c in fine.codes.channels]
    grid = fine.whitened.shape[1:3]
    squares = np.add.outer(np.arange(grid[0]) // _REST_ROWS, np.arange(grid[1]) // _REST_ROWS)
    rest = -1 - squares % PARTS  # what they are told from, unless they say what
    place, like = np.full(grid, _NO_SAY) if against else rest, np.zeros(grid, bool)
    for wanted in (False, True):
        for n, one in enumerate(pointed):
            if one.like == wanted and one.places:
                rows, columns = np.array(one.places, dtype=int).T
                place[rows, columns], like[rows, columns] = n, wanted
    found = {}
    for channel in channels:
        if not channel or channel in names:
            tokens = fine.whitened[names.index(channel) if channel else 0]
            use = (place != _NO_SAY) & tokens.any(axis=-1)
            if use.any():
                found[channel] = _Patches(tokens[use], like[use], place[use])
    return found
