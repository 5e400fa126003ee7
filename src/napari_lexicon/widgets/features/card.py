"""The card of the chosen feature: its name, what is known of it, how its map is drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPen, QStandardItemModel
from qtpy.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_lexicon.viewer.overlay import OverlayStyle
from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.card import Card
from napari_lexicon.widgets.features.look_controls import LookControls
from napari_lexicon.widgets.features.table import paint_dot
from napari_lexicon.widgets.rounds.bars import RoundBars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QPaintEvent


KEEP_TIP = "Keep this map on the image while you look at other features."
_LOOKS = (
    ("patches", (False, False, False), "Every patch as it was computed."),
    ("smooth", (True, False, False), "Patches blended into each other."),
    ("outlines", (False, True, False), "Outlines of what fires, so that the image and other maps stay visible."),
    (
        "above control",
        (False, False, True),
        "How much more strongly it fires than it does on average where it fires in control wells.",
    ),
)
"""What can be drawn: word, whether smooth, outline and above control, tooltip."""


class Dot(QAbstractButton):
    """A feature's colour; a click keeps its map on the image, or lets it go."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("keep_map")
        self._color, self._kept = QColor("#888888"), False
        self.setFixedSize(QSize(20, 20))
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def setValue(self, color: str, kept: bool) -> None:
        """Show a colour, ringed where the map is kept."""
        self._color, self._kept = QColor(color), kept
        self.setToolTip("Let the map go that stays on the image." if kept else KEEP_TIP)
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint_dot(painter, QRectF(4.5, 4.5, 11, 11), self._color, kept=self._kept)
            if self.underMouse() or self.hasFocus():
                painter.setPen(QPen(self._color, 1.2, Qt.PenStyle.DotLine))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(QRectF(1.5, 1.5, 17, 17))


class StyleControls(QWidget):
    """Threshold, opacity, and what is drawn: its value is an :class:`OverlayStyle`.

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
        self.look = QComboBox()
        self.look.setObjectName("look")
        for text, _, tip in _LOOKS:
            self.look.addItem(text)
            self.look.setItemData(self.look.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.look.setToolTip("How maps are drawn: as patches, blended, as outlines, or beyond what controls show.")
        self.look.activated.connect(self._told)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        for column, (text, slider) in enumerate((("Threshold", self.threshold), ("Opacity", self.opacity))):
            grid.addWidget(Caption(text, fit=True, step=-0.5), 0, 2 * column)
            grid.addWidget(slider, 0, 2 * column + 1)
        grid.addWidget(self.look, 0, 4)
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
        parts = (style.smooth, style.outline, style.above_control)
        self.look.setCurrentIndex(next((n for n, look in enumerate(_LOOKS) if look[1] == parts), 0))
        if style != self._value:
            self._value = style
            self.valueChanged.emit(style)

    def setControls(self, known: bool) -> None:
        """Whether control wells are known, without which nothing can be above them."""
        model = self.look.model()
        item = model.item(self.look.count() - 1) if isinstance(model, QStandardItemModel) else None
        if item is not None:
            item.setEnabled(known)
            item.setToolTip(_LOOKS[-1][2] if known else "The plate map names no control wells (negcon).")

    def _slider(self, name: str, tip: str) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setObjectName(name)
        slider.setRange(0, 100)
        slider.setToolTip(tip)
        slider.setMinimumWidth(48)
        slider.valueChanged.connect(self._told)
        return slider

    def _told(self) -> None:
        smooth, outline, above_control = _LOOKS[self.look.currentIndex()][1]
        style = replace(
            self._value,
            threshold=self.threshold.value() / 100,
            opacity=self.opacity.value() / 100,
            smooth=smooth,
            outline=outline,
            above_control=above_control,
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
        self.why = Caption(wrap=True, step=-0.5)
        self.why.setObjectName("feature_why")
        self.channel = QComboBox()
        self.channel.setObjectName("channel")
        self.channel.setToolTip("Show the activation in one channel, or the strongest of all.")
        self.channel.activated.connect(lambda: self.channelChanged.emit(self.channel.currentData()))
        self.style_controls = StyleControls()
        self.rounds = RoundBars()
        self.look = LookControls()
        self._given = ""
        self.unfold = QToolButton()
        self.unfold.setObjectName("unfold_map")
        self.unfold.setCheckable(True)
        self.unfold.setArrowType(Qt.ArrowType.DownArrow)
        self.unfold.setToolTip("How the map is drawn: threshold, opacity, smooth or outlined, rounds, its size.")
        self.unfold.toggled.connect(self._fold)
        self._low = False
        top = QHBoxLayout()
        top.setSpacing(6)
        top.addWidget(self.dot)
        top.addWidget(self.number)
        top.addWidget(self.name, 1)
        top.addWidget(self.channel)
        top.addWidget(self.unfold)
        box = QVBoxLayout(self)
        box.setContentsMargins(9, 7, 9, 7)
        box.setSpacing(5)
        box.addLayout(top)
        box.addWidget(self.facts)
        box.addWidget(self.why)
        box.addWidget(self.style_controls)
        beneath = QHBoxLayout()
        beneath.setSpacing(8)
        beneath.addWidget(self.rounds, 4)
        beneath.addWidget(self.look, 5)
        box.addLayout(beneath)
        self._fold()

    def setFeature(self, number: int, name: str, color: str, kept: bool, facts: str, why: str = "") -> None:
        """Show a feature, whether its map is kept, and why it is shown where nobody chose it."""
        self.dot.setValue(color, kept)
        self.number.setText(f"#{number}")
        self._given = name
        if self.name.text() != name:
            self.name.setText(name)
            self.name.setCursorPosition(0)  # of a long name its beginning is seen
        self.facts.setText(facts)
        self.why.setText(why)
        self.why.setVisible(bool(why))

    def setLow(self, low: bool) -> None:
        """In a low window how the map is drawn is a click away, so that the pages beneath have room."""
        if low != self._low:
            self._low = low
            self._fold()

    def _fold(self) -> None:
        shown = not self._low or self.unfold.isChecked()
        self.unfold.setVisible(self._low)
        self.unfold.setArrowType(Qt.ArrowType.UpArrow if self.unfold.isChecked() else Qt.ArrowType.DownArrow)
        for widget in (self.style_controls, self.rounds, self.look):
            widget.setVisible(shown)

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
