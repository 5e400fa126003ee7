"""Question 9, second half, for a lexicon: every channel taken away or shuffled in the tokens that it keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from napari_lexicon.analysis.channels import channel_dependence
from napari_lexicon.analysis.reading import Told, untold
from napari_lexicon.errors import LexiconError
from napari_lexicon.lexicons import FieldTokens, Lexicon

_MOST_PLACES = 20_000


def removed_channels(
    lexicon: Lexicon, *, features: Sequence[int] = (), seed: int = 0, told: Told = untold
) -> pd.DataFrame:
    """What becomes of every feature when one channel is removed, and when it is shuffled over places.

    Parameters
    ----------
    lexicon : Lexicon
        With a dictionary of joined channels (``concat`` or ``mean``) and kept tokens.
    features : sequence of int
        Only these; all where empty.
    seed : int
        Of the places drawn and of the shuffle.
    told : callable
        Told of every field.

    Returns
    -------
    pandas.DataFrame
        Columns of :func:`napari_lexicon.analysis.channels.channel_dependence` and ``how``: ``removed`` (the channel is
        given the mean token of controls) or ``shuffled`` (the tokens of other places). ``n_wells`` behind each row.

    Raises
    ------
    LexiconError
        If the dictionary reads every channel by itself, or no tokens were kept.
    """
    dictionary = lexicon.dictionary
    if dictionary is None:
        raise LexiconError(f"{lexicon.path} has no dictionary yet: run apply first.")
    header = dictionary.header
    if header.channels_mode == "separate":
        raise LexiconError(
            "Features of this dictionary read one channel each, so no other channel can be taken from them: ask "
            "stains, or train a dictionary with --channels concat."
        )
    tokens, n_wells = _joined(lexicon, header.channel_names, seed, told)
    parts = [
        channel_dependence(dictionary, tokens, header.channel_names, shuffle=how == "shuffled", seed=seed).assign(
            how=how, n_wells=n_wells
        )
        for how in ("removed", "shuffled")
    ]
    table = pd.concat(parts, ignore_index=True)
    if features:
        table = table[table["feature"].isin(list(features))]
    return table.sort_values(["how", "change"], kind="stable", ignore_index=True)


def _joined(lexicon: Lexicon, names: Sequence[str], seed: int, told: Told) -> tuple[torch.Tensor, int]:
    """``(N, C, dim)`` kept tokens of places that show something in any channel, and the number of wells."""
    parts: list[np.ndarray] = []
    wells = set()
    plates = list(lexicon.plates.values())
    total = sum(len(plate.fields) for plate in plates)
    for plate in plates:
        own = [channel.name for channel in plate.header.channels]
        for number, field in enumerate(plate.fields):
            told(len(parts), total, f"{plate.header.name} {field.well}, field {field.name}")
            kept = plate.tokens(number)
            if kept is None or (kept.tokens.shape[1] == 1 and len(names) > 1):
                continue
            tokens = _of_channels(kept, [own[c] for c in field.channels], names)
            if tokens is not None and len(tokens):
                parts.append(tokens)
                wells.add((plate.id, field.well))
    if not parts:
        raise LexiconError(
            f"{lexicon.path} keeps no tokens of all of {', '.join(names)}: embed the plates again with --keep-tokens."
        )
    joined = np.concatenate(parts)
    drawn = np.random.default_rng(seed).permutation(len(joined))[:_MOST_PLACES]
    return torch.from_numpy(joined[np.sort(drawn)].astype(np.float32)), len(wells)


def _of_channels(kept: FieldTokens, own: Sequence[str], names: Sequence[str]) -> np.ndarray | None:
    """``(n, C, dim)`` in the dictionary's order; None where the field lacks a channel."""
    if any(name not in own for name in names):
        return None
    order = [own.index(name) for name in names]
    lit = kept.lit[:, order].any(axis=1)
    return np.asarray(kept.tokens[lit][:, order])
