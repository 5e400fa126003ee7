"""What the Plate dock says of a plate, and the form for another choice of planes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_lexicon.plates import open_plate
from napari_lexicon.plates.plane_choices import TChoice, ZChoice
from napari_lexicon.widgets.plate.layout import plate_layout
from napari_lexicon.widgets.plate.planes_dialog import PlanesForm
from napari_lexicon.widgets.plate.status import problems_line


@pytest.mark.parametrize(
    ("z", "t", "said"),
    [
        ("max", 0, "z: maximum projection of 3 planes · t: time point 0 of 2"),
        (1, "all", "z: plane 1 · t: all 2 time points, each a field"),
    ],
)
def test_what_is_shown_of_stacks_and_series_is_said(z: ZChoice, t: TChoice, said: str, tmp_path: Path) -> None:
    for well in ("A01", "A02", "A03", "B01", "B02", "B03"):
        stack = np.zeros((2, 3, 20, 30), np.uint16)
        tifffile.imwrite(tmp_path / f"{well}.ome.tif", stack, ome=True, metadata={"axes": "TZYX"})
    plate = open_plate(tmp_path, z=z, t=t)
    assert problems_line(plate, plate_layout(plate)) == said


@pytest.mark.parametrize("value", [("max", 0), ("all", "all"), (7, 3), (0, 0)])
def test_the_form_gives_back_what_it_was_given(value: tuple[ZChoice, TChoice], qtbot) -> None:
    form = PlanesForm()
    qtbot.addWidget(form)
    form.setValue(*value)
    assert form.value() == value
    assert form.plane.isEnabled() == isinstance(value[0], int)
