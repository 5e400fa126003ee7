"""A person teaches a feature: by wells selected on the plate, and by places pointed at in images."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from tests.gui.conftest import opened
from tests.gui.driver import LEFT, PLAIN, Person
from tests.gui.test_closer import READ_SECONDS
from tests.gui.test_place import lit_patch

from napari_lexicon.lexicons import Lexicon

BY_PLACES = "found by the places pointed at"


def select(person: Person, *wells: str) -> None:
    """Click wells on the grid, all but the first with Ctrl."""
    person.front("Plate")
    grid = person.docks["Plate"].view.grid
    person.bring_into_view(grid)
    for number, well in enumerate(wells):
        held = Qt.KeyboardModifier.ControlModifier if number else PLAIN
        QTest.mouseClick(grid, LEFT, held, grid.wellCenter(well))
    person.breathe(0.05)
    assert person.workspace.state.selection == frozenset(wells)


def taught(person: Person, seconds: float = 120) -> None:
    """Wait for the job, and for the window to turn to what it made."""
    jobs, state = person.workspace.jobs, person.workspace.state
    person.wait(lambda: not jobs.status.busy, seconds, "the lesson")
    assert not jobs.status.sentence, jobs.status.sentence
    person.wait(lambda: state.feature == 64 and person.workspace.reading.figures is not None, what="the new feature")


def test_selected_wells_teach_a_feature_and_it_is_shown(person: Person, plate: Path, tmp_path: Path):
    opened(person, plate)
    before = person.workspace.state.lexicon
    before.names.set(3, "rim")
    person.click("Dictionary", "source_teach")
    form = person.docks["Dictionary"].view.teaching
    assert not form.teach.isEnabled() and "Select wells" in form.teach.toolTip()
    select(person, "A03", "B03")
    person.front("Dictionary")
    assert form.wells_line._text == "A03, B03 (2 wells), as selected on the plate."
    assert [form.against.itemText(n) for n in range(2)] == ["control wells (2)", "all other wells (4)"]
    assert "Give it a name" in form.teach.toolTip()
    person.type("Dictionary", "taught_name", "bright cells")
    assert "tiny-bright-cells.lexicon" in form.note._text
    person.screenshot(tmp_path / "teach-wells.png")
    # what they find is seen first
    person.click("Dictionary", "show_trial")
    trial, overlay = person.workspace.trial, person.workspace.canvas.overlay
    person.wait(lambda: trial.found is not None, what="what the wells find")
    assert form.trial_note._text.startswith("Found from 2 wells beside 2, in ")
    person.wait(lambda: overlay.layer() and overlay.layer().name == "found by the selected wells", READ_SECONDS, "map")
    person.wait(lambda: not person.workspace.fine.reading, READ_SECONDS, "the field")
    seen = trial.found.direction
    person.screenshot(tmp_path / "tried-wells.png")
    person.click("Dictionary", "teach")
    assert not trial.on
    taught(person)
    state = person.workspace.state
    assert abs(float(state.lexicon.dictionary.atoms[64].numpy() @ seen)) > 0.9999
    assert state.lexicon.path == before.path.with_name("tiny-bright-cells.lexicon")
    assert state.lexicon.names.label(64) == "bright cells" and state.lexicon.names.label(3) == "rim"
    assert person.workspace.reading.why_direction(64) == "taught"
    channel = state.channel
    assert channel is not None and not state.lexicon_plate.joint
    person.choose_feature(3)  # the channel goes with the feature that it belongs to
    assert state.feature != 64 and state.channel is None
    state.set_feature(64)
    assert state.channel == channel
    assert "Taught by 2 wells beside 2" in person.docks["Dictionary"].strip._sentence._text
    person.open_well("A03")
    person.wait(lambda: any("bright cells" in name for name in person.layer_names()), what="its map")
    person.screenshot(tmp_path / "taught.png")
    assert Lexicon.open(before.path).dictionary.n_features == 64  # what there was stays
    facts = person.docks["Dictionary"].view.facts
    person.wait(lambda: ("Features", "65, at most 8 in a patch") in facts.value(), what="the larger dictionary")
    # a further one is added to the first, in a folder of its own
    assert form.teach.isEnabled() or "name" in form.teach.toolTip()
    assert "tiny-bright-cells-bright-cells.lexicon" in form.note._text


def point_at(person: Person, well: str) -> None:
    """Click the second lit patch of a well's field, and point at it."""
    person.open_well(well)
    row, column = lit_patch(person, 2)
    person.click_image(row * 16 + 8, column * 16 + 8)
    person.front("Features")
    person.docks["Features"].view.showPlace()
    person.click("Features", "teach_by_this")


