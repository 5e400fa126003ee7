"""Corrections for many tests, and shares that factors explain, against statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.api import OLS, add_constant
from statsmodels.stats.multitest import multipletests
from tests.analysis.wells import wells_of

from napari_lexicon.analysis.confounds import confounds
from napari_lexicon.analysis.false_discovery import benjamini_hochberg


@pytest.mark.parametrize("n", [1, 7, 300])
def test_benjamini_and_hochberg_are_those_of_statsmodels(n: int) -> None:
    p = np.random.default_rng(n).random(n) ** 2
    np.testing.assert_allclose(benjamini_hochberg(p), multipletests(p, method="fdr_bh")[1])


def test_what_the_edge_adds_beyond_treatment_is_the_partial_f_test_of_statsmodels() -> None:
    rng = np.random.default_rng(1)
    table = wells_of(rng.permutation(["DMSO"] * 16 + ["a", "b"] * 16).tolist(), features=12)
    found = confounds(table, "x", nuisances=["edge"]).table.set_index("feature")
    labels = table.labels("x").to_numpy()
    treatment = np.stack([labels == "a", labels == "b"], axis=1).astype(float)
    edge = table.wells["edge"].to_numpy(dtype=float)[:, None]
    for feature in range(12):
        ranks = stats.rankdata(table.fires[:, feature])
        large = OLS(ranks, add_constant(np.hstack([edge, treatment]))).fit()
        small = OLS(ranks, add_constant(treatment)).fit()
        assert found.loc[feature, "p"] == pytest.approx(large.compare_f_test(small)[1], rel=1e-6)
        only = OLS(ranks, add_constant(edge)).fit()
        assert found.loc[feature, "explained"] == pytest.approx(max(0.0, only.rsquared_adj), abs=1e-9)
