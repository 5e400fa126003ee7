"""Which feature to show first on a plate where nobody has chosen one: one that tells something, not the background.

Features are scored by how often they fire in the wells of a group against other wells, in standard deviations between
wells of one group. The constant added to that deviation keeps features that are nearly equal everywhere from winning
by chance (Tusher, Tibshirani and Chu, PNAS 2001, the statistic d of SAM).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from napari_lexicon.analysis.conditions import control_wells
from napari_lexicon.analysis.named_stain import in_colour, name_holds

if TYPE_CHECKING:
    from napari_lexicon.analysis.features import PlateStatistics

LEAST, MOST = 0.001, 0.3
"""Part of patches in which a feature to begin with fires: rarer is hard to see, more common is the background."""
FLOODS = 0.5
"""Part of a well's patches from which a feature covers its image: where only wells differ, this is empty ground."""
LIKE_NOTHING = 0.3
"""Cosine with a feature that is named for nothing to see from which a feature is taken for the same."""
NOTHING_TO_SEE = re.compile(r"\b(?:background|empty|dark|blank|debris|dust|noise|out of focus)\b", re.IGNORECASE)
_NAMED_BONUS = 1.3  # a feature that says what it is may tell conditions apart a little less clearly
AS_CLEAR = 0.7
"""Part of the clearness of the best code from which a direction that says what it marks is shown before it."""
GROUND, TO_SEE = 0.45, 0.55
"""Detail (:class:`napari_lexicon.analysis.detail.Detail`) up to which a feature marks ground, and from which a name is
believed to mark what is there."""
SMOOTH = 1 / 3
"""Detail from which a name made for colour images is believed there, where fibres have more to see than nuclei do."""
_LEAST_FREEDOM = 2
_LITTLE = 1e-3  # of what is only shown where there is nothing else
ALONG = 2.0
"""Standard deviations of controls beyond which patches are counted where features are looked for by direction."""
CLEARER = 1.5
"""How many times as clearly a direction must tell groups of wells apart to be shown before every code."""


@dataclass(frozen=True)
class FirstFeature:
    """A feature to begin with.

    Parameters
    ----------
    feature : int
        Its number.
    why : str
        A sentence for a person who wonders.
    well : str
        Where it fires most.
    clear : float
        The statistic *d* by which it tells a group of wells from others; 0 where no groups were compared.
    beyond : float, optional
        Standard deviations of controls that it was counted beyond; None by code.
    """

    feature: int
    why: str
    well: str
    clear: float = 0.0
    beyond: float | None = None


