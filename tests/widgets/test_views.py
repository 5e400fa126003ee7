"""Every view gives back the value that it was given, and tells when it changes."""

from __future__ import annotations

import pandas as pd
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QWidget

from napari_lexicon.analysis.conditions import wells_where
from napari_lexicon.viewer.overlay import OverlayStyle
from napari_lexicon.widgets.basic.bar import Bar
from napari_lexicon.widgets.basic.facts import Facts
from napari_lexicon.widgets.basic.segments import Segments
from napari_lexicon.widgets.cells.measuring import NUCLEI, CellSource
from napari_lexicon.widgets.cells.source_form import SourceForm
from napari_lexicon.widgets.cells.view import CellsView
from napari_lexicon.widgets.dictionary.controls import ControlsChooser
from napari_lexicon.widgets.dictionary.curves import CurvesView
from napari_lexicon.widgets.dictionary.train_form import PRESETS, TrainChoice, TrainForm
from napari_lexicon.widgets.dictionary.view import DictionaryView
from napari_lexicon.widgets.embed.model_form import ModelChoice, ModelForm
from napari_lexicon.widgets.embed.settings_form import AT_THE_MODELS, SettingsForm
from napari_lexicon.widgets.features.card import FeatureCard, StyleControls
from napari_lexicon.widgets.features.spot_list import FiringFeature, SpotList
from napari_lexicon.widgets.plate.color_by import ColorBy, ColorByChooser
from napari_lexicon.widgets.plate.layout import PlateLayout, WellPlace
from napari_lexicon.widgets.plate.well_list import WellList
from napari_lexicon.widgets.workspace.device_probe import DeviceChoice
from napari_lexicon.widgets.workspace.job_status import JobPhase, JobRequest, JobStatus
from napari_lexicon.widgets.workspace.job_strip import JobStrip
from napari_lexicon.widgets.workspace.requests import ComputeSettings
from napari_lexicon.widgets.workspace.training_curves import TrainingCurves

LEFT = Qt.MouseButton.LeftButton


def shown(qtbot, widget: QWidget) -> QWidget:
    qtbot.addWidget(widget)
    widget.show()
    return widget


@pytest.mark.parametrize(
    ("make", "value"),
    [
        (StyleControls, OverlayStyle(threshold=0.25, opacity=0.4, smooth=True)),
        (SettingsForm, ComputeSettings("builtin", None, "cpu", 3, True, "/somewhere/x.lexicon", "correct", 0.65)),
        (SettingsForm, ComputeSettings(enlarge=3.0)),
        (ModelForm, ModelChoice("vit_small_patch16_224", 5)),
        (ModelForm, ModelChoice("random", None)),
        (TrainForm, TrainChoice(features=77, iterations=3, per_iteration=4, steps=55, tokens="mean", seed=9)),
        (Bar, 0.5),
        (Bar, None),
        (Facts, [("Fields", "3 of 4"), ("Results", "/a/b")]),
        (SpotList, [FiringFeature(3, "#3", "#FF0000", "DNA", 0.5)]),
        (JobStrip, JobStatus(JobPhase.RUNNING, JobRequest("apply", {}, "Applying", "embed"), 3, 10, "B03", 12.0)),
    ],
)
def test_round_trip(qtbot, make, value):
    widget = shown(qtbot, make())
    widget.setValue(value)
    assert widget.value() == value


@pytest.mark.parametrize("make", [StyleControls, SettingsForm, TrainForm])
def test_setting_what_is_there_says_nothing(qtbot, make):
    widget = shown(qtbot, make())
    heard = []
    widget.valueChanged.connect(heard.append)
    widget.setValue(widget.value())
    assert heard == []


def test_a_person_changes_the_style(qtbot):
    controls = shown(qtbot, StyleControls())
    with qtbot.waitSignal(controls.valueChanged):
        QTest.keyClick(controls.threshold, Qt.Key.Key_Right)
    assert controls.value().threshold == pytest.approx(0.01)


def test_a_device_that_is_not_here_says_why_and_cannot_be_chosen(qtbot):
    form = shown(qtbot, SettingsForm())
    form.setDevices([DeviceChoice("cpu", "Processor"), DeviceChoice("cuda", "NVIDIA GPU", "There is no driver.")])
    assert "There is no driver." in form.device.toolTip()
    item = form.device.model().item(1)
    assert not item.isEnabled()
    assert item.toolTip() == "There is no driver."


