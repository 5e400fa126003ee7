"""Do features that were taught what is measured in pixels follow it on images that nothing was learnt from?

    LEXICON_DATA=... python benchmarks/backbone/measured.py [--quick] [--json FILE] [--keep FOLDER]

For each measure (``scripts/pretraining/pixel_measures.py``) and set: of all lit patches the tenth with most of it, told
from the rest by the direction of the feature that was taught it (AUROC), and the correlation of the two. The features
were taught on simulated pictures; BBBC016, DSB 2018 and blood smears were left out of backbone and dictionary. Beside
it the one feature that was not taught and tells these patches best on simulated pictures, and the same architecture
with random weights, three seeds, taught likewise.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from controls import random_controls
from planted import BUILTIN_DICTIONARY
from pretraining.pixel_measures import MEASURED, measured_patches, much
from real import blood_count, data_folder, gfp_dose, nuclei_count
from scoring import auroc, column_auroc

from napari_lexicon.backbones import Backbone, field_tokens, load_backbone
from napari_lexicon.backbones.background import lit_patches
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.file_format import load_dictionary

Array = npt.NDArray[np.float32]
SETS = {
    "BBBC016": ("bbbc016_transfluor_gfp", gfp_dose),
    "DSB 2018": ("dsb2018_fluorescence", nuclei_count),
    "blood smears": ("bccd_blood", blood_count),
}
UNSEEN = 950_000
"""Seed of the simulated pictures."""


def main() -> None:
    """Measure, look, compare."""
    arguments = _parser().parse_args()
    torch.set_num_threads(arguments.threads)
    builtin, packaged = load_backbone("builtin", device="cpu"), load_dictionary(arguments.dictionary)
    random = random_controls(packaged, range(1 if arguments.quick else 3), arguments.keep, arguments.quick)
    models = [(builtin, packaged), *random]
    images = {"simulated pictures": _simulated(models, 40 if arguments.quick else 160)}
    for title, (folder, fields) in SETS.items():
        if (found := data_folder(folder)) is not None:
            images[title] = _seen(models, (field.image for field in fields(found, arguments.quick)))
    rows: list[dict[str, Any]] = []
    print("| measure | images | taught | correlation | best of those not taught | random weights, taught |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in MEASURED:
        other = _best_untaught(packaged, *images["simulated pictures"], name)
        for title, (along, amounts) in images.items():
            has = much(amounts[name])
            numbers = [next(n for n, taught in d.header.taught.items() if taught == name) for _, d in models]
            scores = [auroc(has, seen[:, number]) for seen, number in zip(along, numbers, strict=True)]
            correlation = float(np.corrcoef(along[0][:, numbers[0]], amounts[name])[0, 1])
            untaught = auroc(has, along[0][:, other])
            by_chance = scores[1:]
            print(
                f"| {name} | {title} | {scores[0]:.3f} | {correlation:.2f} | {untaught:.3f} ({other}) | "
                f"{np.mean(by_chance):.3f} ({min(by_chance):.2f} to {max(by_chance):.2f}) |",
                flush=True,
            )
            rows += [
                {
                    "task": f"{name}, {title}",
                    "size": f"{int(has.sum())} of {len(has)} patches",
                    "metric": "AUROC of the tenth with most of it",
                    "unit": "1",
                    "ours": round(scores[0], 4),
                    "peer": peer,
                    "peer_value": round(float(value), 4),
                    "ratio": round(scores[0] / float(value), 4),
                }
                for peer, value in (("best feature not taught", untaught), ("random weights", np.mean(by_chance)))
            ]
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


Models = list[tuple[Backbone, Dictionary]]
Seen = tuple[list[Array], dict[str, Array]]
"""Of lit patches: how far each model's features reach, ``(N, M)`` each, and what was measured, ``(N,)`` by name."""


def _simulated(models: Models, count: int) -> Seen:
    seen = measured_patches([(backbone, dictionary.whitening) for backbone, dictionary in models], UNSEEN, count)
    along = [one.tokens @ dictionary.atoms.numpy().T for one, (_, dictionary) in zip(seen, models, strict=True)]
    return along, seen[0].amounts


def _seen(models: Models, images: Iterator[Array]) -> Seen:
    along: list[list[Array]] = [[] for _ in models]
    amounts: dict[str, list[Array]] = {name: [] for name in MEASURED}
    patch = models[0][0].spec.patch
    for image in images:
        whole = image[:, : image.shape[1] // patch * patch, : image.shape[2] // patch * patch]
        lit = lit_patches(whole, patch).reshape(len(whole), -1)
        for store, (backbone, dictionary) in zip(along, models, strict=True):
            tokens = field_tokens(backbone, np.ascontiguousarray(whole), batch=16).flatten(1, 2)
            whitened = dictionary.whitening.whiten(tokens[torch.from_numpy(lit)])
            store.append((whitened @ dictionary.atoms.T).numpy())
        for name, measure in MEASURED.items():
            amounts[name] += [measure.of(plane, patch).ravel()[own] for plane, own in zip(whole, lit, strict=True)]
    joined = {name: np.concatenate(values) for name, values in amounts.items()}
    return [np.concatenate(store) for store in along], joined


def _best_untaught(packaged: Dictionary, along: list[Array], amounts: dict[str, Array], name: str) -> int:
    """The feature that nobody taught anything with the best AUROC."""
    learnt = [feature for feature in range(packaged.n_features) if feature not in packaged.header.taught]
    return learnt[int(np.argmax(column_auroc(along[0][:, learnt], much(amounts[name]))))]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one seed, few images: for a look, not for claims")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--dictionary", type=Path, default=BUILTIN_DICTIONARY, help="the packaged one by default")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="dictionaries of random weights are kept there")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    return parser


if __name__ == "__main__":
    main()
