"""Before a plate map is used, its columns and controls can be seen and corrected."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from qtpy.QtCore import Qt
from tests.gui.conftest import opened
from tests.gui.driver import Person


def test_a_column_and_the_controls_are_chosen_on_the_page(person: Person, plate: Path, tmp_path: Path):
    opened(person, plate)
    state, dock = person.workspace.state, person.docks["Plate"]
    wells = list(state.plate.wells)
    rows = [f"{well},{'Wasser' if number < 2 else 'neu'},{number}" for number, well in enumerate(wells)]
    table = tmp_path / "my map.csv"
    table.write_text("\n".join(["Well,Stoff,Gabe", *rows, "P24,neu,3"]))
    dock.show_map_page(table)
    page = dock.map_page
    person.wait(page.use.isEnabled, 10, "the guess")
    assert page.isVisible() and not page.negative.isVisible()
    combo = page.choices["Stoff"]
    combo.setCurrentIndex(combo.findText("treatment"))
    combo.activated.emit(combo.currentIndex())
    person.wait(page.negative.isVisible, 10, "the treatments")
    (water,) = page.negative.items.findItems("Wasser", Qt.MatchFlag.MatchStartsWith)
    water.setCheckState(Qt.CheckState.Checked)
    person.wait(lambda: "2 of them negative controls" in page.sentence.text(), 10, "the sentence")
    assert f"row {len(wells) + 2} (P24)" in page.sentence.text()
    person.screenshot(tmp_path / "map page.png")
    person.click("Plate", "map_use")
    person.wait(lambda: "Metadata_perturbation" in state.plate.map, 15, "the plate with its map")
    person.wait(lambda: dock.pages.currentWidget() is dock.view, 10, "the plate's page")
    assert state.plate.map["Metadata_pert_type"].tolist() == ["negcon", "negcon"] + ["trt"] * (len(wells) - 2)
    assert Path(state.origin.plate_map).name == "my map_as_read.csv"
    dock.read_map_again()
    person.wait(lambda: page.negative.value() == ("Wasser",), 10, "the map in use")
    person.click("Plate", "map_back")
    assert dock.pages.currentWidget() is dock.view


def test_a_table_that_lies_with_the_images_is_offered_and_seen_before_it_is_used(person: Person, tmp_path: Path):
    images = tmp_path / "run 1"
    images.mkdir()
    for well in ("A01", "A02", "B01", "B02"):
        tifffile.imwrite(images / f"{well}.tif", np.full((32, 32), 100, np.uint16))
    (images / "what is where.csv").write_text("well,drug\nA01,DMSO\nA02,taxol\nB01,DMSO\nB02,taxol\n")
    state, dock = person.workspace.state, person.docks["Plate"]
    own = (images / "what is where.csv").rename(tmp_path / "own.csv")
    (images / "screen.csv").write_text("plate,well,drug\nP1,A01,a\nP2,A01,b\n")
    person.workspace.opening.plate(images)
    why = person.find("Plate", "why_no_plate_map")
    person.wait(why.isVisible, 30, "the reason")
    assert why.text().startswith(
        "screen.csv describes several plates (P1, P2), none of them by this plate's name, run 1"
    )
    own.rename(images / "what is where.csv")
    person.workspace.opening.plate(images)
    offered = person.find("Plate", "add_plate_map")
    person.wait(lambda: offered.text() == "Use what is where.csv as plate map", 30, "the offer")
    person.click("Plate", "add_plate_map")
    person.wait(dock.map_page.use.isEnabled, 10, "how it is read")
    person.click("Plate", "map_use")
    person.wait(lambda: state.plate is not None and len(state.plate.map.columns) > 0, 15, "the plate with its map")
    assert "taxol" in state.plate.map.loc["B02"].tolist()
    assert not offered.isVisible()
