"""What leaves the Features dock: a report, a table, a picture, and maps that stay on the screen."""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import zarr
from PIL import Image
from qtpy.QtCore import QObject, Qt, QUrl, Slot
from qtpy.QtGui import QDesktopServices
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QDialogButtonBox, QFileDialog
from tests.gui.conftest import opened, opened_without_image
from tests.gui.driver import LEFT, PLAIN, Person
from tests.gui.test_jobs import Heartbeat, held_at_its_start, job_of, wait_for_end

from napari_lexicon import api
from napari_lexicon.viewer.colors import feature_color
from napari_lexicon.widgets.workspace.job_status import JobPhase


def choose(person: Person, key: str) -> None:
    """Open the menu and click an entry of it."""
    person.front("Features")
    person.click("Features", "features_menu")
    menu = person.docks["Features"].view.menu.menu_
    person.wait(menu.isVisible, 5, "the menu")
    action = person.docks["Features"].view.menu.entries[key]
    assert action.isEnabled(), action.toolTip()
    QTest.mouseClick(menu, LEFT, PLAIN, menu.actionGeometry(action).center())
    person.breathe(0.05)


def save_as(person: Person, path: Path) -> None:
    """Answer the file dialog."""
    (dialog,) = person.file_dialogs("Features")
    assert dialog.selectedFiles()[0].endswith(path.suffix)
    person.answer("Features", path, QDialogButtonBox.StandardButton.Save)


