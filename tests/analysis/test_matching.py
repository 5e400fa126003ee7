"""Features that come back are matched; those that do not are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.analysis.wells import wells_of

from napari_lexicon.analysis.effects import treatment_effects
from napari_lexicon.analysis.matching import (
    MatchedMaps,
    kept_effects,
    matched_features,
    patches_onto,
    transferred_between,
)
from napari_lexicon.analysis.notes import notes_of
from napari_lexicon.errors import LexiconFolderError
from napari_lexicon.lexicons import FieldCodes, Lexicon

CONTROLS = "Metadata_x == 'DMSO'"
M = 30


def codes(rng: np.random.Generator) -> FieldCodes:
    indices = np.stack([rng.permutation(M)[:4] for _ in range(2 * 12 * 12)]).reshape(2, 12, 12, 4)
    return FieldCodes(indices, rng.uniform(0.1, 1, indices.shape).astype(np.float16), (0, 1))


def dense(one: FieldCodes) -> np.ndarray:
    full = np.zeros((one.indices.size // 4, M))
    np.put_along_axis(full, one.indices.reshape(-1, 4), one.values.reshape(-1, 4).astype(float), axis=1)
    return full


def test_a_shuffled_dictionary_is_matched_and_r_is_that_of_numpy() -> None:
    rng = np.random.default_rng(0)
    order = rng.permutation(M)
    maps = MatchedMaps(M, M)
    firsts, seconds = [], []
    for _ in range(3):
        first = codes(rng)
        noisy = (first.values + rng.normal(0, 0.05, first.values.shape)).astype(np.float16)
        second = FieldCodes(order[first.indices], noisy, first.channels)
        maps.add("A01", first, second)
        firsts.append(dense(first))
        seconds.append(dense(second).clip(min=0))
    found = maps.table()
    np.testing.assert_array_equal(found["match"], order)
    assert found["mutual"].all() and (found["r"] > 0.95).all() and (found["r_next"] < 0.2).all()
    a, b = np.concatenate(firsts)[:, 3], np.concatenate(seconds)[:, order[3]]
    assert found["r"][3] == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-4)


def test_unrelated_dictionaries_are_not_matched() -> None:
    rng = np.random.default_rng(0)
    maps = MatchedMaps(M, M)
    for _ in range(3):
        maps.add("A01", codes(rng), codes(rng))
    assert maps.table()["r"].max() < 0.25


def test_a_lexicon_matches_itself(applied: Path, embedded: Path) -> None:
    lexicon = Lexicon.open(applied)
    found = matched_features(lexicon, lexicon)
    assert (found["match"] == found["feature"]).all()
    np.testing.assert_allclose(found["r"], 1, atol=1e-3)
    with pytest.raises(LexiconFolderError, match="need codes"):
        matched_features(lexicon, Lexicon.open(embedded))


def test_effects_that_come_back_are_told_from_those_of_one_plate_alone() -> None:
    labels = ["DMSO"] * 10 + ["real"] * 6 + ["fluke"] * 6
    effects = []
    for seed in (0, 1):
        shift = np.zeros((22, 100))
        shift[10:16, :30] = 2.0
        if seed == 0:
            shift[16:, 30:60] = 2.0
        table = wells_of(labels, features=100, shift=shift, seed=seed)
        effects.append(treatment_effects(table, "x", controls=CONTROLS, permutations=60))
    found = kept_effects(*effects).set_index("treatment")
    assert found.loc["real", "called_again"] > 0.8 and found.loc["real", "r"] > 0.7
    assert found.loc["fluke", "n_called"] > 20 and found.loc["fluke", "called_again"] < 0.2
    assert found.loc["fluke", "r"] < 0.4


def test_selectivity_comes_back_with_effects_and_plates_without_controls_are_named() -> None:
    labels = ["DMSO"] * 10 + ["real"] * 6 + ["null"] * 6
    shift = np.zeros((66, 100))
    shift[np.repeat(np.array(labels) == "real", 3), :30] = 2.0
    table = wells_of([label for label in labels for _ in range(3)], features=100, shift=shift, plates=3)
    table.wells.loc[(table.wells["plate"] == "plate2") & (table.wells["Metadata_x"] == "DMSO"), "Metadata_x"] = "real"
    found = transferred_between(table, "x", controls=CONTROLS)
    assert set(found["first"]) == {"plate0", "plate1"}
    real, null = (found[found["treatment"] == name] for name in ("real", "null"))
    assert (real["r_selectivity"] > 0.7).all() and (null["r_selectivity"] < real["r_selectivity"].min()).all()
    assert "plate2" in notes_of(found)[0]


def test_maps_of_other_patches_are_averaged_over_those_of_the_first() -> None:
    """Sixteen patches of 8 pixels lie in four of 16, also where the field ends within a patch."""
    onto = patches_onto(((40, 32), 16), ((40, 32), 8))
    assert onto is not None and onto.shape == (6, 20)
    fine = np.arange(20.0).reshape(5, 4)
    coarse = np.array([[fine[:2, :2].mean(), fine[:2, 2:].mean()], [fine[2:4, :2].mean(), fine[2:4, 2:].mean()],
                       [fine[4:, :2].mean(), fine[4:, 2:].mean()]])  # fmt: skip
    np.testing.assert_allclose((onto @ fine.ravel()).reshape(3, 2), coarse)
    assert patches_onto(((40, 32), 16), ((40, 32), 16)) is None
    doubled = patches_onto(((40, 32), 16), ((80, 64), 32))  # the same patches, read at twice the size
    assert doubled is not None
    np.testing.assert_allclose(doubled.toarray(), np.eye(6), atol=1e-12)


def test_a_dictionary_of_finer_patches_is_matched() -> None:
    rng = np.random.default_rng(0)
    maps = MatchedMaps(M, M)
    onto = patches_onto(((192, 192), 16), ((192, 192), 8))
    for _ in range(3):
        first = codes(rng)
        fine = FieldCodes(
            first.indices.repeat(2, axis=1).repeat(2, axis=2), first.values.repeat(2, axis=1).repeat(2, axis=2), (0, 1)
        )
        maps.add("A01", first, fine, None, onto)
    found = maps.table()
    assert (found["match"] == found["feature"]).all() and (found["r"] > 0.999).all()
    with pytest.raises(LexiconFolderError, match="other patches"):
        maps.add("A01", first, fine)
