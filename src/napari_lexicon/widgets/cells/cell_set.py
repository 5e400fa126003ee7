"""The measured cells of the fields on the screen, as one table. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_lexicon.analysis.cell_table import BRIGHTNESS

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_lexicon.analysis.cell_table import MeasuredCells
    from napari_lexicon.viewer.side_by_side import SideBySide

FEATURE, AREA = "feature", "area"
MOST_COLUMNS = 256
"""Features that the table in the layer has at most; those of the strongest cells."""


@dataclass(frozen=True)
class CellFilter:
    """Which cells count.

    Parameters
    ----------
    smallest, largest : float
        Area, in the unit of :meth:`CellSet.unit`; 0 for no limit.
    whole : bool
        Leave out cells that touch the edge of their field.
    """

    smallest: float = 0.0
    largest: float = 0.0
    whole: bool = True


@dataclass(frozen=True)
class CellSet:
    """Cells of the fields that are shown together. Their labels are made one series: field after field.

    Parameters
    ----------
    side : SideBySide
        The fields.
    parts : tuple of MeasuredCells
        One for each.
    """

    side: SideBySide
    parts: tuple[MeasuredCells, ...]

    @property
    def n(self) -> int:
        """Cells in all."""
        return sum(len(part.table) for part in self.parts)

    @property
    def unit(self) -> str:
        """Of areas."""
        return "µm²" if self.side.fields[0].pixel_size_um else "pixels"

    def labels(self) -> npt.NDArray[np.int32]:
        """The labels of all fields as one picture."""
        shifted: list[npt.NDArray[np.int32] | None] = []
        for part, first in zip(self.parts, self._firsts(), strict=True):
            shifted.append(np.where(part.labels > 0, part.labels + first, 0).astype(np.int32))
        return self.side.picture(shifted)

    def numbers(self) -> npt.NDArray[np.int64]:
        """``(n,)`` labels in the picture."""
        found = [part.table.index.to_numpy() + first for part, first in zip(self.parts, self._firsts(), strict=True)]
        return np.concatenate(found).astype(np.int64)

    def wells(self) -> npt.NDArray[np.str_]:
        """``(n,)`` well of each cell."""
        return np.concatenate([np.full(len(part.table), part.well) for part in self.parts])

    def centre(self, row: int) -> tuple[float, float]:
        """Point of the world in the middle of a cell."""
        for number, part in enumerate(self.parts):
            if row < len(part.table):
                one = part.table.iloc[row]
                return self.side.placement(number).world_of((float(one["y_px"]), float(one["x_px"])))
            row -= len(part.table)
        raise IndexError(row)

    def values(self, key: str, feature: int | None, channel: int | None) -> npt.NDArray[np.float64]:
        """``(n,)`` of one measurement.

        Parameters
        ----------
        key : str
            ``"feature"`` for the chosen one, ``"area"``, ``"f:NUMBER"`` for a feature, or a column of the table.
        feature, channel : int, optional
            The chosen feature, and the channel to read features in.
        """
        if key == AREA:
            size = self.side.fields[0].pixel_size_um
            return self._column("area_px") * (size[0] * size[1] if size else 1.0)
        number = feature if key == FEATURE else int(key[2:]) if key.startswith("f:") else None
        if number is not None:
            return np.concatenate([part.feature(number, channel) for part in self.parts])
        if key == FEATURE:
            return np.full(self.n, np.nan)
        return self._column(key)

    def kept(self, wanted: CellFilter) -> npt.NDArray[np.bool_]:
        """``(n,)`` cells that count."""
        area = self.values(AREA, None, None)
        found = area >= wanted.smallest
        if wanted.largest > 0:
            found &= area <= wanted.largest
        if wanted.whole:
            found &= ~self._column("at_edge").astype(bool)
        return found

    def choices(self, label: Callable[[int], str]) -> list[tuple[str, str]]:
        """``(key, title)`` of what can be shown on an axis; the chosen feature where features are computed."""
        columns = [str(name) for name in self.parts[0].table.columns if str(name).startswith(BRIGHTNESS)]
        chosen = [(FEATURE, "feature")] if any(part.features is not None for part in self.parts) else []
        found = [*chosen, (AREA, f"area, {self.unit}"), *((name, name) for name in columns)]
        return [*found, *((f"f:{number}", label(number)) for number in self.firing())]

    def firing(self, most: int = MOST_COLUMNS) -> list[int]:
        """Features that fire in some cell, those that fire most first."""
        known = [part.features for part in self.parts if part.features is not None]
        if not known:
            return []
        total = np.sum([each.mean.sum(axis=(0, 1)) for each in known], axis=0)
        order = np.argsort(-total, kind="stable")[:most]
        return [int(known[0].features[place]) for place in order if total[place] > 0]

    def frame(self, gate: npt.NDArray[np.bool_], label: Callable[[int], str]) -> pd.DataFrame:
        """The table as the layer keeps it; ``index`` is the label."""
        joined = pd.concat([part.table for part in self.parts]).reset_index(names="cell")
        joined.insert(0, "index", self.numbers())
        joined.insert(1, "well", self.wells())
        joined["gate"] = gate
        features = {label(number): self.values(f"f:{number}", None, None) for number in self.firing()}
        return pd.concat([joined, pd.DataFrame(features)], axis=1)

    def _column(self, name: str) -> npt.NDArray[np.float64]:
        return np.concatenate([part.table[name].to_numpy(dtype=np.float64) for part in self.parts])

    def _firsts(self) -> list[int]:
        highest = [int(part.table.index.max()) if len(part.table) else 0 for part in self.parts]
        return [0, *np.cumsum(highest[:-1]).tolist()]


def gate_words(inside: npt.NDArray[np.bool_], kept: npt.NDArray[np.bool_], wells: npt.NDArray[np.str_]) -> str:
    """``"23 of 118 cells in the gate: B03 41 %, B01 3 %"``."""
    many, every = int((inside & kept).sum()), int(kept.sum())
    parts = []
    for well in dict.fromkeys(wells.tolist()):
        own = kept & (wells == well)
        if own.any():
            parts.append(f"{well} {100 * (inside & own).sum() / own.sum():.0f} %")
    return f"{many:,} of {every:,} cells in the gate: {', '.join(parts)}"
