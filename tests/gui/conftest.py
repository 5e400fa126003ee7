"""Real napari windows, with a person at each."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest
from tests.gui.driver import Person, fit_to_screen
from tests.screen import forgotten, screen

__all__ = ["forgotten", "screen"]

with contextlib.suppress(ImportError):
    # Triton and Mesa's software OpenGL each bring an LLVM of their own, and loading Triton after a window was open
    # (torch does so when an optimiser is made) ends the interpreter.
    import triton._C.libtriton  # noqa: F401


@pytest.fixture
def person(make_napari_viewer) -> Iterator[Person]:
    """A person at a window with the workspace open."""
    viewer = make_napari_viewer(show=True)
    fit_to_screen(viewer)
    person = Person(viewer)
    person.open_workspace()
    yield person
    person.workspace.close()


@pytest.fixture
def plate(tiny_plate: Path, applied: Path, tmp_path: Path) -> Path:
    """A plate with its lexicon beside it, free to be changed."""
    copytree(tiny_plate, tmp_path / tiny_plate.name)
    copytree(applied, tmp_path / applied.name)
    header = tmp_path / applied.name / "plates"
    for file in header.glob("*/plate.json"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(str(tiny_plate), str(tmp_path / tiny_plate.name)), encoding="utf-8")
    return tmp_path / tiny_plate.name


def opened(person: Person, plate: Path) -> None:
    """Open a plate and wait for it and its figures."""
    person.workspace.opening.plate(plate)
    person.wait(lambda: person.workspace.state.plate is not None, what="the plate")
    person.wait(lambda: person.workspace.reading.figures is not None, what="the figures")


def opened_without_image(person: Person, plate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As :func:`opened`, by a person who has chosen a feature at once, before any field is on the screen."""
    monkeypatch.setattr("napari_lexicon.widgets.workspace.first_look.PATIENCE_MS", 600_000)
    state = person.workspace.state
    state.lexiconChanged.connect(lambda lexicon: state.set_feature(None if lexicon is None else 3))
    opened(person, plate)
    assert state.field is None