def test_the_pixel_size_of_the_model_is_offered_where_it_states_one(qtbot):
    form = shown(qtbot, SettingsForm())
    item = form.read_at.model().item(form.read_at.findData(AT_THE_MODELS))
    assert not item.isEnabled()
    assert "builtin does not state" in item.toolTip()
    form.setValue(ComputeSettings(backbone="hibou-b"))
    assert item.isEnabled()
    assert "0.5 µm" in item.toolTip()
    form.read_at.setCurrentIndex(item.row())
    assert (form.value().um_per_pixel, form.value().enlarge) == (0.5, 0.0)
    assert form.um.isVisible()


def test_colours_by_column_and_by_feature(qtbot):
    chooser = shown(qtbot, ColorByChooser())
    chooser.setChoices(["Metadata_dose"], None)
    chooser.setValue(ColorBy("column", "Metadata_dose"))
    assert chooser.value().column == "Metadata_dose"
    chooser.setValue(ColorBy("feature"))
    assert chooser.value().kind == "column"  # no feature is chosen, so it is not offered
    chooser.setChoices(["Metadata_dose"], "#12")
    chooser.setValue(ColorBy("feature", statistic="fraction_active"))
    assert chooser.value() == ColorBy("feature", "", "fraction_active")


def test_wells_without_a_place_are_a_list_that_selects_and_opens(qtbot):
    wells = WellList()
    names = [f"slide {n}" for n in range(5)]
    wells.setPlate(PlateLayout(0, 0, {name: WellPlace(name, None, None, 1) for name in names}))
    shown(qtbot, wells)
    wells.setValue(frozenset(names[1:3]))
    assert wells.value() == set(names[1:3])
    with qtbot.waitSignal(wells.wellActivated) as told:
        wells.setCurrentIndex(wells.model().index(4, 0))
        QTest.keyClick(wells, Qt.Key.Key_Return)
    assert told.args == ["slide 4"]


MAP = pd.DataFrame(
    {"Metadata_pert_type": ["negcon", "negcon", "trt", "trt"], "Metadata_concentration": [0.0, 0.0, 1.0, 10.0]},
    index=["A01", "A02", "A03", "A04"],
)


def test_negative_controls_are_ticked_and_counted(qtbot):
    chooser = shown(qtbot, ControlsChooser())
    chooser.setMap(MAP)
    assert wells_where(MAP, chooser.value()) == ["A01", "A02"]
    assert chooser.count.text() == "2 control wells of 4"


def test_controls_chosen_by_hand_mean_these_wells(qtbot):
    """The question that the window puts together is understood by the room that answers it."""
    chooser = shown(qtbot, ControlsChooser())
    chooser.setMap(MAP)
    chooser.setValue("Metadata_concentration", [0.0, 10.0])
    assert wells_where(MAP, chooser.value()) == ["A01", "A02", "A04"]
    chooser.setValue("Metadata_concentration", [])
    assert chooser.value() == ""
    assert "Tick" in chooser.reason()


def test_a_plate_without_a_map_uses_all_wells(qtbot):
    chooser = shown(qtbot, ControlsChooser())
    chooser.setMap(pd.DataFrame(index=["A01", "A02"]))
    assert chooser.value() == "all"
    assert chooser.reason() is None


def test_a_plate_is_asked_for_enlarged_or_at_a_pixel_size(qtbot):
    form = shown(qtbot, SettingsForm())
    assert not form.um.isVisible()
    for _ in range(3):
        QTest.keyClick(form.read_at, Qt.Key.Key_Down)
    assert (form.value().enlarge, form.value().um_per_pixel) == (3.0, 0.0)
    QTest.keyClick(form.read_at, Qt.Key.Key_End)
    assert form.um.isVisible()
    assert (form.value().enlarge, form.value().um_per_pixel) == (0.0, 0.5)


def test_a_preset_is_recognised_when_its_settings_are_shown(qtbot):
    form = shown(qtbot, TrainForm())
    for name, preset in PRESETS.items():
        form.setValue(preset)
        assert form.preset.currentData() == name
    form.features.setValue(33)
    assert form.preset.currentData() == ""


def test_settings_that_cannot_work_say_why(qtbot):
    form = shown(qtbot, TrainForm())
    form.setValue(TrainChoice(features=8, per_iteration=20))
    assert "more picks" in form.reason()


def test_curves_grow_with_the_reports_of_the_trainer(qtbot):
    curves = TrainingCurves()
    for step in (10, 20, 30):
        curves.add({"step": step, "training_loss": 1 / step})
    curves.add({"step": 30, "training_loss": 0.03, "loss": 0.05, "explained_variance": 0.61, "dead": 0.02})
    curves.add({"well": "B03"})
    view = shown(qtbot, CurvesView())
    view.setValue(curves)
    assert view.value() is curves
    assert "61 %" in view.line.text()
    assert len(curves.training) == 4


