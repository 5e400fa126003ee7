"""Do the names that come with the built-in dictionary hold on images that people labelled?

    LEXICON_DATA=... python benchmarks/quality/names.py [--json FILE] [--dictionary FILE] [--threads 2]

For every named feature, the patches of each set that lie furthest along it (one in two hundred), channel by channel:
which part of them lies on what. Neither the backbone nor the dictionary has seen these sets, apart from Cell Painting.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from labelled import SETS, labelled_tokens

import napari_lexicon.dictionaries
from napari_lexicon.backbones import load_backbone
from napari_lexicon.dictionaries.file_format import load_dictionary

STRONGEST = 0.005
BUILTIN_DICTIONARY = Path(napari_lexicon.dictionaries.__file__).parent / "builtin.safetensors"


def main() -> None:
    """Print a line per feature, set and channel, and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--dictionary", type=Path, default=BUILTIN_DICTIONARY)
    parser.add_argument("--images", type=int, default=40, help="of each set, at most")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    backbone, dictionary = load_backbone("builtin", device="cpu"), load_dictionary(options.dictionary)
    rows: list[dict[str, Any]] = []
    for task, images in SETS.items():
        seen = labelled_tokens(task, images(Path(os.environ["LEXICON_DATA"])), backbone, options.images)
        usual = np.bincount(seen.labels, minlength=len(seen.names)) / len(seen.labels)
        print(f"\n{task}, all patches: {_shares(seen.names, usual)}")
        for channel, tokens in enumerate(seen.tokens.unbind(1)):
            along = (dictionary.whitening.whiten(tokens.float()) @ dictionary.atoms.T).numpy()
            for feature, name in sorted(dictionary.header.names.items()):
                strongest = np.argsort(-along[:, feature])[: max(1, round(STRONGEST * len(along)))]
                shares = np.bincount(seen.labels[strongest], minlength=len(seen.names)) / len(strongest)
                print(f"{feature:4} {name:22} channel {channel}: {_shares(seen.names, shares)}", flush=True)
                rows += [
                    {
                        "task": f"{task}: {feature} {name}",
                        "size": f"channel {channel}, {len(strongest)} patches",
                        "metric": f"share on {label}",
                        "unit": "1",
                        "ours": round(float(share), 4),
                        "peer": "all patches",
                        "peer_value": round(float(base), 4),
                        "ratio": round(float(share / base), 3) if base else None,
                    }
                    for label, share, base in zip(seen.names, shares, usual, strict=True)
                ]
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


def _shares(names: tuple[str, ...], shares: np.ndarray) -> str:
    return ", ".join(f"{name} {share:.2f}" for name, share in zip(names, shares, strict=True))


if __name__ == "__main__":
    main()
