"""Planted phenotypes: how well does the best single feature of each dictionary tell cells apart on another plate?

    python benchmarks/quality/planted.py [--quick | --full] [--json FILE]

Dictionaries are trained on one simulated plate, whitened on its control wells. For every phenotype the one feature in
one channel with the best AUROC per cell is chosen on that plate, and scored on a second plate with other cells, layout,
brightness, focus and illumination. All learners get the same tokens, steps and number of nonzeros; each autoencoder
the better of two learning rates by held-out loss.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.sparse import csr_array
from table import Cell, add_options, finish

from napari_lexicon.backbones import load_backbone
from napari_lexicon.backbones.builtin import load_random
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.token_source import ArrayTokens
from napari_lexicon.dictionaries.train import TrainResult, train_dictionary
from napari_lexicon.dictionaries.train_settings import TrainSettings
from napari_lexicon.dictionaries.whitening import Whitening, WhiteningAccumulator
from plates import PHENOTYPES, PlateTokens, column_auroc, plate_tokens

CACHE = Path(tempfile.gettempdir()) / "napari-lexicon-benchmark"
CHOSEN_ON, SCORED_ON = 11, 22
"""Seeds of the two plates."""
RATES = (1e-3, 4e-3)


@dataclass(frozen=True)
class Contender:
    """A way to make features: settings of the training, form and cut of the whitening, backbone."""

    name: str
    changes: dict[str, Any] = field(default_factory=dict)
    form: str = "pca"
    components: int | None = None
    backbone: str = "built-in"


CONTENDERS = (
    Contender("icfl"),
    Contender("icfl, refit", {"refit": True}),
    Contender("topk", {"algorithm": "topk"}),
    Contender("batch-topk", {"algorithm": "batch-topk"}),
    Contender("relu-l1", {"algorithm": "relu-l1"}),
    Contender("matryoshka", {"algorithm": "matryoshka"}),
    Contender("mp-sae", {"algorithm": "mp-sae"}),
    Contender("pca", {"algorithm": "pca"}),
    Contender("ica", {"algorithm": "ica"}),
    Contender("kmeans", {"algorithm": "kmeans"}),
    Contender("icfl, not whitened", form="none"),
    Contender("topk, not whitened", {"algorithm": "topk"}, form="none"),
    Contender("icfl, random backbone", backbone="random"),
)


def settings_for(contender: Contender, steps: int, seed: int, rate: float = 2e-3, **sizes: int) -> TrainSettings:
    """Sixteen nonzeros of 1024 features, if the contender does not say otherwise."""
    values = {
        "features": 1024, "iterations": 8, "per_iteration": 2, "steps": steps, "batch": 512, "warmup": 20,
        "learning_rate": rate, "seed": seed, "evaluate_every": steps, "checkpoint_every": steps,
        "validation_tokens": 5000, "auxiliary_window": 50_000,
    }  # fmt: skip
    return TrainSettings.from_json({**TrainSettings().to_json(), **values, **sizes, **contender.changes})


def whitening_of(plate: PlateTokens, form: str, components: int | None) -> Whitening:
    """Fitted on the control wells."""
    sums = WhiteningAccumulator(plate.tokens.shape[-1])
    for part in torch.split(plate.flat(plate.control), 65_536):
        sums.update(part.float())
    return sums.fit(form, components=components)


def trained(plate: PlateTokens, contender: Contender, settings: TrainSettings) -> TrainResult:
    """A dictionary over the tokens of a plate; whole fields are held out."""
    source = ArrayTokens(plate.flat(), plate.groups())
    return train_dictionary(settings, source, whitening_of(plate, contender.form, contender.components))


def best_rate(plate: PlateTokens, contender: Contender, steps: int) -> float:
    """The learning rate with the lowest held-out loss."""
    losses = {r: trained(plate, contender, settings_for(contender, steps, 0, r)).metrics["loss"] for r in RATES}
    return min(losses, key=losses.__getitem__)


def cell_features(plate: PlateTokens, dictionary: Dictionary) -> npt.NDArray[np.float32]:
    """``(cells, C * M)`` mean over the patches of a cell of each feature's positive part, channel by channel."""
    features, rows = dictionary.n_features, []
    for tokens, weights in zip(plate.tokens, plate.weights, strict=True):
        inside = np.flatnonzero(weights.sum(axis=0) > 0)  # patches outside all cells are not asked for
        weights, tokens = weights[:, inside], tokens[:, torch.from_numpy(inside)]
        channels, patches, dim = tokens.shape
        codes = dictionary.encode(tokens.reshape(-1, dim).float()).merged()
        values = codes.values.clamp_min(0).reshape(-1).numpy()
        starts = np.arange(0, len(values) + 1, codes.indices.shape[1])
        sparse = csr_array((values, codes.indices.reshape(-1).numpy(), starts), shape=(channels * patches, features))
        parts = [(weights @ sparse[c * patches : (c + 1) * patches]).toarray() for c in range(channels)]
        rows.append(np.concatenate(parts, axis=1, dtype=np.float32))
    return np.concatenate(rows)


