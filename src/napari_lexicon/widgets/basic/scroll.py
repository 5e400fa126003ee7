"""A dock's content that may be taller than the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QWidget

if TYPE_CHECKING:
    from qtpy.QtCore import QObject
    from qtpy.QtGui import QResizeEvent


_LEAST_HEIGHT = 60


class LowContent(QWidget):
    """Content of which some parts can be lower than they would like to be: they are, before it has to be scrolled."""

    def heightForWidth(self, width: int) -> int:
        inner = self.layout()
        # a scroll area gives this height even where there is less room, and more where there is more
        return super().heightForWidth(width) if inner is None else inner.minimumHeightForWidth(width)


class TallContent(QScrollArea):
    """Scrolls up and down only; as wide as the dock, never wider than it, and never narrower than its content needs."""

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(content)

    def sizeHint(self) -> QSize:
        content = self.widget()
        return super().sizeHint() if content is None else content.sizeHint()

    def minimumSizeHint(self) -> QSize:
        content = self.widget()
        wide = 0 if content is None else content.minimumSizeHint().width()
        bar = self.verticalScrollBar()
        return QSize(wide + (bar.sizeHint().width() if bar is not None else 0), _LEAST_HEIGHT)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._fit()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        done = super().eventFilter(watched, event)
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self._fit()  # what is in it has changed
        return done

    def _fit(self) -> None:
        content, viewport = self.widget(), self.viewport()
        # content that grows taller when it gets narrower is asked for its height at the width it really has
        if content is not None and viewport is not None and content.hasHeightForWidth():
            content.setMinimumHeight(content.heightForWidth(viewport.width()))
