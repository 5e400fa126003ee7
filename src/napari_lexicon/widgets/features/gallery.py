"""The gallery: pictures of a feature's strongest places, each a way to go there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen
from qtpy.QtWidgets import QMenu, QSizePolicy, QToolTip, QWidget

from napari_lexicon.widgets.basic.ink import ink, raised, small_font

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from qtpy.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent, QPaintEvent

    from napari_lexicon.widgets.features.tiles import Tile

_SIDE, _GAP, _FOOT = 82.0, 6.0, 15.0
_TEACH_KEYS = {"+": True, "-": False}
_KEY_STEPS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


class Gallery(QWidget):
    """Tiles in rows. Its value is the list of tiles; a place whose picture is still being read is None.

    Arrow keys move over the tiles, Enter goes there, the menu key opens the menu of a tile, and + and − teach by it.

    Signals
    -------
    tileClicked(Tile)
        Go there.
    alikeWanted(Tile)
        Find patches like it over the plate.
    teachWanted(Tile, bool)
        Teach a feature by it: it has what is to be found, or has it not.
    """

    tileClicked = Signal(object)
    alikeWanted = Signal(object)
    teachWanted = Signal(object, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("gallery")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._tiles: list[Tile | None] = []
        self._images: list[QImage | None] = []
        self._color = QColor("#FFFFFF")
        self._hovered: int | None = None
        self._marks: Mapping[tuple[int, int, int], bool] = {}
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def value(self) -> list[Tile | None]:
        """Tiles shown."""
        return list(self._tiles)

    def setValue(self, tiles: Sequence[Tile | None], color: str = "#FFFFFF") -> None:
        """Show other tiles, their patches framed in a colour."""
        self._tiles = list(tiles)
        self._images = [None if tile is None else _image(tile) for tile in tiles]
        self._color = QColor(color)
        self._hovered = None
        self.updateGeometry()
        self.update()

    def setColor(self, color: str) -> None:
        """Frame the patches in another colour."""
        self._color = QColor(color)
        self.update()

    def setMarks(self, marks: Mapping[tuple[int, int, int], bool]) -> None:
        """Mark tiles by field, row and column of their patch: a feature is taught by it, or by what it is not."""
        if marks != self._marks:
            self._marks = marks
            self.update()

    def setTiles(self, arrived: Iterable[tuple[int, Tile]]) -> None:
        """Pictures have arrived, each with its position."""
        for position, tile in arrived:
            if position < len(self._tiles):
                self._tiles[position], self._images[position] = tile, _image(tile)
                self.update(self._rect(position).toAlignedRect().adjusted(-1, -1, 1, int(_FOOT) + 1))

    def tileCenter(self, position: int) -> QPointF:
        """Middle of a tile in the widget's pixels."""
        return self._rect(position).center()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        rows = -(-max(1, len(self._tiles)) // self._across(width))
        return round(rows * (self._side(width) + _FOOT + _GAP) + 2)

    def sizeHint(self) -> QSize:
        return QSize(360, self.heightForWidth(max(self.width(), 200)))

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 90)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        with QPainter(self) as painter:
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
            painter.setFont(small_font(self, -1.5))
            dirty = QRectF(self.rect() if event is None else event.rect())
            for position in range(len(self._tiles)):
                if self._rect(position).adjusted(-2, -2, 2, _FOOT + 2).intersects(dirty):
                    self._paint_tile(painter, position)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is not None:
            self._hover(self._at(event.position()))

    def leaveEvent(self, event: QEvent | None) -> None:
        self._hover(None)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        position = None if event is None else self._at(event.position())
        tile = None if position is None else self._tiles[position]
        if tile is not None and event is not None and event.button() == Qt.MouseButton.LeftButton:
            self.tileClicked.emit(tile)

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        super().focusInEvent(event)
        if event is not None and event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self._hover(0 if self._tiles else None)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None or not self._tiles:
            super().keyPressEvent(event)
            return
        at, across = self._hovered or 0, self._across(self.width())
        if event.key() in _KEY_STEPS:
            right, down = _KEY_STEPS[Qt.Key(event.key())]
            self._hover(min(max(0, at + right + down * across), len(self._tiles) - 1))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._tiles[at] is not None:
            self.tileClicked.emit(self._tiles[at])
        elif event.text() in _TEACH_KEYS and self._tiles[at] is not None:
            self.teachWanted.emit(self._tiles[at], _TEACH_KEYS[event.text()])
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:
        if event is None:
            return
        by_key = event.reason() == event.Reason.Keyboard
        position = self._hovered if by_key else self._at(QPointF(event.pos()))
        tile = None if position is None else self._tiles[position]
        if tile is not None and position is not None:
            at = self.tileCenter(position).toPoint() if by_key else event.pos()
            self.tileMenu(tile).popup(self.mapToGlobal(at))

    def tileMenu(self, tile: Tile) -> QMenu:
        """What can be done with a tile; deletes itself when it is closed."""
        menu = QMenu(self)
        menu.setObjectName("tile_menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for name, text, act in (
            ("go_there", "Go there", lambda: self.tileClicked.emit(tile)),
            ("tile_alike", "More like this", lambda: self.alikeWanted.emit(tile)),
            ("tile_teach", "Teach by this", lambda: self.teachWanted.emit(tile, True)),
            ("tile_teach_not", "Teach: not this", lambda: self.teachWanted.emit(tile, False)),
        ):
            action = menu.addAction(text)
            assert action is not None
            action.setObjectName(name)
            action.triggered.connect(lambda _=False, act=act: act())
        return menu

    def event(self, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.ToolTip:
            position = self._at(QPointF(event.pos()))  # type: ignore[attr-defined]  # a QHelpEvent
            tile = None if position is None else self._tiles[position]
            text = "" if tile is None else tile.tip or f"{tile.caption}: activation {tile.example.value:.3g}."
            text = (
                f"{text} Click to go there, right-click for more like this, or to teach by it (+ and −)."
                if text
                else ""
            )
            QToolTip.showText(event.globalPos(), text, self)  # type: ignore[attr-defined]
            return True
        return super().event(event)

    def _hover(self, position: int | None) -> None:
        if position != self._hovered:
            self._hovered = position
            self.setCursor(Qt.CursorShape.ArrowCursor if position is None else Qt.CursorShape.PointingHandCursor)
            self.update()

    def _paint_tile(self, painter: QPainter, position: int) -> None:
        rect, image, tile = self._rect(position), self._images[position], self._tiles[position]
        path = QPainterPath()
        path.addRoundedRect(rect, 4, 4)
        painter.fillPath(path, raised(self, 0.08))
        if image is None or tile is None:
            return
        painter.save()
        painter.setClipPath(path)
        painter.drawImage(rect, image)
        left, top, width, height = tile.box
        frame = QRectF(
            rect.left() + left * rect.width(),
            rect.top() + top * rect.height(),
            width * rect.width(),
            height * rect.height(),
        )
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._color, 1.4))
        painter.drawRect(frame)
        painter.restore()
        like = self._marks.get((tile.example.field_index, tile.example.gy, tile.example.gx))
        if like is not None:
            self._paint_mark(painter, rect, like)
        if position == self._hovered:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(ink(self, 0.9), 1.6))
            painter.drawRoundedRect(rect, 4, 4)
        painter.setPen(ink(self, 0.7))
        line = QRectF(rect.left(), rect.bottom(), rect.width(), _FOOT)
        caption = QFontMetricsF(painter.font()).elidedText(tile.caption, Qt.TextElideMode.ElideMiddle, rect.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, caption)

    def _paint_mark(self, painter: QPainter, rect: QRectF, like: bool) -> None:
        """A plus or a minus in the corner."""
        middle, arm = QPointF(rect.right() - 11, rect.top() + 11), 4.0
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor("#FFFFFF" if like else "#20242C"))
        painter.drawEllipse(middle, 8, 8)
        painter.setPen(QPen(QColor("#20242C" if like else "#FFFFFF"), 2))
        painter.drawLine(middle - QPointF(arm, 0), middle + QPointF(arm, 0))
        if like:
            painter.drawLine(middle - QPointF(0, arm), middle + QPointF(0, arm))

    def _across(self, width: float) -> int:
        return max(2, int((width + _GAP) // (_SIDE + _GAP)))

    def _side(self, width: float) -> float:
        across = self._across(width)
        return (width - (across - 1) * _GAP) / across

    def _rect(self, position: int) -> QRectF:
        row, column = divmod(position, self._across(self.width()))
        side = self._side(self.width())
        return QRectF(column * (side + _GAP) + 0.5, row * (side + _FOOT + _GAP) + 0.5, side - 1, side - 1)

    def _at(self, point: QPointF) -> int | None:
        for position in range(len(self._tiles)):
            if self._rect(position).adjusted(0, 0, 0, _FOOT).contains(point):
                return position
        return None


def _image(tile: Tile) -> QImage:
    height, width = tile.pixels.shape[:2]
    # QImage does not own the pixels it is given; the copy does
    return QImage(tile.pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()
