"""A plate that was moved is found again by one button, and by itself where it is opened at its new place."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree, move

from qtpy.QtTest import QTest
from qtpy.QtWidgets import QDialogButtonBox, QInputDialog, QLineEdit
from tests.conftest import write_tiny_plate
from tests.gui.conftest import opened
from tests.gui.driver import LEFT, Person

from napari_lexicon.lexicons import Lexicon


def origin_of(lexicon: Path) -> str:
    return Lexicon.open(lexicon).plates["tiny"].header.origin.path


def choose_folder(person: Person, path: Path) -> None:
    """Answer the folder dialog."""
    person.answer("Plate", path, QDialogButtonBox.StandardButton.Open)


def test_choose_folder_links_the_lexicon_to_the_plate_and_goes_on(person: Person, plate: Path, tmp_path: Path):
    lexicon, place = plate.with_suffix(".lexicon"), tmp_path / "another disk" / "tiny.zarr"
    place.parent.mkdir()
    move(plate, place)
    other = write_tiny_plate(tmp_path / "other.zarr", wells=2, fields=1, seed=5)
    state, said = person.workspace.state, []
    state.noticed.connect(lambda notice: said.append(notice.sentence))
    person.workspace.opening.plate(lexicon)
    page = person.docks["Plate"].moved_page
    person.wait(page.isVisible, 10, "the page")
    assert str(plate) in page.sentence.text()
    person.screenshot(tmp_path / "moved.png")
    person.click("Plate", "moved_choose")
    choose_folder(person, other)
    person.wait(lambda: any("another plate" in sentence for sentence in said), 10, "the sentence")
    assert page.isVisible()
    assert origin_of(lexicon) == str(plate)
    person.click("Plate", "moved_choose")
    choose_folder(person, place)
    person.wait(lambda: state.plate is not None and person.workspace.reading.figures is not None, 15, "the plate")
    assert origin_of(lexicon) == str(place)
    assert state.lexicon_plate is not None
    assert person.docks["Plate"].view.isVisible()
    person.open_well("B02")


def test_a_plate_moved_with_its_lexicon_opens_with_its_features(person: Person, plate: Path, tmp_path: Path):
    new = tmp_path / "new"
    new.mkdir()
    copytree(plate.with_suffix(".lexicon"), new / "tiny.lexicon")
    move(plate, new / plate.name)
    opened(person, new / plate.name)
    assert origin_of(new / "tiny.lexicon") == str(new / plate.name)
    assert origin_of(plate.with_suffix(".lexicon")) == str(plate)  # the old folder is left alone


def test_an_address_is_typed_and_what_does_not_answer_is_said(person: Person, tmp_path: Path):
    said = []
    person.workspace.state.noticed.connect(lambda notice: said.append(notice.sentence))
    person.click("Plate", "open_address")
    (dialog,) = [each for each in person.docks["Plate"].findChildren(QInputDialog) if each.isVisible()]
    line = dialog.findChild(QLineEdit)
    QTest.keyClicks(line, "http://127.0.0.1:9/plate.zarr")  # the port that nobody listens to
    person.screenshot(tmp_path / "address.png")
    QTest.mouseClick(dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Ok), LEFT)
    person.wait(lambda: bool(said), 60, "the sentence")
    assert "127.0.0.1:9/plate.zarr" in said[0]
