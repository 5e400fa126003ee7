"""A line that unfolds what lies behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QSize, Qt, Signal
from qtpy.QtGui import QPainter, QPolygonF
from qtpy.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from napari_lexicon.widgets.basic.ink import accent, ink, small_font

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent


class _Line(QAbstractButton):
    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(200, 22)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            color = accent(self) if self.underMouse() or self.hasFocus() else ink(self, 0.72)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            middle = self.height() / 2
            if self.isChecked():
                corners = (QPointF(1, middle - 2), QPointF(9, middle - 2), QPointF(5, middle + 3))
            else:
                corners = (QPointF(2, middle - 4), QPointF(7, middle), QPointF(2, middle + 4))
            painter.drawPolygon(QPolygonF(corners))
            painter.setFont(small_font(self, -0.5))
            painter.setPen(color)
            text = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width() - 16)
            painter.drawText(self.rect().adjusted(15, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, text)


class Fold(QWidget):
    """What was decided in one line; a click shows where it can be changed. Its value is whether it is open.

    Signals
    -------
    valueChanged(bool)
        Opened or closed.
    """

    valueChanged = Signal(bool)

    def __init__(self, content: QWidget, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = _Line()
        self.setText(text)
        self._content = content
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(3)
        box.addWidget(self.line)
        box.addWidget(content)
        content.setVisible(False)
        self.line.toggled.connect(self._turn)

    def text(self) -> str:
        """The line."""
        return self.line.text()

    def setText(self, text: str) -> None:
        """Another line."""
        self.line.setText(text)
        self.line.setToolTip(f"{text}\nClick to change.")
        self.line.update()

    def value(self) -> bool:
        """Whether it is open."""
        return self.line.isChecked()

    def setValue(self, opened: bool) -> None:
        """Open or close it."""
        self.line.setChecked(opened)

    def _turn(self, opened: bool) -> None:
        self._content.setVisible(opened)
        self.valueChanged.emit(opened)
