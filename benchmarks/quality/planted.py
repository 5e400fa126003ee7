"""Planted phenotypes: how well does the best single feature of each dictionary tell cells apart on another plate?

    python benchmarks/quality/planted.py [--quick | --full] [--json FILE]

Dictionaries are trained on one simulated plate, whitened on its control wells. For every phenotype the one feature in
one channel with the best AUROC per cell is chosen on one plate, and scored on another with other cells, layout,
brightness, focus and illumination; both ways round. Two readings of a feature are scored: its sparse code, and how far
a token lies along its direction. All learners get the same tokens, steps and number of nonzeros; each autoencoder the
better of two learning rates by held-out loss.
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
from table import Cell, add_options, finish, write

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
READINGS = ("code", "direction")


@dataclass(frozen=True)
class Contender:
    """A way to make features: settings of the training, form and cut of the whitening, backbone and its layer."""

    name: str
    changes: dict[str, Any] = field(default_factory=dict)
    form: str = "pca"
    components: int | None = None
    backbone: str = "built-in"
    layer: int | None = None


SMALL = {"features": 256, "iterations": 4}
ALGORITHMS = (
    "icfl", "icfl-anchored", "topk", "batch-topk", "relu-l1", "matryoshka", "mp-sae", "pca", "ica", "kmeans"
)  # fmt: skip
TUNED = ("topk", "batch-topk", "relu-l1", "matryoshka")
"""Autoencoders: each takes the better of `RATES`."""
OF_256 = tuple(
    Contender(f"{name}, {cut or 'all'} directions", {"algorithm": name, **SMALL}, components=cut)
    for cut in (48, None)
    for name in ALGORITHMS
)
"""256 features and 8 nonzeros by every algorithm, as the built-in dictionary has; whitened on 48 or all directions."""
CONTENDERS = (
    *OF_256,
    Contender("icfl, 48 directions, refit", {**SMALL, "refit": True}, components=48),
    Contender("icfl, 48 directions, 1024 features", components=48),
    Contender("topk, 48 directions, 1024 features", {"algorithm": "topk"}, components=48),
    Contender("icfl, not whitened", SMALL, form="none"),
    Contender("topk, not whitened", {"algorithm": "topk", **SMALL}, form="none"),
    *(Contender(f"icfl, 48 directions, layer {n}", SMALL, components=48, layer=n) for n in (0, 2, 5)),
    Contender("icfl, 48 directions, random backbone", SMALL, components=48, backbone="random"),
)


def settings_for(contender: Contender, steps: int, seed: int, rate: float = 2e-3, **sizes: int) -> TrainSettings:
    """Of 1024 features, 16 nonzeros, if the contender does not say otherwise."""
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


def cell_features(plate: PlateTokens, dictionary: Dictionary) -> dict[str, npt.NDArray[np.float32]]:
    """``(cells, C * M)`` mean over the patches of a cell, channel by channel, of two readings of each feature.

    ``code``: the positive part of the sparse code. ``direction``: how far the whitened token lies along the atom, in
    standard deviations of control tokens, whether or not the encoder picked it.
    """
    features = dictionary.n_features
    rows: dict[str, list[npt.NDArray[np.float32]]] = {reading: [] for reading in READINGS}
    for tokens, weights in zip(plate.tokens, plate.weights, strict=True):
        inside = np.flatnonzero(weights.sum(axis=0) > 0)  # patches outside all cells are not asked for
        weights, tokens = weights[:, inside], tokens[:, torch.from_numpy(inside)]
        channels, patches, dim = tokens.shape
        raw = tokens.reshape(-1, dim).float()
        codes = dictionary.encode(raw).merged()
        values = codes.values.clamp_min(0).reshape(-1).numpy()
        starts = np.arange(0, len(values) + 1, codes.indices.shape[1])
        sparse = csr_array((values, codes.indices.reshape(-1).numpy(), starts), shape=(channels * patches, features))
        whitened = dictionary.whitening.whiten(raw).numpy()
        own = [slice(c * patches, (c + 1) * patches) for c in range(channels)]
        rows["code"].append(np.concatenate([(weights @ sparse[c]).toarray() for c in own], axis=1, dtype=np.float32))
        along = [(weights @ whitened[c]) @ dictionary.atoms.numpy().T for c in own]
        rows["direction"].append(np.concatenate(along, axis=1, dtype=np.float32))
    return {reading: np.concatenate(found) for reading, found in rows.items()}


Features = dict[str, npt.NDArray[np.float32]]


def planted_scores(
    plates: tuple[PlateTokens, PlateTokens], features: tuple[Features, Features], reading: str
) -> dict[str, float]:
    """For every phenotype the AUROC of the feature that is best on the other plate; mean over both ways round."""
    scores: dict[str, list[float]] = {}
    for chosen, scored in ((0, 1), (1, 0)):
        for phenotype in PHENOTYPES:
            use, shows = plates[chosen].question(phenotype)
            use_then, shows_then = plates[scored].question(phenotype)
            if shows.sum() < 5 or shows_then.sum() < 5:
                continue
            best = int(np.argmax(column_auroc(features[chosen][reading][use], shows)))
            auroc = column_auroc(features[scored][reading][use_then][:, [best]], shows_then)[0]
            scores.setdefault(phenotype, []).append(float(auroc))
    return {phenotype: float(np.mean(both)) for phenotype, both in scores.items()}


def two_plates(which: str, seed: int, quick: bool, layer: int | None = None) -> tuple[PlateTokens, PlateTokens]:
    """Tokens of both plates by the built-in backbone and one of its layers, or by its architecture at random."""
    backbone = load_random(seed=seed) if which == "random" else load_backbone("builtin", layer=layer, device="cpu")
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
    steps, seeds = (40, 1) if options.quick else (3000, 5) if options.full else (400, 3)
    cells: list[Cell] = []
    by_name = {contender.name: contender for contender in CONTENDERS}
    for contender in [by_name[name] for name in options.only or by_name]:
        start = time.perf_counter()
        plates = two_plates(contender.backbone, 0, options.quick, contender.layer)
        tuned = contender.changes.get("algorithm") in TUNED and not options.quick
        rate = best_rate(plates[0], contender, steps) if tuned else 2e-3
        found: list[dict[str, float]] = []
        for seed in range(seeds):
            if contender.backbone == "random" and options.full:
                plates = two_plates("random", seed, options.quick)
            result = trained(plates[0], contender, settings_for(contender, steps, seed, rate))
            features = (cell_features(plates[0], result.dictionary), cell_features(plates[1], result.dictionary))
            scores: dict[str, float] = {"cosine": result.metrics["cosine"], "L0": result.metrics["l0"]}
            for reading in READINGS:
                by_phenotype = planted_scores(plates, features, reading)
                scores |= {f"{name}, {reading}": value for name, value in by_phenotype.items()}
                scores[f"mean of all, {reading}"] = float(np.mean(list(by_phenotype.values())))
            found.append(scores)
        for task in found[0]:
            values = np.array([one[task] for one in found])
            cells.append(Cell(task, contender.name, task if task in ("cosine", "L0") else "AUROC", values))
        shown = ", ".join(f"{cell.task} {cell.text()}" for cell in cells if cell.contender == contender.name)
        print(f"{contender.name}: rate {rate}; {shown}; {time.perf_counter() - start:.0f} s", flush=True)
        write(cells, options, ours="icfl, 48 directions", skip=("L0",))
    finish(cells, options, ours="icfl, 48 directions", skip=("L0",))


if __name__ == "__main__":
    main()
