"""What a person says about a feature beside its name: note, tags, colour, how sure they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QWidget,
)

from napari_lexicon.viewer.colors import FEATURE_COLORS
from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.ink import ink

if TYPE_CHECKING:
    from qtpy.QtCore import QObject
    from qtpy.QtGui import QPaintEvent

CONFIDENCE: tuple[tuple[str, str], ...] = (
    ("", "how sure?"),
    ("guess", "a guess"),
    ("likely", "likely"),
    ("sure", "sure"),
)
"""Key and words."""


@dataclass(frozen=True)
class Said:
    """What is said beside the name; empty and None where nothing is."""

    note: str = ""
    tags: tuple[str, ...] = ()
    color: str | None = None
    confidence: str = ""


class _Swatch(QAbstractButton):
    """A colour to choose; without one, the feature's own."""

    def __init__(self, color: str | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.color = color
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setFixedSize(QSize(20, 20))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setObjectName(f"color_{(color or 'own').lstrip('#')}")
        self.setToolTip(f"Colour of the feature everywhere: {color or 'its own'}.")

    def paintEvent(self, event: QPaintEvent | None) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            rect = QRectF(4.5, 4.5, 11, 11)
            if self.color is None:
                painter.setPen(QPen(ink(self, 0.6), 1.2))
                painter.drawEllipse(rect)
                painter.drawLine(rect.bottomLeft(), rect.topRight())
            else:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(self.color))
                painter.drawEllipse(rect)
            if self.isChecked() or self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(ink(self, 0.9 if self.isChecked() else 0.4), 1.4))
                painter.drawEllipse(rect.adjusted(-3, -3, 3, 3))


class Notes(QWidget):
    """Its value is what is :class:`Said`.

    Signals
    -------
    valueChanged(Said)
        A person said something else.
    undoRequested()
        Take the last change back.
    """

    valueChanged = Signal(object)
    undoRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value = Said()
        self.note = QPlainTextEdit()
        self.note.setObjectName("feature_note")
        self.note.setPlaceholderText("What speaks for it, what against, who should look…")
        self.note.setTabChangesFocus(True)
        self.note.setFixedHeight(62)
        self.note.installEventFilter(self)
        self.tags = QLineEdit()
        self.tags.setObjectName("feature_tags")
        self.tags.setPlaceholderText("tags, separated by commas")
        self.tags.setToolTip("The search above the table finds features by their tags.")
        self.tags.editingFinished.connect(self._told)
        self.confidence = QComboBox()
        self.confidence.setObjectName("feature_confidence")
        for key, words in CONFIDENCE:
            self.confidence.addItem(words, key)
        self.confidence.setToolTip("How sure are you of the name?")
        self.confidence.activated.connect(self._told)
        self.swatches = [_Swatch(color) for color in (None, *FEATURE_COLORS)]
        self.undo = QPushButton("Undo")
        self.undo.setObjectName("undo_name")
        self.undo.setToolTip("Take back the last name, note, tag or colour that was given here (Ctrl+Z).")
        self.undo.clicked.connect(self.undoRequested)
        self.who = Caption(step=-0.5, strength=0.6)
        self.who.setObjectName("feature_named_by")
        self._build()

    def _build(self) -> None:
        colors = QHBoxLayout()
        colors.setSpacing(1)
        for swatch in self.swatches:
            swatch.clicked.connect(self._told)
            colors.addWidget(swatch)
        colors.addStretch(1)
        grid = QGridLayout(self)
        grid.setContentsMargins(6, 6, 6, 6)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(0, 1)
        grid.addWidget(self.note, 0, 0, 1, 2)
        grid.addWidget(self.tags, 1, 0)
        grid.addWidget(self.confidence, 1, 1)
        grid.addLayout(colors, 2, 0)
        grid.addWidget(self.undo, 2, 1)
        grid.addWidget(self.who, 3, 0, 1, 2)
        grid.setRowStretch(4, 1)

    def value(self) -> Said:
        """What is said."""
        return self._value

    def setValue(self, said: Said, who: str = "") -> None:
        """Show what was said, and by whom."""
        self._value = said
        if self.note.toPlainText() != said.note:
            self.note.setPlainText(said.note)
        self.tags.setText(", ".join(said.tags))
        self.confidence.setCurrentIndex(max(0, self.confidence.findData(said.confidence)))
        for swatch in self.swatches:
            swatch.setChecked((swatch.color or "").upper() == (said.color or "").upper())
        self.who.setText(who)

    def setCanUndo(self, can: bool) -> None:
        """Whether there is a change to take back."""
        self.undo.setEnabled(can)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if watched is self.note and event is not None and event.type() == QEvent.Type.FocusOut:
            self._told()
        return super().eventFilter(watched, event)

    def _told(self) -> None:
        tags = tuple(dict.fromkeys(tag.strip() for tag in self.tags.text().split(",") if tag.strip()))
        color = next((swatch.color for swatch in self.swatches if swatch.isChecked()), self._value.color)
        said = Said(self.note.toPlainText().strip(), tags, color, str(self.confidence.currentData()))
        if said != self._value:
            self._value = said
            self.valueChanged.emit(said)
