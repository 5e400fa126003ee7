"""k as a row of bars, one per round: click or drag to stop the pursuit there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from napari_lexicon.widgets.basic.ink import accent, ink, small_font
from napari_lexicon.widgets.rounds.encoding import Encoding

if TYPE_CHECKING:
    from collections.abc import Sequence

_TIP = (
    "Every patch is explained round by round, the strongest first. Click or drag to see the map after fewer rounds; "
    "a bar is the part of this feature's activation, in the fields shown, that its round brings."
)


class RoundBars(QWidget):
    """Its value is the number of rounds shown, 1 to as many as there are.

    Signals
    -------
    valueChanged(int)
        A person chose, or :meth:`setValue` was called.
    """

    valueChanged = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rounds")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(_TIP)
        self._encoding = Encoding(1, 1)
        self._value = 1
        self._parts: list[float] = []
        self._color = QColor("#888888")

    def value(self) -> int:
        """Rounds shown."""
        return self._value

    def setValue(self, rounds: int) -> None:
        """Show so many rounds."""
        rounds = min(max(1, rounds), self._encoding.steps)
        if rounds != self._value:
            self._value = rounds
            self.update()
            self.valueChanged.emit(rounds)

    def setEncoding(self, encoding: Encoding) -> None:
        """Another dictionary; all rounds are shown."""
        self._encoding, self._parts = encoding, []
        self._value = encoding.steps
        note = (
            "\nThis dictionary fits the values once more over all rounds: fewer rounds show the same picks with those."
        )
        self.setToolTip(_TIP + (note if encoding.refit else ""))
        self.update()

    def encoding(self) -> Encoding:
        """How the codes are ordered."""
        return self._encoding

    def setParts(self, parts: Sequence[float], color: str) -> None:
        """What each round brings of the chosen feature, in its colour."""
        self._parts, self._color = list(parts), QColor(color)
        self.update()

    def parts(self) -> list[float]:
        """As set."""
        return list(self._parts)

    def barCenter(self, rounds: int) -> tuple[int, int]:
        """Middle of a bar, in pixels."""
        return round(self._bar(rounds).center().x()), self.height() // 2

    def sizeHint(self) -> QSize:
        return QSize(300, 26)

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 26)

    def _texts(self) -> tuple[str, str, float]:
        metrics = QFontMetricsF(small_font(self))
        picks = min(self._value, self._encoding.steps) * self._encoding.per_step
        return (
            "k",
            f"{picks} of {self._encoding.picks}",
            metrics.horizontalAdvance(f"{self._encoding.picks} of 000") + 6,
        )

    def _bar(self, rounds: int) -> QRectF:
        left, right = 20.0, self.width() - self._texts()[2]
        wide = max(2.0, (right - left) / self._encoding.steps)
        return QRectF(left + (rounds - 1) * wide, 1, wide, self.height() - 2)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        label, said, room = self._texts()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(small_font(self))
            painter.setPen(accent(self) if self.hasFocus() else ink(self, 0.72))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, label)
            painter.setPen(ink(self, 0.72))
            right = QRectF(self.width() - room, 0, room, self.height())
            painter.drawText(right, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, said)
            painter.setPen(Qt.PenStyle.NoPen)
            most = max(self._parts, default=0.0)
            for rounds in range(1, self._encoding.steps + 1):
                cell = self._bar(rounds)
                cell = cell.adjusted(min(1.0, cell.width() * 0.12), 0, -min(1.0, cell.width() * 0.12), 0)
                shown = rounds <= self._value
                painter.setBrush(ink(self, 0.10 if shown else 0.04))
                painter.drawRoundedRect(cell, 2, 2)
                part = self._parts[rounds - 1] / most if rounds <= len(self._parts) and most > 0 else 0.0
                high = max(2.0, part * cell.height()) if most > 0 else 2.0
                color = QColor(self._color)
                color.setAlphaF(1.0 if shown else 0.25)
                painter.setBrush(color)
                painter.drawRoundedRect(QRectF(cell.left(), cell.bottom() - high, cell.width(), high), 1.5, 1.5)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._choose(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self._choose(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Down: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: 1}
        if event is not None and Qt.Key(event.key()) in step:
            self.setValue(self._value + step[Qt.Key(event.key())])
        elif event is not None and event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self.setValue(1 if event.key() == Qt.Key.Key_Home else self._encoding.steps)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.ToolTip:
            words = f"Shown: {self._encoding.words(self._value)}.\n{self.toolTip()}"
            QToolTip.showText(event.globalPos(), words, self)  # type: ignore[attr-defined]  # a QHelpEvent
            return True
        return super().event(event)

    def _choose(self, event: QMouseEvent) -> None:
        left, wide = self._bar(1).left(), self._bar(1).width()
        self.setValue(int((event.position().x() - left) // wide) + 1)
