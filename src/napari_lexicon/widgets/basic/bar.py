"""A slim progress bar: how far, or that something lives where it is not known how far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QRectF, QSize, Qt, QTimer
from qtpy.QtGui import QPainter
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_lexicon.widgets.basic.ink import accent, ink

if TYPE_CHECKING:
    from qtpy.QtGui import QHideEvent, QPaintEvent, QShowEvent


class Bar(QWidget):
    """Its value is a part from 0 to 1, or None where it is not known."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._part: float | None = 0.0
        self._phase = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(50)
        self._timer.timeout.connect(self._move)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def value(self) -> float | None:
        """How far."""
        return self._part

    def setValue(self, part: float | None) -> None:
        """Show how far."""
        self._part = None if part is None else min(max(part, 0.0), 1.0)
        self._keep_moving()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, 6)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, 6)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ink(self, 0.14))
            whole = QRectF(0, 0.5, self.width(), 5)
            painter.drawRoundedRect(whole, 2.5, 2.5)
            painter.setBrush(accent(self))
            if self._part is None:
                wide = whole.width() * 0.25
                left = (whole.width() + wide) * self._phase - wide
                painter.setClipRect(whole)
                painter.drawRoundedRect(QRectF(left, 0.5, wide, 5), 2.5, 2.5)
            elif self._part > 0:
                painter.drawRoundedRect(QRectF(0, 0.5, max(5.0, whole.width() * self._part), 5), 2.5, 2.5)

    def showEvent(self, event: QShowEvent | None) -> None:
        self._keep_moving()

    def hideEvent(self, event: QHideEvent | None) -> None:
        self._timer.stop()

    def _keep_moving(self) -> None:
        if self._part is None and self.isVisible():
            self._timer.start()
        else:
            self._timer.stop()

    def _move(self) -> None:
        self._phase = (self._phase + 0.02) % 1.0
        self.update()
