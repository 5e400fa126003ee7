"""What people do out of turn: other people's layers, layers taken away, folders that vanish, slicing in threads.

One window and one plate serve all of these, each beginning with what the one before has left behind, as on a long
afternoon.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree, rmtree

import numpy as np
import pytest
from qtpy.QtCore import Qt
from tests.conftest import write_tiny_plate
from tests.gui.conftest import opened
from tests.gui.driver import Person, fit_to_screen

from napari_lexicon.analysis.maps import activation_map
from napari_lexicon.viewer.conversion import OWNER
from napari_lexicon.viewer.own_layer import RESTING
from napari_lexicon.widgets.workspace.docking import DOCKS


@pytest.fixture(scope="module")
def seated() -> Iterator[Person]:
    """A person at a window that stays open."""
    import napari

    viewer = napari.Viewer(show=False)
    fit_to_screen(viewer)
    person = Person(viewer)
    person.open_workspace("Features")
    yield person
    person.workspace.close()
    viewer.close()


@pytest.fixture
def at(seated: Person, plate: Path) -> Person:
    """The same person, with a fresh copy of the plate and its lexicon just opened; layers of others are gone."""
    for layer in list(seated.viewer.layers):
        seated.viewer.layers.remove(layer)
    seated.viewer.dims.ndisplay = 2
    state = seated.workspace.state
    state.set_lexicon(None)
    state.set_plate(None, None)
    seated.wait(lambda: not seated.workspace.background.busy(), what="quiet")
    opened(seated, plate)
    return seated


@pytest.fixture
def heard(at: Person) -> Iterator[list[str]]:
    """Sentences that the person is told."""
    told: list[str] = []

    def hear(notice) -> None:
        told.append(notice.sentence)

    at.workspace.state.noticed.connect(hear)
    yield told
    at.workspace.state.noticed.disconnect(hear)


def settled(person: Person) -> None:
    """Wait until all that was asked for is on the screen."""
    canvas = person.workspace.canvas
    person.wait(
        lambda: not canvas.changing() and canvas.shown_field() is person.workspace.state.current_field(),
        what="the field",
    )
    person.breathe(0.05)


def check_screen(person: Person) -> None:
    """Channels and map are those of the current field and feature, and nothing of ours is there twice."""
    state, canvas = person.workspace.state, person.workspace.canvas
    field = state.current_field()
    ours = [layer.metadata[OWNER] for layer in person.viewer.layers if OWNER in layer.metadata]
    assert sorted(mine["channel"] for mine in ours if "channel" in mine) == ["Actin", "DNA"]
    assert sum("overlay" in mine and RESTING not in mine for mine in ours) == (state.feature is not None)
    for layer in person.viewer.layers:
        if "channel" in layer.metadata.get(OWNER, {}):
            number = [channel.name for channel in state.plate.channels].index(layer.metadata[OWNER]["channel"])
            np.testing.assert_array_equal(layer.data, np.asarray(field.image())[number])
    if state.feature is not None:
        expected = activation_map(canvas.codes, state.feature)
        np.testing.assert_allclose(canvas.overlay.layer().data[::4, ::4], expected)


def test_layers_taken_away_by_hand_come_back_with_the_next_thing(at: Person):
    at.open_well("A01")
    state = at.workspace.state
    state.set_feature(3)
    at.click_image(40, 40)
    settled(at)
    check_screen(at)
    for layer in list(at.viewer.layers)[::2]:
        at.viewer.layers.remove(layer)
        at.press(Qt.Key.Key_PageDown)
        state.set_feature((state.feature or 0) + 1)
        settled(at)
        check_screen(at)
    at.viewer.layers.clear()
    at.press(Qt.Key.Key_PageUp)
    settled(at)
    check_screen(at)


def test_layers_taken_away_while_a_field_is_being_put_on_the_screen(at: Person):
    at.open_well("A01")
    state = at.workspace.state
    state.set_feature(3)
    for well in ("A02", "B01", "B03"):
        state.set_field(state.field.__class__(well, 0))
        at.wait(lambda: at.workspace.canvas.putting.busy() or not at.workspace.canvas.changing(), what="a channel")
        at.viewer.layers.clear()  # some channels are there, some are still to come
        settled(at)
    state.set_field(state.field.__class__("A01", 0))
    settled(at)
    check_screen(at)


def test_layers_of_others_with_more_dimensions_are_left_alone_and_ours_lie_right(at: Person):
    viewer, rng = at.viewer, np.random.default_rng(0)
    stack = viewer.add_image(rng.random((5, 30, 40)), name="stack", scale=(2, 1, 1))
    movie = viewer.add_image(rng.random((3, 5, 20, 20)), name="movie")
    photo = viewer.add_image(rng.integers(0, 255, (40, 50, 3), dtype=np.uint8), name="photo", rgb=True)
    labels = viewer.add_labels(np.eye(20, dtype=int), name="drawn")
    others = [stack, movie, photo, labels]
    before = [np.array(layer.data) for layer in others]
    at.open_well("A02")
    state = at.workspace.state
    state.set_feature(5)
    settled(at)
    check_screen(at)
    for display in (3, 2):
        viewer.dims.ndisplay = display
        at.breathe(0.1)
        at.press(Qt.Key.Key_PageDown)
        state.set_feature(state.feature + 1)
        settled(at)
        check_screen(at)
    viewer.dims.set_point(0, 2)
    image = viewer.layers["DNA"]
    at.workspace.canvas.look_at(image.data_to_world((50, 70))[-2:])
    at.breathe(0.1)
    at.workspace.canvas._clicked(tuple([0.0] * (viewer.dims.ndim - 2)) + tuple(image.data_to_world((40, 40))))
    assert (state.spot.row, state.spot.column) == (2, 2)
    at.workspace.state.set_plate(None, None)
    assert list(viewer.layers) == others
    for layer, data in zip(others, before, strict=True):
        np.testing.assert_array_equal(layer.data, data)


def test_slicing_in_threads_shows_the_same(at: Person):
    from napari.settings import get_settings

    settings = get_settings().experimental
    state = at.workspace.state
    at.open_well("A01")
    was = settings.async_
    try:
        for on in (True, False, True):
            settings.async_ = on
            for well, feature in (("A02", 4), ("B02", 9), ("B03", 2)):
                state.set_field(state.field.__class__(well, 0))
                state.set_feature(feature)  # before the field is there
                at.breathe(0.03)
            if at.workspace.canvas.overlay.layer() is not None:
                at.viewer.layers.remove(at.workspace.canvas.overlay.layer())
            state.set_feature(11)
            settled(at)
            at.wait(lambda: all(layer.loaded for layer in at.viewer.layers), what="the slices")
            check_screen(at)
    finally:
        settings.async_ = was


def test_a_lexicon_deleted_while_it_is_open_is_said_and_the_images_stay(at: Person, plate: Path, heard: list[str]):
    at.open_well("A01")
    state = at.workspace.state
    state.set_feature(3)
    settled(at)
    lexicon = plate.with_suffix(".lexicon")
    rmtree(lexicon)
    at.press(Qt.Key.Key_PageDown)
    at.wait(lambda: not at.workspace.canvas.changing() and heard, what="a sentence")
    assert any("lexicon" in sentence and "gone" in sentence for sentence in heard), heard
    assert "DNA" in at.layer_names()
    state.set_feature(4)
    at.type("Features", "feature_name", "bright rims")
    state.tell_growth()
    at.breathe(0.3)
    assert not (lexicon / "names.json").exists()
    at.press(Qt.Key.Key_PageUp)
    at.breathe(0.3)
    opened_again = write_tiny_plate(plate.parent / "second.zarr", wells=2, fields=1)
    at.workspace.opening.plate(opened_again)
    at.wait(lambda: state.plate.name == "second", what="another plate")
    at.open_well("A01")
    assert state.lexicon is None
    check_screen(at)


def test_a_plate_deleted_while_it_is_open_is_said(at: Person, plate: Path, heard: list[str]):
    at.open_well("A01")
    rmtree(plate)
    at.press(Qt.Key.Key_PageDown)
    at.wait(lambda: bool(heard), what="a sentence")
    assert "A02" in heard[0]
    assert str(plate) in heard[0]
    assert at.workspace.state.plate.name == "tiny"


def test_a_plate_without_wells_or_fields_is_said_and_the_next_one_opens(
    at: Person, plate: Path, tmp_path: Path, heard: list[str]
):
    empty, bare = tmp_path / "empty.zarr", tmp_path / "bare.zarr"
    write_tiny_plate(empty, wells=0)
    write_tiny_plate(bare, wells=3, fields=1)
    rmtree(bare / "A" / "01")
    for path in (bare / "A").iterdir():
        if path.is_dir():
            rmtree(path / "0")
    for path in (empty, bare):
        heard.clear()
        at.workspace.opening.plate(path)
        at.wait(lambda: bool(heard), what=str(path))
        assert str(path) in heard[0]
        assert at.workspace.state.plate.name == "tiny"
    part = tmp_path / "part.zarr"
    write_tiny_plate(part, wells=3, fields=1)
    rmtree(part / "A" / "01")
    at.workspace.opening.plate(part)
    at.wait(lambda: at.workspace.state.plate.name == "part", what="the plate")
    assert "A01" not in at.workspace.state.plate.wells
    at.open_well("A02")
    check_screen(at)


def test_only_the_last_of_several_plates_in_a_hurry_is_shown(at: Person, plate: Path, tmp_path: Path):
    others = [write_tiny_plate(tmp_path / f"p{n}.zarr", wells=2, fields=1, seed=n) for n in range(3)]
    at.open_well("A01")
    state = at.workspace.state
    for path in (*others, plate, *others):
        at.workspace.opening.plate(path)
        at.breathe(0.02)
    at.wait(lambda: state.plate.name == "p2" and not at.workspace.background.busy(), what="the last plate")
    first = next(iter(state.plate.fields()))
    at.wait_for_field(first.well)
    assert sorted(at.layer_names()) == sorted(channel.name for channel in state.plate.channels)  # and no map
    assert state.lexicon is None
    assert at.workspace.reading.figures is None
    at.open_well("A02")
    check_screen(at)


def test_docks_closed_while_a_field_is_read_are_opened_again_with_it(at: Person):
    at.open_well("A01")
    state = at.workspace.state
    state.set_feature(3)
    state.set_field(state.field.__class__("B02", 0))
    for name in DOCKS:
        at.viewer.window.remove_dock_widget(at.docks[name].parent())
    state.set_feature(6)
    settled(at)
    check_screen(at)
    at.open_workspace("Features")
    assert at.docks["Plate"].view.grid.current() == "B02"
    assert at.docks["Features"].view.table.value() == 6
    at.press(Qt.Key.Key_PageDown)
    settled(at)
    check_screen(at)


def test_two_windows_show_two_plates_and_each_knows_its_own(at: Person, plate: Path, tmp_path: Path):
    import napari

    copytree(plate, tmp_path / "two" / plate.name)
    viewer = napari.Viewer(show=False)
    other = Person(viewer)
    try:
        fit_to_screen(viewer)
        other.open_workspace("Features")
        opened(other, plate)  # the same plate and lexicon in both
        at.open_well("A01")
        other.open_well("B03")
        at.workspace.state.set_feature(3)
        other.workspace.state.set_feature(8)
        at.type("Features", "feature_name", "of the first window")
        settled(other)
        check_screen(at)
        check_screen(other)
        other.workspace.opening.plate(tmp_path / "two" / plate.name)
        other.wait(lambda: other.workspace.state.origin.path != str(plate), what="the other plate")
        other.open_well("A02")
        settled(at)
        check_screen(at)
        check_screen(other)
    finally:
        other.workspace.close()
        viewer.close()
    at.press(Qt.Key.Key_PageDown)
    settled(at)
    check_screen(at)


def test_plots_take_on_the_other_theme(at: Person):
    """pyqtgraph's own clear background keeps the colours of the theme that it was first painted in."""
    at.open_well("A02")
    at.workspace.state.set_feature(3)
    features = at.docks["Features"].view
    at.front("Features")
    page = next(n for n in range(features.tabs.count()) if features.tabs.tabText(n) == "Dose")
    features.tabs.setCurrentIndex(page)
    dose = features.evidence.dose
    at.wait(lambda: bool(dose.value()) and dose.plot.isVisible(), what="the doses")
    for theme in ("light", "dark"):
        at.viewer.theme = theme
        at.breathe(0.2)
        corner = dose.plot.grab().toImage().pixelColor(1, 1)
        assert corner == dose.palette().window().color()
        assert (corner.lightnessF() > 0.5) == (theme == "light")
