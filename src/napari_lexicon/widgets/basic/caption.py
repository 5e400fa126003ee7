"""Quiet text: a line or a paragraph in the theme's colour, a little softer than what can be pressed."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QRect, QSize, Qt
from qtpy.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_lexicon.widgets.basic.ink import ink, small_font

# the window's font is known only once the text is in a window
_NEW_FONT = (QEvent.Type.Polish, QEvent.Type.FontChange, QEvent.Type.StyleChange, QEvent.Type.Show)


class Caption(QWidget):
    """Text in the theme's ink at part of its strength.

    A single line is elided where it does not fit and then shows itself whole in the tooltip; with ``wrap`` the text
    takes as many lines as it needs.

    Parameters
    ----------
    text : str
    wrap : bool
        Paragraph instead of a line.
    strength : float
        0 to 1.
    step : float
        Points larger or smaller than the window's font.
    bold : bool
    centred : bool
    fit : bool
        As wide as its text, instead of as wide as there is room.
    middle : bool
        A line that does not fit loses its middle, not its end.
    """

    def __init__(
        self,
        text: str = "",
        parent: QWidget | None = None,
        *,
        wrap: bool = False,
        strength: float = 0.72,
        step: float = 0.0,
        bold: bool = False,
        centred: bool = False,
        fit: bool = False,
        middle: bool = False,
    ) -> None:
        super().__init__(parent)
        self._text, self._wrap, self._strength, self._step, self._bold = text, wrap, strength, step, bold
        self._flags = Qt.AlignmentFlag.AlignVCenter | (
            Qt.AlignmentFlag.AlignHCenter if centred else Qt.AlignmentFlag.AlignLeft
        )
        self._tooltip = ""
        self._fit = fit
        self._elide = Qt.TextElideMode.ElideMiddle if middle else Qt.TextElideMode.ElideRight
        policy = QSizePolicy(
            QSizePolicy.Policy.Fixed if fit else QSizePolicy.Policy.Ignored,
            QSizePolicy.Policy.Minimum if wrap else QSizePolicy.Policy.Fixed,
        )
        policy.setHeightForWidth(wrap)
        self.setSizePolicy(policy)

    def text(self) -> str:
        """The whole text."""
        return self._text

    def setText(self, text: str) -> None:
        """Show another text."""
        if text != self._text:
            self._text = text
            self.updateGeometry()
            self.update()

    def shownText(self) -> str:
        """The text as there is room for it."""
        return self._text if self._wrap else self._metrics().elidedText(self._text, self._elide, self.width())

    def setTip(self, tip: str) -> None:
        """What the tooltip says beside the whole text."""
        self._tooltip = tip

    def hasHeightForWidth(self) -> bool:
        return self._wrap

    def heightForWidth(self, width: int) -> int:
        room = QRect(0, 0, max(width, 40), 10_000)
        return self._metrics().boundingRect(room, self._all_flags(), self._text).height() + 2

    def sizeHint(self) -> QSize:
        metrics = self._metrics()
        if self._wrap:
            width = max(self.width(), 240)
            return QSize(width, self.heightForWidth(width))
        wide = metrics.horizontalAdvance(self._text) + 4
        return QSize(wide if self._fit else min(wide, 320), metrics.height() + 2)

    def minimumSizeHint(self) -> QSize:
        if self._wrap:
            return QSize(40, self.heightForWidth(max(self.width(), 200)))
        return QSize(20, self._metrics().height() + 2)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setFont(self._font())
        painter.setPen(ink(self, self._strength if self.isEnabled() else 0.4))
        painter.drawText(self.rect(), self._all_flags(), self.shownText())

    def event(self, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.ToolTip:
            elided = not self._wrap and self._metrics().horizontalAdvance(self._text) > self.width()
            self.setToolTip("\n".join(part for part in (self._text if elided else "", self._tooltip) if part))
        elif event is not None and event.type() in _NEW_FONT:
            self.updateGeometry()
        return super().event(event)

    def _all_flags(self) -> int:
        kind = Qt.TextFlag.TextWordWrap if self._wrap else Qt.TextFlag.TextSingleLine
        return int(self._flags.value | kind.value)

    def _font(self) -> QFont:
        font = small_font(self, self._step)
        font.setBold(self._bold)
        return font

    def _metrics(self) -> QFontMetrics:
        return QFontMetrics(self._font())
