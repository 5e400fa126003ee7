"""What each feature does in one field, and the same gathered per well: sums, counts, maxima, strongest places."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

STRONGEST = 64  # places kept per feature
BEYOND = (1.0, 2.0, 3.0)
"""How far along a feature a token must lie to be counted as beyond, standard deviations of control tokens."""


@dataclass(frozen=True)
class FieldStatistics:
    """Statistics of one field. G is the number of channel groups, M that of features.

    Parameters
    ----------
    total : numpy.ndarray
        ``(G, M)`` float32, sum of merged values over the tokens of the field.
    active : numpy.ndarray
        ``(G, M)`` uint32, number of tokens where the feature fires (merged value above 0).
    strongest, place : numpy.ndarray
        ``(G, M)`` float32 and uint32: largest value and the flat grid index where it stands (0 and 0 where the
        feature never fires).
    tokens : numpy.ndarray
        ``(G,)`` tokens that count: all, or those of patches that are not dark.
    """

    total: np.ndarray
    active: np.ndarray
    strongest: np.ndarray
    place: np.ndarray
    tokens: np.ndarray


def field_statistics(
    indices: np.ndarray, values: np.ndarray, n_features: int, tokens: np.ndarray | None = None
) -> FieldStatistics:
    """Statistics of the merged codes of one field.

    Parameters
    ----------
    indices, values : numpy.ndarray
        ``(G, gh, gw, k)`` integers and float32; a feature stands at most once per token (its values merged).
    n_features : int
        M.
    tokens : numpy.ndarray, optional
        ``(G,)`` tokens that count; all where None.
    """
    groups, gh, gw, k = indices.shape
    shape = (groups, n_features)
    total, strongest = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    active, place = np.zeros(shape, np.uint32), np.zeros(shape, np.uint32)
    flat_place = np.repeat(np.arange(gh * gw, dtype=np.uint32), k)
    for g in range(groups):
        feature, value = indices[g].reshape(-1).astype(np.int64), values[g].reshape(-1).astype(np.float64)
        total[g] = np.bincount(feature, weights=value, minlength=n_features)
        fires = value > 0
        active[g] = np.bincount(feature[fires], minlength=n_features)
        found, highest, where = _highest(feature[fires], value[fires], flat_place[fires])
        strongest[g, found], place[g, found] = highest, where
    counted = np.full(groups, gh * gw, np.uint32) if tokens is None else tokens
    return FieldStatistics(total, active, strongest, place, counted)


def _highest(feature: np.ndarray, value: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every feature that occurs, its largest value, and the first place that has it; places come in rising order."""
    if not len(feature):
        return feature, value, place
    # numpy sorts 16-bit integers by counting, which takes time in proportion to their number
    order = np.argsort(feature.astype(np.uint16) if feature.max() < 65_536 else feature, kind="stable")
    feature, value, place = feature[order], value[order], place[order]
    starts = np.flatnonzero(np.concatenate(([True], feature[1:] != feature[:-1])))
    highest = np.maximum.reduceat(value, starts)
    at_top = np.flatnonzero(value == np.repeat(highest, np.diff(np.append(starts, len(value)))))
    first = np.concatenate(([True], feature[at_top][1:] != feature[at_top][:-1]))
    return feature[starts], highest, place[at_top[first]]


@dataclass(frozen=True)
class StrongestPlaces:
    """The strongest places of every feature over a plate, at most one per field and channel, falling.

    Parameters
    ----------
    value, field, channel, place : numpy.ndarray
        ``(M, S)`` float32, int32, int16, uint32: value, position of the field in the plate (-1 where there are fewer),
        channel, and flat index on the field's grid.
    """

    value: np.ndarray
    field: np.ndarray
    channel: np.ndarray
    place: np.ndarray

    @classmethod
    def empty(cls, features: int) -> StrongestPlaces:
        """Of no field."""
        top = (features, STRONGEST)
        return cls(
            np.zeros(top, np.float32), np.full(top, -1, np.int32), np.zeros(top, np.int16), np.zeros(top, np.uint32)
        )

    def keep(self, field: int, channel: int, value: np.ndarray, place: np.ndarray) -> None:
        """Put the places of a field, ``(M,)`` values above 0 and flat indices, where they belong; in place."""
        better = np.flatnonzero(value > self.value[:, -1])
        if better.size == 0:
            return
        kept = (self.value, self.field, self.channel, self.place)
        new = (value[better], np.full(better.size, field), np.full(better.size, channel), place[better])
        merged = [
            np.concatenate([old[better], one[:, None].astype(old.dtype)], axis=1)
            for old, one in zip(kept, new, strict=True)
        ]
        order = np.argsort(-merged[0], axis=1, kind="stable")[:, :STRONGEST]
        for old, candidates in zip(kept, merged, strict=True):
            old[better] = np.take_along_axis(candidates, order, axis=1)


