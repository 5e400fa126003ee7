"""The colour bar or the legend under the plate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QFontMetricsF, QImage, QMouseEvent, QPainter, QPainterPath, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_lexicon.widgets.basic.ink import accent, ink, small_font
from napari_lexicon.widgets.plate.coloring import MOST_CATEGORIES, CategoryScale, NumberScale

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROW, _SWATCH, _BAR = 18.0, 9.0, 9.0
_HOLD = 14.0  # pixels from an end of the bar that still take hold of it


class ScaleView(QWidget):
    """Explains the colours of the plate. Its value is a scale, or None.

    Signals
    -------
    categoryClicked(str)
        A category of the legend was clicked: select its wells.
    limitsChanged((float, float) or None)
        An end of the colour bar was dragged; None after a double click: as the wells say.
    """

    categoryClicked = Signal(str)
    limitsChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None, *, of: str = "wells") -> None:
        super().__init__(parent)
        self.setObjectName("plate_scale")
        self._of = of
        self._scale: NumberScale | CategoryScale | None = None
        self._hovered: str | None = None
        self._held: tuple[str, NumberScale] | None = None
        self.setMouseTracking(True)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def value(self) -> NumberScale | CategoryScale | None:
        """The scale shown."""
        return self._scale

    def setValue(self, scale: NumberScale | CategoryScale | None) -> None:
        """Show another scale."""
        self._scale = scale
        self.setToolTip(
            f"Click a value to select its {self._of}."
            if isinstance(scale, CategoryScale)
            else f"Colours of the {self._of}. Drag an end to clip there, double-click to undo it."
        )
        self.updateGeometry()
        self.update()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        if isinstance(self._scale, CategoryScale):
            last = 0.0
            for rect, *_ in self._chips(self._scale, width):
                last = rect.bottom()
            return round(last) + 3
        return 34

    def sizeHint(self) -> QSize:
        return QSize(300, self.heightForWidth(max(self.width(), 300)))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, 34)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(small_font(self, -0.5))
            if isinstance(self._scale, NumberScale):
                self._paint_bar(painter, self._scale)
            elif isinstance(self._scale, CategoryScale):
                self._paint_legend(painter, self._scale)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and isinstance(self._scale, NumberScale):
            self._drag(event)
            return
        label = None if event is None else self._label_at(event)
        if label != self._hovered:
            self._hovered = label
            self.setCursor(Qt.CursorShape.PointingHandCursor if label else Qt.CursorShape.ArrowCursor)
            self.update()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        label = None if event is None else self._label_at(event)
        if label is not None:
            self.categoryClicked.emit(label)
        elif event is not None and isinstance(self._scale, NumberScale):
            end = self._end_at(event)
            self._held = None if end is None else (end, self._scale)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        self._held = None

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        if isinstance(self._scale, NumberScale):
            self._held = None
            self.limitsChanged.emit(None)

    def endPlace(self, end: str) -> QPoint:
        """Where the ``"low"`` or ``"high"`` end of the bar is taken hold of."""
        bar = self._bar()
        return QPointF(bar.left() if end == "low" else bar.right(), bar.center().y()).toPoint()

    def _bar(self) -> QRectF:
        return QRectF(18, 4, self.width() - 36, _BAR)

    def _end_at(self, event: QMouseEvent) -> str | None:
        x, bar = event.position().x(), self._bar()
        near = {"low": abs(x - bar.left()), "high": abs(x - bar.right())}
        end = min(near, key=lambda name: near[name])
        return end if near[end] <= _HOLD else None

    def _drag(self, event: QMouseEvent) -> None:
        """Whatever value was under the mouse when the end was taken hold of becomes the end; beyond it, further out."""
        if self._held is None:
            over = self._end_at(event) is not None
            self.setCursor(Qt.CursorShape.SizeHorCursor if over else Qt.CursorShape.ArrowCursor)
            return
        (end, scale), bar = self._held, self._bar()
        part = (event.position().x() - bar.left()) / bar.width()
        low, high = (float(np.log10(max(edge, 1e-12))) if scale.log else edge for edge in (scale.low, scale.high))
        if end == "low":
            low += min(part, 0.95) * (high - low)
        else:
            high = low + max(part, 0.05) * (high - low)
        self.limitsChanged.emit((10**low, 10**high) if scale.log else (low, high))

    def _label_at(self, event: QMouseEvent) -> str | None:
        if not isinstance(self._scale, CategoryScale):
            return None
        for rect, label, *_ in self._chips(self._scale, self.width()):
            if rect.contains(event.position()) and not label.startswith("…"):
                return label
        return None

    def _paint_bar(self, painter: QPainter, scale: NumberScale) -> None:
        bar = self._bar()
        strip = np.ascontiguousarray(scale.colors)
        image = QImage(strip.tobytes(), len(strip), 1, 3 * len(strip), QImage.Format.Format_RGB888)
        path = QPainterPath()
        path.addRoundedRect(bar, 3, 3)
        painter.save()
        painter.setClipPath(path)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(bar, image)
        painter.restore()
        low = ("≤ " if scale.clipped[0] else "") + f"{scale.low:.3g}"
        high = ("≥ " if scale.clipped[1] else "") + f"{scale.high:.3g}"
        line = QRectF(bar.left(), bar.bottom() + 2, bar.width(), _ROW)
        painter.setPen(ink(self, 0.85))
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, low)
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, high)
        painter.setPen(ink(self, 0.62))
        title = scale.title + (" (log)" if scale.log else "")
        metrics = QFontMetricsF(painter.font())
        between = line.adjusted(metrics.horizontalAdvance(low) + 8, 0, -metrics.horizontalAdvance(high) - 8, 0)
        shown = metrics.elidedText(title, Qt.TextElideMode.ElideRight, between.width())
        painter.drawText(between, Qt.AlignmentFlag.AlignCenter, shown)

    def _paint_legend(self, painter: QPainter, scale: CategoryScale) -> None:
        for rect, label, color, count in self._chips(scale, self.width()):
            if color is not None:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(color)
                painter.drawEllipse(QRectF(rect.left() + 2, rect.center().y() - _SWATCH / 2, _SWATCH, _SWATCH))
            hovered = label == self._hovered
            painter.setPen(accent(self) if hovered else ink(self, 0.85))
            text = rect.adjusted(_SWATCH + 7 if color is not None else 2, 0, 0, 0)
            metrics = QFontMetricsF(painter.font())
            shown = metrics.elidedText(label, Qt.TextElideMode.ElideRight, self.width() * 0.7)
            painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
            painter.setPen(ink(self, 0.5))
            painter.drawText(
                text.adjusted(metrics.horizontalAdvance(shown) + 4, 0, 20, 0),
                Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
                str(count) if count else "",
            )

    def _chips(self, scale: CategoryScale, width: float) -> Iterator[tuple[QRectF, str, QColor | None, int]]:
        """Places of the legend's entries, row by row."""
        metrics = QFontMetricsF(small_font(self, -0.5))
        entries: list[tuple[str, QColor | None, int]] = [
            (label, QColor(*rgb), count) for label, rgb, count in scale.entries[:MOST_CATEGORIES]
        ]
        if len(scale.entries) > MOST_CATEGORIES:
            entries.append((f"… {len(scale.entries) - MOST_CATEGORIES} more", None, 0))
        x, y = 16.0, 2.0
        for label, color, count in entries:
            wide = min(metrics.horizontalAdvance(label), width * 0.7)
            wide += _SWATCH + 11 + (metrics.horizontalAdvance(str(count)) + 4 if count else 0)
            if x + wide > width - 4 and x > 16:
                x, y = 16.0, y + _ROW
            yield QRectF(x, y, wide, _ROW), label, color, count
            x += wide + 9
