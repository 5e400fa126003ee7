"""Before a plate map is used, its columns and controls can be seen and corrected."""

from __future__ import annotations

from pathlib import Path

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
