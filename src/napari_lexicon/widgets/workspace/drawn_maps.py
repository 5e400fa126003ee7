"""The numbers of an activation map: from the codes of whole patches, or from fields that were read closer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_lexicon.lexicons import FieldCodes, FineField
    from napari_lexicon.widgets.workspace.state import MapLook
    from napari_lexicon.widgets.workspace.trial import Tried

TRIAL_TOP = 2.0


@dataclass(frozen=True)
class DrawnMaps:
    """Maps of the fields on the screen.

    Parameters
    ----------
    maps : sequence of numpy.ndarray or None
        ``(gh, gw)`` float32 of each field, None where it has no codes.
    finer : int
        By how much they are finer than the patches.
    top : float
        Value in full colour.
    bottom : float
        Value under which nothing is drawn.
    """

    maps: Sequence[npt.NDArray[np.float32] | None]
    finer: int
    top: float
    bottom: float = 0.0


def maps_of_codes(
    codes: Sequence[FieldCodes | None], feature: int, channel: int | None, strongest: float, picks: int | None = None
) -> DrawnMaps:
    """Of whole patches; ``strongest`` is the feature's largest value over the plate, 0 where it is not known."""
    from napari_lexicon.analysis.maps import activation_map

    maps = [None if each is None else activation_map(each, feature, channel, picks) for each in codes]
    return DrawnMaps(maps, 1, strongest or _largest(maps))


def maps_of_fine(
    fine: Sequence[FineField | None],
    look: MapLook,
    atom: npt.NDArray[np.float32],
    feature: int,
    channel: int | None,
    strongest: float,
    level: float,
    picks: int | None = None,
) -> DrawnMaps:
    """Of fields that were read closer; a direction is drawn over ``level`` standard deviations of controls."""
    if look.kind == "code":
        found = maps_of_codes(
            [None if each is None else each.codes for each in fine], feature, channel, strongest, picks
        )
        return DrawnMaps(found.maps, look.finer, found.top)
    return replace(_along(fine, atom, channel, level), finer=look.finer)


def maps_of_trial(fine: Sequence[FineField | None], found: Tried, level: float) -> DrawnMaps:
    """How far patches are like what was pointed at: full colour at twice as far from halfway as that is.

    By wells, as the direction of a feature: over ``level`` standard deviations of controls.
    """
    from napari_lexicon.analysis.maps import likeness_map

    if found.means is None:
        return _along(fine, found.direction, found.channel, level)

    maps = [
        None
        if each is None
        else likeness_map(each.whitened, each.codes.channels, found.direction, found.means, found.channel)
        for each in fine
    ]
    return DrawnMaps(maps, 1, TRIAL_TOP)


def empty_maps(codes: Sequence[FieldCodes | None], top: float, bottom: float = 0.0) -> DrawnMaps:
    """With nothing in them: a direction is being read, and its code is no answer meanwhile."""
    maps = [None if each is None else np.zeros(each.indices.shape[1:3], np.float32) for each in codes]
    return DrawnMaps(maps, 1, top, bottom)


def _along(
    fine: Sequence[FineField | None], direction: npt.NDArray[np.floating], channel: int | None, level: float
) -> DrawnMaps:
    from napari_lexicon.analysis.maps import direction_map, direction_top, drawn_along

    maps = [
        None
        if each is None
        else drawn_along(direction_map(each.whitened, each.codes.channels, direction, channel), level)
        for each in fine
    ]
    return DrawnMaps(maps, 1, direction_top(_largest(maps), level), level)


def _largest(maps: Sequence[npt.NDArray[np.float32] | None]) -> float:
    return max((float(values.max()) for values in maps if values is not None), default=0.0)