def first_feature(
    table: pd.DataFrame,
    plate: PlateStatistics,
    by: str | None = None,
    atoms: np.ndarray | None = None,
    detail: np.ndarray | None = None,
    *,
    taught: Collection[int] | None = None,
) -> FirstFeature | None:
    """The feature to show first.

    Parameters
    ----------
    table : pandas.DataFrame
        As from :func:`napari_lexicon.analysis.features.features_table`; of a column ``flag``, features with a word in
        it are left out.
    plate : PlateStatistics
        The plate.
    by : str, optional
        Column of the plate map with the treatment or the dose.
    atoms : numpy.ndarray, optional
        ``(M, dim)`` unit directions of the features.
    detail : numpy.ndarray, optional
        ``(M,)`` how much there is to see where features fire, in this reading; what marks ground is left out.
    taught : collection of int, optional
        Only these features, whose names are of their directions, and of them those whose names hold on this plate and
        that mark places with something to see.

    Returns
    -------
    FirstFeature or None
        With the largest rise over the control wells; without controls, with the largest difference between groups of
        wells; without groups, between wells, where it covers no image and is not like one that is named for the
        background. None where nothing fires.
    """
    known = plate.statistics.tokens.sum(axis=1) > 0
    ground, to_see = _least_detail(table, plate.channels, taught)
    candidates = _candidates(table, detail, ground)
    if not len(candidates):
        return None
    shown, seen = table.iloc[candidates], None if detail is None else detail[candidates]
    holds = _holding(shown, plate.channels, seen, to_see[candidates]) * np.isin(candidates, list(taught or ()))
    if taught is not None and not holds.any():
        return None
    weights = _bonus(shown) if taught is None else (holds > 0).astype(float)
    fires = plate.statistics.fraction_active()[known][:, candidates]
    rooted = np.arcsin(np.sqrt(np.clip(fires, 0, 1)))
    wells = [well for well, here in zip(plate.statistics.wells, known, strict=True) if here]

    of = "" if taught is None else ", of the features with a name,"

    def chosen(place: int, why: str, clear: float = 0.0) -> FirstFeature:
        well = wells[int(fires[:, place].argmax())]
        return FirstFeature(int(candidates[place]), f"Shown first because{of} {why}.", well, clear, plate.beyond)

    counted = "of patches" if plate.beyond is None else f"of patches over {plate.beyond:g} SD along it"
    groups = _groups(plate.map, wells, by)
    if groups is not None:
        found = _between_groups(fires, rooted, groups, control_wells(plate.map, wells), weights, str(by), counted)
        if found is not None:
            place, why, clear = found
            return chosen(place, why, clear) if weights[place] else None
    if seen is not None:
        weights = weights * np.nan_to_num(2 * seen - 1).clip(_LITTLE)
    if taught is not None:  # "nucleus, in a stained section" says more of a section than "bright spots"
        weights = weights * (holds == holds.max())
    else:
        weights = weights * np.where(_like_nothing(table, atoms)[candidates], _LITTLE**3, 1)
    if len(wells) > 1:
        best = int((rooted.std(axis=0) * weights * np.where(fires.max(axis=0) <= FLOODS, 1, _LITTLE**3)).argmax())
        low, high = _part(float(fires[:, best].min())), _part(float(fires[:, best].max()))
        return chosen(best, f"how often it fires differs most from well to well, {low} to {high} {counted}")
    if taught is not None:
        of = ""
        best = int((rooted[0] * weights).argmax())
        return chosen(best, f"it has a name and marks {_part(float(fires[0, best]))} {counted}")
    if "mean_when_active" not in table:
        return None  # a code says how strong it is; of directions in one well none is first
    strength = np.nan_to_num(table["mean_when_active"].to_numpy(dtype=float)[candidates])
    best = int((strength * weights).argmax())
    return chosen(best, "it is rare and strong where it fires")


def clearer(
    by_code: FirstFeature | None, along: FirstFeature | None, named_along: FirstFeature | None = None
) -> FirstFeature | None:
    """Which of the readings to begin with.

    Codes are what a lexicon is made of and need no image to be read again, so a small lead of a direction does not
    count. A direction whose name says what it marks comes first where it is about as clear as the best code, for it can
    be understood at once; and where nothing was compared.
    """
    code = by_code.clear if by_code is not None else 0.0
    if named_along is not None and named_along.clear >= AS_CLEAR * code:
        return named_along
    return by_code if along is None or along.clear <= CLEARER * code else along


def named(table: pd.DataFrame) -> np.ndarray:
    """``(M,)`` bool: features that have a name."""
    return ~table["name"].astype(str).str.startswith("#").to_numpy()


def _least_detail(
    table: pd.DataFrame, channels: Sequence[str], taught: Collection[int] | None
) -> tuple[np.ndarray, np.ndarray]:
    """``(M,)`` detail below which a feature marks ground, and from which its name is believed."""
    ground, to_see = np.full(len(table), GROUND), np.full(len(table), TO_SEE)
    if taught is not None and in_colour(channels):
        made = name_holds(table, channels) == 2
        ground[made] = to_see[made] = SMOOTH
    return ground, to_see


def _candidates(table: pd.DataFrame, detail: np.ndarray | None, least: np.ndarray) -> np.ndarray:
    """Numbers of the features worth showing; whatever fires where there are none."""
    fires = table["fires"].fillna(0).to_numpy(dtype=float)
    plain = table["name"].astype(str).str.contains(NOTHING_TO_SEE).to_numpy()
    flagged = (table["flag"].astype(str) != "").to_numpy() if "flag" in table else np.zeros(len(table), dtype=bool)
    ground = np.zeros(len(table), dtype=bool) if detail is None else detail < least
    good = np.flatnonzero((fires >= LEAST) & (fires <= MOST) & ~plain & ~flagged & ~ground)
    return good if len(good) else np.flatnonzero((fires > 0) & ~plain)


