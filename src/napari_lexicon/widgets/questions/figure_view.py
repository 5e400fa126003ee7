"""The figure beside a question's table; points and bars lead to their rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_lexicon.widgets.basic.ink import accent, ground, ink
from napari_lexicon.widgets.questions.figures import Bars, Figure, Heat, Lines, Points

_COLORS = ("#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#e15759", "#76b7b2", "#d4a500", "#9c755f")
_TIP = "A click on a point, bar or cell shows what it is about."


class FigureView(QWidget):
    """Draws a figure, which is its value; hidden without one.

    Signals
    -------
    rowClicked(int)
        Row of the table behind the point that was clicked.
    """

    rowClicked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        import pyqtgraph

        self._figure: Figure | None = None
        self.plot = pyqtgraph.PlotWidget(background=None)
        self.plot.setObjectName("answer_figure")
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMinimumHeight(190)
        self.plot.scene().sigMouseClicked.connect(self._pressed)
        self.plot.scene().sigMouseMoved.connect(self._hovered)
        self.plot.setToolTip(_TIP)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.plot)
        self.setValue(None)

    def value(self) -> Figure | None:
        """The figure shown."""
        return self._figure

    def setValue(self, figure: Figure | None) -> None:
        """Draw another figure."""
        self._figure = figure
        self.setVisible(figure is not None)
        self._draw()

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange:
            self._draw()

    def _draw(self) -> None:
        import pyqtgraph

        item = self.plot.getPlotItem()
        item.clear()
        self.plot.setBackground(ground(self))  # a clear one keeps the colour of the theme before
        if item.legend is not None:
            item.legend.scene().removeItem(item.legend)
            item.legend = None
        for side in ("left", "bottom"):
            axis = item.getAxis(side)
            axis.setPen(pyqtgraph.mkPen(ink(self, 0.35)))
            axis.setTextPen(ink(self, 0.75))
            axis.setTicks(None)
        if isinstance(self._figure, Points):
            self._points(item, self._figure)
        elif isinstance(self._figure, Bars):
            self._bars(item, self._figure)
        elif isinstance(self._figure, Lines):
            self._lines(item, self._figure)
        elif isinstance(self._figure, Heat):
            self._heat(item, self._figure)
        item.enableAutoRange()

    def _points(self, item: Any, figure: Points) -> None:
        import pyqtgraph

        known = np.isfinite(figure.x) & np.isfinite(figure.y)
        for marked in (False, True):
            rows = np.flatnonzero(known & (figure.marked == marked))
            color = accent(self) if marked else ink(self, 0.35)
            dots = pyqtgraph.ScatterPlotItem(
                figure.x[rows],
                figure.y[rows],
                data=rows,
                size=7 if marked else 5,
                pen=None,
                brush=color,
                hoverable=True,
            )
            dots.sigClicked.connect(self._clicked)
            item.addItem(dots)
        item.setLabels(bottom=figure.x_title, left=figure.y_title)

    def _bars(self, item: Any, figure: Bars) -> None:
        import pyqtgraph

        at = np.arange(len(figure.values))[::-1].astype(float)
        values = np.nan_to_num(figure.values)
        item.addItem(pyqtgraph.BarGraphItem(x0=0, y=at, width=values, height=0.7, pen=None, brush=accent(self)))
        if figure.chance is not None:
            dashed = pyqtgraph.mkPen(ink(self, 0.6), style=Qt.PenStyle.DashLine)
            item.addItem(pyqtgraph.InfiniteLine(figure.chance, angle=90, pen=dashed))
        item.getAxis("left").setTicks([list(zip(at, figure.names, strict=True))])
        item.setLabels(bottom=figure.title, left="")

    def _heat(self, item: Any, figure: Heat) -> None:
        import pyqtgraph

        top = max(float(np.nanpercentile(np.abs(figure.values), 98)) if figure.values.size else 0.0, 1e-9)
        part = np.nan_to_num(figure.values / top).clip(-1, 1)[::-1]
        image = pyqtgraph.ImageItem(_diverging(part, ground(self)), axisOrder="row-major")
        image.setRect(-0.5, -0.5, len(figure.columns), len(figure.rows))
        item.addItem(image)
        rows = [(len(figure.rows) - 1 - n, _cut(name)) for n, name in enumerate(figure.rows)]
        step = max(1, round(len(figure.columns) / 7))  # so that numbers of features do not run into each other
        item.getAxis("left").setTicks([rows[:: max(1, round(len(rows) / 12))]])
        item.getAxis("bottom").setTicks([[(n, _cut(figure.columns[n])) for n in range(0, len(figure.columns), step)]])
        item.setLabels(bottom=f"{figure.title} (red more, blue less)", left="")

    def _pressed(self, event: Any) -> None:
        """The row behind a bar or a cell; points tell their own clicks."""
        row, _ = self._under(event.scenePos())
        if row >= 0:
            self.rowClicked.emit(row)

    def _hovered(self, place: Any) -> None:
        """What lies under the pointer, in words."""
        self.plot.setToolTip(self._under(place)[1] or _TIP)

    def _under(self, place: Any) -> tuple[int, str]:
        """Row of the table behind a bar or a cell, -1 for none, and its words."""
        figure = self._figure
        at = self.plot.getPlotItem().vb.mapSceneToView(place)
        if isinstance(figure, Bars):
            n = len(figure.values) - 1 - round(at.y())
            if 0 <= n < len(figure.rows):
                return int(figure.rows[n]), f"{figure.names[n]}: {figure.values[n]:.3g}"
        elif isinstance(figure, Heat):
            row, column = len(figure.rows) - 1 - round(at.y()), round(at.x())
            if 0 <= row < len(figure.rows) and 0 <= column < len(figure.columns) and figure.table[row, column] >= 0:
                words = f"{figure.rows[row]}, {figure.columns[column]}: {figure.values[row, column]:.3g}"
                return int(figure.table[row, column]), words
        return -1, ""

    def _lines(self, item: Any, figure: Lines) -> None:
        import pyqtgraph

        item.addLegend(offset=(-6, 6), labelTextColor=ink(self, 0.85))
        for n, (name, (x, y)) in enumerate(figure.lines.items()):
            color = _COLORS[n % len(_COLORS)]
            pen = pyqtgraph.mkPen(color, width=2)
            item.plot(x, y, pen=pen, symbol="o", symbolSize=6, symbolBrush=color, symbolPen=None, name=name)
        item.setLabels(bottom=figure.x_title, left=figure.y_title)

    def _clicked(self, _: object, points: Any) -> None:
        if len(points):
            self.rowClicked.emit(int(points[0].data()))


def _diverging(part: np.ndarray, paper: QColor) -> np.ndarray:
    """``(R, C, 3)`` uint8: blue below 0, the colour of the paper at 0, red above."""
    middle = np.array([paper.red(), paper.green(), paper.blue()], dtype=float)
    ends = np.where(part[..., None] > 0, np.array([214.0, 69.0, 38.0]), np.array([58.0, 120.0, 214.0]))
    mixed = middle + np.abs(part[..., None]) * (ends - middle)
    return np.asarray(mixed.round().clip(0, 255), dtype=np.uint8)


def _cut(name: str, most: int = 18) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
