"""Profiles as AnnData, whatever the plate map already says."""

from __future__ import annotations

import shutil
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from napari_lexicon import api
from napari_lexicon.analysis.wells import directions_from_controls, likeness
from napari_lexicon.jobs.refining import RefineJob, run_refine
from napari_lexicon.lexicons import Lexicon, WellStatistics


def test_a_plate_map_with_plate_and_well_of_its_own_gives_profiles(applied: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(applied, tmp_path / "x.lexicon")
    (path,) = copied.glob("plates/*/plate_map.csv")
    said = pd.read_csv(path, index_col=0, dtype={0: str})
    said.insert(0, "Metadata_Plate", "barcode")
    said.insert(1, "Metadata_Well", said.index)
    said.to_csv(path)
    api.profiles(copied).write_h5ad(tmp_path / "p.h5ad")
    obs = anndata.read_h5ad(tmp_path / "p.h5ad").obs
    assert (obs["Metadata_Plate"] == "tiny").all()
    assert obs["Metadata_Well"].tolist() == obs.index.tolist()
    assert list(obs.columns).count("Metadata_Plate") == 1


def test_the_direction_of_a_well_is_the_mean_over_its_patches(applied: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(applied, tmp_path / "x.lexicon"))
    profiles = api.profiles(copied)
    run_refine(RefineJob(str(copied), "tiny", (4, 5), finer=1, device="cpu"))
    lexicon = Lexicon.open(copied)
    plate, dictionary = lexicon.plates["tiny"], lexicon.dictionary
    assert dictionary is not None
    assert {plate.fields[number].well for number in (4, 5)} == {"A03"}
    own = []
    for number in (4, 5):
        fine, codes = plate.fine(number), plate.codes(number)
        assert fine is not None
        assert codes is not None
        own.append(fine.whitened[1][(codes.values[1] != 0).any(axis=-1)].astype(np.float32))
    expected = np.concatenate(own) @ dictionary.atoms.numpy().T
    found = profiles["A03"].layers["direction:Actin"][0]
    np.testing.assert_allclose(found, expected.mean(axis=0), atol=5e-3)
    assert np.abs(found).max() > 0.05
    beyond = profiles["A03"].layers["fraction_beyond:Actin"][0]
    least, most = ((expected > line).mean(axis=0) for line in (1.01, 0.99))  # tokens are float16 here
    assert (beyond > least - 1e-6).all()
    assert (beyond < most + 1e-6).all()
    assert beyond.max() > 0.2
    (plate.folder / "summary.zarr.zip").unlink()
    again = api.profiles(copied)
    for layer in ("direction", "fraction_beyond"):
        np.testing.assert_array_equal(again.layers[layer], profiles.layers[layer])


def test_wells_that_differ_from_the_controls_in_the_same_features_are_alike() -> None:
    wells, rng = tuple(f"A{n:02d}" for n in range(1, 13)), np.random.default_rng(3)
    statistics = WellStatistics.empty(wells, channels=2, features=30)
    fires = rng.poisson(400, (12, 2, 30))
    fires[8:10, :, :10] += 300  # two wells of one treatment, one of the opposite, and one without a field
    fires[10, :, :10] -= 300
    statistics.tokens[:11] = 4000
    statistics.active[:11] = fires[:11]
    directions = directions_from_controls(statistics, wells[:8])
    found = likeness(directions, wells, "A09")
    assert found["A09"] == pytest.approx(1)
    assert found["A10"] > 0.9
    assert found["A11"] < -0.9
    assert np.isnan(found["A12"])
    assert found[list(wells[:8])].abs().max() < 0.7
    # by hand: standard deviations of the controls, centred on their mean
    part = statistics.fraction_active()[:11]
    own = part[:8]
    median = np.median(own, axis=0)
    scale = np.maximum(1.4826 * np.median(np.abs(own - median), axis=0), 0.5 * (own - median).std(axis=0))
    by_hand = (part - own.mean(axis=0)) / np.maximum(scale, 0.01 * (part - median).std(axis=0))
    cosine = by_hand @ by_hand[8] / np.linalg.norm(by_hand, axis=1) / np.linalg.norm(by_hand[8])
    np.testing.assert_allclose(found.to_numpy()[:11], cosine, atol=1e-5)
