"""The picture of an answer, cut into its parts, one under the other as wide as the dock; each leads to its row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from qtpy.QtCore import QRect, QSize, Qt, Signal
from qtpy.QtGui import QMouseEvent, QPainter, QPaintEvent, QPixmap
from qtpy.QtWidgets import QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from napari_lexicon.analysis.edit_pictures import CELL
from napari_lexicon.analysis.shown_edits import EDIT_WORDS


@dataclass(frozen=True)
class Part:
    """One edit on a sheet: where it lies, the row of the table that it belongs to, and what it is in words."""

    place: QRect
    row: int
    words: str


def edit_parts(table: pd.DataFrame) -> list[Part]:
    """Parts of the sheet of one feature's edits; see :func:`napari_lexicon.analysis.edit_pictures.edit_sheet`."""
    wide, tall = CELL
    return [
        Part(
            QRect(list(EDIT_WORDS).index(str(edit)) * wide, 0, wide, tall),
            row,
            f"{name} {EDIT_WORDS[str(edit)]}: moved {moved:.2f} of the way asked, median of {n} patches.",
        )
        for row, (name, edit, moved, n) in enumerate(
            zip(table["name"], table["edit"], table["moved"], table["n_patches"], strict=True)
        )
    ]


class _Shown(QWidget):
    """One part of a picture, as wide as its place."""

    clicked = Signal()

    def __init__(self, pixmap: QPixmap, words: str) -> None:
        super().__init__()
        self._pixmap = pixmap
        self.setToolTip(words)
        self.setAccessibleName(words)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)  # a fixed one keeps to the hint
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def sizeHint(self) -> QSize:
        return self._pixmap.size() / 2

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return round(min(width, self._pixmap.width()) * self._pixmap.height() / max(1, self._pixmap.width()))

    def paintEvent(self, _: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        wide = min(self.width(), self._pixmap.width())
        painter.drawPixmap(QRect(0, 0, wide, self.heightForWidth(self.width())), self._pixmap)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit()


class PictureView(QScrollArea):
    """Shows the parts of a picture file; hidden without one.

    Signals
    -------
    rowClicked(int)
        Row of the table behind the part that was clicked.
    """

    rowClicked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("answer_picture")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumHeight(190)
        self.parts: list[QWidget] = []
        self.setPicture(None, [])

    def setPicture(self, path: Path | None, parts: Sequence[Part]) -> None:
        """Show parts of a picture, or nothing."""
        sheet = QPixmap() if path is None else QPixmap(str(path))
        inside = QWidget()
        box = QVBoxLayout(inside)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        self.parts = []
        for part in [] if sheet.isNull() else parts:
            shown = _Shown(sheet.copy(part.place), part.words)
            shown.clicked.connect(lambda row=part.row: self.rowClicked.emit(row))
            box.addWidget(shown)
            self.parts.append(shown)
        box.addStretch(1)
        self.setWidget(inside)
        self.setVisible(bool(self.parts))
