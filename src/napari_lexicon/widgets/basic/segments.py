"""A few buttons beside each other of which one is pressed: a choice whose alternatives are all to be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget

if TYPE_CHECKING:
    from collections.abc import Mapping


class Segments(QWidget):
    """Its value is the key of the pressed button; at first the first.

    Parameters
    ----------
    choices : mapping of str to (str, str)
        Word and tooltip of each key.
    name : str
        The buttons are called ``NAME_KEY``.
    wide : bool
        They share the whole width, instead of being as wide as their words.

    Signals
    -------
    valueChanged(str)
        Another one, by hand or by :meth:`setValue`.
    chosen(str)
        A person pressed a button, perhaps the one that was pressed already.
    """

    valueChanged = Signal(str)
    chosen = Signal(str)

    def __init__(
        self, choices: Mapping[str, tuple[str, str]], name: str, parent: QWidget | None = None, *, wide: bool = True
    ) -> None:
        super().__init__(parent)
        self._choices, self._value = choices, next(iter(choices))
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QPushButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(1 if wide else 4)
        for key, (text, tip) in choices.items():
            button = QPushButton(text)
            button.setObjectName(f"{name}_{key}")
            button.setCheckable(True)
            button.setToolTip(tip)
            button.clicked.connect(lambda checked=False, key=key: self._pressed(key))
            self._group.addButton(button)
            self._buttons[key] = button
            row.addWidget(button, int(wide))
        self._buttons[self._value].setChecked(True)

    def value(self) -> str:
        """Key of the pressed button."""
        return self._value

    def setValue(self, key: str) -> None:
        """Press another one."""
        self._buttons[key].setChecked(True)
        if key != self._value:
            self._value = key
            self.valueChanged.emit(key)

    def setReason(self, key: str, reason: str | None) -> None:
        """Why one cannot be chosen, None where it can."""
        self._buttons[key].setEnabled(reason is None)
        self._buttons[key].setToolTip(reason or self._choices[key][1])

    def button(self, key: str) -> QPushButton:
        """One of the buttons."""
        return self._buttons[key]

    def _pressed(self, key: str) -> None:
        self.setValue(key)
        self.chosen.emit(key)
