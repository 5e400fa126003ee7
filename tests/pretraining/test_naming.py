"""Names are given where the figures allow it, and with a question mark where they leave a doubt."""

from __future__ import annotations

import numpy as np
from scripts.pretraining.naming import _auroc, names_by_patches
from scripts.pretraining.properties import PROPERTIES
from sklearn.metrics import roc_auc_score

NAMES = list(PROPERTIES)
NUCLEUS, BESIDE, FILAMENTS = (
    NAMES.index(name)
    for name in ("nucleus, in a nuclear stain", "beside nuclei, in a nuclear stain", "filaments in a cell")
)


def named(scores: dict[tuple[int, int], float], taught: dict[int, str]) -> dict[int, str]:
    auroc = np.full((len(NAMES), 6), 0.5, np.float32)
    for place, score in scores.items():
        auroc[place] = score
    usual = np.full(len(NAMES), 0.25, np.float32)
    return {evidence.feature: evidence.name for evidence in names_by_patches(auroc, usual, taught)}


def test_what_was_taught_is_named_sooner_and_with_a_doubt():
    taught = {4: NAMES[NUCLEUS], 5: NAMES[FILAMENTS]}
    assert named({(NUCLEUS, 4): 0.97, (FILAMENTS, 5): 0.97}, taught) == {4: NAMES[NUCLEUS], 5: f"{NAMES[FILAMENTS]}?"}
    assert named({(NUCLEUS, 4): 0.90, (FILAMENTS, 5): 0.84}, taught) == {4: f"{NAMES[NUCLEUS]}?"}


def test_of_others_the_best_is_named_and_only_where_nobody_was_taught_it():
    assert named({(BESIDE, 1): 0.96, (BESIDE, 2): 0.98}, {}) == {2: NAMES[BESIDE]}
    assert named({(BESIDE, 2): 0.94}, {}) == {}
    assert named({(NUCLEUS, 2): 0.99, (NUCLEUS, 4): 0.60}, {4: NAMES[NUCLEUS]}) == {}


def test_a_note_has_the_figure_and_how_usual_the_property_is():
    auroc = np.full((len(NAMES), 2), 0.5, np.float32)
    auroc[NUCLEUS, 0] = 0.964
    (evidence,) = names_by_patches(auroc, np.full(len(NAMES), 0.07, np.float32), {0: NAMES[NUCLEUS]})
    assert evidence.sentence.startswith("Taught on simulated cells: ")
    assert "AUROC of 0.96; 7% of the patches" in evidence.sentence


def test_auroc_of_every_column_is_scikit_learns():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 6, (300, 3)).astype(np.float32)  # ties
    truth = rng.random(300) < 0.3
    values[:, 1] += truth
    expected = [roc_auc_score(truth, column) for column in values.T]
    np.testing.assert_allclose(_auroc(values, truth), expected, atol=1e-6)
    assert not _auroc(values, np.ones(300, bool)).any()
