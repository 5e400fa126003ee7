"""What a person sees before anything was chosen: a feature that tells something, and why it is that one."""

from __future__ import annotations

from pathlib import Path

from tests.gui.conftest import opened
from tests.gui.driver import Person


def test_a_plate_opens_with_a_feature_and_says_why(person: Person, plate: Path):
    opened(person, plate)
    state, why = person.workspace.state, person.find("Features", "feature_why")
    person.wait(lambda: state.feature is not None, 10, "the first feature")
    first = state.feature
    person.front("Features")
    assert person.docks["Features"].view.table.value() == first
    assert why.isVisible()
    assert why.text().startswith("Shown first because it tells ")
    model = person.docks["Features"].view.table.table_model()
    person.choose_feature(0 if model.feature_at(0) != first else 1)
    assert state.feature != first
    assert not why.isVisible()


def test_what_a_person_chose_meanwhile_stands(person: Person, plate: Path):
    state = person.workspace.state
    state.lexiconChanged.connect(lambda lexicon: state.set_feature(None if lexicon is None else 3))
    opened(person, plate)
    person.breathe(0.5)
    assert state.feature == 3
    assert person.workspace.first.why(3) == ""
