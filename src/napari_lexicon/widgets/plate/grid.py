"""The plate as a grid of wells: hover tells, click and rubber band select, double click opens.

One widget paints all wells itself: a 1536-well plate is one picture that is kept until something in it changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent
from qtpy.QtWidgets import QApplication, QSizePolicy, QToolTip, QWidget

from napari_lexicon.widgets.basic.ink import accent, ink
from napari_lexicon.widgets.plate.geometry import GridGeometry
from napari_lexicon.widgets.plate.layout import PlateLayout
from napari_lexicon.widgets.plate.painting import paint_marks, paint_plate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import numpy.typing as npt

    from napari_lexicon.viewer.colors import RGB

_RGB = QImage.Format.Format_RGB888
_ARROWS = {
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
}


class PlateGrid(QWidget):
    """A plate of 6 to 1536 wells.

    Its value is the selection, a frozen set of well names.

    Signals
    -------
    valueChanged(frozenset)
        The selection changed by hand or by :meth:`setValue`.
    wellHovered(object)
        Name of the well under the mouse, or None.
    wellActivated(str)
        A well was double clicked, or Enter pressed on it: open it.
    """

    valueChanged = Signal(object)
    wellHovered = Signal(object)
    wellActivated = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("plate_grid")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._layout = PlateLayout()
        self._colors: Mapping[str, RGB] = {}
        self._pictures: dict[str, QImage] = {}
        self._selection: frozenset[str] = frozenset()
        self._current: str | None = None
        self._hovered: str | None = None
        self._cursor: str | None = None
        self._press: QPointF | None = None
        self._band: QRectF | None = None
        self._base: frozenset[str] = frozenset()
        self._picture: QPixmap | None = None
        self._tip: Callable[[str], str] = str

    # value ----------------------------------------------------------------------------------------------------------

    def value(self) -> frozenset[str]:
        """Selected wells."""
        return self._selection

    def setValue(self, wells: frozenset[str]) -> None:
        """Select wells; names that the plate does not have are dropped."""
        wells = frozenset(wells) & frozenset(self._layout.wells)
        if wells != self._selection:
            self._selection = wells
            self.update()
            self.valueChanged.emit(wells)

    def setPlate(self, layout: PlateLayout) -> None:
        """Show another plate, without selection and colours."""
        self._layout, self._colors, self._pictures = layout, {}, {}
        self._current = self._cursor = self._hovered = None
        self._picture = None
        self.updateGeometry()
        self.setValue(frozenset())
        self.update()

    def plate(self) -> PlateLayout:
        """The layout shown."""
        return self._layout

    def setColors(self, colors: Mapping[str, RGB]) -> None:
        """Colour the wells; one that is not named is drawn empty."""
        self._colors = dict(colors)
        self._picture = None
        self.update()

    def setPictures(self, pictures: Mapping[str, npt.NDArray[np.uint8]]) -> None:
        """Show ``(h, w, 3)`` pictures in the wells instead of colours; none takes them away."""
        self._pictures = {
            well: QImage(pixels.tobytes(), pixels.shape[1], pixels.shape[0], 3 * pixels.shape[1], _RGB).copy()
            for well, pixels in pictures.items()
        }
        self._picture = None
        self.update()

    def pictures(self) -> Mapping[str, QImage]:
        """Pictures as set."""
        return self._pictures

    def colors(self) -> Mapping[str, RGB]:
        """Colours as set."""
        return self._colors

    def setCurrent(self, well: str | None) -> None:
        """Mark the well whose image is shown."""
        if well != self._current:
            self._current = well if well in self._layout.wells else None
            self._cursor = self._current or self._cursor
            self.update()

    def current(self) -> str | None:
        """The marked well."""
        return self._current

    def setTip(self, tip: Callable[[str], str]) -> None:
        """What hovering says about a well."""
        self._tip = tip

    # geometry -------------------------------------------------------------------------------------------------------

    def geometry_(self) -> GridGeometry:
        """Where the wells lie now."""
        return self._geometry_for(self.width(), self.height())

    def wellCenter(self, well: str) -> QPoint:
        """Middle of a well in the widget's pixels."""
        place = self._layout.wells[well]
        assert place.row is not None and place.column is not None
        return self.geometry_().cell_rect(place.row, place.column).center().toPoint()

    def sizeHint(self) -> QSize:
        # as high as its width asks for; not by Qt's height for width, which leaves no way to be lower in a low dock
        width = self.width() if self.isVisible() else 340
        return QSize(340, round(self._geometry_for(width, 0).height_for(width)))

    def minimumSizeHint(self) -> QSize:
        low = self._geometry_for(self.width(), 0).least_height
        return QSize(220, min(round(low), self.sizeHint().height()))

    def _geometry_for(self, width: float, height: float) -> GridGeometry:
        layout = self._layout
        return GridGeometry(layout.rows or 8, layout.columns or 12, width, height, 17.0)

    # painting -------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent | None) -> None:
        geometry, ratio = self.geometry_(), self.devicePixelRatioF()
        # the ratio is another one where the window has moved to another screen
        if self._picture is None or self._picture.devicePixelRatio() != ratio:
            picture = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
            picture.setDevicePixelRatio(ratio)
            picture.fill(Qt.GlobalColor.transparent)
            with QPainter(picture) as painter:
                paint_plate(painter, self, geometry, self._layout, self._colors, self._pictures)
            self._picture = picture
        with QPainter(self) as painter:
            painter.drawPixmap(0, 0, self._picture)
            paint_marks(painter, self, geometry, self._layout, self._selection, self._current, self._hovered)
            if self._band is not None:
                color = accent(self)
                painter.setPen(color)
                painter.setBrush(QColor(color.red(), color.green(), color.blue(), 40))
                painter.drawRect(self._band)
            if self.hasFocus() and self._cursor in self._layout.wells:
                place = self._layout.wells[self._cursor or ""]
                if place.row is not None and place.column is not None:
                    painter.setPen(ink(self, 0.5))
                    painter.setBrush(Qt.BrushStyle.NoBrush)
                    painter.drawRect(geometry.cell_rect(place.row, place.column))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        self._picture = None
        if event is not None and event.oldSize().width() != event.size().width():
            self.updateGeometry()

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._picture = None
            self.update()

    # mouse ----------------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is None or event.button() != Qt.MouseButton.LeftButton or self._layout.free:
            return
        self._press, self._base = event.position(), self._selection

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is None:
            return
        point = event.position()
        if self._press is not None and (
            self._band is not None or (point - self._press).manhattanLength() >= QApplication.startDragDistance()
        ):
            self._band = QRectF(self._press, point).normalized()
            self._select(self._layout.within(*self.geometry_().places_in(self._band)), event.modifiers(), self._base)
            self.update()
            return
        self._hover(self._well_at(point))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        if event is None or self._press is None:
            return
        if self._band is None:
            self._click(event.position(), event.modifiers())
        self._press = self._band = None
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        well = None if event is None else self._well_at(event.position())
        if well is not None:
            self.wellActivated.emit(well)

    def leaveEvent(self, event: QEvent | None) -> None:
        self._hover(None)

    def event(self, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.ToolTip:
            where = event.pos()  # type: ignore[attr-defined]  # a QHelpEvent
            QToolTip.showText(event.globalPos(), self._tip_at(QPointF(where)), self)  # type: ignore[attr-defined]
            return True
        return super().event(event)

    def _tip_at(self, point: QPointF) -> str:
        geometry = self.geometry_()
        place = geometry.place_at(point)
        if place is not None:
            well = self._layout.at(*place)
            from napari_lexicon.plates.well_names import well_name

            return self._tip(well) if well else f"{well_name(*place)}: this plate has no such well"
        if geometry.row_header_at(point) is not None or geometry.column_header_at(point) is not None:
            return "Click to select the whole row or column; Ctrl adds, Alt takes away."
        return ""

    def _well_at(self, point: QPointF) -> str | None:
        place = self.geometry_().place_at(point)
        return None if place is None else self._layout.at(*place)

    def _hover(self, well: str | None) -> None:
        if well != self._hovered:
            self._hovered = well
            self.update()
            self.wellHovered.emit(well)

    def _click(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        geometry = self.geometry_()
        row, column, well = geometry.row_header_at(point), geometry.column_header_at(point), self._well_at(point)
        if row is not None:
            self._select(self._layout.in_row(row), modifiers, self._selection)
        elif column is not None:
            self._select(self._layout.in_column(column), modifiers, self._selection)
        elif well is None:
            self._select(frozenset(), modifiers, self._selection)
        elif modifiers & Qt.KeyboardModifier.ShiftModifier and self._cursor:
            self.setValue(self._between(self._cursor, well))
        elif modifiers & Qt.KeyboardModifier.ControlModifier:
            self._cursor = well
            self.setValue(self._selection ^ {well})
        else:
            self._cursor = well
            self._select(frozenset({well}), modifiers, self._selection)

    def _select(self, wells: frozenset[str], modifiers: Qt.KeyboardModifier, base: frozenset[str]) -> None:
        if modifiers & Qt.KeyboardModifier.AltModifier:
            self.setValue(base - wells)
        elif modifiers & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier):
            self.setValue(base | wells)
        else:
            self.setValue(wells)

    def _between(self, first: str, second: str) -> frozenset[str]:
        a, b = self._layout.wells[first], self._layout.wells[second]
        assert a.row is not None and a.column is not None and b.row is not None and b.column is not None
        return self._layout.within(
            min(a.row, b.row), min(a.column, b.column), max(a.row, b.row), max(a.column, b.column)
        )

    # keys -----------------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None or not self._layout.wells:
            super().keyPressEvent(event)
            return
        key = Qt.Key(event.key())
        if key in _ARROWS:
            self._step(*_ARROWS[key], extend=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._cursor:
            self.wellActivated.emit(self._cursor)
        elif key == Qt.Key.Key_Escape and self._selection:
            self.setValue(frozenset())
        elif key == Qt.Key.Key_A and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.setValue(frozenset(self._layout.wells))
        else:
            super().keyPressEvent(event)

    def _step(self, down: int, right: int, *, extend: bool) -> None:
        here = self._cursor or next(iter(self._layout.wells))
        target = self._layout.neighbour(here, down, right) if self._cursor else here
        if target is not None:
            self._cursor = target
            self.setValue(self._selection | {target} if extend else frozenset({target}))
            self.update()
