"""Cells of the shown wells, as a person uses them."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from tests.gui.conftest import opened
from tests.gui.driver import LEFT, PLAIN, Person
from tests.gui.test_beside import settle
from tests.widgets.test_scatter import lasso

from napari_lexicon.analysis.cells import cell_features
from napari_lexicon.analysis.segmentation import segmented_nuclei


def measured(person: Person) -> object:
    """Find and measure the cells of what is shown."""
    person.click("Cells", "measure_cells")
    return wait_for_cells(person)


def wait_for_cells(person: Person):
    dock, canvas = person.docks["Cells"], person.workspace.canvas
    person.wait(
        lambda: dock.controller.cells() is not None and dock.controller.cells().side is canvas.shown_side(),
        what="the cells",
    )
    person.breathe(0.05)
    return dock.controller.cells()


def test_nuclei_are_found_measured_gated_and_saved(person: Person, plate: Path, tmp_path: Path):
    opened(person, plate)
    button = person.find("Cells", "measure_cells")
    assert "Open a well" in button.toolTip()
    person.open_well("A03")
    feature = person.choose_feature(0)
    person.front("Cells")
    dock = person.docks["Cells"]
    view = dock.view
    view.source.diameter.setValue(8)
    view.whole.setChecked(False)
    cells = measured(person)
    field = person.workspace.canvas.shown_field()
    expected = segmented_nuclei(np.asarray(field.image()[0]), 8 / 0.5)
    layer = person.workspace.viewer().layers["cells"]
    np.testing.assert_array_equal(layer.data, expected)
    np.testing.assert_allclose(layer.scale, person.viewer.layers[0].scale)
    codes = person.workspace.canvas.codes
    known = cell_features(codes, expected, 16).table("mean")
    label = person.viewer.layers[-1].name if person.viewer.layers[-1].name.startswith("#") else f"#{feature}"
    np.testing.assert_allclose(layer.features[label], known[feature], rtol=1e-5)
    assert layer.features["index"].tolist() == sorted(set(np.unique(expected)) - {0})
    assert len(view.plot.points()) == cells.n
    lasso(view.plot, [(0.11, 0.02), (0.99, 0.02), (0.99, 0.5), (0.11, 0.5)])
    gate = dock.controller.gate()
    assert 0 < gate.sum() < cells.n
    assert layer.features["gate"].tolist() == gate.tolist()
    assert f"{gate.sum()} of {cells.n} cells" in view.gate.text()
    shown = {label: layer.colormap.color_dict[label][3] for label in layer.features["index"]}
    assert [alpha == 1.0 for alpha in shown.values()] == gate.tolist()
    out = tmp_path / "cells.h5ad"
    dock.controller.save_shown(out)
    person.wait(out.exists, what="the table")
    person.wait(lambda: not person.workspace.background.busy("save cells"))
    saved = anndata.read_h5ad(out)
    assert saved.obs["gate"].tolist() == gate.tolist()
    assert set(saved.obs["Metadata_perturbation"]) == {"drug"}
    middle = sorted(layer.features["area_px"] * 0.25)[cells.n // 2]
    view.smallest.setValue(middle)
    assert len(view.plot.points()) == (layer.features["area_px"] * 0.25 >= middle).sum()
    assert min(layer.features["index"], key=lambda n: (expected == n).sum()) in {
        number for number, color in layer.colormap.color_dict.items() if number and color[3] == 0
    }
    QTest.mouseClick(view.plot, LEFT, PLAIN, view.plot.pointPlace(0).toPoint())
    person.press(Qt.Key.Key_PageUp)
    person.wait_for_field("A02")
    assert wait_for_cells(person) is not cells
    person.viewer.layers.remove("cells")
    person.breathe(0.05)
    assert dock.controller.cells() is None
    assert view.teaching.isVisible()


def test_cells_drawn_by_hand_are_measured_over_wells_side_by_side(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("A03")
    person.click("Plate", "beside_control")
    settle(person, "A03", "A01")
    side = person.workspace.canvas.shown_side()
    labels = np.zeros(side.shape, np.int32)
    for number in (0, 1):
        top, left = side.offset(number)
        labels[top + 10 : top + 30, left + 20 : left + 50] = 1
        labels[top + 60 : top + 80, left + 70 : left + 90 + 10 * number] = 2
    person.viewer.add_labels(labels, name="drawn", scale=person.viewer.layers[0].scale)
    person.front("Cells")
    combo = person.find("Cells", "cell_source")
    combo.setCurrentIndex(combo.findText("layer drawn"))
    combo.activated.emit(combo.currentIndex())
    cells = measured(person)
    assert cells.n == 4
    assert cells.wells().tolist() == ["A03", "A03", "A01", "A01"]
    assert cells.numbers().tolist() == [1, 2, 3, 4]
    assert [part.table["area_px"].tolist() for part in cells.parts] == [[600, 400], [600, 600]]
    layer = person.viewer.layers["cells"]
    np.testing.assert_array_equal(layer.data > 0, labels > 0)
    person.viewer.layers.remove("drawn")
    person.breathe(0.05)
    assert person.docks["Cells"].view.source.value().kind == "nuclei"
