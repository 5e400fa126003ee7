"""A person asks a question, looks at its table, goes from a row to the image, and saves it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog
from tests.gui.conftest import opened
from tests.gui.driver import LEFT, PLAIN, Person
from tests.gui.test_jobs import held_at_its_start, wait_for_end

from napari_lexicon.analysis.edit_pictures import CELL
from napari_lexicon.widgets.workspace.job_status import JobPhase


def test_a_question_is_asked_and_its_rows_lead_to_features_and_wells(person: Person, plate: Path, tmp_path: Path):
    dock = person.docks["Questions"]
    person.front("Questions")
    assert not dock.view.ask.isEnabled() and "no features yet" in dock.view.ask.toolTip()
    opened(person, plate)
    view = dock.view
    assert view.value() == ("effects", "Metadata_perturbation")
    person.click("Questions", "ask")
    assert person.find("Questions", "job_strip").isVisible()
    status = wait_for_end(person)
    assert status.phase is JobPhase.DONE, status.sentence
    person.wait(lambda: len(view.model.table()) > 0, 10, "the answer")
    table = view.model.table()
    assert set(table["treatment"]) == {"drug"} and view.figure.isVisible()
    tips = [
        view.model.headerData(n, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole) for n in range(len(table.T))
    ]
    assert all(tips) and tips[list(table).index("difference")] == "difference of parts of patches, -1 to 1"
    index = view.model.index(3, 0)
    view.table.scrollTo(index)
    QTest.mouseClick(view.table.viewport(), LEFT, PLAIN, view.table.visualRect(index).center())
    assert person.workspace.state.feature == int(table["feature"].iloc[3])
    assert person.workspace.state.selection == {"A02", "A03", "B02", "B03"}
    person.click("Questions", "save_answer")
    (dialog,) = [each for each in dock.findChildren(QFileDialog) if each.isVisible()]
    dialog.fileSelected.emit(str(tmp_path / "mine.csv"))
    dialog.reject()
    assert len(pd.read_csv(tmp_path / "mine.csv")) == len(table)
    view.setColumns([], None)  # as without a plate map
    assert not view.ask.isEnabled() and view.reason.text().startswith("Add a plate map")
    view.setValue(("stains", ""))
    assert view.ask.isEnabled()


def test_a_question_that_is_cancelled_gives_no_table(person: Person, plate: Path):
    opened(person, plate)
    person.front("Questions")
    view = person.docks["Questions"].view
    view.setValue(("stains", ""))
    with held_at_its_start(person):
        person.click("Questions", "ask")
        person.click("Questions", "job_stop")
    assert wait_for_end(person).phase is JobPhase.STOPPED
    assert view.model.table().empty and view.ask.isEnabled()


def test_what_edits_make_of_a_feature_is_seen_with_its_check_and_leads_to_its_row(
    person: Person, plate: Path, tmp_path: Path
):
    opened(person, plate)
    person.front("Questions")
    view, state = person.docks["Questions"].view, person.workspace.state
    state.set_feature(int(person.workspace.reading.figures.statistics.active.sum(axis=(0, 1)).argmax()))
    view.setValue(("edits", ""))
    person.click("Questions", "ask")
    status = wait_for_end(person)
    assert status.phase is JobPhase.DONE, status.sentence
    person.wait(lambda: len(view.model.table()) == 4, 10, "the answer")
    assert view.pictures.isVisible() and not view.figure.isVisible()
    assert [part.accessibleName().split(":")[0].split(" ", 1)[1] for part in view.pictures.parts] == [
        *("removed", "halved", "doubled", "added"),
    ]
    drawn = [part.grab().toImage() for part in view.pictures.parts]
    assert drawn[0] != drawn[3]
    for part in view.pictures.parts:  # nothing of the check is cut off
        assert part.height() >= min(part.width(), CELL[0]) * CELL[1] // CELL[0]
    QTest.mouseClick(view.pictures.parts[1], LEFT, PLAIN)
    (chosen,) = view.table.selectionModel().selectedRows()
    assert view.model.table()["edit"].iloc[view.model.row_at(chosen.row())] == "halve"
    view.kind.setCurrentIndex(view.kind.findData("bars"))
    assert view.figure.isVisible() and not view.pictures.isVisible()
    person.docks["Questions"].controller.save(tmp_path / "mine.csv")
    assert (tmp_path / "mine.csv").exists() and (tmp_path / "mine.png").exists()
