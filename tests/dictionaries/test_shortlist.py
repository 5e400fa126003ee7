from __future__ import annotations

import pytest
import torch

from napari_lexicon.dictionaries.shortlist import Ranking
from napari_lexicon.dictionaries.winners import padded


def ranked(scores: torch.Tensor, magnitude: bool = False) -> Ranking:
    ranking = Ranking(scores.shape[1], padded(scores.T.contiguous()).T.contiguous(), magnitude)
    ranking.note()
    return ranking


@pytest.mark.parametrize("magnitude", [False, True])
@pytest.mark.parametrize(("atoms", "per_round"), [(6, 5), (64, 2), (250, 5), (1024, 3), (2050, 5)])
def test_the_best_are_shortlisted_however_the_scores_are_wrong(atoms: int, per_round: int, magnitude: bool) -> None:
    draw = torch.Generator().manual_seed(atoms + per_round)
    true = torch.randn(300, atoms, generator=draw)
    size = true.abs() if magnitude else true
    error = 0.01 * torch.rand(300, generator=draw)
    best = size.topk(per_round, dim=1).indices
    wins = torch.zeros_like(true).scatter_(1, best, 1.0) > 0
    outwards = true.sign() if magnitude else torch.ones_like(true)
    worst = true + outwards * torch.where(wins, -1, 1) * error.unsqueeze(1)  # winners low, losers high
    wrong = true + error.unsqueeze(1) * (2 * torch.rand(true.shape, generator=draw) - 1)
    for scores in (wrong, worst):
        found = ranked(scores, magnitude).shortlist(per_round, error * (1 + 1e-5))
        assert int(found.atoms.min()) >= 0
        assert int(found.atoms.max()) < atoms
        named = torch.zeros(true.shape, dtype=torch.bool).scatter_(1, found.atoms, True)
        settled = torch.ones(300, dtype=torch.bool)
        settled[found.unsettled] = False
        assert bool(named.gather(1, best)[settled].all())
        assert int(settled.sum()) > 150
        clear = torch.ones(300, dtype=torch.bool)
        clear[found.close] = False
        first = found.atoms[:, :per_round].sort(dim=1).values
        assert torch.equal(first[clear], best.sort(dim=1).values[clear])
        assert int(clear.sum()) > 50
        assert bool(settled[clear].all())


def test_changed_scores_are_ranked_anew_once_they_are_noted() -> None:
    scores = torch.zeros(4, 1600)
    scores[:, 7] = 1
    ranking = ranked(scores)
    assert ranking.shortlist(1, torch.zeros(4)).atoms[:, 0].tolist() == [7] * 4
    ranking.scores[:, 9] = 2
    ranking.note()
    assert ranking.shortlist(1, torch.zeros(4)).atoms[:, 0].tolist() == [9] * 4


@pytest.mark.parametrize("atoms", [50, 1500])
def test_equal_scores_and_such_that_are_no_numbers_are_left_to_the_caller(atoms: int) -> None:
    scores = torch.zeros(3, atoms)
    scores[2] = torch.nan
    assert ranked(scores).shortlist(2, torch.zeros(3)).unsettled.tolist() == [0, 1, 2]
    assert ranked(scores, magnitude=True).shortlist(2, torch.zeros(3)).unsettled.tolist() == [0, 1, 2]
