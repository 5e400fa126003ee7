"""A training run that is paused outlives its dock and napari: closed, opened again, and continued with real clicks."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtTest import QTest
from tests.gui.conftest import opened
from tests.gui.driver import LEFT, PLAIN, Person, fit_to_screen
from tests.gui.test_jobs import JOB_SECONDS, job_of, wait_for_end

from napari_lexicon.jobs.training_record import TrainingRecord, records_of
from napari_lexicon.widgets.dictionary.train_form import TrainChoice
from napari_lexicon.widgets.workspace.job_status import JobPhase


def run_of(plate: Path) -> TrainingRecord:
    (record,) = records_of(plate.with_suffix(".lexicon"))
    return record


def test_a_paused_training_is_continued_after_its_dock_and_napari_were_closed(
    person: Person, plate: Path, make_napari_viewer
):
    opened(person, plate)
    person.click("Dictionary", "source_train")
    view = person.docks["Dictionary"].view
    view.form.setValue(TrainChoice(features=32, iterations=3, per_iteration=1, steps=100_000))
    view.controls.setValue("all", ())  # two wells are too few for whitening
    person.click("Dictionary", "train")
    person.wait(lambda: len(person.workspace.training.curves.training) > 3, JOB_SECONDS, "curves")
    person.click("Dictionary", "job_stop")
    assert wait_for_end(person, 60).phase is JobPhase.STOPPED, job_of(person).sentence
    paused = run_of(plate)
    assert 0 < paused.step < paused.steps == 100_000

    person.viewer.window.remove_dock_widget(person.docks["Dictionary"].parent())
    person.breathe(0.2)
    person.open_workspace("Dictionary")
    assert person.find("Dictionary", "job_resume").isVisible()
    assert person.find("Dictionary", "job_resume").text() == "Continue"
    person.workspace.close()
    person.viewer.close()

    viewer = make_napari_viewer(show=True)
    fit_to_screen(viewer)
    later = Person(viewer)
    later.open_workspace("Dictionary")
    later.click("Plate", "recent_0")
    later.wait(lambda: later.workspace.reading.figures is not None, what="the figures")
    later.click("Dictionary", "source_train")
    table = later.find("Dictionary", "training_runs")
    later.wait(lambda: table.isVisible() and table.rowCount() == 1, 20, "the run")
    assert not later.find("Dictionary", "resume_run").isEnabled()
    assert later.find("Dictionary", "resume_run").toolTip() == "Choose a run in the table first."
    later.bring_into_view(table)
    QTest.mouseClick(table.viewport(), LEFT, PLAIN, table.visualItemRect(table.item(0, 0)).center())
    later.breathe(0.1)
    assert later.docks["Dictionary"].view.curves.isVisible()  # as far as it had come
    later.click("Dictionary", "resume_run")
    later.wait(lambda: job_of(later).done > paused.step or not job_of(later).busy, JOB_SECONDS, "more steps")
    assert job_of(later).busy, job_of(later).sentence
    later.click("Dictionary", "job_stop")
    assert wait_for_end(later, 60).phase is JobPhase.STOPPED
    continued = run_of(plate)
    assert continued.out == paused.out
    assert continued.step > paused.step
    before = [figures["step"] for figures in paused.history if "step" in figures]
    after = [figures["step"] for figures in continued.history if "step" in figures]
    assert after[: len(before)] == before and after == sorted(after)
    later.workspace.close()
