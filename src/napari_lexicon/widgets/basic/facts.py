"""Rows of label and text in a card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.card import Card

if TYPE_CHECKING:
    from collections.abc import Sequence


class Facts(Card):
    """Its value is the list of ``(label, text)``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[str, str]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(10, 8, 10, 8)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)

    def value(self) -> list[tuple[str, str]]:
        """Rows shown."""
        return list(self._rows)

    def setValue(self, rows: Sequence[tuple[str, str]]) -> None:
        """Show other rows."""
        self.setVisible(bool(rows))
        if list(rows) == self._rows:
            return
        self._rows = list(rows)
        while self._grid.count():
            item = self._grid.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for row, (label, text) in enumerate(self._rows):
            self._grid.addWidget(Caption(label, fit=True, strength=0.55, step=-0.5), row, 0, Qt.AlignmentFlag.AlignTop)
            if "/" in text and " " not in text.strip("/"):
                self._grid.addWidget(Caption(text, strength=0.92, step=-0.5), row, 1)
            else:
                self._grid.addWidget(Caption(text, wrap=True, strength=0.92, step=-0.5), row, 1)
