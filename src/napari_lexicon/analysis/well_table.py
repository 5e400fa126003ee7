"""Wells × features: what every question about treatments, confounds and doses starts from.

A well is the unit of every test in this room. Patches and cells of one well share its dish, its pipette and its day, so
they are never counted as if they were independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from napari_lexicon.analysis.conditions import wells_where
from napari_lexicon.analysis.features import PlateStatistics
from napari_lexicon.errors import PlateMapError
from napari_lexicon.lexicons import FeatureNames
from napari_lexicon.plates.natural_order import natural
from napari_lexicon.plates.well_names import canonical_well, plate_format, well_position

ALL_CHANNELS = "all"
OWN_COLUMNS = ("plate", "well", "row", "column", "edge")


@dataclass(frozen=True)
class WellTable:
    """Features over the wells of one or more plates.

    Parameters
    ----------
    wells : pandas.DataFrame
        W rows: ``plate``, ``well``, ``row`` and ``column`` (from 0, NaN for free wells), ``edge`` (on the rim of the
        plate), and the columns of the plate maps.
    features : pandas.DataFrame
        F rows: ``feature`` (number), ``channel`` (name, or ``"all"``) and ``name``.
    fires : numpy.ndarray
        ``(W, F)`` float32, part of the well's tokens where the feature fires, 0 to 1.
    mean : numpy.ndarray
        ``(W, F)`` float32, mean value per token.
    tokens : numpy.ndarray
        ``(W, F)`` or ``(W, 1)`` float64, tokens behind each figure.
    """

    wells: pd.DataFrame
    features: pd.DataFrame
    fires: np.ndarray
    mean: np.ndarray
    tokens: np.ndarray

    def __len__(self) -> int:
        return len(self.wells)

    def plates(self) -> np.ndarray:
        """``(W,)`` number of the plate of every row."""
        return np.asarray(pd.factorize(self.wells["plate"].astype(str))[0])

    def well_numbers(self) -> np.ndarray:
        """``(W,)`` number of the well of every row: rows of one well are fields of it."""
        keys = pd.MultiIndex.from_frame(self.wells[["plate", "well"]].astype(str))
        return np.asarray(pd.factorize(keys)[0])

    def values(self, statistic: str) -> np.ndarray:
        """``(W, F)`` values of ``"fires"`` (part of tokens) or ``"mean"`` (mean value per token)."""
        if statistic not in ("fires", "mean"):
            raise ValueError(f"statistic {statistic!r} is none of fires, mean")
        return self.fires if statistic == "fires" else self.mean

    def take(self, wells: np.ndarray | None = None, features: np.ndarray | None = None) -> WellTable:
        """Some wells (bool mask or positions) and some features (the same) of the table, in the order given."""
        one = self
        if wells is not None:
            one = replace(
                one,
                wells=one.wells.iloc[_positions(wells)].reset_index(drop=True),
                fires=one.fires[_positions(wells)],
                mean=one.mean[_positions(wells)],
                tokens=one.tokens[_positions(wells)],
            )
        if features is not None:
            chosen = _positions(features)
            one = replace(
                one,
                features=one.features.iloc[chosen].reset_index(drop=True),
                fires=one.fires[:, chosen],
                mean=one.mean[:, chosen],
                tokens=one.tokens if one.tokens.shape[1] == 1 else one.tokens[:, chosen],
            )
        return one

    def labels(self, by: str) -> pd.Series:
        """A column of the plate map over the wells; several joined by commas become one label, ``"drug, 3"``.

        Parameters
        ----------
        by : str
            ``Metadata_perturbation``; ``Metadata_`` may be left out. ``plate``, ``row``, ``column`` and ``edge`` are
            known of every plate.

        Returns
        -------
        pandas.Series
            Numbers for one column of numbers, text otherwise; NaN where the plate map says nothing.

        Raises
        ------
        PlateMapError
            If there is no such column.
        """
        columns = [self.wells[self._column(part.strip())] for part in by.split(",")]
        if len(columns) == 1:
            only = columns[0]
            return only.astype(str).where(only.notna()) if only.dtype == bool else only
        known = np.logical_and.reduce([column.notna() for column in columns])
        joined = [", ".join(plain(value) for value in row) for row in zip(*columns, strict=True)]
        return pd.Series(joined, index=self.wells.index, name=by, dtype=object).where(known)

    def names(self, by: str) -> pd.Series:
        """As :meth:`labels`, always text: a treatment that is called 10 is ``"10"``, and no number to be rounded."""
        labels = self.labels(by)
        known = labels.notna()
        return pd.Series(labels.map(plain).astype(object).where(known), name=labels.name)

    def _column(self, name: str) -> str:
        for candidate in (f"Metadata_{name}", name):
            if candidate in self.wells.columns:
                return candidate
        have = ", ".join(str(c) for c in self.wells.columns if c not in OWN_COLUMNS)
        raise PlateMapError(f"The plate map has no column {name}: it has {have or 'none; give one with --map'}.")

    def where(self, question: str) -> np.ndarray:
        """``(W,)`` bool: wells for which a question is true; see :mod:`napari_lexicon.analysis.conditions`."""
        numbered = self.wells.set_axis([str(n) for n in range(len(self.wells))])
        chosen = {int(n) for n in wells_where(numbered, question)}
        return np.array([n in chosen for n in range(len(self.wells))], dtype=bool)


def wells_at(table: WellTable, wells: pd.DataFrame) -> np.ndarray:
    """Rows of a table for wells by ``plate`` and ``well``, -1 where it has none."""
    index = pd.MultiIndex.from_frame(table.wells[["plate", "well"]].astype(str))
    return np.asarray(index.get_indexer(pd.MultiIndex.from_frame(wells[["plate", "well"]].astype(str))))


def in_order(names: pd.Series) -> list[str]:
    """Every name once, as a person would order them: ``2`` before ``10``."""
    known = names.dropna().astype(str).unique()
    return sorted(known, key=natural)


def plain(value: object) -> str:
    """A value as people write it: no ``.0`` behind whole numbers, and no digit lost."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else str(float(value))
    return str(value)


