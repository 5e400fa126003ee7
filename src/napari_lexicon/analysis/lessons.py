"""What a feature is taught by patches that somebody pointed at: found without torch, so that a window can do it too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_lexicon.analysis.teaching import (
    BESIDE_THE_REST,
    SHRINKAGE,
    Check,
    GroupSums,
    check_fields,
    paired_parts,
)
from napari_lexicon.lexicons import LexiconPlate

_Patches = tuple[np.ndarray, np.ndarray]  # (n, dim_w) whitened tokens, and (n,) whether each is like


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
    """

    channel: str
    direction: np.ndarray
    check: Check | None
    like: int
    unlike: int
    distance: float

    def rank(self) -> tuple[float, float]:
        """The better, the higher."""
        return (-1.0 if self.check is None else self.check.auroc, self.distance)


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
    many, left = ("patches", "fields") if unit == "patch" else ("wells", "wells")
    where = f", in {lesson.channel}" if lesson.channel else ""
    chosen = f", the best of {channels} channels" if channels > 1 else ""
    taught = f"{lesson.like} {many if lesson.like > 1 else unit} beside {lesson.unlike}"
    said = f"{learnt} {taught}{asked}{where}{chosen}."
    check = lesson.check
    if check is None:
        return f"{said} Not checked: there are too few {left} to leave any out."
    p = "" if check.p is None else f" (p {min(1.0, check.p * channels):.2g} by shuffled wells)"
    return (
        f"{said} On {left} left out by turns, in {check.parts} parts: AUROC {check.auroc:.2f}{p}; "
        f"the best other feature, #{check.feature}, chosen likewise: {check.feature_auroc:.2f}."
    )


def _of_patches(channel: str, seen: Sequence[_Patches], against: bool, atoms: np.ndarray) -> Lesson | None:
    """What the patches of some fields teach; None where they are all of one kind."""
    number = np.repeat(np.arange(len(seen)), 2)
    block = np.zeros_like(number) if against else number
    part = paired_parts([like.any() for _, like in seen], [not like.all() for _, like in seen])
    sums = GroupSums(np.tile([True, False], len(seen)), block, np.repeat(part, 2), atoms.shape[1])
    for place, (tokens, like) in enumerate(seen):
        sums.add(2 * place, tokens[like])
        sums.add(2 * place + 1, tokens[~like])
    shrinkage = SHRINKAGE if against else BESIDE_THE_REST
    direction = sums.direction(shrinkage=shrinkage)
    if direction is None:
        return None
    parts = [[one for one, own in zip(seen, part, strict=True) if own == n] for n in range(sums.parts)]
    whole = [(np.concatenate([one[0] for one in own]), np.concatenate([one[1] for one in own])) for own in parts]
    check = check_fields(sums, whole, atoms, shrinkage)
    likes = sum(int(like.sum()) for _, like in seen)
    others = sum(len(like) for _, like in seen) - likes
    return Lesson(channel, direction, check, likes, others, sums.distance(shrinkage))


def _patches(
    plate: LexiconPlate, number: int, pointed: Sequence[PointedAt], channels: Sequence[str], against: bool
) -> dict[str, _Patches]:
    """The patches of a field that have a say, by channel; dark ones have none."""
    fine = plate.fine(number)
    if fine is None:
        return {}
    names = [plate.header.channels[c].name for c in fine.codes.channels]
    grid = fine.whitened.shape[1:3]
    kind = np.zeros(grid, np.int8) if against else np.full(grid, -1, np.int8)
    for wanted in (False, True):
        for one in pointed:
            rows, columns = np.array(one.places, dtype=int).reshape(-1, 2).T if one.like == wanted else ([], [])
            kind[rows, columns] = 1 if wanted else -1
    found = {}
    for channel in channels:
        if not channel or channel in names:
            tokens = fine.whitened[names.index(channel) if channel else 0]
            use = (kind != 0) & tokens.any(axis=-1)
            if use.any():
                found[channel] = (tokens[use], kind[use] > 0)
    return found
