"""Real jobs in real processes, watched from a real window that never waits for them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

import psutil
import pytest
from pyqtgraph import PlotWidget
from qtpy.QtCore import QTimer
from tests.conftest import write_tiny_plate
from tests.gui.conftest import opened
from tests.gui.driver import Person

from napari_lexicon.lexicons import Lexicon
from napari_lexicon.widgets.workspace.docking import DOCKS
from napari_lexicon.widgets.workspace.job_status import JobPhase, JobStatus

JOB_SECONDS = 240


class Heartbeat:
    """Beats every 10 ms and remembers the longest pause of the main thread that is our own doing.

    Where more wants to run than there are processors, everybody waits. Linux says how long the threads of this
    process stood in line for one; so much of a pause is the machine's and is forgiven. On a quiet machine it is
    nothing.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self._last, self._in_line = time.perf_counter(), _seconds_in_line()
        self._timer = QTimer()
        self._timer.setInterval(10)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now, in_line = time.perf_counter(), _seconds_in_line()
        forgiven = sum(max(0.0, waited - self._in_line.get(task, 0.0)) for task, waited in in_line.items())
        self.longest = max(self.longest, now - self._last - forgiven)
        self._last, self._in_line = time.perf_counter(), in_line

    def stop(self) -> float:
        """Longest pause in seconds."""
        self._timer.stop()
        return self.longest


@contextmanager
def held_at_its_start(person: Person) -> Iterator[None]:
    """The next job's process stands still from its first moment to the end of the block.

    A short job beside a busy machine may be over before a person has found its button.
    """
    held: list[psutil.Process] = []

    def hold(status: JobStatus) -> None:
        if status.busy and not held:
            held.append(psutil.Process(person.workspace.jobs.process_id()))
            held[0].suspend()

    person.workspace.jobs.changed.connect(hold)
    try:
        yield
    finally:
        person.workspace.jobs.changed.disconnect(hold)
        for process in held:
            process.resume()


def _seconds_in_line() -> dict[str, float]:
    """Seconds that each thread of this process has waited for a processor so far; empty where nobody says."""
    waited = {}
    for file in Path("/proc/self/task").glob("*/schedstat"):
        try:
            waited[file.parent.name] = int(file.read_text().split()[1]) / 1e9
        except (OSError, IndexError, ValueError):  # the thread has just ended
            continue
    return waited


def job_of(person: Person):
    return person.workspace.jobs.status


def wait_for_end(person: Person, seconds: float = JOB_SECONDS):
    person.wait(lambda: not job_of(person).busy, seconds, "the job")
    return job_of(person)


def apply(person: Person, dictionary: Path) -> None:
    person.workspace.compute.apply(str(dictionary), "embed")


@pytest.fixture
def bare_plate(plate: Path) -> Path:
    """A plate that nothing is computed of."""
    rmtree(plate.with_suffix(".lexicon"))
    return plate


def test_features_appear_while_the_job_runs_and_the_main_thread_never_waits(
    person: Person, bare_plate: Path, tiny_dictionary: Path
):
    person.workspace.opening.plate(bare_plate)
    person.wait(lambda: person.workspace.state.plate is not None)
    person.open_well("A01")
    person.breathe(1)
    heart = Heartbeat()
    apply(person, tiny_dictionary)
    person.wait(lambda: person.workspace.reading.figures is not None, JOB_SECONDS, "first figures")
    early = len(person.workspace.reading.figures.numbers)
    status = wait_for_end(person)
    longest = heart.stop()
    assert status.phase is JobPhase.DONE, status.sentence
    assert status.result["finished"] == 12
    person.wait(lambda: len(person.workspace.reading.figures.numbers) == 12, 30, "all figures")
    assert early <= 12
    assert longest < 0.1, f"the main thread was busy for {longest * 1000:.0f} ms"


def test_cancel_ends_the_job_within_two_seconds_and_resume_goes_on(
    person: Person, tmp_path: Path, tiny_dictionary: Path
):
    plate = write_tiny_plate(tmp_path / "long.zarr", wells=6, fields=8)
    person.workspace.opening.plate(plate)
    person.wait(lambda: person.workspace.state.plate is not None)
    apply(person, tiny_dictionary)
    person.wait(lambda: job_of(person).done >= 2, JOB_SECONDS, "two fields")
    start = time.monotonic()
    person.click("Embed", "job_stop")
    person.wait(lambda: not job_of(person).busy, 10, "the end")
    assert time.monotonic() - start < 2
    assert job_of(person).phase is JobPhase.STOPPED
    part = next(iter(Lexicon.open(plate.with_suffix(".lexicon")).plates.values()))
    kept = part.n_done()
    assert 2 <= kept < 48
    person.click("Embed", "job_resume")
    person.wait(lambda: job_of(person).busy, 10)
    status = wait_for_end(person)
    assert status.phase is JobPhase.DONE
    assert status.result["kept"] == kept
    assert status.result["finished"] == 48 - kept
    person.click("Embed", "job_dismiss")
    assert not person.find("Embed", "job_strip").isVisible()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_job_that_is_killed_tells_why_and_loses_nothing_finished(
    person: Person, tmp_path: Path, tiny_dictionary: Path
):
    plate = write_tiny_plate(tmp_path / "long.zarr", wells=6, fields=8)
    person.workspace.opening.plate(plate)
    person.wait(lambda: person.workspace.state.plate is not None)
    apply(person, tiny_dictionary)
    person.wait(lambda: job_of(person).done >= 2, JOB_SECONDS, "two fields")
    os.kill(person.workspace.jobs.process_id(), signal.SIGKILL)
    status = wait_for_end(person, 10)
    assert status.phase is JobPhase.FAILED
    sentence = person.find("Embed", "job_sentence")
    assert sentence.isVisible()
    assert "Finished fields are kept" in sentence.text()
    part = next(iter(Lexicon.open(plate.with_suffix(".lexicon")).plates.values()))
    assert part.n_done() >= 2


