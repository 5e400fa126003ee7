"""Shuffles that keep blocks whole and plates apart."""

from __future__ import annotations

import numpy as np

from napari_lexicon.analysis.exchange import Exchange


def test_blocks_move_whole_and_within_their_plate() -> None:
    rng = np.random.default_rng(0)
    blocks, plates = np.repeat(np.arange(6), 4), np.repeat([0, 1], 12)
    exchange = Exchange(blocks, plates)
    seen = set()
    for _ in range(50):
        order = exchange.order(rng)
        assert (plates[order] == plates).all()
        moved = blocks[order].reshape(6, 4)
        assert (moved == moved[:, :1]).all()
        assert sorted(moved[:, 0]) == list(range(6))
        seen.add(tuple(moved[:, 0]))
    assert len(seen) > 10


def test_blocks_of_other_sizes_are_repeated_or_cut() -> None:
    order = Exchange(np.array([0, 0, 0, 1]), np.zeros(4, int)).order(np.random.default_rng(1))
    assert set(order.tolist()) <= {0, 1, 2, 3} and len(order) == 4


def test_what_is_exchanged_depends_on_what_is_told() -> None:
    plates = np.array(["p"] * 4 + ["q"] * 4)
    drug = np.array(["a", "b"] * 4)
    assert Exchange.of(drug, plates).strata.tolist() == [0] * 4 + [1] * 4
    assert Exchange.of(plates, plates).strata.tolist() == [0] * 8  # within plates nothing could be shuffled
    assert Exchange.of(drug, plates, plates).blocks.tolist() == list(range(8))  # drugs differ within a plate
    batch = np.array(["x"] * 4 + ["y"] * 4)
    assert Exchange.of(batch, plates, plates).blocks.tolist() == [0] * 4 + [1] * 4
