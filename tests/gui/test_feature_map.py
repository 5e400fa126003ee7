"""The feature map, as a person uses it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from tests.gui.conftest import opened
from tests.gui.driver import LEFT, PLAIN, Person
from tests.widgets.test_scatter import lasso


def test_map_and_table_are_brushed_together(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("A01")
    person.front("Feature map")
    view, state = person.docks["Feature map"].view, person.workspace.state
    person.wait(lambda: len(view.plot.points()), what="the map")
    assert len(view.plot.points()) == len(person.workspace.reading.figures.table)
    QTest.mouseClick(view.plot, LEFT, PLAIN, view.plot.pointPlace(5).toPoint())
    chosen = state.feature
    apart = view.plot.pointPlace(chosen) - view.plot.pointPlace(5)
    assert apart.manhattanLength() < 10
    assert view.plot.current() == chosen
    lasso(view.plot, [(0.12, 0.03), (0.55, 0.03), (0.55, 0.85), (0.12, 0.85)])
    marked = state.marked
    assert marked == frozenset(np.flatnonzero(view.plot.value()).tolist())
    assert 0 < len(marked) < len(view.plot.points())
    assert state.feature == chosen
    table = person.docks["Features"].view.table
    model = table.table_model()
    rows = {model.feature_at(index.row()) for index in table.selectionModel().selectedRows()}
    assert marked - rows <= {f for f in marked if model.row_of(f) is None}
    person.click("Feature map", "only_marked")
    person.front("Features")
    assert {model.feature_at(row) for row in range(model.rowCount())} == set(marked)
    assert "selected on the feature map" in person.find("Features", "feature_count").text()
    person.choose_feature(1)
    assert state.marked == marked
    person.click("Feature map", "clear_marked")
    assert model.rowCount() > len(marked)
    person.front("Features")
    for row in (0, 3):
        cell = table.visualRect(model.index(row, 1)).center()
        QTest.mouseClick(table.viewport(), LEFT, Qt.KeyboardModifier.ControlModifier if row else PLAIN, cell)
    assert state.marked == {model.feature_at(0), model.feature_at(3)}
    assert frozenset(np.flatnonzero(view.plot.value()).tolist()) == state.marked


def test_features_are_coloured_by_a_column_of_the_table(person: Person, plate: Path):
    opened(person, plate)
    person.front("Feature map")
    view = person.docks["Feature map"].view
    person.wait(lambda: len(view.plot.points()), what="the map")
    own = view.plot.colors().copy()
    combo = view.color_by
    combo.setCurrentIndex(combo.findData("fires"))
    combo.activated.emit(combo.currentIndex())
    fires = person.workspace.reading.figures.table["fires"].to_numpy()
    light = view.plot.colors().astype(int).sum(axis=1)
    assert not np.array_equal(view.plot.colors(), own)
    assert light[fires.argmax()] > light[np.where(fires > 0, fires, np.inf).argmin()]
    assert view.scale.value().title == "fires"
