"""Features that were taught: directions whose meaning is known, added to a dictionary that learnt all others by itself.

They are added when the rest is learnt. Held as atoms from the start, as principal directions are, they would take part
in shaping what nobody taught; measured in docs/explanation/dictionaries.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from napari_lexicon.dictionaries.atoms import unit_rows_
from napari_lexicon.dictionaries.dictionary import Dictionary
from napari_lexicon.dictionaries.metrics import CodeStatistics, coherence
from napari_lexicon.errors import DictionaryError

_AT_ONCE = 4096


def with_taught(
    dictionary: Dictionary,
    taught: Mapping[str, torch.Tensor],
    held_out: torch.Tensor,
    channels: Mapping[str, str] | None = None,
) -> Dictionary:
    """The same dictionary with further features; the pursuit takes old and new ones alike.

    Parameters
    ----------
    dictionary : Dictionary
        One that encodes by a pursuit. The stability of its features is left behind: the new ones have none yet.
    taught : dict of str to torch.Tensor
        What each new feature was taught, and its ``(dim_w,)`` direction among whitened tokens, of any length.
    held_out : torch.Tensor
        ``(N, dim)`` raw tokens that the figures in the header are counted on anew.
    channels : dict of str to str, optional
        The channel that a feature was taught in, where it means something there only.

    Raises
    ------
    DictionaryError
        If a direction does not fit the dictionary's whitened tokens, or features are encoded by a matrix of their own.
    """
    if dictionary.linear is not None:
        raise DictionaryError(
            "This dictionary encodes by a matrix that was learnt with its features, so none can be added: "
            "use one of ICFL or of matching pursuit."
        )
    dim = dictionary.atoms.shape[1]
    for name, direction in taught.items():
        if direction.shape != (dim,) or not torch.isfinite(direction).all() or not direction.any():
            raise DictionaryError(
                f'The direction taught for "{name}" has shape {tuple(direction.shape)}, or no length: '
                f"give {dim} finite numbers, as many as a whitened token has."
            )
    first = dictionary.n_features
    added = unit_rows_(torch.stack(list(taught.values())).to(dictionary.atoms, copy=True))
    header = dictionary.header
    numbered = {**header.taught, **{first + place: name for place, name in enumerate(taught)}}
    known = {first + place: (channels or {})[name] for place, name in enumerate(taught) if name in (channels or {})}
    added_to = {"taught": numbered, "taught_channels": {**header.taught_channels, **known}}
    larger = Dictionary(
        torch.cat([dictionary.atoms, added]),
        dictionary.bias,
        dictionary.whitening,
        dictionary.encoder,
        header.model_copy(update=added_to),
    )
    metrics = {**header.metrics, **_figures(larger, held_out)}
    header = larger.header.model_copy(update={"metrics": metrics})
    return Dictionary(larger.atoms, larger.bias, larger.whitening, larger.encoder, header)


def _figures(dictionary: Dictionary, held_out: torch.Tensor) -> dict[str, Any]:
    sums = CodeStatistics(dictionary.n_features, dictionary.atoms.shape[1])
    for tokens in torch.split(held_out, _AT_ONCE):
        unit = dictionary.prepared(tokens)[0]
        sums.update(unit, dictionary.encode(tokens), dictionary.atoms, dictionary.bias)
    return {**sums.figures(), "coherence": coherence(dictionary.atoms)}
