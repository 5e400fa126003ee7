"""The figure beside a question's table; points and bars lead to their rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QEvent, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_lexicon.widgets.basic.ink import accent, ground, ink
from napari_lexicon.widgets.questions.figures import Bars, Figure, Lines, Points

_COLORS = ("#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#e15759", "#76b7b2", "#d4a500", "#9c755f")


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
            item.addItem(pyqtgraph.InfiniteLine(figure.chance, angle=90, pen=pyqtgraph.mkPen(ink(self, 0.6), style=2)))
        item.getAxis("left").setTicks([list(zip(at, figure.names, strict=True))])
        item.setLabels(bottom=figure.title, left="")

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
