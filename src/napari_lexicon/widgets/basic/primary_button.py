"""The one button of a page. napari's theme has no colour for it, so it paints itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QPushButton, QSizePolicy, QWidget

from napari_lexicon.widgets.basic.ink import accent, ink, is_dark, raised, small_font

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent


class PrimaryButton(QPushButton):
    """Filled with the accent colour; grey, with its reason in the tooltip, while it is disabled."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 32, 34)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 34)

    def setReason(self, reason: str | None, tip: str = "") -> None:
        """Enable the button, or disable it and say why."""
        self.setEnabled(reason is None)
        self.setToolTip(reason or tip)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            fill = accent(self) if self.isEnabled() else raised(self, 0.12)
            if self.isEnabled() and (self.isDown() or self.underMouse()):
                fill = fill.lighter(112) if is_dark(self) else fill.darker(112)
            painter.setPen(QPen(ink(self, 0.9), 1.2) if self.hasFocus() and self.isEnabled() else Qt.PenStyle.NoPen)
            painter.setBrush(fill)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 5, 5)
            font = small_font(self, 1)
            font.setBold(True)
            painter.setFont(font)
            on_accent = QColor("#10131C") if is_dark(self) else QColor("#FFFFFF")
            painter.setPen(on_accent if self.isEnabled() else ink(self, 0.45))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())
