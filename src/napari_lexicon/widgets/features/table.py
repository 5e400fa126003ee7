"""The feature table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPoint, QRectF, QSize, Qt, QTimer, Signal
from qtpy.QtGui import QColor, QFontMetricsF, QPainter, QPen
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from napari_lexicon.widgets.basic.ink import accent, ink, raised, small_font
from napari_lexicon.widgets.features.table_model import BAR_ROLE, COLOR_ROLE, KEPT_ROLE, NAMED_ROLE, FeatureTableModel
from napari_lexicon.widgets.workspace.last_view import NAMED_FIRST

if TYPE_CHECKING:
    from qtpy.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
    from qtpy.QtWidgets import QWidget

_ROW = 24
_DOT = 22  # pixels at the left of a row in which a click is one on the dot
_SELECT = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
_WIDTHS = {"name": 90, "part": 64, "number": 58, "signed": 66, "q": 46, "text": 56}
_LESS_THAN_NAMES, _BESIDE_NAME, _NAMES_MOST = 3, 32, 220
"""From how spare on a column gives way to names, and pixels: of the dot, and of the column of names at most."""
_BESIDE_TITLE = 6  # pixels beside the title of a column that can be left out
_CONDITION_GROWS = 44
"""Pixels that the column of conditions gets of what is left over, less where names of features need it as well."""


def paint_dot(painter: QPainter, rect: QRectF, color: QColor, *, kept: bool) -> None:
    """A feature's colour; with a ring around it where its map stays on the image."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawEllipse(rect)
    if kept:
        painter.setPen(QPen(color, 1.4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(rect.adjusted(-2.8, -2.8, 2.8, 2.8))


class _Cell(QStyledItemDelegate):
    """Colour dot and name; numbers over a bar of their size."""

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        view = self.parent()
        if painter is None or not isinstance(view, QTableView):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(option.rect)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            current = view.currentIndex().row() == index.row()
            painter.fillRect(rect, raised(view, 0.20 if current else 0.13))
            if index.column() == 0 and current:
                painter.fillRect(QRectF(rect.left(), rect.top(), 3, rect.height()), accent(view))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, raised(view, 0.10))
        font = small_font(view)
        color = index.data(COLOR_ROLE) if index.column() == 0 else None
        aligned = Qt.AlignmentFlag(index.data(Qt.ItemDataRole.TextAlignmentRole))
        # a number that is cut off is none: it may begin at the edge of its cell
        text = rect.adjusted(2 if aligned & Qt.AlignmentFlag.AlignRight else 8, 0, -6, 0)
        if color is not None:
            dot = QRectF(rect.left() + 9, rect.center().y() - 4.5, 9, 9)
            paint_dot(painter, dot, QColor(color), kept=bool(index.data(KEPT_ROLE)))
            text.adjust(17, 0, 0, 0)
            font.setBold(bool(index.data(NAMED_ROLE)))
        bar = index.data(BAR_ROLE)
        if bar:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ink(view, 0.13))
            room = rect.adjusted(3, 4, -3, -4)
            painter.drawRoundedRect(
                QRectF(room.right() - room.width() * bar, room.top(), room.width() * bar, room.height()), 3, 3
            )
        painter.setFont(font)
        painter.setPen(ink(view, 0.95))
        # names and conditions begin with what they are; channels and wells often differ at their ends alone
        model = index.model()
        key = model.columns()[index.column()].key if isinstance(model, FeatureTableModel) else ""
        side = Qt.TextElideMode.ElideMiddle if key in ("channel", "well") else Qt.TextElideMode.ElideRight
        shown = QFontMetricsF(font).elidedText(str(index.data() or ""), side, text.width())
        painter.drawText(text, aligned, shown)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(50, _ROW)


