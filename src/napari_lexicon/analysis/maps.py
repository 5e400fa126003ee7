"""Activation maps: one feature's values over the patches of a field, and what fires at one place."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from napari_lexicon.errors import LexiconError
from napari_lexicon.lexicons import FieldCodes

DRAWN_FROM = 1.0
"""Standard deviations of controls over which a direction is drawn."""
_TOPS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)  # standard deviations


def activation_map(codes: FieldCodes, feature: int, channel: int | None = None, picks: int | None = None) -> np.ndarray:
    """One feature over a field.

    Parameters
    ----------
    codes : FieldCodes
        Codes of the field.
    feature : int
        Number of the feature.
    channel : int, optional
        Channel of the plate; the largest value over the channels where None.
    picks : int, optional
        Use the first ``picks`` picks of the pursuit only.

    Returns
    -------
    numpy.ndarray
        ``(gh, gw)`` float32; 0 where the feature does not fire. Element (i, j) belongs to patch (i, j). A channel
        that the field lacks gives a map of 0.

    Raises
    ------
    LexiconError
        If the channel is given by its name: codes know numbers only.
    """
    if isinstance(channel, str):
        raise LexiconError(
            f"A channel of a map is a number, not {channel!r}: its place among the channels of the plate, from 0."
        )
    grid = codes.indices.shape[1:3]
    if channel is not None and channel not in codes.channels:
        return np.zeros(grid, np.float32)
    groups = slice(None) if channel is None else [codes.channels.index(channel)]
    indices, values = codes.indices[groups, ..., :picks], codes.values[groups, ..., :picks]
    # few of the picks are this feature's: only those are summed (a pick may come twice in a patch)
    hits = np.flatnonzero(indices == feature)
    picked = values.reshape(-1)[hits].astype(np.float32)
    summed = np.bincount(hits // indices.shape[-1], weights=picked, minlength=int(np.prod(indices.shape[:-1])))
    return np.asarray(summed.astype(np.float32).reshape(indices.shape[:-1]).max(axis=0).clip(min=0))


def direction_map(
    whitened: np.ndarray,
    channels: tuple[int, ...],
    atom: np.ndarray,
    channel: int | None = None,
    reading: Literal["direction", "cosine"] = "direction",
) -> np.ndarray:
    """How far every token lies along the direction of one feature, whether or not the pursuit picked it.

    Parameters
    ----------
    whitened : numpy.ndarray
        ``(G, gh, gw, dim_w)`` whitened tokens (:class:`~napari_lexicon.lexicons.FineField`).
    channels : tuple of int
        Channel of the plate for each group.
    atom : numpy.ndarray
        ``(dim_w,)`` unit vector of the feature.
    channel : int, optional
        Channel of the plate; the largest value over the channels where None.
    reading : {"direction", "cosine"}
        ``"direction"``: in standard deviations of control tokens, which whitening has made 1 in every direction.
        ``"cosine"``: of tokens scaled to unit norm, -1 to 1.

    Returns
    -------
    numpy.ndarray
        ``(gh, gw)`` float32; 0 where a patch does not count, or the field lacks the channel.
    """
    if channel is not None and channel not in channels:
        return np.zeros(whitened.shape[1:3], np.float32)
    groups = slice(None) if channel is None else [channels.index(channel)]
    tokens = whitened[groups].astype(np.float32)
    along = tokens @ atom.astype(np.float32)
    if reading == "cosine":
        along /= np.linalg.norm(tokens, axis=-1).clip(min=1e-6)
    return np.asarray(along.max(axis=0))


def drawn_along(along: np.ndarray, level: float = DRAWN_FROM) -> np.ndarray:
    """A direction as it is drawn: 0 up to so many standard deviations of controls, where most control patches lie."""
    return np.where(along > level, along, 0).astype(np.float32)


def likeness_map(
    whitened: np.ndarray,
    channels: tuple[int, ...],
    direction: np.ndarray,
    means: tuple[float, float],
    channel: int | None = None,
) -> np.ndarray:
    """How far patches lie from halfway between what has something and what has it not, towards what has it.

    Parameters
    ----------
    whitened, channels, channel
        As in :func:`direction_map`.
    direction : numpy.ndarray
        ``(dim_w,)`` unit vector that tells the two.
    means : (float, float)
        Of what has it and of what has it not, along the direction.

    Returns
    -------
    numpy.ndarray
        ``(gh, gw)`` float32: 1 as what has it is on average; 0 halfway and beyond, and where a patch does not count.
    """
    if channel is not None and channel not in channels:
        return np.zeros(whitened.shape[1:3], np.float32)
    groups = slice(None) if channel is None else [channels.index(channel)]
    counts = whitened[groups].any(axis=-1).any(axis=0)
    halfway = (means[0] + means[1]) / 2
    along = direction_map(whitened, channels, direction, channel) - halfway
    return np.where(counts, (along / max(means[0] - halfway, 1e-6)).clip(min=0), 0).astype(np.float32)


def direction_top(largest: float, level: float = DRAWN_FROM) -> float:
    """Value of a direction in full colour: steps, so that most fields have the same and can be compared.

    It lies farther out than the level from which a direction is drawn, however little is drawn.
    """
    least = max(largest, level + 1)
    return next((float(top) for top in _TOPS if top >= least), least)


def channel_maps(codes: FieldCodes, feature: int, picks: int | None = None) -> dict[int, np.ndarray]:
    """:func:`activation_map` of every channel that the field has."""
    return {channel: activation_map(codes, feature, channel, picks) for channel in codes.channels}


def features_at(codes: FieldCodes, gy: int, gx: int, picks: int | None = None) -> pd.DataFrame:
    """Features that fire in one patch, strongest first.

    Parameters
    ----------
    codes : FieldCodes
        Codes of the field.
    gy, gx : int
        Position on the grid of patches.
    picks : int, optional
        As in :func:`activation_map`.

    Returns
    -------
    pandas.DataFrame
        Columns ``feature`` (int), ``channel`` (int, of the plate) and ``value`` (float).

    Raises
    ------
    IndexError
        If the place lies outside the grid.
    """
    if min(gy, gx) < 0:
        raise IndexError(f"The patch ({gy}, {gx}) lies outside the grid.")
    indices, values = codes.indices[:, gy, gx, :picks], codes.values[:, gy, gx, :picks].astype(np.float32)
    k = indices.shape[1]
    frame = pd.DataFrame(
        {
            "feature": indices.reshape(-1).astype(np.int64),
            "channel": np.repeat(np.asarray(codes.channels, dtype=np.int64), k),
            "value": values.reshape(-1),
        }
    )
    summed = frame.groupby(["feature", "channel"], as_index=False)["value"].sum()
    fires = summed[summed["value"] > 0]
    ranked: pd.DataFrame = fires.sort_values("value", ascending=False, kind="stable", ignore_index=True)
    return ranked
