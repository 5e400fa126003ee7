"""A line drawn round things with the button held, over any widget; what lies inside is for the widget to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QEvent, QObject, QPointF, Qt, Signal
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QApplication, QWidget

from napari_lexicon.widgets.basic.ink import accent
from napari_lexicon.widgets.basic.polygon import inside_polygon

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QPaintEvent

LASSO_TIP = "Draw a line round dots to select their wells; with Shift they are added, with Alt taken away."


class Lasso(QWidget):
    """Lies over a widget, watches its mouse, and lets every event through.

    Signals
    -------
    drawn(list of (float, float), Qt.KeyboardModifier)
        A line was closed: its corners in the widget's pixels, and the keys that were held.
    """

    drawn = Signal(object, object)

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._press: QPointF | None = None
        self._line: list[QPointF] = []
        self._over = over
        over.installEventFilter(self)
        self.resize(over.size())

    @property
    def drawing(self) -> bool:
        """Whether a line is being drawn, so that letting the button go is no click."""
        return len(self._line) > 1

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the mouse; nothing is taken from the widget."""
        if event is None or watched is not self._over:
            return False
        if event.type() == QEvent.Type.Resize:
            self.resize(self._over.size())
        elif isinstance(event, QMouseEvent):
            self._follow(event)
        return False

    def _follow(self, event: QMouseEvent) -> None:
        place = event.position()
        if event.type() == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
            self._press, self._line = place, [place]
            self.raise_()
        elif event.type() == QEvent.Type.MouseMove and self._press is not None:
            far = (place - self._press).manhattanLength() >= QApplication.startDragDistance()
            if self.drawing or far:
                self._line.append(place)
                self.update()
        elif event.type() == QEvent.Type.MouseButtonRelease and self._press is not None:
            self._press, line = None, self._line
            if len(line) > 2:
                self.drawn.emit([(corner.x(), corner.y()) for corner in line], event.modifiers())
            self._line = []
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        if self.drawing:
            color = accent(self)
            with QPainter(self) as painter:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(QPen(color, 1.6))
                painter.setBrush(QColor(color.red(), color.green(), color.blue(), 40))
                painter.drawPolygon(QPolygonF(self._line))


def wells_inside(
    wells: Sequence[str],
    places: Sequence[QPointF],
    corners: Sequence[tuple[float, float]],
    before: frozenset[str],
    modifiers: Qt.KeyboardModifier,
) -> frozenset[str]:
    """The selection after a line was drawn round some dots.

    Parameters
    ----------
    wells : sequence of str
        One for each dot.
    places : sequence of QPointF
        Of the dots.
    corners : sequence of (float, float)
        Of the line.
    before : frozenset of str
        What was selected.
    modifiers : Qt.KeyboardModifier
        Shift or Control add, Alt takes away.
    """
    dots = np.array([(place.x(), place.y()) for place in places]).reshape(-1, 2)
    inside = inside_polygon(dots, np.array(corners))
    found = frozenset(well for well, is_inside in zip(wells, inside, strict=True) if is_inside)
    if modifiers & Qt.KeyboardModifier.AltModifier:
        return before - found
    if modifiers & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier):
        return before | found
    return found
