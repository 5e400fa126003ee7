"""Enrichment of names among called features, against Fisher's test and against features that go together."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from tests.analysis.wells import wells_of

from napari_lexicon.analysis.enrichment import enrichment, treatment_enrichment
from napari_lexicon.errors import LexiconError

CONTROLS = "Metadata_x == 'DMSO'"


def test_enrichment_is_that_of_fisher() -> None:
    found = enrichment(np.arange(20), {"mito": np.arange(15, 30), "rest": np.arange(50, 90)}, 100).set_index("group")
    exact = stats.fisher_exact([[5, 15], [10, 70]], alternative="greater").pvalue
    assert found.loc["mito", "p"] == pytest.approx(exact)
    assert found.loc["mito", "fold"] == pytest.approx(5 / 3)
    assert found.loc["rest", "p"] == 1.0


def test_a_planted_tag_is_found_and_others_are_not() -> None:
    shift = np.zeros((24, 200))
    shift[16:, :20] = 2.0
    table = wells_of(["DMSO"] * 16 + ["drug"] * 8, features=200, shift=shift)
    groups = {"tag: mito": np.arange(15), "tag: other": np.arange(100, 120)}
    found = treatment_enrichment(table, groups, "x", controls=CONTROLS, shuffles=200).set_index("group")
    assert found.loc["tag: mito", "q"] < 0.02 and found.loc["tag: mito", "fold"] > 5
    assert found.loc["tag: other", "p"] > 0.2
    assert (found["n_wells"] == 8).all() and (found["n_controls"] == 16).all()


def test_features_that_go_together_are_not_taken_for_independent() -> None:
    """Eight copies of one feature carry a tag. Where the one is called all are, and that is one finding, not eight."""
    alarms = {"p": 0, "p_independent": 0}
    for seed in range(40):
        shift = np.zeros((18, 80))
        shift[12:, 20:40] = 2.0
        table = wells_of(["DMSO"] * 12 + ["drug"] * 6, features=80, seed=seed, shift=shift)
        table.fires[:, 1:8] = table.fires[:, :1]
        groups = {"tag: copies": np.arange(8)}
        found = treatment_enrichment(table, groups, "x", controls=CONTROLS, fdr=0.6, shuffles=60, seed=seed)
        for name in alarms:
            alarms[name] += int((found[name] <= 0.05).any())
    assert alarms["p"] <= 4 < alarms["p_independent"]


def test_no_names_is_a_sentence() -> None:
    with pytest.raises(LexiconError, match="has a name or a tag"):
        treatment_enrichment(wells_of(["DMSO"] * 4 + ["a"] * 4), {}, "x", controls=CONTROLS)
