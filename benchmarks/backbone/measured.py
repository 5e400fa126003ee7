"""Do features that were taught what is measured in pixels follow it on images that nothing was learnt from?

    LEXICON_DATA=... python benchmarks/backbone/measured.py [--quick] [--json FILE]

For each measure (``scripts/pretraining/pixel_measures.py``) and set: of all lit patches the tenth with most of it, told
from the rest by the direction of the feature that was taught it (AUROC), and the correlation of the two. The features
were taught on simulated pictures; BBBC016, DSB 2018 and blood smears were left out of backbone and dictionary. Beside
it the one feature that was not taught and tells these patches best on simulated pictures, and the same architecture
with random weights, three seeds, whitened and taught likewise.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from planted import BUILTIN_DICTIONARY
from pretraining.dictionary_recipe import control_whitening
from pretraining.pixel_measures import MEASURED, measured_patches, much
from pretraining.taught import measured_directions
from pretraining.token_sample import SampleSettings, token_samples
from real import blood_count, data_folder, gfp_dose, nuclei_count
from scoring import auroc, column_auroc

from napari_lexicon.backbones import Backbone, field_tokens, load_backbone
from napari_lexicon.backbones.background import lit_patches
from napari_lexicon.backbones.builtin import load_random
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.file_format import load_dictionary
from napari_lexicon.dictionaries.whitening import Whitening

Array = npt.NDArray[np.float32]
SETS = {
    "BBBC016": ("bbbc016_transfluor_gfp", gfp_dose),
    "DSB 2018": ("dsb2018_fluorescence", nuclei_count),
    "blood smears": ("bccd_blood", blood_count),
}
UNSEEN = 950_000
"""Seed of the simulated pictures."""


@dataclass(frozen=True)
class Model:
    """Who looks, and the directions that were taught.

    Parameters
    ----------
    backbone : Backbone
    whitening : Whitening
    taught : torch.Tensor
        ``(measures, dim_w)`` in the order of ``MEASURED``.
    """

    backbone: Backbone
    whitening: Whitening
    taught: torch.Tensor


@dataclass(frozen=True, eq=False)
class Seen:
    """Lit patches of some images.

    Parameters
    ----------
    along : list of (N, measures) float32
        How far they lie along what each model was taught.
    untaught : (N, F) float32
        How far along the features of the packaged dictionary that were taught nothing.
    amounts : dict of (N,) float32
        What was measured.
    """

    along: list[Array]
    untaught: Array
    amounts: dict[str, Array]


def main() -> None:
    """Measure, look, compare."""
    arguments = _parser().parse_args()
    torch.set_num_threads(arguments.threads)
    builtin, packaged = load_backbone("builtin", device="cpu"), load_dictionary(arguments.dictionary)
    number = {name: feature for feature, name in packaged.header.taught.items()}
    learnt = [feature for feature in range(packaged.n_features) if feature not in packaged.header.taught]
    ours = Model(builtin, packaged.whitening, packaged.atoms[[number[name] for name in MEASURED]])
    models = [ours, *_random(packaged, range(1 if arguments.quick else 3), arguments.quick)]
    images = {"simulated pictures": _simulated(models, packaged.atoms[learnt], 40 if arguments.quick else 160)}
    for title, (folder, fields) in SETS.items():
        if (found := data_folder(folder)) is not None:
            images[title] = _seen(models, packaged.atoms[learnt], (f.image for f in fields(found, arguments.quick)))
    rows: list[dict[str, Any]] = []
    print("| measure | images | taught | correlation | best of those not taught | random weights, taught |")
    print("| --- | --- | --- | --- | --- | --- |")
    for place, name in enumerate(MEASURED):
        simulated = images["simulated pictures"]
        best = int(np.argmax(column_auroc(simulated.untaught, much(simulated.amounts[name]))))
        for title, seen in images.items():
            has = much(seen.amounts[name])
            score, *by_chance = (auroc(has, along[:, place]) for along in seen.along)
            correlation = float(np.corrcoef(seen.along[0][:, place], seen.amounts[name])[0, 1])
            untaught = auroc(has, seen.untaught[:, best])
            print(
                f"| {name} | {title} | {score:.3f} | {correlation:.2f} | {untaught:.3f} ({learnt[best]}) | "
                f"{np.mean(by_chance):.3f} ({min(by_chance):.2f} to {max(by_chance):.2f}) |",
                flush=True,
            )
            rows += [
                {
                    "task": f"{name}, {title}",
                    "size": f"{int(has.sum())} of {len(has)} patches",
                    "metric": "AUROC of the tenth with most of it",
                    "unit": "1",
                    "ours": round(score, 4),
                    "peer": peer,
                    "peer_value": round(float(value), 4),
                    "ratio": round(score / float(value), 4),
                }
                for peer, value in (("best feature not taught", untaught), ("random weights", np.mean(by_chance)))
            ]
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


def _random(packaged: Dictionary, seeds: Sequence[int], quick: bool) -> list[Model]:
    """The architecture with random weights, whitened on the same sample and taught by the same pictures."""
    sample = packaged.header.whitening["sample"]
    about = SampleSettings(**{**sample, "leave_out": tuple(sample["leave_out"])})
    if quick:
        about = replace(about, plates=3, real=20, drawn=5)
    backbones = [load_random(seed=seed, layer=packaged.header.backbone["layer"]) for seed in seeds]
    whitenings = [control_whitening(tokens) for tokens in token_samples(backbones, about)]
    taught = measured_directions(list(zip(backbones, whitenings, strict=True)), *((150,) if quick else ()))
    return [
        Model(backbone, whitening, torch.stack([directions[name] for name in MEASURED]))
        for backbone, whitening, directions in zip(backbones, whitenings, taught, strict=True)
    ]


def _simulated(models: Sequence[Model], learnt: torch.Tensor, count: int) -> Seen:
    seen = measured_patches([(model.backbone, model.whitening) for model in models], UNSEEN, count)
    along = [one.tokens @ model.taught.numpy().T for one, model in zip(seen, models, strict=True)]
    return Seen(along, seen[0].tokens @ learnt.numpy().T, seen[0].amounts)


def _seen(models: Sequence[Model], learnt: torch.Tensor, images: Iterator[Array]) -> Seen:
    along: list[list[Array]] = [[] for _ in models]
    untaught: list[Array] = []
    amounts: dict[str, list[Array]] = {name: [] for name in MEASURED}
    patch = models[0].backbone.spec.patch
    for image in images:
        whole = image[:, : image.shape[1] // patch * patch, : image.shape[2] // patch * patch]
        whole = np.ascontiguousarray(whole)
        lit = lit_patches(whole, patch).reshape(len(whole), -1)
        for number, model in enumerate(models):
            tokens = field_tokens(model.backbone, whole, batch=16).flatten(1, 2)[torch.from_numpy(lit)]
            whitened = model.whitening.whiten(tokens)
            along[number].append((whitened @ model.taught.T).numpy())
            if number == 0:
                untaught.append((whitened @ learnt.T).numpy())
        for name, measure in MEASURED.items():
            amounts[name] += [measure.of(plane, patch).ravel()[own] for plane, own in zip(whole, lit, strict=True)]
    joined = {name: np.concatenate(values) for name, values in amounts.items()}
    return Seen([np.concatenate(parts) for parts in along], np.concatenate(untaught), joined)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed, few images: for a look, not for claims")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--dictionary", type=Path, default=BUILTIN_DICTIONARY, help="the packaged one by default")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    return parser


if __name__ == "__main__":
    main()
