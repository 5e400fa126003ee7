"""Points in two dimensions: hover tells, a click chooses, a line drawn round points selects them, the wheel zooms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from qtpy.QtWidgets import QApplication, QSizePolicy, QToolTip, QWidget

from napari_lexicon.widgets.basic.ink import accent, ground, ink, raised, small_font
from napari_lexicon.widgets.basic.polygon import inside_polygon, round_ticks

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtGui import QKeyEvent, QResizeEvent, QWheelEvent

_REACH = 9.0  # pixels from a point that still hit it
_LEFT, _BOTTOM, _EDGE = 54.0, 34.0, 8.0  # left of the points a title and numbers such as -0.05 find room


class ScatterPlot(QWidget):
    """Its value is the selection, ``(n,)`` bool.

    Signals
    -------
    valueChanged(numpy.ndarray)
        A person selected other points.
    pointClicked(int)
        A point was clicked.
    """

    valueChanged = Signal(object)
    pointClicked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._xy = np.empty((0, 2))
        self._colors = np.empty((0, 3), dtype=np.uint8)
        self._selected = np.empty(0, dtype=bool)
        self._current: int | None = None
        self._hovered: int | None = None
        self._titles = ("", "")
        self._ticks = True
        self._radius = 3.0
        self._view = QRectF(0, 0, 1, 1)
        self._line: list[QPointF] = []
        self._press: QPointF | None = None
        self._pan: QPointF | None = None
        self._picture: QPixmap | None = None
        self._tip: Callable[[int], str] = str

    # value ----------------------------------------------------------------------------------------------------------

    def value(self) -> npt.NDArray[np.bool_]:
        """Selected points."""
        return self._selected.copy()

    def setValue(self, selected: npt.ArrayLike) -> None:
        """Select points; says nothing."""
        chosen = np.asarray(selected, dtype=bool)
        if chosen.shape == (len(self._xy),) and not np.array_equal(chosen, self._selected):
            self._selected = chosen.copy()
            self._redraw()

    def setPoints(
        self, points: npt.ArrayLike, colors: npt.ArrayLike, titles: tuple[str, str] = ("", ""), *, ticks: bool = True
    ) -> None:
        """Show other points, nothing selected.

        Parameters
        ----------
        points : array_like
            ``(n, 2)``; one that is not finite is not drawn.
        colors : array_like
            ``(n, 3)`` uint8.
        titles : (str, str)
            Of the axes.
        ticks : bool
            Number the axes.
        """
        new = np.asarray(points, dtype=float).reshape(-1, 2)
        same = new.shape == self._xy.shape and np.array_equal(new, self._xy, equal_nan=True)
        self._xy, self._titles, self._ticks = new, titles, ticks
        if not same:
            self._selected = np.zeros(len(new), dtype=bool)
            self._current = self._hovered = None
            self._radius = 4.0 if len(new) < 400 else 3.0 if len(new) < 3000 else 2.2
            self.showAll()
        self.setColors(colors)

    def points(self) -> npt.NDArray[np.float64]:
        """Points as set."""
        return self._xy

    def setColors(self, colors: npt.ArrayLike) -> None:
        """Colour the points: ``(n, 3)`` uint8."""
        self._colors = np.asarray(colors, dtype=np.uint8).reshape(-1, 3)
        self._redraw()

    def colors(self) -> npt.NDArray[np.uint8]:
        """Colours as set."""
        return self._colors

    def setCurrent(self, number: int | None) -> None:
        """Ring a point."""
        if number != self._current:
            self._current = number
            self.update()

    def current(self) -> int | None:
        """The ringed point."""
        return self._current

    def setTip(self, tip: Callable[[int], str]) -> None:
        """What hovering says about a point."""
        self._tip = tip

    # places ---------------------------------------------------------------------------------------------------------

    def showAll(self) -> None:
        """Zoom until every point is seen."""
        known = self._xy[np.isfinite(self._xy).all(axis=1)]
        if len(known):
            low, high = known.min(axis=0), known.max(axis=0)
            span = np.where(high > low, high - low, 1.0)
            low, span = low - 0.05 * span, 1.1 * span
            self._view = QRectF(low[0], low[1], span[0], span[1])
        self._redraw()

    def pointPlace(self, number: int) -> QPointF:
        """Where a point is in the widget's pixels."""
        x, y = self._places()[number]
        return QPointF(x, y)

    def sizeHint(self) -> QSize:
        return QSize(340, 300)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 170)

    def _room(self) -> QRectF:
        return QRectF(_LEFT, _EDGE, max(10.0, self.width() - _LEFT - _EDGE), max(10.0, self.height() - _EDGE - _BOTTOM))

    def _places(self) -> npt.NDArray[np.float64]:
        """``(n, 2)`` places in the widget; y grows upward in the data and downward here."""
        room, view = self._room(), self._view
        x = room.left() + (self._xy[:, 0] - view.x()) / view.width() * room.width()
        y = room.bottom() - (self._xy[:, 1] - view.y()) / view.height() * room.height()
        return np.stack([x, y], axis=1)

    def _at(self, place: QPointF) -> int | None:
        if not len(self._xy):
            return None
        distance = np.nan_to_num(((self._places() - [place.x(), place.y()]) ** 2).sum(axis=1), nan=np.inf)
        nearest = int(distance.argmin())
        return nearest if distance[nearest] <= _REACH**2 else None

    # painting -------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent | None) -> None:
        ratio = self.devicePixelRatioF()  # another one where the window has moved to another screen
        if self._picture is None or self._picture.devicePixelRatio() != ratio:
            self._picture = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
            self._picture.setDevicePixelRatio(ratio)
            self._picture.fill(Qt.GlobalColor.transparent)
            with QPainter(self._picture) as painter:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                self._paint_axes(painter)
                self._paint_points(painter)
        with QPainter(self) as painter:
            painter.drawPixmap(0, 0, self._picture)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setClipRect(self._room())
            for number, pen in ((self._hovered, QPen(ink(self, 0.7), 1.4)), (self._current, QPen(ink(self), 2.2))):
                if number is not None and number < len(self._xy):
                    painter.setPen(QPen(ground(self), pen.widthF() + 2))
                    painter.drawEllipse(self.pointPlace(number), self._radius + 2.5, self._radius + 2.5)
                    painter.setPen(pen)
                    painter.drawEllipse(self.pointPlace(number), self._radius + 2.5, self._radius + 2.5)
            if len(self._line) > 1:
                color = accent(self)
                painter.setPen(QPen(color, 1.6))
                painter.setBrush(QColor(color.red(), color.green(), color.blue(), 40))
                painter.drawPolygon(QPolygonF(self._line))

    def _paint_axes(self, painter: QPainter) -> None:
        room = self._room()
        painter.setPen(QPen(ink(self, 0.14), 1))
        painter.setBrush(raised(self, 0.035))
        painter.drawRoundedRect(room.adjusted(-0.5, -0.5, 0.5, 0.5), 5, 5)
        font = small_font(self, -1.5)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        if self._ticks and len(self._xy):
            self._paint_ticks(painter, room, metrics)
        painter.setPen(ink(self, 0.75))
        across, up = self._titles
        shown = metrics.elidedText(across, Qt.TextElideMode.ElideRight, room.width())
        base = room.bottom() + (16 if self._ticks else 3)
        painter.drawText(
            QRectF(room.left(), base, room.width(), metrics.height()), Qt.AlignmentFlag.AlignHCenter, shown
        )
        painter.save()
        painter.translate(2, room.bottom())
        painter.rotate(-90)
        shown = metrics.elidedText(up, Qt.TextElideMode.ElideRight, room.height())
        left = 0 if self._ticks else _LEFT - metrics.height() - 8
        painter.drawText(QRectF(0, left, room.height(), metrics.height()), Qt.AlignmentFlag.AlignHCenter, shown)
        painter.restore()

    def _paint_ticks(self, painter: QPainter, room: QRectF, metrics: QFontMetricsF) -> None:
        view = self._view
        for value in round_ticks(view.x(), view.x() + view.width(), max(2, int(room.width() // 60))):
            x = room.left() + (value - view.x()) / view.width() * room.width()
            painter.setPen(ink(self, 0.08))
            painter.drawLine(QPointF(x, room.top()), QPointF(x, room.bottom()))
            painter.setPen(ink(self, 0.55))
            painter.drawText(QRectF(x - 30, room.bottom() + 2, 60, 14), Qt.AlignmentFlag.AlignHCenter, f"{value:.4g}")
        for value in round_ticks(view.y(), view.y() + view.height(), max(2, int(room.height() // 40))):
            y = room.bottom() - (value - view.y()) / view.height() * room.height()
            painter.setPen(ink(self, 0.08))
            painter.drawLine(QPointF(room.left(), y), QPointF(room.right(), y))
            painter.setPen(ink(self, 0.55))
            text = f"{value:.3g}"
            wide = metrics.horizontalAdvance(text)
            painter.drawText(QPointF(room.left() - 4 - wide, y + metrics.ascent() / 2 - 1), text)

    def _paint_points(self, painter: QPainter) -> None:
        """Those that are not selected faint and below, where some are."""
        if not len(self._xy) or len(self._colors) != len(self._xy):
            return
        painter.setClipRect(self._room())
        places, some = self._places(), bool(self._selected.any())
        known = np.isfinite(places).all(axis=1)
        for chosen, alpha in ((~self._selected, 70 if some else 225), (self._selected, 255)):
            rows = np.flatnonzero(chosen & known)
            if not len(rows):
                continue
            colors, group = np.unique(self._colors[rows], axis=0, return_inverse=True)
            order = np.argsort(group.ravel(), kind="stable")
            ends = np.searchsorted(group.ravel()[order], np.arange(len(colors)), side="right")
            start = 0
            for (red, green, blue), end in zip(colors.tolist(), ends.tolist(), strict=True):
                own = places[rows[order[start:end]]].tolist()
                start = end
                pen = QPen(QBrush(QColor(red, green, blue, alpha)), 2 * self._radius)
                pen.setCapStyle(Qt.PenCapStyle.RoundCap)
                painter.setPen(pen)
                painter.drawPoints(QPolygonF([QPointF(x, y) for x, y in own]))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        self._picture = None

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._redraw()

    def _redraw(self) -> None:
        self._picture = None
        self.update()

    # mouse and keys -------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is None:
            return
        if event.button() == Qt.MouseButton.LeftButton:
            self._press, self._line = event.position(), [event.position()]
        elif event.button() in (Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton):
            self._pan = event.position()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is None:
            return
        place = event.position()
        if self._pan is not None:
            room, view = self._room(), self._view
            step = place - self._pan
            view.translate(-step.x() / room.width() * view.width(), step.y() / room.height() * view.height())
            self._pan = place
            self._redraw()
        elif self._press is not None:
            if len(self._line) > 1 or (place - self._press).manhattanLength() >= QApplication.startDragDistance():
                self._line.append(place)
                self.update()
        else:
            self._hover(self._at(place))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        if event is None:
            return
        self._pan = None
        press, line = self._press, self._line
        self._press, self._line = None, []
        if press is None:
            return
        if len(line) > 2:
            self._select(inside_polygon(self._places(), [(p.x(), p.y()) for p in line]), event.modifiers())
        elif len(line) <= 1:
            number = self._at(event.position())
            if number is not None:
                self.pointClicked.emit(number)
            elif self._selected.any():
                self._tell(np.zeros(len(self._xy), dtype=bool))
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and self._at(event.position()) is None:
            self.showAll()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        if event is None or not event.angleDelta().y():
            return
        factor, room, view = 0.85 if event.angleDelta().y() > 0 else 1 / 0.85, self._room(), self._view
        across = (event.position().x() - room.left()) / room.width()
        up = (room.bottom() - event.position().y()) / room.height()
        x, y = view.x() + across * view.width(), view.y() + up * view.height()
        wide, high = view.width() * factor, view.height() * factor
        self._view = QRectF(x - across * wide, y - up * high, wide, high)
        self._redraw()
        event.accept()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None and event.key() == Qt.Key.Key_Escape and self._selected.any():
            self._tell(np.zeros(len(self._xy), dtype=bool))
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: QEvent | None) -> None:
        self._hover(None)

    def event(self, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.ToolTip:
            number = self._at(QPointF(event.pos()))  # type: ignore[attr-defined]  # a QHelpEvent
            QToolTip.showText(event.globalPos(), "" if number is None else self._tip(number), self)  # type: ignore[attr-defined]
            return True
        return super().event(event)

    def _hover(self, number: int | None) -> None:
        if number != self._hovered:
            self._hovered = number
            self.update()

    def _select(self, found: npt.NDArray[np.bool_], modifiers: Qt.KeyboardModifier) -> None:
        if modifiers & Qt.KeyboardModifier.AltModifier:
            found = self._selected & ~found
        elif modifiers & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier):
            found = self._selected | found
        self._tell(found)

    def _tell(self, selected: npt.NDArray[np.bool_]) -> None:
        if not np.array_equal(selected, self._selected):
            self._selected = selected
            self._redraw()
            self.valueChanged.emit(self.value())
