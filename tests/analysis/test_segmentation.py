"""Nuclei that were planted, bright on a dark ground or dark on a bright one."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest

from napari_lexicon.analysis.segmentation import segmented_nuclei, stained
from napari_lexicon.plates import open_plate

PLACES = [(30, 30), (30, 90), (90, 40), (100, 110), (60, 64)]


def disks(ground: float, nuclei: float) -> np.ndarray:
    y, x = np.mgrid[:140, :150]
    plane = np.full(y.shape, ground)
    for cy, cx in PLACES:
        plane[(y - cy) ** 2 + (x - cx) ** 2 < 100] = nuclei
    return plane + np.random.default_rng(0).normal(0, 4, plane.shape)


def found_at(labels: np.ndarray) -> list[bool]:
    return [labels[place] > 0 for place in PLACES]


@pytest.mark.parametrize(("ground", "nuclei"), [(20.0, 160.0), (215.0, 90.0)])
def test_in_a_colour_image_nuclei_are_found_whichever_way_the_light_came(ground: float, nuclei: float) -> None:
    labels = segmented_nuclei(stained(disks(ground, nuclei), colour=True))
    assert labels.max() == len(PLACES)
    assert all(found_at(labels))
    assert not labels[0].any()  # the ground


def test_a_channel_that_is_no_colour_image_stays_as_it_is() -> None:
    plane = disks(215, 90)
    assert stained(plane, colour=False) is plane


def test_the_cells_dock_finds_what_is_dark_in_a_smear(tmp_path: Path) -> None:
    from napari_lexicon.viewer.side_by_side import SideBySide
    from napari_lexicon.widgets.cells.measuring import NUCLEI, CellSource, measure_shown

    smear = np.stack([disks(215, 90), disks(210, 120), disks(220, 180)], axis=-1)
    imageio.imwrite(tmp_path / "smear.png", np.clip(smear, 0, 255).astype(np.uint8))
    plate = open_plate(tmp_path / "smear.png")
    assert plate.rgb
    (field,) = plate.fields()
    cells = measure_shown(plate, None, None, SideBySide((field,)), {}, CellSource(NUCLEI, "Red", 20.0), None)
    assert cells.n == len(PLACES)
    assert all(found_at(cells.labels()))
