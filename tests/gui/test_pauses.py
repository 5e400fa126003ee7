"""What keeps the window quick: fields and maps are drawn once, layers go together, nothing half done is seen."""

from __future__ import annotations

import gc
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from tests.gui.conftest import opened
from tests.gui.driver import Person

from napari_lexicon.analysis.maps import activation_map
from napari_lexicon.lexicons import LexiconPlate
from napari_lexicon.viewer.conversion import cropped_map
from napari_lexicon.viewer.field_layers import FieldLayers
from napari_lexicon.viewer.overlay import ActivationOverlay
from napari_lexicon.widgets.embed import controller as embed_controller
from napari_lexicon.widgets.workspace.field_putting import FieldPutting
from napari_lexicon.widgets.workspace.field_reading import read_fields
from napari_lexicon.widgets.workspace.job_status import JobPhase, JobRequest, JobStatus
from napari_lexicon.widgets.workspace.state import FieldPlace


@pytest.fixture(autouse=True)
def thawed() -> None:
    """What an earlier window froze does not count."""
    gc.unfreeze()


def at_a_field(person: Person, plate: Path) -> None:
    person.workspace.state.set_lexicon(None)
    opened(person, plate)
    person.wait(lambda: person.workspace.state.feature is not None, what="the first look")
    person.workspace.state.set_field(FieldPlace("A01", 0))
    person.wait_for_field("A01")
    person.workspace.state.set_feature(3)
    person.wait(lambda: not person.workspace.background.busy(), what="quiet")
    person.breathe(0.2)


def test_a_field_is_not_drawn_before_all_its_channels_are_there(person: Person, plate: Path):
    at_a_field(person, plate)
    canvas, layers = person.workspace.canvas, person.workspace.canvas.layers
    mixed = []

    def look(event: object = None) -> None:
        fields = {layer.metadata["napari-lexicon"]["field"] for layer in layers.current().values()}
        mixed.append(len(fields) > 1)

    scene = person.viewer.window._qt_viewer.canvas._scene_canvas
    scene.events.draw.connect(look)
    for well in ("A02", "B01", "B02"):
        person.workspace.state.set_field(FieldPlace(well, 0))
        person.wait_for_field(well)
        person.breathe(0.1)
    assert canvas.shown_field().well == "B02"
    assert mixed and not any(mixed)


def test_a_channel_that_cannot_be_put_does_not_leave_the_canvas_frozen(person: Person, plate: Path, monkeypatch):
    at_a_field(person, plate)

    def broken(self: FieldLayers, layer: object) -> None:
        raise RuntimeError("no room for a texture")

    monkeypatch.setattr(FieldLayers, "put", broken)
    canvas, state = person.workspace.canvas, person.workspace.state
    read = read_fields(state.plate, canvas.shown_side(), {})
    putting = FieldPutting(canvas.layers)
    with pytest.raises(RuntimeError):
        putting.put(read)
    assert person.canvas.updatesEnabled()
    assert not putting.busy()


def test_the_map_of_before_stays_while_codes_are_read_at_once_and_goes_where_they_take_long(
    person: Person, plate: Path, monkeypatch
):
    at_a_field(person, plate)
    state, overlay = person.workspace.state, person.workspace.canvas.overlay
    gate, read = threading.Event(), LexiconPlate.codes
    monkeypatch.setattr(LexiconPlate, "codes", lambda self, number: read(self, number) if gate.wait(20) else None)
    blanked = []
    monkeypatch.setattr(overlay, "blank", lambda: blanked.append(person.workspace.canvas.shown_field().well))
    state.set_field(FieldPlace("B02", 0))
    person.wait(lambda: blanked, 10, "the old map goes")
    assert blanked == ["B02"]
    gate.set()
    person.wait_for_field("B02")
    number = state.lexicon_plate.field_number("B02", index=0)
    drawn, _ = cropped_map(
        activation_map(read(state.lexicon_plate, number), 3),
        state.lexicon.backbone.patch,
        person.workspace.canvas.shown_field().shape,
    )
    np.testing.assert_allclose(overlay.layer().data, drawn)
    blanked.clear()
    state.set_field(FieldPlace("A02", 0))
    person.wait_for_field("A02")
    person.breathe(0.2)
    assert not blanked


def test_the_map_of_a_chosen_feature_is_put_a_turn_later_and_drawn_after_that(person: Person, plate: Path, monkeypatch):
    at_a_field(person, plate)
    overlay, put = person.workspace.canvas.overlay, ActivationOverlay.show
    drawing = []

    def noted(self: ActivationOverlay, *what: object) -> None:
        drawing.append(person.canvas.updatesEnabled())
        put(self, *what)

    monkeypatch.setattr(ActivationOverlay, "show", noted)
    for feature in (5, 4, 5):  # in a hurry: the last one is drawn
        person.workspace.state.set_feature(feature)
    assert not drawing
    person.wait(lambda: drawing and person.canvas.updatesEnabled(), 10, "the drawing")
    assert drawing == [False]
    assert overlay.layer().name == "#5"


def test_all_layers_of_a_plate_go_together(person: Person, plate: Path):
    at_a_field(person, plate)
    layers = person.viewer.layers
    if not hasattr(layers, "batched_update"):
        pytest.skip("this napari removes layers one by one")
    went, batches = [], []
    layers.events.removed.connect(lambda event: went.append(event.value.name))
    layers.events.end_batch.connect(lambda event: batches.append(tuple(went)))
    person.workspace.state.set_plate(None, None)
    assert len(went) >= 3  # two channels and the map
    assert batches == [tuple(went)]


def test_garbage_is_not_searched_among_what_the_window_is_made_of(person: Person):
    person.wait(gc.get_freeze_count, 10, "it settles")
    person.workspace.close()
    assert not gc.get_freeze_count()  # all that belongs to the window can go


def test_fields_that_a_job_finishes_elsewhere_do_not_draw_the_map_anew(person: Person, plate: Path, monkeypatch):
    at_a_field(person, plate)
    overlay, drawn = person.workspace.canvas.overlay, []
    monkeypatch.setattr(overlay, "show", lambda *what: drawn.append(what))
    for _ in range(20):
        person.workspace.state.tell_growth()
        person.breathe(0.02)
    assert len(drawn) <= 2  # the figures are new


def test_a_job_that_finishes_many_fields_has_them_looked_through_now_and_then(person: Person, plate: Path, monkeypatch):
    at_a_field(person, plate)
    looked, look = [], embed_controller.read_cache_state

    def noted(*what: object) -> object:
        looked.append(time.monotonic())
        return look(*what)

    monkeypatch.setattr(embed_controller, "read_cache_state", noted)
    job = JobRequest("embed", {"out": "elsewhere.lexicon"}, "Embedding", "embed")
    with monkeypatch.context() as running:
        running.setattr(person.workspace.jobs, "_status", JobStatus(JobPhase.RUNNING, job))
        begun = time.monotonic()
        while time.monotonic() < begun + 5 or len(looked) < 2:
            assert time.monotonic() < begun + 60, "nobody looks any more"
            person.workspace.state.tell_growth()
            person.breathe(0.02)
    assert np.diff(looked).min() >= 2
