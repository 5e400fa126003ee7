"""The feature table as a Qt model: sorting and searching by numpy, thousands of rows without a pause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from napari_lexicon.viewer.colors import feature_color
from napari_lexicon.widgets.features.columns import Column, columns_of, part_sizes, said_of, written
from napari_lexicon.widgets.features.telling_names import telling_names
from napari_lexicon.widgets.workspace.last_view import NAMED_FIRST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from napari_lexicon.lexicons import FeatureNames
    from napari_lexicon.widgets.workspace.figures import Figures

BAR_ROLE = int(Qt.ItemDataRole.UserRole) + 1
"""Length of the bar behind a number, 0 to 1; None for text."""
COLOR_ROLE = int(Qt.ItemDataRole.UserRole) + 2
"""Colour of the feature, in the first column."""
KEPT_ROLE = int(Qt.ItemDataRole.UserRole) + 4
"""Whether the feature's map stays on the image."""
NAMED_ROLE = int(Qt.ItemDataRole.UserRole) + 3
"""Whether a person named the feature."""

_EMPTY = np.empty(0, dtype=np.intp)


class FeatureTableModel(QAbstractTableModel):
    """One row per feature that is not filtered out: first those that people named, then those whose names say something
    here, then the rest, each by how often they fire; in the order of a column where a person asked for one."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._figures: Figures | None = None
        self._names: FeatureNames | None = None
        self._columns: tuple[Column, ...] = ()
        self._order = _EMPTY
        self._bars: dict[str, np.ndarray] = {}
        self._search = ""
        self._sort: tuple[str, bool] = NAMED_FIRST
        self._channels: tuple[str, ...] = ()
        self._telling: dict[int, int] = {}
        self._silent = False
        self._kept: frozenset[int] = frozenset()
        self._colors: Mapping[int, str] = {}
        self._only: frozenset[int] | None = None

    # content --------------------------------------------------------------------------------------------------------

    def setFigures(self, figures: Figures | None, names: FeatureNames | None, channels: Sequence[str] = ()) -> None:
        """Show other figures, of a plate with these channels; search and sorting stay."""
        columns = () if figures is None else columns_of(figures)
        self.beginResetModel()
        self._figures, self._names, self._columns, self._channels = figures, names, columns, tuple(channels)
        self._find_telling_names()
        self._bars = {}
        for column in columns:
            if figures is not None and column.kind not in ("name", "text", "q"):
                self._bars[column.key] = part_sizes(figures.table[column.key].to_numpy())
        self._order = self._ordered()
        self.endResetModel()

    def nameChanged(self) -> None:
        """Names are looked up when they are drawn; others may come first now, and be found by a search."""
        self._find_telling_names()
        self._reorder()

    def setShown(self, kept: Iterable[int], colors: Mapping[int, str]) -> None:
        """Features whose maps stay on the image, and the colours of all that are on it."""
        self._kept, self._colors = frozenset(kept), dict(colors)
        if self.rowCount():
            self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, 0), [COLOR_ROLE, KEPT_ROLE])

    def setSearch(self, text: str) -> None:
        """Keep features whose number, name, channel, well or condition holds every word of the text."""
        if text != self._search:
            self._search = text
            self._reorder()

    def setShowSilent(self, silent: bool) -> None:
        """Keep features that never fire on this plate."""
        if silent != self._silent:
            self._silent = silent
            self._reorder()

    def setOnly(self, features: frozenset[int] | None) -> None:
        """Keep these features alone; None for all."""
        if features != self._only:
            self._only = features
            self._reorder()

    def only(self) -> frozenset[int] | None:
        """Features kept alone, None for all."""
        return self._only

    def shows_silent(self) -> bool:
        """Whether features that never fire on this plate are shown."""
        return self._silent

    def columns(self) -> tuple[Column, ...]:
        """Columns shown."""
        return self._columns

    def feature_at(self, row: int) -> int:
        """Feature of a row."""
        return int(self._order[row])

    def row_of(self, feature: int) -> int | None:
        """Row of a feature, None where it is filtered out."""
        found = np.flatnonzero(self._order == feature)
        return int(found[0]) if found.size else None

    def rows_of(self, features: frozenset[int]) -> list[int]:
        """Rows of features that are not filtered out."""
        return [int(row) for row in np.flatnonzero(np.isin(self._order, list(features)))]

    def n_features(self) -> int:
        """Features in all, shown or not."""
        return 0 if self._figures is None else len(self._figures.table)

    def sorting(self) -> tuple[str, bool]:
        """Key of the sorted column and whether the order is falling; the column need not be shown now."""
        return self._sort

    def setSorting(self, key: str, falling: bool) -> None:
        """Sort by a column by its key, also one that the next figures bring."""
        if (key, falling) != self._sort:
            self._sort = (key, falling)
            self._reorder()

    def sorted_by(self) -> tuple[int, bool]:
        """Column and whether the order is falling; -1 where names come first, then the most frequent."""
        keys = [column.key for column in self._columns]
        if self._sort[0] in keys:
            return keys.index(self._sort[0]), self._sort[1]
        return (keys.index("fires") if keys and not self.puts_names_first() else -1), True

    def puts_names_first(self) -> bool:
        """Whether any feature has a name that says something here, so that there is an order by names first."""
        return bool(self._telling)

    # Qt -------------------------------------------------------------------------------------------------------------

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._order)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._columns)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self._figures is None or not index.isValid():
            return None
        feature, column = int(self._order[index.row()]), self._columns[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            if column.kind == "name":
                return self._label(feature)
            return written(self._figures.table[column.key].to_numpy()[feature], column.kind)
        if role == BAR_ROLE:
            bars = self._bars.get(column.key)
            return None if bars is None else float(bars[feature])
        if role == KEPT_ROLE:
            return feature in self._kept
        if role == COLOR_ROLE:
            if feature in self._colors:
                return self._colors[feature]
            named = self._names.get(feature) if self._names else None
            return feature_color(feature, named.color if named else None)
        if role == NAMED_ROLE:
            return self._names is not None and self._names.get(feature) is not None
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{self._label(feature)} (#{feature})\n{said_of(feature, self._figures)}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if column.kind in ("name", "text") else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or section >= len(self._columns):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._columns[section].title
        if role == Qt.ItemDataRole.ToolTipRole:
            names = ", a third time for named ones first" if self.puts_names_first() else ""
            return f"{self._columns[section].tip} Click to sort{names}; right-click to choose columns."
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.DescendingOrder) -> None:
        """Sort by a column, equal rows by number."""
        if 0 <= column < len(self._columns):
            self._sort = (self._columns[column].key, order == Qt.SortOrder.DescendingOrder)
            self._reorder()

    # order ----------------------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Names that features have."""
        return [] if self._names is None else [self._names.label(feature) for feature, _ in self._names]

    def _label(self, feature: int) -> str:
        return self._names.label(feature) if self._names is not None else f"#{feature}"

    def _find_telling_names(self) -> None:
        table = None if self._figures is None else self._figures.table
        self._telling = {} if table is None else telling_names(table, self._names, self._channels)

    def _reorder(self) -> None:
        order = self._ordered()
        self.layoutAboutToBeChanged.emit()
        old = self.persistentIndexList()
        kept = [int(self._order[index.row()]) for index in old]
        self._order = order
        place = {int(feature): row for row, feature in enumerate(order)} if old else {}
        new = [
            self.index(place[feature], index.column()) if feature in place else QModelIndex()
            for feature, index in zip(kept, old, strict=True)
        ]
        self.changePersistentIndexList(old, new)
        self.layoutChanged.emit()

    def _ordered(self) -> np.ndarray:
        if self._figures is None:
            return _EMPTY
        table = self._figures.table
        keep = np.ones(len(table), dtype=bool) if self._silent else table["fires"].to_numpy() > 0
        if self._names is not None:  # what has a name is found, also where no patch is made of it
            keep[[feature for feature, _ in self._names if feature < len(table)]] = True
        if self._only is not None:
            keep = np.zeros(len(table), dtype=bool)
            keep[[feature for feature in self._only if feature < len(table)]] = True
        for word in self._search.casefold().split():
            keep &= self._holds(word)
        chosen = np.flatnonzero(keep)
        section, falling = self.sorted_by()
        if section < 0:
            group = np.array([self._telling.get(int(feature), 2) for feature in chosen], dtype=int)
            return chosen[np.lexsort((-np.nan_to_num(table["fires"].to_numpy()[chosen]), group))]
        key = self._columns[section].key
        if key == "name":
            named = np.array([self._names is None or self._names.get(int(f)) is None for f in chosen], dtype=bool)
            order = np.lexsort((chosen, named))  # named ones first
            return chosen[order] if not falling else np.concatenate([chosen[~named][::-1], chosen[named][::-1]])
        values = table[key].to_numpy()[chosen]
        if values.dtype == object:
            _, values = np.unique(values.astype(str), return_inverse=True)
        values = np.nan_to_num(values.astype(float), nan=np.inf if key == "q" else -np.inf)
        return chosen[np.argsort(-values if falling else values, kind="stable")]

    def _holds(self, word: str) -> np.ndarray:
        assert self._figures is not None
        table = self._figures.table
        if word.startswith("#") or word.isdigit():
            number = word.lstrip("#")
            found = np.array([str(feature).startswith(number) for feature in range(len(table))], dtype=bool)
        else:
            found = np.zeros(len(table), dtype=bool)
        for name in ("channel", "well", "best_value", "flag", "dead"):
            if name in table.columns:
                values, inverse = np.unique(table[name].to_numpy().astype(str), return_inverse=True)
                found |= np.array([word in value.casefold() for value in values], dtype=bool)[inverse]
        for feature, given in self._names or ():
            if word in given.name.casefold() or any(word in tag.casefold() for tag in given.tags):
                found[feature] = True
        return found
