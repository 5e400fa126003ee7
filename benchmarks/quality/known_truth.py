"""Are planted atoms found? ICFL and its rivals at equal sparsity, over worlds whose truth is known.

python benchmarks/quality/known_truth.py [--quick | --full] [--json FILE]
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from table import Cell, add_options, finish, write
from worlds import BASE, WORLDS, World, WorldSettings, make_world

from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.token_source import ArrayTokens
from napari_lexicon.dictionaries.train import train_dictionary
from napari_lexicon.dictionaries.train_settings import TrainSettings
from napari_lexicon.dictionaries.whitening import Whitening, WhiteningAccumulator

RATES = (3e-3, 1e-2, 3e-2)
"""Learning rates that every learner chooses from in every world, by its held-out loss."""
FOUND_AT_ONCE = ("ica", "kmeans")
TESTED = 4000
"""Tokens on which supports are compared."""


@dataclass(frozen=True)
class Contender:
    """An algorithm with settings of its own; variants take part in the base world only."""

    name: str
    changes: dict[str, Any]
    variant: bool = False


CONTENDERS = (
    Contender("icfl", {"algorithm": "icfl"}),
    Contender("icfl-anchored", {"algorithm": "icfl-anchored"}),
    Contender("icfl from the sphere", {"algorithm": "icfl", "initialisation": "sphere"}, variant=True),
    Contender("icfl, refit", {"algorithm": "icfl", "refit": True}, variant=True),
    Contender("topk", {"algorithm": "topk"}),
    Contender("batch-topk", {"algorithm": "batch-topk"}),
    Contender("relu-l1", {"algorithm": "relu-l1"}),
    Contender("matryoshka", {"algorithm": "matryoshka"}),
    Contender("mp-sae", {"algorithm": "mp-sae"}),
    Contender("ica", {"algorithm": "ica"}, variant=True),
    Contender("kmeans", {"algorithm": "kmeans"}),
)


def settings_for(world: WorldSettings, contender: Contender, steps: int, seed: int, rate: float) -> TrainSettings:
    """Twice as many features as there are atoms, as many nonzeros as are mixed."""
    values = {
        "features": 2 * world.atoms, "iterations": world.active, "per_iteration": 1, "steps": steps, "batch": 1024,
        "learning_rate": rate, "seed": seed, "evaluate_every": steps, "auxiliary_window": 50_000,
    }  # fmt: skip
    return TrainSettings.from_json({**TrainSettings().to_json(), **values, **contender.changes})


def scores(world: World, dictionary: Dictionary, figures: dict[str, Any]) -> dict[str, float]:
    """Atoms found, matched F1 of supports, dead features, cosine of the reconstruction."""
    truth = F.normalize(world.atoms @ dictionary.whitening.matrix.T, dim=1)
    cosines = truth @ dictionary.atoms.T
    rows, columns = linear_sum_assignment(cosines.numpy(), maximize=True)
    partner = torch.full((dictionary.n_features,), -1)
    partner[torch.from_numpy(columns)] = torch.from_numpy(rows)
    codes = dictionary.encode(world.tokens[:TESTED]).merged()
    said = torch.zeros(TESTED, len(truth) + 1, dtype=torch.bool)
    said.scatter_(1, torch.where(codes.values > 0, partner[codes.indices], -1) % (len(truth) + 1), True)
    actual = torch.zeros_like(said).scatter_(1, world.support[:TESTED], True)
    both = float((said & actual)[:, :-1].sum())
    return {
        "found": float((cosines.amax(dim=1) > 0.9).float().mean()),
        "F1": 2 * both / float((codes.values > 0).sum() + world.support[:TESTED].numel()),
        "dead": figures["dead_held_out"],
        "cosine": figures["cosine"],
        "L0": figures["l0"],
    }


def whitening_of(world: World) -> Whitening:
    """PCA whitening on all tokens: this world has no controls."""
    sums = WhiteningAccumulator(world.tokens.shape[1])
    sums.update(world.tokens)
    return sums.fit()


def best_rate(about: WorldSettings, contender: Contender, steps: int) -> float:
    """The learning rate with the lowest held-out loss in such a world, drawn with another seed."""
    world = make_world(about, seed=1000)
    whitening, losses = whitening_of(world), {}
    for rate in RATES:
        settings = settings_for(about, contender, steps, 0, rate)
        losses[rate] = train_dictionary(settings, ArrayTokens(world.tokens), whitening).metrics["loss"]
    return min(losses, key=losses.__getitem__)


def main() -> None:
    """Run, print the table, write the rows."""
    parser = add_options(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("--only", action="append", help="contenders to run")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    worlds = WORLDS[:1] if options.quick else WORLDS
    steps, seeds = (250, 3) if options.quick else (2000, 5) if options.full else (250, 3)
    contenders = [c for c in CONTENDERS if not options.only or c.name in options.only]
    tuned = () if options.quick else [c for c in contenders if c.changes["algorithm"] not in FOUND_AT_ONCE]
    cells: list[Cell] = []
    for about in worlds:
        for contender in contenders:
            if contender.variant and about is not BASE and not options.full:
                continue
            rate = best_rate(about, contender, steps) if contender in tuned else 3e-3
            found: list[dict[str, float]] = []
            start = time.perf_counter()
            for seed in range(seeds):
                world = make_world(about, seed)
                settings = settings_for(about, contender, steps, seed, rate)
                result = train_dictionary(settings, ArrayTokens(world.tokens), whitening_of(world))
                found.append(scores(world, result.dictionary, result.metrics))
            for metric in found[0]:
                values = np.array([one[metric] for one in found])
                cells.append(Cell(about.name, contender.name, metric, values))
            print(about.name, contender.name, rate, {k: round(v, 3) for k, v in found[0].items()},
                  f"{(time.perf_counter() - start) / seeds:.0f} s a run", flush=True)  # fmt: skip
            write(cells, options, ours="icfl", lower_is_better=("dead",), skip=("L0",))
    finish(cells, options, ours="icfl", lower_is_better=("dead",), skip=("L0",))


if __name__ == "__main__":
    main()
