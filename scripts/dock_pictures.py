"""Pictures of every dock, in both themes: of whole windows on a laptop, of single docks on a large screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget
    from tests.gui.driver import Person

THEMES = ("dark", "light")
EVIDENCE = ("strongest", "click", "groups", "dose", "spread", "stains", "near", "notes")


def draw(person: Person, lexicon: Path, out: Path, large: bool) -> None:
    """Draw all docks of a window.

    Parameters
    ----------
    person : Person
        At a window as large as the screen.
    lexicon : pathlib.Path
        Lexicon of the small sample plate.
    out : pathlib.Path
        Folder of the pictures.
    large : bool
        Whether the screen is a large one: then most pictures are of the dock only.
    """
    prepare(person, lexicon)
    size = "large" if large else "laptop"
    for name, show in scenes(person):
        widget = show()
        for theme in THEMES:
            person.viewer.theme = theme
            person.breathe(0.4)
            whole = name == "features" or (not large and widget is not None and "evidence" not in name)
            target = person.window if whole or widget is None else widget
            path = out / f"{name}-{size}-{theme}.{'jpg' if target is person.window else 'png'}"
            save(target, path)
            print(path, path.stat().st_size // 1000, "kB", flush=True)
        person.viewer.theme = THEMES[0]


def prepare(person: Person, lexicon: Path) -> None:
    """Open the lexicon, a treated well, and the feature that tells the treatments apart best."""
    from tests.gui.main_job import find_a_feature

    person.workspace.opening.lexicon(lexicon)
    person.wait(lambda: person.workspace.reading.figures is not None, what="the figures")
    well = next(well for well in person.workspace.state.plate.wells if well.startswith("B"))
    person.open_well(well)
    find_a_feature(person, "Metadata_perturbation", lambda name: None)
    person.wait(lambda: not person.workspace.background.busy(), 180, "the background")


def scenes(person: Person) -> Iterator[tuple[str, Callable[[], QWidget | None]]]:
    """Name of each picture, and what brings its dock to the front."""

    def dock(name: str) -> Callable[[], QWidget]:
        def show() -> QWidget:
            person.front(name)
            person.wait(lambda: not person.workspace.background.busy(), 180, "the background")
            return person.docks[name]

        return show

    yield "features", dock("Features")
    for number, name in enumerate(EVIDENCE):
        yield f"evidence-{name}", lambda number=number: _evidence(person, number)
    yield "plate", dock("Plate")
    yield "embed", dock("Embed")
    yield "dictionary", lambda: _train_page(person)
    yield "teach", lambda: _teach_page(person)
    yield "feature-map", dock("Feature map")
    yield "questions", lambda: _question(person)
    yield "cells", lambda: _cells(person)
    yield "teach-places", lambda: _places_page(person)
    yield "guide", lambda: _guide(person)


def _evidence(person: Person, number: int) -> QWidget:
    view = person.docks["Features"].view
    person.front("Features")
    if EVIDENCE[number] == "click" and person.workspace.state.spot is None:
        canvas, patch = person.workspace.canvas, person.workspace.state.lexicon.backbone.patch
        codes = canvas.codes.values.sum(axis=(0, 3))
        row, column = divmod(int(codes.argmax()), codes.shape[1])
        person.click_image((row + 0.5) * patch, (column + 0.5) * patch)
    view.tabs.setCurrentIndex(number)
    person.wait(lambda: not person.workspace.background.busy(), 180, "the background")
    person.breathe(0.4)
    return person.docks["Features"]


def _train_page(person: Person) -> QWidget:
    person.front("Dictionary")
    person.click("Dictionary", "source_train")
    return person.docks["Dictionary"]


def _teach_page(person: Person) -> QWidget:
    """Wells of one treatment selected, a name typed."""
    state = person.workspace.state
    column = state.plate.map["Metadata_perturbation"]
    treatment = next(name for name in column.unique() if name not in ("", "DMSO"))
    state.set_selection(frozenset(str(well) for well in column.index[column == treatment]))
    person.front("Dictionary")
    person.click("Dictionary", "source_teach")
    person.type("Dictionary", "taught_name", treatment.replace("_", " "))
    return person.docks["Dictionary"]


def _places_page(person: Person) -> QWidget:
    """Places of a treated and of a control well pointed at, and what they find on the image."""
    from napari_lexicon.widgets.workspace.pointing import Pointed

    workspace = person.workspace
    state, plate = workspace.state, workspace.state.lexicon_plate
    treated = state.field
    control = next(well for well in plate.wells if plate.map.loc[well, "Metadata_perturbation"] == "DMSO")
    for well, like in ((treated.well, True), (control, False)):
        number = plate.field_number(well)
        codes = plate.codes(number)
        fires = ((codes.indices == state.feature) * codes.values).sum(axis=(0, 3)) + 1e-3 * codes.values.sum(
            axis=(0, 3)
        )
        for place in fires.ravel().argsort()[::-1][:24:4]:
            row, column = (int(at) for at in divmod(int(place), codes.indices.shape[2]))
            grid = tuple(plate.fields[number].grid)
            workspace.pointing.add(Pointed(f"patch {row}, {column}", well, number, grid, ((row, column),), like))
    form = person.docks["Dictionary"].view.teaching
    form.setValue("places")
    form.name.setText(plate.map.loc[treated.well, "Metadata_perturbation"].replace("_", " "))
    person.front("Dictionary")
    person.click("Dictionary", "show_trial")
    person.wait(lambda: workspace.trial.found is not None, 180, "what the places find")
    person.wait(lambda: not workspace.fine.reading and not workspace.background.busy(), 180, "its map")
    person.breathe(0.4)
    return person.docks["Dictionary"]


def _question(person: Person) -> QWidget:
    person.front("Questions")
    person.click("Questions", "ask")
    jobs = person.workspace.jobs
    person.wait(lambda: not jobs.status.busy, 300, "the answer")
    person.wait(lambda: not person.workspace.background.busy(), 60, "the table")
    jobs.forget()
    return person.docks["Questions"]


def _cells(person: Person) -> QWidget:
    person.front("Cells")
    person.click("Cells", "measure_cells")
    dock = person.docks["Cells"]
    person.wait(lambda: dock.controller.cells() is not None, 180, "the cells")
    return dock


def _guide(person: Person) -> QWidget | None:
    from napari_lexicon.widgets.workspace.guide import STEPS, show_guide

    person.workspace.trial.set_on(False)
    person.front("Features")
    show_guide(person.viewer).setValue(len(STEPS))  # the page of the keys
    person.breathe(0.5)
    return None


def save(widget: Any, path: Path) -> None:
    """Write what the screen shows of a widget: with images in it as JPEG, else in a palette of 256 colours."""
    from PIL import Image
    from qtpy.QtCore import QPoint
    from qtpy.QtGui import QGuiApplication

    path.parent.mkdir(parents=True, exist_ok=True)
    corner = widget.mapToGlobal(QPoint(0, 0))
    screen = QGuiApplication.primaryScreen()
    grabbed = screen.grabWindow(0, corner.x(), corner.y(), widget.width(), widget.height())
    whole = path.with_suffix(".whole.png")
    grabbed.save(str(whole))
    with Image.open(whole) as image:
        plain = image.convert("RGB")
    whole.unlink()
    if path.suffix == ".jpg":
        plain.save(path, quality=85 if plain.width < 2000 else 66, optimize=True)
    else:
        # an interface needs few colours; the rare ones, such as the features' own, have to be among them
        plain.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)
