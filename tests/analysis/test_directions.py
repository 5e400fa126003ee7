"""Features read by their direction: the same tables, with patches that lie far along a feature counted as firing."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr

from napari_lexicon import api
from napari_lexicon.analysis.field_table import field_table
from napari_lexicon.analysis.lexicon_tables import atoms_of, plate_statistics
from napari_lexicon.analysis.notes import notes_of
from napari_lexicon.analysis.well_table import well_table
from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.lexicons import Lexicon
from napari_lexicon.lexicons.files import write_arrays_whole


def test_the_table_says_which_part_of_the_patches_lies_beyond(applied: Path) -> None:
    lexicon = Lexicon.open(applied)
    plate = lexicon.plates["tiny"]
    table = well_table(plate_statistics(lexicon, 2.0), channel="Actin")
    directions = plate.directions()
    assert directions is not None
    assert directions.beyond is not None
    expected = directions.beyond[1][:, 1] / plate.statistics().tokens[:, 1, None].astype(float)
    np.testing.assert_allclose(table.fires, expected, rtol=1e-6)
    np.testing.assert_allclose(table.mean, directions.centres[:, 1] @ atoms_of(lexicon).T, atol=1e-5)
    assert table.mean.min() < 0 < table.fires.max() < 1


def test_farther_levels_hold_fewer_patches(applied: Path) -> None:
    lexicon = Lexicon.open(applied)
    one, two, three = (well_table(plate_statistics(lexicon, level)).fires for level in (1.0, 2.0, 3.0))
    assert (one >= two).all()
    assert (two >= three).all()
    assert one.sum() > three.sum() > 0


def test_every_question_takes_directions(applied: Path) -> None:
    by_code = api.features(applied, "perturbation")
    along = api.features(applied, "perturbation", beyond=1.0)
    assert set(by_code.columns) - set(along.columns) == {"mean_when_active", "strongest"}
    assert not np.allclose(by_code["fires"], along["fires"])
    told = api.ask(applied, "selectivity", beyond=1.0, pixels=False).set_index(["feature", "value"])["fires"]
    drug = along.index[along["best_value"] == "drug"][0]
    assert told[drug, "drug"] > told[drug, "DMSO"]
    effects = api.ask(applied, "effects", beyond=1.0)
    assert len(effects) == len(along)


def test_cells_stains_and_fields_are_read_by_direction_and_what_is_about_codes_says_so(applied: Path) -> None:
    by_code, along = (api.ask(applied, "stains", beyond=beyond) for beyond in (None, 1.0))
    lexicon = Lexicon.open(applied)
    plate = lexicon.plates["tiny"]
    directions = plate.directions()
    assert directions is not None and directions.beyond is not None
    own = along.drop_duplicates(["feature", "channel"]).set_index(["channel", "feature"])["n_patches"]
    counted = directions.beyond[0].sum(axis=0)
    assert own["DNA"].to_dict() == {m: n for m, n in enumerate(counted[0]) if n >= 20}
    assert len(by_code) != len(along)
    cells = [api.ask(applied, "cells", features=(3, 7), beyond=beyond) for beyond in (None, 1.0)]
    assert (cells[0]["#3 DNA"] >= 0).all() and (cells[1]["#3 DNA"] < 0).any()
    answer = api.ask(applied, "responders", features=(3, 7), beyond=1.0)
    assert (answer["none"] == 0).all()  # a direction has no floor
    fields = field_table(lexicon, "Actin", 2.0)
    wells = well_table(plate_statistics(lexicon, 2.0), channel="Actin")
    weights = fields.tokens[:, 0]
    for w, well in enumerate(wells.wells["well"]):
        here = (fields.wells["well"] == well).to_numpy()
        np.testing.assert_allclose(np.average(fields.fires[here], axis=0, weights=weights[here]), wells.fires[w])
        np.testing.assert_allclose(
            np.average(fields.mean[here], axis=0, weights=weights[here]), wells.mean[w], atol=1e-4
        )
    edits = api.ask(applied, "edits", features=(3,), beyond=1.0)
    assert notes_of(edits) == ("This question is about codes, however features are read.",)


def test_a_level_that_was_not_counted_and_an_earlier_lexicon_are_said(applied: Path, tmp_path: Path) -> None:
    with pytest.raises(LexiconFolderError, match=r"beyond 1\.5 standard deviations were not counted: choose 1, 2, 3"):
        api.features(applied, beyond=1.5)
    copied = Path(shutil.copytree(applied, tmp_path / "x.lexicon"))
    plate = Lexicon.open(copied).plates["tiny"]
    path = next((plate.folder / "codes").glob("A01_0.*"))
    store = zarr.storage.ZipStore(path, mode="r")
    group = zarr.open_group(store, mode="r")
    arrays = {name: np.asarray(array[...]) for name, array in group.arrays() if name != "beyond"}
    attributes = dict(group.attrs)
    store.close()
    write_arrays_whole(path, arrays, attributes)
    (plate.folder / "summary.zarr.zip").unlink()
    with pytest.raises(LexiconFolderError, match="earlier version, which did not count directions: run apply with"):
        api.features(copied, beyond=1.0)
    assert "direction" in api.profiles(copied).layers
    assert "fraction_beyond" not in api.profiles(copied).layers
