"""Make the built-in backbone from nothing: a cache of crops, the training, and the files of the package.

    LEXICON_DATA=... python scripts/pretrain_backbone.py cache --to pretrain/cache --shards 120
    python scripts/pretrain_backbone.py train --cache pretrain/cache --to pretrain/run --steps 20000
    python scripts/pretrain_backbone.py export --run pretrain/run --cache pretrain/cache --to builtin
    python scripts/pretrain_backbone.py scores --from planted.json --to builtin   # of benchmarks/backbone/planted.py

Each stage goes on where it was stopped. Without ``LEXICON_DATA`` the real images are left out; ``--leave-out NAME``
leaves out one real set, which is how each of them is scored by ``benchmarks/backbone``.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import safetensors.torch
import torch
from pretraining.card import model_card_of
from pretraining.crops import CacheSettings, read_cache, write_cache
from pretraining.loop import TrainSettings, train
from pretraining.objective import Weights

from napari_lexicon.backbones.builtin import BUILTIN, Shape
from napari_lexicon.backbones.checkpoints import read_config
from napari_lexicon.backbones.decoder import decoder_path


def main() -> None:
    """Run one stage."""
    arguments = _parser().parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.stage == "cache":
        settings = CacheSettings(arguments.shards, tuple(arguments.leave_out), seed=arguments.seed)
        write_cache(arguments.to, settings, arguments.threads)
    elif arguments.stage == "train":
        weights = Weights(arguments.hidden, arguments.shown, arguments.measures, arguments.truth)
        start = arguments.start
        settings = TrainSettings(
            arguments.steps,
            batch=arguments.batch,
            rate=arguments.rate,
            layers=tuple(arguments.layers),
            weights=weights,
            shape=replace(Shape(), reach=arguments.reach),
            seed=arguments.seed,
            start=read_config(start.with_suffix(".json"))["weights_hash"] if start else "",
        )
        train(arguments.to, read_cache(arguments.cache), settings, start)
    elif arguments.stage == "scores":
        add_scores(arguments.scores, arguments.to)
    else:
        export(arguments.run, arguments.cache, arguments.to, arguments.layer)


def export(run: Path, cache: Path, to: str, layer: int) -> None:
    """Write weights and decoder in half precision, and the card; ``to`` is ``builtin`` or a path."""
    weights = BUILTIN.weights if to == "builtin" else Path(to)
    weights.parent.mkdir(parents=True, exist_ok=True)
    tensors = safetensors.torch.load_file(run / "checkpoint.safetensors")
    for part, path in (("model.encoder.", weights), ("model.decoder.", decoder_path(weights))):
        own = {name.removeprefix(part): value for name, value in tensors.items() if name.startswith(part)}
        path.write_bytes(safetensors.torch.save({name: value.half().contiguous() for name, value in own.items()}))
    card = model_card_of(run, cache, weights, layer)
    weights.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def add_scores(scores: Path, to: str) -> None:
    """Put measured scores into a card that is there already."""
    path = (BUILTIN.weights if to == "builtin" else Path(to)).with_suffix(".json")
    card = read_config(path)
    kept = ("task", "size", "metric", "ours", "peer", "peer_value")
    rows = [{key: row[key] for key in kept} for row in json.loads(scores.read_text(encoding="utf-8"))]
    limits = card.pop("limits")
    path.write_text(json.dumps({**card, "scores": rows, "limits": limits}, indent=1) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    stages = parser.add_subparsers(dest="stage", required=True)
    cache = stages.add_parser("cache", help="write crops and targets")
    cache.add_argument("--to", type=Path, required=True)
    cache.add_argument("--shards", type=int, default=120, help="of 960 crops each")
    cache.add_argument("--leave-out", action="append", default=[], metavar="NAME", help="a real set not to use")
    training = stages.add_parser("train", help="train, or go on training")
    training.add_argument("--cache", type=Path, required=True)
    training.add_argument("--to", type=Path, required=True)
    training.add_argument("--steps", type=int, default=20_000)
    training.add_argument("--batch", type=int, default=96)
    training.add_argument("--rate", type=float, default=1e-3)
    training.add_argument("--reach", type=int, default=Shape().reach, help="patches; 0 for the whole crop")
    training.add_argument("--start", type=Path, help="begin with these weights (.safetensors) of the same shape")
    training.add_argument("--layers", type=int, nargs="+", default=[3, 4])
    defaults = Weights()
    for name in ("hidden", "shown", "measures", "truth"):
        training.add_argument(f"--{name}", type=float, default=getattr(defaults, name))
    exporting = stages.add_parser("export", help="write the files of the package")
    exporting.add_argument("--run", type=Path, required=True)
    exporting.add_argument("--cache", type=Path, required=True)
    exporting.add_argument("--to", default="builtin", help="builtin, or a path ending in .safetensors")
    exporting.add_argument("--layer", type=int, default=4, help="block that is read where none is asked for")
    scoring = stages.add_parser("scores", help="put the figures of a benchmark into the card")
    scoring.add_argument("--from", dest="scores", type=Path, required=True, metavar="FILE", help="its --json")
    scoring.add_argument("--to", default="builtin", help="builtin, or a path ending in .safetensors")
    scoring.set_defaults(threads=1)
    for stage in (cache, training):
        stage.add_argument("--seed", type=int, default=0)
        stage.add_argument("--threads", type=int, default=2)
    exporting.set_defaults(threads=1)
    return parser


if __name__ == "__main__":
    main()
