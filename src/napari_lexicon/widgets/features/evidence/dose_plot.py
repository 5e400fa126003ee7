"""Dose and response of one feature: a dot per well, the fitted curve, controls at the left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QEvent, QPointF, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QComboBox, QVBoxLayout, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.ink import accent, ground, ink
from napari_lexicon.widgets.basic.lasso import Lasso, wells_inside
from napari_lexicon.widgets.basic.scroll import LowContent
from napari_lexicon.widgets.features.columns import written_part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QResizeEvent


_AXIS, _BETWEEN = 44, 3
"""Pixels of the axis on the left, and on either side of a written dose."""


@dataclass(frozen=True)
class DoseSeries:
    """One treatment.

    Parameters
    ----------
    treatment : str
        Its name.
    sentence : str
        What its curve and its trend say.
    wells : tuple of str
        Its wells and the control wells.
    doses : tuple of float
        Of each well, 0 for controls.
    values : tuple of float
        Part of the patches in which the feature fires, 0 to 1.
    curve : (float, float, float, float), optional
        Bottom, top, half-maximal dose and slope of the Hill curve; None where none can be fitted.
    unit : str
        Of the doses.
    """

    treatment: str
    sentence: str
    wells: tuple[str, ...]
    doses: tuple[float, ...]
    values: tuple[float, ...]
    curve: tuple[float, float, float, float] | None = None
    unit: str = ""


class DosePlot(LowContent):
    """Its value is the list of :class:`DoseSeries`; one of them is shown.

    Signals
    -------
    wellClicked(str)
        Go there.
    wellsSelected(frozenset of str)
        A line was drawn round dots.
    """

    wellClicked = Signal(str)
    wellsSelected = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        import pyqtgraph

        self._series: list[DoseSeries] = []
        self._by_hand = ""
        self._color = QColor("#FFFFFF")
        self.treatment = QComboBox()
        self.treatment.setObjectName("dose_treatment")
        self.treatment.setToolTip(
            "Treatment whose doses are shown: the one that the feature is most selective for, until you choose. In the "
            "list those with the clearest trend come first."
        )
        self.treatment.currentIndexChanged.connect(self._draw)
        self.treatment.textActivated.connect(self._chosen)
        self.sentence = Caption(wrap=True, step=-0.5)
        self.sentence.setObjectName("dose_sentence")
        self.plot: Any = pyqtgraph.PlotWidget(background=None)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setMouseEnabled(False, False)
        self.plot.setMinimumHeight(120)
        self.plot.getAxis("left").setWidth(_AXIS)
        self.curve = self.plot.plot()
        self.points: Any = pyqtgraph.ScatterPlotItem(hoverable=True, tip=self._words, size=8)
        self.points.sigClicked.connect(self._clicked)
        self.plot.addItem(self.points)
        self._selected: frozenset[str] = frozenset()
        self._lasso = Lasso(self.plot.viewport())
        self._lasso.drawn.connect(self._take_line)
        box = QVBoxLayout(self)
        box.setContentsMargins(6, 6, 6, 4)
        box.setSpacing(4)
        box.addWidget(self.treatment)
        box.addWidget(self.plot, 1)
        box.addWidget(self.sentence)
        self._dye()

    def value(self) -> list[DoseSeries]:
        """Treatments that can be shown."""
        return list(self._series)

    def setValue(self, series: Sequence[DoseSeries], color: str = "#FFFFFF", why_not: str = "", own: str = "") -> None:
        """Offer other treatments and show the one that a person chose, else the feature's own, else the first.

        Or say why there is none.
        """
        self._series, self._color = list(series), QColor(color)
        self.treatment.blockSignals(True)
        self.treatment.clear()
        self.treatment.addItems([one.treatment for one in self._series])
        known = (place for name in (self._by_hand, own) if (place := self.treatment.findText(name)) >= 0)
        self.treatment.setCurrentIndex(next(known, 0) if self._series else -1)
        self.treatment.blockSignals(False)
        for widget in (self.treatment, self.plot):
            widget.setVisible(bool(self._series))
        self.sentence.setText(why_not)
        self._draw()

    def setSelected(self, wells: frozenset[str]) -> None:
        """Ring the dots of selected wells."""
        if wells != self._selected:
            self._selected = wells
            self._draw()

    def shown(self) -> DoseSeries | None:
        """The treatment on the screen."""
        at = self.treatment.currentIndex()
        return self._series[at] if 0 <= at < len(self._series) else None

    def pointCenter(self, well: str) -> QPointF:
        """Middle of a well's dot, in the viewport of the plot."""
        one = self.shown()
        assert one is not None
        at = one.wells.index(well)
        scene = self.plot.getViewBox().mapViewToScene(QPointF(self._log(one)[at], one.values[at] * 100))
        return QPointF(self.plot.mapFromScene(scene))

    @staticmethod
    def _log(one: DoseSeries) -> np.ndarray:
        """Decimal logarithms of doses; controls one step to the left of the smallest."""
        doses = np.array(one.doses)
        steps = np.unique(np.log10(doses[doses > 0]))
        gap = float(np.diff(steps).min()) if len(steps) > 1 else 1.0
        return np.asarray(np.where(doses > 0, np.log10(np.maximum(doses, 1e-30)), steps[0] - max(gap, 0.3)))

    def _draw(self) -> None:
        import pyqtgraph

        one = self.shown()
        if one is None:
            self.curve.setData([], [])
            self.points.setData([], [])
            return
        at, percent = self._log(one), np.array(one.values) * 100
        control = np.array(one.doses) == 0
        faint = QColor(ink(self, 0.5))
        ring = pyqtgraph.mkPen(accent(self), width=2)
        self.points.setData(
            *(at, percent),
            data=list(one.wells),
            brush=[faint if c else self._color for c in control],
            pen=[ring if well in self._selected else None for well in one.wells],
        )
        if one.curve is not None:
            from napari_lexicon.analysis.doses import hill

            bottom, top, half, slope = one.curve
            line = np.linspace(at.min(), at.max(), 160)
            shape = hill(10**line, np.array(half), np.array(slope))
            self.curve.setData(line, 100 * (bottom + (top - bottom) * shape))
        else:
            self.curve.setData([], [])
        ticks = [(float(at[control][0]), "0")] if control.any() else []
        ticks += [(float(np.log10(dose)), f"{dose:.3g}") for dose in np.unique(np.array(one.doses)[~control])]
        self._label(ticks)
        self.plot.setYRange(0, max(float(percent.max()), 1e-3), padding=0.08)
        self.plot.setXRange(float(at.min()), float(at.max()), padding=0.08)
        self.plot.getAxis("left").setLabel("fires in %", **{"font-size": "8pt"})
        self.sentence.setText(one.sentence)
        self._dye()

    def _label(self, ticks: list[tuple[float, str]]) -> None:
        """Write the doses for which there is room: the ends, then one after the other; the rest are ticks alone."""
        span = max(ticks[-1][0] - ticks[0][0], 1e-9) * 1.16  # with the padding of the plot
        pixels = max(self.plot.width() - _AXIS, 80) / span
        metrics = self.plot.fontMetrics()
        taken: list[tuple[float, float]] = []
        written: list[tuple[float, str]] = []
        for at, text in (ticks[0], ticks[-1], *ticks[1:-1]):
            half = metrics.horizontalAdvance(text) / 2 + _BETWEEN
            left, right = at * pixels - half, at * pixels + half
            if all(right <= low or left >= high for low, high in taken):
                taken.append((left, right))
                written.append((at, text))
        self.plot.getAxis("bottom").setTicks([sorted(written), [(at, "") for at, _ in ticks]])

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if self._series:
            self._draw()

    def _words(self, x: float, y: float, data: str) -> str:
        one = self.shown()
        if one is None or data not in one.wells:
            return ""
        dose = one.doses[one.wells.index(data)]
        what = f"{one.treatment} {dose:.3g} {one.unit}".strip() if dose else "control"
        return f"{data} · {what}: fires in {written_part(y / 100)} of patches."

    def _take_line(self, corners: list[tuple[float, float]], modifiers: Qt.KeyboardModifier) -> None:
        one = self.shown()
        if one is not None:
            places = [self.pointCenter(well) for well in one.wells]
            self.wellsSelected.emit(wells_inside(one.wells, places, corners, self._selected, modifiers))

    def _chosen(self, treatment: str) -> None:
        self._by_hand = treatment

    def _clicked(self, _: object, points: Any) -> None:
        if len(points):
            self.wellClicked.emit(str(points[0].data()))

    def changeEvent(self, event: QEvent | None) -> None:
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.StyleChange:
            self._draw()
            self._dye()

    def _dye(self) -> None:
        """Colours of the theme."""
        import pyqtgraph

        self.plot.setBackground(ground(self))  # a clear one keeps the colour of the theme before
        faint = pyqtgraph.mkPen(ink(self, 0.35), width=1)
        for side in ("left", "bottom"):
            axis = self.plot.getAxis(side)
            axis.setPen(faint)
            axis.setTextPen(ink(self, 0.6))
            axis.setStyle(tickLength=-4)
        self.curve.setPen(pyqtgraph.mkPen(self._color, width=2))
