"""What a person sees before anything was chosen: a feature that tells something, and why it is that one."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from tests.gui.conftest import opened
from tests.gui.driver import Person
from tests.gui.test_closer import READ_SECONDS, choose, drawn

from napari_lexicon.analysis.first_feature import first_feature
from napari_lexicon.viewer.napari_compat import text_overlay


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


def test_a_plate_opens_on_the_well_where_its_first_feature_fires_most(person: Person, plate: Path):
    opened(person, plate)
    state, statistics = person.workspace.state, person.workspace.reading.figures.statistics
    person.wait(lambda: state.feature is not None, 10, "the first feature")
    fires = statistics.fraction_active()[:, state.feature]
    person.wait_for_field(statistics.wells[int(fires.argmax())])
    assert not person.docks["Features"].visibleRegion().isEmpty()  # computed already: there is nothing to embed
    person.open_well("B03")
    person.breathe(0.5)
    assert state.field.well == "B03"


def test_a_plate_map_that_is_added_makes_no_choice_of_the_field_that_nobody_asked_for(
    person: Person, plate: Path, tmp_path: Path
):
    workspace, state = person.workspace, person.workspace.state
    lexicon = plate.with_suffix(".lexicon").rename(tmp_path / "aside.lexicon")
    workspace.opening.plate(plate)
    person.wait(lambda: state.field is not None, what="a field")
    assert state.field.well == "A01"
    table = state.plate.map.reset_index(names="well")
    table.to_csv(tmp_path / "map.csv", index=False)
    before = state.plate
    workspace.opening.origin(state.origin.model_copy(update={"plate_map": str(tmp_path / "map.csv")}))
    person.wait(lambda: state.plate is not before and state.field is not None, what="the plate with its map")
    workspace.opening.lexicon_of_plate(lexicon.rename(plate.with_suffix(".lexicon")))
    person.wait(lambda: state.feature is not None, 20, "the first feature")
    fires = workspace.reading.figures.statistics.fraction_active()[:, state.feature]
    best = workspace.reading.figures.statistics.wells[int(fires.argmax())]
    assert best != "A01"  # the test tests nothing where the first well is the best
    person.wait_for_field(best)


def test_a_field_that_a_person_asks_for_stays_though_it_was_shown_already(
    person: Person, plate: Path, monkeypatch: pytest.MonkeyPatch
):
    go_on = Event()

    def slow(*given, **taught):
        assert go_on.wait(60)
        return first_feature(*given, **taught)

    monkeypatch.setattr("napari_lexicon.analysis.first_feature.first_feature", slow)
    workspace, state = person.workspace, person.workspace.state
    opened(person, plate)
    workspace.first._show_first_field()  # the first feature is long in coming
    person.wait_for_field("A01")
    person.open_well("A01")
    go_on.set()
    person.wait(lambda: state.feature is not None, 10, "the first feature")
    fires = workspace.reading.figures.statistics.fraction_active()[:, state.feature]
    assert workspace.reading.figures.statistics.wells[int(fires.argmax())] != "A01"  # else the test tests nothing
    person.breathe(0.2)
    assert state.field.well == "A01"


def test_where_a_direction_tells_far_more_it_is_shown_and_the_table_counts_by_it(
    person: Person, plate: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("napari_lexicon.analysis.first_feature.CLEARER", 0.0)
    opened(person, plate)
    reading, state = person.workspace.reading, person.workspace.state
    person.wait(lambda: state.feature is not None, 10, "the first feature")
    person.wait(lambda: reading.figures is not None and reading.figures.beyond == 2.0, 20, "the reading by direction")
    person.front("Features")
    assert person.find("Features", "read_by").currentData() == 2.0
    assert "of patches over 2 SD along it" in person.find("Features", "feature_why").text()


def test_what_a_person_chose_meanwhile_stands(person: Person, plate: Path):
    state = person.workspace.state
    state.lexiconChanged.connect(lambda lexicon: state.set_feature(None if lexicon is None else 3))
    opened(person, plate)
    person.breathe(0.5)
    assert state.feature == 3
    assert person.workspace.first.why(3) == ""


def test_a_named_feature_without_a_code_is_shown_by_its_direction_unless_a_person_wants_the_code(
    person: Person, plate: Path, monkeypatch: pytest.MonkeyPatch
):
    opened(person, plate)
    state, fine, why = person.workspace.state, person.workspace.fine, person.find("Features", "feature_why")
    fires = person.workspace.reading.figures.table["fires"].to_numpy()
    rare = int(fires.argmin())  # the tiny dictionary has no silent feature
    monkeypatch.setattr("napari_lexicon.widgets.workspace.reading.NEARLY_SILENT", float(fires[rare]) * 1.01)
    person.open_well("B03")
    person.front("Features")
    state.set_feature(rare)
    person.breathe(0.2)
    assert not fine.reading  # nobody has said what it is
    code = drawn(person).copy()
    person.type("Features", "feature_name", "nuclei")
    person.wait(lambda: fine.reading, 10, "reading")
    person.wait(lambda: not fine.reading, READ_SECONDS, "the field")
    assert not np.array_equal(drawn(person), code)
    assert "its code is in no patch of the plate" in text_overlay(person.viewer).text
    assert "direction is shown" in why.text()
    choose(person, "map_kind", "code")
    person.wait(lambda: np.array_equal(drawn(person), code), 10, "the code")
    assert not why.isVisible()


def test_a_taught_feature_is_shown_by_its_direction(person: Person, plate: Path):
    file = plate.with_suffix(".lexicon") / "dictionary.safetensors"
    with safe_open(file, framework="numpy") as read:
        metadata = read.metadata()
    header = json.loads(metadata["lexicon"])
    header["taught"] = {"5": "nuclei"}
    save_file(load_file(file), file, metadata={**metadata, "lexicon": json.dumps(header)})
    opened(person, plate)
    reading, fine, why = person.workspace.reading, person.workspace.fine, person.find("Features", "feature_why")
    assert reading.why_direction(4) is None
    assert reading.why_direction(5) == "taught"
    person.open_well("B03")
    person.front("Features")
    person.workspace.state.set_feature(5)
    person.wait(lambda: fine.reading, 10, "reading")
    person.wait(lambda: not fine.reading, READ_SECONDS, "the field")
    assert "direction of #5, which was taught" in text_overlay(person.viewer).text
    assert why.text() == "It was taught a direction (nuclei), so its direction is shown (Map)."
    lexicon_plate, gallery = person.workspace.state.lexicon_plate, person.docks["Features"].view.gallery
    farthest = lexicon_plate.examples(lexicon_plate.farthest_places(), 5, 24)
    assert farthest != lexicon_plate.examples(lexicon_plate.statistics().places, 5, 24)
    person.wait(lambda: all(gallery.value()), 20, "the gallery")
    assert [tile.example for tile in gallery.value()] == farthest
