"""Live curves of a training run."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.ink import accent, ground, ink
from napari_lexicon.widgets.workspace.training_curves import TrainingCurves


class CurvesView(QWidget):
    """Three small plots over the steps: loss, explained variance, dead features. Its value is a TrainingCurves."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        import pyqtgraph

        self._curves = TrainingCurves()
        self.line = Caption(strength=0.95)
        self.line.setObjectName("training_figures")
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(2)
        box.addWidget(self.line)
        self._plots: list[Any] = []
        self._titles: list[Caption] = []
        for title, tip in (
            ("loss: held-out, training (thin)", "Squared error of the reconstruction; lower is better."),
            ("explained variance", "Part of the variation of held-out tokens that the dictionary explains."),
            ("dead features, %", "Features that no recent token used."),
        ):
            self._titles.append(Caption(title, step=-1, strength=0.6))
            box.addWidget(self._titles[-1])
            plot = pyqtgraph.PlotWidget(background=None)
            plot.setFixedHeight(80)
            plot.setToolTip(tip)
            plot.setMenuEnabled(False)
            plot.hideButtons()
            plot.setMouseEnabled(False, False)
            plot.getAxis("left").setWidth(40)
            plot.getPlotItem().setContentsMargins(0, 7, 0, 0)  # half of the uppermost number
            box.addWidget(plot)
            self._plots.append(plot)
        self._plots[2].setLimits(yMin=-0.1)  # a part is never less than nothing; the line at nothing stays in sight
        self._lines = [self._plots[0].plot(), self._plots[0].plot(), self._plots[1].plot(), self._plots[2].plot()]
        self._dye()

    def value(self) -> TrainingCurves:
        """Curves shown."""
        return self._curves

    def setValue(self, curves: TrainingCurves) -> None:
        """Show other curves, or the same ones grown longer."""
        self._curves = curves
        percent = [(step, value * 100) for step, value in curves.dead]
        for line, points in zip(
            self._lines, (curves.training, curves.held_out, curves.explained, percent), strict=True
        ):
            line.setData([step for step, _ in points], [value for _, value in points])
        self.line.setText(curves.last())
        several = len(curves.training) > 1 or len(curves.held_out) > 1  # what is found at once has no curve
        for widget in (*self._titles, *self._plots):
            widget.setVisible(several)

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange:
            self._dye()

    def _dye(self) -> None:
        """Colours of the theme."""
        import pyqtgraph

        faint = pyqtgraph.mkPen(ink(self, 0.35), width=1)
        for plot in self._plots:
            plot.setBackground(ground(self))  # a clear one keeps the colour of the theme before
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(faint)
                axis.setTextPen(ink(self, 0.6))
                axis.setStyle(tickLength=-4)
        strong = pyqtgraph.mkPen(accent(self), width=2)
        self._lines[0].setPen(pyqtgraph.mkPen(ink(self, 0.45), width=1))
        for line in self._lines[1:]:
            line.setPen(strong)
