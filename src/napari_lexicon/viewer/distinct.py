"""Colours of features that are shown together: never two that any reader could take for one another.

Two colours are told apart by their distance in Oklab as trichromats, protanopes and deuteranopes see them; the colours
that the latter see after G. M. Machado, M. M. Oliveira and L. A. F. Fernandes, "A physiologically-based model for
simulation of color vision deficiency", IEEE TVCG 15 (2009), severity 1.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_lexicon.viewer.colors import FEATURE_COLORS, feature_color, rgb_of, to_oklab

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEAST_DISTANCE = 0.1
"""Distance in Oklab up to which two colours are taken for alike; a step that is just seen is about 0.02."""
MOST_KEPT = 6
"""Features that may stay beside the chosen one: more colours cannot be told apart by everybody."""
# found by farthest-point search over a grid in Oklab, for readers with and without a deficiency
_SPARE = ("#DBFE48", "#4F6BEE", "#C0571E", "#9CFFEE", "#26A9F1", "#D6AB1B", "#9C6496", "#5FC6B3", "#FFFFFF", "#85B4F0")
_PROTANOPIA = ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998))
_DEUTERANOPIA = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))


@lru_cache(maxsize=512)
def _seen(color: str) -> npt.NDArray[np.float64]:
    """``(3, 3)`` Oklab of a colour for trichromats, protanopes and deuteranopes."""
    c = np.array(rgb_of(color)) / 255
    linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    shown = [linear, *(np.clip(np.array(kind) @ linear, 0, 1) for kind in (_PROTANOPIA, _DEUTERANOPIA))]
    rgb = np.stack(shown)
    encoded = np.where(rgb <= 0.0031308, rgb * 12.92, 1.055 * rgb ** (1 / 2.4) - 0.055)
    return to_oklab(encoded * 255)


def distance(first: str, second: str) -> float:
    """How far two colours are apart for the reader to whom they are most alike."""
    return float(np.linalg.norm(_seen(first) - _seen(second), axis=1).min())


def shown_colors(
    features: Sequence[int], chosen: Mapping[int, str | None], before: Mapping[int, str] | None = None
) -> dict[int, str]:
    """Colours of features that are shown together.

    A feature keeps the colour it was shown in before, else takes the one a person gave it, else its own; where that is
    too near to one that is taken, the farthest of a fixed list. What a person chose is never changed.

    Parameters
    ----------
    features : sequence of int
        In the order in which they choose.
    chosen : mapping of int to str
        ``"#RRGGBB"`` that a person gave to a feature.
    before : mapping of int to str, optional
        Colours that features are shown in now.
    """
    given = {feature: color for feature in features if (color := chosen.get(feature)) is not None}
    found: dict[int, str] = {}
    for feature in features:
        if feature in found:
            continue
        if feature in given:
            found[feature] = given[feature]
            continue
        taken = [*found.values(), *(color for other, color in given.items() if other not in found)]
        wishes = [(before or {}).get(feature), feature_color(feature)]
        free = [wish for wish in wishes if wish is not None and _nearest(wish, taken) >= LEAST_DISTANCE]
        found[feature] = free[0] if free else free_color(taken)
    return found


def free_color(taken: Sequence[str]) -> str:
    """The colour that is farthest from all that are taken."""
    return max((*FEATURE_COLORS, *_SPARE), key=lambda color: _nearest(color, taken))


def _nearest(color: str, taken: Sequence[str]) -> float:
    return min((distance(color, other) for other in taken), default=np.inf)
