"""A quiet box that holds together what belongs together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QRectF
from qtpy.QtGui import QPainter, QPen
from qtpy.QtWidgets import QWidget

from napari_lexicon.widgets.basic.ink import ink, raised

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent


class Card(QWidget):
    """Paints itself a little above the background, with round corners."""

    def __init__(self, parent: QWidget | None = None, *, strength: float = 0.05) -> None:
        super().__init__(parent)
        self._strength = strength

    def paintEvent(self, event: QPaintEvent | None) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(ink(self, 0.10), 1))
            painter.setBrush(raised(self, self._strength))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
