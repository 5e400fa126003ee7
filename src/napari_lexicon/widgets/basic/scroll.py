"""A dock's content that may be taller than the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QWidget

if TYPE_CHECKING:
    from qtpy.QtGui import QResizeEvent


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
        return QSize(wide + (bar.sizeHint().width() if bar is not None else 0), 120)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        content, viewport = self.widget(), self.viewport()
        # content that grows taller when it gets narrower is asked for its height at the width it really has
        if content is not None and viewport is not None and content.hasHeightForWidth():
            content.setMinimumHeight(content.heightForWidth(viewport.width()))
