"""Patches that look alike, and the features of a region, against plain loops over dense codes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lexicon.analysis.alike import (
    PER_FIELD,
    alike_over_plate,
    along_over_plate,
    patch_code,
    patch_weights,
    region_code,
)
from napari_lexicon.lexicons import FieldCodes, Lexicon


def dense(codes: FieldCodes, n_features: int) -> np.ndarray:
    """(G, gh, gw, M) values, one pick at a time."""
    whole = np.zeros((*codes.indices.shape[:3], n_features))
    for place in np.ndindex(codes.indices.shape):
        whole[(*place[:3], codes.indices[place])] += float(codes.values[place])
    return whole.clip(min=0)


def test_the_search_over_a_plate_finds_what_comparing_every_patch_finds(applied: Path):
    plate = Lexicon.open(applied).only_plate()
    statistics = plate.statistics()
    number = plate.field_number("B02", index=1)
    whole = {n: dense(plate.codes(n), statistics.n_features).sum(axis=0) for n in range(len(plate.fields))}
    lit = np.argwhere(whole[number].any(axis=-1))
    gy, gx = (int(at) for at in lit[len(lit) // 2])
    query = patch_code(plate.codes(number), gy, gx)
    np.testing.assert_allclose([query[m] for m in sorted(query)], whole[number][gy, gx][sorted(query)], rtol=1e-6)
    *_, last = alike_over_plate(plate, statistics, query, (number, [(gy, gx)]), n=12)
    assert last.fields == last.of == len(plate.fields)
    wanted = whole[number][gy, gx]

    def cosine(n: int, y: int, x: int) -> float:
        norm = np.linalg.norm(whole[n][y, x]) * np.linalg.norm(wanted)
        return float(whole[n][y, x] @ wanted / norm) if norm else 0.0

    for found in last.best:
        assert found.cosine == pytest.approx(cosine(found.field, found.gy, found.gx), rel=1e-6)
    assert [found.cosine for found in last.best] == sorted((found.cosine for found in last.best), reverse=True)
    near = {(number, y, x) for y in range(gy - 1, gy + 2) for x in range(gx - 1, gx + 2)}
    assert not near & {(found.field, found.gy, found.gx) for found in last.best}
    every = {(n, y, x): cosine(n, y, x) for n in whole for y, x in np.ndindex(whole[n].shape[:2])}
    top = max((place for place in every if place not in near), key=lambda place: every[place])
    assert (last.best[0].field, last.best[0].gy, last.best[0].gx) == top
    assert max(np.bincount([found.field for found in last.best])) <= PER_FIELD


def test_a_direction_is_followed_over_a_plate_as_far_as_codes_say_it(applied: Path):
    plate = Lexicon.open(applied).only_plate()
    statistics = plate.statistics()
    weights = np.random.default_rng(0).normal(size=statistics.n_features)
    summed = {}
    for n in range(len(plate.fields)):
        codes = plate.codes(n)
        summed[n] = (codes.values.astype(np.float64) * weights[codes.indices]).sum(axis=-1)
    for channel, of_field in ((None, lambda n: summed[n].max(axis=0)), (1, lambda n: summed[n][1])):
        every = {(n, y, x): float(of_field(n)[y, x]) for n in summed for y, x in np.ndindex(summed[n].shape[1:])}
        top = max(every, key=every.get)
        *_, last = along_over_plate(plate, statistics, weights, channel, n=12)
        assert last.fields == last.of == len(plate.fields) and len(last.best) == 12
        assert (last.best[0].field, last.best[0].gy, last.best[0].gx) == top
        for found in last.best:
            assert found.cosine == pytest.approx(every[found.field, found.gy, found.gx], rel=1e-4)
        # what is pointed at already is not proposed, nor what lies beside it
        *_, without = along_over_plate(plate, statistics, weights, channel, {top[0]: [top[1:]]}, n=12)
        near = {(top[0], y, x) for y in range(top[1] - 1, top[1] + 2) for x in range(top[2] - 1, top[2] + 2)}
        assert not near & {(found.field, found.gy, found.gx) for found in without.best}


def test_a_region_weighs_patches_by_how_much_of_them_it_covers(applied: Path):
    plate = Lexicon.open(applied).only_plate()
    codes = plate.codes(3)
    grid = codes.indices.shape[1:3]
    rows, columns = np.mgrid[10:50, 5:61]
    weights = patch_weights(rows.ravel(), columns.ravel(), 16, grid)
    assert weights.sum() * 16**2 == rows.size
    assert weights[1, 1] == 1
    assert weights[0, 0] == 6 * 11 / 256
    assert patch_weights(np.array([-1, 3]), np.array([4, 10_000]), 16, grid).sum() == 0
    found = region_code(codes, weights)
    whole = dense(codes, plate.n_features)
    means = np.tensordot(whole, weights, axes=([1, 2], [0, 1])) / weights.sum()
    shares = np.tensordot(whole > 0, weights, axes=([1, 2], [0, 1])) / weights.sum()
    assert len(found) == (means > 0).sum()
    for row in found.itertuples():
        group = codes.channels.index(row.channel)
        assert row.mean == pytest.approx(means[group, row.feature], rel=1e-6)
        assert row.share == pytest.approx(shares[group, row.feature], rel=1e-6)
    assert found["mean"].is_monotonic_decreasing
