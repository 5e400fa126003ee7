"""Profiles as AnnData, whatever the plate map already says."""

from __future__ import annotations

import shutil
from pathlib import Path

import anndata
import pandas as pd

from napari_lexicon import api


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
