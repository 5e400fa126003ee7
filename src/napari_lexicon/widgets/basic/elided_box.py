"""A drop-down whose text is shortened in its middle where there is no room, and then shows itself whole on hover."""

from __future__ import annotations

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QHelpEvent, QPaintEvent, QShowEvent
from qtpy.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter, QToolTip

_ROUND_TEXT = 4


class ElidedBox(QComboBox):
    """A number at the front and the end of a name stay readable: ``"#216 cell…clumps"``."""

    _whole = False

    def shownText(self) -> str:
        """The text as there is room for it."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        style = self.style()
        if style is None:
            return self.currentText()
        room = style.subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        return self.fontMetrics().elidedText(
            self.currentText(), Qt.TextElideMode.ElideMiddle, room.width() - _ROUND_TEXT
        )

    def showWhole(self) -> None:
        """From now on be as wide as its longest text, in whatever font and style it is shown."""
        self._whole = True
        self._fit()

    def _fit(self) -> None:
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        style, metrics = self.style(), self.fontMetrics()
        if style is None or not self._whole:
            return
        room = style.subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        longest = max((metrics.horizontalAdvance(self.itemText(n)) for n in range(self.count())), default=0)
        wide = longest + _ROUND_TEXT + self.width() - room.width()
        if wide != self.minimumWidth():
            self.setMinimumWidth(wide)

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        option.currentText = self.shownText()
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

    def event(self, event: QEvent | None) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            whole = "" if self.shownText() == self.currentText() else f"{self.currentText()}\n"
            QToolTip.showText(event.globalPos(), whole + self.toolTip(), self)
            return True
        return super().event(event)
