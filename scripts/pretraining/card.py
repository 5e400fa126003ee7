"""The model card: what the weights are, what they were made from and with, how they learnt."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from napari_lexicon.backbones.builtin import BUILTIN_PREPROCESSING, CARD_FORMAT
from napari_lexicon.backbones.checkpoints import read_weights, weights_hash

from .pictures import REAL_SETS

_OWN_SOURCES = {
    "simulator": "rendered by napari_lexicon.samples, with its truth",
    "textures": "drawn by scripts/pretraining/pictures.py",
    "scikit-image": "pictures bundled with scikit-image (public domain, CC0 or BSD-3-Clause)",
}
LIMITS = (
    "Each channel is seen by itself: what only the relation of two channels shows is not in the tokens.",
    "Made on simulated cells and a few hundred real images: a first model, not a large one.",
    "Not for diagnosis or any other medical decision.",
)


def model_card_of(run: Path, cache: Path, weights: Path, layer: int) -> dict[str, Any]:
    """Card of the weights that a run ended with."""
    settings = json.loads((run / "settings.json").read_text())
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    made_from = json.loads((cache / "settings.json").read_text())
    stride = max(1, len(log) // 40)
    started_from = json.loads((run / "start.json").read_text()) if (run / "start.json").is_file() else None
    return {
        "format": CARD_FORMAT,
        "name": "napari-lexicon built-in ViT",
        "architecture": settings["shape"],
        "layer": layer,
        "licence": "BSD-3-Clause",
        "preprocessing": BUILTIN_PREPROCESSING,
        "weights_hash": weights_hash(read_weights(weights), settings["shape"]),
        "data": _data(cache),
        "left_out": made_from["leave_out"],
        "labels": "No labels of real images were used.",
        "training": {**settings, "crops_seen": _crops_seen(settings, log[-1]["step"]), "steps_done": log[-1]["step"]},
        "curves": {
            "note": "Each part of the loss as a share of its trivial loss (best constant prediction).",
            "points": [*log[::stride], log[-1]],
        },
        **({"started_from": _without_curves(started_from)} if started_from else {}),
        "limits": list(LIMITS),
    }


def _without_curves(card: dict[str, Any]) -> dict[str, Any]:
    """What an earlier model was made from and with."""
    kept = ("weights_hash", "architecture", "data", "left_out", "training", "started_from")
    return {key: card[key] for key in kept if key in card}


def _data(cache: Path) -> list[dict[str, Any]]:
    counts: Counter[str] = Counter()
    for shard in sorted(cache.glob("shard*.npz")):
        counts.update(np.load(shard)["sources"].tolist())
    licences = {real.name: real.licence for real in REAL_SETS}
    return [
        {"source": name, "crops": count, "licence": licences.get(name, _OWN_SOURCES.get(name, ""))}
        for name, count in counts.most_common()
    ]


def _crops_seen(settings: dict[str, Any], steps: int) -> int:
    seen, sizes = 0.0, settings["sizes"]
    for index, (start, side) in enumerate(sizes):
        end = sizes[index + 1][0] if index + 1 < len(sizes) else 1.0
        part = max(0, min(steps, end * settings["steps"]) - start * settings["steps"])
        seen += part * settings["batch"] * (128 / side) ** 2
    return round(seen)
