"""Where the wells of a grid lie on the screen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from qtpy.QtCore import QPointF, QRectF

from napari_lexicon.plates.well_names import well_name


@dataclass(frozen=True)
class GridGeometry:
    """Square cells for ``rows`` × ``columns`` wells inside ``width`` × ``height`` pixels, headers included.

    Parameters
    ----------
    rows, columns : int
    width, height : float
        Space to fill.
    header : float
        Room for the row letters on the left and the column numbers on top.
    """

    rows: int
    columns: int
    width: float
    height: float
    header: float

    PADDING = 7.0
    LARGEST = 64.0  # a well of a 6-well plate need not fill the dock
    SMALLEST = 9.0  # in a low dock wells get smaller before the plate has to be scrolled

    @cached_property
    def cell(self) -> float:
        """Side of a cell in pixels."""
        if not self.rows:
            return 0.0
        across = (self.width - self.header - 2 * self.PADDING) / self.columns
        down = (self.height - self.header - 2 * self.PADDING) / self.rows
        return max(2.0, min(across, down, self.LARGEST))

    @cached_property
    def origin(self) -> QPointF:
        """Top left corner of well A01's cell; the grid stands in the middle of the width."""
        used = self.header + 2 * self.PADDING + self.columns * self.cell
        return QPointF(max(0.0, (self.width - used) / 2) + self.header + self.PADDING, self.header + self.PADDING)

    @cached_property
    def body(self) -> QRectF:
        """The plate itself."""
        origin, pad = self.origin, self.PADDING
        return QRectF(
            origin.x() - pad,
            origin.y() - pad,
            self.columns * self.cell + 2 * pad,
            self.rows * self.cell + 2 * pad,
        )

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Cell of a well."""
        origin, cell = self.origin, self.cell
        return QRectF(origin.x() + column * cell, origin.y() + row * cell, cell, cell)

    def well_rect(self, row: int, column: int) -> QRectF:
        """The well within its cell."""
        gap = max(0.5, self.cell * 0.09)
        return self.cell_rect(row, column).adjusted(gap, gap, -gap, -gap)

    def place_at(self, point: QPointF) -> tuple[int, int] | None:
        """``(row, column)`` under a point, None outside the wells."""
        row, column = self.row_at(point), self.column_at(point)
        return None if row is None or column is None else (row, column)

    def row_at(self, point: QPointF) -> int | None:
        """Row at the height of a point."""
        row = (point.y() - self.origin.y()) // self.cell if self.cell else -1
        return int(row) if 0 <= row < self.rows else None

    def column_at(self, point: QPointF) -> int | None:
        """Column at the place of a point."""
        column = (point.x() - self.origin.x()) // self.cell if self.cell else -1
        return int(column) if 0 <= column < self.columns else None

    def row_header_at(self, point: QPointF) -> int | None:
        """Row whose letter is under a point."""
        return self.row_at(point) if self.body.left() - self.header <= point.x() < self.origin.x() else None

    def column_header_at(self, point: QPointF) -> int | None:
        """Column whose number is under a point."""
        return self.column_at(point) if 0 <= point.y() < self.origin.y() else None

    def places_in(self, rect: QRectF) -> tuple[int, int, int, int]:
        """``(top, left, bottom, right)`` places whose cells a rectangle touches; empty ones have ``bottom < top``."""
        origin, cell = self.origin, self.cell
        top = max(0, int((rect.top() - origin.y()) // cell))
        left = max(0, int((rect.left() - origin.x()) // cell))
        bottom = min(self.rows - 1, int((rect.bottom() - origin.y()) // cell))
        right = min(self.columns - 1, int((rect.right() - origin.x()) // cell))
        return top, left, bottom, right

    def height_for(self, width: float) -> float:
        """Height that a grid of this width needs."""
        if not self.rows:
            return self.header
        cell = min(self.LARGEST, (width - self.header - 2 * self.PADDING) / self.columns)
        return self.header + 2 * self.PADDING + self.rows * max(2.0, cell)

    @cached_property
    def least_height(self) -> float:
        """Height below which wells would get too small to be told apart."""
        return self.header + 2 * self.PADDING + self.rows * self.SMALLEST

    def header_step(self, label: float) -> int:
        """Every how many rows or columns are labelled when a label needs ``label`` pixels."""
        return next(step for step in (1, 2, 4, 6, 12, 48) if step * self.cell >= label)


def row_label(row: int) -> str:
    """``"A"`` for 0, ``"AF"`` for 31."""
    return well_name(row, 0).rstrip("0123456789")
