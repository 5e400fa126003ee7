"""Resampling to another pixel size: what is found lies where it is on the original image, and jobs keep it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import tifffile
import timm
from scipy import ndimage

from napari_lexicon import api
from napari_lexicon.analysis.reading import finished_fields
from napari_lexicon.analysis.segmentation import labels_of_folder
from napari_lexicon.errors import BackboneError, JobError, PlateError
from napari_lexicon.jobs.plates import plate_field
from napari_lexicon.jobs.refining import RefineJob, run_refine
from napari_lexicon.lexicons import Lexicon
from napari_lexicon.plates import open_plate
from napari_lexicon.plates.model import Channel
from napari_lexicon.plates.resampling import nearest, resampled
from napari_lexicon.plates.writing import PlateWriter

UM, SHAPE = 0.325, (200, 262)
SPOT_UM = (48.1, 60.5)  # middle of the planted spot, from the upper left corner of the field


def planted() -> np.ndarray:
    """(Y, X) uint16: one bright spot on a dark, noisy ground."""
    rng = np.random.default_rng(0)
    y, x = ((np.arange(n) + 0.5) * UM for n in SHAPE)
    spot = np.exp(-((y[:, None] - SPOT_UM[0]) ** 2 + (x[None] - SPOT_UM[1]) ** 2) / (2 * 1.5**2))
    return np.asarray(200 + 5000 * spot + rng.normal(0, 3, SHAPE), np.uint16)


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("resampled") / "p.zarr"
    with PlateWriter(path, "p", 1, 2, (Channel("DNA"), Channel("Actin")), (UM, UM)) as writer:
        for well in ("A01", "A02"):
            writer.write_field(well, "0", np.stack([planted()] * 2))
    return path


@pytest.fixture(scope="module")
def lexicon(plate: Path, tiny_dictionary: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("resampled") / "x.lexicon"
    api.apply(plate, out, dictionary=str(tiny_dictionary), device="cpu", um_per_pixel=0.65)
    return out


def middle_um(values: np.ndarray, um: float) -> np.ndarray:
    """Centre of mass of a picture, micrometres from the upper left corner."""
    return (np.array(ndimage.center_of_mass(values)) + 0.5) * um


@pytest.mark.parametrize("um", [0.2, 0.65, 1.0])
def test_a_spot_stays_where_it_is(plate: Path, um: float) -> None:
    field = next(open_plate(plate, um_per_pixel=um).fields())
    image = field.image().compute()
    assert image.dtype == np.uint16
    assert field.shape == image.shape[1:] == tuple(round(n * UM / um) for n in SHAPE)
    assert field.pixel_size_um == (um, um)
    np.testing.assert_allclose(middle_um(image[0].astype(float) * (image[0] > 800), um), SPOT_UM, atol=0.3 * um + 0.1)
    np.testing.assert_array_equal(image[:, 20:50, 30:60], field.region(slice(0, 2), slice(20, 50), slice(30, 60)))


def test_maps_and_finer_maps_lie_on_the_spot(lexicon: Path) -> None:
    opened = Lexicon.open(lexicon)
    one, patch = opened.plates["p"], opened.backbone.patch
    assert one.fields[0].shape == (100, 131)
    assert one.fields[0].grid == (-(-100 // patch), -(-131 // patch))
    codes = one.codes(0)
    assert codes is not None
    fires = np.abs(codes.values[0].astype(float)).sum(axis=-1)
    wanted = tuple(int(at / 0.65 // patch) for at in SPOT_UM)
    lit = [tuple(place) for place in np.argwhere(fires > 0)]
    assert wanted in lit
    assert all(max(abs(a - b) for a, b in zip(place, wanted, strict=True)) <= 1 for place in lit)
    run_refine(RefineJob(str(lexicon), "p", (0,), 2, device="cpu"))
    fine = Lexicon.open(lexicon).plates["p"].fine(0)
    assert fine is not None
    place = middle_um(np.abs(fine.codes.values[0].astype(float)).sum(axis=-1), 0.65 * patch / 2)
    np.testing.assert_allclose(place, SPOT_UM, atol=0.65 * patch / 2)


def test_pictures_and_boxes_are_of_the_pixels_that_were_read(lexicon: Path) -> None:
    one = Lexicon.open(lexicon).plates["p"]
    image = plate_field(one, 0).image().compute()
    assert image.shape[1:] == one.fields[0].shape
    first = next(iter(finished_fields([one], pixels=True)))
    assert first.windowed.shape == image.shape
    peak = np.unravel_index(int(first.windowed[0].argmax()), image.shape[1:])
    np.testing.assert_allclose((np.array(peak) + 0.5) * 0.65, SPOT_UM, atol=1.0)


def test_labels_drawn_on_the_original_lie_on_the_same_cells(lexicon: Path, tmp_path: Path) -> None:
    cell = (planted() > 1500).astype(np.uint16) * 7
    for well in ("A01", "A02"):
        tifffile.imwrite(tmp_path / f"{well}_0.tif", cell)
    first = next(iter(finished_fields(Lexicon.open(lexicon).plates.values(), pixels=True)))
    found = labels_of_folder(tmp_path)(first)
    assert found.shape == (100, 131)
    assert set(np.unique(found)) == {0, 7}
    np.testing.assert_allclose(middle_um(found, 0.65), SPOT_UM, atol=0.4)


def test_jobs_keep_the_size_and_it_is_part_of_the_fingerprint(
    plate: Path, lexicon: Path, tiny_dictionary: Path
) -> None:
    again = api.apply(plate, lexicon, dictionary=str(tiny_dictionary), device="cpu")
    assert (again.finished, again.kept, again.stale) == (0, 2, 0)
    with pytest.raises(JobError, match=r"resampled to 0\.65 µm per pixel here: give --recompute"):
        api.apply(plate, lexicon, dictionary=str(tiny_dictionary), device="cpu", um_per_pixel=0)
    sizes = [next(open_plate(plate, um_per_pixel=um).fields()).identity() for um in (None, 0.5, 0.65)]
    assert len(set(sizes)) == 3


def test_what_cannot_be_resampled_is_said(plate: Path, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "A01.tif", planted())
    with pytest.raises(PlateError, match="does not say how large its pixels are"):
        open_plate(tmp_path, um_per_pixel=0.65)
    with pytest.raises(PlateError, match="to 100 µm per pixel, not 1000"):
        open_plate(plate, um_per_pixel=1000)
    same = open_plate(plate, um_per_pixel=0.3251)  # as good as the same
    assert next(same.fields()).shape == SHAPE


def test_a_plate_without_a_pixel_size_is_enlarged(plate: Path, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "A01.tif", planted())
    field = next(open_plate(tmp_path, enlarge=2).fields())
    image = field.image().compute()
    assert image.shape[1:] == field.shape == (2 * SHAPE[0], 2 * SHAPE[1])
    np.testing.assert_allclose(middle_um(image[0].astype(float) * (image[0] > 800), UM / 2), SPOT_UM, atol=0.3)
    sized = next(open_plate(plate, enlarge=2).fields())
    assert sized.pixel_size_um == (UM / 2, UM / 2)
    assert next(open_plate(plate, enlarge=1).fields()).identity() == next(open_plate(plate).fields()).identity()
    with pytest.raises(PlateError, match="not both"):
        open_plate(plate, enlarge=2, um_per_pixel=0.65)
    with pytest.raises(PlateError, match=r"enlarged 0\.1 to 8 times, not 40"):
        open_plate(plate, enlarge=40)


def test_small_nuclei_are_noticed_and_a_plate_stays_enlarged(tiny_dictionary: Path, tmp_path: Path) -> None:
    y, x = np.mgrid[:240, :240]
    nuclei = np.hypot(y % 30 - 15, x % 30 - 15) < 5.5  # 64 discs, 11 px wide
    images = np.stack([np.uint16(100 + 3000 * nuclei)] * 2)
    with PlateWriter(tmp_path / "q.zarr", "q", 1, 1, (Channel("DNA"), Channel("Actin")), None) as writer:
        writer.write_field("A01", "0", images)
    small = api.apply(tmp_path / "q.zarr", tmp_path / "q.lexicon", dictionary=str(tiny_dictionary), device="cpu")
    assert re.search(r"about 1[123] pixels wide.* enlarged [23] times", small.advice)
    out = tmp_path / "large.lexicon"
    large = api.apply(tmp_path / "q.zarr", out, dictionary=str(tiny_dictionary), device="cpu", enlarge=3)
    assert large.advice == ""
    assert Lexicon.open(out).plates["q"].fields[0].shape == (720, 720)
    again = api.apply(tmp_path / "q.zarr", out, dictionary=str(tiny_dictionary), device="cpu")
    assert (again.finished, again.kept) == (0, 1)
    with pytest.raises(JobError, match=r"enlarged 3 times here: give --recompute"):
        api.apply(tmp_path / "q.zarr", out, dictionary=str(tiny_dictionary), device="cpu", enlarge=1)


def test_resampling_keeps_flat_ground_and_labels() -> None:
    flat = np.full((31, 47), 1234, np.uint16)
    np.testing.assert_array_equal(resampled(flat, (13, 90)), np.full((13, 90), 1234))
    labels = np.kron(np.arange(6).reshape(2, 3), np.ones((10, 10), int))
    np.testing.assert_array_equal(nearest(labels, (4, 6)), np.kron(np.arange(6).reshape(2, 3), np.ones((2, 2), int)))


def test_the_models_own_pixel_size_is_asked_for_by_name(plate: Path, tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="builtin does not state a pixel size that it is made for"):
        api.embed(plate, tmp_path / "x.lexicon", device="cpu", um_per_pixel="model")
    with pytest.raises(BackboneError, match="builtin does not state a pixel size that it is made for"):
        api.apply(plate, tmp_path / "x.lexicon", device="cpu", um_per_pixel="model")
    folder = tmp_path / "own"
    folder.mkdir()
    timm_model = timm.create_model("vit_tiny_patch16_224", img_size=64, depth=2, num_classes=0)
    safetensors.torch.save_file(timm_model.state_dict(), folder / "model.safetensors")
    arguments = {"img_size": 64, "depth": 2}
    described = {"architecture": "vit_tiny_patch16_224", "model_args": arguments, "um_per_pixel": 0.65}
    (folder / "config.json").write_text(json.dumps(described))
    out = tmp_path / "y.lexicon"
    api.embed(plate, out, backbone=str(folder), device="cpu", keep_tokens=8, um_per_pixel="model")
    header = Lexicon.open(out).plates["p"].header
    assert header.origin.um_per_pixel == 0.65
    assert header.fields[0].pixel_size_um == (0.65, 0.65)
