"""A simulated plate opens as a plate, resumes where it was stopped, and has its truth beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from napari_lexicon.errors import SampleError
from napari_lexicon.plates import open_plate
from napari_lexicon.samples.plate import (
    PlateSettings,
    contents,
    field_settings,
    render_plate_field,
    simulate_plate,
    truth_folder,
)

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = PlateSettings(
    name="tiny", wells=6, fields=2, shape=(96, 128), pixel_size_um=1.3, seed=7, only=("A1", "B02", "B03")
)


def files_of(*folders: Path) -> dict[str, bytes]:
    """Every file under the folders by its relative path."""
    return {
        f"{folder.suffix}/{path.relative_to(folder)}": path.read_bytes()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three wells of a plate of six."""
    return simulate_plate(tmp_path_factory.mktemp("simulated") / "tiny.zarr", SETTINGS)


@pytest.mark.parametrize("version", ["0.5", "0.4"])
def test_it_opens_as_a_plate(tmp_path: Path, version: str) -> None:
    settings = replace(SETTINGS, only=("B02",), fields=1, version=version)
    opened = open_plate(simulate_plate(tmp_path / "p.zarr", settings))
    assert (opened.rows, opened.columns) == (2, 3)
    assert [channel.name for channel in opened.channels] == ["DNA", "ER", "RNA", "AGP", "Mito"]
    assert all(channel.color for channel in opened.channels)
    assert list(opened.wells) == ["B02"]
    assert opened.problems == ()
    field = next(opened.fields())
    assert field.pixel_size_um == pytest.approx((1.3, 1.3))
    expected = render_plate_field(settings, "B02", 0).image
    np.testing.assert_array_equal(np.asarray(field.image()), expected)


def test_the_plate_map_comes_with_it(plate: Path) -> None:
    frame = open_plate(plate).map
    known = contents(SETTINGS)
    for well in ("A01", "B02", "B03"):
        assert frame.loc[well, "Metadata_perturbation"] == known[well].perturbation
        assert frame.loc[well, "Metadata_pert_type"] == known[well].pert_type


def test_labels_lie_in_the_plate(plate: Path) -> None:
    import zarr

    labels = np.asarray(zarr.open_array(plate / "A" / "01" / "1" / "labels" / "cells" / "0", mode="r"))
    np.testing.assert_array_equal(labels, render_plate_field(SETTINGS, "A01", 1).cells)


def test_the_truth_lists_every_cell_of_every_field(plate: Path) -> None:
    truth = pd.read_csv(truth_folder(plate) / "cells.csv", keep_default_na=False)
    assert {(well, field) for well, field in zip(truth.Metadata_Well, truth.field, strict=True)} == {
        (well, field) for well in ("A01", "B02", "B03") for field in (0, 1)
    }
    one = truth[(truth.Metadata_Well == "B03") & (truth.field == 1)]
    expected = render_plate_field(SETTINGS, "B03", 1).table
    assert list(one.cell) == list(expected.index)
    np.testing.assert_allclose(one.y_px.astype(float), expected.y_px)
    assert set(truth.phenotype[truth.Metadata_Well == "A01"]) == {"none"}


def test_an_interrupted_plate_ends_equal_to_an_uninterrupted_one(plate: Path, tmp_path: Path) -> None:
    target = tmp_path / "tiny.zarr"
    asked = iter([False, False, True])
    simulate_plate(target, SETTINGS, should_stop=lambda: next(asked))
    assert not (truth_folder(target) / "cells.csv").exists()
    seen: list[tuple[int, int]] = []
    simulate_plate(target, SETTINGS, lambda done, total, message: seen.append((done, total)))
    assert seen[0] == (2, 6)
    assert seen[-1] == (6, 6)
    assert files_of(plate, truth_folder(plate)) == files_of(target, truth_folder(target))


def test_wells_can_be_added_in_any_order(plate: Path, tmp_path: Path) -> None:
    target = tmp_path / "tiny.zarr"
    for well in ("B03", "A01", "B02"):
        simulate_plate(target, replace(SETTINGS, only=(well,)))
    assert files_of(plate, truth_folder(plate)) == files_of(target, truth_folder(target))


def test_several_processes_write_the_same_plate(plate: Path, tmp_path: Path) -> None:
    target = tmp_path / "tiny.zarr"
    simulate_plate(target, SETTINGS, workers=2)
    assert files_of(plate, truth_folder(plate)) == files_of(target, truth_folder(target))


def test_another_plate_is_not_written_into_this_one(plate: Path) -> None:
    with pytest.raises(SampleError, match="other settings"):
        simulate_plate(plate, replace(SETTINGS, seed=8))


def test_a_well_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match="H12"):
        simulate_plate(tmp_path / "p.zarr", replace(SETTINGS, only=("H12",)))


def test_plates_differ_by_a_batch_effect_and_wells_hardly() -> None:
    gains = np.array([field_settings(PlateSettings(seed=seed, wells=96), "B02").gain for seed in range(12)])
    within = np.array([field_settings(PlateSettings(wells=96), f"{row}05").gain for row in "ABCDEFGH"])
    assert np.log(gains).std(0).min() > 1.5 * np.log(within).std(0).max()
    none = PlateSettings(batch_effect=0.0, well_spread=0.0)
    assert field_settings(none, "A01").gain == pytest.approx((1.0,) * 5)
    assert field_settings(none, "A01").optics.defocus_px == 0


def test_strength_and_penetrance_rise_with_dose() -> None:
    settings = PlateSettings(wells=384)
    known = contents(settings)
    series = {
        content.dose: field_settings(settings, well)
        for well, content in known.items()
        if content.phenotype == "apoptosis"
    }
    penetrances = [series[dose].penetrance for dose in sorted(series)]
    assert penetrances == sorted(penetrances)
    assert penetrances[-1] == pytest.approx(0.95)
    controls = [field_settings(settings, well) for well, content in known.items() if content.pert_type == "negcon"]
    assert all(control.phenotype is None for control in controls)


def test_a_confounded_treatment_is_brighter() -> None:
    plain = PlateSettings(wells=96, seed=3)
    well = next(well for well, content in contents(plain).items() if content.perturbation == "null_2")
    confounded = replace(plain, confounds=(("null_2", 1.5),))
    ratio = np.array(field_settings(confounded, well).gain) / np.array(field_settings(plain, well).gain)
    np.testing.assert_allclose(ratio, 1.5)


def test_pixel_size_changes_cells_in_pixels_and_not_in_micrometres() -> None:
    coarse = field_settings(PlateSettings(pixel_size_um=1.3), "A01")
    fine = field_settings(PlateSettings(pixel_size_um=0.325), "A01")
    assert fine.crowd.cell_diameter_px == pytest.approx(4 * coarse.crowd.cell_diameter_px)
    assert fine.optics.blur_px > coarse.optics.blur_px
