"""How long a step of training takes on this computer: a few steps on random tokens, in a process of its own.

``python -m napari_lexicon.jobs.training_trial DIM`` prints one line of JSON. The pace does not depend on what the
tokens hold: every step of a pursuit makes the same products.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace

import numpy as np
import torch

from napari_lexicon.dictionaries.token_source import ArrayTokens
from napari_lexicon.dictionaries.train import train_dictionary
from napari_lexicon.dictionaries.train_settings import TrainSettings
from napari_lexicon.dictionaries.whitening import WhiteningAccumulator

STEPS, TOKENS = 6, 24_000
SIZES = ((256, 4, 2), (1024, 8, 2))
"""Features, rounds and picks a round that are tried: those of the presets."""


def step_seconds(dim: int) -> list[dict[str, float]]:
    """Pace of each of the sizes.

    Parameters
    ----------
    dim : int
        Length of a token.

    Returns
    -------
    list of dict
        ``features``, ``iterations``, ``per_iteration``, ``seconds`` of one step, and ``evaluation`` seconds.
    """
    rng = np.random.default_rng(0)
    tokens = rng.standard_normal((TOKENS, dim)).astype(np.float32)
    accumulator = WhiteningAccumulator(dim)
    accumulator.update(torch.from_numpy(tokens))
    whitening = accumulator.fit("pca")
    base = TrainSettings(
        algorithm="icfl-anchored",
        steps=STEPS,
        evaluate_every=STEPS,
        checkpoint_every=10 * STEPS,
        reset_every=0,
        validation_fraction=0.2,
    )
    found = []
    for features, iterations, per_iteration in SIZES:
        settings = replace(base, features=features, iterations=iterations, per_iteration=per_iteration)
        asked: list[float] = []

        def note(asked: list[float] = asked) -> bool:
            asked.append(time.perf_counter())
            return False

        train_dictionary(settings, ArrayTokens(tokens), whitening, should_stop=note)
        end = time.perf_counter()
        pace = float(np.median(np.diff(asked)[1:]))  # the first step warms up
        found.append(
            {
                "features": features,
                "iterations": iterations,
                "per_iteration": per_iteration,
                "seconds": pace,
                "evaluation": max(0.0, end - asked[-1] - pace),
            }
        )
    return found


if __name__ == "__main__":
    print(json.dumps(step_seconds(int(sys.argv[1]))))
