"""What the Plate dock shows for a folder that cannot be opened by guessing."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.plate.pattern_form import HELP, PatternForm


class PatternPage(QWidget):
    """The folder, what is wrong, and the pattern to correct.

    Signals
    -------
    backClicked()
        Another folder, please.
    """

    backClicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.folder = Caption(bold=True, strength=1.0, step=1.5)
        self.sentence = Caption(wrap=True, strength=0.9)
        self.sentence.setObjectName("pattern_sentence")
        self.form = PatternForm()
        self.back = QPushButton("Back")
        self.back.setObjectName("pattern_back")
        self.back.setToolTip("Choose something else to open.")
        self.back.clicked.connect(self.backClicked)
        box = QVBoxLayout(self)
        box.setContentsMargins(4, 4, 4, 4)
        box.setSpacing(7)
        box.addWidget(self.folder)
        box.addWidget(self.sentence)
        box.addWidget(Caption("How the file names are read", bold=True))
        box.addWidget(self.form)
        box.addWidget(Caption(HELP, wrap=True, step=-0.5, strength=0.6))
        box.addWidget(self.back)
        box.addStretch(1)

    def setProblem(self, folder: str, sentence: str) -> None:
        """Which folder, and what is wrong."""
        self.folder.setText(folder)
        self.sentence.setText(sentence)
