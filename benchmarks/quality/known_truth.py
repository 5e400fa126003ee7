"""Are planted atoms found? ICFL and its rivals at equal sparsity, over worlds whose truth is known.

    python benchmarks/quality/known_truth.py [--quick | --full] [--json FILE]

Every learner is tuned in every world: its first seed runs at each of three rates, the one that rebuilds held-out
tokens best is kept and serves the other seeds as well; the truth is not asked. Each of ``--threads`` processes works
on a world and a learner at a time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment
from table import Cell, add_options, finish, write
from worlds import BASE, WORLDS, World, WorldSettings, make_world

from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.token_source import ArrayTokens
from napari_lexicon.dictionaries.train import TrainResult, train_dictionary
from napari_lexicon.dictionaries.train_settings import TrainSettings
from napari_lexicon.dictionaries.whitening import Whitening, WhiteningAccumulator

RATES = (1e-2, 3e-2, 1e-1)
"""Learning rates that every learner chooses from in every world, by its held-out loss."""
QUICK_RATE = 1e-2
FOUND_AT_ONCE = ("ica", "kmeans")
TESTED = 4000
"""Tokens on which supports are compared."""
Outcome = tuple[float, list[dict[str, float]], float]
"""Rate, scores of every seed, seconds of the processor."""


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


@lru_cache(maxsize=8)
def seen(about: WorldSettings, seed: int) -> tuple[World, Whitening]:
    """A world and its whitening, made once for all learners of a process."""
    world = make_world(about, seed)
    return world, whitening_of(world)


def outcome(about: WorldSettings, contender: Contender, steps: int, seeds: int, rates: Sequence[float]) -> Outcome:
    """One learner in one world."""
    torch.set_num_threads(1)
    started = time.process_time()
    tried = {rate: learnt(about, contender, steps, 0, rate) for rate in rates}
    rate = min(tried, key=lambda rate: tried[rate].metrics["loss"])
    runs = [tried[rate], *(learnt(about, contender, steps, seed, rate) for seed in range(1, seeds))]
    found = [scores(seen(about, seed)[0], run.dictionary, run.metrics) for seed, run in enumerate(runs)]
    return rate, found, time.process_time() - started


def learnt(about: WorldSettings, contender: Contender, steps: int, seed: int, rate: float) -> TrainResult:
    """One run of one learner."""
    world, whitening = seen(about, seed)
    return train_dictionary(settings_for(about, contender, steps, seed, rate), ArrayTokens(world.tokens), whitening)


def main() -> None:
    """Run, print the table, write the rows."""
    parser = add_options(argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter))
    parser.add_argument("--only", action="append", help="contenders to run")
    options = parser.parse_args()
    steps, seeds = (2000, 5) if options.full else (250, 3)
    jobs = [
        (about, contender)
        for about in (WORLDS[:1] if options.quick else WORLDS)
        for contender in CONTENDERS
        if (not options.only or contender.name in options.only)
        and (not contender.variant or about is BASE or options.full)
    ]
    cells: list[Cell] = []
    began, busy = time.perf_counter(), 0.0
    with ProcessPoolExecutor(options.threads, get_context("spawn")) as pool:
        waiting = []
        for about, contender in jobs:
            tuned = not options.quick and contender.changes["algorithm"] not in FOUND_AT_ONCE
            rates = RATES if tuned else (QUICK_RATE,)
            waiting.append(pool.submit(outcome, about, contender, steps, seeds, rates))
        for (about, contender), one in zip(jobs, waiting, strict=True):
            rate, found, seconds = one.result()
            busy += seconds
            cells += [
                Cell(about.name, contender.name, metric, np.array([each[metric] for each in found]))
                for metric in found[0]
            ]
            print(about.name, contender.name, rate, {k: round(v, 3) for k, v in found[0].items()},
                  f"{seconds:.0f} s of a processor", flush=True)  # fmt: skip
            write(cells, options, ours="icfl", lower_is_better=("dead",), skip=("L0",))
    print(f"{time.perf_counter() - began:.0f} s, {busy:.0f} s of a processor")
    finish(cells, options, ours="icfl", lower_is_better=("dead",), skip=("L0",))


if __name__ == "__main__":
    main()
