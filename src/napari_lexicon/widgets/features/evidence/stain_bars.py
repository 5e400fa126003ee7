"""Which stain a feature follows: one bar per stain, from -1 to 1, with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QFontMetricsF, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_lexicon.widgets.basic.ink import ink, small_font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QPaintEvent

_ROW = 24.0


@dataclass(frozen=True)
class StainBar:
    """Correlation with one stain, and its 95 % interval (NaN where there are too few wells)."""

    stain: str
    r: float
    low: float = float("nan")
    high: float = float("nan")


class StainBars(QWidget):
    """Its value is the list of :class:`StainBar`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("stain_bars")
        self._bars: list[StainBar] = []
        self._color = QColor("#FFFFFF")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def value(self) -> list[StainBar]:
        """Bars shown."""
        return list(self._bars)

    def setValue(self, bars: Sequence[StainBar], color: str = "#FFFFFF") -> None:
        """Show other bars, in a feature's colour."""
        self._bars, self._color = list(bars), QColor(color)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(320, round(_ROW * len(self._bars)))

    def minimumSizeHint(self) -> QSize:
        return QSize(180, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        font = small_font(self)
        metrics = QFontMetricsF(font)
        left = min(max((metrics.horizontalAdvance(bar.stain) for bar in self._bars), default=0) + 14, self.width() / 3)
        # correlations of patches are rarely far below 0: the axis begins where it is needed
        lowest = min((np.nanmin([bar.r, bar.low, 0.0]) for bar in self._bars), default=0.0)
        low = -1.0 if lowest < -0.25 else -0.25 if lowest < 0 else 0.0
        room = QRectF(left, 0, self.width() - left - 46, 0)

        def x(value: float) -> float:
            return room.left() + room.width() * (value - low) / (1 - low)

        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(font)
            for number, bar in enumerate(self._bars):
                self._paint_bar(painter, QRectF(0, number * _ROW, self.width(), _ROW), bar, left, x)
            painter.setPen(QPen(ink(self, 0.35), 1))
            painter.drawLine(QPointF(x(0), 0), QPointF(x(0), len(self._bars) * _ROW))

    def _paint_bar(self, painter: QPainter, row: QRectF, bar: StainBar, left: float, x: object) -> None:
        assert callable(x)
        middle = row.center().y()
        painter.setPen(ink(self, 0.92))
        name = QRectF(2, row.top(), left - 10, row.height())
        text = painter.fontMetrics().elidedText(bar.stain, Qt.TextElideMode.ElideRight, int(name.width()))
        painter.drawText(name, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        if np.isnan(bar.r):
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._color)
        painter.drawRoundedRect(QRectF(QPointF(x(0), middle - 5), QPointF(x(bar.r), middle + 5)).normalized(), 2, 2)
        if np.isfinite(bar.low):
            painter.setPen(QPen(ink(self, 0.75), 1.3))
            painter.drawLine(QPointF(x(bar.low), middle), QPointF(x(bar.high), middle))
            for end in (bar.low, bar.high):
                painter.drawLine(QPointF(x(end), middle - 3), QPointF(x(end), middle + 3))
        painter.setPen(ink(self, 0.72))
        number = QRectF(row.right() - 42, row.top(), 38, row.height())
        painter.drawText(
            number,
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
            f"{bar.r:+.2f}".replace("-", "−"),
        )