class FeatureTable(QTableView):
    """All features; its value is the chosen one, or None.

    Signals
    -------
    valueChanged(int or None)
        Another feature is chosen.
    keepToggled(int)
        The dot of a feature was clicked, or Space was pressed on it: keep its map on the image, or no longer.
    markedChanged(frozenset of int)
        A person selected several rows, or one again (then none).
    """

    valueChanged = Signal(object)
    keepToggled = Signal(int)
    markedChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("feature_table")
        self._model = FeatureTableModel(self)
        self._value: int | None = None
        self._setting = False
        self._marked: frozenset[int] = frozenset()
        self._by_hand: dict[str, bool] = {}
        self.setModel(self._model)
        self.setItemDelegate(_Cell(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)  # Tab leaves the table; the arrows walk in it
        self.setMouseTracking(True)
        self.setWordWrap(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        assert rows is not None and columns is not None
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(_ROW)
        columns.setHighlightSections(False)
        columns.setMinimumSectionSize(40)
        columns.setSortIndicatorShown(True)
        columns.setSectionsClickable(True)
        columns.sectionClicked.connect(self._sort_by)
        columns.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        columns.customContextMenuRequested.connect(self._offer_columns)
        self._model.modelReset.connect(self._after_reset)
        self._model.layoutChanged.connect(self._after_reorder)
        selection = self.selectionModel()
        assert selection is not None
        selection.currentRowChanged.connect(self._row_changed)
        selection.selectionChanged.connect(self._rows_selected)

    def table_model(self) -> FeatureTableModel:
        """The model behind it."""
        return self._model

    def value(self) -> int | None:
        """The chosen feature."""
        return self._value

    def setValue(self, feature: int | None) -> None:
        """Choose a feature; one that is filtered out stays chosen and is not seen."""
        if feature != self._value:
            self._value = feature
            self._show_value()
            self.valueChanged.emit(feature)

    def marked(self) -> frozenset[int]:
        """Features selected together, none where only one is chosen."""
        return self._marked

    def setMarked(self, features: frozenset[int]) -> None:
        """Select the rows of these features; says nothing."""
        self._marked = frozenset(features)
        self._show_value()

    def columnsMenu(self) -> QMenu:
        """A menu with every column and whether it is shown; deletes itself when it is closed."""
        menu = QMenu(self)
        menu.setObjectName("columns_menu")
        menu.setToolTipsVisible(True)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for section, column in enumerate(self._model.columns()):
            if column.kind != "name":
                action = menu.addAction(column.title)
                assert action is not None
                action.setObjectName(column.key)
                action.setToolTip(column.tip)
                action.setCheckable(True)
                action.setChecked(not self.isColumnHidden(section))
                action.toggled.connect(lambda shown, key=column.key: self.setColumnShown(key, shown))
        menu.addSeparator()
        silent = menu.addAction("Features that never fire here")
        assert silent is not None
        silent.setObjectName("silent")
        silent.setCheckable(True)
        silent.setChecked(self._model.shows_silent())
        silent.toggled.connect(self._model.setShowSilent)
        return menu

    def _offer_columns(self, at: QPoint) -> None:
        """Not a function that holds the header: nobody else does in Python, so both would be taken for garbage."""
        header = self.horizontalHeader()
        if header is not None:
            self.columnsMenu().popup(header.mapToGlobal(at))

    def setColumnShown(self, key: str, shown: bool) -> None:
        """Show or hide a column, whatever room there is."""
        self._by_hand[key] = shown
        self._fit_columns()

    def sizeHint(self) -> QSize:
        return QSize(370, 260)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._fit_columns()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        feature = None if event is None else self._dot_at(event.position().toPoint())
        if event is None or feature is None or event.button() != Qt.MouseButton.LeftButton:
            super().mousePressEvent(event)
            return
        self.keepToggled.emit(feature)  # a click on the dot leaves the choice alone

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        viewport = self.viewport()
        if event is not None and viewport is not None:
            hand = self._dot_at(event.position().toPoint()) is not None
            viewport.setCursor(Qt.CursorShape.PointingHandCursor if hand else Qt.CursorShape.ArrowCursor)
        super().mouseMoveEvent(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None and event.key() == Qt.Key.Key_Space and self._value is not None:
            self.keepToggled.emit(self._value)
            return
        super().keyPressEvent(event)

    def dotCenter(self, row: int) -> QPoint:
        """Middle of a row's dot, in the viewport's pixels."""
        cell = self.visualRect(self._model.index(row, 0))
        return QPoint(cell.left() + 13, cell.center().y())

    def _dot_at(self, point: QPoint) -> int | None:
        index = self.indexAt(point)
        if not index.isValid() or index.column() != 0 or point.x() - self.visualRect(index).left() > _DOT:
            return None
        return self._model.feature_at(index.row())

    def _sort_by(self, section: int) -> None:
        at, falling = self._model.sorted_by()
        begins = self._model.columns()[section].kind not in ("name", "text", "q")
        if at == section and falling != begins and self._model.puts_names_first():
            self._model.setSorting(*NAMED_FIRST)  # a third click
        else:
            falls = not falling if at == section else begins
            self._model.sort(section, Qt.SortOrder.DescendingOrder if falls else Qt.SortOrder.AscendingOrder)
        self.scrollToTop()

    def _after_reset(self) -> None:
        self._fit_columns()
        self._show_sorting()
        self._show_value()

    def _after_reorder(self) -> None:
        self._show_sorting()
        self._show_value()

    def _show_sorting(self) -> None:
        header = self.horizontalHeader()
        section, falling = self._model.sorted_by()
        if header is not None:
            header.setSortIndicator(section, Qt.SortOrder.DescendingOrder if falling else Qt.SortOrder.AscendingOrder)

    def _fit_columns(self) -> None:
        """Fixed widths; what is left over goes to conditions and names, and what does not fit is left out."""
        header, viewport = self.horizontalHeader(), self.viewport()
        if header is None or viewport is None or not self._model.columns():
            return
        columns = self._model.columns()
        titles = QFontMetricsF(header.font())
        widths = [
            max(_WIDTHS[column.kind], round(titles.horizontalAdvance(column.title)) + _BESIDE_TITLE)
            if column.spare
            else _WIDTHS[column.kind]
            for column in columns
        ]
        shown = [n for n, column in enumerate(columns) if self._by_hand.get(column.key, column.wanted)]
        for section in sorted(shown, key=lambda section: -columns[section].spare):
            if self._by_hand.get(columns[section].key):
                continue
            if columns[section].spare and sum(widths[each] for each in shown) > viewport.width():
                shown.remove(section)
        left = max(0, viewport.width() - sum(widths[each] for each in shown))
        for section in sorted(shown, key=lambda section: -columns[section].spare):
            spare = columns[section].spare >= _LESS_THAN_NAMES and not self._by_hand.get(columns[section].key)
            if spare and widths[0] + left < self._names_width():
                shown.remove(section)
                left += widths[section]
        for section in shown:
            if columns[section].key == "best_value":
                names = max(0, round(self._names_width()) - widths[0])
                grows = min(_CONDITION_GROWS, round(left * _CONDITION_GROWS / (_CONDITION_GROWS + names)))
                widths[section] += grows
                left -= grows
        widths[0] += left
        for section, width in enumerate(widths):
            self.setColumnHidden(section, section not in shown)
            header.resizeSection(section, width)

    def _names_width(self) -> float:
        """Pixels in which the longest name is read whole, within bounds."""
        font = small_font(self)
        font.setBold(True)
        metrics = QFontMetricsF(font)
        longest = max((metrics.horizontalAdvance(name) for name in self._model.names()), default=0.0)
        return min(longest + _BESIDE_NAME, _NAMES_MOST)

    def _show_value(self) -> None:
        row = None if self._value is None else self._model.row_of(self._value)
        selection = self.selectionModel()
        assert selection is not None
        self._setting = True
        selection.clearSelection()
        index = QModelIndex() if row is None else self._model.index(row, 0)
        selection.setCurrentIndex(index, _SELECT if row is not None else QItemSelectionModel.SelectionFlag.NoUpdate)
        if row is not None:
            self.scrollTo(index)
        if self._marked:
            rows = QItemSelection()
            for at in self._model.rows_of(self._marked):
                rows.select(self._model.index(at, 0), self._model.index(at, 0))
            selection.select(rows, _SELECT)
        self._setting = False

    def _rows_selected(self, *_: object) -> None:
        selection = self.selectionModel()
        if self._setting or selection is None:
            return
        features = frozenset(self._model.feature_at(index.row()) for index in selection.selectedRows())
        if len(features) == 1 and features <= self._marked:
            QTimer.singleShot(0, self._show_value)  # one of those that are selected is chosen: the others stay selected
            return
        marked = features if len(features) > 1 else frozenset()
        if marked != self._marked:
            self._marked = marked
            self.markedChanged.emit(marked)

    def _row_changed(self, current: QModelIndex, previous: QModelIndex) -> None:
        if self._setting or not current.isValid():
            return
        feature = self._model.feature_at(current.row())
        if feature != self._value:
            self._value = feature
            self.valueChanged.emit(feature)
