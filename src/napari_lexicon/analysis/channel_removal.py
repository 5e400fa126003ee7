"""Question 9, second half, for a lexicon: every channel taken away or shuffled in its tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch

from napari_lexicon.analysis.channels import channel_dependence
from napari_lexicon.analysis.reading import Told, finished_fields, untold
from napari_lexicon.errors import LexiconError
from napari_lexicon.lexicons import Lexicon

_MOST_PLACES = 20_000
_MOST_WELLS = 48  # of which a field is embedded again


def removed_channels(
    lexicon: Lexicon, *, features: Sequence[int] = (), again: bool = True, seed: int = 0, told: Told = untold
) -> pd.DataFrame:
    """What becomes of every feature when one channel is removed, and when it is shuffled over places.

    Parameters
    ----------
    lexicon : Lexicon
        With a dictionary of joined channels (``concat`` or ``mean``).
    features : sequence of int
        Only these; all where empty.
    again : bool
        Read one field of some wells again where the lexicon keeps no tokens.
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
        If the dictionary reads every channel by itself, or no tokens were kept and none are read again.
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
    parts = _kept(lexicon, header.channel_names, told)
    if again and not parts:
        parts = _read_again(lexicon, header.channel_names, seed, told)
    tokens, n_wells = _joined(lexicon, header.channel_names, parts, seed)
    answers = [
        channel_dependence(dictionary, tokens, header.channel_names, shuffle=how == "shuffled", seed=seed).assign(
            how=how, n_wells=n_wells
        )
        for how in ("removed", "shuffled")
    ]
    table = pd.concat(answers, ignore_index=True)
    if features:
        table = table[table["feature"].isin(list(features))]
    return table.sort_values(["how", "change"], kind="stable", ignore_index=True)


def _kept(lexicon: Lexicon, names: Sequence[str], told: Told) -> dict[tuple[str, str], list[np.ndarray]]:
    """``(n, C, dim)`` kept tokens of every well's places that show something in any channel."""
    parts: dict[tuple[str, str], list[np.ndarray]] = {}
    plates = list(lexicon.plates.values())
    total = sum(len(plate.fields) for plate in plates)
    for plate in plates:
        own = [channel.name for channel in plate.header.channels]
        for number, field in enumerate(plate.fields):
            told(len(parts), total, f"{plate.header.name} {field.well}, field {field.name}")
            kept = plate.tokens(number)
            if kept is None or (kept.tokens.shape[1] == 1 and len(names) > 1):
                continue
            tokens = _of_channels(kept.tokens, kept.lit, [own[c] for c in field.channels], names)
            if tokens is not None and len(tokens):
                parts.setdefault((plate.id, field.well), []).append(tokens)
    return parts


def _read_again(
    lexicon: Lexicon, names: Sequence[str], seed: int, told: Told
) -> dict[tuple[str, str], list[np.ndarray]]:
    """The same of one field of some wells drawn at random, embedded again."""
    from napari_lexicon.analysis.along import FieldsAlong

    reader = FieldsAlong(lexicon, told)
    wells = sorted({(plate.id, field.well) for plate in lexicon.plates.values() for field in plate.fields})
    drawn = {wells[n] for n in np.random.default_rng(seed).permutation(len(wells))[:_MOST_WELLS]}
    parts: dict[tuple[str, str], list[np.ndarray]] = {}
    for one in finished_fields(lexicon.plates.values(), pixels=True, fields_per_well=1, told=told):
        if (one.plate.id, one.header.well) not in drawn:
            continue
        read, lit = reader.tokens(one)
        if len(read) == 1 and len(names) > 1:
            raise LexiconError(
                f"{lexicon.backbone.id} reads all channels at once, so that its tokens hold none by itself."
            )
        own = [one.plate.header.channels[c].name for c in one.header.channels]
        flat = read.flatten(1, 2).transpose(0, 1).numpy()
        tokens = _of_channels(flat, lit.reshape(len(lit), -1).T, own, names)
        if tokens is not None and len(tokens):
            parts.setdefault((one.plate.id, one.header.well), []).append(tokens)
    return parts


def _joined(
    lexicon: Lexicon, names: Sequence[str], parts: dict[tuple[str, str], list[np.ndarray]], seed: int
) -> tuple[torch.Tensor, int]:
    """``(N, C, dim)`` tokens of places drawn from all wells, and the number of wells."""
    if not parts:
        raise LexiconError(
            f"{lexicon.path} keeps no tokens of all of {', '.join(names)}: embed the plates again with --keep-tokens."
        )
    joined = np.concatenate([tokens for own in parts.values() for tokens in own])
    drawn = np.random.default_rng(seed).permutation(len(joined))[:_MOST_PLACES]
    return torch.from_numpy(joined[np.sort(drawn)].astype(np.float32)), len(parts)


def _of_channels(tokens: np.ndarray, lit: np.ndarray, own: Sequence[str], names: Sequence[str]) -> np.ndarray | None:
    """``(n, C, dim)`` in the dictionary's order, of ``(N, C, dim)``; None where the field lacks a channel."""
    if any(name not in own for name in names):
        return None
    order = [own.index(name) for name in names]
    return np.asarray(tokens[lit[:, order].any(axis=1)][:, order])