def test_what_the_places_find_is_seen_before_anything_is_taught(person: Person, plate: Path, tmp_path: Path):
    opened(person, plate)
    trial, overlay = person.workspace.trial, person.workspace.canvas.overlay
    form = person.docks["Dictionary"].view.teaching
    person.choose_feature(2)
    point_at(person, "A03")
    person.front("Dictionary")
    person.click("Dictionary", "show_trial")
    assert form.trial_note._text == "Reading…"
    person.wait(lambda: trial.found is not None, READ_SECONDS, "what one place finds")
    assert form.trial_note._text.startswith("Found from 1 patch beside")
    person.wait(lambda: overlay.layer() is not None and overlay.layer().name == BY_PLACES, what="its map")
    first = overlay.layer().data.copy()
    row, column = person.workspace.pointing.pointed[0].places[0]
    assert first[row * 4, column * 4] == first.max() > 0  # nothing is more like it than itself; a value is 4 px
    person.screenshot(tmp_path / "trial.png")
    # a second place, in another field, changes what is found; its field comes under the map of both
    point_at(person, "A01")
    person.front("Dictionary")
    person.wait(lambda: form.trial_note._text.startswith("Found from 2 patches"), READ_SECONDS, "what both find")
    person.wait(lambda: overlay.layer() is not None and overlay.layer().data.any(), what="the map of the other field")
    form.list.setCurrentRow(1)
    form.list.setFocus()
    QTest.keyClick(form.list, Qt.Key.Key_Space)  # not this
    person.wait(lambda: form.trial_note._text.startswith("Found from 1 patch beside 1,"), what="one against the other")
    # a channel that somebody knows of
    QTest.keyClicks(form.channel, "Actin")
    person.wait(lambda: trial.found.channel == 1 and "in Actin." in form.trial_note._text, what="the other channel")
    direction = trial.found.direction
    # whoever chooses a feature sees that feature
    feature = person.choose_feature(5)
    person.wait(lambda: overlay.layer() and overlay.layer().name.startswith(f"#{feature}"), what="the feature")
    assert not form.trial.isChecked() and not form.trial_note.isVisible()
    person.front("Dictionary")
    person.click("Dictionary", "show_trial")
    person.wait(lambda: overlay.layer() is not None and overlay.layer().name == BY_PLACES, what="the trial again")
    # what is taught then is what was seen
    person.type("Dictionary", "taught_name", "that")
    person.click("Dictionary", "teach")
    assert not trial.on
    taught(person)
    dictionary = person.workspace.state.lexicon.dictionary
    assert dictionary.header.taught_channels == {64: "Actin"}
    atom = dictionary.atoms[64].numpy()
    assert abs(float(atom @ direction)) > 0.9999


