"""Robust z, median and coefficient of variation of wells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import median_abs_deviation, variation

from napari_lexicon.analysis.wells import over_fields, robust_z


def test_robust_z_is_that_of_scipy():
    rng = np.random.default_rng(0)
    values = pd.Series(rng.normal(3, 2, 20), index=[f"W{n}" for n in range(20)])
    controls = list(values.index[:7])
    known = values[controls]
    expected = (values - known.median()) / median_abs_deviation(known, scale="normal")
    np.testing.assert_allclose(robust_z(values, controls), expected, rtol=1e-4)


def test_too_few_controls_or_equal_ones_give_no_number():
    values = pd.Series([1.0, 1.0, 1.0, 5.0], index=list("abcd"))
    assert robust_z(values, ["a", "d"]).isna().all()
    assert robust_z(values, ["a", "b", "c"]).isna().all()


def test_median_and_cv_over_the_fields_of_a_well():
    means = pd.DataFrame({"well": ["A", "A", "A", "B"], "mean": [1.0, 2.0, 6.0, 4.0]})
    assert over_fields(means, "median").to_dict() == {"A": 2.0, "B": 4.0}
    cv = over_fields(means, "cv")
    assert cv["A"] == pytest.approx(variation([1.0, 2.0, 6.0], ddof=1))
    assert np.isnan(cv["B"])
