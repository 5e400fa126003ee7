"""Counting active patches by another definition, against a dense count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_lexicon.analysis.active import active_counts, active_statistics, threshold_of
from napari_lexicon.errors import LexiconError
from napari_lexicon.lexicons import FieldCodes, Lexicon

M = 12


@pytest.mark.parametrize("level", [0.0, 0.3, None])
def test_counts_are_those_of_dense_codes(level: float | None) -> None:
    rng = np.random.default_rng(0)
    indices = rng.integers(0, M, (2, 5, 6, 4))  # features stand twice in some tokens
    values = rng.normal(0.2, 0.4, indices.shape).astype(np.float16)
    dense = np.zeros((2, 30, M))
    for g, t, k in np.ndindex(2, 30, 4):
        dense[g, t, indices[g].reshape(30, 4)[t, k]] += float(values[g].reshape(30, 4)[t, k])
    expected = ((dense != 0) if level is None else (dense > level)).sum(axis=1)
    np.testing.assert_array_equal(active_counts(FieldCodes(indices, values, (0, 1)), M, level), expected)


def test_the_usual_definition_counts_as_the_lexicon_does_and_a_higher_one_less(applied: Path) -> None:
    lexicon = Lexicon.open(applied)
    kept = lexicon.only_plate().statistics().active
    np.testing.assert_array_equal(active_statistics(lexicon, "positive")[0].statistics.active, kept)
    higher = active_statistics(lexicon, "0.3")[0].statistics.active
    assert (higher <= kept).all() and 0 < higher.sum() < kept.sum()
    assert (active_statistics(lexicon, "nonzero")[0].statistics.active >= kept).all()


@pytest.mark.parametrize("wrong", ["often", "-1", "nan"])
def test_a_definition_that_cannot_be_understood_is_a_sentence(wrong: str) -> None:
    with pytest.raises(LexiconError, match="correct --active"):
        threshold_of(wrong)