def test_curves_of_few_dead_features_show_no_share_below_nothing_and_their_line_fits_a_laptop(qtbot):
    curves = TrainingCurves()
    for step in range(0, 5000, 100):
        curves.add({"step": step, "loss": 0.451, "explained_variance": 0.54, "dead": 0.0})
    view = shown(qtbot, CurvesView())
    view.resize(400, 340)  # what the dock has on a screen 1366 pixels wide
    view.setValue(curves)
    qtbot.waitUntil(lambda: view._plots[2].getViewBox().viewRange()[1][1] > 0)
    assert view._plots[2].getViewBox().viewRange()[1][0] >= -0.2
    assert view.line.fontMetrics().horizontalAdvance(curves.last()) <= view.line.width()


def test_a_click_on_a_line_chooses_its_feature(qtbot):
    spots = shown(qtbot, SpotList())
    spots.setValue([FiringFeature(n, f"#{n}", "#FF0000", "DNA", 1 - n / 10) for n in range(4)])
    spots.resize(300, spots.sizeHint().height())
    with qtbot.waitSignal(spots.featureClicked) as told:
        QTest.mouseClick(spots, LEFT, Qt.KeyboardModifier.NoModifier, spots.lineRect(2).center().toPoint())
    assert told.args == [2]


def test_while_it_learns_what_is_learned_stands_on_top(qtbot):
    view = shown(qtbot, DictionaryView())
    view.setValue("train")
    view.resize(430, 700)
    view.curves.show()
    view.setLearning(True)
    assert view.curves.isVisible() and not view.form.isVisible() and not view.train.isVisible()
    view.setLearning(False)
    assert view.form.isVisible() and view.controls.isVisible() and view.train.isVisible()


def test_of_segments_one_is_pressed_and_pressing_it_again_is_told(qtbot):
    segments = shown(qtbot, Segments({"patch": ("Patch", "One patch."), "cell": ("Cell", "A cell.")}, "scope"))
    changed, chosen = [], []
    segments.valueChanged.connect(changed.append)
    segments.chosen.connect(chosen.append)
    assert segments.value() == "patch"
    for _ in range(2):
        QTest.mouseClick(segments.findChild(QWidget, "scope_cell"), LEFT)
    assert (segments.value(), changed, chosen) == ("cell", ["cell"], ["cell", "cell"])
    segments.setValue("patch")
    assert changed == ["cell", "patch"]
    assert [segments.button(key).isChecked() for key in ("patch", "cell")] == [True, False]
    segments.setReason("cell", "There is no cell.")
    QTest.mouseClick(segments.button("cell"), LEFT)
    assert segments.value() == "patch"
    assert segments.button("cell").toolTip() == "There is no cell."
    segments.setReason("cell", None)
    assert segments.button("cell").toolTip() == "A cell."


def test_a_diameter_in_pixels_is_none_in_micrometres(qtbot):
    form = shown(qtbot, SourceForm())
    form.setChannels(["Red", "Green"], "Red", "px")
    form.diameter.setValue(60)
    form.setChannels(["Red", "Green"], "Red", "px")
    assert form.value() == CellSource(NUCLEI, "Red", 60.0)
    form.setChannels(["Red", "Green"], "Red", "µm")
    assert form.value() == CellSource(NUCLEI, "Red", 12.0)
    assert form.diameter.text() == "12.0 µm"


def test_before_features_are_computed_cells_are_shown_by_brightness(qtbot):
    view = shown(qtbot, CellsView())
    plain = [("area", "area, px"), ("brightness of DNA", "brightness of DNA"), ("brightness of ER", "brightness of ER")]
    computed = [("feature", "feature"), *plain, ("f:3", "#3")]
    view.setChoices(plain, "px")
    assert view.axes() == ("brightness of DNA", "area", "brightness of DNA")
    view.setChoices(computed, "px")
    assert view.axes() == ("feature", "area", "feature")
    view.across.setCurrentIndex(view.across.findData("f:3"))
    view.setChoices(computed, "px")
    assert view.axes() == ("f:3", "area", "feature")
    view.setChoices(plain, "px")
    view.across.setCurrentIndex(view.across.findData("brightness of ER"))
    view.setChoices(computed, "px")
    assert view.axes() == ("brightness of ER", "area", "feature")  # what a person chose stays


def test_a_long_name_is_seen_from_its_beginning(qtbot):
    card = shown(qtbot, FeatureCard())
    card.setFeature(267, "mitochondrial network in a cell?", "#ff9900", False, "")
    assert card.name.cursorPosition() == 0
    card.name.setCursorPosition(5)
    card.setFeature(267, "mitochondrial network in a cell?", "#ff9900", False, "new figures")
    assert card.name.cursorPosition() == 5  # a person is writing
