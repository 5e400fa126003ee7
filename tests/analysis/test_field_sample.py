"""Samples of fields for looking at one feature: quantiles, stains, neighbours; planted answers come back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lexicon.analysis.alike import patch_code, promising_fields, region_code, similar_patches
from napari_lexicon.analysis.field_sample import (
    QUANTILES,
    SILENT,
    FieldSample,
    activation_quantiles,
    fire_together,
    nearest_atoms,
    stain_correlations,
    values_of,
)
from napari_lexicon.analysis.maps import activation_map
from napari_lexicon.lexicons import FieldCodes, Lexicon

PATCH = 8


def codes_of(maps: dict[int, np.ndarray], k: int = 6, channels: tuple[int, ...] = (0,)) -> FieldCodes:
    """Codes with the given (G, gh, gw) maps, one place of the k for each."""
    shape = next(iter(maps.values())).shape
    indices, values = np.full((*shape, k), 7, np.uint16), np.zeros((*shape, k), np.float16)
    for place, (feature, values_here) in enumerate(maps.items()):
        indices[..., place], values[..., place] = feature, values_here
    return FieldCodes(indices, values, channels)


@pytest.fixture
def sample(applied: Path) -> FieldSample:
    lexicon = Lexicon.open(applied)
    return FieldSample(next(iter(lexicon.plates.values())), 64)


def test_fields_are_spread_over_wells_and_can_be_of_some_only(sample: FieldSample):
    wells = [sample.plate.fields[number].well for number in sample.numbers()]
    assert sorted(set(wells[:6])) == sorted(sample.plate.wells)  # every well before any comes twice
    assert {sample.plate.fields[n].well for n in sample.numbers({"A02"})} == {"A02"}
    assert sample.numbers({"H12"}) == []


def test_places_lie_in_their_quantile_and_the_last_ones_are_silent(sample: FieldSample):
    plate = sample.plate
    feature = int(plate.statistics().active.sum(axis=(0, 1)).argmax())
    bins = activation_quantiles(sample, feature, wells={"A01", "B02"})
    assert [one.title for one in bins] == [*(title for title, _, _ in QUANTILES), SILENT]
    every = np.concatenate([values_of(sample.codes(n), feature).ravel() for n in sample.numbers({"A01", "B02"})])
    firing = every[every > 0]
    for one, (_, low, high) in zip(bins, QUANTILES, strict=False):
        assert (one.low, one.high) == pytest.approx(tuple(np.quantile(firing, (low, high))))
        assert all(one.low <= place.value <= one.high for place in one.places)
    for one in bins:
        for place in one.places:
            assert place.well in ("A01", "B02")
            shown = activation_map(plate.codes(place.field_index), feature, place.channel)
            assert shown[place.gy, place.gx] == pytest.approx(place.value)
    assert activation_quantiles(sample, feature, wells={"H12"}) == []


def test_a_feature_follows_the_stain_that_it_was_made_of(sample: FieldSample):
    rng = np.random.default_rng(0)
    images = {n: rng.random((2, *sample.plate.fields[n].shape)) for n in sample.numbers()}
    for number, image in images.items():
        from napari_lexicon.analysis.channels import patch_means

        means = patch_means(image, sample_patch(sample))
        sample._codes[number] = codes_of({3: np.stack([means[1], 0 * means[1]])}, channels=(0, 1))
    table = stain_correlations(sample, 3, sample_patch(sample), images.__getitem__)
    r = table[table["channel"] == "DNA"].set_index("stain")["r"]
    assert r["Actin"] > 0.99
    assert abs(r["DNA"]) < 0.3


def sample_patch(sample: FieldSample) -> int:
    field = sample.plate.fields[0]
    return -(-field.shape[0] // field.grid[0])


def test_features_that_fire_together_are_found_with_what_chance_would_give(sample: FieldSample):
    rng = np.random.default_rng(1)
    for number in sample.numbers():
        grid = (2, *sample.plate.fields[number].grid)
        first = rng.random(grid) < 0.2
        both = first & (rng.random(grid) < 0.8)
        sample._codes[number] = codes_of(
            {3: first * 1.0, 9: both * 0.5, 12: (rng.random(grid) < 0.3) * 1.0}, channels=(0, 1)
        )
    table = fire_together(sample, 3).set_index("feature")
    assert table.index[0] == 9
    fires = [values_of(sample.codes(n), m).max(axis=0) > 0 for m in (3, 9) for n in sample.numbers()]
    half = len(fires) // 2
    a, b = (np.concatenate([f.ravel() for f in part]) for part in (fires[:half], fires[half:]))
    assert table.loc[9, "phi"] == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert table.loc[9, "share"] == pytest.approx((a & b).sum() / a.sum())
    assert len(fire_together(sample, 50)) == 0


def test_the_nearest_atoms_are_those_of_largest_cosine():
    rng = np.random.default_rng(2)
    atoms = rng.normal(size=(40, 8))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    found = nearest_atoms(atoms, 5, 3)
    expected = sorted(((float(atoms[5] @ atoms[m]), m) for m in range(40) if m != 5), reverse=True)[:3]
    assert [(m, pytest.approx(c)) for c, m in expected] == found


def test_a_patch_finds_its_twin_and_not_its_neighbours():
    rng = np.random.default_rng(3)
    maps = {m: (rng.random((2, 12, 15)) < 0.2) * rng.random((2, 12, 15)) for m in (1, 2, 3, 4)}
    for values in maps.values():
        values[:, 9, 11] = 3 * values[:, 2, 3]  # the same mixture, more of it
    maps[1][0, 2, 3], maps[1][0, 9, 11] = 0.4, 1.2
    codes = codes_of(maps, channels=(0, 1))
    query = patch_code(codes, 2, 3)
    found = similar_patches(codes, query, exclude=[(2, 3)], n=4)
    assert similar_patches(codes, {}) == []
    assert found[0] == (pytest.approx(1, abs=1e-3), 9, 11)
    places = [(y, x) for _, y, x in found]
    assert all(max(abs(y - v), abs(x - w)) > 1 for n, (y, x) in enumerate(places) for v, w in places[:n])
    assert [c for c, _, _ in found] == sorted((c for c, _, _ in found), reverse=True)


def test_a_region_gives_means_and_shares_of_its_patches():
    rng = np.random.default_rng(4)
    maps = {m: (rng.random((2, 6, 7)) < 0.5) * rng.random((2, 6, 7)) for m in (1, 4)}
    codes = codes_of(maps, channels=(0, 1))
    inside = np.zeros((6, 7), bool)
    inside[1:3, 2:6] = True
    table = region_code(codes, inside).set_index(["feature", "channel"])
    for (feature, channel), row in table.iterrows():
        values = activation_map(codes, feature, channel)[inside]
        assert row["mean"] == pytest.approx(values.mean(), rel=1e-3)
        assert row["share"] == pytest.approx((values > 0).mean())
    assert table["mean"].is_monotonic_decreasing


def test_fields_of_wells_where_the_features_are_strong_are_searched_first(sample: FieldSample):
    statistics = sample.plate.statistics()
    feature = int(statistics.active.sum(axis=(0, 1)).argmax())
    best = statistics.wells[int(statistics.strongest[:, :, feature].max(axis=1).argmax())]
    assert sample.plate.fields[promising_fields(sample.plate, statistics, {feature: 1.0})[0]].well == best
