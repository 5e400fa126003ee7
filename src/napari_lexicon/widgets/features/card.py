"""The card of the chosen feature: its name, what is known of it, how its map is drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import QCheckBox, QComboBox, QGridLayout, QHBoxLayout, QLineEdit, QSlider, QVBoxLayout, QWidget

from napari_lexicon.viewer.overlay import OverlayStyle
from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.card import Card
from napari_lexicon.widgets.features.look_controls import LookControls
from napari_lexicon.widgets.rounds.bars import RoundBars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QPaintEvent


class Dot(QWidget):
    """A feature's colour."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._color = QColor("#888888")
        self.setFixedSize(QSize(16, 16))

    def setValue(self, color: str) -> None:
        """Show a colour."""
        self._color = QColor(color)
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._color)
            painter.drawEllipse(QRectF(2, 2, 12, 12))


class StyleControls(QWidget):
    """Threshold, opacity, smooth: its value is an :class:`OverlayStyle`.

    Signals
    -------
    valueChanged(OverlayStyle)
        Another style.
    """

    valueChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value = OverlayStyle()
        self.threshold = self._slider("threshold", "Hide activation below this part of the feature's strongest.")
        self.opacity = self._slider("opacity", "How much the map covers the image.")
        self.smooth = QCheckBox("smooth")
        self.smooth.setObjectName("smooth")
        self.smooth.setToolTip("Blend the patches into each other. Without it every patch is shown as it was computed.")
        self.smooth.toggled.connect(self._told)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        for column, (text, slider) in enumerate((("Threshold", self.threshold), ("Opacity", self.opacity))):
            grid.addWidget(Caption(text, fit=True), 0, 2 * column)
            grid.addWidget(slider, 0, 2 * column + 1)
        grid.addWidget(self.smooth, 0, 4)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        self.setValue(self._value)

    def value(self) -> OverlayStyle:
        """The style."""
        return self._value

    def setValue(self, style: OverlayStyle) -> None:
        """Show another style."""
        for slider, part in ((self.threshold, style.threshold), (self.opacity, style.opacity)):
            slider.blockSignals(True)
            slider.setValue(round(part * 100))
            slider.blockSignals(False)
        self.smooth.blockSignals(True)
        self.smooth.setChecked(style.smooth)
        self.smooth.blockSignals(False)
        if style != self._value:
            self._value = style
            self.valueChanged.emit(style)

    def _slider(self, name: str, tip: str) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setObjectName(name)
        slider.setRange(0, 100)
        slider.setToolTip(tip)
        slider.setMinimumWidth(48)
        slider.valueChanged.connect(self._told)
        return slider

    def _told(self) -> None:
        style = replace(
            self._value,
            threshold=self.threshold.value() / 100,
            opacity=self.opacity.value() / 100,
            smooth=self.smooth.isChecked(),
        )
        if style != self._value:
            self._value = style
            self.valueChanged.emit(style)


class FeatureCard(Card):
    """The chosen feature.

    Signals
    -------
    named(str)
        A person typed a name.
    channelChanged(int or None)
        The channel whose activation is shown.
    """

    named = Signal(str)
    channelChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.dot = Dot()
        self.number = Caption(bold=True, strength=1.0, step=1.5, fit=True)
        self.number.setObjectName("feature_number")
        self.name = QLineEdit()
        self.name.setObjectName("feature_name")
        self.name.setPlaceholderText("name it…")
        self.name.setToolTip("What do you recognise? The name is kept in the lexicon. Empty takes it away.")
        self.name.editingFinished.connect(self._named)
        self.facts = Caption(wrap=True, step=-0.5)
        self.facts.setObjectName("feature_facts")
        self.channel = QComboBox()
        self.channel.setObjectName("channel")
        self.channel.setToolTip("Show the activation in one channel, or the strongest of all.")
        self.channel.activated.connect(lambda: self.channelChanged.emit(self.channel.currentData()))
        self.style_controls = StyleControls()
        self.rounds = RoundBars()
        self.look = LookControls()
        self._given = ""
        top = QHBoxLayout()
        top.setSpacing(6)
        top.addWidget(self.dot)
        top.addWidget(self.number)
        top.addWidget(self.name, 1)
        top.addWidget(self.channel)
        box = QVBoxLayout(self)
        box.setContentsMargins(9, 7, 9, 7)
        box.setSpacing(5)
        box.addLayout(top)
        box.addWidget(self.facts)
        box.addWidget(self.style_controls)
        box.addWidget(self.rounds)
        box.addWidget(self.look)

    def setFeature(self, number: int, name: str, color: str, facts: str) -> None:
        """Show a feature."""
        self.dot.setValue(color)
        self.number.setText(f"#{number}")
        self._given = name
        if self.name.text() != name:
            self.name.setText(name)
        self.facts.setText(facts)

    def setChannels(self, names: Sequence[str]) -> None:
        """Offer these channels."""
        self.channel.clear()
        self.channel.addItem("all channels", None)
        for number, name in enumerate(names):
            self.channel.addItem(name, number)
        self.channel.setVisible(len(names) > 1)

    def setChannel(self, channel: int | None) -> None:
        """Choose a channel."""
        self.channel.setCurrentIndex(0 if channel is None else channel + 1)

    def _named(self) -> None:
        text = self.name.text().strip()
        if text != self._given:
            self._given = text
            self.named.emit(text)