def test_a_trial_finds_more_and_ends_with_its_places(person: Person, plate: Path, tmp_path: Path):
    opened(person, plate)
    trial, overlay = person.workspace.trial, person.workspace.canvas.overlay
    form = person.docks["Dictionary"].view.teaching
    point_at(person, "A03")
    person.front("Dictionary")
    person.click("Dictionary", "show_trial")

    def title() -> str | None:
        return None if overlay.layer() is None else overlay.layer().name

    person.wait(lambda: title() == BY_PLACES, READ_SECONDS, "its map")
    # the same on the rest of the plate, to be judged with the keyboard
    place, pointing = person.docks["Features"].view.place, person.workspace.pointing
    person.click("Dictionary", "trial_more")
    person.wait(lambda: place.gallery.value() and all(tile is not None for tile in place.gallery.value()), what="more")
    assert place.alike_line._text.startswith("Most like the places pointed at, of all") and place.gallery.isVisible()
    tiles = [tile.example for tile in place.gallery.value()]
    assert all(one.value >= other.value > 0 for one, other in pairwise(tiles))
    (own,) = pointing.pointed
    assert not any((each.field_index, each.gy, each.gx) == (own.number, *own.places[0]) for each in tiles)
    place.gallery.setFocus()
    QTest.keyClick(place.gallery, Qt.Key.Key_Right)
    QTest.keyClicks(place.gallery, "-")
    assert [each.like for each in pointing.pointed] == [True, False]
    assert pointing.pointed[1].number == tiles[1].field_index
    person.wait(lambda: form.trial_note._text.startswith("Found from 1 patch beside "), READ_SECONDS, "the judgement")
    assert title() == BY_PLACES
    person.screenshot(tmp_path / "judged.png")
    person.front("Dictionary")
    form.list.setCurrentRow(0)
    form.list.setFocus()
    QTest.keyClick(form.list, Qt.Key.Key_Delete)
    person.wait(lambda: title() != BY_PLACES, what="what was shown before")
    assert not trial.shown and not form.trial.isEnabled() and "Point at" in form.trial.toolTip()


def test_places_are_pointed_at_in_two_fields(person: Person, plate: Path, tmp_path: Path):
    opened(person, plate)
    view, form = person.docks["Features"].view, person.docks["Dictionary"].view.teaching
    for well in ("A03", "A01"):
        point_at(person, well)
    pointing = person.workspace.pointing
    assert [(each.well, each.like) for each in pointing.pointed] == [("A03", True), ("A01", True)]
    person.front("Dictionary")
    assert form.isVisible() and form.value() == "places"
    places = form.list
    assert places.item(0).text() == f"A03 · {pointing.pointed[0].what} · 1 patch"
    # the second has it not: its tick goes, with the keyboard
    places.setCurrentRow(1)
    places.setFocus()
    QTest.keyClick(places, Qt.Key.Key_Space)
    assert [each.like for each in pointing.pointed] == [True, False]
    person.click("Features", "teach_by_this")  # the same place once more changes nothing
    assert [each.like for each in pointing.pointed] == [True, False]
    person.type("Dictionary", "taught_name", "that")
    person.screenshot(tmp_path / "teach-places.png")
    person.click("Dictionary", "teach")
    jobs = person.workspace.jobs
    person.wait(lambda: jobs.status.busy, what="the job")
    assert not form.teach.isEnabled() and "is running" in form.teach.toolTip()
    person.click("Dictionary", "job_stop")  # thought better of it
    person.wait(lambda: not jobs.status.busy, 20, "the end")
    person.click("Dictionary", "job_resume")
    taught(person)
    note = person.workspace.state.lexicon.names.get(64).note
    assert note.startswith("Taught by 1 patch beside 1") and "Not checked" in note
    # what was pointed at is still there, and goes line by line
    places.setCurrentRow(0)
    places.setFocus()
    QTest.keyClick(places, Qt.Key.Key_Delete)
    assert [each.well for each in pointing.pointed] == ["A01"]
    assert "Point at something" in form.teach.toolTip()
    places.setCurrentRow(0)
    QTest.keyClick(places, Qt.Key.Key_Return)
    person.wait_for_field("A01")
    # pictures of a gallery can be pointed at as well
    person.front("Features")
    view.tabs.setCurrentIndex(0)
    person.choose_feature(2)
    person.wait(lambda: view.gallery.value() and view.gallery.value()[0] is not None, what="the gallery")
    tile = view.gallery.value()[0]
    (action,) = [each for each in view.gallery.tileMenu(tile).actions() if each.objectName() == "tile_teach_not"]
    action.trigger()
    last = pointing.pointed[-1]
    assert (last.number, last.like) == (tile.example.field_index, False)
    gy, gx = tile.example.gy, tile.example.gx  # its patch, and those around it that the field has
    assert {*last.places} == {
        (y, x) for y in range(gy - 1, gy + 2) for x in range(gx - 1, gx + 2) if 0 <= y < 7 and 0 <= x < 9
    }
