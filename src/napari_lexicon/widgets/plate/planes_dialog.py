"""What is taken of stacks and series: a dialog that opens the plate again with another choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QGridLayout, QLabel, QSpinBox, QVBoxLayout, QWidget

from napari_lexicon.widgets.basic.caption import Caption

if TYPE_CHECKING:
    from napari_lexicon.plates.plane_choices import TChoice, ZChoice

_Z = (("maximum projection", "max"), ("every plane, each a field", "all"), ("one plane, from 0", "one"))
_T = (("every time point, each a field", "all"), ("one time point, from 0", "one"))
_MOST = 99_999


class PlanesForm(QWidget):
    """The choice along z and t. Its value is ``(z, t)``, as :func:`napari_lexicon.plates.open_plate` takes them.

    Signals
    -------
    valueChanged(object, object)
        Another choice.
    """

    valueChanged = Signal(object, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.z, self.plane = self._line("planes_z", _Z)
        self.t, self.point = self._line("planes_t", _T)
        box = QGridLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        for row, (words, kind, number) in enumerate((("z", self.z, self.plane), ("t", self.t, self.point))):
            box.addWidget(QLabel(words), row, 0)
            box.addWidget(kind, row, 1)
            box.addWidget(number, row, 2)
        box.setColumnStretch(1, 1)
        self.setValue("max", 0)

    def _line(self, name: str, kinds: tuple[tuple[str, str], ...]) -> tuple[QComboBox, QSpinBox]:
        kind, number = QComboBox(), QSpinBox()
        kind.setObjectName(name)
        number.setObjectName(f"{name}_number")
        number.setRange(0, _MOST)
        for words, data in kinds:
            kind.addItem(words, data)
        kind.currentIndexChanged.connect(lambda: self._changed(kind, number))
        number.valueChanged.connect(lambda: self.valueChanged.emit(*self.value()))
        return kind, number

    def _changed(self, kind: QComboBox, number: QSpinBox) -> None:
        number.setEnabled(kind.currentData() == "one")
        self.valueChanged.emit(*self.value())

    def value(self) -> tuple[ZChoice, TChoice]:
        """The choice along z and along t."""
        z: ZChoice = {"max": "max", "all": "all"}.get(self.z.currentData(), self.plane.value())  # type: ignore[assignment]
        t: TChoice = "all" if self.t.currentData() == "all" else self.point.value()
        return z, t

    def setValue(self, z: ZChoice, t: TChoice) -> None:
        """Show another choice."""
        for kind, number, choice in ((self.z, self.plane, z), (self.t, self.point, t)):
            one = isinstance(choice, int)
            kind.setCurrentIndex(kind.findData("one" if one else choice))
            number.setEnabled(one)
            if isinstance(choice, int):
                number.setValue(choice)


class PlanesDialog(QDialog):
    """The form, with what the plate is opened with now.

    Parameters
    ----------
    said : str
        What is shown of stacks and series now; empty where the plate has one plane and one time point.
    z, t
        The choice now.

    Signals
    -------
    chosen(object, object)
        Open the plate with this.
    """

    chosen = Signal(object, object)

    def __init__(self, said: str, z: ZChoice, t: TChoice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("planes_dialog")
        self.setWindowTitle("Planes and time points")
        self.form = PlanesForm()
        self.form.setValue(z, t)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        assert ok is not None
        ok.setText("Open so")
        ok.setEnabled(bool(said))
        ok.setToolTip("" if said else "There is nothing to choose.")
        self.buttons.accepted.connect(self._accept)
        self.buttons.rejected.connect(self.reject)
        box = QVBoxLayout(self)
        box.addWidget(Caption(said or "This plate has one plane and one time point.", wrap=True))
        box.addWidget(self.form)
        box.addWidget(self.buttons)

    def _accept(self) -> None:
        self.accept()
        self.chosen.emit(*self.form.value())
