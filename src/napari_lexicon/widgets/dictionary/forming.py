"""The gallery of a few features as they form, drawn by the training job itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QFontMetricsF, QImage, QPainter
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.ink import ink, small_font

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qtpy.QtGui import QPaintEvent

_LINE = 17


class _Strips(QWidget):
    """Rows of tiles, each under a line of text."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image = QImage()
        self.lines: list[str] = []
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return round(len(self.lines) * (_LINE + self._strip(width)))

    def sizeHint(self) -> QSize:
        return QSize(300, self.heightForWidth(max(self.width(), 300)))

    def _strip(self, width: float) -> float:
        if self.image.isNull() or not self.lines:
            return 0.0
        return width * (self.image.height() / len(self.lines)) / self.image.width()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        if self.image.isNull():
            return
        high, from_high = self._strip(self.width()), self.image.height() / len(self.lines)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.setFont(small_font(self, -0.5))
            painter.setPen(ink(self, 0.8))
            room = QFontMetricsF(painter.font())
            for number, line in enumerate(self.lines):
                top = number * (_LINE + high)
                text = room.elidedText(line, Qt.TextElideMode.ElideRight, self.width())
                painter.drawText(QRectF(0, top, self.width(), _LINE), Qt.AlignmentFlag.AlignVCenter, text)
                source = QRectF(0, number * from_high, self.image.width(), from_high)
                painter.drawImage(QRectF(0, top + _LINE, self.width(), high), self.image, source)


class FormingView(QWidget):
    """What a few features have become like so far. Its value is what the job reported, None before that."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("forming")
        self._value: Mapping[str, Any] | None = None
        self.strips = _Strips()
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(2)
        title = Caption("Features as they form: the patches most like each", bold=True, strength=0.9)
        title.setToolTip("From the latest checkpoint. A feature that has formed shows the same thing in every picture.")
        box.addWidget(title)
        box.addWidget(self.strips)
        self.hide()

    def value(self) -> Mapping[str, Any] | None:
        """What is shown."""
        return self._value

    def setValue(self, forming: Mapping[str, Any] | None) -> None:
        """Show another state; a picture that cannot be read is not shown."""
        if forming == self._value:
            return
        self._value = forming
        image = QImage() if forming is None else QImage(str(forming.get("picture", "")))
        self.setVisible(not image.isNull())
        rows = [] if forming is None or image.isNull() else list(forming.get("rows", ()))
        self.strips.image = image
        self.strips.lines = [f"#{row['feature']}" + (f"  {row['note']}" if row.get("note") else "") for row in rows]
        self.strips.updateGeometry()
        self.strips.update()
