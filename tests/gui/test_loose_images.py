"""A folder of loose images has no wells, and the window does not speak of any."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from qtpy.QtWidgets import QComboBox, QLabel, QWidget
from tests.gui.driver import Person

from napari_lexicon.widgets.workspace.guide import STEPS, show_guide

WELL = re.compile(r"(?<!\{)(?<!as )(?<![Hh]ow )\b[Ww]ells?\b(?!\})")
PATTERNS = ("pattern", "pattern_presets", "question_across")  # have names of their own that hold wells


def texts(person: Person) -> Iterator[str]:
    """All that can be read in the docks, and hovered."""
    for dock in person.docks.values():
        for widget in (dock, *dock.findChildren(QWidget)):
            if widget.objectName() in PATTERNS:
                continue
            yield widget.toolTip()
            for name in ("text", "placeholderText", "title"):
                said = getattr(widget, name, str)
                yield str(said() if callable(said) else said)
            if isinstance(widget, QComboBox):
                for row in range(widget.count()):
                    yield from (widget.itemText(row), str(widget.itemData(row, 3) or ""))


def open_folder(person: Person, folder: Path) -> None:
    state = person.workspace.state
    person.workspace.opening.plate(folder)
    person.wait(lambda: state.plate is not None and Path(state.plate.path) == folder and state.field is not None)


def test_no_dock_speaks_of_wells_where_there_are_images_and_all_do_again_where_there_are(
    person: Person, plate: Path, tmp_path: Path
):
    folder = tmp_path / "wells of May"
    folder.mkdir()
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 255, (64, 80), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"smear {number}.png")
    open_folder(person, folder)
    assert person.workspace.state.plate.free
    said = [text for text in texts(person) if WELL.search(text.replace(folder.name, ""))]
    person.type("Plate", "well_search", "nothing like that")
    assert said == []
    assert person.find("Plate", "well_search_line").text() == "No image is like that."
    assert person.find("Plate", "next_well").text() == "image ›"
    assert person.find("Plate", "plate_title").text() == "wells of May"
    guide = show_guide(person.viewer)
    for page in range(len(STEPS) + 1):
        guide.setValue(page)
        assert [each.text() for each in guide.findChildren(QLabel) if WELL.search(each.text())] == []
    guide.close()
    open_folder(person, plate)
    guide = show_guide(person.viewer)
    assert "Double-click a well" in guide.words.text()
    guide.close()
    assert person.find("Plate", "next_well").text() == "well ›"
    assert "wells" in person.find("Plate", "well_search").placeholderText()
