"""The built-in architecture at random, with dictionaries made exactly as the packaged one was."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch
from pretraining.dictionary_recipe import control_whitening, fitted, recipe
from pretraining.taught import taught_directions
from pretraining.token_sample import SampleSettings, token_samples

from napari_lexicon.backbones import Backbone
from napari_lexicon.backbones.builtin import load_random
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.file_format import load_dictionary, save_dictionary
from pretraining import pixel_measures, properties, whole_cells
from pretraining import taught as teaching

_TEACHING = hashlib.sha256(
    b"".join(Path(module.__file__).read_bytes() for module in (pixel_measures, properties, teaching, whole_cells))
).hexdigest()
"""What is kept of another way of teaching is not used again."""


def random_controls(
    packaged: Dictionary, seeds: Sequence[int], keep: Path | None = None, quick: bool = False
) -> list[tuple[Backbone, Dictionary]]:
    """A random backbone and its dictionary for each seed; all see the same pictures, which are made once.

    Dictionaries are written to ``keep`` and read from there the next time.
    """
    made, sample = packaged.header.training, packaged.header.whitening["sample"]
    about = SampleSettings(**{**sample, "leave_out": tuple(sample["leave_out"])})
    if quick:
        about = replace(about, plates=3, real=20, drawn=5)
    steps = min(made["steps"], 150) if quick else made["steps"]
    settings = [recipe(made["features"], steps, seed, made["iterations"]) for seed in seeds]
    random = [load_random(seed=seed, layer=packaged.header.backbone["layer"]) for seed in seeds]
    described_by = json.dumps(
        [[asdict(s) for s in settings], asdict(about), packaged.header.taught, _TEACHING],
        sort_keys=True,
        default=str,
    )
    digest = hashlib.sha256(described_by.encode()).hexdigest()[:12]
    folder = keep or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"random-{backbone.spec.weights_hash}-{digest}.safetensors" for backbone in random]
    if not all(path.is_file() for path in paths):
        samples = token_samples(random, about)
        taught: list[dict[str, torch.Tensor]] = [{} for _ in random]
        if packaged.header.taught:
            seeing = [(backbone, control_whitening(seen)) for backbone, seen in zip(random, samples, strict=True)]
            taught = taught_directions(seeing, *((150,) if quick else ()))
        for backbone, path, how, seen, own in zip(random, paths, settings, samples, taught, strict=True):
            save_dictionary(fitted(backbone.spec, seen, how, about, own).dictionary, path)
    return [(backbone, load_dictionary(path)) for backbone, path in zip(random, paths, strict=True)]
