"""What the Plate dock shows for a lexicon whose plate is no longer where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_lexicon.widgets.basic.caption import Caption
from napari_lexicon.widgets.basic.primary_button import PrimaryButton

if TYPE_CHECKING:
    from napari_lexicon.lexicons.relinking import PlateGoneError


class MovedPage(QWidget):
    """Which plate, and the way to find it again. Its value is the error.

    Signals
    -------
    chooseClicked()
        A person will say where it is.
    againClicked(Path)
        Look again: the lexicon folder.
    backClicked()
        Something else, please.
    """

    chooseClicked = Signal()
    againClicked = Signal(object)
    backClicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value: PlateGoneError | None = None
        self.headline = Caption("The plate has moved", bold=True, strength=1.0, step=1.5)
        self.sentence = Caption(wrap=True, strength=0.9)
        self.sentence.setObjectName("moved_sentence")
        self.choose = PrimaryButton()
        self.choose.setText("Choose folder…")
        self.choose.setObjectName("moved_choose")
        self.choose.setToolTip("Where the images of this plate are now. It is checked that they are the same fields.")
        self.again = QPushButton("Try again")
        self.again.setObjectName("moved_again")
        self.again.setToolTip("After a disk or a network folder was connected.")
        self.back = QPushButton("Back")
        self.back.setObjectName("moved_back")
        self.back.setToolTip("Choose something else to open.")
        self.choose.clicked.connect(self.chooseClicked)
        self.again.clicked.connect(lambda: None if self._value is None else self.againClicked.emit(self._value.lexicon))
        self.back.clicked.connect(self.backClicked)
        box = QVBoxLayout(self)
        box.setContentsMargins(4, 4, 4, 4)
        box.setSpacing(7)
        for widget in (self.headline, self.sentence, self.choose, self.again, self.back):
            box.addWidget(widget)
        box.addStretch(1)

    def value(self) -> PlateGoneError | None:
        """The error shown."""
        return self._value

    def setValue(self, error: PlateGoneError) -> None:
        """Show an error."""
        self._value = error
        self.headline.setText(f"The plate of {error.lexicon.name} has moved")
        self.sentence.setText(str(error))
