"""Fields read again along features: the counts that the lexicon keeps, and correlations worked out patch by patch."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

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


def test_the_farthest_places_are_where_the_field_read_again_lies_farthest(applied: Path, along: FieldsAlong) -> None:
    plate = Lexicon.open(applied).plates["tiny"]
    places = plate.farthest_places()
    assert places is not None
    whole = {one.number: along.scores(one, np.arange(64)) for one in finished_fields([plate], pixels=True)}
    for feature in range(0, 64, 9):
        examples = plate.examples(places, feature, 64)
        best = sorted((float(scores[g, feature].max()) for scores in whole.values() for g in (0, 1)), reverse=True)
        np.testing.assert_allclose([example.value for example in examples], [b for b in best if b > 0], atol=0.02)
        for example in examples[:3]:
            scores = whole[example.field_index][example.channel, feature]
            assert scores[example.gy, example.gx] > scores.max() - 0.02
    directions = plate.directions()
    assert directions is not None
    read = directions.read(plate.statistics(), along.atoms, 2.0)
    assert read is not None
    np.testing.assert_array_equal(read.top_place, places.place)


def test_a_lexicon_without_farthest_places_is_read_as_before(applied: Path, tmp_path: Path) -> None:
    copytree(applied, tmp_path / "x.lexicon")
    plate = Lexicon.open(tmp_path / "x.lexicon").plates["tiny"]
    for number in range(len(plate.fields)):
        file = plate._open("codes", number)
        names = ("indices", "values", "total", "active", "tokens", "strongest", "place", "centre", "beyond")
        arrays = {name: file[name] for name in names}
        plate.write_field("codes", number, plate.mark("codes", number), arrays, dict(file.attributes))
    plate.write_summary()
    plate = Lexicon.open(tmp_path / "x.lexicon").plates["tiny"]
    assert plate.farthest_places() is None
    directions = plate.directions()
    assert directions is not None
    assert directions.beyond is not None
    assert directions.places is None


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
