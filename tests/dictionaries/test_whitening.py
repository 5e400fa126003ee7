from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_lexicon.dictionaries.whitening import WhiteningAccumulator
from napari_lexicon.errors import DictionaryError


def correlated(count: int, dim: int, seed: int = 0, mean: float = 0.0) -> torch.Tensor:
    draw = torch.Generator().manual_seed(seed)
    mixing = torch.randn(dim, dim, generator=draw, dtype=torch.float64)
    return torch.randn(count, dim, generator=draw, dtype=torch.float64) @ mixing + mean


def gathered(*chunks: torch.Tensor) -> WhiteningAccumulator:
    sums = WhiteningAccumulator(chunks[0].shape[1])
    for chunk in chunks:
        sums.update(chunk)
    return sums


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_chunks_of_any_size_in_any_order_give_the_same_statistics(sizes: list[int], random) -> None:
    tokens = correlated(sum(sizes), 6, mean=1e3)
    whole = gathered(tokens)
    chunks = list(torch.split(tokens, sizes))
    random.shuffle(chunks)
    parts = gathered(*chunks)
    assert torch.allclose(parts.mean, whole.mean, rtol=0, atol=1e-10)
    assert torch.allclose(parts.covariance, whole.covariance, rtol=1e-10, atol=1e-10)


def test_merged_statistics_of_workers_equal_one_pass() -> None:
    tokens = correlated(900, 8, mean=50)
    workers = [gathered(part) for part in torch.split(tokens, 123)]
    merged = WhiteningAccumulator(8)
    for worker in reversed(workers):
        merged.merge(worker)
    whole = gathered(tokens)
    assert merged.count == 900
    assert torch.allclose(merged.covariance, whole.covariance, rtol=1e-10, atol=1e-10)
    assert torch.allclose(merged.fit().matrix, whole.fit().matrix, atol=1e-5)


@pytest.mark.parametrize("form", ["pca", "zca"])
def test_whitened_controls_have_zero_mean_and_unit_covariance(form: str) -> None:
    tokens = correlated(5000, 12, mean=7).float()
    white = gathered(tokens).fit(form, floor=0).whiten(tokens).double()
    assert torch.allclose(white.mean(0), torch.zeros(12, dtype=torch.float64), atol=1e-4)
    assert torch.allclose(white.T.cov(), torch.eye(12, dtype=torch.float64), atol=1e-3)


def test_covariance_is_right_where_the_mean_is_a_million_times_the_spread() -> None:
    tokens = correlated(4000, 5) + 1e6 * correlated(1, 5, seed=1)
    assert np.allclose(gathered(*torch.split(tokens, 7)).covariance, np.cov(tokens.numpy().T), rtol=1e-7)


@pytest.mark.parametrize("form", ["pca", "zca", "none"])
def test_unwhitening_undoes_whitening(form: str) -> None:
    tokens = correlated(500, 9, mean=3).float()
    whitening = gathered(tokens).fit(form)
    assert torch.allclose(whitening.unwhiten(whitening.whiten(tokens)), tokens, atol=1e-3)


def test_zca_stays_closest_to_the_tokens() -> None:
    tokens = correlated(2000, 6).float()
    sums = gathered(tokens)
    centred = tokens - tokens.mean(0)
    distances = {form: float((sums.fit(form, floor=0).whiten(tokens) - centred).norm()) for form in ("zca", "pca")}
    assert distances["zca"] < distances["pca"]


def test_variance_cut_keeps_the_fewest_directions_that_hold_it() -> None:
    spread = torch.tensor([10.0, 5.0, 1.0, 0.1, 0.01], dtype=torch.float64)
    draw = torch.Generator().manual_seed(0)
    tokens = torch.randn(20000, 5, generator=draw, dtype=torch.float64) * spread
    sums = gathered(tokens)
    assert sums.fit(variance=0.75).dim_whitened == 1
    assert sums.fit(variance=0.98).dim_whitened == 2
    assert sums.fit(variance=0.9999).dim_whitened == 4 - 1
    assert sums.fit(variance=1.0).dim_whitened == 5
    assert sums.fit(components=4).dim_whitened == 4


def test_the_floor_keeps_still_directions_from_being_blown_up() -> None:
    tokens = correlated(500, 4)
    tokens[:, 3] = 5.0
    whitening = gathered(tokens).fit(floor=1e-3)
    assert bool(torch.isfinite(whitening.matrix).all())
    shifted = tokens.clone()
    shifted[:, 3] += 1e-6
    assert float((whitening.whiten(shifted.float()) - whitening.whiten(tokens.float())).abs().max()) < 1e-3


def test_too_few_control_tokens_are_refused_with_the_number_needed() -> None:
    sums = gathered(correlated(100, 64))
    with pytest.raises(
        DictionaryError, match=r"64 directions needs at least 321 control tokens, and there are 100.*19"
    ):
        sums.fit()
    assert sums.fit(components=19).dim_whitened == 19


def test_so_few_control_tokens_that_no_component_is_left_are_not_told_to_keep_none() -> None:
    with pytest.raises(DictionaryError, match=r"321 control tokens, and there are 3: (?!.*components)"):
        gathered(correlated(3, 64)).fit()


@pytest.mark.parametrize("floor", [-0.1, float("nan"), float("inf")])
def test_a_floor_that_is_no_share_is_refused(floor: float) -> None:
    with pytest.raises(DictionaryError, match="floor"):
        gathered(correlated(100, 4)).fit(floor=floor)


def test_control_tokens_with_nan_are_refused() -> None:
    tokens = correlated(10, 3)
    tokens[4, 1] = torch.nan
    with pytest.raises(DictionaryError, match="NaN"):
        gathered(tokens)


def test_no_control_tokens_are_refused() -> None:
    with pytest.raises(DictionaryError, match="control"):
        WhiteningAccumulator(4).fit()


def test_prepared_tokens_have_unit_norm_and_the_control_mean_stays_zero() -> None:
    tokens = correlated(200, 5, mean=4).float()
    whitening = gathered(tokens).fit()
    unit, norms = whitening.prepared(torch.cat([tokens, whitening.mean.unsqueeze(0)]))
    assert torch.allclose(unit[:-1].norm(dim=1), torch.ones(200), atol=1e-5)
    assert float(unit[-1].norm()) == 0
    assert torch.allclose(
        unit * norms.unsqueeze(1), whitening.whiten(torch.cat([tokens, whitening.mean[None]])), atol=1e-4
    )
