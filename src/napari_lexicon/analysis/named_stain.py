"""Whether the name of a feature holds on a plate: many say in which stain or kind of picture they do."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from napari_lexicon.analysis.nuclear_channel import nuclear_stain

_HOLDS_IN = re.compile(r", in an? ([^?]+)")
_COLOURS = frozenset(("red", "green", "blue"))
_STAINS = {
    "actin": ("actin", "phalloidin", "agp"),
    "golgi": ("golgi", "wga", "agp"),
    "mitochondri": ("mito", "tmrm"),
}


def name_holds(table: pd.DataFrame, channels: Sequence[str]) -> np.ndarray:
    """``(F,)`` int: 0 where no name holds, 1 for a name that holds anywhere, 2 for one made for this.

    ``"dying cell, in a nuclear stain?"`` holds where the channel in which the feature fires most is one by its name,
    ``"nucleus, in a stained section?"`` in colour images, and a name that says nothing of the kind anywhere.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of :func:`napari_lexicon.analysis.features.features_table`.
    channels : sequence of str
        Of the plate.
    """
    colour = in_colour(channels)
    names, where = table["name"].astype(str), table["channel"].astype(str)
    return np.array([_holds(name, channel, colour) for name, channel in zip(names, where, strict=True)], dtype=int)


def in_colour(channels: Sequence[str]) -> bool:
    """Whether channels are those of colour images."""
    return {name.casefold() for name in channels} == _COLOURS


def _holds(name: str, channel: str, colour: bool) -> int:
    if name.startswith("#"):
        return 0
    stated = _HOLDS_IN.search(name)
    if stated is None:
        return 1
    kind = stated.group(1).casefold()
    if not kind.endswith("stain"):  # a smear, a stained section
        return 2 * colour
    if "nuclear" in kind:
        return 2 * (nuclear_stain([channel]) is not None)
    words = [word for stain, known in _STAINS.items() if stain in kind for word in known]
    return 2 * any(word in channel.casefold() for word in words)
