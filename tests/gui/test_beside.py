"""Wells side by side, as a person uses them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from tests.conftest import cell_like_image
from tests.gui.conftest import opened, opened_without_image
from tests.gui.driver import LEFT, Person

from napari_lexicon import api
from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.writing import PlateWriter
from napari_lexicon.viewer.napari_compat import camera as camera_of
from napari_lexicon.viewer.napari_compat import text_overlay
from napari_lexicon.widgets.workspace.state import MapLook


def settle(person: Person, *wells: str) -> None:
    """Wait until exactly these wells are on the screen."""
    canvas = person.workspace.canvas
    person.wait(
        lambda: (
            canvas.shown_side() is not None
            and tuple(field.well for field in canvas.shown_side().fields) == wells
            and not canvas.changing()
        ),
        what=f"{wells} side by side",
    )
    person.breathe(0.05)


def halves(person: Person, layer) -> tuple[np.ndarray, np.ndarray]:
    """What a layer shows of the first and of the second field."""
    side = person.workspace.canvas.shown_side()
    scale = layer.scale[1] / side.placement().scale[1]
    (_, left), (_, width) = side.offset(1), side.fields[0].shape
    cut, begin = round(width / scale), round(left / scale)
    return layer.data[:, :cut], layer.data[:, begin : begin + cut]


def test_a_treatment_beside_its_control_through_walking_and_other_features(
    person: Person, plate: Path, monkeypatch: pytest.MonkeyPatch
):
    from napari_lexicon.analysis.maps import activation_map

    opened_without_image(person, plate, monkeypatch)
    assert "Open a well" in person.find("Plate", "beside_control").toolTip()
    person.open_well("A03")
    feature = person.choose_feature(0)
    person.viewer.layers[0].contrast_limits = (150, 900)
    person.click("Plate", "beside_control")
    settle(person, "A03", "A01")
    wells = person.workspace.state.plate.wells
    layers = len(person.viewer.layers)
    left, right = halves(person, person.viewer.layers[0])
    np.testing.assert_array_equal(left, wells["A03"].fields[0].image()[0])
    np.testing.assert_array_equal(right, wells["A01"].fields[0].image()[0])
    assert tuple(person.viewer.layers[0].contrast_limits) == (150, 900)
    lexicon_plate = person.workspace.state.lexicon_plate
    overlay = person.workspace.canvas.overlay.layer()
    for well, shown in zip(("A03", "A01"), halves(person, overlay), strict=True):
        codes = lexicon_plate.codes(lexicon_plate.field_number(well, index=0))
        np.testing.assert_allclose(shown[::4, ::4], activation_map(codes, feature)[:7, :9])
    names = person.workspace.canvas.names.layer()
    assert [text.strip() for text in names.features["name"][2:]] == [
        "A03 · drug\n 10 · field 1 of 2",
        "A01 · DMSO\n negative control · field 1 of 2",
    ]
    zoom = camera_of(person.viewer).zoom = camera_of(person.viewer).zoom * 1.7
    person.press(Qt.Key.Key_PageUp)
    settle(person, "A02", "A01")
    assert camera_of(person.viewer).zoom == zoom
    person.press(Qt.Key.Key_Period)
    settle(person, "A02", "A01")
    assert [field.index for field in person.workspace.canvas.shown_side().fields] == [1, 1]
    other = person.choose_feature(3)
    codes = lexicon_plate.codes(lexicon_plate.field_number("A01", index=1))
    np.testing.assert_allclose(halves(person, overlay)[1][::4, ::4], activation_map(codes, other)[:7, :9])
    assert len(person.viewer.layers) == layers
    person.workspace.state.set_look(MapLook("direction"))
    person.wait(lambda: text_overlay(person.viewer).text == f"direction of #{other}, over 1 SD", 120, "how it is read")
    person.press(Qt.Key.Key_Slash)
    settle(person, "A02")
    assert person.workspace.canvas.names.layer() is None
    assert not person.find("Plate", "beside_control").isChecked()


def test_selected_wells_side_by_side_and_a_click_makes_one_of_them_current(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("A01")
    assert not person.find("Plate", "beside_selection").isEnabled()
    grid = person.docks["Plate"].view.grid
    for well in ("B02", "B03"):
        QTest.mouseClick(grid, LEFT, Qt.KeyboardModifier.ControlModifier, grid.wellCenter(well))
    person.click("Plate", "beside_selection")
    settle(person, "A01", "B02", "B03")
    side = person.workspace.canvas.shown_side()
    (top, left), reads = side.offset(2), person.viewer.layers[0].data
    person.click_image(top + 20, left + 40)
    assert person.workspace.state.field.well == "B03"
    assert grid.current() == "B03"
    assert person.viewer.layers[0].data is reads  # nothing was read again
    spot = person.workspace.state.spot
    assert (spot.row, spot.column) == (20 // 16, 40 // 16)
    frame = person.workspace.canvas.frame.layer()
    np.testing.assert_allclose(
        frame.data_to_world(frame.data[0][0]), side.placement(2).world_of((15.5, 31.5)), atol=1e-6
    )
    QTest.mouseClick(grid, LEFT, Qt.KeyboardModifier.ControlModifier, grid.wellCenter("B02"))
    settle(person, "A01", "B03")
    person.viewer.layers.remove(person.workspace.canvas.names.layer())
    person.viewer.layers.remove(person.viewer.layers[0])
    QTest.mouseClick(grid, LEFT, Qt.KeyboardModifier.NoModifier, grid.wellCenter("B03"))
    settle(person, "B03")
    assert len([name for name in person.layer_names() if name in ("DNA", "Actin")]) == 2


def test_fewer_rounds_show_what_they_found(person: Person, plate: Path):
    from qtpy.QtCore import QPoint

    from napari_lexicon.analysis.maps import activation_map, features_at

    opened(person, plate)
    person.open_well("A02")
    feature = person.choose_feature(0)
    bars = person.find("Features", "rounds")
    person.bring_into_view(bars)
    codes, overlay = person.workspace.canvas.codes, person.workspace.canvas.overlay.layer()
    per_round, top = bars.encoding().per_step, tuple(overlay.contrast_limits)
    assert sum(bars.parts()) == 1 or np.isclose(sum(bars.parts()), 1)
    for rounds in (1, 2, bars.encoding().steps):
        QTest.mouseClick(bars, LEFT, Qt.KeyboardModifier.NoModifier, QPoint(*bars.barCenter(rounds)))
        expected = activation_map(codes, feature, picks=rounds * per_round)
        np.testing.assert_allclose(overlay.data[::4, ::4], expected[:7, :9])
        assert tuple(overlay.contrast_limits) == top
    QTest.mouseClick(bars, LEFT, Qt.KeyboardModifier.NoModifier, QPoint(*bars.barCenter(1)))
    row, column = np.argwhere((codes.values[..., :per_round] > 0).any(axis=(0, 3)))[0]
    person.click_image(row * 16 + 2, column * 16 + 2)
    lines = person.docks["Features"].view.spots.value()
    assert len(lines) == len(features_at(codes, int(row), int(column), per_round))


def test_a_whole_well_is_shown_where_the_stage_was_and_a_click_chooses_a_field(
    person: Person, tiny_dictionary: Path, tmp_path: Path
):
    plate, pixel = tmp_path / "stage.zarr", 0.5
    whole = cell_like_image(3, (192, 256))
    with PlateWriter(plate, "stage", 1, 2, (Channel("DNA"), Channel("Actin")), (pixel, pixel)) as writer:
        for well in ("A01", "A02"):
            for number, (y, x) in enumerate([(0, 0), (0, 128), (96, 0), (96, 128)]):
                where = (500.0 + pixel * y, -80.0 + pixel * x)
                writer.write_field(well, str(number), whole[:, y : y + 96, x : x + 128], position_um=where)
    api.apply(plate, tmp_path / "stage.lexicon", dictionary=str(tiny_dictionary), device="cpu")
    opened(person, plate)
    person.open_well("A01")
    person.click("Plate", "beside_well")
    settle(person, *["A01"] * 4)
    side = person.workspace.canvas.shown_side()
    np.testing.assert_array_equal(person.viewer.layers[0].data, whole[0])
    feature = person.choose_feature(0)
    person.wait(lambda: person.workspace.canvas.overlay.layer() is not None, what="the map")
    assert person.workspace.canvas.overlay.layer().data.shape == (12, 16)
    top, left = side.offset(3)
    person.click_image(top + 40, left + 60)
    person.wait(lambda: person.workspace.state.field.index == 3, what="the field that was clicked")
    assert person.workspace.canvas.shown_side() is side
    person.open_well("A02")
    settle(person, *["A02"] * 4)
    person.click("Plate", "beside_well")
    settle(person, "A02")
    assert person.workspace.state.feature == feature


def test_a_plate_without_stage_positions_says_why_no_whole_well_is_shown(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("A03")
    button = person.find("Plate", "beside_well")
    assert not button.isEnabled()
    assert "does not say where in the well its fields lie" in button.toolTip()
