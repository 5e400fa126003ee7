"""The canvas: what layers hold on the graphics card is freed there, and when it draws nothing for a while."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtGui import QOffscreenSurface, QOpenGLContext
from tests.gui.conftest import opened
from tests.gui.driver import Person

from napari_lexicon.viewer.field_layers import FieldLayers
from napari_lexicon.widgets.workspace.field_putting import FieldPutting
from napari_lexicon.widgets.workspace.state import FieldPlace


@pytest.mark.parametrize("at_once", [False, True])
def test_a_layer_that_goes_is_freed_on_the_canvas(person: Person, monkeypatch: pytest.MonkeyPatch, at_once: bool):
    gl = person.viewer.window._qt_viewer.canvas._scene_canvas.context
    finish, freed_in = gl.finish, []
    monkeypatch.setattr(gl, "finish", lambda: (freed_in.append(QOpenGLContext.currentContext()), finish()))
    person.viewer.add_image(np.eye(8))
    person.breathe()
    surface, others = QOffscreenSurface(), QOpenGLContext()
    surface.create()
    others.create()
    others.makeCurrent(surface)  # as Qt's own, when it has composed the window
    if at_once:
        with person.viewer.layers.batched_update():
            person.viewer.layers.clear()
    else:
        person.viewer.layers.clear()
    assert freed_in
    assert all(context is person.canvas.context() for context in freed_in)
    person.breathe()


def test_a_window_that_closes_takes_no_further_channel(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("A01")
    putting, state = person.workspace.canvas.putting, person.workspace.state
    person.viewer.layers.clear()
    put = []
    real = FieldPutting._next
    with pytest.MonkeyPatch.context() as patch:

        def closing(self: FieldPutting) -> None:
            real(self)
            put.append(len(person.viewer.layers))
            if len(put) == 1:  # the first channel is on the screen, the second in the queue
                person.workspace.close()

        patch.setattr(FieldPutting, "_next", closing)
        state.set_field(FieldPlace("A03", 0))
        person.wait(lambda: len(put) > 1, 30, "the second turn")
    assert not putting.busy()
    assert len([layer for layer in person.viewer.layers if layer.name in ("DNA", "Actin")]) == 1


def test_only_a_canvas_with_something_on_it_is_held(person: Person):
    layers = FieldLayers(person.viewer)
    layers.hold()
    assert person.canvas.updatesEnabled()  # napari's welcome is to go when the first layer comes
    person.viewer.add_image(np.eye(8))
    layers.hold()
    assert not person.canvas.updatesEnabled()
    layers.release()
    assert person.canvas.updatesEnabled()


@pytest.mark.parametrize("beside", ["", "well"])
def test_a_field_that_is_being_read_does_not_come_under_the_next_plate(
    person: Person, plate: Path, beside: str, monkeypatch: pytest.MonkeyPatch
):
    # on a slow machine the first field of a plate that nobody looks at would come in the middle
    monkeypatch.setattr("napari_lexicon.widgets.workspace.first_look.PATIENCE_MS", 600_000)
    opened(person, plate)
    person.open_well("A01")
    state, background = person.workspace.state, person.workspace.background
    state.set_beside(beside)
    state.set_field(FieldPlace("A03", 0))
    assert background.busy("field")
    (well,) = (well for well in state.plate.wells.values() if well.name == "A01")
    state.set_plate(replace(state.plate, name="another", wells={"A01": well}), None)
    person.wait(lambda: not background.busy(), 30)
    person.breathe(0.5)
    assert not [layer for layer in person.viewer.layers if layer.name in ("DNA", "Actin")]
    assert person.workspace.canvas.shown_field() is None
