"""Wells without a place on a grid (slides, loose images) as a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractListModel, QItemSelection, QItemSelectionModel, QModelIndex, QSize, Qt, Signal
from qtpy.QtGui import QColor, QFontMetrics, QPainter
from qtpy.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from napari_lexicon.widgets.basic.ink import accent, ink, raised
from napari_lexicon.widgets.basic.words import counted
from napari_lexicon.widgets.plate.layout import PlateLayout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari_lexicon.viewer.colors import RGB
    from napari_lexicon.widgets.plate.layout import WellPlace


class _Wells(QAbstractListModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.wells: list[WellPlace] = []
        self.colors: Mapping[str, RGB] = {}
        self.current: str | None = None
        self.tip: Callable[[str], str] = str

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return len(self.wells)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        well = self.wells[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return well.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.tip(well.name)
        return None


class _Row(QStyledItemDelegate):
    """Colour, name, number of fields."""

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        model, view = index.model(), self.parent()
        if painter is None or not isinstance(model, _Wells) or not isinstance(view, QWidget):
            return
        well = model.wells[index.row()]
        rect = option.rect.adjusted(2, 1, -2, -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(raised(view, 0.16))
            painter.drawRoundedRect(rect, 4, 4)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(raised(view, 0.08))
            painter.drawRoundedRect(rect, 4, 4)
        color = model.colors.get(well.name)
        dot = rect.adjusted(6, (rect.height() - 10) // 2, 0, 0)
        dot.setSize(QSize(10, 10))
        if color is None:
            painter.setPen(ink(view, 0.4))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        else:
            painter.setBrush(QColor(*color))
        painter.drawEllipse(dot)
        metrics = QFontMetrics(painter.font())
        count = counted(well.n_fields, "field") if well.n_fields != 1 else ""
        text = rect.adjusted(24, 0, -8 - metrics.horizontalAdvance(count) - 6, 0)
        painter.setPen(accent(view) if well.name == model.current else ink(view, 0.92))
        shown = metrics.elidedText(well.name, Qt.TextElideMode.ElideMiddle, text.width())
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
        painter.setPen(ink(view, 0.5))
        painter.drawText(rect.adjusted(0, 0, -8, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, count)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(120, 26)


class WellList(QListView):
    """The same view as :class:`~napari_lexicon.widgets.plate.grid.PlateGrid`, for wells without a place."""

    valueChanged = Signal(object)
    wellHovered = Signal(object)
    wellActivated = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("well_list")
        self._model = _Wells(self)
        self._layout = PlateLayout()
        self.setModel(self._model)
        self.setItemDelegate(_Row(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setMinimumHeight(110)
        self.entered.connect(lambda index: self.wellHovered.emit(self._model.wells[index.row()].name))
        self.activated.connect(self._activated)
        selection = self.selectionModel()
        assert selection is not None
        selection.selectionChanged.connect(lambda: self.valueChanged.emit(self.value()))

    def value(self) -> frozenset[str]:
        """Selected wells."""
        return frozenset(self._model.wells[index.row()].name for index in self.selectedIndexes())

    def setValue(self, wells: frozenset[str]) -> None:
        """Select wells."""
        if wells == self.value():
            return
        chosen = QItemSelection()
        for row, well in enumerate(self._model.wells):
            if well.name in wells:
                chosen.select(self._model.index(row), self._model.index(row))
        selection = self.selectionModel()
        assert selection is not None
        selection.select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def setPlate(self, layout: PlateLayout) -> None:
        """Show another plate."""
        self._layout = layout
        self._model.beginResetModel()
        self._model.wells, self._model.colors, self._model.current = list(layout.wells.values()), {}, None
        self._model.endResetModel()

    def plate(self) -> PlateLayout:
        """The layout shown."""
        return self._layout

    def setColors(self, colors: Mapping[str, RGB]) -> None:
        """Colour the wells."""
        self._model.colors = dict(colors)
        self._redraw()

    def colors(self) -> Mapping[str, RGB]:
        """Colours as set."""
        return self._model.colors

    def setCurrent(self, well: str | None) -> None:
        """Mark the well whose image is shown, and scroll to it."""
        self._model.current = well
        for row, each in enumerate(self._model.wells):
            if each.name == well:
                self.scrollTo(self._model.index(row))
        self._redraw()

    def current(self) -> str | None:
        """The marked well."""
        return self._model.current

    def setTip(self, tip: Callable[[str], str]) -> None:
        """What hovering says about a well."""
        self._model.tip = tip

    def _activated(self, index: QModelIndex) -> None:
        self.wellActivated.emit(self._model.wells[index.row()].name)

    def _redraw(self) -> None:
        viewport = self.viewport()
        if viewport is not None:
            viewport.update()
