"""How often a feature fires in the wells of every condition: one row per condition, one dot per well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QFontMetricsF, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_lexicon.widgets.basic.ink import accent, ink, is_dark, small_font
from napari_lexicon.widgets.basic.lasso import LASSO_TIP, Lasso, wells_inside
from napari_lexicon.widgets.features.columns import written_part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QMouseEvent, QPaintEvent

_ROW, _FOOT, _DOT, _REACH = 21.0, 17.0, 3.4, 9.0


@dataclass(frozen=True)
class ConditionRow:
    """Wells of one condition.

    Parameters
    ----------
    label : str
        What was done.
    control : bool
        Whether its wells are controls.
    wells : tuple of str
        Names.
    values : tuple of float
        Part of the patches of each well in which the feature fires, 0 to 1.
    """

    label: str
    control: bool
    wells: tuple[str, ...]
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """Middle of its wells."""
        return float(np.median(self.values))


class ConditionPoints(QWidget):
    """Its value is the list of :class:`ConditionRow`.

    Signals
    -------
    wellClicked(str)
        Go there.
    wellsSelected(frozenset of str)
        A line was drawn round dots.
    """

    wellClicked = Signal(str)
    wellsSelected = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("condition_points")
        self.setMouseTracking(True)
        self._rows: list[ConditionRow] = []
        self._color = QColor("#FFFFFF")
        self._selected: frozenset[str] = frozenset()
        self._hovered: tuple[int, int] | None = None
        self._drawn = False  # the button that is let go next has drawn a line
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._lasso = Lasso(self)
        self._lasso.drawn.connect(self._take_line)

    def value(self) -> list[ConditionRow]:
        """Rows shown."""
        return list(self._rows)

    def setValue(self, rows: Sequence[ConditionRow], color: str = "#FFFFFF") -> None:
        """Show other rows, in a feature's colour."""
        self._rows, self._color, self._hovered = list(rows), QColor(color), None
        self.updateGeometry()
        self.update()

    def setSelected(self, wells: frozenset[str]) -> None:
        """Ring the dots of selected wells."""
        self._selected = wells
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(340, round(len(self._rows) * _ROW + _FOOT + 2))

    def minimumSizeHint(self) -> QSize:
        return QSize(180, self.sizeHint().height())

    def dotCenter(self, well: str) -> QPointF:
        """Middle of a well's dot in the widget's pixels."""
        for r, row in enumerate(self._rows):
            if well in row.wells:
                return self._dot(r, row.wells.index(well))
        raise KeyError(well)

    # geometry -------------------------------------------------------------------------------------------------------

    def _left(self) -> float:
        """Where the axis begins: as much room for labels as they need, up to a good third."""
        metrics = QFontMetricsF(small_font(self, -0.5))
        widest = max((metrics.horizontalAdvance(row.label) for row in self._rows), default=0.0)
        return min(widest + 14, self.width() * 0.38)

    def _top(self) -> float:
        return max((max(row.values) for row in self._rows), default=0.0) or 1.0

    def _x(self, value: float) -> float:
        left = self._left()
        return left + 6 + (self.width() - left - 16) * value / self._top()

    def _dot(self, row: int, place: int) -> QPointF:
        """Dots of one row lie a little above and below its middle, in a fixed order, so that few hide another."""
        offset = (0.0, -3.6, 3.6, -1.8, 1.8)[place % 5]
        return QPointF(self._x(self._rows[row].values[place]), (row + 0.5) * _ROW + offset)

    def _at(self, point: QPointF) -> tuple[int, int] | None:
        nearest, reach = None, _REACH
        first = max(0, int(point.y() // _ROW) - 1)
        for r in range(first, min(first + 3, len(self._rows))):
            for w in range(len(self._rows[r].wells)):
                away = self._dot(r, w) - point
                far = float(np.hypot(away.x(), away.y()))
                if far < reach:
                    nearest, reach = (r, w), far
        return nearest

    # events ---------------------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is not None:
            self._hover(self._at(event.position()))

    def leaveEvent(self, event: QEvent | None) -> None:
        self._hover(None)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        if event is None or self._drawn or event.button() != Qt.MouseButton.LeftButton:
            self._drawn = False
            return
        found = self._at(event.position())
        if found is not None:
            self.wellClicked.emit(self._rows[found[0]].wells[found[1]])

    def _take_line(self, corners: list[tuple[float, float]], modifiers: Qt.KeyboardModifier) -> None:
        self._drawn = True
        dots = [(well, self._dot(r, w)) for r, row in enumerate(self._rows) for w, well in enumerate(row.wells)]
        wells, places = [well for well, _ in dots], [place for _, place in dots]
        self.wellsSelected.emit(wells_inside(wells, places, corners, self._selected, modifiers))

    def event(self, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.words_at(QPointF(event.pos())), self)  # type: ignore[attr-defined]
            return True
        return super().event(event)

    def words_at(self, point: QPointF) -> str:
        """What the tooltip says at a point of the widget."""
        found = self._at(point)
        if found is None:
            r = int(point.y() // _ROW)
            if not 0 <= r < len(self._rows):
                return ""
            row = self._rows[r]
            return f"{row.label}: {len(row.wells)} wells, median {written_part(row.median)} of patches. {LASSO_TIP}"
        row = self._rows[found[0]]
        return f"{row.wells[found[1]]} · {row.label}: fires in {written_part(row.values[found[1]])} of patches."

    def _hover(self, found: tuple[int, int] | None) -> None:
        if found != self._hovered:
            self._hovered = found
            self.setCursor(Qt.CursorShape.ArrowCursor if found is None else Qt.CursorShape.PointingHandCursor)
            self.update()

    # paint ----------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent | None) -> None:
        if not self._rows:
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(small_font(self, -0.5))
            self._paint_axis(painter)
            for r, row in enumerate(self._rows):
                self._paint_row(painter, r, row)

    def _paint_axis(self, painter: QPainter) -> None:
        bottom, left = len(self._rows) * _ROW, self._left()
        controls = [value for row in self._rows if row.control for value in row.values]
        if controls:
            x = self._x(float(np.median(controls)))
            painter.setPen(QPen(ink(self, 0.35), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, 0), QPointF(x, bottom))
        painter.setPen(QPen(ink(self, 0.25), 1))
        painter.drawLine(QPointF(left + 2, bottom), QPointF(self.width() - 4, bottom))
        painter.setFont(small_font(self, -1.5))
        painter.setPen(ink(self, 0.6))
        foot = QRectF(left + 2, bottom + 1, self.width() - left - 8, _FOOT)
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, "0")
        painter.drawText(foot, Qt.AlignmentFlag.AlignCenter, "of patches")
        painter.drawText(foot, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, written_part(self._top()))
        painter.setFont(small_font(self, -0.5))

    def _paint_row(self, painter: QPainter, r: int, row: ConditionRow) -> None:
        middle = (r + 0.5) * _ROW
        room = QRectF(2, middle - _ROW / 2, self._left() - 8, _ROW)
        painter.setPen(ink(self, 0.6 if row.control else 0.92))
        label = painter.fontMetrics().elidedText(row.label, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, label)
        x = self._x(row.median)
        painter.setPen(QPen(ink(self, 0.55), 2))
        painter.drawLine(QPointF(x, middle - 7), QPointF(x, middle + 7))
        color = QColor(ink(self, 0.55)) if row.control else QColor(self._color)
        if not row.control and not is_dark(self):
            color = color.darker(125)
        rim = QPen(QColor(0, 0, 0, 90) if is_dark(self) else QColor(255, 255, 255, 140), 0.7)
        for w, well in enumerate(row.wells):
            center = self._dot(r, w)
            painter.setPen(rim)
            painter.setBrush(color)
            painter.drawEllipse(center, _DOT, _DOT)
            if well in self._selected or (r, w) == self._hovered:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(accent(self) if (r, w) != self._hovered else ink(self, 0.95), 1.5))
                painter.drawEllipse(center, _DOT + 2.2, _DOT + 2.2)
