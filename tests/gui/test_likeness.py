"""Which wells look like this well: two clicks in the Plate dock."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QComboBox
from tests.gui.conftest import opened
from tests.gui.driver import LEFT, PLAIN, Person


def choose(person: Person, box: QComboBox, text: str) -> None:
    """Open a list and go down to one of its lines."""
    QTest.mouseClick(box, LEFT, PLAIN, box.rect().center())
    person.breathe(0.3)
    QTest.keyClick(box.view(), Qt.Key.Key_Home)
    for _ in range(box.findText(text)):
        QTest.keyClick(box.view(), Qt.Key.Key_Down)
    QTest.keyClick(box.view(), Qt.Key.Key_Return)
    person.breathe(0.2)


def test_wells_are_coloured_by_how_alike_they_are_to_the_shown_one(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("B02")
    view = person.docks["Plate"].view
    choose(person, person.find("Plate", "color_by"), "like the shown well")
    assert view.color_by.value().kind == "alike"
    person.wait(lambda: view.scale.value() is not None, 10, "the likeness")
    assert view.scale.value().title == "likeness to B02"
    warmth = {well: red - blue for well, (red, _, blue) in view.grid.colors().items()}
    assert max(warmth, key=warmth.get) == "B02"
    person.press(Qt.Key.Key_PageDown)
    person.wait_for_field("B03")
    assert view.scale.value().title == "likeness to B03"
    coloring = person.docks["Plate"].controller.coloring()
    assert coloring.words["B03"] == "likeness to B03: 1"
    assert len({tuple(color) for color in coloring.colors.values()}) > 1
    assert np.isfinite([float(words.rsplit(" ", 1)[1]) for words in coloring.words.values()]).all()
