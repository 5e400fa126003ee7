"""Any table as a Qt model, sorted by a click on a column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt


class AnswerModel(QAbstractTableModel):
    """Rows of a question's table; numbers short, the whole number in the tooltip."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._table = pd.DataFrame()
        self._units: dict[str, str] = {}
        self._columns: list[list[Any]] = []  # a cell is asked for many times, and pandas is slow with single ones
        self._order = np.empty(0, dtype=np.intp)

    def table(self) -> pd.DataFrame:
        """The table, in its own order."""
        return self._table

    def setTable(self, table: pd.DataFrame, units: Mapping[str, str] | None = None) -> None:
        """Show another table, in its own order; units of its columns stand in the tooltips of their headings."""
        self.beginResetModel()
        self._units = dict(units or {})
        self._table, self._order = table, np.arange(len(table))
        self._columns = [table.iloc[:, column].tolist() for column in range(table.shape[1])]
        self.endResetModel()

    def row_at(self, row: int) -> int:
        """Row of the table that is shown in a row of the view."""
        return int(self._order[row])

    def place_of(self, row: int) -> int:
        """Where a row of the table is shown."""
        return int(np.flatnonzero(self._order == row)[0])

    def says_nothing(self, column: int) -> bool:
        """Whether a column only repeats: a number beside its name, or a channel that is the same in all rows."""
        name, values = str(self._table.columns[column]), self._table.iloc[:, column]
        if name == "feature":
            return "name" in self._table  # which is #12 where nobody has given one
        return name in ("channel", "plate") and len(values) > 1 and values.nunique(dropna=False) == 1

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._order)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else self._table.shape[1]

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        value = self._columns[index.column()][self.row_at(index.row())]
        if role == Qt.ItemDataRole.DisplayRole:
            return short(value)
        if role == Qt.ItemDataRole.ToolTipRole:
            return str(value)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            words = isinstance(value, str)
            return (
                Qt.AlignmentFlag.AlignLeft if words else Qt.AlignmentFlag.AlignRight
            ) | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.ToolTipRole and section < self._table.shape[1]:
            return self._units.get(str(self._table.columns[section]))
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return str(self._table.columns[section]).replace("_", " ") if section < self._table.shape[1] else None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.DescendingOrder) -> None:
        """Sort by a column; what is not known comes last."""
        if not 0 <= column < self._table.shape[1]:
            return
        self.layoutAboutToBeChanged.emit()
        ranked = self._table.iloc[:, column].reset_index(drop=True)
        rising = order == Qt.SortOrder.AscendingOrder
        try:
            ranked = ranked.sort_values(ascending=rising, kind="stable", na_position="last")
        except TypeError:  # text and numbers in one column
            ranked = ranked.astype(str).sort_values(ascending=rising, kind="stable")
        self._order = ranked.index.to_numpy()
        self.layoutChanged.emit()


def short(value: object) -> str:
    """A value in a narrow column."""
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (float, np.floating)):
        return "–" if np.isnan(value) else f"{value:.3g}"
    return str(value)