@dataclass
class WellStatistics:
    """Statistics of a plate, gathered field by field in the order of the plate.

    C is the number of channels (1 for joint modes), W that of wells, M that of features, S = :data:`STRONGEST`.

    Parameters
    ----------
    wells : tuple of str
        Canonical names.
    tokens : numpy.ndarray
        ``(W, C)`` uint64, tokens that count (see :class:`FieldStatistics`).
    total, active, strongest : numpy.ndarray
        ``(W, C, M)`` float64, uint32, float32.
    top_value, top_field, top_channel, top_place : numpy.ndarray
        ``(M, S)``: see :class:`StrongestPlaces`.
    """

    wells: tuple[str, ...]
    tokens: np.ndarray
    total: np.ndarray
    active: np.ndarray
    strongest: np.ndarray
    top_value: np.ndarray
    top_field: np.ndarray
    top_channel: np.ndarray
    top_place: np.ndarray

    @classmethod
    def empty(cls, wells: tuple[str, ...], channels: int, features: int) -> WellStatistics:
        """Statistics of no field."""
        shape = (len(wells), channels, features)
        places = StrongestPlaces.empty(features)
        return cls(
            wells,
            np.zeros(shape[:2], np.uint64),
            np.zeros(shape, np.float64),
            np.zeros(shape, np.uint32),
            np.zeros(shape, np.float32),
            places.value,
            places.field,
            places.channel,
            places.place,
        )

    def add(self, well: int, field: int, channels: tuple[int, ...], one: FieldStatistics) -> None:
        """Add a field.

        Parameters
        ----------
        well, field : int
            Position of the well in ``wells``, of the field in the plate.
        channels : tuple of int
            Channel of each group of ``one``.
        one : FieldStatistics
            The field.
        """
        rows = np.asarray(channels, dtype=np.int64)
        self.tokens[well, rows] += one.tokens.astype(np.uint64)
        self.total[well, rows] += one.total
        self.active[well, rows] += one.active
        self.strongest[well, rows] = np.maximum(self.strongest[well, rows], one.strongest)
        for g, channel in enumerate(channels):
            self.places.keep(field, channel, one.strongest[g], one.place[g])

    @property
    def places(self) -> StrongestPlaces:
        """The strongest places, in the same arrays."""
        return StrongestPlaces(self.top_value, self.top_field, self.top_channel, self.top_place)

    def with_places(self, places: StrongestPlaces) -> WellStatistics:
        """The same with other strongest places."""
        return replace(
            self,
            top_value=places.value,
            top_field=places.field,
            top_channel=places.channel,
            top_place=places.place,
        )

    @property
    def n_features(self) -> int:
        """M."""
        return int(self.total.shape[2])

    def mean(self, channel: int | None = None) -> np.ndarray:
        """``(W, M)`` float64: mean value per token, over one channel or all; NaN for wells without tokens."""
        return self._per_token(self.total, channel)

    def fraction_active(self, channel: int | None = None) -> np.ndarray:
        """``(W, M)`` float64: part of the tokens where the feature fires; NaN for wells without tokens."""
        return self._per_token(self.active, channel)

    def mean_where_active(self, feature: int, channel: int | None, wells: np.ndarray) -> float:
        """Mean value of a feature where it fires in some wells (bool mask), 0 where it never does."""
        pick = slice(None) if channel is None else [channel]
        active = float(self.active[wells][:, pick, feature].sum())
        return float(self.total[wells][:, pick, feature].sum()) / active if active else 0.0

    def _per_token(self, sums: np.ndarray, channel: int | None) -> np.ndarray:
        pick = slice(None) if channel is None else slice(channel, channel + 1)
        tokens = self.tokens[:, pick].sum(axis=1).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums[:, pick].sum(axis=1, dtype=np.float64) / tokens[:, None])

    def well_frame(self, values: np.ndarray) -> pd.DataFrame:
        """Wells x features frame of ``(W, M)`` values."""
        return pd.DataFrame(values, index=pd.Index(self.wells, name="well"))

    ARRAYS = ("tokens", "total", "active", "strongest", "top_value", "top_field", "top_channel", "top_place")
