"""Do the names that come with the built-in dictionary hold on images that people labelled?

    LEXICON_DATA=... python benchmarks/quality/names.py [--json FILE] [--dictionary FILE] [--threads 2]

For every named feature, channel by channel: how well its direction alone tells the patches of a class from all others
(AUROC). Neither the backbone nor the dictionary has seen blood smears and nuclei; Cell Painting they have.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import torch
from labelled import SETS, labelled_tokens
from sklearn.metrics import roc_auc_score

import napari_lexicon.dictionaries
from napari_lexicon.backbones import load_backbone
from napari_lexicon.dictionaries.file_format import load_dictionary

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
        print(f"\n{task}: {', '.join(seen.names)}")
        for channel, tokens in enumerate(seen.tokens.unbind(1)):
            along = (dictionary.whitening.whiten(tokens.float()) @ dictionary.atoms.T).numpy()
            for feature, name in sorted(dictionary.header.names.items()):
                aurocs = [float(roc_auc_score(seen.labels == c, along[:, feature])) for c in range(len(seen.names))]
                shown = ", ".join(f"{label} {auroc:.2f}" for label, auroc in zip(seen.names, aurocs, strict=True))
                print(f"{feature:4} {name:40} channel {channel}: {shown}", flush=True)
                rows += [
                    {
                        "task": f"{task}: {feature} {name}",
                        "size": f"channel {channel}, {len(along)} patches",
                        "metric": f"AUROC, {label} or not",
                        "unit": "1",
                        "ours": round(auroc, 4),
                        "peer": "chance",
                        "peer_value": 0.5,
                        "ratio": round(auroc / 0.5, 4),
                    }
                    for label, auroc in zip(seen.names, aurocs, strict=True)
                ]
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
