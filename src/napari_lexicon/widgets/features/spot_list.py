"""The features that fire in one patch of the image, strongest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QFontMetricsF, QPainter
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_lexicon.widgets.basic.ink import ink, raised, small_font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QMouseEvent, QPaintEvent

_ROW = 24.0


@dataclass(frozen=True)
class FiringFeature:
    """One line of the list."""

    feature: int
    label: str
    color: str
    channel: str
    value: float


class SpotList(QWidget):
    """Lines with a bar each; its value is the list of :class:`FiringFeature`.

    Signals
    -------
    featureClicked(int)
        Choose this feature.
    """

    featureClicked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("spot_list")
        self.setMouseTracking(True)
        self._lines: list[FiringFeature] = []
        self._most: float | None = None
        self._chosen: int | None = None
        self._hovered: int | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def value(self) -> list[FiringFeature]:
        """Lines shown."""
        return list(self._lines)

    def setValue(self, lines: Sequence[FiringFeature], most: float | None = None) -> None:
        """Show other lines, with bars as parts of ``most``, or of the largest value where that is None."""
        self._lines = list(lines)
        self._most = most
        self.updateGeometry()
        self.update()

    def setChosen(self, feature: int | None) -> None:
        """Mark the chosen feature."""
        self._chosen = feature
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(300, round(_ROW * max(1, len(self._lines))))

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.sizeHint().height())

    def lineRect(self, line: int) -> QRectF:
        """Place of a line in the widget's pixels."""
        return QRectF(0, line * _ROW, self.width(), _ROW)

    def barLength(self, line: int) -> float:
        """Part of its whole length that the bar of a line has."""
        top = self._most or max((each.value for each in self._lines), default=1.0)
        return min(1.0, max(0.0, self._lines[line].value / top)) if top > 0 else 0.0

    def paintEvent(self, event: QPaintEvent | None) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for number, line in enumerate(self._lines):
                self._paint_line(painter, number, line, self.barLength(number))

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is not None:
            self._hover(int(event.position().y() // _ROW))

    def leaveEvent(self, event: QEvent | None) -> None:
        self._hover(-1)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        number = -1 if event is None else int(event.position().y() // _ROW)
        if 0 <= number < len(self._lines):
            self.featureClicked.emit(self._lines[number].feature)

    def _hover(self, number: int) -> None:
        inside = number if 0 <= number < len(self._lines) else None
        if inside != self._hovered:
            self._hovered = inside
            self.setCursor(Qt.CursorShape.ArrowCursor if inside is None else Qt.CursorShape.PointingHandCursor)
            self.update()

    def _paint_line(self, painter: QPainter, number: int, line: FiringFeature, part: float) -> None:
        rect = self.lineRect(number)
        painter.setPen(Qt.PenStyle.NoPen)
        if line.feature == self._chosen or number == self._hovered:
            painter.setBrush(raised(self, 0.20 if line.feature == self._chosen else 0.10))
            painter.drawRoundedRect(rect.adjusted(0, 1, 0, -1), 4, 4)
        painter.setBrush(QColor(line.color))
        painter.drawEllipse(QRectF(8, rect.center().y() - 4.5, 9, 9))
        bars = QRectF(rect.right() - 112, rect.center().y() - 3, 70, 6)
        painter.setBrush(ink(self, 0.12))
        painter.drawRoundedRect(bars, 3, 3)
        painter.setBrush(QColor(line.color))
        painter.drawRoundedRect(QRectF(bars.left(), bars.top(), max(4.0, bars.width() * part), bars.height()), 3, 3)
        font = small_font(self)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        painter.setPen(ink(self, 0.62))
        value = QRectF(rect.right() - 40, rect.top(), 36, _ROW)
        painter.drawText(value, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{line.value:.2f}")
        channel = QRectF(bars.left() - 64, rect.top(), 58, _ROW)
        shown = metrics.elidedText(line.channel, Qt.TextElideMode.ElideRight, channel.width())
        painter.drawText(channel, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        painter.setPen(ink(self, 0.95))
        label = QRectF(25, rect.top(), channel.left() - 30, _ROW)
        shown = metrics.elidedText(line.label, Qt.TextElideMode.ElideRight, label.width())
        painter.drawText(label, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
