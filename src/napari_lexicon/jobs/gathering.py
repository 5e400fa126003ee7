"""The tokens that a lexicon keeps, gathered over its fields as a dictionary takes them: to train on, or to teach by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from napari_lexicon.analysis.conditions import wells_where
from napari_lexicon.dictionaries.channel_groups import grouped_tokens
from napari_lexicon.errors import JobError
from napari_lexicon.jobs.field_loop import Background
from napari_lexicon.lexicons import FieldTokens, Lexicon, LexiconPlate

ALL_WELLS = "all"


@dataclass(frozen=True)
class GatheredTokens:
    """Training tokens of a lexicon.

    Parameters
    ----------
    tokens : numpy.ndarray
        ``(N, dim)`` float16 or float32.
    wells : numpy.ndarray
        ``(N,)`` number of the well of each token, over all plates.
    control : numpy.ndarray
        ``(N,)`` bool.
    control_wells : int
        Number of control wells with tokens.
    channel_names : tuple of str
        For joint modes, the channels in order.
    """

    tokens: np.ndarray
    wells: np.ndarray
    control: np.ndarray
    control_wells: int
    channel_names: tuple[str, ...]


def channels_mode(lexicon: Lexicon, asked: str) -> str:
    """The channel mode asked for; ``concat`` instead of ``separate`` where the model has read all channels together."""
    for plate in lexicon.plates.values():
        for number in range(len(plate.fields)):
            kept = plate.tokens(number)
            if kept is not None:
                together = kept.tokens.shape[1] == 1 and len(kept.channels) > 1
                return "concat" if together and asked == "separate" else asked
    return asked


def gathered_tokens(
    lexicon: Lexicon, controls: str, kind: str, channels: str, background: Background = "skip"
) -> GatheredTokens:
    """The kept tokens of all plates, as a dictionary of this channel mode takes them.

    Parameters
    ----------
    lexicon : Lexicon
        Folder with kept tokens.
    controls : str
        Question to the plate maps, or ``all``.
    kind : {"patch", "mean"}
        Which tokens.
    channels : {"separate", "concat", "mean"}
        Channel mode. Joint modes use the channels that all plates have, and leave out fields that lack one.
    background : {"skip", "keep"}
        Whether to leave out patch tokens of dark patches.

    Raises
    ------
    JobError
        If no tokens are kept, or no well is a control.
    """
    names = _shared_channels(lexicon) if channels != "separate" else ()
    tokens, wells, control = [], [], []
    well_number, n_controls = 0, 0
    for plate in lexicon.plates.values():
        chosen = set(_control_wells(plate, controls))
        for well in plate.wells:
            parts = [
                part
                for number, field in enumerate(plate.fields)
                if field.well == well
                and (part := _field_part(plate, number, kind, channels, names, background)) is not None
            ]
            if parts:
                one = np.concatenate(parts)
                tokens.append(one)
                wells.append(np.full(len(one), well_number))
                control.append(np.full(len(one), well in chosen))
                n_controls += well in chosen
            well_number += 1
    if not tokens:
        raise JobError(f"{lexicon.path} keeps no tokens to train on: run embed or apply with --keep-tokens first.")
    if n_controls == 0:
        raise JobError(
            f"No well with tokens is a control by {controls!r}: choose others with --controls, "
            "give a plate map with --map when you embed, or use --controls all."
        )
    return GatheredTokens(np.concatenate(tokens), np.concatenate(wells), np.concatenate(control), n_controls, names)


def _control_wells(plate: LexiconPlate, controls: str) -> list[str]:
    if controls == ALL_WELLS:
        return list(plate.wells)
    if not len(plate.map.columns):
        raise JobError(
            f"Plate {plate.header.name} has no plate map, so its control wells are not known: "
            "give one with --map when you embed, or use --controls all."
        )
    return wells_where(plate.map, controls)


def _shared_channels(lexicon: Lexicon) -> tuple[str, ...]:
    plates = list(lexicon.plates.values())
    shared = [channel.name for channel in plates[0].header.channels] if plates else []
    for plate in plates[1:]:
        shared = [name for name in shared if name in {channel.name for channel in plate.header.channels}]
    if not shared:
        raise JobError(f"The plates of {lexicon.path} share no channel: use --channels separate.")
    return tuple(shared)


def _field_part(
    plate: LexiconPlate, number: int, kind: str, channels: str, names: tuple[str, ...], background: Background
) -> np.ndarray | None:
    """``(n, dim)`` tokens of one field, or None where it has none or lacks a channel."""
    if kind == "mean":
        kept = plate.tokens(number)
        order = None if kept is None else _order(plate, kept, names)
        if kept is None or order is None:
            return None
        return _flat(_grouped(kept.means, channels, order))
    found = grouped_patches(plate, number, channels, names)
    if found is None:
        return None
    tokens, lit, _ = found
    return np.asarray(tokens[lit]) if background == "skip" else _flat(tokens)


def grouped_patches(
    plate: LexiconPlate, number: int, channels: str, names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, list[str]] | None:
    """The kept patch tokens of a field, as a dictionary of this channel mode takes them.

    Parameters
    ----------
    plate, number : LexiconPlate, int
        The field.
    channels : {"separate", "concat", "mean"}
        Channel mode.
    names : sequence of str
        Channels of a joint mode, in order.

    Returns
    -------
    tokens : numpy.ndarray
        ``(G, n, dim)``; G is 1 in joint modes.
    lit : numpy.ndarray
        ``(G, n)`` bool: false where a patch is dark.
    have : list of str
        Names of the channels of the field.
    None
        Where the field keeps no tokens or lacks a channel.
    """
    kept = plate.tokens(number)
    order = None if kept is None else _order(plate, kept, names)
    if kept is None or order is None:
        return None
    tokens = _grouped(kept.tokens, channels, order)
    together = channels != "separate" and kept.lit.shape[1] > 1
    lit = np.asarray(kept.lit.T[order].any(axis=0, keepdims=True)) if together else kept.lit.T
    return tokens, lit, [plate.header.channels[c].name for c in kept.channels]


def _order(plate: LexiconPlate, kept: FieldTokens, names: Sequence[str]) -> list[int] | None:
    """Positions of the named channels in a field, None where it lacks one."""
    have = [plate.header.channels[c].name for c in kept.channels]
    return [have.index(name) for name in names] if all(name in have for name in names) else None


def _grouped(part: np.ndarray, channels: str, order: list[int]) -> np.ndarray:
    """``(n, G, dim)`` as they are kept to ``(G or 1, n, dim)``."""
    return grouped_tokens(torch.from_numpy(part).transpose(0, 1), channels, order).numpy()


def _flat(grouped: np.ndarray) -> np.ndarray:
    return np.asarray(grouped.reshape(-1, grouped.shape[-1]))
