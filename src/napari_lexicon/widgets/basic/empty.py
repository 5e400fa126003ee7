"""What a dock shows before it has anything to show: what will be here, and the button that gets there."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.primary_button import PrimaryButton


class EmptyPage(QWidget):
    """A headline, a sentence and a button.

    Signals
    -------
    clicked()
        The button.
    """

    clicked = Signal()

    def __init__(self, headline: str, sentence: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.headline = Caption(headline, bold=True, strength=1.0, step=2, centred=True)
        self.sentence = Caption(sentence, wrap=True, centred=True)
        self.button = PrimaryButton()
        self.button.setObjectName("empty_button")
        self.button.clicked.connect(self.clicked)
        self.note = Caption(wrap=True, centred=True, step=-0.5, strength=0.6)
        box = QVBoxLayout(self)
        box.setContentsMargins(14, 10, 14, 10)
        box.setSpacing(8)
        box.addStretch(1)
        for widget in (self.headline, self.sentence, self.button, self.note):
            box.addWidget(widget)
        box.addStretch(2)
        self.setButton("", None)

    def setButton(self, text: str, reason: str | None, note: str = "") -> None:
        """What the button says; a reason disables it and is shown beneath; no text, no button."""
        self.button.setVisible(bool(text))
        self.button.setText(text)
        self.button.setEnabled(reason is None)
        self.button.setToolTip(reason or note)
        self.note.setText(reason or note)
        self.note.setVisible(bool(reason or note))
