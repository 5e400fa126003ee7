"""What is taken of pages, stacks and series is said in the dock, and chosen anew there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from qtpy.QtWidgets import QDialogButtonBox
from tests.gui.driver import Person

from napari_lexicon.widgets.plate.planes_dialog import PlanesDialog


def test_pages_taken_for_channels_become_a_stack(person: Person, tmp_path: Path):
    images = tmp_path / "run 1"
    images.mkdir()
    for well in ("A01", "A02", "B01", "B02"):
        with tifffile.TiffWriter(images / f"{well}.tif") as writer:
            for page in range(5):
                writer.write(np.full((64, 64), 10 * page, np.uint16), metadata=None)
    state, dock = person.workspace.state, person.docks["Plate"]
    person.workspace.opening.plate(images)
    person.wait(lambda: state.plate is not None, 30, "the plate")
    assert len(state.plate.channels) == 5
    assert dock.view.note.text().startswith("5 pages a file taken as channels; names read as {well}.tif")
    person.wait(dock.view.pattern.open_button.isEnabled, 10, "the guessed pattern")
    choice = dock.view.pattern.pages
    person.click("Plate", "plate_note")
    person.screenshot(tmp_path / "pages.png")
    choice.setCurrentIndex(choice.findData("z"))
    dock.view.pattern.open_button.click()
    person.wait(lambda: len(state.plate.channels) == 1, 30, "the stack")
    assert state.origin.pages == "z"
    assert "z: maximum projection of 5 planes" in dock.view.note.text()
    person.wait(lambda: choice.currentData() == "z", 10, "the choice that is shown")
    person.wait(lambda: len(person.layer_names()) > 0 and "Channel 1" in str(person.layer_names()), 15, "the image")
    person.breathe(0.5)


def test_a_plane_is_chosen_in_a_dialog(person: Person, tmp_path: Path):
    images = tmp_path / "run 2"
    images.mkdir()
    stack = np.arange(3, dtype=np.uint16)[None, :, None, None] * np.ones((2, 3, 64, 64), np.uint16)
    for well in ("A01", "A02", "B01", "B02"):
        tifffile.imwrite(images / f"{well}.ome.tif", stack, ome=True, metadata={"axes": "TZYX"})
    state, dock = person.workspace.state, person.docks["Plate"]
    person.workspace.opening.plate(images)
    person.wait(lambda: state.plate is not None, 30, "the plate")
    assert "z: maximum projection of 3 planes · t: time point 0 of 2" in dock.view.problems.text()
    dock.ask_for_planes()
    dialog = dock.findChild(PlanesDialog, "planes_dialog")
    assert dialog.form.value() == ("max", 0)
    dialog.form.setValue(1, "all")
    person.screenshot(tmp_path / "planes.png")
    dialog.buttons.button(QDialogButtonBox.StandardButton.Ok).click()
    person.wait(lambda: state.origin is not None and state.origin.z == 1, 30, "the plane")
    assert [field.name for field in state.plate.wells["A01"].fields] == ["0t0", "0t1"]
    assert int(state.plate.wells["A01"].fields[1].image()[0, 0, 0].compute()) == 1
    assert "z: plane 1 · t: all 2 time points, each a field" in dock.view.problems.text()