def test_a_running_job_survives_its_dock_and_is_found_again(person: Person, bare_plate: Path, tiny_dictionary: Path):
    person.workspace.opening.plate(bare_plate)
    person.wait(lambda: person.workspace.state.plate is not None)
    apply(person, tiny_dictionary)
    for name in DOCKS:
        person.viewer.window.remove_dock_widget(person.docks[name].parent())
    person.breathe(0.3)
    assert job_of(person).busy
    person.open_workspace()
    assert person.find("Embed", "job_strip").isVisible()
    assert not person.find("Dictionary", "job_strip").isVisible()
    assert wait_for_end(person).phase is JobPhase.DONE


def test_another_plate_may_be_opened_while_a_job_runs(
    person: Person, bare_plate: Path, tmp_path: Path, tiny_dictionary: Path
):
    other = write_tiny_plate(tmp_path / "other.zarr", wells=3, fields=1, seed=7)
    person.workspace.opening.plate(bare_plate)
    person.wait(lambda: person.workspace.state.plate is not None)
    apply(person, tiny_dictionary)
    person.workspace.opening.plate(other)
    person.wait(lambda: person.workspace.state.plate.name == "other")
    assert wait_for_end(person).phase is JobPhase.DONE
    person.breathe(0.5)
    assert person.workspace.state.plate.name == "other"
    assert person.workspace.state.lexicon is None
    assert person.workspace.reading.figures is None


def test_training_shows_curves_stop_keeps_the_best_and_it_can_be_applied(person: Person, plate: Path):
    opened(person, plate)
    person.front("Dictionary")
    person.click("Dictionary", "source_train")
    form = person.docks["Dictionary"].view.form
    from napari_lexicon.widgets.dictionary.train_form import TrainChoice

    form.setValue(TrainChoice(features=32, iterations=3, per_iteration=1, steps=100_000))
    assert person.find("Dictionary", "control_count").text() == "2 control wells of 6"
    person.docks["Dictionary"].view.controls.setValue("all", ())  # two wells are too few for whitening
    person.click("Dictionary", "train")
    watch = person.workspace.training
    person.wait(lambda: len(watch.curves.training) > 3, JOB_SECONDS, "curves")
    assert person.docks["Dictionary"].view.curves.isVisible()
    assert not form.isVisible()  # what is learned stands on top
    person.click("Dictionary", "job_stop")
    status = wait_for_end(person, 60)
    assert form.isVisible()
    assert status.phase is JobPhase.STOPPED, status.sentence
    assert Path(watch.trained).is_file()
    dock, first = person.docks["Dictionary"], watch.trained
    person.wait(lambda: dock.controller.outline() and dock.controller.outline().path == first, 10, "outline")
    assert dock.view.curves.findChild(PlotWidget).isVisible()
    form.setValue(TrainChoice(algorithm="kmeans", features=32, iterations=3, per_iteration=1))
    person.click("Dictionary", "train")
    assert wait_for_end(person).phase is JobPhase.DONE
    person.wait(lambda: dock.controller.outline() and dock.controller.outline().path == watch.trained, 10, "the second")
    assert watch.trained != first
    assert dock.view.curves.isVisible() and not dock.view.curves.findChild(PlotWidget).isVisible()  # found at once
    assert not dock.view.forming.isVisible()  # those of the first run
    person.wait(dock.view.apply.isEnabled, 10, "the button")
    before = (plate.with_suffix(".lexicon") / "lexicon.json").read_bytes()
    person.click("Dictionary", "apply_dictionary")
    status = wait_for_end(person)
    assert status.phase is JobPhase.DONE, status.sentence
    person.wait(lambda: person.workspace.state.lexicon.header.dictionary.n_features == 32, 20, "the new lexicon")
    assert (plate.with_suffix(".lexicon") / "lexicon.json").read_bytes() == before
    # from the first lexicon to what is computed already: its feature 60 is nothing in a dictionary of 32
    made = person.workspace.state.lexicon.path
    assert made.name == "tiny-32-2.lexicon"
    person.workspace.opening.lexicon(plate.with_suffix(".lexicon"))
    person.wait(lambda: person.workspace.state.lexicon.header.dictionary.n_features == 64, 20, "the first lexicon")
    person.workspace.state.set_feature(60)
    person.front("Dictionary")
    person.wait(lambda: "tiny-32-2.lexicon" in dock.view.apply.toolTip(), 10, "where it goes")
    person.click("Dictionary", "apply_dictionary")
    assert wait_for_end(person).result["kept"] == 12
    person.wait(lambda: person.workspace.state.lexicon.path == made, 20, "the second lexicon again")
    person.wait(lambda: person.workspace.reading.figures is not None, what="its figures")
    assert person.workspace.state.feature != 60


def test_bad_input_is_one_sentence_and_the_plate_stays(person: Person, plate: Path, tmp_path: Path):
    opened(person, plate)
    heard = []
    person.workspace.state.noticed.connect(heard.append)
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "no such plate", tmp_path / "empty"):
        heard.clear()
        person.workspace.opening.plate(path)
        person.wait(lambda: bool(heard), what=str(path))
        assert str(path) in heard[0].sentence
        assert heard[0].kind == "error"
        assert person.workspace.state.plate.name == "tiny"
    table = tmp_path / "map.csv"
    table.write_text("well,compound\nP24,x\n", encoding="utf-8")
    heard.clear()
    person.docks["Plate"].add_map(table)
    person.wait(lambda: bool(heard))
    assert "map.csv" in heard[0].sentence
