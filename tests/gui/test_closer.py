"""Looking closer: maps finer than a patch and maps of the direction, read by a process of their own."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from qtpy.QtCore import Qt
from tests.gui.conftest import opened
from tests.gui.driver import Person

from napari_lexicon.lexicons import Lexicon
from napari_lexicon.viewer.napari_compat import text_overlay

READ_SECONDS = 120


def choose(person: Person, box: str, text: str) -> None:
    """Choose an entry of a combo box by typing its first letters, as the keyboard does."""
    widget = person.find("Features", box)
    person.bring_into_view(widget)
    widget.setFocus()
    person.press(Qt.Key.Key_Home, widget)
    while widget.currentText() != text:
        before = widget.currentIndex()
        person.press(Qt.Key.Key_Down, widget)
        assert widget.currentIndex() != before, f"{text} is not offered"


def drawn(person: Person) -> np.ndarray:
    """The map as it lies on the screen."""
    layer = person.workspace.canvas.overlay.layer()
    assert layer is not None
    return np.array(layer.data)  # the layer writes the next map into the same array


def one_value_per_patch(person: Person) -> bool:
    """Whether the map on the screen is constant within the patches of 16 px; a value is 4 px of this field."""
    shown = drawn(person)[:24, :32].reshape(6, 4, 8, 4)
    return bool((shown == shown[:, :1, :, :1]).all())


def test_a_map_gets_finer_and_the_field_after_it_too(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("B03")
    person.choose_feature(0)
    person.wait(lambda: person.workspace.canvas.overlay.layer() is not None)
    assert one_value_per_patch(person)
    choose(person, "map_finer", "8 px")
    fine = person.workspace.fine
    person.wait(lambda: fine.reading, 10, "reading")
    person.wait(lambda: not fine.reading, READ_SECONDS, "the finer field")
    assert not one_value_per_patch(person)
    code = drawn(person)
    choose(person, "map_kind", "direction")
    person.wait(lambda: not np.array_equal(drawn(person), code), 10)
    direction = drawn(person)
    assert direction.max() > 1  # standard deviations
    process = fine.process_id()
    person.open_well("A02")
    person.wait_for_field("A02")
    person.wait(lambda: not fine.reading and not one_value_per_patch(person), READ_SECONDS, "the next field")
    assert fine.process_id() == process
    lexicon = Lexicon.open(plate.with_suffix(".lexicon")).plates["tiny"]
    assert sum(lexicon.mark("fine", number) is not None for number in range(len(lexicon.fields))) == 2
    choose(person, "map_kind", "code")
    choose(person, "map_finer", "16 px")
    person.wait(lambda: one_value_per_patch(person), 10)
    person.workspace.close()
    assert not process_lives(process)


def process_lives(number: int) -> bool:
    """Whether a process is there and at work."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{number}/stat").read_text().split()[2] != "Z"


def test_a_process_that_is_killed_is_said_and_started_again(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("A01")
    person.choose_feature(0)
    said: list[str] = []
    person.workspace.state.noticed.connect(lambda notice: said.append(notice.sentence))
    fine = person.workspace.fine
    choose(person, "map_finer", "8 px")
    person.wait(lambda: fine.reading and fine.process_id() > 0, 10, "the process")
    os.kill(fine.process_id(), 9)
    person.wait(lambda: bool(said), 10, "the sentence")
    assert "memory" in said[0]
    assert not fine.reading
    person.open_well("A02")
    person.wait_for_field("A02")
    person.wait(lambda: fine.reading, 10)
    person.wait(lambda: not fine.reading, READ_SECONDS)
    assert len(said) == 1


def test_a_code_is_not_taken_for_the_direction_that_could_not_be_read(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("B03")
    feature = person.choose_feature(0)
    person.wait(lambda: person.workspace.canvas.overlay.layer() is not None)
    code, fine = drawn(person), person.workspace.fine
    assert code.any()
    choose(person, "map_kind", "direction")
    person.wait(lambda: fine.reading and fine.process_id() > 0, 10, "the process")
    assert not drawn(person).any()
    assert text_overlay(person.viewer).text.endswith(f"\nreading the direction of #{feature}…")
    os.kill(fine.process_id(), 9)
    person.wait(lambda: not fine.reading, 10, "the end")
    np.testing.assert_array_equal(drawn(person), code)
    assert f"code of #{feature}: its direction could not be read" in text_overlay(person.viewer).text


def test_the_canvas_says_where_no_patch_is_made_of_a_feature(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("B03")
    person.choose_feature(0)
    person.wait(lambda: person.workspace.canvas.codes is not None)
    codes, state = person.workspace.canvas.codes, person.workspace.state
    there = set(np.unique(codes.indices[0][codes.values[0] > 0]).tolist())
    missing = next(feature for feature in range(state.lexicon.header.dictionary.n_features) if feature not in there)
    state.set_channel(codes.channels[0])
    state.set_feature(missing)
    person.wait(lambda: f"#{missing} is in no patch here" in text_overlay(person.viewer).text, 10)
    state.set_feature(min(there))
    person.wait(lambda: "in no patch" not in text_overlay(person.viewer).text, 10)
    assert "B03" in text_overlay(person.viewer).text
