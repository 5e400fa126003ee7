"""The main job as a person does it, told once: the test asks whether it works, the script takes its pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from tests.gui.driver import LEFT, PLAIN, Person

from napari_lexicon.widgets.workspace.job_status import JobPhase

Look = Callable[[str], None]
JOB_SECONDS = 1500


@dataclass(frozen=True)
class Found:
    """What the person found.

    Parameters
    ----------
    feature : int
        The chosen feature.
    well : str
        The well where it fires most.
    selective_for : str
        The condition that it is most selective for.
    """

    feature: int
    well: str
    selective_for: str


def open_plate(person: Person, plate: Path, look: Look) -> None:
    """Drop a plate on the Plate dock."""
    look("start")
    drop(person, plate)
    person.wait(lambda: person.workspace.state.plate is not None, what="the plate")
    person.breathe(0.5)


def drop(person: Person, path: Path) -> None:
    """Drag a path onto the Plate dock and let go."""
    dock = person.docks["Plate"]
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    place, copy = dock.rect().center(), Qt.DropAction.CopyAction
    QApplication.sendEvent(dock, QDragEnterEvent(place, copy, data, LEFT, PLAIN))
    QApplication.sendEvent(dock, QDropEvent(QPointF(place), copy, data, LEFT, PLAIN))


def look_around(person: Person, wells: list[str], look: Look) -> None:
    """Open a well by double click, walk on by keys."""
    person.open_well(wells[0])
    look("plate")
    person.press(Qt.Key.Key_PageDown)
    person.wait_for_field(wells[1])
    person.press(Qt.Key.Key_PageUp)
    person.wait_for_field(wells[0])


def apply_builtin(person: Person, look: Look) -> None:
    """Press the one button and wait, looking when a few fields are done."""
    person.click("Embed", "apply")
    jobs = person.workspace.jobs
    person.wait(lambda: jobs.status.done >= 2 or not jobs.status.busy, JOB_SECONDS, "the first fields")
    person.breathe(0.2)
    look("computing")
    person.wait(lambda: not jobs.status.busy, JOB_SECONDS, "the job")
    assert jobs.status.phase is JobPhase.DONE, jobs.status.sentence
    person.click("Embed", "job_dismiss")
    plate = person.workspace.state.plate
    n_fields = sum(len(well.fields) for well in plate.wells.values())
    reading = person.workspace.reading
    person.wait(lambda: reading.figures is not None and len(reading.figures.numbers) == n_fields, 60, "all figures")


def find_a_feature(person: Person, column: str, look: Look) -> Found:
    """Compare by a column, sort by selectivity, choose the first, go where it fires most."""
    person.front("Features")
    view = person.docks["Features"].view
    compare = view.compare
    compare.setFocus()
    compare.setCurrentIndex(compare.findData(column))
    compare.activated.emit(compare.currentIndex())
    model = view.table.table_model()
    person.wait(lambda: any(c.key in ("selectivity", "spearman") for c in model.columns()), 60, "the comparison")
    section = next(n for n, c in enumerate(model.columns()) if c.key in ("selectivity", "spearman"))
    click_header(view.table, section)
    feature = person.choose_feature(0)
    person.press(Qt.Key.Key_N)
    well = strongest_well(person, feature)
    person.wait_for_field(well)
    person.wait(lambda: all(tile is not None for tile in view.gallery.value()), 60, "the gallery")
    look("features")
    row = person.workspace.reading.figures.table.loc[feature]
    return Found(feature, well, str(row.get("best_value", "")))


def strongest_well(person: Person, feature: int) -> str:
    """Well of the plate in which a feature has its largest mean."""
    statistics = person.workspace.reading.figures.statistics
    return statistics.wells[int(np.nanargmax(statistics.mean()[:, feature]))]


def click_header(table, section: int) -> None:
    """Click a column's title."""
    header = table.horizontalHeader()
    place = QPoint(header.sectionViewportPosition(section) + 12, header.height() // 2)
    QTest.mouseClick(header.viewport(), LEFT, PLAIN, place)


def go_to_a_tile(person: Person, position: int, look: Look) -> None:
    """Click a picture of the gallery, then in the image at its place."""
    gallery = person.docks["Features"].view.gallery
    person.bring_into_view(gallery)
    tile = gallery.value()[position]
    QTest.mouseClick(gallery, LEFT, PLAIN, gallery.tileCenter(position).toPoint())
    person.wait_for_field(tile.example.well)
    patch = person.workspace.state.lexicon.backbone.patch
    height, width = person.workspace.canvas.shown_field().shape
    person.click_image(
        min(tile.example.gy * patch + patch // 2, height - 1), min(tile.example.gx * patch + patch // 2, width - 1)
    )
    assert person.workspace.state.spot is not None
    person.docks["Features"].view.tabs.setCurrentIndex(1)
    look("click")
    person.docks["Features"].view.tabs.setCurrentIndex(0)


def name_it(person: Person, name: str, look: Look) -> None:
    """Give the feature a name."""
    person.type("Features", "feature_name", name)
    look("named")


def train(person: Person, look: Look, seconds: float = JOB_SECONDS) -> None:
    """Train a small dictionary and stop when there are curves to see."""
    from napari_lexicon.widgets.dictionary.train_form import PRESETS

    person.click("Dictionary", "source_train")
    person.docks["Dictionary"].view.form.setValue(PRESETS["quick"])
    person.click("Dictionary", "train")
    watch, jobs = person.workspace.training, person.workspace.jobs
    person.wait(lambda: len(watch.curves.explained) >= 3 or not jobs.status.busy, seconds, "curves")
    assert len(watch.curves.explained) >= 3, jobs.status.sentence
    person.breathe(0.2)
    person.bring_into_view(person.docks["Dictionary"].view.curves)
    look("training")
    if jobs.status.busy:
        person.click("Dictionary", "job_stop")
        person.wait(lambda: not jobs.status.busy, 90, "the end of the training")
    assert jobs.status.phase in (JobPhase.STOPPED, JobPhase.DONE), jobs.status.sentence
