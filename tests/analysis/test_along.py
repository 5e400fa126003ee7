"""Fields read again along features: the counts that the lexicon keeps, and correlations worked out patch by patch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lexicon.analysis.along import FieldsAlong
from napari_lexicon.analysis.cells import map_per_cell, mean_in_cells
from napari_lexicon.analysis.channels import StainCorrelations, patch_means
from napari_lexicon.analysis.plate_cells import cells_of
from napari_lexicon.analysis.reading import finished_fields
from napari_lexicon.lexicons import BEYOND, Lexicon


@pytest.fixture(scope="module")
def along(applied: Path) -> FieldsAlong:
    """Reads fields of the tiny lexicon again."""
    return FieldsAlong(Lexicon.open(applied))


def test_a_field_read_again_has_the_counts_that_the_lexicon_keeps(applied: Path, along: FieldsAlong) -> None:
    one = next(finished_fields(Lexicon.open(applied).plates.values(), pixels=True))
    scores = along.scores(one, np.arange(64))
    kept = one.plate.field_beyond(one.number)
    assert kept is not None
    for level, least in enumerate(BEYOND):
        np.testing.assert_allclose((scores > least).sum(axis=(2, 3)), kept[level], atol=1)  # but for rounding


def test_correlations_with_stains_are_those_patch_by_patch(applied: Path, along: FieldsAlong) -> None:
    lexicon = Lexicon.open(applied)
    patch, names = lexicon.backbone.patch, ["DNA", "Actin"]
    gathered = StainCorrelations(64, names)
    scores, stains = [], []
    for one in finished_fields(lexicon.plates.values(), pixels=True, fields_per_well=1):
        tokens, counts = along.whitened(one)
        fires = np.full((2, 64), 20)
        gathered.add_along(
            one.header.well, tokens, counts, along.atoms, fires, (0, 1), one.windowed, one.header.channels, patch
        )
        use = counts[1].ravel()
        own = along.scores(one, np.arange(64))[1].reshape(64, -1)[:, use]
        means = patch_means(one.windowed, patch).reshape(2, -1)[:, use]
        scores.append(own - own.mean(axis=1, keepdims=True))
        stains.append(means - means.mean(axis=1, keepdims=True))
    expected = np.corrcoef(np.concatenate(scores, axis=1), np.concatenate(stains, axis=1))[:64, 64:]
    table = gathered.table()
    own = table[table["channel"] == "Actin"].pivot(index="feature", columns="stain", values="r")[names]
    np.testing.assert_allclose(own, expected, atol=1e-4)
    assert (table["n_wells"] == 6).all()


def test_cells_are_means_of_maps_and_may_be_negative(applied: Path, along: FieldsAlong) -> None:
    lexicon = Lexicon.open(applied)
    patch = lexicon.backbone.patch
    one = next(finished_fields(lexicon.plates.values(), pixels=True))
    labels = np.zeros(one.header.shape, np.int32)
    labels[3:20, 5:30], labels[25:60, 8:40] = 7, 9
    scores = along.scores(one, np.array([5, 11]))
    mean = mean_in_cells(scores, labels, patch)
    assert mean.shape == (2, 2, 2)
    for g in range(2):
        for f in range(2):
            expected = map_per_cell(scores[g, f], labels, patch)["mean"]
            np.testing.assert_allclose(mean[:, g, f], expected, rtol=1e-4, atol=1e-6)
    found = cells_of(lexicon, (5, 11), lambda _: labels, fields_per_well=1, along=along)
    np.testing.assert_allclose(found.loc[:1, "#11 Actin"], mean[:, 1, 1], rtol=1e-5)
    assert found.filter(like="#").to_numpy().min() < 0
