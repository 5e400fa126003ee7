"""Where features are edited, and the table of what came of it: places drawn at random, not the strongest ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_lexicon.analysis.maps import activation_map
from napari_lexicon.analysis.reading import ReadField, Told, finished_fields, untold
from napari_lexicon.analysis.shown_edits import ARRIVES, ShownEdit
from napari_lexicon.errors import LexiconError
from napari_lexicon.lexicons import Lexicon

if TYPE_CHECKING:
    from napari_lexicon.analysis.editing import Edited, Editor

EDITS = ("remove", "halve", "double", "add")
"""``add`` gives the feature its median value where it does not fire; the others are made where it does."""

_FIELDS = 24  # read at most


@dataclass(frozen=True)
class Place:
    """One patch with its surroundings.

    Parameters
    ----------
    feature : int
        Which feature is edited here.
    well, channel : str
        Where it is.
    value : float
        Of the feature; 0 where it does not fire.
    tile : numpy.ndarray
        ``(Y, X)`` windowed intensities, the patch in the middle.
    """

    feature: int
    well: str
    channel: str
    value: float
    tile: np.ndarray


def drawn_places(
    lexicon: Lexicon,
    features: Sequence[int],
    *,
    channels: Mapping[int, str] | None = None,
    each: int = 4,
    seed: int = 0,
    told: Told = untold,
) -> tuple[list[Place], list[Place]]:
    """For every feature some patches where it fires and some lit ones where it does not, at most one of each per field.

    Parameters
    ----------
    lexicon : Lexicon
        With codes, and its images where they were.
    features : sequence of int
        Numbers of features.
    channels : mapping of int to str, optional
        In which channel each is edited; any for those that are not named.
    each : int
        Patches of either kind per feature.
    seed : int
        Of the draw.
    told : callable
        Told of every field that is read.

    Returns
    -------
    firing, silent : list of Place
    """
    rng = np.random.default_rng(seed)
    wells = {(plate.id, field.well) for plate in lexicon.plates.values() for field in plate.fields}
    chosen = set(map(tuple, rng.permutation(sorted(wells))[: max(_FIELDS, each)]))
    firing: dict[int, list[Place]] = {int(feature): [] for feature in features}
    silent: dict[int, list[Place]] = {int(feature): [] for feature in features}
    for one in finished_fields(lexicon.plates.values(), pixels=True, fields_per_well=1, told=told):
        if (one.plate.id, one.header.well) not in chosen:
            continue
        for feature in features:
            for found, fires in ((firing[int(feature)], True), (silent[int(feature)], False)):
                if len(found) < each:
                    place = _drawn(
                        one, int(feature), (channels or {}).get(int(feature)), fires, lexicon.backbone.patch, rng
                    )
                    if place is not None:
                        found.append(place)
        if all(len(found) == each for found in (*firing.values(), *silent.values())):
            break
    return [p for found in firing.values() for p in found], [p for found in silent.values() for p in found]


def _drawn(
    one: ReadField, feature: int, channel: str | None, fires: bool, patch: int, rng: np.random.Generator
) -> Place | None:
    from napari_lexicon.analysis.editing import SIDE

    codes, names = one.codes, [one.plate.header.channels[c].name for c in one.header.channels]
    groups = [g for g, name in enumerate(names) if channel is None or name == channel]
    maps = np.stack([activation_map(codes, feature, codes.channels[g]) for g in groups]) if groups else np.zeros((0,))
    if not groups or (not fires and not maps.any()):
        return None
    lit = np.abs(codes.values[groups].astype(np.float32)).sum(axis=-1) > 0
    somewhere = np.asarray(maps.any(axis=(1, 2)))
    use = maps > 0 if fires else (maps == 0) & lit & somewhere[:, None, None]
    places = np.argwhere(use)
    if not len(places):
        return None
    g, gy, gx = places[rng.integers(len(places))]
    plane = one.windowed[groups[g]]
    half = SIDE // 2 * patch
    padded = np.pad(plane, half + patch, mode="reflect" if min(plane.shape) > half + patch else "symmetric")
    top, left = int(gy) * patch + patch, int(gx) * patch + patch
    tile = padded[top : top + SIDE * patch, left : left + SIDE * patch]
    return Place(feature, one.header.well, names[groups[g]], float(maps[g, gy, gx]), tile)


def asked_values(places: Sequence[Place], edit: str, usual: dict[int, float]) -> np.ndarray:
    """``(N,)`` values that an edit gives to the features of some places."""
    factor = {"remove": 0.0, "halve": 0.5, "double": 2.0}
    return np.array([usual[p.feature] if edit == "add" else factor[edit] * p.value for p in places])


@dataclass(frozen=True)
class EditsMade:
    """What came of edits.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per feature and edit: ``feature``, ``name``, ``edit``; ``before``, ``asked``, ``after`` (median value,
        coefficient of the whitened token of unit norm); ``moved`` (median part of the way asked that it went, 1 where
        it has the value asked for) with its quartiles ``moved_low``, ``moved_high``; ``moved_by_other`` (median size
        of the same when another feature that does not fire there is moved by as much: what any edit does);
        ``moved_along`` (as ``moved``, of the token along the feature's atom, whatever code came of it); ``right_way``
        (part of patches); ``arrived`` (part of patches in which it is nearer the value asked for than halfway);
        ``first`` (part of patches in which no feature moved more); ``others`` (median length of the change of all
        other values, over what was asked of this one); ``n_patches``, ``n_wells``.
    shown : tuple of ShownEdit
        One patch of each feature and edit with its pictures, chosen before anything is edited: of those drawn the one
        in the middle by the feature's value, and to add it the first where it is not.
    """

    table: pd.DataFrame
    shown: tuple[ShownEdit, ...]


def edits_made(
    editor: Editor, firing: Sequence[Place], silent: Sequence[Place], names: dict[int, str], *, seed: int = 0
) -> EditsMade:
    """What became of every feature under every edit.

    Parameters
    ----------
    editor : Editor
        For the lexicon's features.
    firing, silent : sequence of Place
        Of :func:`drawn_places`.
    names : dict of int to str
        What features are called.
    seed : int
        Of the other features that stand beside.

    Raises
    ------
    LexiconError
        If no feature fires anywhere.
    """
    usual = {feature: float(np.median([p.value for p in firing if p.feature == feature] or [0.0])) for feature in names}
    rng = np.random.default_rng(seed)
    parts: list[pd.DataFrame] = []
    shown: list[ShownEdit] = []
    for places, edits in ((firing, EDITS[:-1]), (silent, EDITS[-1:])):
        places = [p for p in places if usual[p.feature] > 0]
        if not places:
            continue
        start = editor.original(np.stack([p.tile for p in places]))
        feature, rows = np.array([p.feature for p in places]), np.arange(len(places))
        other = _other_features(start.codes, rng)
        for edit in edits:
            asked = asked_values(places, edit, usual)
            wanted = asked - start.codes[rows, feature]
            beside = editor.edit(start, other, np.abs(wanted))
            done = editor.edit(start, feature, asked)
            parts.append(_rows(edit, done, _moved_beside(beside, feature, wanted), places, names))
            shown += _shown(edit, done, places)
    if not parts:
        raise LexiconError("None of these features fires in the fields that were read: choose other features.")
    order = {edit: n for n, edit in enumerate(EDITS)}
    table = pd.concat(parts, ignore_index=True)
    by = table.sort_values(["feature", "edit"], key=lambda c: c.map(order) if c.name == "edit" else c)
    pictures = sorted(shown, key=lambda one: (list(names).index(one.feature), order[one.edit]))
    return EditsMade(by.reset_index(drop=True), tuple(pictures))


def _shown(edit: str, done: Edited, places: Sequence[Place]) -> list[ShownEdit]:
    """Of every feature the patch with its usual value, or, where it is added, the first in which it is not.

    Cut out of its field, a patch may be read without the feature, or with it: such a patch shows nothing of this edit.
    """
    here, others = done.before[np.arange(len(places)), done.feature], done.others()
    shown = []
    for feature in dict.fromkeys(p.feature for p in places):
        fitting = [n for n, p in enumerate(places) if p.feature == feature and (here[n] == 0) == (edit == "add")]
        if not fitting:
            continue
        n = fitting[0] if edit == "add" else sorted(fitting, key=lambda n: float(here[n]))[len(fitting) // 2]
        if done.asked[n] == here[n]:
            continue  # twice its value in the field is what it has here
        after = float(done.after[n, feature])
        shown.append(
            ShownEdit(
                feature,
                edit,
                places[n].channel,
                places[n].well,
                float(here[n]),
                float(done.asked[n]),
                after,
                float(others[n]),
                places[n].tile,
                done.pictures[n],
            )
        )
    return shown


def _other_features(before: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """For every patch a feature that does not fire in it."""
    silent = before == 0
    draw = np.where(silent, rng.random(before.shape), -1)
    return np.asarray(draw.argmax(axis=1))


def _moved_beside(beside: Edited, feature: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    rows = np.arange(len(feature))
    change = np.abs(beside.after[rows, feature] - beside.before[rows, feature])
    return np.asarray(change / np.maximum(np.abs(wanted), 1e-6))


def _rows(edit: str, done: Edited, beside: np.ndarray, places: Sequence[Place], names: dict[int, str]) -> pd.DataFrame:
    rows = np.arange(len(places))
    one = pd.DataFrame(
        {
            "feature": done.feature,
            "before": done.before[rows, done.feature],
            "asked": done.asked,
            "after": done.after[rows, done.feature],
            "moved": done.moved(),
            "along": done.moved_along(),
            "arrived": np.abs(done.moved() - 1) <= ARRIVES,
            "beside": beside,
            "first": done.rank() == 1,
            "others": done.others(),
            "well": [p.well for p in places],
        }
    )
    grouped = one.groupby("feature")
    table = grouped[["before", "asked", "after", "moved"]].median()
    table["moved_low"], table["moved_high"] = grouped["moved"].quantile(0.25), grouped["moved"].quantile(0.75)
    table["moved_by_other"], table["moved_along"] = grouped["beside"].median(), grouped["along"].median()
    table["right_way"] = grouped["moved"].agg(lambda moved: float((moved > 0).mean()))
    table["arrived"] = grouped["arrived"].mean()
    table["first"], table["others"] = grouped["first"].mean(), grouped["others"].median()
    table["n_patches"], table["n_wells"] = grouped.size(), grouped["well"].nunique()
    table = table.reset_index()
    table.insert(1, "name", [names[int(feature)] for feature in table["feature"]])
    table.insert(2, "edit", edit)
    return table


def edited_features(
    lexicon: Lexicon,
    features: Sequence[int],
    *,
    channels: Mapping[int, str] | None = None,
    each: int = 4,
    seed: int = 0,
    told: Told = untold,
) -> EditsMade:
    """Question 10 for some features of a lexicon; see :func:`drawn_places` and :func:`edits_made`.

    Raises
    ------
    LexiconError
        If the lexicon's model has no decoder, a feature does not exist, or none fires.
    """
    reference = lexicon.header.dictionary
    wrong = [f for f in features if reference is None or not 0 <= f < reference.n_features]
    if wrong:
        raise LexiconError(f"There is no feature {wrong[0]}: see napari-lexicon features.")
    from napari_lexicon.analysis.editing import Editor

    editor = Editor.of(lexicon)
    firing, silent = drawn_places(lexicon, features, channels=channels, each=each, seed=seed, told=told)
    told(1, 1, "editing, drawing and reading again")
    return edits_made(editor, firing, silent, {int(f): lexicon.names.label(int(f)) for f in features}, seed=seed)