def _bonus(table: pd.DataFrame) -> np.ndarray:
    """``(F,)`` what a feature counts for: more where it says what it is without a question mark."""
    sure = named(table) & ~table["name"].astype(str).str.endswith("?").to_numpy()
    return np.where(sure, _NAMED_BONUS, 1.0)


def _holding(
    table: pd.DataFrame, channels: tuple[str, ...], detail: np.ndarray | None, least: np.ndarray
) -> np.ndarray:
    """``(F,)`` how much a name says here (:func:`name_holds`); 0 where there is too little to see for that."""
    holds = name_holds(table, channels)
    return holds if detail is None else holds * (detail >= least)


def _like_nothing(table: pd.DataFrame, atoms: np.ndarray | None) -> np.ndarray:
    """``(M,)`` bool: features whose direction is near that of one named for nothing to see."""
    nothing = table["name"].astype(str).str.contains(NOTHING_TO_SEE).to_numpy()
    if atoms is None or not nothing.any():
        return nothing
    return np.asarray((atoms @ atoms[nothing].T).max(axis=1) >= LIKE_NOTHING)


def _groups(plate_map: pd.DataFrame, wells: list[str], by: str | None) -> pd.Series | None:
    """What was done to each well; None where no two wells were treated alike or all were."""
    if by is None or by not in plate_map.columns:
        return None
    groups = plate_map[by].reindex(wells).reset_index(drop=True)
    counts = groups.value_counts()
    return groups if len(counts) > 1 and (counts - 1).sum() >= _LEAST_FREEDOM else None


def _between_groups(
    fires: np.ndarray,
    rooted: np.ndarray,
    groups: pd.Series,
    control: np.ndarray,
    bonus: np.ndarray,
    by: str,
    counted: str,
) -> tuple[int, str, float] | None:
    """Position of the candidate that rises most in one group, why it tells something, and how clearly."""
    against_controls = control.sum() > 1
    codes, values = pd.factorize(groups.where(~control, None) if against_controls else groups)
    if against_controls:
        codes = np.where(control, len(values), codes)
    spread = _spread_within(rooted, codes)

    def sides(number: int) -> tuple[np.ndarray, np.ndarray]:
        return codes == number, control if against_controls else (codes >= 0) & (codes != number)

    score, of = np.full(rooted.shape[1], -np.inf), np.zeros(rooted.shape[1], dtype=int)
    for number in range(len(values)):
        inside, rest = sides(number)
        scale = spread * np.sqrt(1 / inside.sum() + 1 / rest.sum())
        rise = (rooted[inside].mean(axis=0) - rooted[rest].mean(axis=0)) / np.maximum(scale, 1e-12)
        of, score = np.where(rise > score, number, of), np.maximum(rise, score)
    if not np.isfinite(score).any():
        return None
    best = int((score * bonus).argmax())
    here, there = (_part(float(fires[side, best].mean())) for side in sides(int(of[best])))
    tells = f"{_said(values[of[best]], by)} from {'control wells' if against_controls else 'the other wells'}"
    return best, f"it tells {tells} best: {here} {counted} against {there}", float(score[best])


def _spread_within(rooted: np.ndarray, within: np.ndarray) -> np.ndarray:
    """``(F,)`` standard deviation between wells of one group, and the median of all features added to each."""
    left, freedom = np.zeros(rooted.shape[1]), 0
    for number in np.unique(within[within >= 0]):
        inside = rooted[within == number]
        left += ((inside - inside.mean(axis=0)) ** 2).sum(axis=0)
        freedom += len(inside) - 1
    spread = np.sqrt(left / max(1, freedom))
    return np.asarray(spread + np.median(spread))


def _said(value: object, by: str) -> str:
    if isinstance(value, (int, float, np.number)):
        return f"{by.removeprefix('Metadata_').replace('_', ' ')} {float(value):g}"
    return str(value)


def _part(part: float) -> str:
    percent = 100 * part
    return "0 %" if percent == 0 else f"{percent:.2g} %" if percent < 10 else f"{percent:.0f} %"
