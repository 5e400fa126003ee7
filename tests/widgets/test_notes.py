"""The page of notes: what a person says beside a name."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_lexicon.viewer.colors import FEATURE_COLORS
from napari_lexicon.widgets.features.notes import Notes, Said

LEFT = Qt.MouseButton.LeftButton


def test_what_is_said_comes_back_and_showing_it_tells_nobody(qtbot):
    notes = Notes()
    qtbot.addWidget(notes)
    heard = []
    notes.valueChanged.connect(heard.append)
    said = Said("because", ("mito", "odd"), FEATURE_COLORS[2], "likely")
    notes.setValue(said, "ann, 2026-01-02 10:00 UTC")
    assert notes.value() == said
    assert notes.tags.text() == "mito, odd"
    assert notes.who.text().startswith("ann")
    assert heard == []


def test_a_person_writes_a_note_tags_and_chooses_a_color(qtbot):
    notes = Notes()
    qtbot.addWidget(notes)
    notes.show()
    heard = []
    notes.valueChanged.connect(heard.append)
    QTest.keyClicks(notes.tags, "a, b,, a")
    QTest.keyClick(notes.tags, Qt.Key.Key_Return)
    assert heard[-1] == Said(tags=("a", "b"))
    QTest.mouseClick(notes.swatches[3], LEFT)
    assert heard[-1].color == FEATURE_COLORS[2]
    QTest.mouseClick(notes.swatches[0], LEFT)
    assert heard[-1].color is None
    notes.note.setFocus()
    QTest.keyClicks(notes.note, "seen in B03")
    notes.tags.setFocus()
    QTest.keyClick(notes.confidence, Qt.Key.Key_Down)
    assert heard[-1] == Said("seen in B03", ("a", "b"), None, "guess")
    with qtbot.waitSignal(notes.undoRequested):
        QTest.mouseClick(notes.undo, LEFT)


def test_a_color_of_a_persons_own_is_not_lost(qtbot):
    notes = Notes()
    qtbot.addWidget(notes)
    heard = []
    notes.valueChanged.connect(heard.append)
    notes.setValue(Said(color="#123456"))
    notes.tags.setText("new")
    notes.tags.editingFinished.emit()
    assert heard == [Said(tags=("new",), color="#123456")]
