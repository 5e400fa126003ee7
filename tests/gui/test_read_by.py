"""A person reads features by their direction: table, plate and questions follow, and it comes back with the plate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from tests.gui.conftest import opened
from tests.gui.driver import Person
from tests.gui.test_jobs import wait_for_end

from napari_lexicon import api
from napari_lexicon.viewer.napari_compat import text_overlay
from napari_lexicon.widgets.workspace.job_status import JobPhase


def read_by(person: Person, key: Qt.Key, times: int) -> None:
    """Choose another reading with the keyboard."""
    box = person.find("Features", "read_by")
    box.setFocus()
    for _ in range(times):
        QTest.keyClick(box, key)
    person.breathe(0.1)


def test_table_plate_and_questions_follow_the_reading_and_so_does_the_next_time(person: Person, plate: Path):
    opened(person, plate)
    person.front("Features")
    person.choose_feature(0)
    workspace, view = person.workspace, person.docks["Features"].view
    reading, lexicon = workspace.reading, workspace.state.lexicon
    colors = dict(person.docks["Plate"].view.grid.colors())
    read_by(person, Qt.Key.Key_Down, 2)
    person.wait(lambda: reading.figures is not None and reading.figures.beyond == 2.0, 20, "the reading by direction")
    assert person.find("Features", "read_by").shownText() == "direction over 2 SD"
    told = api.features(lexicon.path, beyond=2.0)
    np.testing.assert_allclose(reading.figures.table["fires"], told["fires"])
    columns = {column.key: column for column in view.table.table_model().columns()}
    assert "mean_when_active" not in columns
    assert "more than 2 standard deviations of control patches" in columns["fires"].tip
    assert "of patches lie over 2 SD of controls along it" in view.card.facts.text()
    assert reading.look_of(0).kind == "direction"
    assert person.find("Features", "feature_why").text() == (
        "Map and table read its direction: what lies over 2 SD of controls."
    )
    person.wait(lambda: workspace.fine.reading, 10, "the field read again")
    assert not workspace.canvas.overlay.layer().data.any()  # the code of before is no answer
    assert text_overlay(person.viewer).text.endswith(f"\nreading the direction of #{workspace.state.feature}…")
    person.wait(lambda: dict(person.docks["Plate"].view.grid.colors()) != colors, 10, "other colours of the wells")
    color_by = person.docks["Plate"].view.color_by
    assert color_by.value().statistic == "fraction_active"  # as the table counts
    read, common = reading.figures.read, int(reading.figures.table["fires"].idxmax())
    often = read.active[:, :, common].sum(axis=1) / read.tokens.sum(axis=1)
    most = read.wells[int(often.argmax())]
    assert reading.figures.table["well"][common] == most
    workspace.state.set_feature(common)
    person.wait(lambda: not workspace.fine.reading, 120, "the direction")
    map_layer = workspace.canvas.overlay.layer()
    drawn = map_layer.data[map_layer.data > 0]
    assert drawn.size == 0 or drawn.min() > 2  # the map begins where the table begins to count
    assert map_layer.contrast_limits[0] == 2
    person.press(Qt.Key.Key_N)
    person.wait_for_field(most)
    person.wait(lambda: f"direction of #{common}, over 2 SD" in text_overlay(person.viewer).text, 120, "how it is read")
    assert (map_layer.data > 2).any()
    person.front("Questions")
    person.click("Questions", "ask")
    status = wait_for_end(person)
    assert status.phase is JobPhase.DONE, status.sentence
    answer = person.docks["Questions"].view.model
    person.wait(lambda: len(answer.table()) > 0, 10, "the answer")
    asked = api.ask(lexicon.path, "effects", beyond=2.0).set_index("feature")["treated"].sort_index()
    shown = answer.table().set_index("feature")["treated"].sort_index()
    pd.testing.assert_series_equal(shown, asked, check_exact=False, rtol=1e-5)
    kept = workspace.restoring.value()
    assert kept is not None
    assert kept.beyond == 2.0
    person.front("Features")
    read_by(person, Qt.Key.Key_Up, 2)
    person.wait(lambda: reading.figures is not None and reading.figures.beyond is None, 20, "the reading by code")
    np.testing.assert_allclose(reading.figures.table["fires"], api.features(lexicon.path)["fires"])
    assert reading.look_of(0).kind == "code"
    assert color_by.value().statistic == "mean"


def test_a_lexicon_without_directions_says_so_and_stays_readable(person: Person, plate: Path, monkeypatch):
    monkeypatch.setattr("napari_lexicon.lexicons.plate.LexiconPlate.directions", lambda _: None)
    said: list[str] = []
    person.workspace.state.noticed.connect(lambda notice: said.append(str(notice)))
    opened(person, plate)
    person.front("Features")
    read_by(person, Qt.Key.Key_Down, 1)
    person.wait(lambda: any("run apply with --recompute" in each for each in said), 10, "the sentence")
    box = person.find("Features", "read_by")
    person.wait(lambda: box.currentData() is None, 10, "the code again")
    assert person.workspace.reading.figures is not None
