"""Make the built-in dictionary: ICFL with control whitening over the built-in backbone's patch tokens.

    LEXICON_DATA=... python scripts/train_builtin_dictionary.py [--seeds 3] [--features 256] [--steps 400]

Three seeds are trained on the same tokens, and features that were taught what the simulator knows, or what is measured
in pixels, are added to each (``pretraining/taught.py``; ``--teach 0`` for none); the first one is kept, with the
stability of each of its features across the others. Features get a name where the truth of unseen simulated plates
leaves no doubt. Without ``LEXICON_DATA`` the real images are left out.

With ``--anew cells`` the packaged dictionary stays as it is, but for the features that whole cells teach
(``pretraining/whole_cells.py``) and their names; with ``--anew measures`` but for those that are taught what is
measured in pixels (``pretraining/pixel_measures.py``), which are added where there are none.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from pretraining.dictionary_recipe import control_whitening, fitted, recipe, taught_anew, with_stability
from pretraining.naming import Evidence, named, named_by_cells, named_by_measures
from pretraining.pixel_measures import MEASURED
from pretraining.properties import PROPERTIES
from pretraining.taught import cell_directions, measured_directions, taught_directions
from pretraining.token_sample import SampleSettings, token_sample
from pretraining.whole_cells import COUNTED, TRAITS, Seeing

import napari_lexicon.dictionaries
from napari_lexicon.backbones import Backbone, builtin, load_backbone
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.file_format import load_dictionary, save_dictionary

Teaching = Callable[[Seeing, int], list[dict[str, torch.Tensor]]]
Naming = Callable[[Backbone, Dictionary, int], list[Evidence]]
TAUGHT = {*(name for name, wanted in PROPERTIES.items() if wanted.taught), *TRAITS, COUNTED, *MEASURED}
ANEW: dict[str, tuple[Teaching, Naming, Collection[str]]] = {
    "cells": (cell_directions, named_by_cells, TRAITS),
    "measures": (measured_directions, named_by_measures, MEASURED),
}
"""What teaches a part of the dictionary, what names it, and what it is taught."""
BUILTIN = Path(napari_lexicon.dictionaries.__file__).parent / "builtin.safetensors"


def main() -> None:
    """Gather tokens, train, compare, save."""
    arguments = _parser().parse_args()
    torch.set_num_threads(arguments.threads)
    backbone = load_backbone(arguments.backbone, layer=arguments.layer, device="cpu")
    if arguments.anew:
        teach, name, asked = ANEW[arguments.anew]
        best = taught_again(backbone, teach, arguments)
    else:
        name, asked = named, set(TAUGHT)
        best = trained(backbone, arguments)
    if arguments.pictures:
        best = with_names(best, name(backbone, best, arguments.pictures), asked)
    save_dictionary(best, arguments.to)
    if arguments.to == BUILTIN:
        note_names(best, builtin.BUILTIN.weights.with_suffix(".json"))
    print(f"{arguments.to}: {arguments.to.stat().st_size / 1e6:.2f} MB")


def trained(backbone: Backbone, arguments: argparse.Namespace) -> Dictionary:
    """A dictionary from nothing."""
    started = time.monotonic()
    about = SampleSettings(arguments.plates, real=arguments.real, leave_out=tuple(arguments.leave_out))
    sample = token_sample(backbone, about)
    print(f"{len(sample.tokens)} tokens, {int(sample.control.sum())} of controls: {time.monotonic() - started:.0f} s")
    taught: dict[str, torch.Tensor] = {}
    if arguments.teach:
        (taught,) = taught_directions([(backbone, control_whitening(sample))], arguments.teach)
    print(f"{len(taught)} directions taught: {time.monotonic() - started:.0f} s", flush=True)
    results = []
    for seed in range(arguments.seeds):
        settings = recipe(arguments.features, arguments.steps, seed, arguments.iterations)
        results.append(fitted(backbone.spec, sample, settings, about, taught))
        print(f"seed {seed}: {json.dumps(results[-1].metrics)}  {time.monotonic() - started:.0f} s", flush=True)
    best = results[0].dictionary
    if len(results) > 1:
        best = with_stability(best, [result.dictionary for result in results[1:]])
        assert best.stability is not None
        shares = [float((best.stability > level).float().mean()) for level in (0.5, 0.7, 0.9)]
        print("found again in other seeds with a cosine over 0.5, 0.7, 0.9:", shares)
    return best


def taught_again(backbone: Backbone, teach: Teaching, arguments: argparse.Namespace) -> Dictionary:
    """The packaged dictionary, taught a part of it once more; what nobody teaches any more is replaced."""
    packaged = load_dictionary(BUILTIN)
    made = packaged.header.whitening["sample"]
    sample = token_sample(backbone, SampleSettings(**{**made, "leave_out": tuple(made["leave_out"])}))
    (directions,) = teach([(backbone, packaged.whitening)], arguments.teach)
    dropped = [name for name in packaged.header.taught.values() if name not in TAUGHT]
    return taught_anew(packaged, sample, directions, dropped)


def with_names(dictionary: Dictionary, found: Sequence[Evidence], asked: Collection[str]) -> Dictionary:
    """The same dictionary with names, and the evidence printed; what was taught something ``asked`` is named anew."""
    for evidence in found:
        print(json.dumps(asdict(evidence)))
    header = dictionary.header
    kept = [feature for feature in header.names if header.taught.get(feature) not in asked]
    names = {feature: header.names[feature] for feature in kept}
    notes = {feature: header.names_notes[feature] for feature in kept}
    names.update({evidence.feature: evidence.name for evidence in found})
    notes.update({evidence.feature: evidence.sentence for evidence in found})
    header = header.model_copy(
        update={"names": dict(sorted(names.items())), "names_notes": dict(sorted(notes.items()))}
    )
    return Dictionary(
        dictionary.atoms, dictionary.bias, dictionary.whitening, dictionary.encoder, header, dictionary.stability
    )


def note_names(dictionary: Dictionary, path: Path) -> None:
    """Put the names of the features, with their evidence, into the card of the model."""
    card = json.loads(path.read_text(encoding="utf-8"))
    notes = dictionary.header.names_notes
    card["named_features"] = [
        {"feature": feature, "name": name, "note": notes[feature]} for feature, name in dictionary.header.names.items()
    ]
    path.write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="builtin")
    parser.add_argument("--layer", type=int)
    parser.add_argument("--to", type=Path, default=BUILTIN)
    parser.add_argument("--features", type=int, default=256)
    parser.add_argument("--iterations", type=int, default=4, help="rounds of two picks")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--plates", type=int, default=12)
    parser.add_argument("--real", type=int, default=120)
    parser.add_argument("--leave-out", action="append", default=[], metavar="NAME")
    parser.add_argument("--pictures", type=int, default=800, help="to find names by; 0 for no names")
    parser.add_argument("--teach", type=int, default=1200, help="pictures to teach features from; 0 for none")
    parser.add_argument("--anew", choices=list(ANEW), help="keep all else as the packaged dictionary has it")
    parser.add_argument("--threads", type=int, default=2)
    return parser


if __name__ == "__main__":
    main()
