"""How a plate is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QBrush, QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen

from napari_lexicon.widgets.basic.ink import accent, ground, ink, raised, small_font
from napari_lexicon.widgets.plate.geometry import GridGeometry, row_label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qtpy.QtWidgets import QWidget

    from napari_lexicon.viewer.colors import RGB
    from napari_lexicon.widgets.plate.layout import PlateLayout

_SMALL = 8.0  # cells below this are drawn as squares: a circle of five pixels is a blot


def paint_plate(
    painter: QPainter,
    widget: QWidget,
    geometry: GridGeometry,
    layout: PlateLayout,
    colors: Mapping[str, RGB],
    pictures: Mapping[str, QImage] | None = None,
) -> None:
    """The plate's body, its headers and its wells."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(ink(widget, 0.14), 1))
    painter.setBrush(raised(widget, 0.035))
    painter.drawPath(_body(geometry))
    _paint_headers(painter, widget, geometry)
    for row in range(geometry.rows):
        for column in range(geometry.columns):
            name = layout.at(row, column)
            rect = geometry.well_rect(row, column)
            if name is None:
                _paint_missing(painter, widget, rect)
            elif pictures and name in pictures:
                _paint_picture(painter, geometry.well_rect(row, column), pictures[name])
            else:
                _paint_well(painter, widget, geometry, rect, colors.get(name), layout.wells[name].n_fields)


def paint_marks(
    painter: QPainter,
    widget: QWidget,
    geometry: GridGeometry,
    layout: PlateLayout,
    selection: frozenset[str],
    current: str | None,
    hovered: str | None,
) -> None:
    """Rings of the selected, the shown and the hovered well, and the shown one's row and column."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    thin = max(1.2, min(2.0, geometry.cell * 0.09))
    for name in selection:
        _ring(painter, geometry, layout, name, QPen(accent(widget), thin), 0.0)
    if hovered is not None:
        _ring(painter, geometry, layout, hovered, QPen(ink(widget, 0.75), thin), 0.0)
    if current is not None:
        _ring(painter, geometry, layout, current, QPen(ground(widget), thin + 2.2), 0.0)
        _ring(painter, geometry, layout, current, QPen(ink(widget), thin + 0.6), 0.0)
        _mark_headers(painter, widget, geometry, layout, current)


def _body(geometry: GridGeometry) -> QPainterPath:
    """A plate's outline: round corners, and the cut corner at A1 that tells which way round it lies."""
    body, cut, radius = geometry.body.adjusted(0.5, 0.5, -0.5, -0.5), 7.0, 5.0
    path = QPainterPath(QPointF(body.left() + cut, body.top()))
    path.lineTo(body.right() - radius, body.top())
    path.quadTo(body.topRight(), QPointF(body.right(), body.top() + radius))
    path.lineTo(body.right(), body.bottom() - radius)
    path.quadTo(body.bottomRight(), QPointF(body.right() - radius, body.bottom()))
    path.lineTo(body.left() + cut, body.bottom())
    path.lineTo(body.left(), body.bottom() - cut)
    path.lineTo(body.left(), body.top() + cut)
    path.closeSubpath()
    return path


def _paint_headers(painter: QPainter, widget: QWidget, geometry: GridGeometry) -> None:
    font = small_font(widget, -1.5)
    painter.setFont(font)
    painter.setPen(ink(widget, 0.55))
    metrics = QFontMetricsF(font)
    for column in range(0, geometry.columns, _column_step(geometry, metrics)):
        painter.drawText(_column_rect(geometry, column), Qt.AlignmentFlag.AlignCenter, str(column + 1))
    for row in range(0, geometry.rows, _row_step(geometry, metrics)):
        painter.drawText(_row_rect(geometry, row), Qt.AlignmentFlag.AlignCenter, row_label(row))


def _column_step(geometry: GridGeometry, metrics: QFontMetricsF) -> int:
    return geometry.header_step(metrics.horizontalAdvance("00") + 3)


def _row_step(geometry: GridGeometry, metrics: QFontMetricsF) -> int:
    return geometry.header_step(metrics.height() - 2)


def _mark_headers(painter: QPainter, widget: QWidget, geometry: GridGeometry, layout: PlateLayout, well: str) -> None:
    place = layout.wells[well]
    if place.row is None or place.column is None:
        return
    font = small_font(widget, -1.5)
    font.setBold(True)
    painter.setFont(font)
    metrics = QFontMetricsF(small_font(widget, -1.5))
    for rect, text, at, step in (
        (_column_rect(geometry, place.column), str(place.column + 1), place.column, _column_step(geometry, metrics)),
        (_row_rect(geometry, place.row), row_label(place.row), place.row, _row_step(geometry, metrics)),
    ):
        # between two that are written, it takes the place of both: half a number is none
        beside = geometry.cell if at % step else 0.0
        wide, high = (beside, 0.0) if text.isdecimal() else (0.0, beside)
        painter.fillRect(rect.adjusted(-wide, -high, wide, high), ground(widget))
        painter.setPen(ink(widget))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)


def _column_rect(geometry: GridGeometry, column: int) -> QRectF:
    cell = geometry.cell_rect(0, column)
    width = max(geometry.cell, 18.0)
    return QRectF(cell.center().x() - width / 2, geometry.body.top() - geometry.header, width, geometry.header - 1)


def _row_rect(geometry: GridGeometry, row: int) -> QRectF:
    cell = geometry.cell_rect(row, 0)
    height = max(geometry.cell, 12.0)
    return QRectF(geometry.body.left() - geometry.header, cell.center().y() - height / 2, geometry.header - 1, height)


def _paint_missing(painter: QPainter, widget: QWidget, rect: QRectF) -> None:
    side = max(1.4, rect.width() * 0.14)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ink(widget, 0.28))
    painter.drawEllipse(rect.center(), side / 2 + 0.2, side / 2 + 0.2)


def _paint_picture(painter: QPainter, rect: QRectF, picture: QImage) -> None:
    """The middle square of a picture, with slightly rounded corners: a circle would cut too much away."""
    side = min(picture.width(), picture.height())
    middle = QRectF((picture.width() - side) / 2, (picture.height() - side) / 2, side, side)
    path = QPainterPath()
    path.addRoundedRect(rect, rect.width() * 0.12, rect.width() * 0.12)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.setClipPath(path)
    painter.drawImage(rect, picture, middle)
    painter.restore()


def _paint_well(
    painter: QPainter, widget: QWidget, geometry: GridGeometry, rect: QRectF, color: RGB | None, n_fields: int
) -> None:
    if color is not None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QBrush(QColor(*color)))
    else:
        pen = QPen(ink(widget, 0.42 if n_fields else 0.25), 1.0)
        if not n_fields:
            pen.setStyle(Qt.PenStyle.DotLine)
        painter.setPen(pen)
        painter.setBrush(raised(widget, 0.10) if n_fields else QBrush())
        rect = rect.adjusted(0.5, 0.5, -0.5, -0.5)
    _shape(painter, geometry, rect)


def _ring(painter: QPainter, geometry: GridGeometry, layout: PlateLayout, name: str, pen: QPen, outset: float) -> None:
    place = layout.wells.get(name)
    if place is None or place.row is None or place.column is None:
        return
    painter.setPen(pen)
    rect = geometry.well_rect(place.row, place.column)
    _shape(painter, geometry, rect.adjusted(-outset, -outset, outset, outset))


def _shape(painter: QPainter, geometry: GridGeometry, rect: QRectF) -> None:
    if geometry.cell < _SMALL:
        painter.drawRect(rect)
    else:
        painter.drawEllipse(rect)
