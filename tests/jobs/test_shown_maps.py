"""The maps on the screen leave it as figures and as OME-Zarr labels that other readers take."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
import zarr
from PIL import Image
from tests.conftest import write_tiny_plate

from napari_lexicon import api
from napari_lexicon.analysis.conditions import control_wells
from napari_lexicon.analysis.maps import activation_map
from napari_lexicon.errors import LexiconFolderError, PlateError
from napari_lexicon.jobs.shown_maps import FigureJob, LabelsJob, caption_of, overlay_figure, run_figure, run_labels
from napari_lexicon.lexicons import Lexicon
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.label_images import LabelImage, labels_place, write_beside

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def own(tiny_plate: Path, applied: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lexicon and its plate, free to be changed."""
    folder = tmp_path_factory.mktemp("shown")
    shutil.copytree(tiny_plate, folder / tiny_plate.name)
    shutil.copytree(applied, folder / applied.name)
    for file in (folder / applied.name / "plates").glob("*/plate.json"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(str(tiny_plate), str(folder / tiny_plate.name)), encoding="utf-8")
    return folder / applied.name


def expected(lexicon: Path, feature: int, threshold: float) -> np.ndarray:
    """Where the feature is above the threshold in field 1 of B02, pixel by pixel."""
    plate = Lexicon.open(lexicon).only_plate()
    number = plate.field_number("B02", index=1)
    values = activation_map(plate.codes(number), feature)
    top = float(plate.statistics().strongest[:, :, feature].max())
    mask = np.zeros((100, 140), dtype=bool)
    for y, x in np.ndindex(100, 140):
        mask[y, x] = values[y // 16, x // 16] > max(0, threshold * top - 1e-9)
    return mask


def strong_features(lexicon: Path) -> tuple[int, int]:
    plate = Lexicon.open(lexicon).only_plate()
    codes = plate.codes(plate.field_number("B02", index=1))
    first, second = np.argsort([-activation_map(codes, m).sum() for m in range(64)])[:2]
    return int(first), int(second)


def test_a_figure_of_several_features_has_a_legend_and_a_scale_bar_in_png_and_svg(own: Path, tmp_path: Path):
    features = strong_features(own)
    Lexicon.open(own).names.set(features[0], name="round & <bright>")
    job = FigureJob(str(own), str(tmp_path / "f.svg"), "b2", features, 1, threshold=0.2, colors=("#FF0000", "#00FF00"))
    run_figure(job)
    drawing = ElementTree.parse(tmp_path / "f.svg").getroot()
    texts = [each.text for each in drawing.iter(f"{SVG}text")]
    assert any(text.startswith(f"round & <bright> (#{features[0]})") for text in texts)
    assert any(text.startswith(f"#{features[1]}") for text in texts)
    assert "10 µm" in texts
    assert [dot.get("fill") for dot in drawing.iter(f"{SVG}circle")] == ["#FF0000", "#00FF00"]
    (bar,) = [box for box in drawing.iter(f"{SVG}rect") if box.get("x")]
    assert float(bar.get("width")) == pytest.approx(10 / 0.5 * 720 / 140, rel=1e-4)
    assert len(list(drawing.iter(f"{SVG}image"))) == 2
    sheet = overlay_figure(job)
    red, plain = (np.asarray(picture, dtype=int) for _, _, picture in reversed(sheet.pictures))
    assert plain.shape == red.shape
    sheet.save(tmp_path / "f.png")
    assert Image.open(tmp_path / "f.png").size == (sheet.width, sheet.height)
    with pytest.raises(LexiconFolderError, match="no feature 999"):
        run_figure(FigureJob(str(own), str(tmp_path / "x.png"), "B02", (999,)))


def test_labels_beside_the_plate_hold_what_is_above_the_threshold_and_other_readers_take_them(own: Path):
    import ngio
    import zarr
    from ome_zarr_models.v05.image_label import ImageLabel

    features = strong_features(own)
    done = run_labels(LabelsJob(str(own), features, "B02", 1, threshold=0.3, colors=("#FF0000", "#00FF00")))
    image = own.with_name("tiny.zarr") / "B" / "02" / "1"
    group = image / "labels" / Path(done.written).name
    assert Path(done.written) == group
    listed = json.loads((image / "labels" / "zarr.json").read_text(encoding="utf-8"))["attributes"]["ome"]["labels"]
    assert len(listed) == 2
    assert group.name in listed
    container = ngio.open_ome_zarr_container(image)
    assert sorted(container.list_labels()) == sorted(listed)
    label = container.get_label(group.name)
    mask = expected(own, features[0], 0.3)
    assert 0 < mask.sum() < mask.size
    np.testing.assert_array_equal(np.asarray(label.get_as_numpy()).squeeze() > 0, mask)
    assert (label.pixel_size.y, label.pixel_size.x) == (0.5, 0.5)
    ImageLabel.from_zarr(zarr.open_group(group, mode="r"))  # against the schema
    # written again it takes the place of the old one; the plate opens as before
    run_labels(LabelsJob(str(own), features[:1], "B02", 1))
    again = ngio.open_ome_zarr_container(image).get_label(group.name)
    np.testing.assert_array_equal(np.asarray(again.get_as_numpy()).squeeze() > 0, expected(own, features[0], 0))
    assert len(list(open_plate(own.with_name("tiny.zarr")).fields())) == 12
    assert not list(image.rglob("*.part"))


def test_a_figure_draws_outlines_of_fewer_rounds_and_only_the_channels_that_are_seen(own: Path):
    feature = strong_features(own)[0]
    plain = FigureJob(str(own), "", "B02", (feature,), 1)
    few = FigureJob(str(own), "", "B02", (feature,), 1, picks=1, outline=True, ranges={"DNA": (0.0, 60_000.0)})
    assert "outlines" in caption_of(few)
    assert "first 1 picks" in caption_of(few)
    ground, drawn = (np.asarray(picture, dtype=int) for _, _, picture in overlay_figure(few).pictures)
    blue = ground.reshape(-1, 3)
    assert blue.any(axis=0).sum() == 1  # DNA alone is drawn, in its one colour
    codes = Lexicon.open(own).only_plate().codes(Lexicon.open(own).only_plate().field_number("B02", index=1))
    colored = (np.ptp(drawn, axis=-1) > 12).mean()
    assert 0 < colored < (activation_map(codes, feature, picks=1) > 0).mean()
    everything = np.ptp(np.asarray(overlay_figure(plain).pictures[1][2], dtype=int), axis=-1) > 12
    assert colored < everything.mean()


def test_labels_above_control_leave_out_what_is_usual_there(own: Path):
    feature = strong_features(own)[0]
    done = run_labels(LabelsJob(str(own), (feature,), "B02", 1, picks=2, above_control=True, threshold=0.1))
    plate = Lexicon.open(own).only_plate()
    statistics, codes = plate.statistics(), plate.codes(plate.field_number("B02", index=1))
    values = activation_map(codes, feature, picks=2)
    usual = statistics.mean_where_active(feature, None, control_wells(plate.map, statistics.wells))
    assert usual > 0
    top = float(statistics.strongest[:, :, feature].max()) - usual
    mask = np.kron((values - usual).clip(min=0) > max(0, 0.1 * top - 1e-9), np.ones((16, 16), bool))[:100, :140]
    written = np.asarray(zarr.open_group(done.written, mode="r")["0"]).squeeze() > 0
    np.testing.assert_array_equal(written, mask)


def test_labels_of_all_fields_in_a_folder(own: Path, tmp_path: Path):
    feature = strong_features(own)[0]
    run_labels(LabelsJob(str(own), (feature,), out=str(tmp_path)))
    assert len(list(tmp_path.glob("*.zarr"))) == 12
    (one,) = tmp_path.glob("B02_1_*.zarr")
    (field,) = open_plate(one).fields()
    found = np.asarray(field.image())[0]
    np.testing.assert_array_equal(found > 0, expected(own, feature, 0))


def test_labels_are_of_the_version_of_their_plate(tmp_path: Path):
    import ngio

    from napari_lexicon.plates.model import Channel
    from napari_lexicon.plates.writing import PlateWriter

    with PlateWriter(tmp_path / "old.zarr", "old", 1, 1, (Channel("DNA"),), (0.5, 0.5), version="0.4") as writer:
        writer.write_field("A01", "0", np.zeros((1, 40, 50), np.uint16))
    (field,) = open_plate(tmp_path / "old.zarr").fields()
    labels = np.zeros((40, 50), np.uint8)
    labels[3:9, 4:7] = 1
    group = write_beside(labels_place(field), field, LabelImage("two words", labels, "#123456", {"feature": 3}))
    assert group.name == "two-words"
    found = ngio.open_ome_zarr_container(group.parent.parent).get_label("two-words")
    np.testing.assert_array_equal(np.asarray(found.get_as_numpy()).squeeze(), labels)
    shown = json.loads((group / ".zattrs").read_text(encoding="utf-8"))["image-label"]
    assert shown["version"] == "0.4"
    assert shown["properties"] == [{"label-value": 1, "feature": 3}]


def test_where_there_is_no_zarr_the_sentence_names_the_way_out(tmp_path: Path, tiny_dictionary: Path):
    folder = tmp_path / "tiffs"
    folder.mkdir()
    (source,) = list(open_plate(write_tiny_plate(tmp_path / "a.zarr", wells=1, fields=1)).fields())
    for number, plane in enumerate(np.asarray(source.image())):
        Image.fromarray(plane).save(folder / f"A01_f0_ch{number}.tif")
    out = tmp_path / "t.lexicon"
    api.apply(folder, out, dictionary=str(tiny_dictionary), device="cpu", pattern="{well}_f{field}_ch{channel}.tif")
    with pytest.raises((LexiconFolderError, PlateError), match="Choose a folder"):
        run_labels(LabelsJob(str(out), (0,)))
    run_labels(LabelsJob(str(out), (0,), out=str(tmp_path / "labels")))
    assert len(list((tmp_path / "labels").glob("*.zarr"))) == 1
