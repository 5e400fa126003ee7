from __future__ import annotations

import pytest
import torch

from napari_lexicon.dictionaries.winners import Winners


@pytest.mark.parametrize("by_token", [False, True])
@pytest.mark.parametrize(("atoms", "per_round"), [(32, 4), (256, 2), (256, 5), (2048, 5), (1504, 1), (5008, 2)])
def test_the_best_are_nominated_however_the_scores_are_wrong(atoms: int, per_round: int, by_token: bool) -> None:
    draw = torch.Generator().manual_seed(atoms + per_round)
    true = torch.randn(atoms, 300, generator=draw)
    error = 0.1 * torch.rand(300, generator=draw)
    wrong = true + error * (2 * torch.rand(true.shape, generator=draw) - 1)
    best = true.topk(per_round, dim=0).indices
    wins = torch.zeros_like(true).scatter_(0, best, 1.0) > 0
    worst = torch.where(wins, true - error, true + error)  # every winner as low as it can be, every loser as high
    for scores in (wrong, worst):
        found = Winners().nominate(scores.T.contiguous().T if by_token else scores, per_round, error * (1 + 1e-5))
        named = torch.zeros(true.shape, dtype=torch.bool)
        named[found.atoms, found.tokens] = True
        settled = torch.ones(300, dtype=torch.bool)
        settled[found.unsettled] = False
        assert bool(named.gather(0, best)[:, settled].all())
        assert int(settled.sum()) > 250
        assert int(named.sum()) == len(found.atoms) < true.numel() / 2


def test_scores_that_are_all_negative_are_left_to_the_caller() -> None:
    scores = -torch.rand(64, 10)
    found = Winners().nominate(scores, 2, torch.zeros(10))
    assert found.unsettled.tolist() == list(range(10))
    assert len(found.atoms) == 0


@pytest.mark.parametrize("by_token", [False, True])
def test_scores_in_bfloat16_are_taken_with_the_rounding_they_may_have(by_token: bool) -> None:
    true = torch.rand(512, 100, generator=torch.Generator().manual_seed(1))
    rounded = true.T.bfloat16().T if by_token else true.bfloat16()
    found = Winners().nominate(rounded, 3, torch.zeros(100), relative=2**-8)
    named = torch.zeros(true.shape, dtype=torch.bool)
    named[found.atoms, found.tokens] = True
    settled = torch.ones(100, dtype=torch.bool)
    settled[found.unsettled] = False
    assert int(settled.sum()) > 50
    assert bool(named.gather(0, true.topk(3, dim=0).indices)[:, settled].all())
