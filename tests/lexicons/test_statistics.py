"""Statistics of fields and wells against sums done the long way."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lexicon.lexicons.statistics import STRONGEST, WellStatistics, field_statistics

M = 7


def random_codes(
    seed: int, groups: int = 2, grid: tuple[int, int] = (3, 4), k: int = 3
) -> tuple[np.ndarray, np.ndarray]:
    """Codes in which a feature stands at most once per token; some values are 0 or below."""
    rng = np.random.default_rng(seed)
    indices = np.stack([rng.permutation(M)[:k] for _ in range(groups * grid[0] * grid[1])])
    values = rng.choice([0.0, -0.25, 0.5, 0.75, 1.0], size=indices.shape)
    shape = (groups, *grid, k)
    return indices.reshape(shape), values.reshape(shape).astype(np.float32)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_field_statistics_equal_a_loop_over_tokens(seed: int) -> None:
    indices, values = random_codes(seed)
    found = field_statistics(indices, values, M)
    dense = np.zeros((*indices.shape[:3], M))
    np.put_along_axis(dense, indices, values, axis=3)
    flat = dense.reshape(2, -1, M)
    np.testing.assert_allclose(found.total, flat.sum(axis=1), atol=1e-6)
    np.testing.assert_array_equal(found.active, (flat > 0).sum(axis=1))
    np.testing.assert_allclose(found.strongest, flat.max(axis=1).clip(min=0))
    fires = found.active > 0
    np.testing.assert_array_equal(found.place[fires], flat.argmax(axis=1)[fires])
    assert found.tokens.tolist() == [12, 12]
    assert field_statistics(indices, values, M, np.array([3, 0])).tokens.tolist() == [3, 0]


def test_well_statistics_keep_the_strongest_places_of_each_feature() -> None:
    gathered = WellStatistics.empty(("A01", "A02"), 2, M)
    everything = []
    for field in range(100):
        one = field_statistics(*random_codes(field), M)
        gathered.add(field % 2, field, (0, 1), one)
        everything += [
            (one.strongest[g, m], field, g, one.place[g, m], m)
            for g in range(2)
            for m in range(M)
            if one.strongest[g, m]
        ]
    for m in range(M):
        best = sorted((e[0] for e in everything if e[4] == m), reverse=True)[:STRONGEST]
        np.testing.assert_allclose(gathered.top_value[m], best)
        for value, field, channel, place in zip(
            gathered.top_value[m], gathered.top_field[m], gathered.top_channel[m], gathered.top_place[m], strict=True
        ):
            assert (value, field, channel, place, m) in everything


def test_a_channel_that_a_field_lacks_counts_no_tokens() -> None:
    gathered = WellStatistics.empty(("A01",), 3, M)
    gathered.add(0, 0, (0, 2), field_statistics(*random_codes(1), M))
    np.testing.assert_array_equal(gathered.tokens, [[12, 0, 12]])
    assert np.isnan(gathered.mean(channel=1)).all()
    assert np.isfinite(gathered.mean()).all()
