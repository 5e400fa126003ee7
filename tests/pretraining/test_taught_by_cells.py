"""A trait of whole cells is taught as a direction that is high on cells with it, and on nothing between cells."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scripts.pretraining.naming import within_plates
from scripts.pretraining.taught import direction_of_cells
from scripts.pretraining.whole_cells import TraitCells, middle_of, trait_cells
from sklearn.metrics import roc_auc_score

from napari_lexicon.backbones import load_backbone
from napari_lexicon.dictionaries.whitening import Whitening

TRAIT, BESIDE, LIGHT = np.eye(8, dtype=np.float32)[:3]
"""What the trait does, what goes with it and is far stronger on the ground, and what differs between plates."""


def planted(seed: int = 0, ground: int = 400) -> TraitCells:
    """Cells of four plates: half of them have the trait."""
    rng = np.random.default_rng(seed)
    plate = np.repeat(np.arange(4), 60)
    has = np.tile([True, False], 120)
    sign = np.where(has, 1.0, -1.0)[:, None]
    tokens = rng.normal(size=(240, 8)) + sign * (TRAIT + 0.7 * BESIDE) + 50 * plate[:, None] * LIGHT
    return TraitCells(
        tokens.astype(np.float32), has, plate, (rng.normal(size=(ground, 8)) + 6 * BESIDE).astype(np.float32)
    )


def without_ground(cells: TraitCells) -> TraitCells:
    return TraitCells(cells.tokens, cells.has, cells.plate, cells.ground[:0])


def test_ground_takes_out_of_a_direction_what_is_stronger_there():
    cells = planted()
    before, after = (direction_of_cells(c).numpy() for c in (without_ground(cells), cells))
    own = cells.plate == 0
    for direction, in_cells in ((before, False), (after, True)):
        assert np.linalg.norm(direction) == pytest.approx(1)
        assert within_plates(cells, cells.tokens @ direction) > 0.9
        middle = middle_of(cells.tokens[own], cells.has[own])
        farthest = np.quantile((cells.tokens[own] - middle) @ direction, 0.99)
        assert (np.quantile(cells.ground @ direction, 0.99) < farthest) == in_cells
    assert abs(after @ LIGHT) < 0.2  # 50 between plates, 0 between cells of one


def test_what_differs_between_plates_teaches_nothing():
    cells = planted()
    moved = cells.tokens + np.array([9, -4, 0.5, 7])[cells.plate][:, None] * (TRAIT - BESIDE)
    again = direction_of_cells(TraitCells(moved.astype(np.float32), cells.has, cells.plate, cells.ground))
    torch.testing.assert_close(again, direction_of_cells(cells), rtol=0, atol=1e-4)


def test_a_plate_of_many_cells_has_the_say_of_one():
    cells = planted()
    rows = np.concatenate([np.arange(240), *[np.flatnonzero(cells.plate == 1)] * 9])
    more = TraitCells(cells.tokens[rows], cells.has[rows], cells.plate[rows], cells.ground)
    torch.testing.assert_close(direction_of_cells(more), direction_of_cells(cells), rtol=0, atol=1e-4)


def test_a_plate_with_too_few_cells_of_a_kind_has_no_say():
    cells = planted()
    rare = np.where(cells.plate == 3, np.arange(240) < 182, cells.has)  # one cell with the trait on the last plate
    there = cells.plate == 3
    tokens = cells.tokens.copy()
    tokens[there] = 100 * np.random.default_rng(1).normal(size=(there.sum(), 8))
    strange = direction_of_cells(TraitCells(tokens, rare, cells.plate, cells.ground))
    rest = direction_of_cells(TraitCells(tokens[~there], rare[~there], cells.plate[~there], cells.ground))
    torch.testing.assert_close(strange, rest, rtol=0, atol=1e-6)


def test_cells_are_compared_with_those_of_their_own_plate():
    has = np.tile([True, False], 20)
    plate = np.repeat([0, 1, 2], [16, 16, 8])
    values = np.where(has, 1.0, 0.0) + 10.0 * plate
    values[32:] = -values[32:]  # of four and four cells: too few to be asked
    cells = TraitCells(values[:, None].astype(np.float32), has, plate, np.empty((0, 1), np.float32))
    assert within_plates(cells, values.astype(np.float32)) == 1.0
    assert roc_auc_score(has[:32], values[:32]) < 0.8
    assert within_plates(TraitCells(cells.tokens[32:], has[32:], plate[32:], cells.ground), values[32:]) == 0.0


def test_the_middle_lies_between_the_kinds_however_many_there_are():
    tokens = np.array([[0.0], [2.0], [2.0], [2.0]], np.float32)
    assert middle_of(tokens, np.array([True, False, False, False])) == pytest.approx(1.0)
    assert middle_of(tokens, np.ones(4, bool)) is None


def test_cells_of_a_plate_are_the_same_with_and_without_ground():
    backbone = load_backbone("builtin", device="cpu")
    dim = backbone.spec.dim
    seeing = [(backbone, Whitening(torch.zeros(dim), torch.eye(dim), torch.eye(dim)))]
    name = "stress fibres, in an actin stain"
    (alone,), (cells,) = trait_cells(seeing, name, 5, 1), trait_cells(seeing, name, 5, 1, ground=True)
    np.testing.assert_array_equal(cells.tokens, alone.tokens)
    np.testing.assert_array_equal(cells.has, alone.has)
    assert 0 < cells.has.sum() < len(cells.has) == len(cells.tokens)
    assert alone.ground.shape == (0, dim)
    assert len(cells.ground) > 20
    # ground is told from cells by what it is: less stained
    middle = middle_of(cells.tokens, cells.has)
    spread = np.linalg.norm(cells.tokens - middle, axis=1).mean()
    assert np.linalg.norm(cells.ground, axis=1).mean() > spread