def planted_scores(
    chosen_on: PlateTokens, scored_on: PlateTokens, features: tuple[npt.NDArray[Any], npt.NDArray[Any]]
) -> dict[str, float]:
    """For every phenotype the AUROC on the second plate of the feature that is best on the first."""
    scores = {}
    for phenotype in PHENOTYPES:
        (use, shows), (use_then, shows_then) = chosen_on.question(phenotype), scored_on.question(phenotype)
        if shows.sum() < 5 or shows_then.sum() < 5:
            continue
        best = int(np.argmax(column_auroc(features[0][use], shows)))
        scores[phenotype] = float(column_auroc(features[1][use_then][:, [best]], shows_then)[0])
    return scores


def two_plates(which: str, seed: int, quick: bool) -> tuple[PlateTokens, PlateTokens]:
    """Tokens of both plates by the built-in backbone, or by its architecture at random."""
    backbone = load_random(seed=seed) if which == "random" else load_backbone("builtin", device="cpu")
    name = f"random{seed}" if which == "random" else "builtin"
    per, controls = (1, 4) if quick else (2, 8)
    first, second = (plate_tokens(backbone, name, plate, CACHE, per, controls) for plate in (CHOSEN_ON, SCORED_ON))
    return first, second


def main() -> None:
    """Run, print the table, write the rows."""
    parser = add_options(argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter))
    parser.add_argument("--only", action="append", choices=[c.name for c in CONTENDERS], help="contenders to run")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    steps, seeds = (40, 1) if options.quick else (3000, 5) if options.full else (150, 3)
    cells: list[Cell] = []
    by_name = {contender.name: contender for contender in CONTENDERS}
    for contender in [by_name[name] for name in options.only or by_name]:
        start = time.perf_counter()
        plates = two_plates(contender.backbone, 0, options.quick)
        algorithm = contender.changes.get("algorithm", "icfl")
        tuned = algorithm in ("topk", "batch-topk", "relu-l1", "matryoshka") and not options.quick
        rate = best_rate(plates[0], contender, steps) if tuned else 2e-3
        found: list[dict[str, float]] = []
        for seed in range(seeds):
            if contender.backbone == "random" and options.full:
                plates = two_plates("random", seed, options.quick)
            result = trained(plates[0], contender, settings_for(contender, steps, seed, rate))
            features = tuple(cell_features(plate, result.dictionary) for plate in plates)
            scores = planted_scores(*plates, (features[0], features[1]))
            found.append({**scores, "mean of all": float(np.mean(list(scores.values()))),
                          "cosine": result.metrics["cosine"], "L0": result.metrics["l0"]})  # fmt: skip
        for task in found[0]:
            values = np.array([one[task] for one in found])
            cells.append(Cell(task, contender.name, task if task in ("cosine", "L0") else "AUROC", values))
        shown = ", ".join(f"{cell.task} {cell.text()}" for cell in cells if cell.contender == contender.name)
        print(f"{contender.name}: rate {rate}; {shown}; {time.perf_counter() - start:.0f} s", flush=True)
    finish(cells, options, ours="icfl", skip=("L0",))


if __name__ == "__main__":
    main()