def _positions(chosen: np.ndarray) -> np.ndarray:
    chosen = np.asarray(chosen)
    return np.flatnonzero(chosen) if chosen.dtype == bool else chosen


def well_table(
    plates: Sequence[PlateStatistics], names: FeatureNames | None = None, channel: str | None = None
) -> WellTable:
    """Features over all wells with tokens.

    Parameters
    ----------
    plates : sequence of PlateStatistics
        Plates of one lexicon.
    names : FeatureNames, optional
        Names that people gave.
    channel : str, optional
        One channel; ``"each"`` for every feature in every channel by itself (F = M × channels); all channels together
        where None.

    Raises
    ------
    PlateMapError
        If no plate has the channel, or no well has tokens.
    """
    channels = list(dict.fromkeys(name for plate in plates for name in plate.channels))
    if channel not in (None, "each") and channel not in channels:
        raise PlateMapError(f"There is no channel {channel}: the plates have {', '.join(channels)}.")
    chosen: list[str | None] = [None] if channel is None else list(channels) if channel == "each" else [channel]
    parts = [_stacked(plates, one) for one in chosen]
    n_features = parts[0][0].shape[1]
    frame = pd.DataFrame(
        {
            "feature": np.tile(np.arange(n_features), len(chosen)),
            "channel": np.repeat([one or ALL_CHANNELS for one in chosen], n_features),
        }
    )
    frame["name"] = [names.label(m) if names else f"#{m}" for m in frame["feature"]]
    tokens = np.concatenate([np.repeat(part[2], n_features, axis=1) for part in parts], axis=1)
    if len(chosen) == 1:
        tokens = parts[0][2]
    table = WellTable(
        pd.concat([_described(plate) for plate in plates], ignore_index=True),
        frame,
        np.concatenate([part[0] for part in parts], axis=1),
        np.concatenate([part[1] for part in parts], axis=1),
        tokens,
    )
    full = np.asarray((tokens > 0).all(axis=1))
    if not full.any():
        raise PlateMapError("No well has codes in every channel asked for: choose one channel, or run apply again.")
    return table.take(wells=full)


def _stacked(plates: Sequence[PlateStatistics], channel: str | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``fires``, ``mean`` ``(W, M)`` and ``tokens`` ``(W, 1)`` over all plates; 0 tokens where a channel is missing."""
    fires, mean, tokens = [], [], []
    for plate in plates:
        one = plate.statistics
        if channel is not None and channel not in plate.channels:
            shape = (len(one.wells), one.n_features)
            counts, active, total = np.zeros(shape[0]), np.zeros(shape), np.zeros(shape)
        else:
            pick = slice(None) if channel is None else [plate.channels.index(channel)]
            counts = one.tokens[:, pick].sum(axis=1).astype(np.float64)
            active = one.active[:, pick].sum(axis=1, dtype=np.float64)
            total = one.total[:, pick].sum(axis=1)
        per = np.maximum(counts, 1)[:, None]
        fires.append((active / per).astype(np.float32))
        mean.append((total / per).astype(np.float32))
        tokens.append(counts[:, None])
    return np.concatenate(fires), np.concatenate(mean), np.concatenate(tokens)


def _described(plate: PlateStatistics) -> pd.DataFrame:
    """The wells of a plate: where they are, and what the plate map says."""
    wells = list(plate.statistics.wells)
    free = plate.format == (0, 0) or any(canonical_well(well) != well for well in wells)
    own = pd.DataFrame({"plate": plate.name, "well": wells, "row": np.nan, "column": np.nan, "edge": False})
    if not free:
        places = [well_position(well) for well in wells]
        rows, columns = plate.format or plate_format(places)
        own[["row", "column"]] = np.array(places, dtype=float).reshape(-1, 2)
        own["edge"] = [row in (0, rows - 1) or column in (0, columns - 1) for row, column in places]
    said = plate.map.reindex(wells).reset_index(drop=True)
    return pd.concat([own, said[[c for c in said.columns if c not in OWN_COLUMNS]]], axis=1)
