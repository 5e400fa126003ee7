"""Fields read again: how far every patch lies along features, which no lexicon keeps patch by patch."""

from __future__ import annotations

import numpy as np
import torch

from napari_lexicon.analysis.models import model_of
from napari_lexicon.analysis.reading import ReadField, Told, untold
from napari_lexicon.backbones.background import lit_patches
from napari_lexicon.backbones.tiling import field_tokens
from napari_lexicon.dictionaries.channel_groups import grouped_tokens
from napari_lexicon.errors import LexiconError
from napari_lexicon.lexicons import Lexicon


class FieldsAlong:
    """Embeds single fields of a lexicon again and whitens their tokens.

    Parameters
    ----------
    lexicon : Lexicon
        With codes, and its images where they were.
    told : callable
        Told of the download of the model, where that is not on this computer.

    Raises
    ------
    LexiconError
        If there is no dictionary, or the model cannot be loaded by its name.
    """

    def __init__(self, lexicon: Lexicon, told: Told = untold) -> None:
        dictionary = lexicon.dictionary
        if dictionary is None:
            raise LexiconError(f"{lexicon.path} has no dictionary yet: run apply first.")
        self._dictionary, self._spec = dictionary, lexicon.backbone
        self._backbone = model_of(lexicon, told)

    @property
    def atoms(self) -> np.ndarray:
        """``(M, dim_w)`` float32 unit directions of the features."""
        return self._dictionary.atoms.cpu().numpy()

    @property
    def patch(self) -> int:
        """Side of a patch, pixels."""
        return self._spec.patch

    def tokens(self, one: ReadField) -> tuple[torch.Tensor, np.ndarray]:
        """``(C, gh, gw, dim)`` raw tokens of a field with its pixels, and ``(C, gh, gw)`` bool, which are not dark.

        One group of tokens with models that read all channels at once.
        """
        image = one.windowed
        return field_tokens(self._backbone, image), lit_patches(image, self._spec.patch)

    def whitened(self, one: ReadField) -> tuple[np.ndarray, np.ndarray]:
        """Whitened tokens of a field, as :mod:`napari_lexicon.jobs.directions` counts them.

        Parameters
        ----------
        one : ReadField
            With its pixels.

        Returns
        -------
        tokens : numpy.ndarray
            ``(G, gh, gw, dim_w)`` float32; the unit is a standard deviation of control tokens.
        counts : numpy.ndarray
            ``(G, gh, gw)`` bool: patches that count, those that are not dark where the lexicon leaves dark ones out.
        """
        header = self._dictionary.header
        names = [one.plate.header.channels[c].name for c in one.header.channels]
        order = [names.index(name) for name in header.channel_names]
        read, lit = self.tokens(one)
        tokens = grouped_tokens(read, header.channels_mode, order)
        if len(tokens) < len(lit):
            lit = np.asarray(lit[order].any(axis=0, keepdims=True) if order else lit.any(axis=0, keepdims=True))
        if one.plate.counts_dark_patches(one.number):
            lit = np.ones_like(lit)
        return self._dictionary.whitening.whiten(tokens).cpu().numpy(), lit

    def scores(self, one: ReadField, features: np.ndarray) -> np.ndarray:
        """``(G, F, gh, gw)`` float32: how far every patch lies along some features, 0 where it does not count."""
        tokens, counts = self.whitened(one)
        atoms = self.atoms[np.asarray(features)]
        return np.asarray(np.moveaxis(tokens @ atoms.T * counts[..., None], -1, 1), dtype=np.float32)
