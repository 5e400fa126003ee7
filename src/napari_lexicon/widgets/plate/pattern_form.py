"""How the names of image files are read: the pattern, what it matches, and the patterns of common instruments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.later import later
from napari_lexicon.widgets.basic.words import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_lexicon.plates.pattern import PatternPreview

_PAUSE_MS = 250
_PAGES = (
    ("pages: guessed by their number", ""),
    ("pages: planes in z", "z"),
    ("pages: time points", "t"),
    ("pages: channels", "c"),
)
HELP = (
    "{well} or {row} and {column}, {field}, {channel}, {z}, {t}, {plate}; {*} for anything; / for folders. "
    "For example {*}_{well}f{field}d{channel}.TIF"
)


class PatternForm(QWidget):
    """A pattern with a preview. Its value is the pattern.

    Signals
    -------
    valueChanged(str)
        Another pattern; a preview of it is due.
    accepted(str)
        Open the folder with this pattern.
    """

    valueChanged = Signal(str)
    accepted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pattern = QLineEdit()
        self.pattern.setObjectName("pattern")
        self.pattern.setToolTip(HELP)
        self.presets = QComboBox()
        self.presets.setObjectName("pattern_presets")
        self.presets.setToolTip("Patterns of common instruments.")
        self.presets.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.presets.addItem("patterns of instruments…", "")
        self.pages = QComboBox()
        self.pages.setObjectName("pattern_pages")
        self.pages.setToolTip(
            "What the pages of a TIFF file are, where the file does not say it: by guess channels up to 8, time points "
            "beyond. What a file says of itself counts."
        )
        self.pages.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for words, pages in _PAGES:
            self.pages.addItem(words, pages)
        self.preview = Caption(wrap=True, step=-0.5, strength=0.85)
        self.preview.setObjectName("pattern_preview")
        self.open_button = QPushButton("Open with this pattern")
        self.open_button.setObjectName("open_with_pattern")
        self._pause = later(self, _PAUSE_MS, lambda: self.valueChanged.emit(self.value()))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 2, 0, 4)
        box.setSpacing(4)
        for widget in (self.pattern, self.presets, self.pages, self.preview, self.open_button):
            box.addWidget(widget)
        self.pattern.textChanged.connect(lambda: self._pause.start())
        self.pattern.returnPressed.connect(self._accept)
        self.presets.activated.connect(self._take_preset)
        self.open_button.clicked.connect(self._accept)
        self.setReason("Write a pattern first.")

    def value(self) -> str:
        """The pattern."""
        return self.pattern.text().strip()

    def setValue(self, pattern: str) -> None:
        """Show another pattern."""
        self.pattern.setText(pattern)

    def chosenPages(self) -> str | None:
        """What the pages of files are that do not say it: ``"z"``, ``"t"``, ``"c"``, or None for a guess."""
        return self.pages.currentData() or None

    def setChosenPages(self, pages: str | None) -> None:
        """Show another choice."""
        self.pages.setCurrentIndex(self.pages.findData(pages or ""))

    def setPresets(self, presets: Sequence[tuple[str, str]]) -> None:
        """Offer these patterns: ``(name, pattern)``."""
        while self.presets.count() > 1:
            self.presets.removeItem(1)
        for name, pattern in presets:
            self.presets.addItem(name, pattern)
            self.presets.setItemData(self.presets.count() - 1, pattern, 3)  # Qt.ToolTipRole

    def setPreview(self, preview: PatternPreview) -> None:
        """What the pattern matches."""
        self.preview.setText(shortened(preview.sentence))
        self.preview.setTip(preview.sentence)
        self.setReason(None if preview.matched else "The pattern matches no image.")

    def setReason(self, reason: str | None) -> None:
        """Enable the button, or say why it is disabled."""
        self.open_button.setEnabled(reason is None)
        self.open_button.setToolTip(reason or "Open the folder with this pattern.")

    def setTrouble(self, sentence: str) -> None:
        """The pattern is not understood."""
        self.preview.setText(sentence)
        self.setReason(sentence)

    def _take_preset(self) -> None:
        pattern = str(self.presets.currentData())
        if pattern:
            self.pattern.setText(pattern)
        self.presets.setCurrentIndex(0)

    def _accept(self) -> None:
        if self.value() and self.open_button.isEnabled():
            self.accepted.emit(self.value())