class Browser(QObject):
    """Takes the files that are opened, in the place of a browser."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    @Slot(QUrl)
    def open(self, url: QUrl) -> None:
        self.opened.append(url.toLocalFile())


@pytest.fixture
def browser():
    browser = Browser()
    QDesktopServices.setUrlHandler("file", browser, "open") if QDesktopServices.__module__.startswith(
        "PySide"
    ) else QDesktopServices.setUrlHandler("file", browser.open)
    yield browser
    QDesktopServices.unsetUrlHandler("file")


def test_a_report_is_written_beside_the_work_and_opened(person: Person, plate: Path, tmp_path: Path, browser: Browser):
    opened(person, plate)
    reading = person.workspace.reading
    reading.set_beyond(1.0)
    person.wait(lambda: reading.figures is not None and reading.figures.beyond == 1.0, 20, "the reading by direction")
    state, canvas = person.workspace.state, person.workspace.canvas
    person.wait(lambda: state.feature is not None and canvas.shown_field() is not None, 20, "the first feature")
    person.wait(lambda: not person.workspace.background.busy() and not canvas.changing(), 20, "quiet")
    person.breathe(1)  # what has come is drawn: that takes its time, and is none of the report's doing
    choose(person, "report")
    save_as(person, tmp_path / "for you.html")
    assert job_of(person).busy
    assert person.find("Features", "job_strip").isVisible()
    heart = Heartbeat()
    status = wait_for_end(person)
    longest = heart.stop()
    assert status.phase is JobPhase.DONE, status.sentence
    page = (tmp_path / "for you.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "drug" in page
    assert "direction over 1 SD" in page  # as the table counts
    person.click("Features", "job_open")
    assert browser.opened == [str(tmp_path / "for you.html")]
    person.click("Features", "job_dismiss")
    assert not person.find("Features", "job_strip").isVisible()
    assert longest < 0.1, f"the main thread was busy for {longest * 1000:.0f} ms"


def test_a_report_that_is_cancelled_leaves_no_file(person: Person, plate: Path, tmp_path: Path):
    opened(person, plate)
    choose(person, "report")
    with held_at_its_start(person):
        save_as(person, tmp_path / "never.html")
        person.click("Features", "job_stop")
    assert wait_for_end(person).phase is JobPhase.STOPPED
    assert not list(tmp_path.glob("*never*"))
    assert person.find("Features", "job_sentence").text() == "Nothing was written."


def test_the_table_is_saved_with_names_and_all_features(person: Person, plate: Path, tmp_path: Path):
    opened(person, plate)
    feature = person.choose_feature(0)
    person.type("Features", "feature_name", "round ones")
    choose(person, "table")
    out = tmp_path / "features.csv"
    save_as(person, out)
    person.wait(out.exists, 10, "the table")
    table = pd.read_csv(out, index_col="feature")
    assert table.loc[feature, "name"] == "round ones"
    figures = person.workspace.reading.figures.table
    assert len(table) == len(figures) == 64
    np.testing.assert_allclose(table["fires"], figures["fires"])


def test_wells_times_features_are_saved_for_statistics(person: Person, plate: Path, tmp_path: Path):
    opened(person, plate)
    feature = person.choose_feature(0)
    person.type("Features", "feature_name", "round ones")
    choose(person, "wells")
    save_as(person, tmp_path / "wells.csv")
    person.wait((tmp_path / "wells.csv").exists, 20, "the table")
    choose(person, "wells")
    (dialog,) = [each for each in person.docks["Features"].findChildren(QFileDialog) if each.isVisible()]
    assert "*.h5ad" in dialog.nameFilters()[1]
    dialog.filterSelected.emit(dialog.nameFilters()[1])
    assert dialog.defaultSuffix() == "h5ad"  # a name without an ending is of the chosen kind
    dialog.fileSelected.emit(str(tmp_path / "wells.h5ad"))
    dialog.reject()
    person.wait(lambda: not person.workspace.background.busy("save wells"), 20, "the profiles")
    table, profiles = pd.read_csv(tmp_path / "wells.csv", index_col="well"), api.profiles(plate.with_suffix(".lexicon"))
    assert list(table.index) == list(profiles.obs_names)
    assert table["Metadata_perturbation"].tolist() == profiles.obs["Metadata_perturbation"].tolist()
    np.testing.assert_allclose(table[f"#{feature} round ones"], profiles.X[:, feature], rtol=1e-6)
    written = anndata.read_h5ad(tmp_path / "wells.h5ad")
    np.testing.assert_array_equal(written.X, profiles.X)
    assert set(written.layers) == set(profiles.layers)


def test_the_picture_is_of_the_shown_field(
    person: Person, plate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from napari_lexicon.jobs.shown_maps import FigureJob, overlay_figure

    opened_without_image(person, plate, monkeypatch)
    person.front("Features")
    menu = person.docks["Features"].view.menu
    person.click("Features", "features_menu")
    assert not menu.entries["picture"].isEnabled()
    assert "Open a field" in menu.entries["picture"].toolTip()
    menu.menu_.close()
    person.open_well("B02")
    person.press(Qt.Key.Key_Period)
    person.wait_for_field("B02")
    feature = person.choose_feature(1)
    choose(person, "picture")
    out = tmp_path / "picture.png"
    save_as(person, out)
    assert wait_for_end(person).phase is JobPhase.DONE, job_of(person).sentence
    state, lexicon = person.workspace.state, str(plate.with_suffix(".lexicon"))
    seen = person.workspace.canvas.layers.ranges()
    assert set(seen) == {"DNA", "Actin"}
    same = FigureJob(
        lexicon, "", "B02", (feature,), 1, colors=(state.color_of(feature),), opacity=state.style.opacity, ranges=seen
    )
    np.testing.assert_array_equal(np.asarray(Image.open(out)), np.asarray(overlay_figure(same).png()))


def test_labels_are_what_is_seen_with_fewer_rounds_and_above_control(person: Person, plate: Path):
    opened(person, plate)
    person.open_well("A03")
    feature = person.choose_feature(0)
    look = person.find("Features", "look")
    person.press(Qt.Key.Key_End, look)
    assert look.currentText() == "above control"
    person.press(Qt.Key.Key_Home, person.find("Features", "rounds"))
    person.find("Features", "threshold").setValue(10)
    person.breathe(0.1)
    assert person.workspace.state.picks is not None
    seen = np.repeat(np.repeat(person.workspace.canvas.overlay.layer().data > 0, 4, axis=0), 4, axis=1)[:100, :140]
    choose(person, "labels")
    assert wait_for_end(person).phase is JobPhase.DONE, job_of(person).sentence
    (group,) = (plate / "A" / "03" / "0" / "labels").glob(f"feature-{feature}*")
    written = np.asarray(zarr.open_group(group, mode="r")["0"]).squeeze() > 0
    assert 0 < written.sum() < written.size
    np.testing.assert_array_equal(written, seen)


def test_maps_that_are_kept_stay_in_their_colours_and_follow_to_the_next_field(person: Person, plate: Path):
    from napari_lexicon.analysis.maps import activation_map

    opened(person, plate)
    person.open_well("A01")
    first = person.choose_feature(0)
    choose(person, "keep")
    assert person.layer_names() == ["DNA", "Actin", f"#{first}", f"#{first} (chosen)"]
    model = person.docks["Features"].view.table.table_model()
    another = next(r for r in range(model.rowCount()) if feature_color(model.feature_at(r)) != feature_color(first))
    second = person.choose_feature(another)
    assert person.layer_names() == ["DNA", "Actin", f"#{first}", f"#{second}"]
    kept, chosen = person.viewer.layers[-2:]
    assert not np.allclose(kept.colormap.colors[-1], chosen.colormap.colors[-1])
    codes = person.workspace.canvas.codes
    assert kept.data.max() == pytest.approx(activation_map(codes, first).max())
    person.press(Qt.Key.Key_PageDown)
    person.wait_for_field("A02")
    codes = person.workspace.canvas.codes
    np.testing.assert_allclose(kept.data[::4, ::4], activation_map(codes, first)[:7, :9])
    choose(person, "keep")
    assert len(person.workspace.canvas.overlay.kept()) == 2
    person.viewer.layers.remove(kept)
    person.press(Qt.Key.Key_PageUp)
    person.wait_for_field("A01")
    assert len(person.workspace.canvas.overlay.kept()) == 1
    person.workspace.state.set_plate(None, None)
    assert person.workspace.canvas.overlay.kept() == []


def test_names_are_given_taken_back_and_sent(person: Person, plate: Path, tmp_path: Path):
    opened(person, plate)
    feature = person.choose_feature(0)
    person.type("Features", "feature_name", "round ones")
    view, names = person.docks["Features"].view, person.workspace.state.lexicon.names
    view.tabs.setCurrentIndex(view.tabs.count() - 1)
    assert view.notes.isVisible()
    person.type("Features", "feature_tags", "nuclei, check")
    assert (names.get(feature).name, names.get(feature).tags) == ("round ones", ("nuclei", "check"))
    assert names.get(feature).by in view.notes.who.text()
    person.click("Features", "undo_name")
    assert names.get(feature).tags == ()
    assert view.notes.tags.text() == ""
    choose(person, "names_out")
    out = tmp_path / "names.json"
    save_as(person, out)
    person.wait(out.exists, 20, "the names")
    person.click("Features", "undo_name")
    person.wait(lambda: names.get(feature) is None, 10, "the name taken back")
    person.docks["Features"].controller.naming.take_over(out)
    person.wait(lambda: names.get(feature) is not None, 20, "the names taken over")
    assert view.card.name.text() == "round ones"


def test_maps_on_the_image_are_written_as_labels_beside_it(person: Person, plate: Path):
    import ngio

    opened(person, plate)
    person.open_well("B02")
    first = person.choose_feature(0)
    person.click("Features", "keep_map")
    second = person.choose_feature(2)
    person.find("Features", "threshold").setValue(20)
    choose(person, "labels")
    wait_for_end(person)
    status = person.workspace.jobs.status
    assert status.phase is JobPhase.DONE, status.sentence
    names = ngio.open_ome_zarr_container(plate / "B" / "02" / "0").list_labels()
    assert sorted(names) == sorted([f"feature-{first}", f"feature-{second}"])
