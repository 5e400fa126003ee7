"""Directions that are taught, and how they are checked."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import roc_auc_score

from napari_lexicon.analysis.teaching import GroupSums, auroc_within, check_fields, paired_parts, parts_of

DIM = 12


def plates(rng: np.random.Generator, n_wells: int, step: float, plates: int = 2, tokens: int = 60):
    """Wells of plates that lie apart, half of each like; tokens of like wells are moved along the first axes."""
    like = np.tile(np.arange(n_wells) % 2 == 0, plates)
    block = np.repeat(np.arange(plates), n_wells)
    mixing = np.eye(DIM) + 0.3 * rng.standard_normal((DIM, DIM))
    toward = np.r_[1.0, -1.0, np.zeros(DIM - 2)]
    away = 5 * rng.standard_normal((plates, DIM))
    wells = [
        (rng.standard_normal((tokens, DIM)) @ mixing + 0.3 * rng.standard_normal(DIM) + away[p] + step * hit * toward)
        for hit, p in zip(like, block, strict=True)
    ]
    return like, block, [well.astype(np.float32) for well in wells]


def summed(like, block, wells) -> GroupSums:
    sums = GroupSums(like, block, parts_of(like, block), DIM)
    for group, tokens in enumerate(wells):
        sums.add(group, tokens)
    return sums


def test_the_direction_is_that_of_scikit_learns_discriminant():
    like, block, wells = plates(np.random.default_rng(0), 10, 0.5, plates=1)
    found = summed(like, block, wells).direction(shrinkage=0.0)
    tokens, labels = np.concatenate(wells), np.repeat(like, [len(well) for well in wells])
    oracle = LinearDiscriminantAnalysis(solver="lsqr").fit(tokens, labels).coef_[0]
    assert found @ oracle / np.linalg.norm(oracle) == pytest.approx(1, abs=1e-6)


def test_what_differs_between_plates_teaches_nothing():
    rng = np.random.default_rng(1)
    like, block, wells = plates(rng, 10, 0.8)
    unequal = np.flatnonzero((block == 1) & like)[1:]  # the second plate has one like well, the first has five
    keep = np.setdiff1d(np.arange(len(like)), unequal)
    moved = [wells[n] + np.float32(50) * (block[n] == 1) for n in keep]
    stay = summed(like[keep], block[keep], [wells[n] for n in keep])
    assert stay.direction() @ summed(like[keep], block[keep], moved).direction() == pytest.approx(1, abs=1e-5)


def test_a_difference_is_found_in_wells_that_were_left_out_and_none_where_there_is_none():
    rng = np.random.default_rng(2)
    atoms = np.linalg.qr(rng.standard_normal((DIM, DIM)))[0].astype(np.float32)
    there = summed(*plates(rng, 12, 0.6)).check(atoms)
    assert there.auroc > 0.9 and there.p < 0.01 and (there.like, there.unlike, there.parts) == (12, 12, 5)
    assert 0 <= there.feature < DIM and there.feature_auroc < there.auroc
    none = [summed(*plates(np.random.default_rng(100 + seed), 12, 0.0)).check(shuffles=99) for seed in range(40)]
    assert abs(np.mean([one.auroc for one in none]) - 0.5) < 0.08
    assert sum(one.p <= 0.1 for one in none) <= 9  # 4 by chance; 9 or more would come once in 60 times


def test_leaving_out_is_the_same_as_never_having_seen():
    like, block, wells = plates(np.random.default_rng(3), 10, 0.5)
    sums = summed(like, block, wells)
    rest = [n for n in range(len(like)) if sums.part[n] != 2]
    alone = GroupSums(like[rest], block[rest], np.zeros(len(rest), int), DIM)
    for group, n in enumerate(rest):
        alone.add(group, wells[n])
    assert sums.direction(left_out=2) @ alone.direction() == pytest.approx(1, abs=1e-9)


def test_too_few_wells_are_taught_from_and_not_checked():
    like, block, wells = plates(np.random.default_rng(4), 2, 1.0, plates=1)
    sums = summed(like, block, wells)
    assert sums.check() is None and sums.direction() is not None
    empty = GroupSums([True, False], [0, 0], [0, 0], DIM)
    empty.add(0, wells[0])
    assert empty.direction() is None


def test_patches_of_a_field_are_told_by_what_other_fields_taught():
    rng = np.random.default_rng(5)
    fields = []
    for _ in range(3):
        like = np.arange(200) < 40
        tokens = rng.standard_normal((200, DIM)) + 3 * rng.standard_normal(DIM)
        tokens[like, 3] += 2
        fields.append((tokens.astype(np.float32), like))
    number = np.repeat(np.arange(3), 2)
    sums = GroupSums(np.tile([True, False], 3), number, number, DIM)
    for part, (tokens, like) in enumerate(fields):
        sums.add(2 * part, tokens[like])
        sums.add(2 * part + 1, tokens[~like])
    found = check_fields(sums, fields, np.eye(DIM, dtype=np.float32))
    assert found.auroc > 0.85 and found.feature == 3 and found.p is None
    assert (found.like, found.unlike, found.parts) == (120, 480, 3)
    assert check_fields(sums, fields[:1]) is None


def test_parts_hold_both_kinds():
    like, block = np.r_[np.ones(4, bool), np.zeros(20, bool)], np.tile([0, 1], 12)
    parts = parts_of(like, block)
    assert parts.max() + 1 == 4
    for part in range(4):
        assert like[parts == part].sum() == 1 and (~like[parts == part]).sum() == 5


def test_fields_of_one_kind_are_paired():
    both = paired_parts([True, True, False, True, False], [False, True, True, False, True])
    assert both.tolist() == [1, 0, 1, 2, 2]
    assert paired_parts([True, True], [False, True]).tolist() == [0, 0]
    assert paired_parts([True, True, True], [True, True, True]).tolist() == [0, 1, 2]


def test_auroc_within_blocks():
    rng = np.random.default_rng(6)
    scores, like = np.round(rng.standard_normal((50, 2)), 1), rng.random(50) < 0.4
    one, two = np.zeros(50, int), np.repeat([0, 1], 25)
    assert auroc_within(scores, like, one) == pytest.approx([roc_auc_score(like, column) for column in scores.T])
    assert auroc_within(scores + 100 * two[:, None], like, two) == pytest.approx(auroc_within(scores, like, two))
    assert np.isnan(auroc_within(scores, np.zeros(50, bool), one)).all()


def test_wells_of_a_plate_with_one_kind_do_not_count():
    rng = np.random.default_rng(7)
    like, block = np.r_[True, np.zeros(5, bool), True], np.r_[np.zeros(6, int), 1]
    wells = [rng.standard_normal((40, DIM)).astype(np.float32) + hit for hit in like]
    sums = summed(like, block, wells)
    assert sums.comparable().tolist() == [True] * 6 + [False]
    assert sums.direction() is not None
    assert sums.check() is None  # one well is left that has it: without it, nothing is taught


def test_fields_that_hold_both_kinds_only_together_are_not_checked():
    rng = np.random.default_rng(8)
    kinds = [np.arange(30) < 10, np.ones(30, bool), np.zeros(30, bool)]  # all of the second, nothing of the third
    fields = [(rng.standard_normal((30, DIM)).astype(np.float32), like) for like in kinds]
    part = paired_parts([like.any() for like in kinds], [not like.all() for like in kinds])
    number = np.repeat(np.arange(3), 2)
    sums = GroupSums(np.tile([True, False], 3), number, np.repeat(part, 2), DIM)
    for place, (tokens, like) in enumerate(fields):
        sums.add(2 * place, tokens[like])
        sums.add(2 * place + 1, tokens[~like])
    pair = tuple(np.concatenate(each) for each in zip(fields[1], fields[2], strict=True))
    assert part.tolist() == [0, 1, 1] and sums.direction() is not None
    assert check_fields(sums, [fields[0], pair]) is None
