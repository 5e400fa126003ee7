"""What becomes of features that are removed, halved, doubled and added: drawn, read again, and read before drawing.

    python benchmarks/analysis/edits.py DEMO.lexicon [--features N] [--patches N] [--seed S] [--json FILE] [--reach]

Features are drawn at random among those that fire in more than 200 patches, patches at random from those where each
fires (to add it, lit ones where it does not). DEMO.lexicon is what `napari-lexicon demo` makes.
With --reach instead: how the whitened token that is read depends on the tokens that are drawn, by finite differences.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from napari_lexicon.analysis.edited_places import EDITS, Place, asked_values, drawn_places, edits_made
from napari_lexicon.analysis.editing import Editor
from napari_lexicon.analysis.lexicon_tables import plate_statistics
from napari_lexicon.lexicons import Lexicon

LEAST_PATCHES = 200
STEP = 0.3  # of a whitened token, between two differences


def drawn_features(lexicon: Lexicon, n: int, seed: int) -> list[int]:
    """Numbers of features that fire often, drawn at random."""
    fires = sum(plate.statistics.active.sum(axis=(0, 1)) for plate in plate_statistics(lexicon))
    often = np.flatnonzero(fires > LEAST_PATCHES)
    return [int(m) for m in np.random.default_rng(seed).permutation(often)[:n]]


def read_before_drawing(editor: Editor, places: list[Place], edit: str, usual: dict[int, float]) -> np.ndarray:
    """``(N,)`` part of the way asked that the code of the edited token goes, with nothing drawn."""
    start, rows = editor.original(np.stack([p.tile for p in places])), np.arange(len(places))
    feature = np.array([p.feature for p in places])
    before = start.codes[rows, feature]
    wanted = asked_values(places, edit, usual) - before
    after = editor.codes(editor.edited_tokens(start.tokens, feature, wanted))[rows, feature]
    return np.asarray(np.divide(after - before, wanted, out=np.zeros(len(wanted)), where=np.abs(wanted) > 1e-9))


def singular_values(editor: Editor, tile: np.ndarray, around: int) -> np.ndarray:
    """``(dim_w,)`` singular values of the token read over the tokens drawn, ``around`` patches on each side free."""
    whitening, start = editor.dictionary.whitening, editor.original(tile[None])
    middle = tile.shape[0] // editor.backbone.spec.patch // 2

    def read(pictures: np.ndarray) -> torch.Tensor:
        return whitening.whiten(editor.tokens(pictures)[:, middle, middle])

    columns = []
    free = range(middle - around, middle + around + 1)
    for y, x in product(free, free):
        moved = start.tokens.repeat(whitening.inverse.shape[1], 1, 1, 1)
        moved[:, y, x] += STEP * whitening.inverse.T
        columns.append((read(tile + editor.decoder.pixels(moved).numpy() - start.decoded) - read(tile[None])) / STEP)
    return torch.linalg.svdvals(torch.cat(columns)).numpy()


def print_reach(editor: Editor, places: list[Place]) -> None:
    """Medians over patches: of 16 with their own token free, of 8 and of 4 with 3 x 3 and 5 x 5."""
    for around, n in ((0, 16), (1, 8), (2, 4)):
        found = np.stack([singular_values(editor, place.tile, around) for place in places[:n]])
        shown = ", ".join(f"{value:.3f}" for value in np.median(found[:, [0, 10, 24]], axis=0))
        half = np.median((found > 0.5).sum(axis=1))
        free = f"{2 * around + 1} x {2 * around + 1}"
        print(f"{free} tokens free, {n} patches: 1st, 11th, 25th {shown}; over 0.5: {half:.0f} of {found.shape[1]}")


def main() -> None:
    """Edit, and print one row per edit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lexicon", type=Path)
    parser.add_argument("--features", type=int, default=24)
    parser.add_argument("--patches", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--reach", action="store_true")
    options = parser.parse_args()
    lexicon = Lexicon.open(options.lexicon)
    features = drawn_features(lexicon, options.features, options.seed)
    editor = Editor.of(lexicon)
    if options.reach:
        print_reach(editor, drawn_places(lexicon, features, each=1, seed=options.seed)[0])
        return
    firing, silent = drawn_places(lexicon, features, each=options.patches, seed=options.seed)
    made = edits_made(editor, firing, silent, {m: lexicon.names.label(m) for m in features}, seed=options.seed)
    usual = {m: float(np.median([p.value for p in firing if p.feature == m] or [0.0])) for m in features}
    rows = []
    for edit in EDITS:
        own, places = made.table[made.table["edit"] == edit], silent if edit == "add" else firing
        token = read_before_drawing(editor, [p for p in places if usual[p.feature] > 0], edit, usual)
        rows.append(
            {
                "edit": edit,
                "moved": own["moved"].median(),
                "low": own["moved"].quantile(0.25),
                "high": own["moved"].quantile(0.75),
                "arrived": np.average(own["arrived"], weights=own["n_patches"]),
                "by_other": own["moved_by_other"].median(),
                "along": own["moved_along"].median(),
                "right_way": np.average(own["right_way"], weights=own["n_patches"]),
                "first": np.average(own["first"], weights=own["n_patches"]),
                "others": own["others"].median(),
                "token": np.median(token),
                "picked": (token > 0).mean(),
                "features": len(own),
                "patches": own["n_patches"].sum(),
            }
        )
    print(pd.DataFrame(rows).round(2).to_string(index=False))
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1, default=float), encoding="utf-8")


if __name__ == "__main__":
    main()
